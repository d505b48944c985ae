"""In which order pages teach most: doubtful, with characters that are rare so far, unlike the others; pure.

Pages are taken one by one, each the best that is left. So a batch does not hold the same page twenty times:
a character that was taken is less rare afterwards, and a page like one that was taken is less worth. The last
part is the farthest-first choice of a k-centre problem (O. Sener, S. Savarese: Active Learning for
Convolutional Neural Networks: A Core-Set Approach, ICLR 2018), here over the characters of the readings.
Nothing is drawn by chance: the same pages come in the same order.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from backend.projects.teaching_pages import ApprovedWork, WaitingPage

DOUBT, RARITY, UNLIKENESS = 0.5, 0.25, 0.25
"""What each part counts; a page's doubt as much as the two others together, because there the readers are
wrong, and what they read right needs no lesson."""

ENOUGH = 20
"""Occurrences after which a character is rare no more: a guess, not measured. Some of them go to the lines
for validation and test."""

LONE = 0.5
"""What a character counts that one reader saw alone, because it may be a misreading."""

PIECE = 3
"""Characters of a piece of text by which pages are compared."""

PIECES = 2048
"""Kinds of pieces that are told apart; further ones fall together with some of them."""

NAMED_CHARACTERS = 3
"""Characters that the reason of a page names."""


@dataclass(frozen=True, slots=True)
class Place:
    """A page in the order, and why it stands there.

    value: what it teaches, 0 to 1; None for a page that follows by its share of agreed lines alone.
    new_characters: of the page, rare so far, the rarest first.
    similarity: to the most similar page that is approved or comes before, 0 to 1; None where there is none.
    """

    page: WaitingPage
    value: float | None = None
    new_characters: tuple[str, ...] = ()
    similarity: float | None = None


def teaching_order(pages: Sequence[WaitingPage], approved: ApprovedWork, limit: int) -> list[Place]:
    """Order pages by what they teach.

    Args:
        pages: that wait, in any order.
        approved: what people submitted so far.
        limit: how many are chosen one by one; the others follow, the least agreed first.

    Returns:
        Every page once.
    """
    ordered = sorted(pages, key=lambda page: (page.agreed_share, page.task))
    if not ordered:
        return []
    doubt = _doubt(ordered)
    rarity = _Rarity(ordered, approved)
    distance = _Distance(ordered, approved)
    left = np.ones(len(ordered), dtype=bool)
    places = []
    for _ in range(min(limit, len(ordered))):
        # rounded, so that the order does not hang on the last bit; of equal ones the first in `ordered`
        value = np.round(DOUBT * doubt + RARITY * rarity.shares() + UNLIKENESS * distance.unlike, 9)
        best = int(np.argmax(np.where(left, value, -1.0)))
        left[best] = False
        places.append(Place(ordered[best], float(value[best]), rarity.named(best), distance.similarity(best)))
        rarity.take(best)
        distance.take(best)
    return places + [Place(page) for page, waits in zip(ordered, left, strict=True) if waits]


def _doubt(pages: Sequence[WaitingPage]) -> npt.NDArray[np.float64]:
    """Of each page, 0 to 1: the mean of share and number of its disputed lines, unlike ones counting double.

    By the share alone a sign of one line would come before every letter; by the number alone a register of
    300 lines with ten faults would.
    """
    weight = np.array([(page.disputed + page.unlikeness) / 2 for page in pages])
    lines = np.array([page.lines for page in pages])
    return np.asarray(np.sqrt(weight / lines * weight / max(float(weight.max()), 1e-9)), dtype=np.float64)


class _Rarity:
    """How many rare characters each page has, while pages are taken."""

    def __init__(self, pages: Sequence[WaitingPage], approved: ApprovedWork) -> None:
        self._weights = [
            dict.fromkeys(sorted(page.common), 1.0) | dict.fromkeys(sorted(page.lone), LONE) for page in pages
        ]
        pages_with: dict[str, list[int]] = {}
        for index, weights in enumerate(self._weights):
            for character in weights:
                pages_with.setdefault(character, []).append(index)
        self._pages_with = {each: np.array(indices) for each, indices in pages_with.items()}
        self._weight_there = {
            each: np.array([self._weights[index][each] for index in indices])
            for each, indices in pages_with.items()
        }
        self._texts = [Counter(page.text) for page in pages]
        self._seen = Counter({each: approved.characters[each] for each in self._pages_with})
        self._rare = np.array(
            [
                sum(weight * self._need(character) for character, weight in weights.items())
                for weights in self._weights
            ]
        )
        self._most = max(float(self._rare.max()), 1e-9)

    def shares(self) -> npt.NDArray[np.float64]:
        """Of each page, 0 to 1: its rare characters, by the most that a page had at first."""
        return np.clip(self._rare / self._most, 0.0, 1.0)

    def named(self, index: int) -> tuple[str, ...]:
        """The rare characters of a page that few pages have: letters first, of the fewest pages first."""
        rare = [
            character
            for character in self._weights[index]
            if self._need(character) > 0.5 and 2 * len(self._pages_with[character]) <= len(self._weights)
        ]
        rare.sort(key=lambda each: (not each.isalpha(), self._pages_in_any_case(each), each))
        return tuple(rare[:NAMED_CHARACTERS])

    def _pages_in_any_case(self, character: str) -> int:
        """A capital is not rare where its small letter is common."""
        forms = {character, character.lower(), character.upper()}
        return len({int(page) for form in forms for page in self._pages_with.get(form, ())})

    def take(self, index: int) -> None:
        """Count a page's characters as seen: it will be approved before those that come after it."""
        for character, weight in self._weights[index].items():
            before = self._need(character)
            self._seen[character] += math.ceil(weight * max(1, self._texts[index][character]))
            less = before - self._need(character)
            if less:
                self._rare[self._pages_with[character]] -= self._weight_there[character] * less

    def _need(self, character: str) -> float:
        return max(0.0, 1.0 - self._seen[character] / ENOUGH)


class _Distance:
    """How unlike each page is to the nearest one that is approved or taken."""

    def __init__(self, pages: Sequence[WaitingPage], approved: ApprovedWork) -> None:
        counts = _piece_counts([page.text for page in pages] + approved.texts)
        found = np.count_nonzero(counts, axis=0)
        inverse = np.log((1 + len(counts)) / (1 + found)) + 1
        vectors = np.log1p(counts) * inverse
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors = (vectors / np.where(length > 0, length, 1.0)).astype(np.float32)
        self._vectors = vectors[: len(pages)]
        self._nearest = np.zeros(len(pages), dtype=np.float64)
        self._compared = bool(approved.texts)
        # nothing is known of a page without a text: it is like every other
        self._nearest[length[: len(pages), 0] == 0] = 1.0
        for known in vectors[len(pages) :]:
            np.maximum(self._nearest, self._vectors @ known, out=self._nearest)

    @property
    def unlike(self) -> npt.NDArray[np.float64]:
        """Of each page, 0 to 1."""
        return np.clip(1.0 - self._nearest, 0.0, 1.0)

    def similarity(self, index: int) -> float | None:
        """Of a page to its nearest; None where there is no other to compare."""
        return float(min(1.0, self._nearest[index])) if self._compared else None

    def take(self, index: int) -> None:
        """Compare with this page, too."""
        self._compared = True
        np.maximum(self._nearest, self._vectors @ self._vectors[index], out=self._nearest)


def _piece_counts(texts: Iterable[str]) -> npt.NDArray[np.float32]:
    """How often each kind of piece stands in each text, float32, shape (texts, PIECES)."""
    rows = []
    for text in texts:
        row = np.zeros(PIECES, dtype=np.float32)
        words = " ".join(text.split())
        pieces = Counter(words[start : start + PIECE] for start in range(len(words) - PIECE + 1))
        for piece, count in pieces.items():
            # the same in every process, as `hash` is not
            row[zlib.crc32(piece.encode("utf-8", "surrogatepass")) % PIECES] += count
        rows.append(row)
    return np.stack(rows)

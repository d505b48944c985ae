"""Where a line that is too long for training is cut, and what each piece says; pure.

PP-OCR's networks have 40 CTC steps in training, and the NRTR head that guides them takes two of PaddleOCR's
25 characters for itself. A longer line is loaded and teaches nothing. Cuts are made between words alone: half
a letter at an edge would teach a model to see letters where there are none. In Chinese and Japanese, which
have no gaps between words, a line may be cut between any two ideographs or kana.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from backend.page.lines import Pixels
from converters.paddleocr.training_config import RecognitionRules

_EMPTY = 0.15
"""Share of the way from the emptiest column to the fullest: up to there a column shows no letter."""
_NARROWEST = 4
"""Pixels; nothing narrower is a piece with text on it."""


@dataclass(frozen=True, slots=True)
class Words:
    """A stretch of a line's text that becomes one piece.

    start, end: its characters, end excluded; spaces at its edges belong to none.
    """

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a line: what it says, and its columns in the crop, right excluded."""

    text: str
    left: int
    right: int


@dataclass(frozen=True, slots=True)
class LongWord:
    """A word that is too long by itself; the line cannot be cut so that all pieces fit."""

    word: str


Cut: TypeAlias = "tuple[Words, ...] | LongWord"


def fits(text: str, rules: RecognitionRules) -> bool:
    """Whether PaddleOCR learns a text as it stands: its length, and the CTC steps that it takes."""
    return len(text) <= rules.longest_label and rules.learns(text)


def cut_text(text: str, rules: RecognitionRules) -> Cut:
    """Part a text into as few pieces as fit, as even as they can be.

    Args:
        text: in the order of the picture.
        rules: of the training.

    Returns:
        One piece where the whole text fits; the first word that is too long where one is.
    """
    words = _words(text)
    for word in words:
        if not fits(word.text, rules):
            return LongWord(word.text)
    # for each word, the best way to part the text up to it: fewest pieces, then the least sum of squares
    best: list[tuple[int, int]] = [(0, 0)]
    begins: list[int] = [0]
    for last in range(1, len(words) + 1):
        ways = []
        for first in range(last - 1, -1, -1):
            piece = text[words[first].start : words[last - 1].end]
            if not fits(piece, rules):
                # steps grow with each word, so no longer piece fits either
                break
            pieces, squares = best[first]
            ways.append((pieces + 1, squares + len(piece) ** 2, first))
        pieces, squares, first = min(ways)
        best.append((pieces, squares))
        begins.append(first)
    found = []
    last = len(words)
    while last:
        first = begins[last]
        start, end = words[first].start, words[last - 1].end
        found.append(Words(text[start:end], start, end))
        last = first
    return tuple(reversed(found))


def cut_line(crop: Pixels, parts: Sequence[Words], places: Sequence[float]) -> tuple[Piece, ...] | None:
    """Find the columns at which a crop is cut: each in the widest gap between two words' letters.

    Args:
        crop: RGB, uint8, shape (height, width, 3).
        parts: two or more, from left to right, as `cut_text` gives them.
        places: the x of each character's centre, crop pixels.

    Returns:
        As many pieces; None where places leave no room for one of them.
    """
    spread = _spread(crop)
    edges = [0]
    for left, right in pairwise(parts):
        touching = left.end == right.start
        cut = _gap(spread, places[left.end - 1], places[right.start], nearest=touching)
        if cut is None or cut - edges[-1] < _NARROWEST:
            return None
        edges.append(cut)
    edges.append(crop.shape[1])
    if edges[-1] - edges[-2] < _NARROWEST:
        return None
    return tuple(
        Piece(part.text, left, right) for part, left, right in zip(parts, edges[:-1], edges[1:], strict=True)
    )


def _words(text: str) -> list[Words]:
    """The stretches of a text that are never cut."""
    found = []
    start = 0
    for end in range(1, len(text) + 1):
        if end == len(text) or " " in text[end - 1 : end + 1] or _may_part(text[end - 1], text[end]):
            if text[start:end].strip(" "):
                found.append(Words(text[start:end], start, end))
            start = end
    return found


def _may_part(left: str, right: str) -> bool:
    """Whether a line may be cut between two characters without a space; marks stay with what they mark."""
    return all(
        unicodedata.east_asian_width(char) == "W" and unicodedata.category(char) == "Lo"
        for char in (left, right)
    )


def _spread(crop: Pixels) -> npt.NDArray[np.int16]:
    """How much the brightness of each column varies from top to bottom: little where there is no letter."""
    grey = crop.astype(np.int16).sum(axis=2) // 3
    found: npt.NDArray[np.int16] = (grey.max(axis=0) - grey.min(axis=0)).astype(np.int16)
    return found


def _gap(spread: npt.NDArray[np.int16], left: float, right: float, *, nearest: bool) -> int | None:
    """The middle of the gap between two characters; None where they leave no column between them.

    Args:
        spread: of the whole crop.
        left: the one character's centre, pixels.
        right: the other's.
        nearest: take the gap that is nearest to their middle, not the widest: without a space between
            them, a gap inside a character may be the widest.
    """
    first, last = int(np.ceil(left)), int(np.floor(right))
    near = spread[max(0, first) : last]
    if len(near) < 2:
        return None
    low, high = int(near.min()), int(near.max())
    empty = near <= low + _EMPTY * max(1, high - low)
    turns = np.flatnonzero(np.diff(np.concatenate([[0], empty.astype(np.int8), [0]])))
    begins, ends = turns[::2], turns[1::2]
    middles = (begins + ends) / 2
    away = np.abs(middles - len(near) / 2)
    chosen = int(np.argmin(away)) if nearest else int(np.lexsort((away, begins - ends))[0])
    return max(0, first) + int(middles[chosen])

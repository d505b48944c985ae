"""Which pages train, validate and test: by a hash of the page, so that nothing depends on order; pure.

Recognition and detection take the same answer, so that no page trains one and tests the other. Pages of
one group (a document, scans of the same lines) stay together. An assignment that was made stays as it is.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

import cv2
import numpy as np

from backend.page.lines import Pixels

Key = TypeVar("Key", bound=Hashable)

COMMON = 5
"""Pages; what stands on more of them is a word in common, such as a letterhead, which proves no kinship."""


class Part(str, Enum):
    """A part of a dataset; its value is what file names say."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


class PartReason(Enum):
    """Why a page is in its part."""

    HASH = "by its hash"
    KEPT = "as in an earlier export"
    TOGETHER = "with a page of its group that was assigned earlier"
    RARE = "it carries a character that no other training page has"
    FILLED = "its part would have been empty"


@dataclass(frozen=True, slots=True)
class SplitPage:
    """What the split knows of a page.

    page: a name that never changes, such as the hash of its pixels.
    group: pages of one group stay together, such as a document id; None for a page by itself.
    characters: all characters of the page's texts.
    crops: of each crop a hash of its text and its `dhash`; pages with near-duplicate crops, which say and
        look the same, stay together. Looks alone would not do: short numbers all look alike.
    lines: it has lines for recognition; one without them fills no part.
    """

    page: str
    group: str | None = None
    characters: frozenset[str] = frozenset()
    crops: tuple[tuple[int, int], ...] = ()
    lines: bool = True


@dataclass(frozen=True, slots=True)
class Split:
    """The part of each page and why; pages in order of their names.

    largest_group: the number of pages that had to stay together at most; when that is most of the
        project, the ratio cannot be kept.
    """

    parts: dict[str, Part]
    reasons: dict[str, PartReason]
    largest_group: int

    def pages(self, part: Part) -> list[str]:
        """The pages of one part, sorted."""
        return [page for page, its in self.parts.items() if its is part]


def split(
    pages: Iterable[SplitPage],
    ratio: tuple[float, float, float] = (0.8, 0.1, 0.1),
    *,
    kept: Mapping[str, Part] | None = None,
    distance: int = 3,
    common: int = COMMON,
) -> Split:
    """Assign each page to train, val or test.

    The same pages give the same answer in any order. A group's hash decides where it goes. Then no part
    that the ratio asks for stays empty while there are groups to give, train first; and a group that
    carries a character which no training page has moves to train, unless that would empty its part.

    Args:
        pages: each name once.
        ratio: shares of train, val and test.
        kept: where earlier exports put pages; those stay, whatever the ratio says now.
        distance: fingerprints that differ in at most so many bits are near-duplicates.
        common: a crop that more pages than this share is a word in common, not a duplicate.
    """
    known = sorted({page.page: page for page in pages}.values(), key=lambda page: page.page)
    kept = kept or {}
    groups = _groups(known, distance, common)
    parts: dict[int, Part] = {}
    reasons: dict[int, PartReason] = {}
    places = [_place(group) for group in groups]
    for number, group in enumerate(groups):
        earlier = [kept[page.page] for page in group if page.page in kept]
        if earlier:
            # of several earlier parts train wins: a near-duplicate of a training page must not test
            parts[number] = min(earlier, key=list(Part).index)
            reasons[number] = PartReason.TOGETHER
        else:
            parts[number] = _part(places[number], ratio)
            reasons[number] = PartReason.HASH
    free = {number for number, why in reasons.items() if why is PartReason.HASH}
    wanted = [part for part, share in zip(Part, ratio, strict=True) if share > 0]
    _fill(parts, reasons, free, places, wanted, groups)
    _rescue_characters(parts, reasons, free, places, groups, set(wanted))
    by_page = {}
    why_by_page = {}
    for number, group in enumerate(groups):
        for page in group:
            by_page[page.page] = kept.get(page.page, parts[number])
            why_by_page[page.page] = PartReason.KEPT if page.page in kept else reasons[number]
    order = [page.page for page in known]
    largest = max((len(group) for group in groups), default=0)
    return Split(
        {page: by_page[page] for page in order}, {page: why_by_page[page] for page in order}, largest
    )


def dhash(pixels: Pixels, size: int = 8) -> int:
    """A fingerprint that small changes of size, brightness or compression leave nearly the same.

    Args:
        pixels: RGB, uint8, shape (height, width, 3).
        size: the fingerprint compares brightness at size x (size + 1) places.

    Returns:
        size * size bits; the number of bits in which two fingerprints differ measures the difference.
    """
    small = cv2.resize(
        cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), (size + 1, size), interpolation=cv2.INTER_AREA
    )
    bits = np.packbits(small[:, 1:] > small[:, :-1])
    return int.from_bytes(bits.tobytes(), "big") >> (-size * size % 8)


def alike(fingerprints: Iterable[int], distance: int) -> list[list[int]]:
    """Groups of fingerprints that differ in at most `distance` of 64 bits, directly or through others."""
    left = np.unique(np.array(list(fingerprints), dtype=np.uint64))
    groups = []
    while len(left):
        group, left = [left[0]], left[1:]
        # it grows while it is walked through
        for value in group:
            near = np.bitwise_count(left ^ value) <= distance
            group.extend(left[near])
            left = left[~near]
        groups.append(sorted(map(int, group)))
    return groups


def joined(keys: Iterable[Key], pairs: Iterable[tuple[Key, Key]]) -> list[list[Key]]:
    """Groups of keys that pairs connect, directly or through others; in the order of the keys."""
    parent = {key: key for key in keys}

    def root(key: Key) -> Key:
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for first, second in pairs:
        parent[root(second)] = root(first)
    groups: dict[Key, list[Key]] = defaultdict(list)
    for key in parent:
        groups[root(key)].append(key)
    return list(groups.values())


def _groups(pages: Sequence[SplitPage], distance: int, common: int) -> list[list[SplitPage]]:
    """Pages that stay together: by their group, or by a crop that says and looks the same."""
    by_name = {page.page: page for page in pages}
    members: dict[str, list[str]] = defaultdict(list)
    looks: dict[int, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for page in pages:
        if page.group is not None:
            members[page.group].append(page.page)
        for text, fingerprint in page.crops:
            looks[text][fingerprint].add(page.page)
    together = list(members.values())
    for holders in looks.values():
        for same in alike(holders, distance):
            names = sorted(set().union(*(holders[fingerprint] for fingerprint in same)))
            if len(names) <= common:
                together.append(names)
    pairs = [(names[0], name) for names in together for name in names[1:]]
    return [[by_name[name] for name in group] for group in joined(by_name, pairs)]


def _place(group: Sequence[SplitPage]) -> float:
    """A group's place between 0 and 1, from its document id or else its first page's name."""
    key = min((page.group for page in group if page.group is not None), default=group[0].page)
    return int.from_bytes(hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()[:8], "big") / 2**64


def _part(place: float, ratio: tuple[float, float, float]) -> Part:
    if place < ratio[0]:
        return Part.TRAIN
    # rounding may leave a place above the sum of the shares
    return Part.VAL if place < ratio[0] + ratio[1] or not ratio[2] else Part.TEST


def _fill(
    parts: dict[int, Part],
    reasons: dict[int, PartReason],
    free: set[int],
    places: Sequence[float],
    wanted: Sequence[Part],
    groups: Sequence[Sequence[SplitPage]],
) -> None:
    """Give each wanted part that is empty one group of the part that has most, train first."""
    carriers = Counter(char for group in groups for char in _characters(group))
    full = {number for number, group in enumerate(groups) if any(page.lines for page in group)}
    for part in wanted:
        counts = Counter(parts[number] for number in full)
        if counts[part]:
            continue
        candidates = [number for number in full & free if counts[parts[number]] > 1]
        if part is Part.TRAIN and not candidates:
            # one lone group and a part to test it on: there is nothing to test without training
            candidates = sorted(full & free)
        if not candidates:
            continue

        def rank(number: int) -> tuple[int, int, float]:
            alone = sum(carriers[char] == 1 for char in _characters(groups[number]))
            return alone, -counts[parts[number]], places[number]  # noqa: B023

        chosen = min(candidates, key=rank)
        parts[chosen] = part
        reasons[chosen] = PartReason.FILLED


def _rescue_characters(
    parts: dict[int, Part],
    reasons: dict[int, PartReason],
    free: set[int],
    places: Sequence[float],
    groups: Sequence[Sequence[SplitPage]],
    wanted: set[Part],
) -> None:
    """Move to train the groups with characters that train lacks, those with most such characters first."""
    trained = {char for n, part in parts.items() if part is Part.TRAIN for char in _characters(groups[n])}
    counts = Counter(parts.values())
    lacking = {n: _characters(groups[n]) - trained for n in free if parts[n] is not Part.TRAIN}
    while True:
        movable = [
            n for n, chars in lacking.items() if chars and (counts[parts[n]] > 1 or parts[n] not in wanted)
        ]
        if not movable:
            return
        chosen = max(movable, key=lambda n: (len(lacking[n]), places[n]))
        counts[parts[chosen]] -= 1
        parts[chosen] = Part.TRAIN
        reasons[chosen] = PartReason.RARE
        gained = lacking.pop(chosen)
        for number in lacking:
            lacking[number] -= gained


def _characters(group: Sequence[SplitPage]) -> set[str]:
    return {char for page in group for char in page.characters}

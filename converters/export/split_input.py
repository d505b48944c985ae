"""What the split has to know of a project's pages, gathered page by page in little memory; pure."""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np

from converters.export.page_records import PageRecord
from converters.export.split import COMMON, SplitPage

RARE = 100
"""Pages; a character on more of them needs no care to be among the training pages."""


@dataclass(frozen=True, slots=True)
class _Page:
    group: str | None
    characters: str
    lines: bool


class SplitInput:
    """Gathers pages; two tasks with the same picture are one page."""

    def __init__(self) -> None:
        self._pages: dict[str, _Page] = {}
        self._numbers: dict[str, int] = {}
        self._texts = array("Q")
        self._crops = array("Q")
        self._on = array("L")

    def add(self, record: PageRecord) -> None:
        """Take note of a page; one without a row takes no part."""
        if record.page_sha256 is None or not (record.image or any(line.crop for line in record.lines)):
            return
        page = record.page_sha256
        known = self._pages.get(page, _Page(record.group, "", lines=False))
        texts = [line.text for line in record.lines if line.why is None]
        characters = "".join(sorted(set(known.characters).union(*texts)))
        group = min((g for g in (known.group, record.group) if g is not None), default=None)
        self._pages[page] = _Page(group, characters, known.lines or bool(texts))
        number = self._numbers.setdefault(page, len(self._numbers))
        for line in record.lines:
            if line.why is None and line.crop is not None:
                digest = hashlib.blake2b(line.text.encode(), digest_size=8).digest()
                self._texts.append(int.from_bytes(digest, "big"))
                self._crops.append(line.fingerprint)
                self._on.append(number)

    def pages(self) -> list[SplitPage]:
        """Every page, with the crops and characters that may decide where it goes."""
        carriers = Counter(char for page in self._pages.values() for char in page.characters)
        crops = self._telling_crops()
        return [
            SplitPage(
                name,
                page.group,
                frozenset(char for char in page.characters if carriers[char] <= RARE),
                crops=crops.get(self._numbers[name], ()),
                lines=page.lines,
            )
            for name, page in self._pages.items()
        ]

    def _telling_crops(self) -> dict[int, tuple[tuple[int, int], ...]]:
        """Crops whose text stands on a few pages, by page, as `SplitPage.crops` has them.

        A near-duplicate says the same, so a text on one page has none; most lines are such.
        """
        texts = np.frombuffer(self._texts, dtype=np.uint64) if self._texts else np.zeros(0, np.uint64)
        on = np.frombuffer(self._on, dtype=f"u{self._on.itemsize}") if self._on else np.zeros(0, np.uint64)
        order = np.lexsort((on, texts))
        texts, on = texts[order], on[order]
        first = np.ones(len(texts), dtype=bool)
        first[1:] = (texts[1:] != texts[:-1]) | (on[1:] != on[:-1])
        values, counts = np.unique(texts[first], return_counts=True)
        shared = values[(counts > 1) & (counts <= COMMON)]
        found: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for place in np.flatnonzero(np.isin(texts, shared)):
            found[int(on[place])].append((int(texts[place]), self._crops[int(order[place])]))
        return {number: tuple(crops) for number, crops in found.items()}

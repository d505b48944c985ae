"""The totals of a dataset as one HTML page that lies in it: what was exported, what was not, and why.

It opens without a network; the crops that it shows are the dataset's own. The same dataset gives the same
page, so it says nothing of the run that made it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from converters.export.page_records import PageRecord
from converters.export.totals import EXPORTED, ExportTotals
from converters.export.write_page import PageOptions
from converters.paddleocr import dictionaries
from converters.reviewed.reasons import LeftOutReason
from converters.shared.templating import template

SHEET = 24
"""Crops on the contact sheet."""

EXAMPLES = 5
"""Regions that are named for each reason."""

RARE = 40
"""Characters that are listed, rarest first."""


@dataclass(frozen=True, slots=True)
class Example:
    """A region that was left out."""

    task: str
    page: int
    region: str
    text: str


class PageSamples:
    """The few lines that the page shows, out of however many; drawn by hash, so alike in every run."""

    def __init__(self) -> None:
        """Begin with none."""
        self.left_out: dict[str, list[Example]] = {}
        self._crops: list[tuple[str, str, str]] = []

    def add(self, record: PageRecord) -> None:
        """Offer a page's lines, pages in the order of the dataset."""
        for line in record.lines:
            if line.why is not None:
                examples = self.left_out.setdefault(LeftOutReason[line.why].words, [])
                if len(examples) < EXAMPLES:
                    examples.append(Example(record.task, record.number + 1, line.region, line.raw))
            elif line.crop is not None:
                draw = hashlib.sha256(line.crop.encode()).hexdigest()
                self._crops.append((draw, line.crop, line.text))
        if len(self._crops) > 10 * SHEET:
            self._crops = sorted(self._crops)[:SHEET]

    @property
    def crops(self) -> list[tuple[str, str]]:
        """Path and text of the lines on the contact sheet."""
        return [(crop, text) for _, crop, text in sorted(self._crops)[:SHEET]]


def page(totals: ExportTotals, options: PageOptions, samples: PageSamples, characters: Counter[str]) -> str:
    """Write the page.

    Args:
        totals: of the export; every table of them adds up to its last row.
        options: what was written.
        samples: lines for examples and contact sheet.
        characters: of the exported texts, with counts.
    """
    tables = [("Tasks", "reviewed", totals.tasks), ("Annotations", "counted", totals.annotations)]
    if options.recognition:
        tables.append(("Recognition, by region", EXPORTED, totals.recognition))
    if options.detection:
        tables.append(("Detection, by region", EXPORTED, totals.detection))
    rare = sorted(characters.items(), key=lambda item: (item[1], item[0]))
    return template("export.html.j2", named=dictionaries.character_name, url=quote, visible=visible).render(
        tables=[(title, _rows(counts, exported), counts.total()) for title, exported, counts in tables],
        totals=totals,
        options=options,
        left_out=sorted(samples.left_out.items()),
        crops=samples.crops,
        characters=len(characters),
        rare=rare[:RARE],
        examples=EXAMPLES,
    )


def visible(text: str) -> str:
    """A text in which what nobody can see, and what no file can hold, stands by its code point."""
    return "".join(char if char.isprintable() else f"⟨U+{ord(char):04X}⟩" for char in text)


def _rows(counts: Counter[str], exported: str) -> Iterable[tuple[str, int]]:
    """The counts, those that were exported first, then the most frequent reasons."""
    found = sorted(counts.items(), key=lambda item: (item[0] != EXPORTED, -item[1], item[0]))
    return [(exported if name == EXPORTED else name, count) for name, count in found if count]

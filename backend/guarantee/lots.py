"""The nouns of an audit: which lines a claim speaks about, and what people said about those drawn."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LotKey:
    """What a claim is about.

    project: id in Label Studio.
    language: of the pages, as in `OCR_LANGUAGE`.
    version: the model version, which names the readers.
    """

    project: int
    language: str
    version: str


@dataclass(frozen=True, slots=True)
class LotLine:
    """One line that the readers agreed upon.

    page: id of its task.
    region: id of its region.
    draw: see `draws.draw_number`.
    score: how likely its text is right, by the readers' evidence; 0 to 1.
    right: the answer of a person who saw no text: the same text as agreed, or not (another,
        illegible, no text); None where nobody has answered, or was asked.
    """

    page: int
    region: str
    draw: int
    score: float
    right: bool | None


@dataclass(frozen=True, slots=True)
class Lot:
    """Every agreed line of one project, language and model version.

    read: lines with text on the same pages, agreed or not.
    """

    key: LotKey
    lines: tuple[LotLine, ...]
    read: int


def drawn(lot: Lot, size: int) -> list[LotLine]:
    """The sample of `size` lines, in the order of the draw; all lines where the lot has fewer."""
    # region and page only order two lines of the same number, which 64 bits make unlikely
    return sorted(lot.lines, key=lambda line: (line.draw, line.page, line.region))[:size]

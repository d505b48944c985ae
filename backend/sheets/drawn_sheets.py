"""A new sheet, from lines of pages; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from backend.label_studio.message_language import MessageLanguage
from backend.label_studio.result_fields import Size
from backend.sheets.keys import Keyboard
from backend.sheets.page_images import page_name
from backend.sheets.sheet_tasks import SheetLine, ShownLine, sheet_data
from backend.sheets.shown_lines import shown
from backend.sheets.strips import PageImage


@dataclass(frozen=True, slots=True)
class LineToShow:
    """A line, and what is known of it beside what its sheet keeps.

    line: its place is given when it is drawn.
    size: width and height of the upright page, pixels.
    explanation, read_as: as `shown_lines.shown` takes them.
    """

    line: SheetLine
    size: Size
    explanation: str = ""
    read_as: tuple[str, ...] = ()


def drawn_sheet(
    lines: Sequence[LineToShow],
    images: Mapping[int, Sequence[str]],
    messages: MessageLanguage,
    keyboard: Keyboard,
) -> dict[str, Any]:
    """The data of a sheet.

    Args:
        lines: in the order in which they stand on it.
        images: for each task the addresses of its images.
        messages: the language that annotators are spoken to in.
        keyboard: what is printed on their keys.
    """
    drawn: list[ShownLine] = []
    names: list[str] = []
    for place, each in enumerate(lines):
        key = each.line.key
        address = images[key.task][each.line.page]
        names.append(page_name(address) or f"task {key.task}")
        drawn.append(
            shown(
                replace(each.line, place=place),
                PageImage(address, *each.size),
                page_name=names[-1],
                explanation=each.explanation,
                messages=messages,
                keyboard=keyboard,
                read_as=each.read_as,
            )
        )
    return sheet_data(drawn, names)

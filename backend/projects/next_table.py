"""The order of pages for a terminal and for machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from backend.outputs import printable
from backend.projects.next_tasks import ProjectPages
from backend.projects.teaching_order import Place

SHOWN = 20
"""Pages that a table shows."""

UNLIKE = 0.2
"""A page that is no more similar than that to any before is called unlike them: of all pairs of the demo's
pages nine in ten are below, while two receipts have 0.5 in common."""


def show(order: Sequence[Place], pages: ProjectPages, remarks: Sequence[str], console: Console) -> None:
    """Print the first pages of an order, what is not ordered, and what else is to be said.

    Args:
        order: every page.
        pages: of the project.
        remarks: sentences.
        console: where to print.
    """
    if order:
        console.print(table(order))
    if len(order) > SHOWN:
        console.print(f"... {len(order) - SHOWN} more pages; --summary-json has them all.")
    if left := counts(pages):
        console.print(left)
    for remark in remarks:
        console.print(printable(remark), style="yellow", markup=False)


def table(order: Sequence[Place]) -> Table:
    """The first pages of an order, and why each stands there."""
    shown = Table("place", "task", "why")
    for number, place in enumerate(order[:SHOWN], start=1):
        shown.add_row(str(number), str(place.page.task), Text(printable(reason(place))))
    return shown


def reason(place: Place) -> str:
    """Why a page stands where it stands."""
    page = place.page
    parts = [f"{page.disputed} of {page.lines} lines disputed" if page.disputed else "every line agreed"]
    if place.new_characters:
        parts.append("rare so far: " + " ".join(place.new_characters))
    if place.similarity is not None and place.similarity < UNLIKE:
        parts.append("unlike all pages before it")
    return "; ".join(parts)


def counts(pages: ProjectPages) -> str:
    """Which pages are not ordered, as a sentence; empty where all are."""
    left = [
        (pages.reviewed, "reviewed"),
        (pages.skipped, "skipped"),
        (pages.begun, "begun (a draft)"),
        (pages.empty, "without a line"),
        (pages.unread, "not read yet, which come last"),
    ]
    named = ", ".join(f"{count} {what}" for count, what in left if count)
    return f"Left as they are: {named}." if named else ""


def figures(order: Sequence[Place], pages: ProjectPages, written: int, *, undone: bool) -> dict[str, Any]:
    """The same as plain values, with every page."""
    return {
        "undone": undone,
        "scores_written": written,
        "pages": {
            "waiting": len(pages.waiting),
            "reviewed": pages.reviewed,
            "skipped": pages.skipped,
            "begun": pages.begun,
            "without_lines": pages.empty,
            "unread": pages.unread,
        },
        "order": [
            {
                "place": number,
                "task": place.page.task,
                "lines": place.page.lines,
                "disputed": place.page.disputed,
                "value": place.value,
                "rare_characters": list(place.new_characters),
                "similarity": place.similarity,
                "why": reason(place),
            }
            for number, place in enumerate(order, start=1)
        ],
    }

"""What `twinread status` says of sheets, and of pages that nobody looked at as a whole."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from backend.projects.sheet_status import SheetStatus, sheet_figures, sheet_notes, sheet_status, sheet_table
from backend.projects.status import PageStage, Status, status_of
from backend.projects.status_table import tables
from backend.sheets.sheet_work import sheet_work
from tests.parts.reviewed_work import CONFIG, Work, task
from tests.parts.sheet_answers import accepted_unseen, answers, completed_from_sheets, sheet

GREEN = Work(("Total", "Total"), "Total")
DOUBTFUL = Work(("Счёт", "Счет"), "Счёт")


def open_page(number: int, *lines: Work) -> dict[str, Any]:
    """A page that was read and that nobody has reviewed."""
    return {**task(number, lines), "annotations": []}


def shown(status: Status, sheets: SheetStatus | None, names: dict[int, str] | None = None) -> str:
    """Tables and notes as a terminal has them."""
    file = io.StringIO()
    console = Console(file=file, width=160)
    for table in tables(status, names or {}):
        console.print(table)
    if sheets is not None and (people := sheet_table(sheets.work, names or {})) is not None:
        console.print(people)
    for note in sheet_notes(sheets, status, 3):
        console.print(note, markup=False, soft_wrap=True)
    return file.getvalue()


def test_pages_that_nobody_looked_at_are_no_reviewed_pages() -> None:
    status = status_of(
        [
            completed_from_sheets(task(1, [DOUBTFUL, GREEN, GREEN]), {0: 3.0}),
            accepted_unseen(task(2, [GREEN, GREEN])),
            task(3, [GREEN]),
        ],
        CONFIG,
    )

    assert {stage: count for stage, count in status.pages.items() if count} == {
        PageStage.FROM_SHEETS: 1,
        PageStage.ACCEPTED: 1,
        PageStage.REVIEWED: 1,
    }
    assert (status.on_sheets, status.unseen, status.unopened) == (1, 4, 2)
    assert {user: (who.pages, who.lines) for user, who in status.people.items()} == {1: (1, 1)}
    words = shown(status, None)
    assert "from sheets" in words
    assert "accepted unseen" in words
    assert (
        "Nobody looked at 4 lines of 2 approved pages: 1 were completed from sheets alone "
        "and 1 were accepted because their readings agree." in words
    )


def test_a_page_opened_and_submitted_afterwards_is_reviewed() -> None:
    opened = completed_from_sheets(task(1, [DOUBTFUL, GREEN]), {0: 3.0})
    opened["annotations"][0]["lead_time"] = 9.0

    status = status_of([opened], CONFIG)

    assert (status.pages[PageStage.REVIEWED], status.unseen) == (1, 0)
    assert "Nobody looked" not in shown(status, None)
    assert "from sheets" not in shown(status, None)


def test_sheets_are_told_with_people_time_and_agreement() -> None:
    page = open_page(1, DOUBTFUL, DOUBTFUL, GREEN)
    both = [answers("AB", user=2, seconds=4.0), answers("AA", user=5, seconds=9.0)]
    status = status_of([page, open_page(2, GREEN)], CONFIG)
    work = sheet_work([sheet(71, page, 0, 1, answers=both)], 3, annotators=2)

    sheets = sheet_status(9, 3, work, status, 0.0)
    words = shown(status, sheets, {2: "anna@example.org"})

    assert "Sheets: 1 of 1 submitted; 1 lines decided, 0 wait for an answer, 1 answered differently." in words
    # 2 s and 4.5 s a line
    assert "A line on a sheet takes 3.2 s, the middle of 2 sheets." in words
    # po = 1/2; chance: A by one 1 of 2, by the other always: 1/2
    assert (
        "Of 2 lines that two people or more decided, 1 have one answer (50.0 %; Cohen's kappa 0.00)." in words
    )
    assert "1 decided lines are on no approved page yet" in words
    assert "No pages are sampled for page review" in words
    rows = [
        line.replace("│", "").split() for line in words.splitlines() if "anna@" in line or "user 5" in line
    ]
    assert rows == [["anna@example.org", "1", "2", "2.0"], ["user", "5", "1", "2", "4.5"]]


def test_a_decided_line_of_an_approved_page_waits_for_nothing() -> None:
    page = open_page(1, DOUBTFUL, GREEN)
    work = sheet_work([sheet(71, page, 0, answers=[answers("A", user=2, seconds=3.0)])], 3)
    done = completed_from_sheets(task(1, [DOUBTFUL, GREEN]), {0: 3.0})

    before = sheet_status(9, 3, work, status_of([page], CONFIG), 0.0)
    after = sheet_status(9, 3, work, status_of([done], CONFIG), 0.0)

    assert (before.waiting, after.waiting) == (1, 0)


def test_of_the_sample_only_pages_that_a_person_opened_are_reviewed() -> None:
    pages = [
        task(1, [GREEN]),
        accepted_unseen(task(2, [GREEN])),
        completed_from_sheets(task(3, [DOUBTFUL]), {0: 3.0}),
        open_page(4, GREEN),
    ]
    status = status_of(pages, CONFIG)

    sheets = sheet_status(9, 3, sheet_work([], 3), status, 1.0)

    told = sheet_figures(sheets)
    assert told is not None
    assert told["sample"] == {"share": 1.0, "pages": [1, 2, 3, 4], "reviewed": [1]}
    assert "Pages sampled for page review (100 %): 4, of which 1 reviewed." in shown(status, sheets)


def test_without_a_line_project_nothing_is_said_of_sheets() -> None:
    status = status_of([open_page(1, DOUBTFUL)], CONFIG)

    assert sheet_figures(None) is None
    assert list(sheet_notes(None, status, 3)) == []

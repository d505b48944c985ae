"""Lines and pages that nobody looked at: exported, counted, and named in the manifest for ever."""

from __future__ import annotations

import io

from rich.console import Console

from converters.export import terminal
from converters.export.write_page import PageOptions
from tests.parts.exported import contents, manifest, run
from tests.parts.reviewed_tasks import HEIGHT, WIDTH, Pictures
from tests.parts.reviewed_work import Work, quad_at, task
from tests.parts.sheet_answers import accepted_unseen, completed_from_sheets

GREEN = Work(("Total", "Total"), "Total", quad=quad_at(2, 250))
DOUBTFUL = Work(("Счёт", "Счет"), "Счёт", quad=quad_at(0, 250))


def page(number, *lines):
    return task(number, lines, size=(WIDTH, HEIGHT), image=f"/data/upload/1/{number}.png")


def looked_at(folder):
    """Task and region of each recognition row, with what it says of who looked."""
    kept = ("looked_at", "decided", "accepted_by")
    return [
        (row["task"], row["region"][:4], {key: row[key] for key in kept if key in row})
        for row in manifest(folder)
        if row["kind"] == "recognition"
    ]


def three_pages():
    """One of each kind: from sheets, accepted, reviewed."""
    return [
        completed_from_sheets(page(1, DOUBTFUL, GREEN), {0: 3.5}),
        accepted_unseen(page(2, GREEN), user=7),
        page(3, GREEN),
    ]


def test_each_row_says_who_looked_at_it(tmp_path):
    run(tmp_path / "out", three_pages())

    assert looked_at(tmp_path / "out") == [
        (
            1,
            "l001",
            {
                "looked_at": "sheet",
                "decided": {"verdict": "A", "by": [2], "sheet": 71, "annotation": 12, "seconds": 3.5},
            },
        ),
        (1, "l002", {"looked_at": "nobody"}),
        (2, "l001", {"looked_at": "nobody", "accepted_by": 7}),
        (3, "l001", {}),
    ]
    pages = {
        row["task"]: row.get("page_not_looked_at")
        for row in manifest(tmp_path / "out")
        if row["kind"] == "detection"
    }
    assert pages == {1: "sheets", 2: "accepted", 3: None}


def test_what_nobody_looked_at_is_counted_in_summary_terminal_and_page(tmp_path):
    totals = run(tmp_path / "out", three_pages())

    sentence = (
        "Nobody looked at 2 of 4 exported lines, nor at their 2 pages as a whole: 1 were completed from "
        "sheets alone and 1 were accepted because their readings agree. 1 were decided on sheets (in 3.5 s, "
        "the middle one)."
    )
    console = Console(file=io.StringIO(), soft_wrap=True)
    terminal.print_totals(totals, PageOptions(), tmp_path / "out", console, written=True)
    assert sentence in console.file.getvalue()
    (html,) = [content for name, content in contents(tmp_path / "out").items() if name.endswith(".html")]
    assert sentence in html.decode()
    told = totals.summary(PageOptions())
    assert told["lines_by_look"] == {"page": 1, "sheet": 1, "nobody": 2}
    assert told["pages_nobody_looked_at"] == {"sheets": 1, "accepted": 1}
    assert told["seconds_per_line_on_sheets_median"] == 3.5


def test_a_page_that_somebody_submits_later_loses_the_mark_in_the_next_export(tmp_path):
    tasks = three_pages()
    run(tmp_path / "out", tasks)
    tasks[1]["annotations"][0]["lead_time"] = 8.0

    totals = run(tmp_path / "out", tasks)

    assert (2, "l001", {}) in looked_at(tmp_path / "out")
    assert totals.summary(PageOptions())["pages_nobody_looked_at"] == {"sheets": 1, "accepted": 0}


def test_a_project_without_sheets_says_nothing_of_them(tmp_path):
    totals = run(tmp_path / "out", [page(3, GREEN)], source=Pictures())

    assert totals.looked_note is None
    assert looked_at(tmp_path / "out") == [(3, "l001", {})]

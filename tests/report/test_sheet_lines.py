"""What a report says of lines decided on sheets, and of pages that nobody looked at as a whole."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from backend.sheets.sheet_work import sheet_work
from converters.report.comparison import Decision, compare
from converters.report.report import Report
from converters.report.sheet_lines import SheetLines
from converters.report.terminal import tell
from tests.parts.reviewed_work import RULES, Work, page_of, reported, task
from tests.parts.sheet_answers import accepted_unseen, answers, completed_from_sheets, sheet

GREEN = Work(("Total", "Total"), "Total")
DOUBTFUL = Work(("Счёт", "Счет"), "Счёт")


def lines_of(made):
    """What was made of each line of a task."""
    compared = compare(made, RULES)
    return [line.decision for line in compared.first.lines]


def test_agreed_lines_of_a_page_completed_from_sheets_are_looked_at_by_nobody():
    made = completed_from_sheets(task(1, [DOUBTFUL, GREEN]), {0: 3.0})

    assert lines_of(made) == [Decision.APPROVED, Decision.UNSEEN]
    found = reported(made).all
    assert (found.lines, found.on_sheets, found.unseen) == (2, 1, 1)
    assert (found.agreed.hits, found.agreed.of) == (1, 2)
    for rate in (found.right, found.ready, found.touched, found.retyped, found.kept, found.found):
        assert rate.of == 0, "nobody said that the rest of the page is right"
    assert found.prefilled.lines == 0
    assert reported(made).readers() == {}, "of doubtful lines alone a reader's rate says nothing"


def test_a_page_that_somebody_opened_and_submitted_afterwards_is_reviewed_like_any_other():
    made = completed_from_sheets(task(1, [DOUBTFUL, GREEN]), {0: 3.0})
    made["annotations"][0]["lead_time"] += 4.2

    assert lines_of(made) == [Decision.APPROVED, Decision.APPROVED]
    found = reported(made).all
    assert (found.on_sheets, found.unseen, found.right.hits, found.right.of) == (0, 0, 1, 1)
    assert found.paces == [pytest.approx(7.2 / 2)]


def test_agreed_pages_that_were_accepted_are_no_evidence_that_they_are_right():
    made = accepted_unseen(task(1, [GREEN, GREEN, GREEN]))

    found = reported(made)
    assert found.all.unseen == 3
    assert (found.all.agreed.of, found.all.right.of, found.all.paces) == (3, 0, [])
    assert list(found.random) == [], "nobody kept these lines"
    assert found.summary()["pages_nobody_reviewed"] == {"sheets": 0, "accepted": 1}


def test_time_of_sheets_is_none_of_page_review():
    reviewed = task(1, [DOUBTFUL, GREEN, GREEN, DOUBTFUL], lead_time=20.0)
    made = completed_from_sheets(task(2, [DOUBTFUL, GREEN]), {0: 3.0})

    found = reported(reviewed, made)
    assert found.all.paces == [5.0]
    assert (found.all.doubtful, found.all.doubtful_paces) == (2, [10.0])
    assert list(found.annotators) == ["1"], "who decides on sheets is counted by sheets"


def of_sheets(pages, sheets, annotators=1):
    """The report on pages and their sheets."""
    found = Report(sheets=SheetLines(sheet_work(sheets, 3, annotators)))
    for each in pages:
        found.add(each, RULES)
    return found


def told(found, names=None):
    """The report on a terminal."""
    console = Console(file=io.StringIO(), width=200)
    tell(found, console, names, from_file=False)
    return console.file.getvalue()


def two_opinions():
    """A page of which two people decided three lines on a sheet, the third one differently."""
    page = {**task(17, [DOUBTFUL, DOUBTFUL, DOUBTFUL]), "annotations": []}
    both = [answers("ABA", user=2, seconds=6.0), answers("ABt", user=5, seconds=12.0, typed={2: "Смета"})]
    return page, sheet(71, page, 0, 1, 2, answers=both)


def test_people_who_differ_are_listed_with_what_they_say():
    page, asked = two_opinions()
    found = of_sheets([page], [asked], annotators=2)

    words = told(found, {"2": "anna@example.org", "5": "boris@example.org"})
    assert "Sheets: 1 of 1 submitted; 2 lines decided, 0 wait for an answer, 1 answered differently." in words
    assert "A line on a sheet takes 3.0 s, the middle of 2 sheets." in words
    # po = 2/3; A and B twice and once, A, B, typed once each: pe = (2*1 + 1*1) / 9
    assert (
        "Of 3 lines that two people or more decided, 2 have one answer (66.7 %; Cohen's kappa 0.50)." in words
    )
    assert "anna@example.org: A “Счёт”; boris@example.org: typed “Смета”; open" in words
    (listed,) = found.summary()["sheets"]["disagreements"]
    assert (listed["task"], listed["page_says"]) == (17, None)
    assert [(one["user"], one["verdict"], one["text"]) for one in listed["answers"]] == [
        ("2", "A", "Счёт"),
        ("5", "typed", "Смета"),
    ]


def test_a_line_that_was_settled_in_page_review_says_so():
    _, asked = two_opinions()
    settled = task(17, [DOUBTFUL, DOUBTFUL, Work(("Счёт", "Счет"), "Сметы")])
    found = of_sheets([settled], [asked], annotators=2)

    assert found.sheets.open == 0
    assert "; the page says “Сметы”" in told(found)
    assert '<dt>the page says</dt><dd dir="auto">“Сметы”</dd>' in page_of(found)


def test_a_line_whose_page_is_gone_is_still_listed():
    _, asked = two_opinions()
    found = of_sheets([], [asked], annotators=2)

    assert "its page is not in the project any more" in page_of(found)
    assert found.summary()["sheets"]["disagreements"][0]["page_says"] is None


def test_the_page_has_sheets_and_page_review_beside_each_other_and_lets_no_text_be_markup():
    page = {**task(17, [Work(("<b>Счёт", "Счет"), "Счёт")]), "annotations": []}
    asked = sheet(71, page, 0, answers=[answers("A", user=2, seconds=3.0), answers("B", user=5, seconds=5.0)])
    found = of_sheets([page, task(18, [DOUBTFUL], lead_time=12.0)], [asked], annotators=2)

    shown = page_of(found)
    assert (
        '<tr><td>page review</td><td class="n">1 pages</td><td class="n">1</td><td class="n">12.0 s</td></tr>'
        in shown
    )
    assert (
        '<tr><td>sheets</td><td class="n">2 sheets</td><td class="n">2</td><td class="n">4.0 s</td></tr>'
        in shown
    )
    assert '<small>A</small> <span dir="auto"><mark>&lt;b&gt;</mark>Сч<mark>ё</mark>т</span>' in shown
    assert "<b>Счёт" not in shown


def test_without_a_line_project_nothing_is_said_of_sheets():
    found = reported(task(1, [DOUBTFUL]))

    assert found.summary()["sheets"] is None
    assert 'id="sheets"' not in page_of(found)
    assert "Sheets:" not in told(found)


def test_what_nobody_looked_at_is_said_in_all_three():
    found = reported(
        completed_from_sheets(task(1, [DOUBTFUL, GREEN, GREEN]), {0: 3.0}),
        accepted_unseen(task(2, [GREEN])),
        task(3, [GREEN]),
    )

    sentence = (
        "Nobody looked at 3 of 5 lines: 1 pages were completed from sheets alone and 1 agreed pages were "
        "accepted unseen."
    )
    assert sentence in told(found)
    assert sentence in page_of(found)
    summary = found.summary()
    assert summary["pages_nobody_reviewed"] == {"sheets": 1, "accepted": 1}
    assert summary["all"]["lines_nobody_looked_at"] == 3

"""What the report says the agreed lines are worth: an audit's claim, and never the share that people kept."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from backend.guarantee.decisions import ClaimState
from backend.sheets.audits import Repeats
from converters.report import html, terminal
from converters.report.report import Report
from converters.report.worth import AgreedWorth
from converters.shared.line_pictures import CropImage
from tests.parts.claims import VERSION, lot_claim, lot_of, typed_blind
from tests.parts.reviewed_work import RULES, Work, task

KEPT = Work(("Total", "Total"), "Total")
NOBODY = "wrong is not known yet: nobody looked blind. Run `twinread audit --project 3`."


def reported(tasks, worth):
    report = Report(worth=worth)
    for each in tasks:
        report.add(each, RULES)
    return report


def told(report, *, from_file=False):
    """The terminal's words and the page."""
    printed = io.StringIO()
    terminal.tell(report, Console(file=printed, soft_wrap=True), from_file=from_file)
    crops = {
        id(line): CropImage("data:image/jpeg;base64,AAAA", 100, 20) for line in html.sample_lines(report)
    }
    return printed.getvalue(), html.page(report, "a project", crops, from_file=from_file)


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param([], id="there are no sheets"),
        pytest.param(
            [lot_claim(lot_of([task(1, [KEPT])]), ClaimState.NOT_YET)], id="no audit line is answered"
        ),
    ],
)
def test_without_an_audit_nothing_is_said_of_what_agreed_lines_are_worth(claims):
    report = reported([task(1, [KEPT])], AgreedWorth(3, claims))
    words, page = told(report)
    for shown in (words, page):
        assert NOBODY in shown
        # people kept all of them, which is shown as what it is
        assert "100.0 %" in shown
        assert html.FLATTERS in shown
    assert "wrong, at most" not in page
    (said,) = report.summary()["agreed_lines_worth"]["says"]
    assert said.endswith(NOBODY)
    assert all(lot["at_most"] is None for lot in report.summary()["agreed_lines_worth"]["claims"])


def test_an_export_file_holds_no_audits():
    report = reported([task(1, [KEPT])], None)
    for shown in told(report, from_file=True):
        assert "Not known: an export file holds no audits." in shown
    assert report.summary()["agreed_lines_worth"] is None


def test_a_claim_stands_with_its_figures_its_floor_and_the_lines_that_were_wrong():
    tasks = [task(1, [KEPT, Work(("0tto", "0tto"), "0tto")]), task(2, [KEPT])]
    lot = lot_of(tasks, right={(1, 0): True, (1, 1): False, (2, 0): True})
    claim = lot_claim(
        lot, ClaimState.HOLDS, Repeats(8, 7), (typed_blind(tasks[0], 1, "Otto"),), at_most=0.0098
    )
    report = reported(tasks, AgreedWorth(3, [claim]))
    words, page = told(report)
    for shown in (words, page):
        assert "Of 8 audit lines that two people typed, 1 was typed differently (12.5 %)" in shown
    assert "agreed “0tto”; a person: typed “Otto”" in words
    assert "1.0 %" in page
    assert "2 of 3" in page
    assert VERSION in page
    assert "Typed blind, and not as the readers agreed" in page
    assert "data:image/jpeg;base64,AAAA" in page.partition("Typed blind")[2].partition("</article>")[0]
    (line,) = report.summary()["agreed_lines_worth"]["wrong_lines"]
    assert (line["task"], line["agreed"], line["typed"], line["person_said"]) == (1, "0tto", "Otto", "typed")


def test_a_wrong_line_whose_page_is_gone_is_still_named():
    gone = task(1, [KEPT])
    lot = lot_of([gone], right={(1, 0): False})
    worth = AgreedWorth(3, [lot_claim(lot, ClaimState.NOT_YET, wrong=(typed_blind(gone, 0, ""),))])
    words, page = told(reported([task(2, [KEPT])], worth))
    assert "agreed “Total”; a person: illegible" in words
    assert "its page is not in the project any more" in page

"""`twinread audit`: what it refuses before it asks Label Studio, and what it prints of what it did."""

from __future__ import annotations

import io
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from backend.commands.audit import audit
from backend.errors import BadRequest
from backend.guarantee.decisions import ClaimState
from backend.sheets.audit_table import figures, sentences, show
from backend.sheets.auditing import AuditMade
from backend.sheets.audits import AuditedLot, Repeats
from backend.sheets.line_project import LineProject
from tests.parts.claims import lot_claim, lot_of, typed_blind
from tests.parts.reviewed_work import Work, prediction

TASK: dict[str, Any] = {
    "id": 17,
    "predictions": [
        {
            "id": 5,
            **prediction(
                [Work(("the [b]cats and dogs", "the [b]cats and dogs")), Work(("Total", "Total"))],
                (1000, 1400),
            ),
        }
    ],
}
LOT = lot_of([TASK], right={(17, 0): False, (17, 1): True})
MADE = AuditMade(
    line_project=LineProject(9, 3, "en", 0.05),
    said=["Made line project 9 beside project 3."],
    claims=[
        lot_claim(LOT, ClaimState.NOT_YET, Repeats(8, 7), (typed_blind(TASK, 0, "the [b]cots and dogs"),)),
    ],
    before=[AuditedLot(lot_of([TASK]), Repeats(0, 0), ())],
    pages=1,
    sheets=3,
    lines=25,
    repeats=4,
    on_sheets=40,
    left=7,
    unshown={33: 2},
    removed=1,
)


@pytest.mark.parametrize("target", ["1", "0", "one", "150%", "-1%", "nan"])
def test_a_target_that_is_no_share_is_refused(target: str) -> None:
    done = CliRunner().invoke(audit, ["--project", "3", "--target", target])
    assert isinstance(done.exception, BadRequest)
    assert done.exception.exit_code == 2


def test_what_is_needed_what_was_wrong_and_what_comes_next_is_said_in_words() -> None:
    told = io.StringIO()
    show(MADE, 3, Console(file=told, width=60))
    said = told.getvalue().splitlines()
    assert said == [
        "Made line project 9 beside project 3.",
        "Language en, model version det a+b en 1:",
        *(f"  {sentence}" for sentence in MADE.claims[0].sentences()),
        "  Wrong among those that people typed: 1 line.",
        f"    task 17, {LOT.lines[0].region}: agreed “the [b]cats and dogs”; "
        "a person: typed “the [b]cots and dogs”",
        "3 new sheets of project 9 with 25 lines (4 of them for a second person): open it in Label Studio, "
        "press Label All Tasks, and run this again when they are answered.",
        "Lines of the audit that wait on sheets of project 9 already: 40.",
        "Left for the next run: 7 lines.",
        "Removed: 1 sheet that nobody had touched and nobody needs.",
        "No sheet can show 2 lines of the audit (task 33): the image is none that a browser can open there. "
        "They count as wrong.",
        "In no claim: 2 agreed lines of another model version.",
    ]


def test_before_anybody_has_answered_it_says_what_is_needed_and_not_that_nothing_is_known() -> None:
    waits = lot_claim(lot_of([TASK]), ClaimState.NOT_YET)
    said = "\n".join(sentences(AuditMade(claims=[waits], pages=1), 3))
    assert "512" in said
    assert "twinread audit" not in said


def test_where_no_page_is_read_it_says_what_to_do() -> None:
    assert sentences(AuditMade(), 3) == ["No page is read yet: run `twinread preannotate --project 3` first."]


def test_machines_get_the_wrong_lines_with_both_texts_and_their_place() -> None:
    told = figures(MADE, 0.01)
    (lot,) = told["lots"]
    assert (lot["language"], lot["state"], lot["needed"], lot["typed_by_two"]) == ("en", "not yet", 510, 8)
    (wrong,) = lot["wrong"]
    assert (wrong["task"], wrong["region"], wrong["agreed"], wrong["typed"], wrong["user"]) == (
        17, LOT.lines[0].region, "the [b]cats and dogs", "the [b]cots and dogs", "2",
    )  # fmt: skip
    assert wrong["quad"] == [[10.0, 10.0], [410.0, 10.0], [410.0, 40.0], [10.0, 40.0]]
    assert (told["target"], told["unshown"], told["lots_before"][0]["lines"]) == (0.01, {"33": 2}, 2)

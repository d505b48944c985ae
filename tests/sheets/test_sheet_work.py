"""The work on sheets: counted by line, by person and by time."""

from __future__ import annotations

from typing import Any

import pytest

from backend.sheets.decisions import Accord, LineVerdict
from backend.sheets.sheet_tasks import LineKey, SheetLine, ShownLine, sheet_data
from backend.sheets.sheet_work import sheet_work
from backend.sheets.work_words import sentences

BOX = ((132.0, 421.0), (835.1, 423.0), (835.0, 458.0), (131.9, 456.0))


def sheet(
    number: int, *regions: str, project: int = 3, answers: tuple[dict[str, Any], ...] = ()
) -> dict[str, Any]:
    """A sheet with a line for each region id, and its annotations."""
    lines = [SheetLine(LineKey(project, 17, region), "Счёт", "Счет", 0, 5, "v1", BOX) for region in regions]
    shown = [ShownLine(line, "<div></div>", ()) for line in lines]
    return {"id": number, "data": sheet_data(shown, ["a.png"]), "annotations": list(answers)}


def answers(said: str, *, user: int, seconds: float | None, number: int = 0, **more: Any) -> dict[str, Any]:
    """One person's annotation of a sheet: a letter for each line, `-` where it is not decided."""
    words = {"i": "illegible", "n": "not_text"}
    return {
        "id": number or 100 + user,
        "completed_by": user,
        "was_cancelled": False,
        "updated_at": "2026-11-27T09:00:00Z",
        "lead_time": seconds,
        "result": [
            {"from_name": f"verdict_{place}", "type": "choices", "value": {"choices": [words.get(one, one)]}}
            for place, one in enumerate(said)
            if one != "-"
        ],
        **more,
    }


def test_lines_are_counted_by_what_people_made_of_them() -> None:
    found = sheet_work(
        [
            sheet(71, "a", "b", "c", answers=(answers("ABi", user=2, seconds=6.0),)),
            sheet(72, "d", "e"),
            sheet(73, "f", answers=(answers("A", user=2, seconds=6.0, was_cancelled=True),)),
        ],
        project=3,
    )

    assert (found.sheets, found.submitted) == (3, 1)
    assert found.lines == {Accord.AGREED: 3, Accord.WAITING: 3}
    assert (found.decided, found.answers) == (3, 3)
    assert found.verdicts == {LineVerdict.FIRST: 1, LineVerdict.SECOND: 1, LineVerdict.ILLEGIBLE: 1}


def test_with_two_annotators_a_line_is_decided_when_both_say_the_same() -> None:
    both = (answers("AB-", user=2, seconds=4.0), answers("AAA", user=5, seconds=9.0))

    found = sheet_work([sheet(71, "a", "b", "c", answers=both)], project=3, annotators=2)

    assert found.lines == {Accord.AGREED: 1, Accord.DISAGREEING: 1, Accord.WAITING: 1}
    assert found.verdicts == {LineVerdict.FIRST: 1}
    assert (found.agreement.lines, found.agreement.same) == (2, 1)
    (differing,) = found.agreement.disagreements
    assert differing.line == LineKey(3, 17, "b")
    assert {user: (who.sheets, who.lines) for user, who in found.people.items()} == {"2": (1, 2), "5": (1, 3)}


def test_time_is_that_of_the_middle_sheet_by_its_decided_lines() -> None:
    found = sheet_work(
        [
            sheet(71, "a", "b", "c", "d", answers=(answers("AA--", user=2, seconds=4.0),)),
            sheet(72, "e", answers=(answers("A", user=2, seconds=3.0),)),
            sheet(73, "f", answers=(answers("A", user=5, seconds=600.0),)),
            sheet(74, "g", answers=(answers("A", user=5, seconds=None),)),
        ],
        project=3,
    )

    assert sorted(found.paces) == [2.0, 3.0, 600.0]
    assert found.seconds_per_line == 3.0
    assert (found.people["2"].seconds, found.people["2"].timed) == (7.0, 3)
    assert (found.people["5"].lines, found.people["5"].timed) == (2, 1), "no time was measured of one sheet"


def test_of_a_line_that_was_asked_anew_the_later_sheet_counts() -> None:
    early = sheet(71, "a", answers=(answers("A", user=2, seconds=2.0),))
    late = sheet(90, "a")

    for order in ([early, late], [late, early]):
        found = sheet_work(order, project=3)
        assert found.lines == {Accord.WAITING: 1}
        assert found.answers == 1, "the work was done all the same"


@pytest.mark.parametrize(
    "tasks",
    [
        pytest.param([], id="no sheets"),
        pytest.param([{"id": 1, "data": {"image": "a.png"}, "annotations": []}], id="another task"),
    ],
)
def test_where_there_are_no_sheets_nothing_is_counted_and_no_time_is_known(
    tasks: list[dict[str, Any]],
) -> None:
    found = sheet_work(tasks, project=3)

    assert (found.sheets, found.decided, found.answers, found.seconds_per_line) == (0, 0, 0, None)
    assert (found.agreement.lines, found.agreement.coefficient) == (0, None)


def test_lines_of_another_page_project_are_not_counted() -> None:
    found = sheet_work([sheet(71, "a", project=4, answers=(answers("A", user=2, seconds=2.0),))], project=3)

    assert (found.sheets, found.decided, found.answers) == (1, 0, 0)


def test_what_somebody_broke_by_hand_is_named_by_its_sheet() -> None:
    broken = answers("-", user=2, seconds=2.0)
    broken["result"] = [{"from_name": "verdict_0", "type": "choices", "value": {"choices": ["A", "B"]}}]

    found = sheet_work([sheet(71, "a", answers=(broken,))], project=3)

    assert found.problems == ((71, "the answer to line 1 decides nothing (A, B)"),)
    assert found.lines == {Accord.WAITING: 1}


def test_audit_lines_are_counted_apart() -> None:
    audit = sheet(73, "c", "d", answers=(answers("A-", user=2, seconds=90.0),))
    for entry in audit["data"]["lines"]:
        entry |= {"a": "", "b": "", "audit": True}
    typed = {"from_name": "typed_0", "type": "textarea", "value": {"text": ["Счёт"]}}
    audit["annotations"][0]["result"] = [
        {"from_name": "verdict_0", "type": "choices", "value": {"choices": ["typed"]}},
        typed,
    ]
    found = sheet_work([sheet(71, "a", answers=(answers("A", user=2, seconds=6.0),)), audit], project=3)
    assert (found.sheets, found.submitted, found.lines) == (1, 1, {Accord.AGREED: 1})
    assert (found.audit_lines, found.audit_answered) == (2, 1)
    # typing takes longer than a key, and would hide what a doubtful line takes
    assert found.people["2"].paces == [6.0]
    assert [each for each in sentences(found) if "Audit" in each] == [
        "Audit: 1 of 2 agreed lines on sheets are typed blind; `twinread audit` says what that shows."
    ]

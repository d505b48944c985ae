"""What people decided on sheets: by line and person, and what decides nothing."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from backend.sheets.decisions import Accord, Decision, LineVerdict, accord, decisions, problems
from backend.sheets.sheet_tasks import LineKey, SheetLine, ShownLine, sheet_data

BOX = ((132.0, 421.0), (835.1, 423.0), (835.0, 458.0), (131.9, 456.0))
LINE = SheetLine(LineKey(3, 17, "l008-e72ce6"), "Счёт 12", "Счет 12", 0, 5, "v1", BOX)
UNREAD = SheetLine(LineKey(3, 18, "l001-aaaaaa"), "", "", 0, 6, "v1", BOX)


def verdict(place: int, *choices: object) -> dict[str, Any]:
    return {"from_name": f"verdict_{place}", "type": "choices", "value": {"choices": list(choices)}}


def typed(place: int, *texts: object) -> dict[str, Any]:
    return {"from_name": f"typed_{place}", "type": "textarea", "value": {"text": list(texts)}}


def annotation(number: int, *result: object, user: int = 1, minute: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "completed_by": user,
        "updated_at": f"2026-11-27T09:{minute:02d}:00Z",
        "was_cancelled": False,
        "result": list(result),
        **more,
    }


def sheet(*annotations: dict[str, Any], lines: tuple[SheetLine, ...] = (LINE, UNREAD)) -> dict[str, Any]:
    shown = [ShownLine(line, "<div></div>", ()) for line in lines]
    return {"id": 71, "data": sheet_data(shown, ["a.png"]), "annotations": list(annotations)}


def said(task: dict[str, Any]) -> list[tuple[int, str, LineVerdict, str]]:
    return [(each.line.place, each.user, each.verdict, each.text) for each in decisions(task)]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param([verdict(0, "A")], (LineVerdict.FIRST, "Счёт 12"), id="first reading"),
        pytest.param([verdict(0, "B")], (LineVerdict.SECOND, "Счет 12"), id="second reading"),
        pytest.param([verdict(0, "illegible")], (LineVerdict.ILLEGIBLE, ""), id="illegible"),
        pytest.param([verdict(0, "not_text")], (LineVerdict.NOT_TEXT, ""), id="no text"),
        pytest.param([verdict(0, "typed"), typed(0, "Счёт 72")], (LineVerdict.TYPED, "Счёт 72"), id="typed"),
        pytest.param(
            [verdict(0, "typed"), typed(0, " Счёт\u00a072\u200b ")],
            (LineVerdict.TYPED, "Счёт 72"),
            id="typed with spaces that the export would make plain",
        ),
        pytest.param(
            [verdict(0, "typed"), typed(0, "Счет 12 ")], (LineVerdict.SECOND, "Счет 12"), id="typed what B is"
        ),
        pytest.param(
            [verdict(0, "B"), typed(0, "Счёт 72")],
            (LineVerdict.SECOND, "Счет 12"),
            id="typed, then B",
        ),
    ],
)
def test_an_answer_says_what_the_line_becomes(given: list[Any], expected: tuple[LineVerdict, str]) -> None:
    (decision,) = decisions(sheet(annotation(12, *given, user=2)))
    assert (decision.verdict, decision.text) == expected
    assert (decision.line, decision.user, decision.sheet, decision.annotation) == (LINE, "2", 71, 12)
    assert decision.at == datetime(2026, 11, 27, 9, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param([], id="nothing"),
        pytest.param([verdict(0)], id="no choice"),
        pytest.param([verdict(0, "C")], id="an unknown choice"),
        pytest.param([verdict(0, "A", "B")], id="two choices"),
        pytest.param([verdict(0, ["A"])], id="a list for a choice"),
        pytest.param([verdict(0, "typed")], id="nothing typed"),
        pytest.param(
            [verdict(0, "typed"), typed(0, "Счёт 12 ")], id="neither, and the text that was filled in"
        ),
        pytest.param([verdict(0, "typed"), typed(0, " \u200b")], id="typed what nobody sees"),
        pytest.param([verdict(0, "typed"), typed(0, "a", "b")], id="typed two texts"),
        pytest.param([verdict(1, "A")], id="a reading that is not there"),
        pytest.param([verdict(7, "A")], id="a line that is not there"),
        pytest.param(["A", None, {"from_name": "verdict_0", "value": "A"}], id="no results"),
    ],
)
def test_what_is_no_answer_decides_nothing(given: list[Any]) -> None:
    assert decisions(sheet(annotation(12, *given))) == []


def test_a_line_that_nobody_could_read_is_decided_by_typing() -> None:
    assert said(sheet(annotation(12, verdict(1, "typed"), typed(1, "Итого")))) == [
        (1, "1", LineVerdict.TYPED, "Итого")
    ]


def test_a_skipped_sheet_counts_for_nothing() -> None:
    assert decisions(sheet(annotation(12, verdict(0, "A"), was_cancelled=True))) == []


def test_of_one_persons_annotations_the_newest_counts_and_other_people_stand_beside_it() -> None:
    task = sheet(
        annotation(12, verdict(0, "A"), verdict(1, "illegible"), user=1, minute=5),
        annotation(13, verdict(0, "B"), user=1, minute=9),
        annotation(14, verdict(0, "A"), user=2, minute=7),
    )
    assert said(task) == [
        (0, "2", LineVerdict.FIRST, "Счёт 12"),
        (0, "1", LineVerdict.SECOND, "Счет 12"),
    ]


def test_the_time_of_a_sheet_is_shared_among_the_lines_that_were_decided() -> None:
    task = sheet(annotation(12, verdict(0, "A"), verdict(1, "not_text"), lead_time=9.0))
    assert [each.seconds for each in decisions(task)] == [4.5, 4.5]


@pytest.mark.parametrize("spent", [None, 0, -1, "9", float("inf"), float("nan"), True])
def test_a_time_that_is_none_is_not_counted(spent: object) -> None:
    assert [each.seconds for each in decisions(sheet(annotation(12, verdict(0, "A"), lead_time=spent)))] == [
        None
    ]


def answers(*given: dict[str, Any]) -> list[Decision]:
    return decisions(sheet(*given))


@pytest.mark.parametrize(
    ("given", "people", "expected"),
    [
        pytest.param([], 1, Accord.WAITING, id="nobody"),
        pytest.param([annotation(1, verdict(0, "A"))], 1, Accord.AGREED, id="one of one"),
        pytest.param([annotation(1, verdict(0, "A"))], 2, Accord.WAITING, id="one of two"),
        pytest.param(
            [annotation(1, verdict(0, "A")), annotation(2, verdict(0, "A"), user=2)],
            2,
            Accord.AGREED,
            id="two of two",
        ),
        pytest.param(
            [annotation(1, verdict(0, "B")), annotation(2, verdict(0, "typed"), typed(0, "Счет 12"), user=2)],
            2,
            Accord.AGREED,
            id="the second typed the second reading",
        ),
        pytest.param(
            [annotation(1, verdict(0, "A")), annotation(2, verdict(0, "typed"), typed(0, "Счёт 12"), user=2)],
            2,
            Accord.WAITING,
            id="the second said neither, and typed nothing",
        ),
        pytest.param(
            [annotation(1, verdict(0, "A")), annotation(2, verdict(0, "B"), user=2)],
            2,
            Accord.DISAGREEING,
            id="A and B",
        ),
        pytest.param(
            [annotation(1, verdict(0, "A")), annotation(2, verdict(0, "B"), user=2)],
            1,
            Accord.DISAGREEING,
            id="a second person who was not asked for",
        ),
        pytest.param(
            [annotation(1, verdict(0, "A")), annotation(2, verdict(0, "B"), user=2)],
            3,
            Accord.DISAGREEING,
            id="two of three differ already",
        ),
        pytest.param(
            [annotation(1, verdict(0, "illegible")), annotation(2, verdict(0, "not_text"), user=2)],
            2,
            Accord.DISAGREEING,
            id="no text for two reasons",
        ),
        pytest.param(
            [annotation(1, verdict(0, "A")), annotation(2, verdict(0, "A"), minute=3)],
            2,
            Accord.WAITING,
            id="one person twice is one person",
        ),
    ],
)
def test_a_line_is_decided_when_all_who_were_asked_answered_the_same(
    given: list[Any], people: int, expected: Accord
) -> None:
    assert accord(answers(*given), people) is expected


def test_what_somebody_broke_by_hand_is_said_with_its_line() -> None:
    task = sheet(annotation(12, verdict(0, "C")))
    del task["data"]["lines"][1]["page"]
    assert problems(task) == ["line 2 cannot be read", "the answer to line 1 decides nothing (C)"]
    assert problems(sheet(annotation(12, verdict(0, "A")))) == []
    neither = sheet(annotation(12, verdict(0, "typed"), typed(0, "Счёт 12")))
    assert problems(neither) == ["the answer to line 1 decides nothing (typed, and no other text)"]
    assert problems({"id": 3, "data": {"image": "a.png"}}) == [
        "its data is no sheet as twinread makes them (twinread_sheet is missing or another)"
    ]


def test_the_other_lines_of_a_broken_sheet_are_decided() -> None:
    task = sheet(annotation(12, verdict(0, "A"), verdict(1, "illegible")))
    del task["data"]["lines"][0]["page"]
    assert said(task) == [(1, "1", LineVerdict.ILLEGIBLE, "")]

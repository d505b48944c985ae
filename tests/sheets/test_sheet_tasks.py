"""A sheet's data: what is written is read back, and nothing else is taken for a line."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from backend.sheets.sheet_tasks import LineKey, SheetLine, ShownLine, sheet_data, sheet_lines

BOX = ((132.0, 421.0), (835.1, 423.0), (835.0, 458.0), (131.9, 456.0))
FIRST = SheetLine(LineKey(3, 17, "l008-e72ce6"), "Счёт 12", "Счет 12", 0, 5, "v1", BOX)
SECOND = SheetLine(LineKey(3, 18, "p2l001-e72ce6"), "", "", 1, 6, "v1", BOX)


def sheet(*lines: SheetLine) -> dict[str, Any]:
    shown = [ShownLine(line, "<div></div>", ({"value": line.a, "alias": "A"},)) for line in lines]
    data = sheet_data(shown, ["a.png", "b.png", "a.png"])
    # as it comes back from Label Studio
    return {"id": 1, "data": json.loads(json.dumps(data))}


def test_what_is_written_is_read_back_with_its_place() -> None:
    first, second = sheet_lines(sheet(FIRST, SECOND))
    assert first == FIRST
    assert second == SheetLine(SECOND.key, "", "", 1, 6, "v1", BOX, place=1)
    assert (first.texts, second.texts) == (("Счёт 12", "Счет 12"), ())


def test_an_audit_line_says_so_and_a_doubtful_one_says_nothing() -> None:
    audit = replace(SECOND, audit=True)
    task = sheet(FIRST, audit)
    assert [line.audit for line in sheet_lines(task)] == [False, True]
    assert [entry.get("audit") for entry in task["data"]["lines"]] == [None, True]


def test_people_find_a_sheet_by_the_names_of_its_pages_and_see_how_many_lines_it_has() -> None:
    data = sheet(FIRST, SECOND)["data"]
    assert (data["pages"], data["count"], data["twinread_sheet"]) == ("a.png, b.png", 2, 1)


@pytest.mark.parametrize(
    "task",
    [
        pytest.param({}, id="no data"),
        pytest.param({"data": None}, id="null"),
        pytest.param({"data": {"image": "/data/upload/1/a.png"}}, id="a page"),
        pytest.param({"data": {"lines": [], "twinread_sheet": 2}}, id="a form of later"),
        pytest.param({"data": {"lines": {}, "twinread_sheet": 1}}, id="no list"),
        pytest.param({"data": {**sheet(FIRST)["data"], "twinread_sheet": None}}, id="not said to be one"),
    ],
)
def test_what_is_no_sheet_has_no_lines(task: dict[str, Any]) -> None:
    assert sheet_lines(task) == []


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"a": None}, id="text is null"),
        pytest.param({"page": []}, id="page is a list"),
        pytest.param({"page": {"task": "17"}}, id="task is a text"),
        pytest.param({"page": {"task": True}}, id="task is true"),
        pytest.param({"page": {"region": ""}}, id="no region"),
        pytest.param({"page": {"page": -1}}, id="an image before the first"),
        pytest.param({"page": {"quad": [[1, 2], [3, 4], [5, 6]]}}, id="three corners"),
        pytest.param({"page": {"quad": [[1, 2], [3, 4], [5, 6], [7, float("nan")]]}}, id="no number"),
        pytest.param({"page": {"quad": [[1, 2], [3, 4], [5, 6], 7]}}, id="no point"),
    ],
)
def test_a_line_that_somebody_broke_is_left_out_and_the_others_keep_their_places(
    change: dict[str, Any],
) -> None:
    task = sheet(FIRST, SECOND)
    broken = task["data"]["lines"][0]
    page = change.get("page")
    broken.update({**change, "page": {**broken["page"], **page}} if isinstance(page, dict) else change)
    assert [(line.key.region, line.place) for line in sheet_lines(task)] == [("p2l001-e72ce6", 1)]


def test_a_line_that_is_no_object_is_left_out() -> None:
    task = sheet(FIRST, SECOND)
    task["data"]["lines"][1] = "Счёт 12"
    assert sheet_lines(task) == [FIRST]

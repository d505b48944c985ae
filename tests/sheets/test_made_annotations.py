"""An annotation that twinread made is known as long as nobody touches it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from backend.label_studio.region_notes import Decided, decided_meta, with_note
from backend.label_studio.regions import regions
from backend.sheets.made_annotations import Looked, Made, looked_at, made_in, marked
from tests.parts.reviewed_work import Work, prediction


def result() -> list[dict[str, Any]]:
    """Two lines; the first one was decided on a sheet."""
    parts: list[dict[str, Any]] = prediction(
        [Work(["Счёт", "Счет"]), Work(["Итого", "Итого"])], (1000, 1400)
    )["result"]
    own = [part for part in parts if part["id"] == parts[0]["id"]]
    others = [part for part in parts if part["id"] != parts[0]["id"]]
    return with_note(parts[0]["id"], own, decided_meta(Decided("A", "2", 71, 12))) + others


def made(why: Made = Made.SHEETS, seconds: float | None = 31.4) -> dict[str, Any]:
    """As it comes back from Label Studio."""
    sent = {"result": marked(result(), why, seconds), "lead_time": seconds}
    return dict(json.loads(json.dumps(sent, sort_keys=True)))


@pytest.mark.parametrize("why", list(Made))
@pytest.mark.parametrize("seconds", [31.4, None])
def test_what_twinread_made_is_known(why: Made, seconds: float | None) -> None:
    assert made_in(made(why, seconds)) is why


def test_it_stays_known_where_a_database_spells_numbers_in_another_way() -> None:
    annotation = made()
    for part in annotation["result"]:
        part["value"]["rotation"] = 0
        part["image_rotation"] = -0.0
    assert made_in(annotation) is Made.SHEETS


def _retyped(annotation: dict[str, Any]) -> None:
    annotation["result"][-1]["value"]["text"] = ["Итог"]


def _moved(annotation: dict[str, Any]) -> None:
    annotation["result"][0]["value"]["x"] += 0.5


def _resubmitted(annotation: dict[str, Any]) -> None:
    for part in annotation["result"]:
        part["origin"] = "prediction"


def _line_removed(annotation: dict[str, Any]) -> None:
    annotation["result"] = annotation["result"][:-2]


def _line_drawn(annotation: dict[str, Any]) -> None:
    annotation["result"].append({**copy.deepcopy(annotation["result"][-1]), "id": "new"})


def _looked_at(annotation: dict[str, Any]) -> None:
    annotation["lead_time"] += 2.5


def _unmarked(annotation: dict[str, Any]) -> None:
    del annotation["result"][0]["meta"]["twinread"]["made"]


def _other_reason(annotation: dict[str, Any]) -> None:
    annotation["result"][0]["meta"]["twinread"]["made"]["from"] = "accepted"


def _broken_mark(annotation: dict[str, Any]) -> None:
    annotation["result"][0]["meta"]["twinread"]["made"]["from"] = ["sheets"]


def _broken_meta(annotation: dict[str, Any]) -> None:
    annotation["result"][0]["meta"] = "x"


def _emptied(annotation: dict[str, Any]) -> None:
    annotation["result"] = []


@pytest.mark.parametrize(
    "change",
    [
        _retyped, _moved, _resubmitted, _line_removed, _line_drawn, _looked_at, _unmarked, _other_reason,
        _broken_mark, _broken_meta, _emptied,
    ],
)  # fmt: skip
def test_what_a_person_touched_is_theirs(change: Callable[[dict[str, Any]], None]) -> None:
    annotation = made()
    change(annotation)
    assert made_in(annotation) is None


def test_lines_are_told_apart_by_where_somebody_looked_at_them() -> None:
    decided, agreed = regions(made()["result"])
    assert [looked_at(decided, Made.SHEETS), looked_at(agreed, Made.SHEETS)] == [Looked.SHEET, Looked.NOBODY]
    assert looked_at(agreed, Made.ACCEPTED) is Looked.NOBODY
    assert [looked_at(decided, None), looked_at(agreed, None)] == [Looked.PAGE, Looked.PAGE]


def test_readings_stay_beside_what_was_decided() -> None:
    note = made()["result"][0]["meta"]["twinread"]
    assert [reading["text"] for reading in note["readings"]] == ["Счёт", "Счет"]
    assert note["decided"] == {"verdict": "A", "by": "2", "sheet": 71, "annotation": 12}

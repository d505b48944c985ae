"""Sheets with answers, and pages that twinread approved by them, beside `tests.parts.reviewed_work`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from backend.label_studio.region_notes import Decided, accepted_meta, decided_meta, with_note
from backend.label_studio.regions import regions
from backend.sheets.made_annotations import Made, marked
from backend.sheets.sheet_tasks import LineKey, SheetLine, ShownLine, sheet_data

WORDS = {"i": "illegible", "n": "not_text"}


def sheet(
    number: int,
    task: Mapping[str, Any],
    *rows: int,
    answers: Sequence[Mapping[str, Any]] = (),
    project: int = 3,
) -> dict[str, Any]:
    """A sheet with these lines of a task's prediction, as Label Studio gives it.

    Args:
        number: the sheet's id.
        task: of the page project.
        rows: of its lines, from 0.
        answers: people's annotations of the sheet.
        project: the page project's id.
    """
    (predicted,) = task["predictions"]
    found = regions(predicted["result"])
    lines = []
    for place, row in enumerate(rows):
        region = found[row]
        said = [reading.get("text", "") for reading in region.meta["twinread"]["readings"]]
        assert region.points is not None
        lines.append(
            SheetLine(
                key=LineKey(project, int(task["id"]), region.id),
                a=said[0],
                b=said[1],
                page=0,
                prediction=int(predicted["id"]),
                model_version=str(predicted["model_version"]),
                quad=tuple((float(x), float(y)) for x, y in region.points),
                place=place,
            )
        )
    shown = [ShownLine(line, "<div></div>", ()) for line in lines]
    return {"id": number, "data": sheet_data(shown, ["page.png"]), "annotations": list(answers)}


def answers(
    said: str, *, user: int, seconds: float | None, typed: Mapping[int, str] | None = None
) -> dict[str, Any]:
    """One person's annotation of a sheet.

    Args:
        said: a letter for each line: A, B, `i` (illegible), `n` (no text), `t` (typed), `-` (not decided).
        user: the person's id.
        seconds: of the whole sheet.
        typed: the texts of lines that were typed, by place.
    """
    result: list[dict[str, Any]] = []
    for place, letter in enumerate(said):
        choice = "typed" if letter == "t" else WORDS.get(letter, letter)
        if letter != "-":
            value = {"choices": [choice]}
            result.append({"from_name": f"verdict_{place}", "type": "choices", "value": value})
    for place, text in (typed or {}).items():
        result.append({"from_name": f"typed_{place}", "type": "textarea", "value": {"text": [text]}})
    return {
        "id": 100 + user,
        "completed_by": user,
        "was_cancelled": False,
        "updated_at": "2026-11-27T09:00:00Z",
        "lead_time": seconds,
        "result": result,
    }


def completed_from_sheets(
    task: dict[str, Any], seconds: Mapping[int, float], user: int = 2
) -> dict[str, Any]:
    """Make a task's annotation one that twinread made of decisions on sheets.

    Args:
        task: whose annotation says what became of each line.
        seconds: of each line that was decided on a sheet, by its row from 0; nobody looked at the others.
        user: who decided them.
    """
    decided = {
        row: decided_meta(Decided("A", str(user), sheet=71, annotation=12, seconds=took))
        for row, took in seconds.items()
    }
    return _made(task, decided, Made.SHEETS, sum(seconds.values()), user)


def accepted_unseen(task: dict[str, Any], user: int = 1) -> dict[str, Any]:
    """Make a task's annotation one that the lead accepted without a look."""
    (predicted,) = task["predictions"]
    every = dict.fromkeys(range(len(regions(predicted["result"]))), accepted_meta(str(user)))
    return _made(task, every, Made.ACCEPTED, None, user)


def _made(
    task: dict[str, Any], notes: Mapping[int, Mapping[str, Any]], why: Made, seconds: float | None, user: int
) -> dict[str, Any]:
    (annotation,) = task["annotations"]
    (predicted,) = task["predictions"]
    rows = {region.id: row for row, region in enumerate(regions(predicted["result"]))}
    result: list[dict[str, Any]] = []
    for identity, parts in groupby(annotation["result"], key=lambda part: part["id"]):
        first, *others = parts
        # as a prediction has it; in the editor each result of a region takes the meta along
        own = [first, *({key: value for key, value in part.items() if key != "meta"} for part in others)]
        note = notes.get(rows[identity])
        result += own if note is None else with_note(identity, own, note)
    made = {**annotation, "result": marked(result, why, seconds), "lead_time": seconds, "completed_by": user}
    return {**task, "annotations": [made]}

"""Agreed pages become approved ones by the lead's word alone, and say for ever that nobody looked at them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from backend.label_studio.client import LabelStudio
from backend.label_studio.region_notes import accepted_in
from backend.label_studio.regions import regions
from backend.sheets.accepting import accept_agreed
from backend.sheets.made_annotations import Looked, Made, looked_at, made_in
from backend.sheets.page_outcomes import PageState
from tests.parts.answered_sheets import SheetProjects
from tests.parts.label_studio import LABEL_STUDIO, RunningLabelStudio
from tests.parts.reviewed_work import Work

pytestmark = LABEL_STUDIO

AGREED = [Work(["cat", "cat"]), Work(["Total", "Total"])]
DOUBTFUL = [Work(["cat", "cot"]), Work(["Total", "Total"])]


@pytest.fixture(scope="module")
def api(label_studio: RunningLabelStudio) -> LabelStudio:
    return label_studio.api()


def states(made: SheetProjects, share: float = 0.0) -> Counter[PageState]:
    return accept_agreed(made.api, made.sheets, made.context, share).pages


def test_agreed_pages_are_approved_in_the_leads_name_and_the_others_are_left(api: LabelStudio) -> None:
    made = SheetProjects.made(api, [AGREED, DOUBTFUL, []])
    agreed, doubtful, empty = made.tasks
    found = accept_agreed(api, made.sheets, made.context, 0.0)
    assert found.pages == Counter({PageState.ACCEPTED: 1, PageState.NOT_AGREED: 1, PageState.EMPTY: 1})
    assert (found.lines, found.writes.made) == (2, 1)
    (annotation,) = made.annotations(agreed)
    lead = api.whoami()["id"]
    assert annotation["completed_by"]["id"] == lead
    lines = regions(annotation["result"])
    assert [(line.labels, line.texts) for line in lines] == [(("Text",), ("cat",)), (("Text",), ("Total",))]
    assert [accepted_in(line) for line in lines] == [str(lead)] * 2
    assert made_in(annotation) is Made.ACCEPTED
    assert {looked_at(line, Made.ACCEPTED) for line in lines} == {Looked.NOBODY}
    assert made.annotations(doubtful) == made.annotations(empty) == []


def test_twice_is_once(api: LabelStudio) -> None:
    made = SheetProjects.made(api, [AGREED])
    states(made)
    before = made.annotations(made.tasks[0])
    assert states(made) == Counter()
    assert made.annotations(made.tasks[0]) == before


def _submitted(made: SheetProjects, task: int) -> None:
    made.api.create_annotation(task, made.api.task(task)["predictions"][0]["result"])


def _skipped(made: SheetProjects, task: int) -> None:
    made.api.create_annotation(task, [], was_cancelled=True)


def _begun(made: SheetProjects, task: int) -> None:
    draft: dict[str, Any] = {"result": made.api.task(task)["predictions"][0]["result"], "lead_time": 3}
    made.api.call("POST", f"/api/tasks/{task}/drafts", "keep a draft", body=draft)


def _read_anew(made: SheetProjects, task: int) -> None:
    made.predict_anew(task, DOUBTFUL)


def _imported(made: SheetProjects, task: int) -> None:
    row = made.api.task(task)["predictions"][0]
    result = [{name: value for name, value in part.items() if name != "meta"} for part in row["result"]]
    made.api.delete_prediction(row["id"])
    made.api.create_prediction(task, result, "det a+b en 1")


def _relabelled(made: SheetProjects, task: int) -> None:
    row = made.api.task(task)["predictions"][0]
    result = row["result"]
    result[0]["value"]["rectanglelabels"] = ["Check again"]
    made.api.delete_prediction(row["id"])
    made.api.create_prediction(task, result, "det a+b en 1")


@pytest.mark.parametrize("touch", [_submitted, _skipped, _begun, _read_anew, _imported, _relabelled])
def test_a_page_is_left_where_a_person_touched_it_or_a_line_is_not_known_to_be_agreed(
    api: LabelStudio, touch: Any
) -> None:
    made = SheetProjects.made(api, [AGREED])
    (task,) = made.tasks
    touch(made, task)
    before = made.annotations(task)
    assert PageState.ACCEPTED not in states(made)
    assert made.annotations(task) == before


def test_the_sample_for_page_review_is_left(api: LabelStudio) -> None:
    made = SheetProjects.made(api, [AGREED] * 4)
    assert states(made, share=1.0) == Counter({PageState.SAMPLED: 4})
    assert states(made, share=0.01)[PageState.SAMPLED] == 1

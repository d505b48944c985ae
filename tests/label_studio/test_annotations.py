"""Which annotation of a task counts, who made it and what it began with: the same for every command."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from backend.label_studio.annotations import (
    latest,
    moment_of,
    newest_prediction,
    prediction_of,
    submitted_annotations,
    user_of,
)
from backend.label_studio.labeling_config import LabelingConfig
from backend.projects.reread import persons_work
from backend.projects.status import PageStage, status_of
from converters.report.comparison import ComparedTask, compare
from converters.reviewed.approval import Approval, choose
from converters.reviewed.line_rules import Rules
from tests.parts.reviewed_tasks import CONFIG, annotation, rectangle, task

OURS = LabelingConfig.parse(CONFIG)


def lines(count: int, name: str = "r") -> list[dict[str, Any]]:
    """The results of that many regions: their number tells which annotation counts."""
    return [
        part for row in range(count) for part in rectangle(f"{name}{row}", box=(20, 10 + 30 * row, 90, 20))
    ]


ONE, TWO, THREE = lines(1), lines(2), lines(3)


@pytest.mark.parametrize(
    ("found", "regions"),
    [
        pytest.param(task(1, annotation(ONE, minute=1), annotation(TWO, minute=2)), 2, id="changed last"),
        pytest.param(task(1, annotation(TWO, minute=2), annotation(ONE, minute=1)), 2, id="in any order"),
        pytest.param(task(1, annotation(ONE), annotation(TWO)), 2, id="at one moment: the last in order"),
        pytest.param(
            task(
                1,
                annotation(ONE, updated_at="2026-11-22T10:00:00Z"),
                annotation(TWO, updated_at="2026-11-22T12:30:00+03:00"),
            ),
            1,
            id="a moment in another zone is compared as a moment, not as letters",
        ),
        pytest.param(
            task(1, annotation(ONE, minute=1), annotation(TWO, updated_at=None, created_at=None)),
            1,
            id="one that names no time is the oldest",
        ),
        pytest.param(
            task(1, annotation(ONE, minute=1), annotation(TWO, minute=2, was_cancelled=True)), 1, id="skipped"
        ),
        pytest.param(
            task(1, annotation(ONE, minute=1), annotation(TWO, minute=2, was_cancelled="")),
            1,
            id="skipped or not, nobody knows: passed over",
        ),
        pytest.param(
            task(1, annotation(ONE, minute=1), annotation("x", minute=2)), 1, id="a result that is no list"
        ),
        pytest.param(task(1, annotation(ONE), 17, None), 1, id="what is no annotation"),
        pytest.param(task(1, annotation([])), 0, id="a page submitted without a line"),
        pytest.param(task(1, annotation(ONE, was_cancelled=True)), None, id="only skipped"),
        pytest.param(task(1), None, id="nothing"),
        pytest.param(
            task(1, drafts=[{"result": ONE, "updated_at": "x"}]), None, id="a draft is not submitted"
        ),
        pytest.param({**task(1), "annotations": None}, None, id="null"),
        pytest.param({**task(1), "annotations": {"0": annotation(ONE)}}, None, id="no list"),
        pytest.param({**task(1), "completions": [annotation(ONE)]}, None, id="completions of version 0"),
    ],
)
def test_every_command_counts_the_same_annotation(found: dict[str, Any], regions: int | None) -> None:
    counted = latest(submitted_annotations(found))
    assert (None if counted is None else len(lines_in(counted["result"]))) == regions

    # the export
    assert choose(found, Approval()).annotation is counted
    # the report
    compared = compare(found, Rules(config=OURS))
    assert (len(compared.first.lines) if isinstance(compared, ComparedTask) else None) == regions
    # the status
    status = status_of([found], OURS)
    assert status.pages[PageStage.REVIEWED] == (regions is not None)
    assert status.lines[PageStage.REVIEWED] == (regions or 0)
    # the re-read, which looks at open drafts as well
    work = persons_work({**found, "drafts": []})
    assert (None if work is None else len(lines_in(work[0]))) == regions


def lines_in(result: list[Any]) -> set[str]:
    return {part["id"] for part in result}


FULL = {"id": 5, "result": ONE, "model_version": "m", "created_at": "2026-11-22T09:00:00Z"}
LATER = {**FULL, "id": 6, "created_at": "2026-11-22T09:30:00Z"}
AFTER = {**FULL, "id": 7, "created_at": "2026-11-22T11:00:00Z"}
OTHER = {**LATER, "result": lines(3, name="other")}


@pytest.mark.parametrize(
    ("more", "predictions", "found"),
    [
        pytest.param({"prediction": FULL}, [5], FULL, id="in the annotation"),
        pytest.param({"parent_prediction": 5, "prediction": {}}, [LATER, FULL], FULL, id="by id"),
        pytest.param({"parent_prediction": 4}, [FULL], None, id="the parent is gone"),
        pytest.param({"parent_prediction": 5}, [5], None, id="an export with ids alone"),
        pytest.param({}, [FULL], FULL, id="the one from before"),
        pytest.param({}, [LATER, FULL], LATER, id="the newest from before"),
        pytest.param({}, [FULL, OTHER], FULL, id="the one that shares the regions, though another is newer"),
        pytest.param({}, [AFTER], None, id="made afterwards"),
        pytest.param({}, [FULL, AFTER], FULL, id="a re-read is made afterwards, of the same regions"),
        pytest.param({}, [], None, id="none"),
    ],
)
def test_the_prediction_that_the_annotator_began_with_is_the_same_for_every_command(
    more: dict[str, Any], predictions: list[Any], found: dict[str, Any] | None
) -> None:
    approved = annotation(ONE, **more)
    made = task(1, approved, predictions=predictions)

    assert prediction_of(made, approved) == found
    # the report compares with it, the re-read looks for what moved since
    compared = compare(made, Rules(config=OURS))
    assert isinstance(compared, ComparedTask)
    assert compared.first.version == (found and found["model_version"])
    assert persons_work(made) == (ONE, [] if found is None else found["result"])


TEN = datetime(2026, 11, 22, 10, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        pytest.param("2026-11-22T10:00:00.000000Z", TEN, id="UTC"),
        pytest.param("2026-11-22T13:00:00+03:00", TEN, id="a zone"),
        pytest.param("2026-11-22T10:00:00", TEN, id="no zone"),
        pytest.param(None, None, id="null"),
        pytest.param("yesterday", None, id="no time"),
        pytest.param(7, None, id="a number"),
    ],
)
def test_a_moment_is_read_as_label_studio_writes_it(written: object, moment: datetime | None) -> None:
    assert moment_of(written) == moment


@pytest.mark.parametrize(
    ("user", "name"), [(7, "7"), ({"id": 7, "email": "ada@example.org"}, "7"), (None, ""), ({}, "")]
)
def test_who_made_an_annotation_is_told_by_id(user: object, name: str) -> None:
    assert user_of({"completed_by": user}) == name


def test_of_predictions_stored_at_one_moment_the_one_of_the_highest_id_is_the_newest() -> None:
    assert newest_prediction([{**FULL, "id": 9}, FULL]) == {**FULL, "id": 9}
    assert newest_prediction([LATER, {**FULL, "id": 9}]) == LATER
    assert newest_prediction([]) is None

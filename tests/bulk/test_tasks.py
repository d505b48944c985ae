"""Tasks that lack a version are found by the exact version, on a real Label Studio."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from backend.bulk.tasks import Order, count_lacking, lacking
from backend.label_studio.client import LabelStudio
from backend.label_studio.task_versions import has_version
from backend.pipeline.version import REREAD
from tests.parts.label_studio import LABEL_STUDIO, RunningLabelStudio
from tests.parts.stored_predictions import OLDER, OURS, project_with, store_all

STORED = ([OURS], [], ["v1"], [OURS, "v1"], [f"{REREAD}{OURS}"], [f"{REREAD}{OURS}", OURS], [OURS.upper()])
"""Versions of the predictions of tasks 0 to 6."""


@pytest.fixture(scope="module")
def project(label_studio: RunningLabelStudio) -> tuple[LabelStudio, int, list[int]]:
    api = label_studio.api()
    project, tasks = project_with(api, len(STORED), "Versions")
    for task, versions in zip(tasks, STORED, strict=True):
        for version in versions:
            api.create_prediction(task, [], version)
    return api, project, tasks


@LABEL_STUDIO
@pytest.mark.parametrize(
    ("version", "only", "expected"),
    [
        pytest.param(OURS, None, [1, 2, 4, 6], id="a re-read of it, or another case, is not it"),
        pytest.param("v1", None, [0, 1, 4, 5, 6], id="another one"),
        pytest.param("", None, [0, 1, 2, 3, 4, 5, 6], id="no version"),
        pytest.param(OURS, [0, 4, 6], [4, 6], id="of some"),
        pytest.param(OURS, [], [], id="of none"),
    ],
)
def test_tasks_that_lack_exactly_a_version_are_listed_and_counted(
    project: tuple[LabelStudio, int, list[int]], version: str, only: list[int] | None, expected: list[int]
) -> None:
    api, number, tasks = project
    chosen = None if only is None else [tasks[place] for place in only]

    rows = list(lacking(api, number, version, only=chosen))

    assert [tasks.index(row["id"]) for row in rows] == expected
    assert [row["data"]["image"] for row in rows] == [f"/{place}.png" for place in expected]
    assert count_lacking(api, number, version, only=chosen) == len(expected)


@LABEL_STUDIO
def test_tasks_that_are_gone_or_of_another_project_are_not_listed(
    project: tuple[LabelStudio, int, list[int]],
) -> None:
    api, number, tasks = project
    _, others = project_with(api, 1, "Another")
    assert [row["id"] for row in lacking(api, number, OURS, only=[tasks[1], others[0], 10**8])] == [tasks[1]]


@LABEL_STUDIO
@pytest.mark.parametrize(
    ("order", "only", "limit", "expected"),
    [
        pytest.param("id", None, None, [0, 1, 2, 4], id="by id"),
        pytest.param("worst-first", None, None, [1, 2, 4, 0], id="never read, then by the newest score"),
        pytest.param("worst-first", None, 2, [1, 2], id="the two worst"),
        pytest.param("worst-first", [0, 2, 3], None, [2, 0], id="of some"),
    ],
)
def test_the_worst_read_tasks_come_first_if_asked(
    label_studio: RunningLabelStudio,
    order: Order,
    only: Collection[int] | None,
    limit: int | None,
    expected: list[int],
) -> None:
    api = label_studio.api()
    project, tasks = project_with(api, 5, "Worst first")
    scores = {0: [(OLDER, 0.1), (OLDER, 0.9)], 2: [(OLDER, 0.3)], 3: [(OURS, 0.0)], 4: [(OLDER, 0.5)]}
    for place, stored in scores.items():
        for version, score in stored:
            row = {"task": tasks[place], "result": [], "score": score, "model_version": version}
            api.import_predictions(project, [row])
    api.create_prediction(tasks[4], [], f"{REREAD}{OLDER}")
    chosen = None if only is None else {tasks[place] for place in only}

    rows = lacking(api, project, OURS, order=order, only=chosen, limit=limit)

    assert [tasks.index(row["id"]) for row in rows] == expected


@LABEL_STUDIO
def test_a_task_with_more_versions_than_label_studio_shows_is_looked_at(
    label_studio: RunningLabelStudio,
) -> None:
    api = label_studio.api()
    project, tasks = project_with(api, 2, "Many versions")
    for number in range(8):
        store_all(api, project, tasks, f"{REREAD}{OURS} {number}")
    store_all(api, project, tasks[:1], OURS)
    assert [row["id"] for row in lacking(api, project, OURS)] == tasks[1:]


@pytest.mark.parametrize(
    ("listed", "told"),
    [
        pytest.param("", False, id="none"),
        pytest.param(f"v1,{OURS}", True, id="as SQLite lists"),
        pytest.param(f"v2, {OURS}", True, id="as PostgreSQL lists"),
        pytest.param(f"reread {OURS}", False, id="a longer one"),
        pytest.param("x" * 500, None, id="cut off"),
        pytest.param("x" * 240 + ", " + "y" * 255, None, id="cut off before its quotes were taken out"),
    ],
)
def test_a_row_tells_whether_a_task_has_a_version_unless_it_is_cut_off(
    listed: str, told: bool | None
) -> None:
    assert has_version({"predictions_model_versions": listed}, OURS) is told


def test_a_version_with_a_comma_cannot_be_told_from_two() -> None:
    assert has_version({"predictions_model_versions": "a,b"}, "a,b") is None

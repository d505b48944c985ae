"""What is removed from a real Label Studio is nothing that a person's work stands on."""

from __future__ import annotations

from backend.bulk.removal import older_versions, prune, remove_copies
from backend.label_studio.client import LabelStudio
from backend.pipeline.version import REREAD
from tests.parts.label_studio import LABEL_STUDIO, RunningLabelStudio
from tests.parts.stored_predictions import OLDER, OLDEST, OURS, one_line, project_with, store_all, versions_of


def predictions(api: LabelStudio, task: int, version: str) -> list[int]:
    """Ids of a task's predictions of a version, the oldest first."""
    return sorted(each["id"] for each in api.task(task)["predictions"] if each["model_version"] == version)


def begin(api: LabelStudio, task: int, text: str = "changed") -> None:
    """Leave a draft, as the editor does while somebody works."""
    api.call("POST", f"/api/tasks/{task}/drafts", "keep a draft", body={"result": one_line(text)})


@LABEL_STUDIO
def test_what_peoples_work_stands_on_stays_and_the_rest_of_older_versions_goes(
    label_studio: RunningLabelStudio,
) -> None:
    api = label_studio.api()
    project, tasks = project_with(api, 8, "Prune")
    plain, annotated, skipped, begun, unread, foreign, reread, by_hand = tasks
    store_all(api, project, tasks, OLDEST)
    store_all(api, project, tasks, OLDER)
    api.create_annotation(
        annotated, one_line("changed"), parent_prediction=predictions(api, annotated, OLDEST)[0]
    )
    api.create_annotation(
        skipped, [], was_cancelled=True, parent_prediction=predictions(api, skipped, OLDER)[0]
    )
    begin(api, begun)
    api.create_annotation(by_hand, one_line("changed"))
    api.create_prediction(foreign, one_line(), "imported:Label.txt")
    api.create_prediction(reread, one_line(), f"{REREAD}{OLDER}")
    store_all(api, project, [task for task in tasks if task != unread], OURS)
    api.update_project(project, model_version=OURS)
    before = {task: api.task(task)["annotations"] for task in tasks}

    # the first one told is the one stored last
    assert older_versions(api, project, OURS) == {OLDER: 8, OLDEST: 8}
    told: list[int] = []
    assert prune(api, project, OURS, told.append) == 8

    assert told == [1, 2, 3, 4, 5, 6, 7, 8]
    assert {task: versions_of(api, task) for task in tasks} == {
        plain: [OURS],
        annotated: sorted([OLDEST, OURS]),
        skipped: sorted([OLDER, OURS]),
        begun: sorted([OLDER, OLDEST, OURS]),
        unread: sorted([OLDER, OLDEST]),
        foreign: sorted(["imported:Label.txt", OURS]),
        reread: sorted([f"{REREAD}{OLDER}", OURS]),
        by_hand: sorted([OLDER, OLDEST, OURS]),
    }
    assert {task: api.task(task)["annotations"] for task in tasks} == before
    assert prune(api, project, OURS) == 0


@LABEL_STUDIO
def test_a_version_that_nobody_worked_on_goes_at_once_and_the_project_is_filled_as_before(
    label_studio: RunningLabelStudio,
) -> None:
    api = label_studio.api()
    project, tasks = project_with(api, 3, "Prune at once")
    for version in (OLDER, OURS):
        store_all(api, project, tasks, version)
    api.update_project(project, model_version=OURS)
    told: list[int] = []

    assert prune(api, project, OURS, told.append) == 3

    assert told == [3], "in one request"
    assert [versions_of(api, task) for task in tasks] == [[OURS]] * 3
    assert api.project(project)["model_version"] == OURS


@LABEL_STUDIO
def test_the_version_that_fills_pages_stays(label_studio: RunningLabelStudio) -> None:
    api = label_studio.api()
    project, tasks = project_with(api, 2, "Filled from older")
    store_all(api, project, tasks, OLDER)
    store_all(api, project, tasks[:1], OURS)
    api.update_project(project, model_version=OLDER)
    assert older_versions(api, project, OURS) == {}
    assert prune(api, project, OURS) == 0
    assert versions_of(api, tasks[0]) == sorted([OLDER, OURS])


@LABEL_STUDIO
def test_of_several_copies_one_stays_and_each_that_work_stands_on(label_studio: RunningLabelStudio) -> None:
    api = label_studio.api()
    project, tasks = project_with(api, 6, "Copies")
    single, doubled, stood_on, both, begun, differing = tasks
    store_all(api, project, tasks, OURS)
    assert remove_copies(api, project, OURS) == 0
    store_all(api, project, [doubled, stood_on, both, begun], OURS)
    api.create_prediction(differing, one_line("another"), OURS)
    for task in (stood_on, both):
        newest = predictions(api, task, OURS)[1]
        api.create_annotation(task, one_line("changed"), parent_prediction=newest)
    api.create_annotation(both, one_line("changed"), parent_prediction=predictions(api, both, OURS)[0])
    for task in (begun, differing):
        begin(api, task)
    kept = {
        single: predictions(api, single, OURS),
        doubled: predictions(api, doubled, OURS)[:1],
        stood_on: predictions(api, stood_on, OURS)[1:],
        both: predictions(api, both, OURS),
        begun: predictions(api, begun, OURS)[:1],
        differing: predictions(api, differing, OURS),
    }

    assert remove_copies(api, project, OURS) == 3

    assert {task: predictions(api, task, OURS) for task in tasks} == kept


@LABEL_STUDIO
def test_a_prediction_that_is_gone_already_is_no_error(label_studio: RunningLabelStudio) -> None:
    api = label_studio.api()
    project, (task,) = project_with(api, 1, "Gone")
    store_all(api, project, [task], OURS)
    (stored,) = predictions(api, task, OURS)
    assert api.delete_prediction(stored)
    assert not api.delete_prediction(stored)

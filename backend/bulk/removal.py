"""Removes predictions that nobody needs: surplus copies, and those of older versions.

Nothing that a person did hangs on what is removed. An annotation names the prediction that it began with, and
stands on it: changes are found by comparing the two, and Label Studio forgets the name when the prediction
goes. A draft, or an annotation that names none, is compared with what was stored before it
(`annotations.prediction_of`), so that there every prediction may be needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from backend.bulk.tasks import PAGE, longer_versions
from backend.label_studio.client import LabelStudio
from backend.label_studio.task_versions import may_have_copies
from backend.pipeline.version import REREAD, is_model_version

AT_ONCE = 20
"""Tasks that are looked at before what is not needed of them is removed: somebody may begin one meanwhile."""


def remove_copies(api: LabelStudio, project: int, version: str) -> int:
    """Remove the surplus where a task has several predictions of one version.

    That is so where Label Studio asked its backend for a page that a run had in hand, or where an import
    that was given up came through. Where there is none, a few requests tell.

    Args:
        api: Label Studio.
        project: the id of the project.
        version: the model version.

    Returns:
        How many were removed. One that an annotation stands on stays, and so do several such.

    Raises:
        LabelStudioFailed: Label Studio cannot be reached, or refused.
    """
    stored = api.model_versions(project).get(version, 0)
    having = api.count_tasks(project) - api.count_tasks(project, without_version=version)
    # tasks with another version that holds this one count, too: then each is looked at
    if not longer_versions(api, project, version) and stored <= having:
        return 0
    rows = api.tasks(project, fields="task_only", with_versions=[version], page_size=PAGE)
    doubled = [int(row["id"]) for row in rows if may_have_copies(row)]
    begun = _begun(api, project) if doubled else frozenset()
    return sum(
        api.delete_prediction(copy)
        for task in doubled
        for copy in _surplus(api.task(task), version, drafts=task in begun)
    )


def older_versions(api: LabelStudio, project: int, version: str) -> dict[str, int]:
    """Versions that `prune` removes predictions of, and how many predictions each has at most.

    They are twinread's, and neither this one, nor a connected backend's, nor what fills pages now.

    Args:
        api: Label Studio.
        project: the id of the project.
        version: the present model version.
    """
    present = {version, str(api.project(project)["model_version"] or "")}
    present |= {str(backend.get("model_version") or "") for backend in api.backends(project)}
    return {
        stored: count
        for stored, count in api.model_versions(project).items()
        if is_model_version(stored) and not stored.startswith(REREAD) and stored not in present
    }


def prune(
    api: LabelStudio,
    project: int,
    version: str,
    removed: Callable[[int], object] = lambda count: None,
) -> int:
    """Remove predictions of older versions from tasks that have one of the present version.

    A version that no person's work can stand on goes in one request. Otherwise each task is looked at, and
    Label Studio takes about 0.15 s for each prediction that it removes.

    Args:
        api: Label Studio.
        project: the id of the project.
        version: the present model version.
        removed: hears how many are gone so far.

    Returns:
        How many were removed.

    Raises:
        LabelStudioFailed: Label Studio cannot be reached, or refused.
    """
    total = 0
    older = set(older_versions(api, project, version))
    longer = longer_versions(api, project, version)
    for old in sorted(older):
        if not longer and _is_free(api, project, old, version):
            total += api.delete_version(project, old)
            older.discard(old)
            removed(total)
    if older:
        chosen = api.tasks(project, with_versions=sorted(older), begun=False, page_size=AT_ONCE)
        for task in chosen:
            for prediction in _outdated(task, older, version):
                total += api.delete_prediction(prediction)
                removed(total)
    return total


def _is_free(api: LabelStudio, project: int, old: str, version: str) -> bool:
    """Whether nobody worked on any task with an old version, and each of them has the present one."""
    kept = (
        api.count_tasks(project, with_versions=[old], without_version=version),
        api.count_tasks(project, with_versions=[old], begun=True),
        api.count_tasks(project, with_versions=[old], skipped=True),
        api.count_tasks(project, with_versions=[old], annotated=True),
    )
    return not any(kept)


def _outdated(task: Mapping[str, Any], older: set[str], version: str) -> Iterator[int]:
    """Ids of predictions that a task without drafts does not need."""
    made = task["predictions"]
    stood_on = {annotation.get("parent_prediction") for annotation in task["annotations"]}
    if None in stood_on or all(each["model_version"] != version for each in made):
        return
    for prediction in made:
        if prediction["model_version"] in older and prediction["id"] not in stood_on:
            yield int(prediction["id"])


def _surplus(task: Mapping[str, Any], version: str, *, drafts: bool) -> list[int]:
    """Ids of predictions of a version that a task has more than once and does not need.

    Args:
        task: with predictions and annotations.
        version: the model version.
        drafts: whether somebody has a draft of it.
    """
    made = (each for each in task["predictions"] if each["model_version"] == version)
    copies = sorted(made, key=lambda each: int(each["id"]))
    stood_on = {annotation.get("parent_prediction") for annotation in task["annotations"]}
    unnamed = drafts or None in stood_on
    kept = [copy for copy in copies if copy["id"] in stood_on]
    if copies and (not kept or (unnamed and copies[0] not in kept)):
        # the oldest was there when the work began
        kept.append(copies[0])
    if unnamed:
        # work that names no prediction may have begun with any that differs
        kept += [copy for copy in copies if all(copy["result"] != other["result"] for other in kept)]
    needed = {copy["id"] for copy in kept}
    return [int(copy["id"]) for copy in copies if copy["id"] not in needed]


def _begun(api: LabelStudio, project: int) -> frozenset[int]:
    drafts = api.tasks(project, fields="task_only", begun=True, page_size=PAGE)
    return frozenset(int(task["id"]) for task in drafts)

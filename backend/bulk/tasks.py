"""Which tasks of a project lack a prediction: listed a page at a time, so that memory stays flat."""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from typing import Any, Literal, TypeAlias

from backend.label_studio import task_versions
from backend.label_studio.client import LabelStudio, Row
from backend.pipeline.version import REREAD

Order: TypeAlias = Literal["id", "worst-first"]

PAGE = 500
"""Tasks per request: Label Studio looks through the whole project for each page."""

SCORED_PAGE = 50
"""The same where predictions come with all their results, some 20 KB each."""


def lacking(
    api: LabelStudio,
    project: int,
    version: str,
    *,
    order: Order = "id",
    only: Collection[int] | None = None,
    limit: int | None = None,
) -> Iterator[Row]:
    """Tasks that have no prediction of exactly this model version.

    Args:
        api: Label Studio.
        project: the id of the project.
        version: the model version; an empty one is no version, so that every task lacks it.
        order: "id" for growing ids; "worst-first" for tasks that were never read, and then those whose
            newest prediction has the lowest score. That order looks at all predictions before the first
            task comes, and keeps two numbers of each task in memory.
        only: these tasks alone, of those that the project has.
        limit: the longest listing.

    Yields:
        Rows with `id` and `data`, without results.

    Raises:
        LabelStudioFailed: Label Studio cannot be reached, or refused.
    """
    if order == "worst-first":
        worst = [task for _, task in sorted(_scores(api, project, version))]
        ids = worst if only is None else [task for task in worst if task in only]
        found = _of_ids(api, project, version, ids)
    elif only is not None:
        found = _of_ids(api, project, version, sorted(only))
    else:
        found = _of_project(api, project, version)
    return islice(found, limit)


def count_lacking(
    api: LabelStudio, project: int, version: str, *, only: Collection[int] | None = None
) -> int:
    """How many tasks have no prediction of exactly this model version; arguments as in `lacking`."""
    if only is not None:
        return sum(1 for _ in lacking(api, project, version, only=only))
    if longer := longer_versions(api, project, version):
        having = sum(
            has_version(api, row, version) for row in _with_versions(api, project, [version, *longer])
        )
        return api.count_tasks(project) - having
    return api.count_tasks(project, without_version=version)


def has_version(api: LabelStudio, row: Mapping[str, Any], version: str) -> bool:
    """Whether a task has a prediction of exactly this version.

    Args:
        api: is asked for the task where its row does not tell.
        row: of a listing that names versions.
        version: the model version.
    """
    told = task_versions.has_version(row, version)
    if told is not None:
        return told
    return any(made["model_version"] == version for made in api.task(int(row["id"]))["predictions"])


def _of_project(api: LabelStudio, project: int, version: str) -> Iterator[Row]:
    """All of a project that lack a version, by growing id."""
    plainly = api.tasks(
        project, fields="task_only", without_version=version, resolve_uri=False, page_size=PAGE
    )
    longer = longer_versions(api, project, version)
    if not longer:
        yield from plainly
        return
    in_part = (row for row in _with_versions(api, project, longer) if not has_version(api, row, version))
    last = 0
    for row in heapq.merge(plainly, in_part, key=lambda row: int(row["id"])):
        # a database that minds case gives a task twice whose version differs in nothing else
        if row["id"] != last:
            yield row
        last = row["id"]


def longer_versions(api: LabelStudio, project: int, version: str) -> list[str]:
    """Other versions that Label Studio takes for this one, because it compares parts and may ignore case.

    Such as "reread v1" for "v1".
    """
    wanted = version.casefold()
    stored = api.model_versions(project) if version else {}
    return [other for other in stored if other != version and wanted in other.casefold()]


def _with_versions(api: LabelStudio, project: int, versions: list[str]) -> Iterator[Row]:
    return api.tasks(project, fields="task_only", with_versions=versions, resolve_uri=False, page_size=PAGE)


def _of_ids(api: LabelStudio, project: int, version: str, ids: list[int]) -> Iterator[Row]:
    """Those of these tasks that are there and lack the version, in the order of the ids."""
    for start in range(0, len(ids), PAGE):
        part = ids[start : start + PAGE]
        rows = {int(row["id"]): row for row in api.tasks_by_id(project, part)}
        for task in part:
            if task in rows and not has_version(api, rows[task], version):
                yield rows[task]


def _scores(api: LabelStudio, project: int, version: str) -> Iterator[tuple[float, int]]:
    """The newest score and the id of every task that lacks a version; below every score if there is none."""
    pages = api.tasks(project, without_version="", resolve_uri=False, page_size=SCORED_PAGE)
    for task in pages:
        made = [each for each in task["predictions"] if not str(each["model_version"]).startswith(REREAD)]
        if version and any(each["model_version"] == version for each in task["predictions"]):
            continue
        scores = [(each["created_at"], each["id"], each["score"]) for each in made]
        given = [score for *_, score in sorted(scores) if isinstance(score, int | float)]
        yield (given[-1] if given else -math.inf), int(task["id"])

"""Which tasks of a project lack a prediction."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from typing import Literal, TypeAlias

from backend.label_studio.client import LabelStudio, Row

Order: TypeAlias = Literal["id", "worst-first"]


def lacking(
    api: LabelStudio,
    project: int,
    version: str,
    *,
    order: Order = "id",
    only: Collection[int] | None = None,
    limit: int | None = None,
) -> Iterator[Row]:
    """Tasks that have no prediction of this model version."""
    found = (
        task
        for task in api.tasks(project, fields="task_only", without_version=version)
        if only is None or int(task["id"]) in only
    )
    return islice(found, limit)


def count_lacking(
    api: LabelStudio, project: int, version: str, *, only: Collection[int] | None = None
) -> int:
    """How many tasks have no prediction of this model version."""
    return sum(1 for _ in lacking(api, project, version, only=only))

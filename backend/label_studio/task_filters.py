"""Which tasks of a project are meant, as filters of Label Studio's Data Manager; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, TypeAlias

Filter: TypeAlias = dict[str, Any]


def chosen(
    *,
    updated_since: datetime | None = None,
    annotated: bool = False,
    skipped: bool = False,
    with_versions: Sequence[str] = (),
    without_version: str = "",
    begun: bool | None = None,
    data: Mapping[str, str] | None = None,
) -> list[Filter]:
    """What a query holds for a choice of tasks; arguments as in `LabelStudio`."""
    found = []
    if updated_since is not None:
        written = updated_since.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        found.append(_filter("updated_at", "Datetime", written))
    if annotated:
        found.append(_filter("total_annotations", "Number", 0))
    if skipped:
        found.append(_filter("cancelled_annotations", "Number", 0))
    if with_versions:
        found.append(_filter("predictions_model_versions", "String", list(with_versions), "contains"))
    if without_version:
        found.append(_filter("predictions_model_versions", "String", [without_version], "not_contains"))
    if begun is not None:
        found.append(_filter("draft_exists", "Boolean", begun, "equal"))
    for name, text in (data or {}).items():
        found.append(_filter(f"data.{name}", "String", text, "equal"))
    return found


def later_than(task: int) -> Filter:
    """Tasks whose id is higher than this one."""
    return _filter("id", "Number", task)


def with_their_versions() -> Filter:
    """Every task: a filter that leaves none out, and lets Label Studio name the versions in each row."""
    return _filter("predictions_model_versions", "String", [], "not_contains")


def _filter(column: str, kind: str, value: Any, operator: str = "greater") -> Filter:
    """A filter for tasks by one column."""
    return {"filter": f"filter:tasks:{column}", "operator": operator, "type": kind, "value": value}

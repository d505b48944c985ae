"""The model versions of a task's predictions, as Label Studio's rows of tasks name them; pure.

All versions of a task stand in one text, each once, with commas between them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SHOWN = 500
"""Characters of a list of versions that Label Studio shows; it cuts off the rest."""


def has_version(row: Mapping[str, Any], version: str) -> bool | None:
    """Whether a task has a prediction of exactly this version; None where its row does not tell.

    Args:
        row: a task of a listing that names versions.
        version: without a comma, as twinread's are; those with one are not found in such a text.
    """
    versions = _versions(row)
    if versions is None or any(mark in version for mark in ',"\\'):
        return None
    return version.strip() in versions


def may_have_copies(row: Mapping[str, Any]) -> bool:
    """Whether a task may have several predictions of one version: it has more of them than versions."""
    versions = _versions(row)
    return versions is None or int(row.get("total_predictions") or 0) > len(versions)


def _versions(row: Mapping[str, Any]) -> frozenset[str] | None:
    """The versions of a task's predictions, each once; None where the text was cut off."""
    listed = str(row.get("predictions_model_versions") or "")
    parts = listed.split(",")
    # on PostgreSQL the text is cut before the quotes around each version are taken out
    if len(listed) + 2 * len(parts) >= SHOWN:
        return None
    return frozenset(part.strip() for part in parts if part.strip())

"""The model versions of a task's predictions, as Label Studio's rows of tasks name them; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SHOWN = 500
"""Characters of a list of versions that Label Studio shows; it cuts off the rest."""


def count_of(row: Mapping[str, Any], version: str) -> int | None:
    """How many predictions of exactly this version a task has; None where its row does not tell.

    Label Studio writes all versions of a task into one text, with commas between them, each as often as
    there are predictions of it.

    Args:
        row: a task of a listing that names versions.
        version: without a comma, as twinread's are; those with one are not found in such a text.
    """
    listed = str(row.get("predictions_model_versions") or "")
    parts = listed.split(",")
    # on PostgreSQL the text is cut before the quotes around each version are taken out
    if len(listed) + 2 * len(parts) >= SHOWN or any(mark in version for mark in ',"\\'):
        return None
    return [part.strip() for part in parts].count(version.strip())

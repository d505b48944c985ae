"""What the dataset in place says of itself: where it comes from, and which page is in which part."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.errors import BadRequest
from converters.export.page_records import EarlierPages
from converters.export.split import Part

SUMMARY = "summary.json"
SPLIT = "split.jsonl"
"""The part of every page that any export assigned: a page that is missing once keeps its part."""

Parts = dict[str, tuple[Part, str]]
"""Part of a page and why, by the hash of its pixels."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where tasks come from; a file of them names neither.

    server: address of Label Studio.
    project: its id.
    """

    server: str = ""
    project: int | None = None

    def __str__(self) -> str:
        return f"project {self.project} of {self.server}" if self.project is not None else "a file of tasks"


def newest_change(out: Path) -> str:
    """The newest change to a task that the dataset in place knows of; empty where it knows none."""
    return str(_summary(out).get("newest_change") or "")


def check_mixture(out: Path, origin: Origin, settings: Collection[str], *, partial: bool) -> None:
    """The dataset in place may be replaced by this export; its pages may be kept where `partial`.

    Args:
        out: the dataset's folder.
        origin: where the tasks of this export come from.
        settings: hashes of what decides beside the tasks; of any of them the same pages come out.
        partial: pages of tasks that are not read are kept as they are.

    Raises:
        BadRequest: it holds another project, or pages that this export would not have made so.
    """
    summary = _summary(out)
    before = _origin(summary)
    if None not in (before.project, origin.project) and before.project != origin.project:
        raise BadRequest(
            f"{out.name} holds {before}, and project {origin.project} would take its place. Choose another "
            "folder with --out, or remove that one first."
        )
    if not partial:
        return
    if not summary:
        raise BadRequest(
            f"{out.name} has no {SUMMARY} any more, so nobody can say how its pages were made. Export once "
            "without --since."
        )
    if before != origin:
        raise BadRequest(
            f"{out.name} was exported from {before}, not from {origin}, so its pages cannot be kept unread. "
            "Export once without --since."
        )
    if summary.get("guarantee") is not None:
        raise BadRequest(
            f"{out.name} was exported with --guarantee, and a claim is about all tasks, so its pages cannot "
            "be kept unread. Export without --since."
        )
    if summary.get("settings") not in settings:
        raise BadRequest(
            f"{out.name} was exported with other settings (format, labels, rule or labeling config) or by "
            "another version of twinread, so its pages cannot be kept unread. Export once without --since."
        )


def assigned(dataset: EarlierPages) -> Parts:
    """Where exports into this folder ever put pages."""
    found: Parts = {}
    for record in map(dataset.page, dataset):
        if record is not None and record.page_sha256 is not None and record.part is not None:
            found[record.page_sha256] = Part(record.part), record.part_why or ""
    for row in _rows(dataset.folder / SPLIT):
        with suppress(ValueError, KeyError, TypeError):
            found.setdefault(row["page"], (Part(row["part"]), str(row["why"])))
    return found


def split_file(parts: Mapping[str, tuple[Part, str]]) -> bytes:
    """The content of `SPLIT`."""
    rows = ({"page": page, "part": part.value, "why": why} for page, (part, why) in sorted(parts.items()))
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _summary(out: Path) -> Mapping[str, Any]:
    try:
        summary = json.loads((out / SUMMARY).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return summary if isinstance(summary, dict) else {}


def _origin(summary: Mapping[str, Any]) -> Origin:
    try:
        return Origin(**summary["origin"])
    except (KeyError, TypeError):
        return Origin()


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    lines: Iterable[bytes] = ()
    with suppress(OSError):
        lines = path.read_bytes().splitlines()
    for line in lines:
        with suppress(ValueError):
            row = json.loads(line)
            if isinstance(row, dict):
                yield row

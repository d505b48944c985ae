"""`manifest.jsonl` of an exported dataset, as training and evaluation read it: where each line is from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from backend.page.lines import Reading

MANIFEST = "manifest.jsonl"


@dataclass(frozen=True, slots=True)
class ManifestLine:
    """One row of a recognition file, and where it comes from.

    file, image: the label file, and the crop as its row names it.
    page: the page's key, the same in every export of the project.
    language: of the page; empty where the dataset does not say.
    predicted: the text that people found filled in; None where that is not known.
    readings: what each reader had said, in their order.
    """

    file: str
    image: str
    page: str
    language: str = ""
    predicted: str | None = None
    readings: tuple[Reading, ...] = ()


def page_key(row: dict[str, Any]) -> str:
    """A page of a manifest by its task, and by its number where it is not the task's first page."""
    task, number = row.get("task"), row.get("page") or 0
    return str(task) if number == 0 else f"{task}_p{int(number) + 1}"


def manifest_lines(content: bytes) -> Iterator[ManifestLine]:
    """The rows of recognition files; rows of detection files are passed over.

    Args:
        content: the manifest's bytes.

    Raises:
        ValueError: a line is no row of a manifest; the message begins with its number.
    """
    for number, line in enumerate(content.splitlines(), start=1):
        found = _line(number, line)
        if found is not None:
            yield found


def _line(number: int, line: bytes) -> ManifestLine | None:
    """A row of a recognition file; None for one of a detection file."""
    try:
        row = json.loads(line)
        if row["kind"] != "recognition":
            return None
        return ManifestLine(
            file=str(row["file"]),
            image=str(row["image"]),
            page=page_key(row),
            language=str(row.get("language") or ""),
            predicted=row.get("predicted"),
            readings=tuple(
                Reading(str(said["reader"]), str(said.get("text", "")), error=said.get("error"))
                for said in row.get("readings") or ()
            ),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"line {number} is no row of a manifest ({error!r})") from error

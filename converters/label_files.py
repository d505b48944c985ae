"""Label files of PaddleOCR and PPOCRLabel, row by row: which rows they hold, and which lines are none; pure.

A detection row (also of PPOCRLabel's `Label.txt`) is a page with its regions, a recognition row one line
image with its text. What becomes of them on import is `importing`'s to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from converters import labels
from converters.faults import IGNORED, RowRefused

Kind = Literal["detection", "recognition"]

PEEK = 100
"""Rows that are looked at to tell a detection file from a recognition file."""


class RowWhy(Enum):
    """Why a row makes no task."""

    NOT_A_ROW = "is no row that can be read"
    REPEATED = "its image came before in the same file"
    OUTSIDE = "its image lies outside of the folder"
    MISSING = "its image is missing"
    UNREADABLE = "its image cannot be read"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One row that makes no task.

    line: its number in the file, from 1.
    regions: how many it holds, as far as it could be read.
    """

    file: str
    line: int
    image: str
    why: RowWhy
    sentence: str
    regions: int = 0


@dataclass(frozen=True, slots=True)
class Labelled:
    """One row: an image and what the file says of it.

    line: the row's number in the file, from 1.
    regions: with points in page pixels; one without points covers the whole image.
    """

    line: int
    image: str
    regions: tuple[labels.Region, ...]


@dataclass(frozen=True, slots=True)
class LabelFile:
    """A label file's rows, and those of them that are none; together all that it has."""

    name: str
    kind: Kind
    rows: tuple[Labelled, ...]
    left_out: tuple[LeftOut, ...]


def read(name: str, content: bytes) -> LabelFile:
    """Read a label file.

    Args:
        name: the file's name, as it is shown.
        content: its bytes.

    Returns:
        Rows in the order of the file. Of several rows about one image the first counts.
    """
    kind = kind_of(content) or "recognition"
    rows: list[Labelled] = []
    left_out: list[LeftOut] = []
    first: dict[str, int] = {}
    for number, row in _rows(content, kind):
        if isinstance(row, RowRefused):
            left_out.append(
                LeftOut(name, number, str(row.facts.get("image", "")), RowWhy.NOT_A_ROW, str(row))
            )
        elif row.image in first:
            sentence = f"row {first[row.image]} is about the same image; the first one counts"
            left_out.append(
                LeftOut(name, number, row.image, RowWhy.REPEATED, sentence, regions=len(row.regions))
            )
        else:
            first[row.image] = number
            rows.append(row)
    return LabelFile(name, kind, tuple(rows), tuple(left_out))


def kind_of(content: bytes) -> Kind | None:
    """Tell by its first rows whether a file holds regions of pages or texts of lines; None for neither."""
    found = [
        fields[1].lstrip() for line in content.split(b"\n", PEEK) if len(fields := line.split(b"\t")) > 1
    ]
    if not found:
        return None
    lists = sum(label.startswith((b"[{", b"[]")) for label in found)
    return "detection" if lists * 2 > len(found) else "recognition"


def _rows(content: bytes, kind: Kind) -> Sequence[tuple[int, Labelled | RowRefused]]:
    if kind == "detection":
        return [
            (number, row if isinstance(row, RowRefused) else Labelled(number, row.image, row.regions))
            for number, row in labels.parse_rows(content, labels.parse_detection_row)
        ]
    return [
        (number, row if isinstance(row, RowRefused) else Labelled(number, row.image, (_whole(row.text),)))
        for number, row in labels.parse_rows(content, labels.parse_recognition_row)
    ]


def _whole(text: str) -> labels.Region:
    ignored = text == IGNORED
    return labels.Region("" if ignored else text, (), ignored)

"""Label files of PaddleOCR and PPOCRLabel, row by row: which rows they hold, and which lines are none; pure.

A detection row (also of PPOCRLabel's `Label.txt`) is a page with its regions, a recognition row one line
image with its text. What becomes of them on import is `importing`'s to say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Literal

from converters.paddleocr import label_rows
from converters.paddleocr.encodings import other_encoding, save_as_utf8
from converters.paddleocr.row_faults import IGNORED, Fault, RowRefused

Kind = Literal["detection", "recognition"]

PEEK = 100
"""Rows that are looked at to tell a detection file from a recognition file."""

MOST_SHOWN = 60
"""Characters of a row or region that a sentence quotes."""


class RegionReason(Enum):
    """Why a region of a page that was imported is not on it."""

    UNREADABLE = "no text with points that can be read"
    TOO_SMALL = "too small to hold text, or crossed over"
    OFF_PAGE = "half of it or more off the page"


class RowReason(Enum):
    """Why a row makes no task."""

    NOT_A_ROW = "is no row that can be read"
    REPEATED = "its image came before in the same file"
    OUTSIDE = "its image lies outside of the folder"
    MISSING = "its image is missing"
    UNREADABLE = "its image cannot be read"
    MISFIT = "its lines do not fit the labeling config"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One row that makes no task, or one region that is not on its task.

    line: the row's number in the file, from 1.
    sentence: what was done, why, and what mends it; file, line and image are not said again.
    regions: how many regions are left out with it, as far as they could be read.
    """

    file: str
    line: int
    image: str
    why: RowReason | RegionReason
    sentence: str
    regions: int = 0


@dataclass(frozen=True, slots=True)
class Labelled:
    """One row: an image and what the file says of it.

    line: the row's number in the file, from 1.
    regions: with points in page pixels; one without points covers the whole image.
    unreadable: the row's other regions.
    """

    line: int
    image: str
    regions: tuple[label_rows.RowRegion, ...]
    unreadable: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelFile:
    """A label file's rows, and those of them that are none; together all that it has."""

    name: str
    kind: Kind
    rows: tuple[Labelled, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def count(self) -> int:
        """How many rows it has in all."""
        return len(self.rows) + len(self.left_out)


def read(name: str, content: bytes) -> LabelFile:
    """Read a label file.

    Args:
        name: the file's name, for messages.
        content: its bytes.

    Returns:
        Rows in the order of the file. Of several rows about one image the first counts.
    """
    found = other_encoding(content)
    kind = kind_of(content) or "recognition"
    rows: list[Labelled] = []
    left_out: list[LeftOut] = []
    first: dict[str, int] = {}
    for row in _rows(name, content, kind):
        if isinstance(row, LeftOut):
            if found:
                # the rows together say more of their encoding than one by itself
                which = f"the file looks like {found}, so {save_as_utf8(found)}"
                row = replace(row, sentence=row.sentence.replace(_SAVE, which))
            left_out.append(row)
        elif row.image in first:
            sentence = (
                f"row {first[row.image]} is about the same image and counts, so this one was left out; put "
                "what both say into one row"
            )
            count = len(row.regions) + len(row.unreadable)
            left_out.append(LeftOut(name, row.line, row.image, RowReason.REPEATED, sentence, count))
        else:
            first[row.image] = row.line
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
    # hardly any line of text begins like a list, and a detection file may have bad rows
    return "detection" if lists * 2 >= len(found) else "recognition"


def _rows(name: str, content: bytes, kind: Kind) -> Iterator[Labelled | LeftOut]:
    if kind == "recognition":
        for line, text_row in label_rows.parse_rows(content, label_rows.parse_recognition_row):
            if isinstance(text_row, RowRefused):
                yield _no_row(name, line, text_row)
            else:
                yield Labelled(line, text_row.image, (_whole(text_row.text),))
        return
    for line, page_row in label_rows.parse_rows(content, label_rows.parse_detection_row):
        yield (
            _no_row(name, line, page_row) if isinstance(page_row, RowRefused) else _page(name, line, page_row)
        )


def _whole(text: str) -> label_rows.RowRegion:
    ignored = text == IGNORED
    return label_rows.RowRegion("" if ignored else text, (), ignored)


def _page(name: str, line: int, row: label_rows.DetectionRow) -> Labelled | LeftOut:
    regions = tuple(region for region in row.regions if not isinstance(region, RowRefused))
    wrong = [
        f"region {place} of {len(row.regions)}: {_what_of_region(region)}"
        for place, region in enumerate(row.regions, start=1)
        if isinstance(region, RowRefused)
    ]
    if wrong and not regions:
        # a page that came without any of its lines would look like one that has none
        sentence = f"no region can be read ({wrong[0]}), so the row was left out; mend it and import again"
        return LeftOut(name, line, row.image, RowReason.NOT_A_ROW, sentence, len(wrong))
    unreadable = (
        LeftOut(name, line, row.image, RegionReason.UNREADABLE, f"{what}, {_WITHOUT_REGION}", 1)
        for what in wrong
    )
    return Labelled(line, row.image, regions, tuple(unreadable))


_WITHOUT_REGION = (
    "so the page came without it; draw it in Label Studio, or mend the file, delete the task and import again"
)


def _what_of_region(refusal: RowRefused) -> str:
    if refusal.fault is not Fault.NOT_JSON:
        return f"it {refusal.fault.what}"
    quoted = _quoted(refusal)
    return {
        "transcription": f"its transcription {quoted} is no text",
        "points": f"its points {quoted} are no list of [x, y]",
    }.get(str(refusal.facts["subject"]), f"{quoted} lacks transcription or points")


def _no_row(name: str, line: int, refusal: RowRefused) -> LeftOut:
    image, subject, text = (str(refusal.facts[fact]) for fact in ("image", "subject", "text"))
    if not text.strip() and refusal.fault is Fault.NO_TAB:
        what, remedy = "the row is blank", "if one is missing here, write it"
    else:
        # what stands before the sentence is not said again
        quoted = f" {_quoted(refusal)}" if text and not (image and image in text) else ""
        is_what = "is no JSON list of regions" if refusal.fault is Fault.NOT_JSON else refusal.fault.what
        what, remedy = f"the {subject}{quoted} {is_what}", _REMEDIES.get(refusal.fault, "mend it")
    sentence = f"{what}, so the row was left out; {remedy} and import again"
    return LeftOut(name, line, image, RowReason.NOT_A_ROW, sentence)


_SAVE = "save the file as UTF-8"
_REMEDIES = {
    Fault.NO_TAB: "put one tab between image and label",
    Fault.MORE_TABS: "keep only the tab between image and label",
    Fault.RUN_TOGETHER: "begin a new line before the second image's name",
    Fault.LINE_ENDS: "save the file with LF (Unix) line ends",
    Fault.NOT_UTF8: _SAVE,
    Fault.EMPTY: "write what is missing",
    Fault.LISTED_IMAGE: "name one image",
    Fault.REMOTE_IMAGE: "download the image and name its file",
}


def _quoted(refusal: RowRefused) -> str:
    text = str(refusal.facts["text"])
    # what came from JSON is shown as it stands there
    whole = text if refusal.facts["subject"] in {"region", "points", "transcription"} else repr(text)
    return whole if len(whole) <= MOST_SHOWN else whole[: MOST_SHOWN - 3] + "..."

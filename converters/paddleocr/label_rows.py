"""Rows of PaddleOCR's label files, written and parsed; pure.

    recognition   image<TAB>text
    detection     image<TAB>[{"transcription": text, "points": [[x, y], ...]}, ...]

One row a line, UTF-8 without a byte order mark, LF. A PPOCRLabel folder holds the same rows under its
own names: `Label.txt` (detection, images as FOLDER/NAME), `rec_gt.txt` (recognition, crops under
`crop_img/`) and `fileState.txt` (which pages were looked at: `file_state_row`).

What a recognition row does not carry: the page, the quad, who wrote the text, the readings, the
language, the direction of writing, illegible lines and lines without text.

What a detection row does not carry: why a region is ignored, the order of a quad's corners (PaddleOCR
turns them its own way), rotation as an angle, parts of a pixel below a hundredth, labels, ids,
annotators, readings, pages without regions (PaddleOCR drops those), and triangles as such (their last
corner is written twice, because three points make PaddleOCR's augmentation fail now and then).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from converters.paddleocr.row_faults import (
    IGNORED,
    SURROGATES,
    Fault,
    RowRefused,
    image_fault,
    several_rows,
    text_fault,
)

IGNORE_MARKS = (IGNORED, "*")
"""What PaddleOCR takes for the ignore mark in a detection file; a line that reads "*" is ignored too.

No set: a transcription in a file may be a list, which no set can be asked for."""

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class RecognitionRow:
    """One crop and what it says; `image` is relative to the data folder, or absolute."""

    image: str
    text: str


@dataclass(frozen=True, slots=True)
class RowRegion:
    """One region of a page.

    points: three or more corners as (x, y), page pixels, in order around the region.
    ignored: neither text nor background to PaddleOCR; then `text` is not written.
    """

    text: str
    points: tuple[tuple[float, float], ...]
    ignored: bool = False


@dataclass(frozen=True, slots=True)
class DetectionRow:
    """One page with its regions; a region that cannot be read is a refusal in its place."""

    image: str
    regions: tuple[RowRegion | RowRefused, ...]


_EDIT = "Edit the text in Label Studio and export again."
_RENAME = "Rename the image."
_MEND = "Mend the row in its file, or leave it out."


def recognition_row(image: str, text: str) -> str:
    r"""Write one row of a recognition file, with its line end.

    Args:
        image: the crop's path, relative to the data folder, with "/".
        text: what the crop says; NFC with plain spaces. Blanks at its edges are kept, as PaddleOCR does.

    Raises:
        RowRefused: PaddleOCR would cut, drop or change the row.
    """
    _check_image(image)
    found = text_fault(text)
    if found:
        fault, position = found
        where = "" if fault in {Fault.EMPTY, Fault.IGNORE_MARK} else f" at character {position + 1}"
        raise RowRefused(fault, image, "text", text, _EDIT, where)
    return f"{image}\t{text}\n"


def parse_recognition_row(row: str) -> RecognitionRow:
    """Read one row of a recognition file; its line end, LF or CRLF, is not part of the text.

    Raises:
        RowRefused: the row has no tab, more than one, no text, or a name that is not one image.
    """
    image, text = _two_fields(row)
    if not text:
        raise RowRefused(Fault.EMPTY, image, "text", text, _MEND)
    return RecognitionRow(image, text)


def detection_row(image: str, regions: Sequence[RowRegion]) -> str:
    """Write one row of a detection file (or of PPOCRLabel's `Label.txt`), with its line end.

    PPOCRLabel reads the list as Python after replacing `true`, `false` and `null`; letters of those words
    are written as escapes inside texts, so that JSON and PPOCRLabel read the same.

    Args:
        image: the page's path, relative to the data folder, with "/"; for PPOCRLabel FOLDER/NAME.
        regions: at least one. Coordinates are rounded to a hundredth of a pixel.

    Raises:
        RowRefused: PaddleOCR would drop, ignore or fail on the page or one of its regions.
    """
    _check_image(image)
    if not regions:
        raise RowRefused(Fault.NO_REGIONS, image, "page", image, "Leave the page out of the detection files.")
    return f"{image}\t[{', '.join(_region_json(image, region) for region in regions)}]\n"


def parse_detection_row(row: str) -> DetectionRow:
    """Read one row of a detection file; keys beyond `transcription` and `points` are left aside.

    A null transcription is an empty text. A page without regions is read as such. One bad region takes
    no other with it: in its place stands the refusal, which names the part that is wrong as its subject.

    Raises:
        RowRefused: the row is not a tab-separated pair of image and JSON list.
    """
    image, label = _two_fields(row)
    try:
        items = json.loads(label)
        if isinstance(items, list):
            return DetectionRow(image, tuple(_region_or_refusal(image, item) for item in items))
    except (ValueError, RecursionError) as error:
        raise RowRefused(Fault.NOT_JSON, image, "label", label, _MEND) from error
    raise RowRefused(Fault.NOT_JSON, image, "label", label, _MEND)


def file_state_row(image: str) -> str:
    """Write one row of PPOCRLabel's `fileState.txt`: this page was looked at; with its line end.

    Raises:
        RowRefused: the name has a tab or a line break.
    """
    _check_image(image)
    return f"{image}\t1\n"


def parse_file_state_row(row: str) -> str:
    """Read one row of PPOCRLabel's `fileState.txt`: the image that was looked at.

    Raises:
        RowRefused: the row has no tab, or more than one.
    """
    return _two_fields(row)[0]


def parse_rows(content: bytes, parse: Callable[[str], Row]) -> Iterator[tuple[int, Row | RowRefused]]:
    """Read a whole label file, row by row; a refused row is a value in its place.

    Lines end at LF alone, as for PaddleOCR. A byte order mark at the start and blank lines at the end
    are passed over.

    Args:
        content: the file's bytes.
        parse: one of `parse_recognition_row`, `parse_detection_row`, `parse_file_state_row`.

    Yields:
        The line's number, from 1, and what it holds or why it holds nothing.
    """
    lines = content.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n").split(b"\n")
    for number, line in enumerate(lines if lines != [b""] else [], start=1):
        yield number, _row_or_refusal(line, parse)


def _row_or_refusal(line: bytes, parse: Callable[[str], Row]) -> Row | RowRefused:
    try:
        return parse(line.decode("utf-8"))
    except UnicodeDecodeError:
        escaped = line.decode("utf-8", "backslashreplace")
        remedy = "Save the file as UTF-8 without a byte order mark."
        return RowRefused(Fault.NOT_UTF8, "", "row", escaped, remedy)
    except RowRefused as refusal:
        return refusal


def _check_image(image: str) -> None:
    fault = image_fault(image)
    if fault:
        raise RowRefused(fault, image, "image name", image, _RENAME)


def _two_fields(row: str) -> tuple[str, str]:
    fields = row.rstrip("\r\n").split("\t")
    if len(fields) != 2:
        fault = Fault.NO_TAB if len(fields) < 2 else several_rows(row) or Fault.MORE_TABS
        raise RowRefused(fault, fields[0] if len(fields) > 2 else "", "row", row, _MEND)
    fault_of_image = image_fault(fields[0])
    if fault_of_image:
        raise RowRefused(fault_of_image, fields[0], "image name", fields[0], _MEND)
    return fields[0], fields[1]


def _region_json(image: str, region: RowRegion) -> str:
    if not region.ignored and region.text in IGNORE_MARKS:
        remedy = "Mark the region as ignored, or correct its text in Label Studio."
        raise RowRefused(Fault.IGNORE_MARK, image, "text", region.text, remedy)
    if SURROGATES.search(region.text):
        raise RowRefused(Fault.SURROGATE, image, "text", region.text, _EDIT)
    points = _checked_points(image, region.points)
    if len(points) == 3:
        points = (*points, points[-1])
    text = _string_json(IGNORED if region.ignored else region.text)
    return f'{{"transcription": {text}, "points": {json.dumps([[_number(v) for v in p] for p in points])}}}'


def _region_or_refusal(image: str, item: Any) -> RowRegion | RowRefused:
    try:
        return _region(image, item)
    except RowRefused as refusal:
        return refusal


def _region(image: str, item: Any) -> RowRegion:
    def refused(subject: str, part: Any) -> RowRefused:
        # an escape in JSON can be half of a character, which no terminal and no file takes
        text = json.dumps(part, ensure_ascii=False).encode("utf-8", "backslashreplace").decode("utf-8")
        return RowRefused(Fault.NOT_JSON, image, subject, text, _MEND)

    if not isinstance(item, dict) or not item.keys() >= {"transcription", "points"}:
        raise refused("region", item)
    text, corners = item["transcription"], item["points"]
    try:
        points = tuple((float(x), float(y)) for x, y in corners)
    except (TypeError, ValueError, OverflowError) as error:
        raise refused("points", corners) from error
    if text is not None and not isinstance(text, str):
        raise refused("transcription", text)
    return RowRegion(text or "", _checked_points(image, points), ignored=text in IGNORE_MARKS)


def _checked_points(image: str, points: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    if len(points) < 3:
        raise RowRefused(Fault.FEW_POINTS, image, "region", repr(points), _MEND)
    if not all(math.isfinite(value) for point in points for value in point):
        raise RowRefused(Fault.NOT_FINITE, image, "region", repr(points), _MEND)
    return points


def _number(value: float) -> float | int:
    rounded = round(float(value), 2)
    return int(rounded) if rounded.is_integer() else rounded


def _string_json(text: str) -> str:
    # no \n, \t or \f, and capital digits: else an escape with the letters after it could spell such a word
    escaped = "".join(
        f"\\{char}"
        if char in '"\\'
        else f"\\u{ord(char):04X}"
        if ord(char) < 0x20 or char == "\x7f"
        else char
        for char in text
    )
    return (
        '"' + re.sub("true|false|null", lambda word: f"\\u{ord(word[0][0]):04X}{word[0][1:]}", escaped) + '"'
    )

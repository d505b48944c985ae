"""What an export records of each page, one line of JSON a page, and how the next export finds it again."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from backend.label_studio.annotations import Json, user_of
from backend.label_studio.region_notes import Decided, readings_in
from backend.label_studio.regions import Region
from backend.page.lines import Reading
from backend.sheets.made_annotations import Looked
from converters.reviewed.region_text import ANY_TEXT_AREA, TextAreas, filled_in_of

STATE = "state.jsonl"
"""All pages with all regions: what a later export compares with."""

SPILL = "pages.part"
"""The same while an export runs; it is gone just before the dataset takes its place."""


@dataclass(frozen=True, slots=True)
class Author:
    """The annotation that counts: its id, who submitted it, and when.

    user: id of the user.
    lead_time_s: time spent, as Label Studio measured it.
    """

    annotation: str
    user: str
    created_at: str
    updated_at: str
    lead_time_s: float | None

    @classmethod
    def of(cls, annotation: Json) -> Author:
        """Who submitted an annotation, and when."""
        return cls(
            annotation=_text_or_empty(annotation.get("id")),
            user=user_of(annotation),
            created_at=_text_or_empty(annotation.get("created_at")),
            updated_at=_text_or_empty(annotation.get("updated_at")),
            lead_time_s=_seconds(annotation.get("lead_time")),
        )


@dataclass(frozen=True, slots=True)
class Readings:
    """What machines had said of a line before a person looked.

    verdict: the value of a `Verdict`; None where twinread read nothing here.
    predicted: the text that the person found filled in; None for a line that no prediction has, and where
        the export does not hold the prediction.
    drawn: no prediction has the line; None where the export does not hold the prediction.
    each: what each reader said, in their order.
    """

    verdict: str | None = None
    predicted: str | None = None
    drawn: bool | None = None
    each: tuple[Reading, ...] = ()

    @classmethod
    def of(
        cls,
        region: Region,
        predicted: Mapping[str, Region] | None,
        text_areas: TextAreas = ANY_TEXT_AREA,
    ) -> Readings:
        """What machines had said of a region.

        Args:
            region: as it was submitted; it brings along what was read of a line that a person drew.
            predicted: the prediction's regions by id; None where the prediction is not known.
            text_areas: which of its TextAreas hold transcriptions.
        """
        before = predicted.get(region.id) if predicted is not None else None
        kept = readings_in(before, region)
        filled_in = filled_in_of(before, text_areas) if before is not None else ""
        return cls(
            verdict=kept.verdict.value if kept is not None else None,
            predicted=filled_in if before is not None else None,
            drawn=before is None if predicted is not None else None,
            each=kept.readings if kept is not None else (),
        )


@dataclass(frozen=True, slots=True)
class LineRecord:
    """One region of a page, as the dataset and the next export need it.

    region: Label Studio's id.
    quad: what it was cropped by, page pixels, as lists; empty where it has no shape.
    points: what detection gets, page pixels, as lists.
    text: as written; empty where it is left out.
    raw: as the person left it.
    why: the name of the reason; None for an approved line.
    crop: path in the dataset; None where none was cut.
    crop_sha256: of shape and pixels, as readers' stores name the crop.
    fingerprint: `split.dhash` of the crop.
    changes: names of what brought the text into its written form.
    direction: the name of what people should know of the way in which the crop's text runs.
    looked: the value of a `Looked`: where a person looked at the line.
    decided: what people decided about it on a sheet; None where somebody looked at the whole page, or nobody.
    accepted_by: the id of who accepted it though nobody looked at it.
    """

    region: str
    quad: list[list[float]]
    points: list[list[float]]
    text: str
    raw: str
    labels: list[str]
    why: str | None
    crop: str | None = None
    crop_sha256: str | None = None
    fingerprint: int = 0
    changes: list[str] = field(default_factory=list)
    readings: Readings = Readings()
    direction: str | None = None
    looked: str = Looked.PAGE.value
    decided: Decided | None = None
    accepted_by: str | None = None


@dataclass(frozen=True, slots=True)
class PageRecord:
    """One page with all its regions.

    key: the page's name, unique in a project.
    state: hash of everything that decides what is written, but for the image file.
    file_sha256: of the image file; None where it could not be had.
    page_sha256: of the upright pixels.
    image: the page's path in the dataset; None where it is not written.
    reference: the image as messages may show it.
    group: pages of one group stay in one part.
    problem: why the image could not be had.
    part, part_why: known when all pages are.
    language: as the task's data has it; None where it has none, and in what an older version wrote.
    made: the value of a `Made`: why twinread approved the page, of which nobody saw the whole; None for work
        of a person.
    """

    key: str
    task: str
    number: int
    state: str
    reference: str
    author: Author
    file_sha256: str | None
    page_sha256: str | None
    width: int
    height: int
    image: str | None
    group: str | None
    model_version: str | None
    problem: str | None
    lines: list[LineRecord]
    part: str | None = None
    part_why: str | None = None
    language: str | None = None
    made: str | None = None

    @property
    def files(self) -> list[str]:
        """The images of the page in its dataset: its own and its crops'."""
        names = (self.image, *(line.crop for line in self.lines))
        return [name for name in names if name is not None]


_RECORDS = TypeAdapter(PageRecord)
_BEGINS = b'{"key":'
_DECODER = json.JSONDecoder()


def record_line(page: PageRecord) -> bytes:
    """A page as one line of JSON; half a surrogate pair, which no file can hold, becomes U+FFFD."""
    text = json.dumps(_RECORDS.dump_python(page), ensure_ascii=False, separators=(",", ":"))
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.encode() + b"\n"


def record_of(line: bytes) -> PageRecord:
    """The page that a line holds.

    Raises:
        ValueError: the line is not whole, or of another version.
    """
    return _RECORDS.validate_json(line)


class EarlierPages:
    """Pages of an earlier dataset or of a stopped export, looked up by key; memory holds offsets alone."""

    def __init__(self, folder: Path, name: str = STATE) -> None:
        """Index a folder's state file; a folder without one holds no pages.

        Args:
            folder: the dataset, or what a stopped export left.
            name: the file with a line for each page.
        """
        self.folder = folder
        self._file = folder / name
        self._offsets: dict[str, int] = {}
        self.damaged = 0
        """Lines that are no page: the torn last one of a stopped export, bytes that a disk turned."""
        with contextlib.suppress(FileNotFoundError), self._file.open("rb") as file:
            while line := file.readline():
                key = _key_in(line)
                if key is not None:
                    self._offsets[key] = file.tell() - len(line)
                elif line != b"\n":
                    self.damaged += 1

    def __len__(self) -> int:
        return len(self._offsets)

    def __iter__(self) -> Iterator[str]:
        return iter(self._offsets)

    @property
    def images(self) -> frozenset[str]:
        """The images of all pages, as paths in the dataset; also those that an older version wrote."""
        with contextlib.suppress(FileNotFoundError), self._file.open("rb") as file:
            return frozenset(filter(None, map(_image_in, file)))
        return frozenset()

    def page(self, key: str) -> PageRecord | None:
        """The page of that key; None where there is none, or an older version of twinread wrote it."""
        if key not in self._offsets:
            return None
        with self._file.open("rb") as file:
            file.seek(self._offsets[key])
            try:
                return record_of(file.readline())
            except ValueError:
                return None


def _image_in(line: bytes) -> str | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    image = record.get("image") if isinstance(record, dict) else None
    return image if isinstance(image, str) else None


def _key_in(line: bytes) -> str | None:
    """The key of the page that a line holds; None where the line is not whole."""
    if not (line.startswith(_BEGINS) and line.endswith(b"}\n")):
        return None
    try:
        key, _ = _DECODER.raw_decode(line[len(_BEGINS) :].decode())
    except ValueError:
        return None
    return key if isinstance(key, str) else None


def _seconds(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def _text_or_empty(value: object) -> str:
    return "" if value is None else str(value)

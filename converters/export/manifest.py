"""Where each row of a dataset comes from: who approved it, when, what the readers had said; pure.

`manifest.jsonl` has one JSON object per row of a label file, `left_out.jsonl` one per region that is not
in the recognition files, with the reason. Both are in the order of tasks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rapidfuzz.distance import Levenshtein

from backend.label_studio.annotations import Json, user_of
from backend.label_studio.region_notes import kept_in
from backend.label_studio.regions import Region, regions
from backend.page.lines import Reading
from backend.text.cleaning import plain_text
from converters.reviewed.reasons import LeftOutReason


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


@dataclass(frozen=True, slots=True)
class LineRecord:
    """One region of a page, as the dataset and the next export need it.

    region: Label Studio's id.
    quad: what it was cropped by, page pixels, as lists; empty where it has no shape.
    points: what detection gets.
    text: as written; empty where it is left out.
    raw: as the person left it.
    why: the name of the reason; None for an approved line.
    crop: path in the dataset; None where none was cut.
    crop_sha256: of shape and pixels, as readers' stores name the crop.
    fingerprint: `split.dhash` of the crop.
    changes: names of what brought the text into its written form.
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


def author_of(annotation: Json) -> Author:
    """Who submitted an annotation, and when."""
    return Author(
        annotation=_text_or_empty(annotation.get("id")),
        user=user_of(annotation),
        created_at=_text_or_empty(annotation.get("created_at")),
        updated_at=_text_or_empty(annotation.get("updated_at")),
        lead_time_s=_seconds(annotation.get("lead_time")),
    )


def readings_of(region: Region, predicted: Mapping[str, Region] | None) -> Readings:
    """What machines had said of a region.

    Args:
        region: as it was submitted; it brings along what was read of a line that a person drew.
        predicted: the prediction's regions by id; None where the prediction is not known.
    """
    before = predicted.get(region.id) if predicted is not None else None
    kept = kept_in(before, region)
    filled_in = plain_text(before.texts[0]) if before is not None and before.texts else ""
    return Readings(
        verdict=kept.verdict.value if kept is not None else None,
        predicted=filled_in if before is not None else None,
        drawn=before is None if predicted is not None else None,
        each=kept.readings if kept is not None else (),
    )


def by_id(prediction: Json | None) -> dict[str, Region] | None:
    """A prediction's regions by their ids."""
    return None if prediction is None else {region.id: region for region in regions(prediction["result"])}


def line_rows(page: PageRecord, rule: str, label_file: str) -> Iterator[dict[str, Any]]:
    """The manifest's row for each recognition row of a page, in order."""
    for line in page.lines:
        if line.why is None and line.crop is not None:
            yield {
                "file": label_file,
                "image": line.crop,
                "kind": "recognition",
                "text": line.text,
                **({"text_before": line.raw} if line.changes else {}),
                **_origin(page, rule),
                "region": line.region,
                "labels": line.labels,
                "quad": line.quad,
                "crop_sha256": line.crop_sha256,
                **_said(line.readings, line.text),
            }


def page_row(page: PageRecord, rule: str, label_file: str) -> dict[str, Any]:
    """The manifest's row for a page's detection row."""
    return {
        "file": label_file,
        "image": page.image,
        "kind": "detection",
        **_origin(page, rule),
        "width": page.width,
        "height": page.height,
        "regions": [
            {"region": line.region, **({"ignored": LeftOutReason[line.why].words} if line.why else {})}
            for line in page.lines
            if line.points
        ],
    }


def left_out_rows(page: PageRecord) -> Iterator[dict[str, Any]]:
    """One row for each region of a page that is not in the recognition files."""
    for line in page.lines:
        if line.why is not None:
            why = LeftOutReason[line.why]
            yield {
                "task": _number(page.task),
                "page": page.number,
                "region": line.region,
                "why": why.words,
                "detection": why.in_detection.value if page.image and line.points else "out",
                "text": line.raw,
                "labels": line.labels,
                "annotation": _number(page.author.annotation),
                "annotator": _number(page.author.user),
                **({"problem": page.problem} if page.problem else {}),
            }


def _origin(page: PageRecord, rule: str) -> dict[str, Any]:
    return {
        "part": page.part,
        "part_why": page.part_why,
        "task": _number(page.task),
        "page": page.number,
        "page_sha256": page.page_sha256,
        "reference": page.reference,
        "annotation": _number(page.author.annotation),
        "annotator": _number(page.author.user),
        "created_at": page.author.created_at,
        "updated_at": page.author.updated_at,
        "lead_time_s": page.author.lead_time_s,
        "chosen": rule,
        "model_version": page.model_version,
    }


def _said(readings: Readings, text: str) -> dict[str, Any]:
    """What machines said, and by how many characters the person's text differs."""
    return {
        "verdict": readings.verdict,
        "drawn": readings.drawn,
        "predicted": readings.predicted,
        "readings": [
            {"reader": said.reader, **({"error": said.error} if said.failed else {"text": said.text})}
            for said in readings.each
        ],
        "edits": {
            "predicted": _distance(readings.predicted, text),
            "readings": [_distance(None if said.failed else said.text, text) for said in readings.each],
        },
    }


def _distance(said: str | None, text: str) -> int | None:
    return None if said is None else Levenshtein.distance(said, text)


def _number(identity: str) -> int | str:
    """Ids are numbers in Label Studio; what is none stays as it is."""
    return int(identity) if identity.isdecimal() and str(int(identity)) == identity else identity


def _seconds(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def _text_or_empty(value: object) -> str:
    return "" if value is None else str(value)

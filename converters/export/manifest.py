"""Where each row of a dataset comes from: who approved it, when, what the readers had said; pure.

`manifest.jsonl` has one JSON object per row of a label file, `left_out.jsonl` one per region that is not
in the recognition files, with the reason. Both are in the order of tasks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rapidfuzz.distance import Levenshtein

from backend.sheets.made_annotations import Looked
from converters.export.guarantee import Guarantee
from converters.export.layouts.layout import LabelRow
from converters.export.page_records import LineRecord, PageRecord, Readings
from converters.reviewed.line_rules import Direction
from converters.reviewed.reasons import LeftOutReason


def manifest_row(
    row: LabelRow, page: PageRecord, rule: str, guarantee: Guarantee | None = None
) -> dict[str, Any]:
    """The manifest's row for a row of a label file.

    Args:
        row: the label file's row.
        page: the page that it is of.
        rule: the rule by which the annotation was chosen.
        guarantee: what audits say of lines that nobody looked at; None where that is not known.
    """
    if row.line is None:
        return _page_row(row, page, rule)
    said = _line_row(row, row.line, page, rule)
    if guarantee is not None and row.line.looked == Looked.NOBODY.value:
        said["claim"] = guarantee.of_row(page, row.line)
    return said


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


def _line_row(row: LabelRow, line: LineRecord, page: PageRecord, rule: str) -> dict[str, Any]:
    return {
        "file": row.file,
        "image": row.image,
        "kind": "recognition",
        "text": line.text,
        **({"text_before": line.raw} if line.changes else {}),
        **_origin(page, rule),
        "region": line.region,
        "labels": line.labels,
        "quad": line.quad,
        **({"box": Direction[line.direction].value} if line.direction else {}),
        "crop_sha256": line.crop_sha256,
        **_looked(line),
        **_readings(line.readings, line.text),
    }


def _page_row(row: LabelRow, page: PageRecord, rule: str) -> dict[str, Any]:
    return {
        "file": row.file,
        "image": row.image,
        "kind": "detection",
        **_origin(page, rule),
        "width": page.width,
        "height": page.height,
        **({"page_not_looked_at": page.made} if page.made else {}),
        "regions": [
            {"region": line.region, **({"ignored": LeftOutReason[line.why].words} if line.why else {})}
            for line in page.lines
            if line.points
        ],
    }


def _origin(page: PageRecord, rule: str) -> dict[str, Any]:
    return {
        "part": page.part,
        "part_why": page.part_why,
        "task": _number(page.task),
        "page": page.number,
        "page_sha256": page.page_sha256,
        "reference": page.reference,
        **({"language": page.language} if page.language else {}),
        "annotation": _number(page.author.annotation),
        "annotator": _number(page.author.user),
        "created_at": page.author.created_at,
        "updated_at": page.author.updated_at,
        "lead_time_s": page.author.lead_time_s,
        "chosen": rule,
        "model_version": page.model_version,
    }


def _looked(line: LineRecord) -> dict[str, Any]:
    """Who stands for a text whose page nobody saw; a row that says nothing was looked at on its page."""
    if line.looked == Looked.PAGE.value:
        return {}
    decided = line.decided
    found: dict[str, Any] = {"looked_at": line.looked}
    if decided is not None:
        found["decided"] = {
            "verdict": decided.verdict,
            "by": [_number(user) for user in (decided.by, *decided.others)],
            "sheet": decided.sheet,
            "annotation": decided.annotation,
            "seconds": decided.seconds,
        }
    if line.accepted_by is not None:
        found["accepted_by"] = _number(line.accepted_by)
    return found


def _readings(readings: Readings, text: str) -> dict[str, Any]:
    """What machines said, and by how many characters the person's text differs."""
    return {
        "verdict": readings.verdict,
        "drawn": readings.drawn,
        "predicted": readings.predicted,
        "readings": [
            {
                "reader": reading.reader,
                **({"error": reading.error} if reading.failed else {"text": reading.text}),
            }
            for reading in readings.each
        ],
        "edits": {
            "predicted": _distance(readings.predicted, text),
            "readings": [
                _distance(None if reading.failed else reading.text, text) for reading in readings.each
            ],
        },
    }


def _distance(machine: str | None, person: str) -> int | None:
    """Insertions, deletions and replacements from one text to the other; None where no machine read."""
    return None if machine is None else Levenshtein.distance(machine, person)


def _number(identity: str) -> int | str:
    """Ids are numbers in Label Studio; what is none stays as it is."""
    return int(identity) if identity.isdecimal() and str(int(identity)) == identity else identity

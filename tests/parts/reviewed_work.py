"""Tasks as Label Studio's API gives them: predicted from two readings, then decided by people."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np

from backend.label_studio import predictions
from backend.label_studio.default_config import default_config
from backend.label_studio.labeling_config import LabelingConfig
from backend.page.lines import Line, Quad, Reading, ReadLine, ReadPage
from backend.text.verdicts import judge
from converters.report import html
from converters.report.report import Report
from converters.report.samples import SampleSizes
from converters.reviewed.line_rules import Rules
from converters.shared.line_pictures import CropImage

CONFIG = LabelingConfig.parse(default_config())
RULES = Rules(config=CONFIG)
CHOICES = {"later": "leave for later", "second": "B is right"}
BEGIN = datetime(2026, 11, 2, 9, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Work:
    """One line: what two readers said (None: failed), and what a person made of it.

    decision: "text" (approved as `text`), "illegible", "not text", "removed", "open", "later", or "second"
        (the second reading is right, and `text` stands in the field).
    readers: the beginning of both readers' identities.
    """

    said: Sequence[str | None]
    text: str = ""
    decision: str = "text"
    quad: Quad | None = None
    readers: str = "reader"


def quad_at(row: int, width: int = 400) -> Quad:
    """A box of its own for each line of a page."""
    top = 10 + 40 * row
    corners = [[10, top], [10 + width, top], [10 + width, top + 30], [10, top + 30]]
    return np.array(corners, dtype=np.float32)


def prediction(
    lines: Sequence[Work], size: tuple[int, int], *, language: str = "en", version: str = "det a+b en 1"
) -> dict[str, Any]:
    """What the backend would have predicted."""
    read = []
    for row, work in enumerate(lines):
        readings = [
            Reading(f"{work.readers} {place}", error="no answer in 60 s", retryable=True)
            if said is None
            else Reading(f"{work.readers} {place}", said, score=0.99)
            for place, said in enumerate(work.said)
        ]
        # two unlike engines that are sure of themselves, so that the score calls nothing weak evidence
        engines = zip([reading.reader for reading in readings], ("Tesseract", "PP-OCR"), strict=False)
        judged = judge(readings, crop_size=(2000, 40), language=language, families=dict(engines))
        quad = quad_at(row) if work.quad is None else work.quad
        read.append(ReadLine(Line(quad), tuple(readings), judged))
    return predictions.prediction(ReadPage(*size, read), CONFIG, model_version=version)


def submitted(predicted: dict[str, Any], lines: Sequence[Work]) -> list[dict[str, Any]]:
    """The result that a person submits."""
    labels = {"text": "Text", "illegible": "Illegible", "not text": "Not text"}
    made = []
    for part in copy.deepcopy(predicted["result"]):
        work = lines[int(part["id"][1:4]) - 1]
        if work.decision == "removed":
            continue
        label = labels.get(work.decision, "Check")
        if part["type"] == "rectanglelabels":
            part["value"]["rectanglelabels"] = [label]
            made.append(part)
            if work.decision in ("text", "open", *CHOICES):
                shape = {key: part["value"][key] for key in ("x", "y", "width", "height", "rotation")}
                answer = {**part, "from_name": "transcription", "type": "textarea"}
                made.append({**answer, "value": {**shape, "text": [work.text]}})
            if work.decision in CHOICES:
                shape = {key: part["value"][key] for key in ("x", "y", "width", "height", "rotation")}
                answer = {**part, "from_name": "later", "type": "choices"}
                made.append({**answer, "value": {**shape, "choices": [CHOICES[work.decision]]}})
    return made


def drawn(row: int, text: str, size: tuple[int, int], identity: str = "drawn") -> list[dict[str, Any]]:
    """A line that a person drew and typed."""
    left, top = quad_at(row)[0]
    shape = {
        "x": 100 * float(left) / size[0],
        "y": 100 * float(top) / size[1],
        "width": 100 * 400 / size[0],
        "height": 100 * 30 / size[1],
        "rotation": 0,
    }
    common = {
        "id": identity,
        "to_name": "image",
        "original_width": size[0],
        "original_height": size[1],
        "image_rotation": 0,
        "origin": "manual",
    }
    return [
        {**common, "from_name": "label", "type": "rectanglelabels",
         "value": {**shape, "rectanglelabels": ["Text"]}},
        {**common, "from_name": "transcription", "type": "textarea", "value": {**shape, "text": [text]}},
    ]  # fmt: skip


def task(
    number: int,
    lines: Sequence[Work],
    *,
    size: tuple[int, int] = (1000, 1400),
    added: Sequence[dict[str, Any]] = (),
    user: int = 1,
    language: str = "en",
    image: str = "/data/upload/1/page.png",
    lead_time: float | None = 60.0,
    version: str = "det a+b en 1",
) -> dict[str, Any]:
    """A task whose page one person decided, an hour after the task before."""
    predicted = prediction(lines, size, language=language, version=version)
    when = (BEGIN + timedelta(hours=number)).isoformat()
    annotation = {
        "id": 1000 + number,
        "completed_by": user,
        "result": submitted(predicted, lines) + list(added),
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": when,
        "updated_at": when,
        "lead_time": lead_time,
        "parent_prediction": 5000 + number,
    }
    return {
        "id": number,
        "data": {"image": image, "language": language},
        "annotations": [annotation],
        "predictions": [{"id": 5000 + number, "created_at": when, **predicted}],
    }


def second_opinion(made: dict[str, Any], lines: Sequence[Work], *, user: int = 2) -> None:
    """Add another person's work on the same task, submitted a little earlier."""
    first = made["annotations"][0]
    (predicted,) = made["predictions"]
    when = (datetime.fromisoformat(first["updated_at"]) - timedelta(minutes=5)).isoformat()
    made["annotations"].append(
        {
            **first,
            "id": first["id"] + 9000,
            "completed_by": user,
            "result": submitted(predicted, lines),
            "created_at": when,
            "updated_at": when,
        }
    )


def without_id(made: dict[str, Any]) -> dict[str, Any]:
    """The same task as one that was never in Label Studio."""
    return {key: value for key, value in made.items() if key != "id"}


def reported(*items: object, sizes: SampleSizes | None = None) -> Report:
    """The report on these tasks."""
    found = Report(sizes)
    for item in items:
        found.add(item, RULES)
    return found


def page_of(found: Report) -> str:
    """Its page, with a picture for every line."""
    shown = html.sample_lines(found)
    return html.page(
        found, "a project", {id(line): CropImage("data:image/jpeg;base64,AAAA", 100, 20) for line in shown}
    )

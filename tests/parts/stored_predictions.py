"""Predictions of several versions in a real Label Studio, for what lists, stores and removes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backend.label_studio.client import LabelStudio
from backend.pipeline.read_task import Prediction
from tests.parts.label_studio import CONFIG

OURS = "Paddle+Tesseract for Russian (PP-OCRv5_mobile_det tesseract-5.3.0) 1f3a9c07"
OLDER = "Paddle+Tesseract for Russian (PP-OCRv5_mobile_det tesseract-5.3.0) 00000001"
OLDEST = "Tesseract for Russian (PP-OCRv5_mobile_det tesseract-5.3.0) 00000002"


def project_with(api: LabelStudio, tasks: int, title: str = "Bulk") -> tuple[int, list[int]]:
    """A new project, and the ids of its tasks."""
    project = int(api.create_project(title=title, label_config=CONFIG)["id"])
    return project, api.import_tasks(project, [{"data": {"image": f"/{n}.png"}} for n in range(tasks)])


def one_line(text: str = "Счёт 12", x: float = 5.0) -> list[dict[str, Any]]:
    """The results of a page with one line."""
    where = {"x": x, "y": 5.0, "width": 50.0, "height": 5.0, "rotation": 0.0}
    common = {"id": "line1", "to_name": "image", "original_width": 1000, "original_height": 800}
    return [
        {
            **common,
            "from_name": "label",
            "type": "rectanglelabels",
            "value": {**where, "rectanglelabels": ["Text"]},
        },
        {**common, "from_name": "transcription", "type": "textarea", "value": {**where, "text": [text]}},
    ]


def made(task: int, version: str = OURS, text: str = "Счёт 12", x: float = 5.0) -> Prediction:
    """What an engine makes of a task."""
    return Prediction(task, tuple(one_line(text, x)), 0.5, version)


def versions_of(api: LabelStudio, task: int) -> list[str]:
    """The versions of a task's predictions, sorted; one that is there twice comes twice."""
    return sorted(each["model_version"] for each in api.task(task)["predictions"])


def store_all(api: LabelStudio, project: int, tasks: Sequence[int], version: str) -> None:
    """Store one prediction of a version for each task, as an import does that looks at nothing."""
    rows = [{"task": task, **made(task, version).answer()} for task in tasks]
    assert api.import_predictions(project, rows).created == len(rows)

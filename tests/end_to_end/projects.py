"""A Label Studio project with the backend connected, and what stands in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pydantic import SecretStr
from rapidfuzz.distance import Levenshtein

from backend.label_studio.client import LabelStudio
from backend.label_studio.default_config import default_config
from backend.label_studio.regions import Region, regions
from backend.page.lines import Quad
from backend.projects.backend_connection import connect_backend
from tests.parts.backend_process import RunningBackend


@dataclass
class Project:
    """One project, through one client."""

    api: LabelStudio
    id: int
    image_key: str = "image"

    @classmethod
    def connected(
        cls,
        api: LabelStudio,
        backend: RunningBackend,
        title: str,
        config: str | None = None,
        image_key: str = "image",
    ) -> Project:
        """Make it, and connect the backend as people do in Settings > Model."""
        project = api.create_project(title=title, label_config=config or default_config())
        login = (backend.auth[0], SecretStr(backend.auth[1])) if backend.auth else None
        connect_backend(api, int(project["id"]), backend.url, "twinread", basic_auth=login)
        return cls(api, int(project["id"]), image_key)

    def upload(self, *paths: Path) -> list[int]:
        """Import image files; gives the ids of their tasks, in order."""
        return self.refer(*(upload.address for upload in self.api.upload_files(self.id, paths)))

    def refer(self, *references: str) -> list[int]:
        """Make tasks of image references."""
        return self.api.import_tasks(self.id, [{"data": {self.image_key: name}} for name in references])

    def retrieve(self, tasks: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
        """What "Retrieve predictions" leaves stored for these tasks."""
        self.api.retrieve_predictions(self.id, tasks)
        return {task["id"]: task["predictions"] for task in self.api.tasks(self.id) if task["id"] in tasks}

    def retrieve_one(self, task: int) -> dict[str, Any]:
        """The one prediction that is stored for a task after it was retrieved."""
        (prediction,) = self.retrieve([task])[task]
        return prediction

    def export(self) -> dict[int, dict[str, Any]]:
        """The JSON export, by task."""
        answer = self.api.call(
            "GET",
            f"/api/projects/{self.id}/export",
            "export",
            params={"exportType": "JSON", "download_all_tasks": "true"},
        )
        return {task["id"]: task for task in answer}


def texts_of(prediction: Mapping[str, Any]) -> list[str]:
    """The texts of a prediction from top to bottom, as far as its ids tell the reading order."""
    read = sorted(regions(prediction["result"]), key=lambda region: region.id)
    return [" ".join(region.texts) for region in read]


def iou(first: Quad, second: Quad) -> float:
    """Intersection over union of two convex shapes, in pixels."""
    one, other = (cv2.convexHull(np.asarray(quad, np.float32)) for quad in (first, second))
    common, _ = cv2.intersectConvexConvex(one, other)
    union = cv2.contourArea(one) + cv2.contourArea(other) - common
    return float(common / union) if union else 0.0


@dataclass(frozen=True)
class Likeness:
    """How well regions meet the truth, as shares of the true lines.

    found: some region covers the line, with an IoU of at least a half.
    exact: and has its very text.
    near: and has its text but for one letter in five.
    """

    found: float
    exact: float
    near: float
    regions: int

    @classmethod
    def of(cls, read: Sequence[Region], truth: Sequence[Mapping[str, Any]]) -> Likeness:
        counts: dict[str, int] = defaultdict(int)
        for line in truth:
            quad = np.array(line["poly"], np.float32)
            best = max(read, key=lambda region: iou(region.points, quad), default=None)
            if best is None or iou(best.points, quad) < 0.5:
                continue
            said = " ".join(best.texts)
            counts["found"] += 1
            counts["exact"] += said == line["text"]
            counts["near"] += Levenshtein.normalized_similarity(said, line["text"]) >= 0.8
        lines = len(truth)
        return cls(counts["found"] / lines, counts["exact"] / lines, counts["near"] / lines, len(read))

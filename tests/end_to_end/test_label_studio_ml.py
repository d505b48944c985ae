"""The same backend under label-studio-ml, with a password, against a real Label Studio.

1.0.9, and 2.x where LABEL_STUDIO_ML_2X names a checkout: see CONTRIBUTING.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from backend.label_studio.regions import regions
from backend.models.promoted import PromotedModel, Promotions
from tests.end_to_end.projects import Project, texts_of
from tests.parts.backend_process import RunningBackend, free_port
from tests.parts.drawn_pages import Box, drawn_page, file_of
from tests.parts.label_studio import LABEL_STUDIO, RunningLabelStudio
from tests.parts.label_studio_ml import VERSIONS, serving

pytestmark = LABEL_STUDIO

LINES = ["Счёт от 3 мая", "Итого к оплате"]
OTHER_NAMES = """<View>
  <Image name="scan" value="$image"/>
  <RectangleLabels name="boxes" toName="scan"><Label value="Line"/><Label value="Check"/></RectangleLabels>
  <TextArea name="words" toName="scan" perRegion="true"/>
</View>"""


@dataclass(frozen=True)
class Place:
    """Where one version of label-studio-ml is served, so that it can be served there again."""

    version: str
    folder: Path
    port: int

    @contextmanager
    def serving(self, label_studio: RunningLabelStudio) -> Iterator[RunningBackend]:
        with serving(
            self.version,
            self.folder,
            port=self.port,
            label_studio_url=label_studio.base_url,
            label_studio_api_key=label_studio.personal_token,
            basic_auth_user="studio",
            basic_auth_pass="correct horse",
            ocr_language="ru",
        ) as backend:
            yield backend


@pytest.fixture(scope="module", params=VERSIONS)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(request.param, tmp_path_factory.mktemp("label-studio-ml"), free_port())


@pytest.fixture(scope="module")
def project(
    label_studio: RunningLabelStudio, place: Place
) -> Iterator[tuple[Project, list[int], RunningBackend]]:
    with place.serving(label_studio) as backend:
        project = Project.connected(label_studio.api(), backend, f"label-studio-ml {place.version}")
        for name in ("a.png", "b.png"):
            (place.folder / name).write_bytes(file_of(drawn_page(LINES)[0]))
        (place.folder / "c.png").write_bytes(b"no image")
        tasks = project.upload(place.folder / "a.png", place.folder / "c.png", place.folder / "b.png")
        yield project, tasks, backend


def drawn(box: Box, size: tuple[int, int]) -> dict[str, Any]:
    """A box that an annotator has just drawn."""
    left, top, right, bottom = np.add(box, (-6, -6, 6, 6))
    width, height = size
    return {
        "id": "AbC123",
        "from_name": "label",
        "to_name": "image",
        "type": "rectanglelabels",
        "origin": "manual",
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "value": {
            "x": left / width * 100,
            "y": top / height * 100,
            "width": (right - left) / width * 100,
            "height": (bottom - top) / height * 100,
            "rotation": 0,
            "rectanglelabels": ["Text"],
        },
    }


def assist(project: Project, task: int, region: dict[str, Any], backend: int) -> dict[str, Any]:
    """What the editor gets for a drawn box. (Listing a project's backends would call /setup first.)"""
    answer: dict[str, Any] = project.api.call(
        "POST",
        f"/api/ml/{backend}/interactive-annotating",
        "read a drawn box",
        body={"task": task, "context": {"result": [region]}},
    )
    return answer


def test_retrieved_predictions_are_stored_and_a_corrupt_image_spoils_no_other(
    project: tuple[Project, list[int], RunningBackend],
) -> None:
    at, tasks, backend = project
    stored = at.retrieve(tasks)
    assert [len(stored[task]) for task in tasks] == [1, 0, 1]
    for task in (tasks[0], tasks[2]):
        assert texts_of(stored[task][0]) == LINES
        assert {region.labels for region in regions(stored[task][0]["result"])} == {("Text",)}
        assert stored[task][0]["model_version"] == backend.status()["model_version"]
    assert [len(found) for found in at.retrieve(tasks).values()] == [1, 0, 1]


def test_a_drawn_box_gets_its_text(project: tuple[Project, list[int], RunningBackend]) -> None:
    at, tasks, _ = project
    image, boxes = drawn_page(LINES)
    (connected,) = at.api.backends(at.id)
    answer = assist(at, tasks[0], drawn(boxes[1], image.size), connected["id"])
    (region,) = regions(answer["data"]["result"])
    assert (region.id, region.labels, region.texts) == ("AbC123", ("Text",), (LINES[1],))


def test_it_looks_for_a_promoted_model_when_asked_and_says_what_came_of_it(
    project: tuple[Project, list[int], RunningBackend],
) -> None:
    _, _, backend = project

    def reload() -> httpx.Response:
        return httpx.post(backend.url + "/reload", auth=backend.auth, timeout=120, trust_env=False)

    assert reload().json()["outcome"] == "unchanged"
    gone = PromotedModel(Path("/gone"), "abababab", "ours", ("ru",), "2026-11-26", "force", "Mine.")
    promotions = Promotions.under(backend.folder / "cache")
    promotions.promote(gone)
    answer = reload()
    assert answer.status_code == 409
    assert answer.json()["error"].startswith(
        "ours@abababab was promoted and does not read: Its folder is gone."
    )
    promotions.path.unlink()
    assert reload().json()["outcome"] == "unchanged"


def test_a_project_with_other_tags_does_not_change_what_this_one_gets(
    project: tuple[Project, list[int], RunningBackend], label_studio: RunningLabelStudio
) -> None:
    at, tasks, backend = project
    image, boxes = drawn_page(LINES)
    (connected,) = at.api.backends(at.id)
    # connecting calls /setup, of which label-studio-ml 1.0.9 keeps one project's config for all
    other = Project.connected(label_studio.api(), backend, "Other names", OTHER_NAMES)
    answer = assist(at, tasks[0], drawn(boxes[0], image.size), connected["id"])
    assert {item["from_name"] for item in answer["data"]["result"]} == {"label", "transcription"}
    (task,) = other.upload(backend.folder / "a.png")
    prediction = other.retrieve_one(task)
    assert {item["from_name"] for item in prediction["result"]} == {"boxes", "words"}
    assert texts_of(prediction) == LINES


def test_webhooks_of_annotations_train_nothing_and_change_no_version(
    project: tuple[Project, list[int], RunningBackend],
) -> None:
    at, tasks, backend = project
    (prediction,) = at.retrieve(tasks[:1])[tasks[0]]
    at.api.create_annotation(tasks[0], prediction["result"])
    (connected,) = at.api.backends(at.id)
    assert connected["readable_state"] == "Connected"
    assert connected["model_version"] == backend.status()["model_version"]


def test_after_a_restart_a_drawn_box_is_read_before_any_setup(
    project: tuple[Project, list[int], RunningBackend],
    label_studio: RunningLabelStudio,
    place: Place,
) -> None:
    at, tasks, backend = project
    (connected,) = at.api.backends(at.id)
    backend.stop()
    image, boxes = drawn_page(LINES)
    with place.serving(label_studio) as again:
        answer = assist(at, tasks[0], drawn(boxes[1], image.size), connected["id"])
        assert not answer.get("errors"), again.log
        (region,) = regions(answer["data"]["result"])
        assert region.texts == (LINES[1],)

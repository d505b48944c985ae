"""The same backend inside label-studio-ml 1.0.9, under its own `init_app`, against a real Label Studio."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from backend.demo.label_studio_installation import ROOT
from backend.label_studio.regions import regions
from backend.models.promoted import PromotedModel, Promotions
from tests.end_to_end.projects import Project, texts_of
from tests.parts.backend_process import RunningBackend, backend_process, free_port
from tests.parts.drawn_pages import Box, drawn_page, file_of
from tests.parts.label_studio import LABEL_STUDIO, RunningLabelStudio

pytestmark = LABEL_STUDIO

SERVER = ROOT / ".venv-label-studio-ml" / "bin" / "gunicorn"
WSGI = """
from backend.server.label_studio_ml import wsgi
app = wsgi()
"""
LINES = ["Счёт от 3 мая", "Итого к оплате"]
OTHER_NAMES = """<View>
  <Image name="scan" value="$image"/>
  <RectangleLabels name="boxes" toName="scan"><Label value="Line"/><Label value="Check"/></RectangleLabels>
  <TextArea name="words" toName="scan" perRegion="true"/>
</View>"""


@contextmanager
def serving(folder: Path, label_studio: RunningLabelStudio, port: int) -> Iterator[RunningBackend]:
    folder.mkdir(exist_ok=True)
    (folder / "_wsgi.py").write_text(WSGI, "utf-8")
    with backend_process(
        folder,
        command=(str(SERVER), "--bind", "127.0.0.1:{port}", "--threads", "8", "_wsgi:app"),
        port=port,
        label_studio_url=label_studio.base_url,
        label_studio_api_key=label_studio.personal_token,
        ocr_language="ru",
    ) as backend:
        yield backend


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("label-studio-ml")


@pytest.fixture(scope="module")
def project(
    label_studio: RunningLabelStudio, folder: Path, port: int
) -> Iterator[tuple[Project, list[int], RunningBackend]]:
    with serving(folder, label_studio, port) as backend:
        project = Project.connected(label_studio.api(), backend, "label-studio-ml")
        for name in ("a.png", "b.png"):
            (folder / name).write_bytes(file_of(drawn_page(LINES)[0]))
        (folder / "c.png").write_bytes(b"no image")
        tasks = project.upload(folder / "a.png", folder / "c.png", folder / "b.png")
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
    at, tasks, _ = project
    stored = at.retrieve(tasks)
    assert [len(stored[task]) for task in tasks] == [1, 0, 1]
    for task in (tasks[0], tasks[2]):
        assert texts_of(stored[task][0]) == LINES
        assert {region.labels for region in regions(stored[task][0]["result"])} == {("Text",)}
        # label-studio-ml 1.0.9 lets no model name its own
        assert stored[task][0]["model_version"] == "INITIAL"
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
        return httpx.post(backend.url + "/reload", timeout=120, trust_env=False)

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
    # connecting calls /setup, after which label-studio-ml 1.0.9 knows this project's config alone
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
    at, tasks, _ = project
    (prediction,) = at.retrieve(tasks[:1])[tasks[0]]
    at.api.create_annotation(tasks[0], prediction["result"])
    (connected,) = at.api.backends(at.id)
    assert (connected["readable_state"], connected["model_version"]) == ("Connected", "INITIAL")


def test_after_a_restart_a_drawn_box_is_read_before_any_setup(
    project: tuple[Project, list[int], RunningBackend],
    label_studio: RunningLabelStudio,
    folder: Path,
    port: int,
) -> None:
    at, tasks, backend = project
    (connected,) = at.api.backends(at.id)
    backend.stop()
    image, boxes = drawn_page(LINES)
    with serving(folder, label_studio, port) as again:
        answer = assist(at, tasks[0], drawn(boxes[1], image.size), connected["id"])
        assert not answer.get("errors"), again.log
        (region,) = regions(answer["data"]["result"])
        assert region.texts == (LINES[1],)

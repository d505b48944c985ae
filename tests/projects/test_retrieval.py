"""Pages are read without looking at results; pages that were refused are named with their reasons."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest
from pydantic import SecretStr

from backend.errors import OperatorError
from backend.label_studio.client import LabelStudio
from backend.pipeline.version import REREAD
from backend.projects.backend_connection import backend_status, is_at_work, refused_pages
from backend.projects.retrieval import (
    choose_predictions,
    kept_predictions,
    remaining_steps,
    retrieve,
    tasks_without_version,
)
from tests.parts.http_script import says, serving
from tests.parts.label_studio import CONFIG, LABEL_STUDIO, RunningLabelStudio

OURS = "Paddle+Tesseract for Russian (PP-OCRv5_mobile_det tesseract-5.3.0) 1f3a9c07"


class ScriptedLabelStudio:
    """Answers what retrieving asks for; a backend reads a page only when it was asked often enough.

    asked: how often each task was sent to the backend.
    read_after: the request that brings a task's prediction; 0 for never.
    """

    def __init__(self, read_after: dict[int, int]) -> None:
        self.read_after = read_after
        self.asked = dict.fromkeys(read_after, 0)

    @property
    def unread(self) -> list[int]:
        return [task for task, turn in self.read_after.items() if not turn or self.asked[task] < turn]

    def api(self) -> LabelStudio:
        transport = httpx.MockTransport(self._answer)
        return LabelStudio(
            "http://label-studio:8080", SecretStr("0" * 40), retry_wait_s=0, transport=transport
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/ml/":
            return httpx.Response(200, json=[{"id": 1, "url": "http://b:9090", "model_version": OURS}])
        if request.url.path.endswith("/model-versions/"):
            return httpx.Response(200, json={"static": []})
        if request.url.path == "/api/tasks/":
            assert request.url.params["fields"] == "task_only", "results of predictions are sent"
            return httpx.Response(200, json={"tasks": [{"id": task} for task in self.unread]})
        if request.url.path == "/api/projects/7/":
            return httpx.Response(
                200, json={"id": 7, "task_number": len(self.read_after), "model_version": OURS}
            )
        for task in json.loads(request.content)["selectedItems"]["included"]:
            self.asked[task] += 1
        return httpx.Response(200, json={})


def test_pages_that_are_still_in_work_are_asked_for_until_they_are_there() -> None:
    server = ScriptedLabelStudio({1: 1, 2: 3})
    with server.api() as api:
        pauses: list[float] = []
        assert list(retrieve(api, 7, at_work=lambda: True, sleep=pauses.append))[-1] == 0
    assert server.asked == {1: 1, 2: 3}
    # one round brought nothing: a backend for which too much waits refuses at once, and gets time
    assert [round(pause) for pause in pauses] == [30]


def test_pages_that_nothing_reads_are_not_asked_for_for_ever() -> None:
    server = ScriptedLabelStudio({1: 1, 2: 0})
    with server.api() as api:
        list(retrieve(api, 7))
        assert server.asked == {1: 1, 2: 2}
        list(retrieve(api, 7, at_work=lambda: True, sleep=lambda s: None))
    assert server.asked[2] < 12


def test_refused_pages_are_named_with_their_reasons_and_never_with_run_this_again() -> None:
    server = ScriptedLabelStudio({1: 1, 2: 0, 3: 0, 4: 0})
    server.asked[1] = 1
    reasons = {2: "This is a PDF file.", 4: "This is a PDF file.", 9: "Another project's."}
    with server.api() as api:
        assert remaining_steps(api, 7, lambda: reasons, asked=True) == (
            "2 of 4 pages have no prediction. Asking again gives the same until the cause is mended, which "
            "the backend names:",
            "    tasks 2, 4: This is a PDF file.",
            "1 of 4 pages got no prediction, and the backend names no reason (task 3). Look into the logs of "
            "the backend and of Label Studio, then run this with --retrieve.",
        )
        assert remaining_steps(api, 7, lambda: reasons, asked=False)[2] == (
            "1 of 4 pages have no prediction of the version that fills pages: run this with --retrieve."
        )


def test_a_backend_whose_status_cannot_be_read_is_not_one_without_reasons() -> None:
    server = ScriptedLabelStudio({2: 0})
    with serving() as gone:
        url = gone.url
    with server.api() as api:
        (sentence,) = remaining_steps(api, 7, lambda: refused_pages(url), asked=True)
    assert sentence.startswith("1 of 1 pages got no prediction (task 2). The backend's http://127.0.0.1:")
    assert "names no reason" not in sentence
    assert not is_at_work(url)


@pytest.fixture
def status() -> Iterator[str]:
    told = {"pages_in_flight": 2, "failed_tasks": {"task 12": "This is a PDF file.", "the task": "Odd."}}
    body = json.dumps(told).encode()
    with serving({"/status": says(body, Content_Type="application/json")}) as server:
        yield server.url


def test_the_status_of_a_backend_names_reasons_by_task(status: str) -> None:
    assert refused_pages(status + "/") == {12: "This is a PDF file."}
    assert is_at_work(status)


@pytest.mark.parametrize("body", [b"<html>", b"[]"], ids=["a web page", "another service"])
def test_another_service_is_not_taken_for_a_backend(body: bytes) -> None:
    with serving({"/status": says(body)}) as server, pytest.raises(OperatorError, match="/status"):
        backend_status(server.url)


@LABEL_STUDIO
def test_label_studio_finds_the_pages_without_a_version_and_sends_no_results(
    label_studio: RunningLabelStudio,
) -> None:
    api = label_studio.api()
    project = int(api.create_project(title="Versions", label_config=CONFIG)["id"])
    stored = [
        [OURS],
        [],
        ["v1"],
        [OURS, "v1"],
        [f"{REREAD}{OURS}"],
        [f"{REREAD}{OURS}", OURS],
        [OURS.upper()],
    ]
    tasks = api.import_tasks(project, [{"data": {"image": "/a.png"}} for _ in stored])
    for task, versions in zip(tasks, stored, strict=True):
        for version in versions:
            api.create_prediction(task, [], version)

    def lacking(version: str) -> list[int]:
        return [tasks.index(task) for task in tasks_without_version(api, project, version)]

    assert lacking(OURS) == [1, 2, 4, 6]
    assert lacking("v1") == [0, 1, 4, 5, 6]
    assert lacking("") == [0, 1, 2, 3, 4, 5, 6]


@LABEL_STUDIO
def test_predictions_that_somebody_chose_fill_pages_until_ours_are_asked_for(
    label_studio: RunningLabelStudio,
) -> None:
    api = label_studio.api()
    project = int(api.create_project(title="Chosen", label_config=CONFIG)["id"])
    (task,) = api.import_tasks(project, [{"data": {"image": "/a.png"}}])
    for version in (OURS, "imported:Label.txt"):
        api.create_prediction(task, [], version)
    api.update_project(project, model_version="imported:Label.txt")
    body = json.dumps({"model_version": OURS}).encode()
    answer = says(body, Content_Type="application/json")
    with serving({"/health": answer, "/setup": answer, "/webhook": says(b"{}")}) as backend:
        api.add_backend(project=project, url=backend.url, title="twinread")
        assert choose_predictions(api, project) == []
        (told,) = kept_predictions(api, project)
        assert "'imported:Label.txt'" in told
        assert "--update predictions" in told
        assert api.project(project)["model_version"] == "imported:Label.txt"

        (changed,) = choose_predictions(api, project, replace=True)
        assert OURS in changed
        assert kept_predictions(api, project) == []
    assert api.project(project)["model_version"] == OURS

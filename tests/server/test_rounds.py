"""Training rounds that the backend starts: by "Start training", and by TRAIN_AFTER newly approved lines."""

from __future__ import annotations

import base64
import json
import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from backend.label_studio.default_config import default_config
from backend.pipeline.service import Service
from backend.rounds import Rounds
from backend.server.app import create_app
from backend.server.rounds import RoundStarter
from backend.settings.settings import Settings
from tests.parts.http_script import Handler, HttpScript, serving
from tests.parts.reviewed_work import Work, task
from tests.parts.round_process import program
from tests.parts.scripted import scripted_service
from tests.parts.scripted_steps import ScriptedSteps

KEY = "f00ba4f00ba4f00ba4f00ba4f00ba4f00ba4f00b"
START = {"action": "START_TRAINING", "project": {"id": 3, "token": "abc"}}
SIGN_IN = {"basic_auth_user": "ls", "basic_auth_pass": "hunter2"}
SIGNED = {"Authorization": "Basic " + base64.b64encode(b"ls:hunter2").decode()}


@pytest.fixture
def service() -> Iterator[Service]:
    made = scripted_service()
    yield made
    made.close()


class Backend:
    """The backend's app, whose rounds do as a script says."""

    def __init__(
        self, service: Service, folder: Path, monkeypatch: pytest.MonkeyPatch, **values: Any
    ) -> None:
        self.steps = ScriptedSteps.in_folder(folder / "script")
        self.rounds = Rounds(folder)
        # rounds read their settings themselves
        monkeypatch.setenv("CACHE_DIR", str(folder))
        given = {"label_studio_api_key": KEY, "cache_dir": folder, **values}
        settings = Settings(_env_file=None, **given)  # type: ignore[call-arg]
        starter = RoundStarter(settings, program(self.steps), check_every_s=0.05)
        self.client: FlaskClient = create_app(service, settings, starter).test_client()

    def wait_until(self, so: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + 60
        while not so():
            assert time.monotonic() < end, f"still not so: {what}; {self.status()}"
            time.sleep(0.02)

    def status(self) -> Any:
        return self.client.get("/status", headers=SIGNED).get_json()["round"]

    def has_ended(self) -> bool:
        return self.status() is not None and self.status()["state"] != "running"

    def stop(self) -> None:
        """End the round that waits, and wait for its end."""
        state = self.rounds.newest()
        assert state is not None
        self.wait_until(lambda: bool((newest := self.rounds.newest()) and newest.step_pid), "a step runs")
        self.steps.tell()
        os.kill(state.pid, signal.SIGTERM)
        self.wait_until(lambda: self.rounds.running_project() is None, "the round has ended")


def test_start_training_starts_a_round_and_answers_at_once_with_a_sentence(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = Backend(service, tmp_path, monkeypatch)
    assert backend.status() is None
    answer = backend.client.post("/webhook", json=START)
    assert answer.status_code == 200
    assert answer.get_json()["round"].startswith("A training round of project 3 begins")
    backend.wait_until(backend.has_ended, "the round has ended")
    told = backend.status()
    assert (told["project"], told["round"], told["state"]) == (3, 1, "done")
    assert (told["started_by"], told["promoted"]) == ("Start training", True)
    assert told["outcome"] == "promoted: CER 12.4 -> 9.1 % on 23 pages"


def test_a_second_click_is_told_that_a_round_runs(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = Backend(service, tmp_path, monkeypatch)
    backend.steps.tell(train={"waits": True})
    assert backend.client.post("/webhook", json=START).status_code == 200
    # before the process has the lock, and after
    early = backend.client.post("/webhook", json=START)
    backend.steps.wait_for("train")
    late = backend.client.post("/webhook", json=START)
    assert (early.status_code, late.status_code) == (409, 409)
    assert "Round 1 of project 3 runs since 20" in late.get_json()["error"]
    # Label Studio shows the reason phrase alone
    assert "One round runs at a time" in late.status
    backend.stop()
    assert backend.steps.ran == ["export", "check", "train"]


@pytest.mark.parametrize(
    ("values", "headers", "remote", "status"),
    [
        pytest.param({}, {}, "127.0.0.1", 200, id="no sign-in, from this machine"),
        pytest.param({}, {}, "::1", 200, id="no sign-in, from this machine by IPv6"),
        pytest.param({}, {}, "192.168.1.7", 403, id="no sign-in, from another machine"),
        pytest.param(SIGN_IN, SIGNED, "192.168.1.7", 200, id="signed in"),
        pytest.param(SIGN_IN, {}, "127.0.0.1", 401, id="not signed in"),
        pytest.param({"webhook_secret": "s3cret"}, {}, "127.0.0.1", 401, id="without the secret"),
        pytest.param(
            {"webhook_secret": "s3cret"}, {"X-Twinread-Secret": "s3cret"}, "10.0.0.1", 200, id="the secret"
        ),
    ],
)
def test_only_who_may_starts_hours_of_training(
    service: Service,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    values: dict[str, str],
    headers: dict[str, str],
    remote: str,
    status: int,
) -> None:
    backend = Backend(service, tmp_path, monkeypatch, **values)
    answer = backend.client.post(
        "/webhook", json=START, headers=headers, environ_base={"REMOTE_ADDR": remote}
    )
    assert answer.status_code == status, answer.get_json()
    if status == 200:
        backend.wait_until(backend.has_ended, "the round has ended")
    else:
        assert "BASIC_AUTH_USER and BASIC_AUTH_PASS" in answer.status
    assert bool(backend.steps.ran) == (status == 200)


def test_a_web_page_in_somebodys_browser_starts_nothing(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = Backend(service, tmp_path, monkeypatch)
    # all that a foreign page can send without being asked first
    answer = backend.client.post("/webhook", data=json.dumps(START), content_type="text/plain")
    assert answer.status_code == 415
    assert backend.status() is None


@pytest.mark.parametrize("project", [None, {}, {"id": "3"}, {"id": True}, {"id": -1}, "3"])
def test_start_training_without_a_project_is_one_sentence(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, project: object
) -> None:
    backend = Backend(service, tmp_path, monkeypatch)
    answer = backend.client.post("/webhook", json={"action": "START_TRAINING", "project": project})
    assert answer.status_code == 400
    assert "project.id" in answer.status


def test_without_a_key_nothing_is_started_and_the_reason_phrase_says_so(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = Backend(service, tmp_path, monkeypatch, label_studio_api_key=None)
    answer = backend.client.post("/webhook", json=START)
    assert answer.status_code == 500
    assert "LABEL_STUDIO_API_KEY is not set" in answer.status
    assert not (tmp_path / "rounds").exists()


def test_a_state_that_cannot_be_read_spoils_no_status(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = Backend(service, tmp_path, monkeypatch)
    (tmp_path / "rounds/3").mkdir(parents=True)
    (tmp_path / "rounds/3/round.json").write_text("{")
    assert "rounds/3/round.json in CACHE_DIR" in backend.status()["problem"]


# TRAIN_AFTER


class Reviews:
    """A Label Studio in which people approve lines: two for each task."""

    def __init__(self) -> None:
        self.tasks: list[dict[str, Any]] = []
        self.queries: list[str] = []

    def approve(self, pages: int) -> None:
        """So many more pages."""
        lines = [Work(["a", "a"], "a"), Work(["b", "b"], "b")]
        made = [task(len(self.tasks) + 1 + at, lines) for at in range(pages)]
        for page in made:
            # long ago by any clock
            page["annotations"][0]["updated_at"] = "2021-11-02T09:00:00+00:00"
        self.tasks += made

    def project(self, handler: Handler) -> None:
        handler.answer(200, json.dumps({"id": 3, "label_config": default_config()}).encode())

    def listing(self, handler: Handler) -> None:
        self.queries.append(handler.path)
        handler.answer(200, json.dumps({"tasks": self.tasks, "total": len(self.tasks)}).encode())


@pytest.fixture
def reviews() -> Reviews:
    return Reviews()


@pytest.fixture
def label_studio_script(reviews: Reviews) -> Iterator[HttpScript]:
    with serving({"/api/projects/3/": reviews.project, "/api/tasks/": reviews.listing}) as server:
        yield server


def approved(backend: Backend) -> None:
    """Label Studio tells of an annotation."""
    body = {"action": "ANNOTATION_CREATED", "project": {"id": 3}, "annotation": {"id": 1}}
    assert backend.client.post("/webhook", json=body).get_json() == {"status": "ok"}


def test_enough_newly_approved_lines_start_a_round(
    service: Service,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reviews: Reviews,
    label_studio_script: HttpScript,
    caplog: pytest.LogCaptureFixture,
) -> None:
    backend = Backend(
        service, tmp_path, monkeypatch, label_studio_url=label_studio_script.url, train_after=10
    )
    caplog.set_level(logging.DEBUG, "backend.server.rounds")
    reviews.approve(4)
    approved(backend)
    backend.wait_until(lambda: "project 3: 8 of 10 lines are new" in caplog.text, "the lines are counted")
    assert backend.status() is None
    reviews.approve(1)
    approved(backend)
    backend.wait_until(backend.has_ended, "the round has ended")
    assert backend.status()["started_by"] == "TRAIN_AFTER, about 10 newly approved lines"
    state = backend.rounds.state(3)
    assert state is not None
    assert state.promoted
    # only tasks that somebody annotated are asked for
    assert all("total_annotations" in query for query in reviews.queries)


def test_by_default_no_annotation_starts_anything_or_asks_label_studio(
    service: Service,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reviews: Reviews,
    label_studio_script: HttpScript,
) -> None:
    backend = Backend(service, tmp_path, monkeypatch, label_studio_url=label_studio_script.url)
    reviews.approve(1000)
    approved(backend)
    time.sleep(0.3)
    assert label_studio_script.requests == []
    assert backend.status() is None


def test_a_round_that_failed_is_not_begun_again_for_the_same_lines(
    service: Service,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reviews: Reviews,
    label_studio_script: HttpScript,
    caplog: pytest.LogCaptureFixture,
) -> None:
    backend = Backend(
        service, tmp_path, monkeypatch, label_studio_url=label_studio_script.url, train_after=10
    )
    caplog.set_level(logging.DEBUG, "backend.server.rounds")
    backend.steps.tell(export={"code": 3, "says": ["twinread: Label Studio does not answer."]})
    reviews.approve(5)
    approved(backend)
    backend.wait_until(backend.has_ended, "the round has ended")
    assert backend.status()["outcome"] == "stopped at export: Label Studio does not answer."
    approved(backend)
    backend.wait_until(lambda: "project 3: 0 of 10 lines are new" in caplog.text, "the lines are counted")
    assert backend.steps.ran == ["export"]


def test_lines_approved_while_a_round_runs_are_counted_when_it_has_ended(
    service: Service,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reviews: Reviews,
    label_studio_script: HttpScript,
) -> None:
    backend = Backend(
        service, tmp_path, monkeypatch, label_studio_url=label_studio_script.url, train_after=10
    )
    early = {"written": True, "rows": {"rec_gt_train.txt": 1}, "newest_change": "2020-01-01T00:00:00Z"}
    backend.steps.tell(export={"summary": early}, train={"waits": True})
    backend.client.post("/webhook", json=START)
    backend.steps.wait_for("train")
    reviews.approve(5)
    approved(backend)
    time.sleep(0.3)
    assert reviews.queries == []
    backend.stop()
    backend.wait_until(lambda: backend.steps.ran.count("export") == 2, "a second round began by itself")
    backend.wait_until(backend.has_ended, "the round has ended")
    assert backend.status()["round"] == 2


def test_label_studio_out_of_reach_is_asked_again_at_the_next_annotation(
    service: Service,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reviews: Reviews,
    label_studio_script: HttpScript,
    caplog: pytest.LogCaptureFixture,
) -> None:
    backend = Backend(
        service, tmp_path, monkeypatch, label_studio_url=label_studio_script.url, train_after=10
    )
    listing = label_studio_script.scripts.pop("/api/tasks/")
    reviews.approve(5)
    approved(backend)
    backend.wait_until(lambda: "TRAIN_AFTER, project 3: " in caplog.text, "a warning in the log")
    assert KEY not in caplog.text
    label_studio_script.scripts["/api/tasks/"] = listing
    approved(backend)
    backend.wait_until(backend.has_ended, "the round has ended")
    assert backend.status()["promoted"]

"""Predictions are stored once each on a real Label Studio, whatever becomes of an import."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

import httpx
import pytest
from pydantic import SecretStr

from backend.bulk.tasks import count_lacking
from backend.bulk.uploads import Stored, Uploader
from backend.errors import LabelStudioFailed, OperatorError
from backend.import_note import ImportNote, Unfinished
from backend.label_studio.client import LabelStudio
from backend.pipeline.read_task import Prediction
from tests.parts.label_studio import CONFIG, LABEL_STUDIO, RunningLabelStudio
from tests.parts.relay import relay
from tests.parts.stored_predictions import OLDER, OURS, made, project_with, store_all, versions_of

ROOT = Path(__file__).resolve().parents[2]


Send: TypeAlias = Callable[[httpx.Request], httpx.Response]
Meddle: TypeAlias = Callable[[httpx.Request, Send], httpx.Response]


class ThroughServer(httpx.BaseTransport):
    """Carries requests to a real Label Studio; `meddle` sees each import and may answer in its place."""

    def __init__(self, meddle: Meddle) -> None:
        self._meddle = meddle
        self._network = httpx.HTTPTransport()
        self.imports: list[list[int]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/import/predictions"):
            return self._network.handle_request(request)
        self.imports.append([row["task"] for row in json.loads(request.content)])
        return self._meddle(request, self._network.handle_request)

    def close(self) -> None:
        self._network.close()


def meddled(
    server: RunningLabelStudio,
    meddle: Meddle,
) -> tuple[LabelStudio, ThroughServer]:
    transport = ThroughServer(meddle)
    return LabelStudio(server.base_url, server.personal_token, retry_wait_s=0, transport=transport), transport


def refusal(status: int, body: object = "no") -> httpx.Response:
    return httpx.Response(status, json=body)


def quick(api: LabelStudio, project: int, folder: Path) -> Uploader:
    return Uploader(api, project, folder, longest_s=0, sleep=lambda seconds: None)


@LABEL_STUDIO
def test_each_task_gets_one_prediction_and_what_became_of_the_others_is_told(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    api = label_studio.api()
    project, tasks = project_with(api, 7)
    _, (foreign,) = project_with(api, 1, "Another")
    new, had, other_version, deleted, outside, twice, nul = tasks
    store_all(api, project, [had], OURS)
    store_all(api, project, [other_version], OLDER)
    api.call("DELETE", f"/api/tasks/{deleted}/", "remove a task")
    sent = [*map(made, (new, had, other_version, deleted, foreign, twice, twice))]
    sent += [made(outside, x=300), made(nul, text="a\0b")]

    uploader = quick(api, project, tmp_path)
    stored = uploader.store(sent)

    assert (stored.stored, stored.already) == ((new, other_version, twice), (had,))
    assert stored.gone == tuple(sorted((deleted, foreign)))
    assert list(stored.dropped) == [outside, nul]
    assert "300" in stored.dropped[outside]
    assert stored.dropped[nul] == f"The prediction of task {nul} holds what no database keeps (\\u0000)."
    assert [versions_of(api, task) for task in (new, had, twice)] == [[OURS]] * 3
    assert versions_of(api, other_version) == sorted([OLDER, OURS])
    assert versions_of(api, foreign) == []
    assert uploader.store([made(new)]) == Stored(already=(new,))
    assert list(tmp_path.iterdir()) == []


@LABEL_STUDIO
def test_an_import_whose_answer_is_lost_is_looked_for_and_not_repeated(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    api = label_studio.api()
    project, tasks = project_with(api, 100)
    with relay(int(urlsplit(label_studio.base_url).port or 0)) as line:

        def cut_the_line(request: httpx.Request, send: Send) -> httpx.Response:
            # the server has all of the request, and works on it, when the line goes
            threading.Timer(0.05, line.cut).start()
            return send(request)

        transport = ThroughServer(cut_the_line)
        url = f"http://127.0.0.1:{line.port}"
        with LabelStudio(url, label_studio.personal_token, transport=transport) as cut:
            uploader = Uploader(cut, project, tmp_path, sleep=lambda seconds: time.sleep(0.1))
            stored = uploader.store([*map(made, tasks)])

    assert stored == Stored(stored=tuple(tasks))
    assert transport.imports == [tasks]
    assert api.model_versions(project) == {OURS: 100}
    assert count_lacking(api, project, OURS) == 0
    assert list(tmp_path.iterdir()) == []


@LABEL_STUDIO
def test_an_import_that_never_came_to_label_studio_is_sent_again(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    project, tasks = project_with(label_studio.api(), 2)
    lost = [httpx.ReadTimeout("no answer")]

    def lose_the_first(request: httpx.Request, send: Send) -> httpx.Response:
        if lost:
            raise lost.pop()
        return send(request)

    api, transport = meddled(label_studio, lose_the_first)
    with api:
        uploader = quick(api, project, tmp_path)
        with pytest.raises(LabelStudioFailed, match="no answer in time"):
            uploader.store([*map(made, tasks)])
        assert uploader.store([*map(made, tasks)]) == Stored(stored=tuple(tasks))
        assert [versions_of(api, task) for task in tasks] == [[OURS]] * 2
    assert transport.imports == [tasks, tasks]


@LABEL_STUDIO
def test_what_came_through_after_an_error_is_told_as_stored(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    project, tasks = project_with(label_studio.api(), 2)

    def answer_is_lost(request: httpx.Request, send: Send) -> httpx.Response:
        send(request).read()
        raise httpx.RemoteProtocolError("cut off")

    api, transport = meddled(label_studio, answer_is_lost)
    with api:
        assert quick(api, project, tmp_path).store([*map(made, tasks)]) == Stored(stored=tuple(tasks))
    assert transport.imports == [tasks]


@LABEL_STUDIO
@pytest.mark.parametrize(
    "status",
    [pytest.param(413, id="too large"), pytest.param(400, id="refused"), pytest.param(500, id="it failed")],
)
def test_one_prediction_that_label_studio_refuses_does_not_stop_the_others(
    label_studio: RunningLabelStudio, tmp_path: Path, status: int
) -> None:
    project, tasks = project_with(label_studio.api(), 5)

    def refuse_the_fourth(request: httpx.Request, send: Send) -> httpx.Response:
        return refusal(status) if f'"task":{tasks[3]},' in request.content.decode() else send(request)

    api, _ = meddled(label_studio, refuse_the_fourth)
    with api:
        stored = quick(api, project, tmp_path).store([*map(made, tasks)])
        assert stored.stored == tuple(task for task in tasks if task != tasks[3])
        assert stored.dropped == {tasks[3]: f"Label Studio refused the prediction of task {tasks[3]}: no"}
        assert [len(versions_of(api, task)) for task in tasks] == [1, 1, 1, 0, 1]


@LABEL_STUDIO
def test_a_failure_after_the_work_stores_nothing_twice(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    project, tasks = project_with(label_studio.api(), 3)

    def fail_behind(request: httpx.Request, send: Send) -> httpx.Response:
        send(request).read()
        return refusal(500, "database is locked")

    api, transport = meddled(label_studio, fail_behind)
    with api:
        assert quick(api, project, tmp_path).store([*map(made, tasks)]) == Stored(stored=tuple(tasks))
    assert transport.imports == [tasks]


@LABEL_STUDIO
def test_a_task_deleted_between_the_look_and_the_import_is_gone_and_the_others_are_stored(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    api = label_studio.api()
    project, tasks = project_with(api, 4)

    def delete_first(request: httpx.Request, send: Send) -> httpx.Response:
        if len(transport.imports) == 1:
            api.call("DELETE", f"/api/tasks/{tasks[1]}/", "remove a task")
        return send(request)

    meddling, transport = meddled(label_studio, delete_first)
    with meddling:
        stored = quick(meddling, project, tmp_path).store([*map(made, tasks)])
    assert stored == Stored(stored=(tasks[0], *tasks[2:]), gone=(tasks[1],))


@LABEL_STUDIO
def test_a_server_that_refuses_everything_is_not_the_predictions_fault(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    project, tasks = project_with(label_studio.api(), 4)
    api, transport = meddled(label_studio, lambda request, send: refusal(400, "closed"))
    with api, pytest.raises(LabelStudioFailed, match="closed"):
        quick(api, project, tmp_path).store([*map(made, tasks)])
    api, transport = meddled(label_studio, lambda request, send: refusal(403, "closed"))
    with api, pytest.raises(LabelStudioFailed, match="closed"):
        quick(api, project, tmp_path).store([*map(made, tasks)])
    assert transport.imports == [tasks], "a key that may not is not tried with each"


@LABEL_STUDIO
def test_what_label_studio_drops_without_a_word_is_found_and_named(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    """The config is changed between our check and Label Studio's."""
    api = label_studio.api()
    project, tasks = project_with(api, 2)

    def import_the_second_only(request: httpx.Request, send: Send) -> httpx.Response:
        rows = json.loads(request.content)
        rows[0]["result"][0]["value"]["x"] = 300
        key = {"Authorization": request.headers["Authorization"]}
        return send(httpx.Request("POST", request.url, json=rows, headers=key))

    meddling, _ = meddled(label_studio, import_the_second_only)
    with meddling:
        stored = quick(meddling, project, tmp_path).store([*map(made, tasks)])
    assert stored.stored == (tasks[1],)
    assert "gave no reason. Was the labeling config changed meanwhile?" in stored.dropped[tasks[0]]


STORE = """
import sys, threading
from pathlib import Path
import httpx
from pydantic import SecretStr
from backend.bulk.uploads import Uploader
from backend.label_studio.client import LabelStudio
from tests.bulk.test_uploads import ThroughServer
from tests.parts.stored_predictions import made

url, key, project, folder, *tasks = sys.argv[1:]

def never_answer(request, send):
    print("sending", flush=True)
    send(request)
    threading.Event().wait()

api = LabelStudio(url, SecretStr(key), transport=ThroughServer(never_answer))
Uploader(api, int(project), Path(folder)).store([made(int(task)) for task in tasks])
"""


@LABEL_STUDIO
def test_a_run_that_was_killed_in_mid_import_goes_on_and_stores_nothing_twice(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    api = label_studio.api()
    project, tasks = project_with(api, 300, "Killed")
    key = label_studio.personal_token.get_secret_value()
    command = [sys.executable, "-c", STORE, label_studio.base_url, key, str(project), str(tmp_path)]
    with subprocess.Popen([*command, *map(str, tasks)], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"sending\n"
        time.sleep(0.1)
        process.kill()
    assert len(list(tmp_path.iterdir())) == 1, "the note of the import"

    uploader = Uploader(api, project, tmp_path, sleep=lambda seconds: time.sleep(0.1))
    stored = uploader.store([*map(made, tasks)])

    assert stored == Stored(already=tuple(tasks))
    assert api.model_versions(project) == {OURS: 300}
    assert count_lacking(api, project, OURS) == 0
    assert list(tmp_path.iterdir()) == []


class Killed(BaseException):
    """The end of a run that leaves nothing in order."""


@LABEL_STUDIO
def test_an_import_that_label_studio_is_still_at_work_on_is_waited_for_and_not_sent_again(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    api = label_studio.api()
    project, tasks = project_with(api, 3)
    looked = threading.Event()

    def die(request: httpx.Request, send: Send) -> httpx.Response:
        # it comes into sight after the next run's first look
        at_work.submit(lambda: looked.wait(60) and send(request).read())
        raise Killed

    def wait(seconds: float) -> None:
        looked.set()
        time.sleep(0.1)

    meddling, _ = meddled(label_studio, die)
    with meddling, ThreadPoolExecutor(1) as at_work:
        try:
            with pytest.raises(Killed):
                quick(meddling, project, tmp_path).store([*map(made, tasks)])
            stored = Uploader(api, project, tmp_path, sleep=wait).store([*map(made, tasks)])
        finally:
            looked.set()

    assert stored == Stored(already=tuple(tasks))
    assert api.model_versions(project) == {OURS: 3}


@LABEL_STUDIO
def test_a_noted_import_is_waited_for_no_longer_than_it_can_take(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    api = label_studio.api()
    project, tasks = project_with(api, 1)
    note = ImportNote(tmp_path, api.base_url, project)
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        time.sleep(seconds)

    for sent in (time.time(), time.time() - 3600):
        note.write(OURS, tasks, sent)
        uploader = Uploader(
            api, project, tmp_path, longest_s=0.5, sleep=lambda s: waits.append(s) or time.sleep(s)
        )
        uploader.settle()
        assert note.read() is None
    assert len(waits) >= 1
    assert sum(waits) <= 0.5


def test_a_clock_that_was_set_back_makes_nobody_wait_for_ever() -> None:
    unfinished = Unfinished(OURS, (1,), sent=1000.0)
    assert unfinished.left_s(120, now=1030.0) == 90
    assert unfinished.left_s(120, now=5000.0) == 0
    assert unfinished.left_s(120, now=0.0) == 120


def test_without_a_note_nothing_is_sent(tmp_path: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.method == "GET", "nothing may be sent"
        rows = {"tasks": [{"id": 1}], "total": 1}
        return httpx.Response(200, json={"label_config": CONFIG} if "projects" in request.url.path else rows)

    (tmp_path / "file").write_text("")
    with (
        LabelStudio("http://ls", SecretStr("0" * 40), transport=httpx.MockTransport(answer)) as api,
        pytest.raises(OperatorError, match="without a note there something might be stored twice"),
    ):
        Uploader(api, 3, tmp_path / "file" / "notes").store([made(1)])


def test_a_note_that_is_no_note_is_none(tmp_path: Path) -> None:
    note = ImportNote(tmp_path, "http://ls", 3)
    note.write(OURS, [1, 2], 5.0)
    assert note.read() == Unfinished(OURS, (1, 2), 5.0)
    (file,) = tmp_path.iterdir()
    file.write_text("{")
    assert note.read() is None


def sizes(predictions: list[Prediction], tmp_path: Path) -> list[int]:
    """How many predictions each import has, sent to a Label Studio that takes all."""
    imports: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            imports.append(len(json.loads(request.content)))
            return httpx.Response(201, json={"created": imports[-1]})
        if request.url.path == "/api/tasks/":
            ids = json.loads(request.url.params["query"])["selectedItems"]["included"]
            return httpx.Response(200, json={"tasks": [{"id": task} for task in ids], "total": len(ids)})
        return httpx.Response(200, json={"label_config": CONFIG})

    with LabelStudio("http://ls", SecretStr("0" * 40), transport=httpx.MockTransport(answer)) as api:
        Uploader(api, 3, tmp_path).store(predictions)
    return imports


def test_imports_are_as_long_as_label_studio_stores_at_once_and_not_too_large(tmp_path: Path) -> None:
    empty = [Prediction(task, (), 1.0, OURS) for task in range(1, 1201)]
    assert sizes(empty, tmp_path) == [500, 500, 200]
    large = [made(task, text="x" * 7_000_000) for task in range(1, 6)]
    assert sizes(large, tmp_path) == [2, 2, 1]

"""A round on a real, reviewed project, begun by Label Studio itself; all but the training is real."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pydantic import SecretStr
from werkzeug.serving import make_server

from backend.commands.cli import twinread
from backend.label_studio.client import LabelStudio
from backend.label_studio.default_config import default_config
from backend.projects.backend_connection import connect_backend
from backend.rounds import Rounds
from backend.server.app import create_app
from backend.server.rounds import RoundStarter
from backend.settings.settings import Settings
from tests.end_to_end.test_export import lines, reviewed_project
from tests.parts.backend_process import RunningBackend
from tests.parts.exported import manifest, rows
from tests.parts.label_studio import LABEL_STUDIO, RunningLabelStudio
from tests.parts.round_process import program
from tests.parts.scripted import scripted_service
from tests.parts.scripted_steps import ScriptedSteps

pytestmark = LABEL_STUDIO

SIGN_IN = ("ls", SecretStr("hunter2"))


def wait_until(so: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 120
    while not so():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def press_start_training(api: LabelStudio, project: int) -> None:
    """As the menu of the connection in Settings > Model does."""
    (connection,) = api.backends(project)
    api.call("POST", f"/api/ml/{connection['id']}/train", "start training", body={})


@pytest.fixture
def steps(tmp_path: Path) -> ScriptedSteps:
    return ScriptedSteps.in_folder(tmp_path / "script")


@pytest.fixture
def backend_url(
    label_studio: RunningLabelStudio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: ScriptedSteps
) -> Iterator[str]:
    """A backend over HTTP whose rounds export and check themselves, and train as the script says."""
    monkeypatch.setenv("LABEL_STUDIO_URL", label_studio.base_url)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", label_studio.personal_token.get_secret_value())
    monkeypatch.setenv("CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("ALLOWED_IMAGE_HOSTS", "localhost")
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        basic_auth_user=SIGN_IN[0],
        basic_auth_pass=SIGN_IN[1],
        webhook_secret=SecretStr("s3cret"),
        train_after=12,
    )
    service = scripted_service()
    starter = RoundStarter(settings, program(steps, "export", "check"), check_every_s=0.5)
    server = make_server("127.0.0.1", 0, create_app(service, settings, starter), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()
    service.close()


def parts(dataset: Path) -> dict[str, str]:
    """The part of each page."""
    return {row["task"]: row["part"] for row in manifest(dataset)}


def test_the_button_starts_a_round_that_exports_and_the_next_one_keeps_every_pages_part(
    label_studio: RunningLabelStudio, backend_url: str, steps: ScriptedSteps, tmp_path: Path
) -> None:
    api = label_studio.api()
    project, tasks = reviewed_project(api, tmp_path / "scans", 12)
    connect_backend(api, project, backend_url, "twinread", basic_auth=SIGN_IN)
    rounds = Rounds(tmp_path)

    press_start_training(api, project)
    wait_until(lambda: (state := rounds.state(project)) is not None and state.state != "running", "a round")
    state = rounds.state(project)
    assert state is not None
    assert (state.state, state.started_by) == ("done", "Start training"), state.outcome
    assert state.outcome == "promoted: CER 12.4 -> 9.1 % on 23 pages"
    dataset = rounds.dataset(project)
    assert len(rows(dataset)) == 9 * 2
    first = parts(dataset)
    assert set(first.values()) == {"train", "val", "test"}
    assert steps.ran == ["train", "export-model", "evaluate", "promote"]

    prediction = api.task(tasks[-3])["predictions"][0]
    api.create_annotation(tasks[-3], prediction["result"], parent_prediction=prediction["id"])
    press_start_training(api, project)
    wait_until(lambda: (state := rounds.state(project)) is not None and state.number == 2, "a second round")
    wait_until(lambda: rounds.running_project() is None, "it has ended")
    assert len(rows(dataset)) == 10 * 2
    second = parts(dataset)
    assert {page: second[page] for page in first} == first
    summary = json.loads((rounds.round_folder(project, 2) / "export.json").read_text("utf-8"))
    assert summary["difference"]["added"] == 2

    done = CliRunner().invoke(
        twinread, ["status", "--project", str(project), "--summary-json", str(tmp_path / "status.json")]
    )
    assert f"Round 2 of project {project} ended 20" in done.output
    assert ": promoted: CER 12.4 -> 9.1 % on 23 pages" in done.output
    told = json.loads((tmp_path / "status.json").read_text("utf-8"))
    assert (told["round"]["round"], told["round"]["promoted"]) == (2, True)


def test_submitting_pages_starts_a_round_when_enough_lines_are_approved(
    label_studio: RunningLabelStudio, backend_url: str, tmp_path: Path
) -> None:
    api = label_studio.api()
    # five pages with two lines each: ten of the twelve that TRAIN_AFTER wants
    project, tasks = reviewed_project(api, tmp_path / "scans", 8)
    connect_backend(api, project, backend_url, "twinread", basic_auth=SIGN_IN)
    (webhook,) = [hook for hook in api.webhooks(project) if hook["url"].startswith(backend_url)]
    api.update_webhook(webhook["id"], headers={"X-Twinread-Secret": "s3cret"})
    rounds = Rounds(tmp_path)
    api.create_annotation(tasks[-3], lines(8))
    wait_until(lambda: rounds.state(project) is not None, "a round")
    wait_until(lambda: rounds.running_project() is None, "it has ended")
    state = rounds.state(project)
    assert state is not None
    assert state.started_by == "TRAIN_AFTER, about 12 newly approved lines"
    assert (state.state, state.waiting_lines) == ("done", 0), state.outcome
    assert len(rows(rounds.dataset(project))) == 12


def test_the_button_of_a_running_backend_says_when_nothing_is_approved(
    label_studio: RunningLabelStudio, local_backend: RunningBackend
) -> None:
    api = label_studio.api()
    project = int(api.create_project(title="Nothing approved", label_config=default_config())["id"])
    connect_backend(api, project, local_backend.url, "twinread")

    def ended() -> dict[str, Any] | None:
        told: dict[str, Any] | None = local_backend.status()["round"]
        return told if told and told["project"] == project and told["state"] != "running" else None

    press_start_training(api, project)
    local_backend.wait_until(lambda: ended() is not None, "the round has ended")
    told = ended()
    assert told is not None
    assert (told["state"], told["step"]) == ("failed", "export")
    assert told["outcome"].startswith("stopped at export: no line is approved yet in the 0 tasks")
    sentence = f"Round 1 of project {project} ended"
    local_backend.wait_until(lambda: sentence in local_backend.log, "the log says so, too")

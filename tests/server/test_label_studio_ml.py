"""label-studio-ml with twinread's model, in a process of its own: who may ask, and what is answered."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.parts.backend_process import RunningBackend, variables
from tests.parts.label_studio import CONFIG
from tests.parts.label_studio_ml import ENVIRONMENTS, VERSIONS, WSGI, listening, serving

# one worker, since the last test of each version lets the models fail
pytestmark = pytest.mark.xdist_group("label_studio_ml")

USER, PASSWORD = "studio", "correct horse"
NO_TEXT_AREA = '<View><Image name="image" value="$image"/></View>'
SETUP = {"project": "1.1700000", "schema": CONFIG, "hostname": "http://localhost:8080", "access_token": "t"}
PREDICT = {"tasks": [{"id": 1, "data": {"image": "/a.png"}}], "label_config": CONFIG, "project": "1.17"}


@dataclass
class Gated:
    """A backend whose models load until the gate is opened, and then turn out to be none."""

    backend: RunningBackend
    gate: Path

    def open(self) -> None:
        self.gate.write_text("no model", "utf-8")

    def ask(
        self, path: str, body: object = None, auth: tuple[str, str] | None = (USER, PASSWORD), **more: object
    ) -> httpx.Response:
        """GET, or POST of a body."""
        return httpx.request(
            "GET" if body is None else "POST",
            self.backend.url + path,
            json=body,
            auth=auth,
            timeout=60,
            trust_env=False,
            **more,  # type: ignore[arg-type]
        )


@pytest.fixture(scope="module", params=VERSIONS)
def gated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gated]:
    """With user and password from `.env`, which label-studio-ml itself never reads."""
    folder = tmp_path_factory.mktemp("gated")
    (folder / "model").mkdir()
    # who opens it waits for somebody who writes into it
    os.mkfifo(folder / "model" / "inference.yml")
    (folder / ".env").write_text(f"BASIC_AUTH_USER={USER}\nBASIC_AUTH_PASS={PASSWORD}\n", "utf-8")
    with serving(
        request.param,
        folder,
        "--preload",
        until=listening,
        detection_model_dir=folder / "model",
        # as somebody runs it who looks for a fault: nothing secret is in the log then, either
        log_level="DEBUG",
    ) as backend:
        yield Gated(backend, folder / "model" / "inference.yml")


@pytest.mark.parametrize("path", ["/setup", "/predict", "/webhook", "/reload", "/", "/status", "/metrics"])
@pytest.mark.parametrize(
    "sent",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"Authorization": "Bearer x"}, id="a token"),
        pytest.param({"Authorization": "Basic /////w=="}, id="no letters"),
        pytest.param({"Authorization": "Basic c3R1ZGlvOndyb25n"}, id="a wrong password"),
    ],
)
def test_nobody_is_answered_without_the_password_of_the_settings(
    gated: Gated, path: str, sent: dict[str, str]
) -> None:
    body = None if path in ("/", "/status", "/metrics") else {}
    answer = gated.ask(path, body, auth=None, headers=sent)
    assert answer.status_code == 401
    assert "WWW-Authenticate" in answer.headers or path in ("/webhook", "/reload")
    assert list(answer.json()) == ["error"]


def test_a_container_may_ask_for_its_health_without_a_password(gated: Gated) -> None:
    answer = gated.ask("/health", auth=None)
    assert (answer.status_code, answer.json()["status"]) == (200, "LOADING")


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        pytest.param({"Origin": "http://evil.test"}, json.dumps(PREDICT), 403, id="a web page's request"),
        pytest.param({"Content-Type": "text/plain"}, json.dumps(PREDICT), 415, id="not called JSON"),
        pytest.param({}, "{", 400, id="cut-off JSON"),
        pytest.param({}, "[" * 100_000, 400, id="nested without end"),
        pytest.param({}, "{}", 400, id="no tasks"),
        pytest.param({}, json.dumps({**PREDICT, "label_config": NO_TEXT_AREA}), 400, id="a config of no use"),
        pytest.param({}, json.dumps({**PREDICT, "params": {"tasks": 1}}), 503, id="parameters of any name"),
        pytest.param({}, json.dumps({**PREDICT, "params": None}), 503, id="no parameters"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_sentence_without_traceback_or_path(
    gated: Gated, headers: dict[str, str], content: str, status: int
) -> None:
    answer = httpx.post(
        gated.backend.url + "/predict",
        content=content,
        headers={"Content-Type": "application/json", **headers},
        auth=(USER, PASSWORD),
        timeout=60,
        trust_env=False,
    )
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["error"]
    assert "Traceback" not in answer.text
    assert "site-packages" not in answer.text
    # Label Studio shows the reason phrase and never the body
    assert answer.reason_phrase == answer.json()["error"][:400]


def test_a_config_that_cannot_work_is_refused_when_it_is_connected_even_while_models_load(
    gated: Gated,
) -> None:
    answer = gated.ask("/setup", {**SETUP, "schema": NO_TEXT_AREA})
    assert answer.status_code == 400
    assert "RectangleLabels" in answer.json()["error"]


def test_requests_that_come_while_models_load_are_answered_before_they_are_loaded(gated: Gated) -> None:
    """As many as the server has threads; before, each held one of them for up to 60 s, and so did /setup."""
    with ThreadPoolExecutor(8) as at_once:
        answers = list(at_once.map(lambda _: gated.ask("/predict", PREDICT), range(8)))
    answers.append(gated.ask("/setup", SETUP))
    assert {answer.status_code for answer in answers} == {503}
    assert {answer.json()["error"] for answer in answers} == {
        "The models are still loading; try again in a minute."
    }
    assert gated.ask("/health").json()["state"] == "loading"


@pytest.mark.parametrize("path", ["/train", "/is_training", "/nothing"])
def test_what_twinread_does_not_do_is_not_found(gated: Gated, path: str) -> None:
    assert gated.ask(path).status_code == 404


def test_a_webhook_starts_no_process_and_the_log_holds_no_secret(gated: Gated) -> None:
    action = {"action": "ANNOTATION_CREATED", "project": {"id": 1, "label_config": CONFIG, "token": "hidden"}}
    assert gated.ask("/webhook", action).json() == {"status": "ok"}
    assert "Subprocess" not in gated.backend.log
    assert PASSWORD not in gated.backend.log
    assert "Authorization" not in gated.backend.log
    assert "hidden" not in gated.backend.log


def test_nothing_is_written_into_the_working_folder(gated: Gated) -> None:
    made = {path.name for path in gated.backend.folder.iterdir()}
    assert made - {"cache", "backend.log", "__pycache__"} == {"model", ".env", "_wsgi.py"}


def test_when_models_cannot_be_loaded_health_says_why(gated: Gated) -> None:
    gated.open()
    gated.backend.wait_until(lambda: gated.ask("/health").status_code == 503, "the models are no models")
    failed = gated.ask("/health", auth=None)
    assert "is no exported PaddleOCR model" in failed.json()["error"]
    assert "is no exported PaddleOCR model" in gated.ask("/predict", PREDICT).json()["error"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("options", [(), ("--preload",)], ids=["in the worker", "before the fork"])
def test_a_setting_that_cannot_be_used_ends_the_server_with_one_sentence(
    version: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "_wsgi.py").write_text(WSGI, "utf-8")
    ended = subprocess.run(
        [ENVIRONMENTS[version] / "bin" / "gunicorn", "--bind", "127.0.0.1:0", *options, "_wsgi:app"],
        cwd=tmp_path,
        env=variables(tmp_path, {"predict_deadline_s": "soon"}),
        capture_output=True,
        text=True,
        timeout=120,
    )
    # another code would make gunicorn start it again, for ever
    assert ended.returncode in (3, 4)
    said = ended.stdout + ended.stderr
    assert said.count("twinread: A setting cannot be used. PREDICT_DEADLINE_S: ") == 1
    assert "Traceback" not in said


@pytest.mark.parametrize("version", VERSIONS)
def test_in_an_application_that_asks_for_no_password_the_model_answers_nobody(
    version: str, tmp_path: Path
) -> None:
    ended = subprocess.run(
        [ENVIRONMENTS[version] / "bin" / "python", "-"],
        input=f"""
from label_studio_ml.api import init_app
from backend.server.label_studio_ml import TwinreadModel
client = init_app(TwinreadModel).test_client()
client.post("/setup", json={SETUP!r})
print(client.post("/predict", json={PREDICT!r}).get_json()["detail"])
""",
        cwd=tmp_path,
        env=variables(tmp_path, {}),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.stdout.splitlines()[-1].startswith("SettingsWrong: Make the application with wsgi()")

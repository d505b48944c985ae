"""What Label Studio and people with curl meet at the backend's door."""

from __future__ import annotations

import base64
import json
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from typing import Any, cast

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from backend.errors import ReaderUnavailable
from backend.models.model_thread import BackgroundModel, ModelThread
from backend.page.lines import Pixels, Reading
from backend.pipeline.engines import Engines
from backend.pipeline.metrics import Metrics
from backend.pipeline.service import Service, ServiceOptions
from backend.readers.local import no_answer
from backend.server.app import create_app
from backend.settings.settings import Settings
from tests.parts.scripted import (
    CONFIG,
    ScriptedReader,
    ScriptedSource,
    scripted_engines,
    scripted_service,
)

NO_IMAGE = "<View><Text name='t' value='$t'/></View>"


def client_of(service: Service, **values: Any) -> FlaskClient:
    settings = Settings(_env_file=None, ocr_language="ru", **values)  # type: ignore[call-arg]
    return create_app(service, settings).test_client()


@pytest.fixture
def service() -> Iterator[Service]:
    made = scripted_service(source=ScriptedSource({"/broken": b"no image"}))
    yield made
    made.close()


@pytest.fixture
def client(service: Service) -> FlaskClient:
    return client_of(service)


def predict_body(*references: object, **more: object) -> dict[str, object]:
    """The body that Label Studio 1.23 sends for "Retrieve predictions"."""
    tasks = [
        {"id": number, "data": {"image": reference}, "meta": {}, "annotations": [], "predictions": []}
        for number, reference in enumerate(references, 1)
    ]
    params = {"login": None, "password": None, "context": None}
    return {"tasks": tasks, "project": "1.1795331336", "label_config": CONFIG, "params": params, **more}


def setup_body(**more: object) -> dict[str, object]:
    return {
        "project": "1.1795331336",
        "schema": CONFIG,
        "hostname": "http://localhost:8080",
        "access_token": "f00ba4f00ba4f00ba4f00ba4f00ba4f00ba4f00b",
        "extra_params": {"lang": "en"},
        **more,
    }


def test_three_tasks_with_a_corrupt_one_give_two_results_and_an_empty_object(client: FlaskClient) -> None:
    answer = client.post("/predict", json=predict_body("/page-1", "/broken", "/page-2"))
    results = answer.get_json()["results"]
    assert answer.status_code == 200
    assert [bool(result) for result in results] == [True, False, True]
    assert results[1] == {}
    texts = [item["value"]["text"] for item in results[0]["result"] if item["type"] == "textarea"]
    assert texts == [["Счёт"]] * 3
    status = client.get("/status").get_json()
    assert "task 2" in status["failed_tasks"]


def test_setup_and_every_prediction_give_the_same_version(client: FlaskClient) -> None:
    told = client.post("/setup", json=setup_body()).get_json()["model_version"]
    results = client.post("/predict", json=predict_body("/page-1", "/page-2")).get_json()["results"]
    assert {result["model_version"] for result in results} == {told}
    assert client.get("/versions").get_json() == {"versions": [told]}


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        pytest.param("/predict", "{", "not JSON", id="cut-off JSON"),
        pytest.param("/predict", "[]", "JSON object", id="a list"),
        pytest.param("/predict", json.dumps({"tasks": []}), "label_config", id="no config"),
        pytest.param("/predict", json.dumps(predict_body(tasks={})), "'tasks'", id="tasks no list"),
        pytest.param(
            "/predict", json.dumps(predict_body(tasks=[3])), "'tasks.0'", id="a task that is a number"
        ),
        pytest.param("/predict", json.dumps(predict_body(params=[])), "'params'", id="params a list"),
        pytest.param(
            "/predict", json.dumps(predict_body(label_config=NO_IMAGE)), "Image", id="config without image"
        ),
        pytest.param(
            "/predict", json.dumps(predict_body(label_config="<View>")), "config", id="broken config"
        ),
        pytest.param("/setup", json.dumps(setup_body(schema=NO_IMAGE)), "Image", id="setup without image"),
        pytest.param("/setup", json.dumps(setup_body(schema=None)), "'schema'", id="setup without config"),
        pytest.param("/webhook", "{}", "'action'", id="webhook without action"),
        pytest.param("/predict", "[" * 100_000, "too deeply", id="nested without end"),
    ],
)
def test_a_bad_body_is_one_sentence_and_never_a_traceback(
    client: FlaskClient, path: str, body: str, sentence: str
) -> None:
    answer = client.post(path, data=body, content_type="application/json")
    text = answer.get_data(as_text=True)
    assert 400 <= answer.status_code < 500
    assert sentence in answer.get_json()["error"]
    assert "Traceback" not in text
    assert "/work" not in text
    # Label Studio shows the reason phrase and never the body
    assert answer.status.split(" ", 1)[1].isascii()
    assert len(answer.status) > 10


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("/predict", predict_body("/page", surprise=1), id="a new field"),
        pytest.param("/predict", predict_body("/page", project={"id": 1}), id="the project as an object"),
        pytest.param(
            "/predict",
            predict_body("/page", params={"login": 5, "context": None, "prompt": "read"}),
            id="new parameters, and a login that is a number",
        ),
        pytest.param("/setup", setup_body(workspace="ours"), id="a new field in setup"),
        pytest.param("/setup", setup_body(hostname=None, access_token={"jwt": "f00ba4"}), id="a new token"),
        pytest.param("/webhook", {"action": "TASKS_CREATED", "tasks": [], "actor": 1}, id="a webhook"),
    ],
)
def test_what_a_later_label_studio_sends_more_is_no_reason_to_refuse(
    client: FlaskClient, path: str, body: dict[str, object]
) -> None:
    answer = client.post(path, json=body)
    assert answer.status_code == 200
    if path == "/predict":
        assert answer.get_json()["results"][0]["score"] == 1.0


def test_health_tells_loading_from_failed_and_setup_says_it_in_the_reason_phrase() -> None:
    gate = threading.Event()

    def load(metrics: Metrics) -> Engines:
        gate.wait(30)
        raise ReaderUnavailable("Tesseract has no Russian data: apt-get install tesseract-ocr-rus")

    service = Service(load)
    client = client_of(service)
    try:
        loading = client.get("/health")
        assert (loading.status_code, loading.get_json()["state"]) == (200, "loading")
        assert "still loading" in client.post("/setup", json=setup_body()).status
        gate.set()
        while service.state[0] == "loading":
            time.sleep(0.01)
        failed = client.get("/health")
        assert failed.status_code == 503
        assert "tesseract-ocr-rus" in failed.status
        assert "tesseract-ocr-rus" in client.post("/predict", json=predict_body("/page")).status
    finally:
        service.close()


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


class StuckReader(BackgroundModel[None, Pixels, Reading]):
    """A reader on this machine whose engine never comes back from its first line."""

    identity = "stuck"

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self._model_thread = ModelThread("Tesseract reader", lambda: None, self._read, limit_s=0.2)
        self.start()

    def _read(self, model: None, crops: Sequence[Pixels]) -> list[Reading]:
        self.let_go.wait(30)
        return [Reading(self.identity) for _ in crops]

    def submit(self, crops: Sequence[Pixels], *, urgent: bool = False) -> list[Future[Reading]]:
        failed = partial(no_answer, self.identity)
        return [self._model_thread.submit(crop, urgent=urgent, on_error=failed) for crop in crops]


def test_a_reader_that_never_answers_is_given_up_and_health_says_so_until_it_is_loaded_anew() -> None:
    stuck, may_load = StuckReader(), threading.Event()
    broken = scripted_engines(readers=[stuck, ScriptedReader("two")])
    loaded: list[Engines] = []

    def load(metrics: Metrics) -> Engines:
        if loaded:
            may_load.wait(20)
        loaded.append(scripted_engines() if loaded else replace(broken, failure=lambda: stuck.failure))
        return loaded[-1]

    service = Service(load, ServiceOptions(retry_s=(0.01,), watch_s=0.01))
    service.engines(timeout_s=10)
    client = client_of(service)
    assert client.get("/health").json["status"] == "UP"
    assert client.post("/predict", json=predict_body("/page")).json == {"results": [{}]}
    health = client.get("/health")
    words = "The Tesseract reader has not answered for 0.2 s and was given up."
    assert health.status == f"503 {words} It is tried again by itself."
    assert words in str(client.get("/status").json["failed_tasks"])
    may_load.set()
    end = time.monotonic() + 20
    while client.get("/health").status_code != 200:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert client.post("/predict", json=predict_body("/page")).json["results"][0]["score"] == 1.0
    stuck.let_go.set()
    service.close()


def test_sign_in_guards_everything_but_a_bare_health(service: Service) -> None:
    client = client_of(service, basic_auth_user="ls", basic_auth_pass='p@ss:word "1"')
    assert client.get("/health").status_code == 200
    assert client.get("/health", headers=basic("ls", "wrong")).status_code == 401
    for path in ("/", "/status", "/metrics", "/versions"):
        assert client.get(path).status_code == 401
        assert client.get(path, headers=basic("other", 'p@ss:word "1"')).status_code == 401
        assert client.get(path, headers=basic("ls", 'p@ss:word "1"')).status_code == 200
    for path, body in (
        ("/setup", setup_body()),
        ("/predict", predict_body("/page")),
        ("/webhook", {"action": "X"}),
    ):
        assert client.post(path, json=body).status_code == 401
        assert client.post(path, json=body, headers=basic("ls", 'p@ss:word "1"')).status_code == 200


def test_webhooks_come_with_a_secret_in_the_path_or_a_header(service: Service) -> None:
    client = client_of(service, webhook_secret="s3cret")
    body = {"action": "ANNOTATION_CREATED", "project": {"token": "abc"}}
    assert client.post("/webhook", json=body).status_code == 401
    assert client.post("/webhook/guess", json=body).status_code == 401
    assert client.post("/webhook/s3cret", json=body).status_code == 200
    assert client.post("/webhook", json=body, headers={"X-Twinread-Secret": "s3cret"}).status_code == 200
    text = client.get("/metrics").get_data(as_text=True)
    assert 'twinread_webhooks_total{action="ANNOTATION_CREATED"} 2.0' in text


def test_metrics_are_prometheus_text(client: FlaskClient) -> None:
    client.post("/predict", json=predict_body("/page", "/broken"))
    answer = client.get("/metrics")
    text = answer.get_data(as_text=True)
    assert answer.content_type.startswith("text/plain")
    assert 'twinread_pages_total{outcome="done"} 1.0' in text
    assert 'twinread_pages_total{outcome="BadImage"} 1.0' in text
    assert 'twinread_lines_total{verdict="agreed"} 3.0' in text


def test_answers_are_counted_by_route_and_status_and_no_path_is_kept(service: Service) -> None:
    client = client_of(service, webhook_secret="s3cret")
    client.get("/health")
    client.post("/webhook/s3cret", json={"action": "ANNOTATION_CREATED"})
    client.post("/webhook/guess", json={"action": "ANNOTATION_CREATED"})
    client.get("/admin/1")
    text = client.get("/metrics").get_data(as_text=True)
    assert 'twinread_http_requests_total{route="/health",status="200"} 1.0' in text
    assert 'twinread_http_requests_total{route="/webhook",status="200"} 1.0' in text
    assert 'twinread_http_requests_total{route="/webhook",status="401"} 1.0' in text
    assert 'twinread_http_requests_total{route="other",status="404"} 1.0' in text
    assert 'twinread_http_seconds_count{route="/health"} 1.0' in text
    assert "twinread_ready 1.0" in text
    assert "twinread_store_usable 1.0" in text
    assert "process_resident_memory_bytes" in text
    assert "s3cret" not in text


def test_no_secret_reaches_a_log_at_any_level(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    client = client_of(service, basic_auth_user="ls", basic_auth_pass="hunter2", webhook_secret="s3cret")
    with caplog.at_level(logging.DEBUG):
        client.post("/setup", json=setup_body(), headers=basic("ls", "hunter2"))
        client.post("/setup", json=setup_body(schema=NO_IMAGE), headers=basic("ls", "hunter2"))
        client.post("/setup", json=setup_body(odd=1))
        client.post("/predict", json=predict_body("/broken"), headers=basic("ls", "hunter2"))
        client.post("/webhook/s3cret", json={"action": "X", "project": {"token": "f00ba4"}})
    for secret in ("f00ba4", "hunter2", "s3cret", "RectangleLabels"):
        assert secret not in caplog.text


def test_an_unexpected_failure_is_logged_here_and_one_sentence_there(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    def say(number: int) -> Reading:
        raise ZeroDivisionError("in /secret/place")

    broken = scripted_service(readers=[ScriptedReader("one", say), ScriptedReader("two")])
    try:
        answer = client_of(broken).post("/predict", json=predict_body("/page"))
    finally:
        broken.close()
    assert answer.get_json() == {"results": [{}]}
    assert "ZeroDivisionError" in caplog.text


def test_a_secret_in_the_path_of_a_webhook_is_not_logged_when_it_fails(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        """A service that cannot count webhooks, which none of them expects."""

        def __init__(self) -> None:
            self.metrics = Metrics()
            del self.metrics.webhooks

    client = client_of(cast(Service, Broken()), webhook_secret="s3cret")
    answer = client.post("/webhook/s3cret", json={"action": "X"})
    assert answer.status_code == 500
    assert "POST /webhook/<secret> failed" in caplog.text
    assert "s3cret" not in caplog.text


def test_a_wrong_method_is_told_the_right_one(client: FlaskClient) -> None:
    answer = client.get("/predict")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
task_values = st.fixed_dictionaries(
    {}, optional={"id": json_values, "data": json_values, "meta": json_values}
)


@hypothesis_settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    body=st.fixed_dictionaries(
        {},
        optional={
            "tasks": st.lists(task_values, max_size=4) | json_values,
            "label_config": st.just(CONFIG) | st.text(max_size=20) | json_values,
            "project": json_values,
            "params": json_values,
        },
    )
)
def test_any_body_is_answered_with_one_result_per_task_or_one_sentence(
    client: FlaskClient, body: dict[str, Any]
) -> None:
    answer = client.post("/predict", json=body)
    if answer.status_code == 200:
        assert len(answer.get_json()["results"]) == len(body["tasks"])
    else:
        assert 400 <= answer.status_code < 500
        assert "Traceback" not in answer.get_data(as_text=True)

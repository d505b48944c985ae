"""The connection of a backend is made once, whole, and changed in place."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest
from pydantic import SecretStr

from backend.errors import LabelStudioFailed, OperatorError
from backend.label_studio.client import LabelStudio
from backend.projects.backend_connection import backend_status, connect_backend
from tests.parts.http_script import HttpScript, says, serving
from tests.parts.label_studio import CONFIG, LABEL_STUDIO, RunningLabelStudio


@pytest.fixture
def backend() -> Iterator[HttpScript]:
    scripts = {
        "/health": says(b'{"status": "UP"}', Content_Type="application/json"),
        "/setup": says(b'{"model_version": "v1"}', Content_Type="application/json"),
        "/webhook": says(b"{}"),
    }
    with serving(scripts) as server:
        yield server


@pytest.fixture
def project(label_studio: RunningLabelStudio) -> int:
    return int(label_studio.api().create_project(title="Connection", label_config=CONFIG)["id"])


def test_a_row_that_was_saved_although_refused_is_removed_again() -> None:
    """Label Studio with ML_BLOCK_LOCAL_IP=false alone: 403, and half a connection stays."""
    rows = [{"id": 1, "url": "http://other:9090", "title": "other"}]

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/webhooks/":
            return httpx.Response(200, json=[])
        if request.method == "GET":
            return httpx.Response(200, json=rows)
        if request.method == "POST":
            rows.append({"id": 2, **json.loads(request.content)})
            return httpx.Response(403, json={"detail": "URL resolves to a reserved network address"})
        rows[:] = [row for row in rows if request.url.path != f"/api/ml/{row['id']}"]
        return httpx.Response(204)

    key, transport = SecretStr("0" * 40), httpx.MockTransport(handler)
    api = LabelStudio("http://label-studio:8080", key, retry_wait_s=0, transport=transport)
    with api, pytest.raises(LabelStudioFailed, match="USE_DEFAULT_BANNED_SUBNETS"):
        connect_backend(api, 7, "http://127.0.0.1:9090/", "twinread")

    assert [row["id"] for row in rows] == [1]


@LABEL_STUDIO
def test_a_stock_label_studio_blocks_private_backends_and_keeps_no_half_connection(
    label_studio_strict: RunningLabelStudio, backend: HttpScript
) -> None:
    api = label_studio_strict.api()
    project = api.create_project(title="API test", label_config=CONFIG)["id"]
    with pytest.raises(LabelStudioFailed, match="USE_DEFAULT_BANNED_SUBNETS=false"):
        connect_backend(api, project, backend.url, "twinread")
    assert api.backends(project) == []


@LABEL_STUDIO
def test_connecting_again_changes_the_one_connection(
    label_studio: RunningLabelStudio, project: int, backend: HttpScript
) -> None:
    api = label_studio.api()
    first = connect_backend(api, project, backend.url, "old name", interactive=False)
    assert api.project(project)["model_version"] == "old name"

    again = connect_backend(
        api, project, backend.url + "/", "twinread", basic_auth=("me", SecretStr("word")), interactive=True
    )

    rows = api.backends(project)
    assert [row["id"] for row in rows] == [first["id"]] == [again["id"]]
    assert (rows[0]["title"], rows[0]["is_interactive"]) == ("twinread", True)
    assert backend.requests[-1].headers["Authorization"].startswith("Basic ")
    assert api.project(project)["model_version"] == "twinread"
    assert len(api.webhooks(project)) == 1


@LABEL_STUDIO
def test_a_connection_without_its_webhook_is_made_anew(
    label_studio: RunningLabelStudio, project: int, backend: HttpScript
) -> None:
    api = label_studio.api()
    half = connect_backend(api, project, backend.url, "twinread")
    api.call("DELETE", f"/api/webhooks/{api.webhooks(project)[0]['id']}/", "remove the webhook")

    whole = connect_backend(api, project, backend.url, "twinread")

    assert [row["id"] for row in api.backends(project)] == [whole["id"]] != [half["id"]]
    assert [hook["url"] for hook in api.webhooks(project)] == [f"{backend.url}/webhook"]
    assert api.project(project)["model_version"] == "twinread"


@LABEL_STUDIO
def test_a_backend_that_is_down_leaves_no_connection(label_studio: RunningLabelStudio, project: int) -> None:
    api = label_studio.api()
    with serving() as gone:
        url = gone.url

    with pytest.raises(LabelStudioFailed, match="health check failed"):
        connect_backend(api, project, url, "twinread")
    assert api.backends(project) == []


@pytest.mark.parametrize("body", [b"<html>", b"[]"], ids=["a web page", "another service"])
def test_another_service_is_not_taken_for_a_backend(body: bytes) -> None:
    with serving({"/status": says(body)}) as server, pytest.raises(OperatorError, match="/status"):
        backend_status(server.url)

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from backend.errors import LabelStudioFailed, SettingsWrong
from backend.label_studio.api import LabelStudioApi
from backend.settings import connect
from backend.settings.settings import Settings
from tests.parts.http_script import HttpScript, says, serving
from tests.parts.label_studio import CONFIG, LABEL_STUDIO, RunningLabelStudio
from tests.parts.samples import sample

KEY = SecretStr("0123456789abcdef0123456789abcdef01234567")


def scripted(handler: Callable[[httpx.Request], httpx.Response], **options: Any) -> LabelStudioApi:
    return LabelStudioApi(
        "http://label-studio:8080/", KEY, retry_wait_s=0, transport=httpx.MockTransport(handler), **options
    )


def reason(body: object, status: int = 400) -> Callable[[httpx.Request], httpx.Response]:
    return lambda request: httpx.Response(status, json=body)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param(
            reason({"detail": "Invalid token."}, 401), "does not accept the legacy token", id="unknown token"
        ),
        pytest.param(
            reason({"detail": "legacy token authentication has been disabled for this organization"}, 401),
            "those switched off",
            id="legacy tokens off",
        ),
        pytest.param(
            reason({"detail": "URL resolves to a reserved network address (block: 127.0.0.0/8)"}, 403),
            "USE_DEFAULT_BANNED_SUBNETS=false and USER_ADDITIONAL_BANNED_SUBNETS=169.254.0.0/16,0.0.0.0/8",
            id="private addresses blocked",
        ),
        pytest.param(
            reason({"detail": "Validation error", "validation_errors": {"title": ["Too short.", "Ugly."]}}),
            r"HTTP 400: title: Too short\., Ugly\.",
            id="reasons by field",
        ),
        pytest.param(reason({"detail": "Not found."}, 404), "may not see it", id="not found"),
        pytest.param(reason({"detail": f"bad {KEY.get_secret_value()}"}), r"bad \*\*\*", id="key repeated"),
        pytest.param(lambda r: httpx.Response(500, text="<html>trace</html>"), "HTTP 500", id="web page"),
        pytest.param(lambda r: httpx.Response(200, text="<html>"), "as Label Studio does", id="another one"),
        pytest.param(
            lambda r: httpx.Response(301, headers={"Location": "https://ls.example/x?secret=1"}),
            r"redirect to https://ls\.example/x\. Set LABEL_STUDIO_URL",
            id="moved",
        ),
    ],
)
def test_every_refusal_is_one_clear_sentence(
    answer: Callable[[httpx.Request], httpx.Response], words: str
) -> None:
    with scripted(answer) as api, pytest.raises(LabelStudioFailed, match=words) as caught:
        api.create_project(title="x")

    assert KEY.get_secret_value() not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_a_key_it_is_said_where_to_get_one():
    with pytest.raises(SettingsWrong, match="LABEL_STUDIO_API_KEY is not set"):
        connect.label_studio(Settings(label_studio_api_key=None))


def test_a_server_that_is_not_there_is_named() -> None:
    with serving() as gone:
        url = gone.url
    with (
        LabelStudioApi(url, KEY, retry_wait_s=0) as api,
        pytest.raises(LabelStudioFailed, match=rf"does not answer at {url}.*refused.*LABEL_STUDIO_URL"),
    ):
        api.version()


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("localhost:8080", id="no scheme"),
        pytest.param("ftp://localhost", id="another scheme"),
        pytest.param("http://", id="no host"),
        pytest.param("http://me:secret@localhost:8080", id="password inside"),
        pytest.param("http://localhost:eighty", id="not a port"),
    ],
)
def test_an_address_that_cannot_be_one_is_refused(url: str) -> None:
    with pytest.raises(SettingsWrong, match="LABEL_STUDIO_URL") as caught:
        LabelStudioApi(url, KEY)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("statuses", "method", "requests"),
    [
        pytest.param([502, 503, 200], "GET", 3, id="a passing failure is asked again"),
        pytest.param([502, 503, 504, 200], "GET", 3, id="three times at most"),
        pytest.param([500, 200], "GET", 1, id="an error of its own is not"),
        pytest.param([502, 200], "POST", 1, id="what could be done twice is not"),
    ],
)
def test_only_passing_failures_of_reading_are_repeated(
    statuses: list[int], method: str, requests: int
) -> None:
    script = iter(statuses)
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.method)
        return httpx.Response(next(script), json={})

    with scripted(handler) as api:
        try:
            api.call(method, "/api/x", "do it")
        except LabelStudioFailed:
            assert 200 not in statuses[:requests]
    assert len(seen) == requests


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

    with scripted(handler) as api, pytest.raises(LabelStudioFailed, match="USE_DEFAULT_BANNED_SUBNETS"):
        api.connect_backend(7, "http://127.0.0.1:9090/", "twinread")

    assert [row["id"] for row in rows] == [1]


# Against the real one


@pytest.fixture
def backend() -> Any:
    scripts = {
        "/health": says(b'{"status": "UP"}', Content_Type="application/json"),
        "/setup": says(b'{"model_version": "v1"}', Content_Type="application/json"),
        "/webhook": says(b"{}"),
    }
    with serving(scripts) as server:
        yield server


@pytest.fixture
def project(label_studio: RunningLabelStudio) -> int:
    return int(label_studio.api().create_project(title="API test", label_config=CONFIG)["id"])


@LABEL_STUDIO
def test_either_kind_of_key_opens_the_api(label_studio: RunningLabelStudio) -> None:
    for key in (label_studio.personal_token, label_studio.legacy_token):
        api = label_studio.api(key)
        assert api.whoami()["email"] == label_studio.user
        assert api.version() == "1.23.2"


@LABEL_STUDIO
def test_a_stock_label_studio_wants_a_personal_token_and_blocks_private_backends(
    label_studio_strict: RunningLabelStudio, backend: HttpScript
) -> None:
    with pytest.raises(LabelStudioFailed, match="those switched off"):
        label_studio_strict.api(label_studio_strict.legacy_token).whoami()

    api = label_studio_strict.api()
    project = api.create_project(title="API test", label_config=CONFIG)["id"]
    with pytest.raises(LabelStudioFailed, match="USE_DEFAULT_BANNED_SUBNETS=false"):
        api.connect_backend(project, backend.url, "twinread")
    assert api.backends(project) == []


@LABEL_STUDIO
def test_a_labeling_config_is_checked(label_studio: RunningLabelStudio) -> None:
    api = label_studio.api()

    api.validate_config(CONFIG)
    with pytest.raises(LabelStudioFailed, match="labeling config"):
        api.validate_config("<View><Nonsense></View>")


@LABEL_STUDIO
def test_uploads_become_tasks_with_more_fields(
    label_studio: RunningLabelStudio, project: int, tmp_path: Path
) -> None:
    api = label_studio.api()
    content = sample("syn_067").path.read_bytes()
    paths = [tmp_path / "Накладная, лист 2.png", tmp_path / "b.png", tmp_path / "a.png"]
    for number, path in enumerate(paths):
        path.write_bytes(content + bytes([number]))

    uploads = api.upload_files(project, paths)
    assert list(api.tasks(project)) == []
    data = [{"data": {"image": upload.address, "language": "ru"}} for upload in uploads]
    tasks = api.import_tasks(project, data)

    assert [upload.path for upload in uploads] == paths
    assert uploads[1].address.endswith("-b.png")
    assert [api.task(task)["data"] for task in tasks] == [item["data"] for item in data]


@LABEL_STUDIO
@pytest.mark.parametrize("page_size", [1, 3, 7, 100])
def test_tasks_come_once_each_by_id_whatever_the_page_size(
    label_studio: RunningLabelStudio, project: int, page_size: int
) -> None:
    api = label_studio.api()
    made = api.import_tasks(project, [{"data": {"image": f"/data/upload/{n}.png"}} for n in range(7)])

    assert [task["id"] for task in api.tasks(project, page_size=page_size)] == made


@LABEL_STUDIO
def test_only_tasks_that_changed_since_then_come(label_studio: RunningLabelStudio, project: int) -> None:
    api = label_studio.api()
    made = api.import_tasks(project, [{"data": {"image": f"/data/upload/{n}.png"}} for n in range(3)])
    before = max(datetime.fromisoformat(t["updated_at"].replace("Z", "+00:00")) for t in api.tasks(project))
    api.create_annotation(made[1], [], was_cancelled=True)

    elsewhere = timezone(timedelta(hours=-7))
    changed = list(api.tasks(project, updated_since=before.astimezone(elsewhere)))

    assert [task["id"] for task in changed] == [made[1]]
    assert changed[0]["annotations"][0]["was_cancelled"] is True


@LABEL_STUDIO
def test_predictions_that_do_not_fit_the_config_are_not_counted(
    label_studio: RunningLabelStudio, project: int
) -> None:
    api = label_studio.api()
    task = api.import_tasks(project, [{"data": {"image": "/data/upload/1.png"}}])[0]
    value = {"x": 1, "y": 2, "width": 3, "height": 4, "rotation": 0, "rectanglelabels": ["Text"]}
    fits = {"id": "a", "from_name": "label", "to_name": "image", "type": "rectanglelabels", "value": value}
    predictions = [
        {"task": task, "result": [fits], "score": 0.5, "model_version": "v1"},
        {"task": task, "result": [{**fits, "from_name": "gone"}], "score": 0.5, "model_version": "v1"},
    ]

    assert api.import_predictions(project, predictions) == 1
    assert [p["model_version"] for p in api.task(task)["predictions"]] == ["v1"]


@LABEL_STUDIO
def test_predictions_are_retrieved_from_the_backend(
    label_studio: RunningLabelStudio, project: int, backend: HttpScript
) -> None:
    api = label_studio.api()
    backend.scripts["/predict"] = says(b'{"results": [{"result": [], "score": 0.5}, {}]}')
    tasks = api.import_tasks(project, [{"data": {"image": f"/data/upload/{n}.png"}} for n in range(3)])
    api.connect_backend(project, backend.url, "twinread", interactive=False)

    api.retrieve_predictions(project, tasks[:2])

    asked = [json.loads(r.body) for r in backend.requests if r.path == "/predict"]
    assert [[task["id"] for task in body["tasks"]] for body in asked] == [tasks[:2]]
    assert [api.task(task)["total_predictions"] for task in tasks] == [1, 0, 0]


@LABEL_STUDIO
def test_connecting_again_changes_the_one_connection(
    label_studio: RunningLabelStudio, project: int, backend: HttpScript
) -> None:
    api = label_studio.api()
    first = api.connect_backend(project, backend.url, "old name", interactive=False)
    assert api.project(project)["model_version"] == "old name"

    again = api.connect_backend(
        project, backend.url + "/", "twinread", basic_auth=("me", SecretStr("word")), interactive=True
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
    half = api.connect_backend(project, backend.url, "twinread")
    api.call("DELETE", f"/api/webhooks/{api.webhooks(project)[0]['id']}/", "remove the webhook")

    whole = api.connect_backend(project, backend.url, "twinread")

    assert [row["id"] for row in api.backends(project)] == [whole["id"]] != [half["id"]]
    assert [hook["url"] for hook in api.webhooks(project)] == [f"{backend.url}/webhook"]
    assert api.project(project)["model_version"] == "twinread"


@LABEL_STUDIO
def test_a_backend_that_is_down_leaves_no_connection(label_studio: RunningLabelStudio, project: int) -> None:
    api = label_studio.api()
    with serving() as gone:
        url = gone.url

    with pytest.raises(LabelStudioFailed, match="health check failed"):
        api.connect_backend(project, url, "twinread")
    assert api.backends(project) == []


@LABEL_STUDIO
def test_a_webhook_gets_its_secret_and_keeps_its_actions(
    label_studio: RunningLabelStudio, project: int, backend: HttpScript
) -> None:
    api = label_studio.api()
    hook = api.call(
        "POST",
        "/api/webhooks/",
        "make a webhook",
        body={
            "project": project,
            "url": f"{backend.url}/webhook",
            "send_for_all_actions": False,
            "actions": ["ANNOTATION_CREATED"],
        },
    )

    api.update_webhook(hook["id"], headers={"X-Twinread-Secret": "s"})
    changed = api.update_webhook(hook["id"], url=f"{backend.url}/webhook/s")

    assert changed["headers"] == {"X-Twinread-Secret": "s"}
    assert changed["actions"] == ["ANNOTATION_CREATED"]
    assert changed["url"] == f"{backend.url}/webhook/s"


@LABEL_STUDIO
def test_projects_are_listed_and_changed(label_studio: RunningLabelStudio, project: int) -> None:
    api = label_studio.api()

    api.update_project(project, title="Renamed")

    assert {row["id"]: row["title"] for row in api.projects()}[project] == "Renamed"

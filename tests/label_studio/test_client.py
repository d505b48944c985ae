from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from backend.errors import BadRequest, LabelStudioFailed, SettingsWrong
from backend.label_studio.client import LabelStudio
from backend.settings import connect
from backend.settings.settings import Settings
from tests.parts.http_script import Handler, HttpScript, says, serving
from tests.parts.label_studio import CONFIG, LABEL_STUDIO, RunningLabelStudio
from tests.parts.samples import sample

KEY = SecretStr("0123456789abcdef0123456789abcdef01234567")
PERSONAL = SecretStr("e30.eyJ0b2tlbl90eXBlIjogInJlZnJlc2gifQ.c2ln")
CUT = httpx.RemoteProtocolError("cut off")


def scripted(handler: Callable[[httpx.Request], httpx.Response], **options: Any) -> LabelStudio:
    return LabelStudio(
        "http://label-studio:8080/", KEY, retry_wait_s=0, transport=httpx.MockTransport(handler), **options
    )


def reason(body: object, status: int = 400) -> Callable[[httpx.Request], httpx.Response]:
    return lambda request: httpx.Response(status, json=body)


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda api: api.create_project(title="x"), id="by the SDK"),
        pytest.param(lambda api: api.project(1), id="by hand"),
    ],
)
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
        pytest.param(
            reason({"detail": "x" * 380 + KEY.get_secret_value()}),
            r"x\*\*\*\)\.$",
            id="key repeated at the end",
        ),
        pytest.param(lambda r: httpx.Response(500, text="<html>trace</html>"), "HTTP 500", id="web page"),
        pytest.param(lambda r: httpx.Response(403), r"HTTP 403: Forbidden", id="nothing said"),
        pytest.param(lambda r: httpx.Response(200, text="<html>"), "as Label Studio does", id="another one"),
        pytest.param(
            lambda r: httpx.Response(301, headers={"Location": "https://ls.example/x?secret=1"}),
            r"redirect to https://ls\.example/x\. Set LABEL_STUDIO_URL",
            id="moved",
        ),
    ],
)
def test_every_refusal_is_one_clear_sentence(
    answer: Callable[[httpx.Request], httpx.Response], words: str, ask: Callable[[LabelStudio], object]
) -> None:
    with scripted(answer) as api, pytest.raises(LabelStudioFailed, match=words) as caught:
        ask(api)

    assert KEY.get_secret_value() not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        *((LabelStudio.version, answer) for answer in ([], None, "text", {"a": 1})),
        *((LabelStudio.users, answer) for answer in (None, "text", {"a": 1})),
        *((LabelStudio.whoami, answer) for answer in ([], None, "text")),
    ],
)
def test_json_of_another_shape_is_no_label_studio(
    ask: Callable[[LabelStudio], object], answer: object
) -> None:
    with scripted(reason(answer, 200)) as api, pytest.raises(LabelStudioFailed, match="as Label Studio does"):
        ask(api)


def test_without_a_key_it_is_said_where_to_get_one():
    with pytest.raises(SettingsWrong, match="LABEL_STUDIO_API_KEY is not set"):
        connect.label_studio(Settings(label_studio_api_key=None))


def holds_itself() -> list[Any]:
    body: list[Any] = []
    body.append(body)
    return body


@pytest.mark.parametrize(
    ("value", "words"),
    [
        pytest.param(
            {"text": "Счёт \ud83d 5"},
            ".text has half of a character (U+D83D in 'Счёт \\ud83d 5')",
            id="half of a character",
        ),
        pytest.param({"\udc00": 1}, "a key of", id="in a key"),
        pytest.param([1.5, float("nan")], "[1] is nan, which is no number in JSON", id="not a number"),
        pytest.param({"x": float("-inf")}, ".x is -inf, which is no number", id="without end"),
    ],
)
@pytest.mark.parametrize(
    ("send", "where"),
    [
        pytest.param(
            lambda api, bad: api.import_tasks(3, [{"data": {}}, {"data": bad}]), "[1].data", id="tasks"
        ),
        pytest.param(lambda api, bad: api.create_annotation(7, [{"value": bad}]), "value", id="by the SDK"),
        pytest.param(lambda api, bad: api.update_project(3, sampling=bad), "sampling", id="a project"),
        pytest.param(lambda api, bad: api.validate_config(bad), "label_config", id="a config"),
    ],
)
def test_what_json_cannot_hold_is_named_and_nothing_is_sent(
    send: Callable[[LabelStudio, Any], object], where: str, value: Any, words: str
) -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json={})

    with scripted(answer) as api, pytest.raises(BadRequest) as caught:
        send(api, value)
    said = str(caught.value)
    assert said.startswith("Nothing was sent to Label Studio: ")
    assert where in said
    assert words in said
    assert said.isprintable()
    assert sent == []


@pytest.mark.parametrize(
    ("value", "words"),
    [
        pytest.param(Path("a.png"), "[0].data is of the type PosixPath, which JSON does not", id="a path"),
        pytest.param(holds_itself(), "nested without end", id="a list in itself"),
    ],
)
def test_what_is_no_json_is_named_before_it_is_sent(value: Any, words: str) -> None:
    with scripted(reason({}, 200)) as api, pytest.raises(BadRequest) as caught:
        api.import_tasks(3, [{"data": value}])
    assert words in str(caught.value)


def test_a_server_that_is_not_there_is_named() -> None:
    with serving() as gone:
        url = gone.url
    with (
        LabelStudio(url, KEY, retry_wait_s=0) as api,
        pytest.raises(LabelStudioFailed, match=rf"does not answer at {url}.*refused.*LABEL_STUDIO_URL"),
    ):
        api.version()


def test_a_bad_header_line_of_a_server_is_not_repeated() -> None:
    def answers(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nSet-Cookie s3cret\r\n\r\n")

    with serving() as script, LabelStudio(script.url, KEY, retry_wait_s=0) as api:
        script.scripts["/api/version/"] = answers
        with pytest.raises(LabelStudioFailed, match="sent what is not HTTP") as caught:
            api.version()
    assert "s3cret" not in str(caught.value)


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
        LabelStudio(url, KEY)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("answers", "asked", "requests"),
    [
        pytest.param([502, 503, 200], LabelStudio.whoami, 3, id="a passing failure is asked again"),
        pytest.param([CUT, CUT, 200], LabelStudio.whoami, 3, id="so is a cut connection"),
        pytest.param([502, 503, 504, 200], LabelStudio.whoami, 3, id="three times at most"),
        pytest.param([500, 200], LabelStudio.whoami, 1, id="an error of its own is not"),
        pytest.param([429, 200], LabelStudio.whoami, 1, id="nor a limit of calls"),
        pytest.param([502, 200], LabelStudio.create_project, 1, id="what could be done twice is not"),
        pytest.param([CUT, 200], LabelStudio.create_project, 1, id="nor is it when it was cut"),
        pytest.param([502, 503, 200], lambda api: api.project(1), 3, id="by hand, too"),
        pytest.param([503, 200], lambda api: api.import_tasks(1, []), 1, id="an import by hand is not"),
    ],
)
def test_only_passing_failures_of_reading_are_repeated(
    answers: list[int | Exception], asked: Callable[[LabelStudio], object], requests: int
) -> None:
    script = iter(answers)
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request.method)
        answer = next(script)
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer, json={})

    with scripted(handler) as api:
        try:
            asked(api)
        except LabelStudioFailed:
            assert 200 not in answers[:requests]
    assert len(seen) == requests


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("key", [KEY, PERSONAL], ids=["legacy", "personal"])
@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(LabelStudio.whoami, id="by the SDK"),
        pytest.param(lambda api: api.project(1), id="by hand"),
    ],
)
def test_no_redirect_is_followed_with_a_key(
    ask: Callable[[LabelStudio], object], key: SecretStr, status: int
) -> None:
    hosts = []

    def handler(request: httpx.Request) -> httpx.Response:
        hosts.append(request.url.host)
        return httpx.Response(status, headers={"Location": f"https://elsewhere.example{request.url.path}"})

    transport = httpx.MockTransport(handler)
    with (
        LabelStudio("http://label-studio", key, transport=transport) as api,
        pytest.raises(LabelStudioFailed) as caught,
    ):
        ask(api)

    assert set(hosts) == {"label-studio"}
    assert key.get_secret_value() not in str(caught.value)


def test_a_label_studio_under_a_path_is_asked_under_it_by_the_sdk_and_by_hand() -> None:
    """The access token is refused once, so that it is also exchanged twice."""
    asked = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, request.url.path, request.headers.get("Authorization")))
        if request.url.path.endswith("/token/refresh/"):
            return httpx.Response(200, json={"access": f"access {len(asked)}"})
        return httpx.Response(401 if len(asked) == 2 else 200, json={"email": "a@example.org"})

    transport = httpx.MockTransport(handler)
    with LabelStudio("http://proxy/label-studio/", PERSONAL, transport=transport) as api:
        api.whoami()
        api.project(7)

    assert asked == [
        ("POST", "/label-studio/api/token/refresh/", None),
        ("GET", "/label-studio/api/current-user/whoami", "Bearer access 1"),
        ("POST", "/label-studio/api/token/refresh/", None),
        ("GET", "/label-studio/api/current-user/whoami", "Bearer access 3"),
        ("GET", "/label-studio/api/projects/7/", "Bearer access 3"),
    ]


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
def test_a_stock_label_studio_wants_a_personal_token(label_studio_strict: RunningLabelStudio) -> None:
    with pytest.raises(LabelStudioFailed, match="those switched off"):
        label_studio_strict.api(label_studio_strict.legacy_token).whoami()

    assert label_studio_strict.api().whoami()["email"] == label_studio_strict.user


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
def test_results_come_back_to_the_byte(label_studio: RunningLabelStudio, project: int) -> None:
    api = label_studio.api()
    task = api.import_tasks(project, [{"data": {"image": "/data/upload/1.png"}}])[0]
    value = {
        "text": ["\u2028 \U0001f600 e\u0301"],
        "n": [1e-7, -0.0, 1e22, 3.0, 3, None, True],
        "b": {},
        "a": [],
    }
    result = [
        {"id": "a", "from_name": "transcription", "to_name": "image", "type": "textarea", "value": value}
    ]

    api.create_prediction(task, result, "v1")
    made = api.create_annotation(task, result)

    stored = api.task(task)
    for found in (made, stored["annotations"][0], stored["predictions"][0]):
        assert json.dumps(found["result"]) == json.dumps(result)
    assert api.model_versions(project) == {"v1": 1}


@LABEL_STUDIO
def test_predictions_are_retrieved_from_the_backend(
    label_studio: RunningLabelStudio, project: int, backend: HttpScript
) -> None:
    api = label_studio.api()
    backend.scripts["/predict"] = says(b'{"results": [{"result": [], "score": 0.5}, {}]}')
    tasks = api.import_tasks(project, [{"data": {"image": f"/data/upload/{n}.png"}} for n in range(3)])
    api.add_backend(project=project, url=backend.url, title="twinread", is_interactive=False)

    api.retrieve_predictions(project, tasks[:2])

    asked = [json.loads(r.body) for r in backend.requests if r.path == "/predict"]
    assert [[task["id"] for task in body["tasks"]] for body in asked] == [tasks[:2]]
    assert [api.task(task)["total_predictions"] for task in tasks] == [1, 0, 0]


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
def test_projects_are_listed_changed_and_removed(label_studio: RunningLabelStudio, project: int) -> None:
    api = label_studio.api()

    assert api.update_project(project, title="Renamed", description="Ours")["title"] == "Renamed"

    (listed,) = [row for row in api.projects() if row["id"] == project]
    assert listed == {"id": project, "title": "Renamed", "description": "Ours", "maximum_annotations": 1}
    api.delete_project(project)
    assert project not in {row["id"] for row in api.projects()}
    with pytest.raises(LabelStudioFailed, match="may not see it"):
        api.project(project)


@LABEL_STUDIO
def test_people_are_known_by_their_address(label_studio: RunningLabelStudio) -> None:
    api = label_studio.api()

    assert api.users()[api.whoami()["id"]] == label_studio.user


@LABEL_STUDIO
def test_threads_share_a_client(label_studio: RunningLabelStudio, project: int) -> None:
    api = label_studio.api()

    with ThreadPoolExecutor(8) as pool:
        titles = list(pool.map(lambda _: (api.whoami()["email"], api.project(project)["id"]), range(24)))

    assert set(titles) == {(label_studio.user, project)}

"""A sheet that is submitted is collected by the backend, after its webhook was answered."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import AnyHttpUrl, SecretStr
from werkzeug.serving import make_server

from backend.label_studio.client import LabelStudio
from backend.one_run import only_run
from backend.projects.backend_connection import connect_backend
from backend.server.app import create_app
from backend.server.sheet_collector import SheetCollector
from backend.settings.settings import Settings
from backend.sheets.collecting import FOLDER, Collected
from backend.sheets.line_webhook import hook_line_project
from backend.sheets.page_outcomes import PageState
from tests.parts.answered_sheets import SheetProjects, sheet_result
from tests.parts.label_studio import LABEL_STUDIO, RunningLabelStudio
from tests.parts.reviewed_work import Work
from tests.parts.scripted import scripted_service

pytestmark = LABEL_STUDIO

PAGE = [Work(["cat", "cot"]), Work(["Total", "Total"])]
SECRET = SecretStr("s3cret")


class Backend:
    """A backend over HTTP; `done` gets what each run collected."""

    def __init__(self, server: RunningLabelStudio, folder: Path) -> None:
        self.settings = Settings(
            _env_file=None,  # type: ignore[call-arg]
            label_studio_url=AnyHttpUrl(server.base_url),
            label_studio_api_key=server.personal_token,
            cache_dir=folder,
            webhook_secret=SECRET,
            ocr_language="en",
        )
        self.done: queue.Queue[tuple[int, Collected]] = queue.Queue()
        self._service = scripted_service()
        collector = SheetCollector(self.settings, 0.2, lambda pages, found: self.done.put((pages, found)))
        app = create_app(self._service, self.settings, collector=collector)
        self._server = make_server("127.0.0.1", 0, app, threaded=True)
        self.url = f"http://127.0.0.1:{self._server.port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._service.close()

    def tell(self, project: dict[str, Any], action: str = "ANNOTATION_CREATED") -> int:
        """Send a webhook as Label Studio does."""
        headers = {"X-Twinread-Secret": SECRET.get_secret_value()}
        sent = {"action": action, "project": project}
        return httpx.post(f"{self.url}/webhook", json=sent, headers=headers, trust_env=False).status_code


@pytest.fixture
def backend(label_studio: RunningLabelStudio, tmp_path: Path) -> Iterator[Backend]:
    made = Backend(label_studio, tmp_path)
    yield made
    made.close()


@pytest.fixture
def made(label_studio: RunningLabelStudio, backend: Backend) -> SheetProjects:
    api = label_studio.api()
    projects = SheetProjects.made(api, [PAGE, PAGE])
    connect_backend(api, projects.pages, backend.url, "twinread")
    return projects


def test_a_submitted_sheet_completes_its_page(made: SheetProjects, backend: Backend) -> None:
    said = hook_line_project(made.api, made.pages, made.sheets, SECRET)
    assert said == ["Answers go back to their pages as soon as a sheet is submitted."]
    first, _ = made.tasks
    answered = made.answer(made.sheet(*made.doubtful(first)), "A")
    pages, found = backend.done.get(timeout=60)
    assert (pages, found.pages[PageState.COMPLETED]) == (made.pages, 1)
    assert len(made.annotations(first)) == 1
    # and an answer that is changed changes it
    made.api.update_annotation(answered, sheet_result(["illegible"]))
    assert backend.done.get(timeout=60)[1].writes.changed == 1


def test_the_webhook_is_made_once_and_gets_a_new_secret(made: SheetProjects) -> None:
    hook_line_project(made.api, made.pages, made.sheets, SECRET)
    assert hook_line_project(made.api, made.pages, made.sheets, SECRET) == []
    said = hook_line_project(made.api, made.pages, made.sheets, SecretStr("another"))
    assert said == ["Gave the webhook of the line project its secret."]
    (hook,) = made.api.webhooks(made.sheets)
    assert hook["headers"] == {"X-Twinread-Secret": "another"}
    assert set(hook["actions"]) == {"ANNOTATION_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_DELETED"}


def test_who_does_not_know_the_secret_takes_that_of_the_page_projects_webhook(made: SheetProjects) -> None:
    (known,) = made.api.webhooks(made.pages)
    made.api.update_webhook(known["id"], headers={"X-Twinread-Secret": "of the backend"})
    hook_line_project(made.api, made.pages, made.sheets, None)
    (hook,) = made.api.webhooks(made.sheets)
    assert hook["headers"] == {"X-Twinread-Secret": "of the backend"}


def test_without_a_backend_people_hear_that_answers_wait(label_studio: RunningLabelStudio) -> None:
    projects = SheetProjects.made(label_studio.api(), [PAGE])
    (said,) = hook_line_project(projects.api, projects.pages, projects.sheets, None)
    assert said.startswith(f"No backend is connected to project {projects.pages}, so answers wait")


class NoWebhooks(httpx.BaseTransport):
    """Label Studio as it is where it may not call the backend's address."""

    def __init__(self) -> None:
        self._network = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if (request.method, request.url.path) == ("POST", "/api/webhooks/"):
            return httpx.Response(403, json={"detail": "URL resolves to a reserved network address"})
        return self._network.handle_request(request)

    def close(self) -> None:
        self._network.close()


def test_where_label_studio_may_not_call_the_backend_people_hear_that_answers_wait(
    label_studio: RunningLabelStudio, made: SheetProjects
) -> None:
    with LabelStudio(label_studio.base_url, label_studio.personal_token, transport=NoWebhooks()) as api:
        (said,) = hook_line_project(api, made.pages, made.sheets, None)
    assert "reserved network address" in said
    assert said.endswith(f"So answers wait for `twinread lines --project {made.pages} --collect`.")


def test_many_sheets_at_once_are_collected_by_one_run(made: SheetProjects, backend: Backend) -> None:
    for task in made.tasks:
        made.answer(made.sheet(*made.doubtful(task)), "A")
    project = made.api.project(made.sheets)
    assert {backend.tell(project) for _ in range(20)} == {200}
    assert backend.done.get(timeout=60)[1].pages[PageState.COMPLETED] == 2
    assert backend.done.empty()


def test_a_webhook_is_answered_while_another_run_collects_and_is_not_forgotten(
    made: SheetProjects, backend: Backend
) -> None:
    made.answer(made.sheet(*made.doubtful(made.tasks[0])), "A")
    values = backend.settings
    with only_run(values.cache_dir, str(values.label_studio_url), made.pages, folder=FOLDER):
        assert backend.tell(made.api.project(made.sheets)) == 200
        with pytest.raises(queue.Empty):
            backend.done.get(timeout=2)
    assert backend.done.get(timeout=60)[1].pages[PageState.COMPLETED] == 1


def test_webhooks_of_other_projects_and_about_other_things_collect_nothing(
    made: SheetProjects, backend: Backend
) -> None:
    made.answer(made.sheet(*made.doubtful(made.tasks[0])), "A")
    assert backend.tell(made.api.project(made.pages)) == 200
    assert backend.tell(made.api.project(made.sheets), "PROJECT_UPDATED") == 200
    assert backend.tell({"id": "x", "description": f"[twinread lines of project {made.pages}]"}) == 200
    with pytest.raises(queue.Empty):
        backend.done.get(timeout=2)
    assert made.annotations(made.tasks[0]) == []

"""`twinread preannotate` on a real Label Studio: read here, stored there, once each."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from rich.console import Console

from backend.bulk.job import BulkWork
from backend.bulk.local_engine import LocalEngine
from backend.commands.preannotate_run import RunRequest, preannotate_project
from backend.errors import BadRequest
from backend.label_studio.client import LabelStudio
from backend.label_studio.default_config import default_config
from backend.one_run import RunUnderWay, only_run
from backend.pipeline.service import Service, ServiceOptions
from backend.readers.budget import Budget
from backend.settings import settings
from tests.parts.backend_process import variables
from tests.parts.drawn_pages import drawn_page, file_of
from tests.parts.ernie_stand_in import Asked, Say, StandIn
from tests.parts.http_script import says, serving
from tests.parts.label_studio import LABEL_STUDIO, RunningLabelStudio
from tests.parts.scripted import ScriptedSource, scripted_engines
from tests.parts.stored_predictions import OLDER, store_all

pytestmark = LABEL_STUDIO

VERSION = "Scripted x2 for Russian (a model) 1f3a9c07"


class Source(ScriptedSource):
    """Gives a page for each reference; calls `before` with it first."""

    def __init__(self, before: Callable[[str], object] = lambda reference: None) -> None:
        super().__init__()
        self.before = before

    def fetch(self, reference: str, *, task_id: int | None) -> bytes:
        self.before(reference)
        return super().fetch(reference, task_id=task_id)


class Runs:
    """Runs of the command in this process, over scripted engines."""

    def __init__(self, label_studio: RunningLabelStudio, folder: Path) -> None:
        self.api = label_studio.api()
        self.values = settings.load(
            _env_file=None,
            label_studio_url=label_studio.base_url,
            label_studio_api_key=label_studio.personal_token,
            cache_dir=folder / "cache",
        )
        self.source = Source()
        self.version = VERSION

    def project(self, *pages: str) -> tuple[int, list[int]]:
        """A project with a task for each page."""
        made = int(self.api.create_project(title="bulk", label_config=default_config())["id"])
        tasks = self.api.import_tasks(made, [{"data": {"image": page}} for page in pages]) if pages else []
        return made, tasks

    def go(self, project: int, **asked: object) -> tuple[int, str]:
        """One run: its exit code, and what it said."""
        said = io.StringIO()
        console = Console(file=said, highlight=False)
        request = RunRequest(project, **asked)  # type: ignore[arg-type]
        return preannotate_project(request, self.values, console, self.engine), said.getvalue()

    def engine(self, values: settings.Settings, work: BulkWork, budget: Budget) -> LocalEngine:
        engines = scripted_engines(source=self.source, version=self.version)
        service = Service(lambda _: engines, ServiceOptions(page_workers=4))
        service.engines(timeout_s=10)
        return LocalEngine(service, work, in_hand=4)

    def stored(self, project: int) -> dict[int, list[str]]:
        """The model versions of each task's predictions."""
        return {
            int(task["id"]): [made["model_version"] for made in task["predictions"]]
            for task in self.api.tasks(project)
        }


@pytest.fixture
def runs(label_studio: RunningLabelStudio, tmp_path: Path) -> Runs:
    return Runs(label_studio, tmp_path)


def test_every_task_gets_its_prediction_and_pages_are_filled_from_it(runs: Runs, tmp_path: Path) -> None:
    project, tasks = runs.project(*[f"/page-{number}" for number in range(12)])
    code, said = runs.go(project, limit=5)
    assert code == 0
    assert "5 of 5 tasks read and stored" in said
    assert "of 15 lines are agreed." in said
    assert runs.api.project(project)["model_version"] == VERSION
    assert Counter(map(len, runs.stored(project).values())) == {1: 5, 0: 7}

    code, said = runs.go(project, summary_json=tmp_path / "summary.json")
    assert runs.stored(project) == {task: [VERSION] for task in tasks}
    figures = json.loads((tmp_path / "summary.json").read_text("utf-8"))
    assert (figures["total"], figures["stored"], figures["left"]) == (7, 7, 0)

    code, said = runs.go(project)
    assert (code, said.split(":")[0]) == (0, "Nothing to do")
    assert len(runs.source.fetched) == 12, "no page is read twice"


def test_a_new_version_fills_pages_once_it_has_as_many_as_the_one_before(runs: Runs) -> None:
    project, tasks = runs.project("/page-1", "/page-2", "/page-3")
    runs.go(project)
    before, runs.version = runs.version, "Scripted x2 for Russian (a better model) 2c4b8d19"
    runs.go(project, limit=2)
    assert runs.api.project(project)["model_version"] == before
    assert "to fill pages" in runs.go(project)[1]
    assert runs.api.project(project)["model_version"] == runs.version
    assert runs.stored(project) == {task: [before, runs.version] for task in tasks}


def test_prune_removes_what_older_versions_left_and_keeps_what_work_stands_on(
    runs: Runs, tmp_path: Path
) -> None:
    project, (plain, annotated, begun, foreign) = runs.project(*[f"/page-{number}" for number in range(4)])
    assert "There are no predictions of older versions to remove." in runs.go(project, prune=True)[1]
    older, runs.version = runs.version, "Scripted x2 for Russian (a better model) 2c4b8d19"
    (stood_on,) = runs.api.task(annotated)["predictions"]
    runs.api.create_annotation(annotated, stood_on["result"], parent_prediction=stood_on["id"])
    runs.api.call("POST", f"/api/tasks/{begun}/drafts", "keep a draft", body={"result": stood_on["result"]})
    runs.api.create_prediction(foreign, stood_on["result"], "somebody else's")

    code, said = runs.go(project, prune=True, summary_json=tmp_path / "summary.json")

    assert code == 0
    assert "4 of 4 tasks read and stored" in said
    assert "Removing up to 4 predictions of 1 older version." in said
    assert "Removed 2 of 4 predictions of 1 older version, and kept 2." in said
    assert json.loads((tmp_path / "summary.json").read_text("utf-8"))["older_removed"] == 2
    assert {task: sorted(versions) for task, versions in runs.stored(project).items()} == {
        plain: [runs.version],
        annotated: [runs.version, older],
        begun: [runs.version, older],
        foreign: [runs.version, "somebody else's"],
    }
    (kept,) = runs.api.task(annotated)["annotations"]
    assert kept["parent_prediction"] == stood_on["id"]


def test_a_project_without_tasks_says_where_to_import(runs: Runs) -> None:
    project, _ = runs.project()
    code, said = runs.go(project)
    assert code == 0
    assert f"Project {project} has no tasks." in said


def test_failed_tasks_are_named_and_only_failed_reads_these_again(runs: Runs) -> None:
    project, tasks = runs.project("/page-1", "/lost", "/page-2", "/gone")
    code, said = runs.go(project)
    assert code == 1
    assert "2 tasks could not be read:" in said
    assert f"    task {tasks[1]}: The image /lost is not there (404)." in said
    assert f"twinread preannotate --project {project} --only-failed" in said

    runs.api.import_tasks(project, [{"data": {"image": "/page-3"}}])
    runs.source.files["/lost"] = runs.source.files["/gone"] = runs.source.fetch("/page-1", task_id=1)
    code, said = runs.go(project, only_failed=True)
    assert code == 0
    assert "2 of 2 tasks read and stored" in said
    assert [len(made) for made in runs.stored(project).values()] == [1, 1, 1, 1, 0]
    assert "No task of project" in runs.go(project, only_failed=True)[1]


def test_tasks_that_somebody_deletes_meanwhile_are_no_error(runs: Runs) -> None:
    project, tasks = runs.project("/page-1", "/lost", "/page-2")
    deleted = iter(tasks[1:])

    def delete(reference: str) -> None:
        if reference == "/page-1":
            for task in deleted:
                runs.api.call("DELETE", f"/api/tasks/{task}/", "delete a task")

    # the others wait in hand until both are deleted
    runs.source.before = lambda reference: time.sleep(0.5) if reference != "/page-1" else delete(reference)
    code, said = runs.go(project)
    assert code == 0
    assert "1 of 3 tasks read and stored" in said
    assert "2 tasks were deleted meanwhile." in said


def test_another_version_than_that_of_the_backend_is_refused_unless_it_is_wanted(runs: Runs) -> None:
    project, _ = runs.project("/page-1")
    body = json.dumps({"model_version": "the backend's"}).encode()
    answer = says(body, Content_Type="application/json")
    with serving({"/health": answer, "/setup": answer, "/webhook": says(b"{}")}) as backend:
        runs.api.add_backend(project=project, url=backend.url, title="twinread")
        with pytest.raises(BadRequest, match="--own-version") as refused:
            runs.go(project)
        assert "'the backend's'" in str(refused.value)
        assert f"'{VERSION}'" in str(refused.value)
        assert runs.source.fetched == []
        assert runs.go(project, own_version=True)[0] == 0


def test_a_second_run_on_the_same_project_is_refused(tmp_path: Path) -> None:
    with only_run(tmp_path, "http://label-studio:8080", 3):
        with (
            pytest.raises(RunUnderWay, match="project 3 already"),
            only_run(tmp_path, "http://label-studio:8080", 3),
        ):
            pass
        with only_run(tmp_path, "http://label-studio:8080", 4), only_run(tmp_path, "http://other:8080", 3):
            pass
    with only_run(tmp_path, "http://label-studio:8080", 3):
        pass


# The command as people run it, with an ERNIE server that counts.

PAGES, LINES = 28, 2


class Command:
    """`twinread preannotate` as a process, on a project of drawn pages that no other test has."""

    def __init__(
        self, label_studio: RunningLabelStudio, ernie: StandIn, folder: Path, store: Mapping[str, object]
    ) -> None:
        self.api: LabelStudio = label_studio.api()
        self.ernie = ernie
        self.folder = folder
        self.project = int(
            self.api.create_project(title="bulk with ERNIE", label_config=default_config())["id"]
        )
        files = [folder / f"page-{number}.png" for number in range(PAGES)]
        for number, file in enumerate(files):
            texts = [f"Invoice {number}{line}7 of {number * 7919}" for line in range(LINES)]
            file.write_bytes(file_of(drawn_page(texts)[0]))
        uploads = self.api.upload_files(self.project, files)
        self.tasks = self.api.import_tasks(
            self.project, [{"data": {"image": upload.address}} for upload in uploads]
        )
        store_all(self.api, self.project, self.tasks, OLDER)
        self.variables = variables(
            folder,
            {
                "label_studio_url": label_studio.base_url,
                "label_studio_api_key": label_studio.personal_token,
                "ocr_language": "en",
                "ernie_base_url": ernie.base_url,
                "witness": "off",
                "ernie_model": ernie.model,
                "ernie_concurrency": 8,
                "downloads_at_once": 2,
                "ernie_input_price": 1,
                "ernie_output_price": 2,
                # what the one that is killed had claimed is free soon
                "reading_claim_s": 4,
                **store,
            },
        )

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "backend", "preannotate", "--project", str(self.project), *arguments]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait_for_calls(self, count: int, process: subprocess.Popen[str]) -> None:
        end = time.monotonic() + 120
        while self.ernie.answered < count:
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < end
            time.sleep(0.02)

    def predictions(self) -> list[list[str]]:
        """The versions of each task's predictions."""
        return [
            [made["model_version"] for made in task["predictions"]] for task in self.api.tasks(self.project)
        ]


@pytest.fixture(scope="module")
def store() -> Mapping[str, object]:
    """The settings of the store of readings."""
    return {}


@pytest.fixture(scope="module")
def command(
    label_studio: RunningLabelStudio,
    store: Mapping[str, object],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Command]:
    def brain(asked: Asked) -> Say:
        return Say("Invoice 7")

    with StandIn(brain, latency_s=0.1).running() as ernie:
        yield Command(label_studio, ernie, tmp_path_factory.mktemp("preannotate"), store)


def test_a_run_that_is_killed_stopped_and_limited_pays_and_stores_once(command: Command) -> None:
    ernie = command.ernie
    killed = command.begin()
    command.wait_for_calls(20, killed)
    killed.kill()
    killed.communicate()
    after_kill = ernie.calls

    # a limit ends it in order; what it read is kept
    limited = command.begin("--max-calls", "20")
    said = limited.communicate(timeout=120)[0]
    assert limited.returncode == 1, said
    assert "The limit of 20 calls is reached" in said
    assert "It cost 20 calls" in said
    assert ernie.calls <= after_kill + 20
    assert "Traceback" not in said

    stopped = command.begin()
    command.wait_for_calls(ernie.answered + 10, stopped)
    stopped.send_signal(signal.SIGINT)
    said = stopped.communicate(timeout=120)[0]
    assert stopped.returncode == 1, said
    assert "Stopping: what is in hand" in said
    assert f"To go on from here: twinread preannotate --project {command.project}" in said
    assert "Traceback" not in said

    ended = command.begin("--summary-json", "summary.json", "--prune")
    said = ended.communicate(timeout=120)[0]
    assert ended.returncode == 0, said
    assert " USD." in said
    assert f"Removed {PAGES} of {PAGES} predictions of 1 older version, and kept 0." in said
    summary = json.loads((command.folder / "summary.json").read_text("utf-8"))
    assert summary["failed"] == {}
    assert command.predictions() == [[summary["model_version"]]] * PAGES

    # nothing is paid twice but what was in flight at the kill, and at the stop
    once = PAGES * LINES * 2
    assert once <= ernie.calls <= once + 2 * 8
    assert not ernie.violations

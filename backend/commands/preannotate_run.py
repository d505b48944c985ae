"""What `twinread preannotate` does, from the project's config to the summary."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console

from backend.bulk import terminal
from backend.bulk.counts import Counts
from backend.bulk.job import BulkWork
from backend.bulk.local_engine import local_engine
from backend.bulk.patience import Patience, PatientLabelStudio
from backend.bulk.run import Around, BulkRun, FailedTasks
from backend.bulk.stop import asked_to_stop
from backend.bulk.tasks import Order, count_lacking, lacking
from backend.bulk.uploads import Uploader
from backend.errors import BadRequest, LabelStudioFailed
from backend.label_studio.client import LabelStudio
from backend.outputs import printable, write_summary
from backend.projects.retrieval import choose_predictions
from backend.settings import connect
from backend.settings.settings import Settings

STOPPING = (
    "Stopping: what is in hand is finished and stored, which takes some seconds. Press Ctrl-C again to end "
    "at once; nothing is lost either way."
)


class _Forgetful:
    """Stands in for the store until it remembers failed tasks."""

    def note_failed(self, project: int, version: str, reasons: Mapping[int, str]) -> None: ...

    def mended(self, project: int, tasks: Collection[int]) -> None: ...

    def failed(self, project: int) -> dict[int, str]:
        return {}


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What a person asked for.

    project: the id of the project.
    limit: of tasks; None reads all.
    only_failed: only tasks that failed in a run before.
    order: which tasks come first.
    own_version: although the connected backend has another one.
    summary_json: file for the figures.
    """

    project: int
    limit: int | None = None
    only_failed: bool = False
    order: Order = "id"
    own_version: bool = False
    summary_json: Path | None = None


def preannotate_project(request: RunRequest, settings: Settings, console: Console) -> int:
    """Read what lacks a prediction, and store it.

    Args:
        request: what was asked for.
        settings: of this process.
        console: for people.

    Returns:
        The exit code: 0 when every task has a prediction, 1 when some have none or the run was stopped.

    Raises:
        TwinreadError: why nothing was begun; or, after all was shown, why the run ended before its end.
    """
    stop = threading.Event()
    patience = Patience(lambda sentence: bar.say(sentence), stop)
    counts = Counts()
    bar = terminal.RunBar(console, counts, lambda: "")
    with ExitStack() as opened:
        api = opened.enter_context(connect.label_studio(settings))
        patient = opened.enter_context(_patient(settings, patience))
        work = BulkWork.of(api, request.project, settings)
        store = _Forgetful()
        only = sorted(store.failed(request.project)) if request.only_failed else None
        engine = opened.enter_context(closing(local_engine(settings, work)))
        _check_version(api, request, engine.model_version)
        counts.total = count_lacking(api, request.project, engine.model_version, only=only)
        if request.limit is not None:
            counts.total = min(counts.total, request.limit)
        run = BulkRun(engine, request.project, counts, patience, _around(api, request, store, bar))
        begun = time.monotonic()
        rows = lacking(
            patient,
            request.project,
            engine.model_version,
            order=request.order,
            only=only,
            limit=request.limit,
        )
        with bar.shown(), asked_to_stop(stop, partial(bar.say, STOPPING), bar.leave):
            run.run(rows, Uploader(patient, request.project, work.xml))
        seconds = time.monotonic() - begun
        return _end(api, request, run, engine.model_version, seconds, console)


def _patient(settings: Settings, patience: Patience) -> PatientLabelStudio:
    key = settings.label_studio_api_key
    assert key is not None  # noqa: S101  (`connect` has refused)
    return PatientLabelStudio(str(settings.label_studio_url), key, patience)


def _check_version(api: LabelStudio, request: RunRequest, version: str) -> None:
    """Refuse to store what the project's backend would not take for its own.

    Raises:
        BadRequest: the connected backend has another version.
    """
    connected = api.backends(request.project)
    theirs = str(connected[0].get("model_version") or "") if connected else ""
    if theirs and theirs != version and not request.own_version:
        raise BadRequest(
            f"The backend of project {request.project} makes '{theirs}', and this command would make "
            f"'{version}', so that every page would be read twice. Give both the same settings (.env, "
            "models, trained model), or add --own-version to store these beside the backend's."
        )


def _around(api: LabelStudio, request: RunRequest, failed_tasks: FailedTasks, bar: terminal.RunBar) -> Around:
    def answers() -> bool:
        try:
            api.version()
        except LabelStudioFailed:
            return False
        return True

    def exists(task: int) -> bool:
        try:
            api.task(task)
        except LabelStudioFailed as error:
            return error.facts.get("status") != 404
        return True

    def first_stored() -> None:
        for sentence in _choose(api, request):
            bar.say(sentence)

    return Around(answers, exists, lambda: None, failed_tasks, first_stored, bar.update)


def _choose(api: LabelStudio, request: RunRequest) -> list[str]:
    """Let pages be filled from what is stored; Label Studio may be away, and then the next run does it."""
    try:
        return choose_predictions(api, request.project)
    except LabelStudioFailed as error:
        return [f"It was not chosen what fills pages: {error}"]


def _end(
    api: LabelStudio, request: RunRequest, run: BulkRun, version: str, seconds: float, console: Console
) -> int:
    """Say what became of the tasks, and what to do next; gives the exit code, or raises why the run ended."""
    counts = run.counts
    say = partial(console.print, markup=False, soft_wrap=True)
    if counts.stored:
        for sentence in _choose(api, request):
            say(printable(sentence))
    if not counts.total:
        say(_nothing_to_do(api, request, version))
    else:
        for sentence in terminal.summary(counts, version, seconds, ""):
            say(printable(sentence))
    again = f"twinread preannotate --project {request.project}"
    if counts.failed or counts.dropped:
        say(f"To read these again once that is mended: {again} --only-failed")
    if run.failure is not None or run.stopped:
        say(f"To go on from here: {again}")
    if request.summary_json is not None:
        shown = terminal.figures(counts, version, seconds)
        ended_by = str(run.failure) if run.failure is not None else "Ctrl-C" if run.stopped else None
        write_summary(request.summary_json, {"project": request.project, **shown, "ended_by": ended_by})
    if run.failure is not None:
        raise run.failure
    return 1 if counts.failed or counts.dropped or run.stopped else 0


def _nothing_to_do(api: LabelStudio, request: RunRequest, version: str) -> str:
    if request.only_failed:
        return f"No task of project {request.project} failed in a run before."
    tasks = int(api.project(request.project).get("task_number") or 0)
    if not tasks:
        return (
            f"Project {request.project} has no tasks. Import images at "
            f"{api.base_url}/projects/{request.project}/data, then run this again."
        )
    return (
        f"Nothing to do: all {tasks:,} tasks of project {request.project} have a prediction of '{version}'."
    )

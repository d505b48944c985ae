"""What `twinread preannotate` does, from the project's config to the summary."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias

from rich.console import Console

from backend.bulk import terminal
from backend.bulk.counts import Counts
from backend.bulk.job import BulkEngine, BulkWork
from backend.bulk.local_engine import local_engine
from backend.bulk.patience import Patience, PatientLabelStudio
from backend.bulk.run import Around, BulkRun
from backend.bulk.stop import asked_to_stop
from backend.bulk.tasks import Order, count_lacking, lacking
from backend.bulk.tidying import Tidied, tidied_up
from backend.bulk.uploads import Uploader
from backend.errors import BadRequest, LabelStudioFailed, SettingsWrong, StoreFailed
from backend.label_studio.client import LabelStudio
from backend.one_run import FOLDER
from backend.outputs import write_summary
from backend.pipeline.assembly import open_store
from backend.pipeline.from_settings import prices
from backend.projects.page_filling import choose_predictions
from backend.readers.budget import Budget, Limits
from backend.readers.prices import Prices
from backend.readers.stored import ReadingStore
from backend.settings import connect
from backend.settings.settings import Settings

STOPPING = (
    "Stopping: what is in hand is finished and stored, which takes some seconds. Press Ctrl-C again to end "
    "at once; nothing is lost either way."
)

LoadEngine: TypeAlias = Callable[[Settings, BulkWork, Budget], BulkEngine]
"""Makes the engine of a run; raises `TwinreadError` where it cannot be loaded."""


NewBudget: TypeAlias = Callable[[Limits, Prices], Budget]
"""Makes the budget that such an engine keeps to."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What a person asked for.

    project: the id of the project.
    limit: of tasks; None reads all.
    only_failed: only tasks that failed in a run before.
    order: which tasks come first.
    own_version: although the connected backend has another one.
    prune: remove predictions of older versions at the end.
    limits: of calls, tokens and costs.
    summary_json: file for the figures.
    options: what the command must be given again, so that it can go on.
    """

    project: int
    limit: int | None = None
    only_failed: bool = False
    order: Order = "id"
    own_version: bool = False
    prune: bool = False
    limits: Limits = field(default_factory=Limits)
    summary_json: Path | None = None
    options: tuple[str, ...] = ()


def reading(engine: Literal["local", "ray"], address: str) -> tuple[LoadEngine, NewBudget]:
    """Who reads, as `--engine` names it.

    Args:
        engine: this process, or a Ray cluster.
        address: of the cluster's head, or `auto`.

    Raises:
        SettingsWrong: Ray is not installed.
    """
    if engine == "local":
        return local_engine, Budget
    try:
        from backend.bulk.ray_budget import ClusterBudget
        from backend.bulk.ray_engine import RayEngine
    except ImportError as error:
        raise SettingsWrong(
            "--engine ray needs Ray, which is not installed here: pip install 'twinread[ray]', on every node."
        ) from error
    return partial(RayEngine, address=address), ClusterBudget


def preannotate_project(
    request: RunRequest,
    settings: Settings,
    console: Console,
    load: LoadEngine = local_engine,
    new_budget: NewBudget = Budget,
) -> int:
    """Read what lacks a prediction, and store it.

    Args:
        request: what was asked for.
        settings: of this process.
        console: for people.
        load: makes the engine that reads.
        new_budget: makes the budget that it keeps to.

    Returns:
        The exit code: 0 when every task has a prediction, 1 when some have none or the run was stopped.

    Raises:
        TwinreadError: why nothing was begun; or, after all was shown, why the run ended before its end.
    """
    budget = new_budget(request.limits, prices(settings))
    counts, stop = Counts(), threading.Event()
    bar = terminal.RunBar(console, counts, partial(_cost_so_far, budget))
    patience = Patience(bar.say, stop)
    with ExitStack() as opened:
        api = opened.enter_context(connect.label_studio(settings))
        patient = opened.enter_context(_patient(settings, patience))
        work = BulkWork.of(api, request.project, settings)
        store = opened.enter_context(closing(open_store(settings)))
        only = sorted(store.failed(request.project)) if request.only_failed else None
        engine = opened.enter_context(closing(load(settings, work, budget)))
        version = engine.model_version
        check_version(api, request, version)
        counts.total = count_lacking(api, request.project, version, only=only)
        if request.limit is not None:
            counts.total = min(counts.total, request.limit)
        first_stored = partial(_choose, api, request.project, version, bar)
        around = _around(api, store, budget, bar, first_stored)
        run = BulkRun(engine, request.project, counts, patience, around)
        rows = lacking(patient, request.project, version, order=request.order, only=only, limit=request.limit)
        begun = time.monotonic()
        with bar.shown(), asked_to_stop(stop, partial(bar.say, STOPPING), bar.leave):
            run.run(rows, Uploader(patient, request.project, settings.cache_dir / FOLDER))
        seconds = time.monotonic() - begun
        if only is not None and not counts.left:
            # those that are read meanwhile by whoever it was, or gone
            _forget(store, request.project, set(only) - set(counts.unread()), bar)
        if counts.stored:
            _choose(api, request.project, version, bar)
        tidied = Tidied()
        if run.failure is None and not run.stopped:
            tidied = tidied_up(api, request.project, version, bar.say, older=request.prune)
        nothing = "" if counts.total else _nothing_to_do(api, request, version)
    for sentence in [nothing] if nothing else terminal.summary(counts, version, seconds, _cost(budget)):
        bar.say(sentence)
    for sentence in tidied.sentences:
        bar.say(sentence)
    again = " ".join([f"twinread preannotate --project {request.project}", *request.options])
    if counts.unread():
        bar.say(f"To read these again once that is mended: {again} --only-failed")
    if run.failure is not None or run.stopped:
        bar.say(f"To go on from here: {again}")
    if request.summary_json is not None:
        ended_by = "Ctrl-C" if run.stopped else None if run.failure is None else str(run.failure)
        figures = terminal.figures(counts, version, seconds)
        removed = {"copies_removed": tidied.copies, "older_removed": tidied.outdated}
        spent = {"calls": budget.spent.calls, "tokens": budget.spent.tokens, "cost": budget.cost}
        write_summary(
            request.summary_json,
            {"project": request.project, **figures, **spent, **removed, "ended_by": ended_by},
        )
    if (failure := run.failure or tidied.failure) is not None:
        raise failure
    return 1 if counts.unread() or run.stopped else 0


def _patient(settings: Settings, patience: Patience) -> PatientLabelStudio:
    key = settings.label_studio_api_key
    assert key is not None  # noqa: S101  (`connect` has refused)
    return PatientLabelStudio(str(settings.label_studio_url), key, patience)


def check_version(api: LabelStudio, request: RunRequest, version: str) -> None:
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


def _around(
    api: LabelStudio,
    store: ReadingStore,
    budget: Budget,
    bar: terminal.RunBar,
    first_stored: Callable[[], object],
) -> Around:
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

    return Around(answers, exists, lambda: budget.exhausted, store, first_stored, bar.update)


def _choose(api: LabelStudio, project: int, version: str, bar: terminal.RunBar) -> None:
    """Let pages be filled from what is stored; Label Studio may be away, and then the next run does it."""
    try:
        for sentence in choose_predictions(api, project, version=version):
            bar.say(sentence)
    except LabelStudioFailed as error:
        bar.say(f"It was not chosen what fills pages: {error}")


def _forget(store: ReadingStore, project: int, tasks: Collection[int], bar: terminal.RunBar) -> None:
    try:
        store.mended(project, tasks)
    except StoreFailed as error:
        bar.say(str(error))


def _cost_so_far(budget: Budget) -> str:
    calls = budget.spent.calls
    return budget.prices.shown(budget.cost) or f"{calls:,} calls" if calls else ""


def _cost(budget: Budget) -> str:
    """What was paid so far, for people; empty where no server was asked."""
    spent = budget.spent
    if not spent.calls:
        return ""
    counted = f"{spent.calls:,} calls, {spent.tokens:,} tokens"
    return ", ".join(filter(None, (counted, budget.prices.shown(budget.cost))))


def _nothing_to_do(api: LabelStudio, request: RunRequest, version: str) -> str:
    if request.only_failed:
        return f"No task of project {request.project} is known to have failed and still to lack a prediction."
    tasks = int(api.project(request.project).get("task_number") or 0)
    if not tasks:
        return (
            f"Project {request.project} has no tasks. Import images at "
            f"{api.base_url}/projects/{request.project}/data, then run this again."
        )
    return f"Nothing to do: all {tasks:,} tasks of project {request.project} have one of '{version}'."

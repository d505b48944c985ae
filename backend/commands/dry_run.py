"""`twinread preannotate --dry-run`: what a run will take, before anything is paid for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from itertools import islice

import click
from rich.console import Console

from backend.bulk import forecast_table
from backend.bulk.forecast import Forecast, Known, forecast, needs_done
from backend.bulk.job import BulkWork
from backend.bulk.local_engine import pages_at_once
from backend.bulk.sample import MOST, Sample, drawn, look_at
from backend.bulk.tasks import lacking
from backend.commands.preannotate_run import RunRequest, check_version
from backend.errors import StoreFailed
from backend.label_studio.client import LabelStudio
from backend.outputs import write_summary
from backend.pipeline.assembly import engines, open_store, promoted_model
from backend.pipeline.engines import Engines
from backend.pipeline.from_settings import prices
from backend.pipeline.metrics import Metrics
from backend.readers.stored import ReadingStore
from backend.readers.usage import Usage
from backend.settings import connect
from backend.settings.settings import Settings
from converters.shared.progress import progress

DONE = 20
"""Tasks with the version that are looked at: their calls carry the ledger over to the others."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """What is open while a forecast is made."""

    api: LabelStudio
    store: ReadingStore
    engines: Engines
    work: BulkWork
    at_once: int


def show_forecast(request: RunRequest, sample: int | None, settings: Settings, console: Console) -> None:
    """Look at some of the tasks that a run would read, and show what it will take.

    Args:
        request: what the run is asked for.
        sample: tasks to look at; None for as many as it takes.
        settings: of this process.
        console: for people.

    Raises:
        TwinreadError: why nothing can be told.
    """
    try:
        with ExitStack() as opened:
            api = opened.enter_context(connect.label_studio(settings))
            work = BulkWork.of(api, request.project, settings)
            store = opened.enter_context(closing(open_store(settings)))
            loaded = engines(settings, Metrics(), promoted_model(settings))
            opened.callback(loaded.close)
            check_version(api, request, loaded.model_version)
            open_ = _Opened(api, store, loaded, work, pages_at_once(settings))
            found = _forecast(request, sample, settings, open_, console)
    except KeyboardInterrupt:
        console.print("Stopped: nothing was paid for.")
        raise click.exceptions.Exit(1) from None
    for table in forecast_table.tables(found):
        console.print(table)
    for sentence in forecast_table.sentences(found, request.project):
        console.print(sentence, markup=False)
    console.print("Nothing was paid for, and nothing was written into Label Studio.")
    if request.summary_json is not None:
        write_summary(request.summary_json, {"project": request.project, **forecast_table.figures(found)})


def _forecast(
    request: RunRequest, sample: int | None, settings: Settings, opened: _Opened, console: Console
) -> Forecast:
    api, work, version = opened.api, opened.work, opened.engines.model_version
    only = sorted(opened.store.failed(request.project)) if request.only_failed else None
    waiting = lacking(api, request.project, version, only=only, limit=request.limit)
    with progress(console) as bars:
        tasks, among = drawn(bars.track(waiting, description="tasks listed"), sample or MOST)
        bar = bars.add_task("tasks looked at", total=len(tasks))
        look = partial(
            look_at, opened.engines, work, at_once=opened.at_once, on_task=partial(bars.advance, bar)
        )
        seen = look(tasks, among, enough=_close if sample is None else _never)
        if seen.first is not None and len(seen.failed) == len(seen.rehearsed):
            # a forecast of nothing would look like a run that costs nothing
            raise seen.first
        usage = _usage(opened.store, request.project)
        done = Sample(0)
        if needs_done(seen, usage):
            read = api.tasks(request.project, fields="task_only", with_versions=[version], resolve_uri=False)
            some, among = drawn(islice(read, MOST), DONE)
            bars.update(bar, total=len(tasks) + len(some))
            done = look(some, among)
    if (problem := opened.engines.problem()) is not None:
        raise StoreFailed(f"It cannot be looked up which readings are at hand, so nothing is told. {problem}")
    return forecast(
        seen,
        Known(usage, done.rehearsed),
        prices(settings),
        concurrency=settings.ernie_concurrency,
        pages_at_once=opened.at_once,
    )


def _close(sample: Sample) -> bool:
    return sample.close


def _never(sample: Sample) -> bool:
    return False


def _usage(store: ReadingStore, project: int) -> Mapping[str, Usage]:
    """What calls took so far, by reader: for this project, or for any where it has had none."""
    own: dict[str, Usage] = defaultdict(Usage)
    every: dict[str, Usage] = defaultdict(Usage)
    for row in store.usage():
        every[row.reader] += row.usage
        if row.project == str(project):
            own[row.reader] += row.usage
    return {**every, **own}

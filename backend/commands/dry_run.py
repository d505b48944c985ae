"""`twinread preannotate --dry-run`: what a run will take, before anything is paid for."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from backend.bulk.forecast import Forecast
    from backend.bulk.job import BulkWork
    from backend.label_studio.client import LabelStudio
    from backend.pipeline.engines import Engines
    from backend.readers.usage import Usage
    from backend.settings.settings import Settings

DONE = 20
"""Tasks that are looked at among those that have the version: what their calls were carries the ledger over."""


def dry_run(
    values: Settings, api: LabelStudio, work: BulkWork, limit: int | None, sample: int | None, console: Console
) -> dict[str, Any]:
    """Show what a run will take; gives the figures.

    Args:
        values: the settings.
        api: Label Studio; only asked.
        work: the project.
        limit: the run reads no more tasks.
        sample: tasks to look at; None for as many as it takes.
        console: where to show it.
    """
    from backend.bulk import forecast_table
    from backend.pipeline.assembly import engines, promoted_model
    from backend.pipeline.metrics import Metrics

    loaded = engines(values, Metrics(), promoted_model(values))
    try:
        found = _forecast(values, api, work, loaded, limit, sample, console)
    finally:
        loaded.close()
    for table in forecast_table.tables(found):
        console.print(table)
    for sentence in forecast_table.sentences(found, work.project):
        console.print(sentence, markup=False)
    console.print("Nothing was paid for, and nothing was written into Label Studio.")
    return forecast_table.figures(found)


def _forecast(
    values: Settings,
    api: LabelStudio,
    work: BulkWork,
    loaded: Engines,
    limit: int | None,
    sample: int | None,
    console: Console,
) -> Forecast:
    from backend.bulk.forecast import Known, forecast, needs_done
    from backend.bulk.local_engine import pages_at_once
    from backend.bulk.sample import MOST, drawn, look_at
    from backend.bulk.tasks import lacking
    from backend.errors import StoreFailed
    from backend.pipeline.reader_kinds import prices
    from converters.shared.progress import progress

    with progress(console) as bars:
        bar = bars.add_task("tasks of the sample", total=None)

        def on_task() -> None:
            bars.advance(bar)

        tasks, count = drawn(lacking(api, work.project, loaded.model_version, limit=limit), sample or MOST)
        bars.update(bar, total=len(tasks))
        at_once = pages_at_once(values)
        seen = look_at(
            loaded,
            work,
            tasks,
            count,
            at_once=at_once,
            enough=(lambda so_far: so_far.close) if sample is None else (lambda so_far: False),
            on_task=on_task,
        )
        if seen.first is not None and len(seen.failed) == len(seen.rehearsed):
            # a sample of nothing would look like a run that costs nothing
            raise seen.first
        usage = _usage(values, work.project)
        known = Known(usage)
        if needs_done(seen, usage):
            done = api.tasks(work.project, fields="task_only", with_versions=[loaded.model_version])
            some, among = drawn(islice(done, MOST), DONE)
            known = Known(usage, look_at(loaded, work, some, among, at_once=at_once).rehearsed)
    if (problem := loaded.problem()) is not None:
        raise StoreFailed(f"What is read already cannot be looked up, so that nothing can be told. {problem}")
    return forecast(
        seen,
        known,
        prices(values),
        concurrency=values.ernie_concurrency,
        pages_at_once=at_once,
    )


def _usage(values: Settings, project: int) -> Mapping[str, Usage]:
    """What calls took so far, by reader: for this project, or for any where it has had none."""
    from collections import defaultdict

    from backend.pipeline.assembly import open_store
    from backend.readers.usage import Usage

    store = open_store(values)
    try:
        rows = store.usage()
    finally:
        store.close()
    own: dict[str, Usage] = defaultdict(Usage)
    every: dict[str, Usage] = defaultdict(Usage)
    for row in rows:
        every[row.reader] += row.usage
        if row.project == str(project):
            own[row.reader] += row.usage
    return {**every, **own}

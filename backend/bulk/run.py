"""The driver of a bulk run: tasks are listed, read and stored at the same time, whoever reads them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from queue import Queue

from backend.bulk.counts import Counts
from backend.bulk.job import BulkEngine
from backend.bulk.uploads import Uploader
from backend.label_studio.client import Row
from backend.pipeline.read_task import Failure, Prediction

BATCH = 200
"""Predictions in one import."""


def run(
    engine: BulkEngine,
    tasks: Iterable[Row],
    uploader: Uploader,
    counts: Counts,
    report: Callable[[], None] = lambda: None,
) -> None:
    """Read tasks and store what was read.

    Args:
        engine: reads.
        tasks: what it reads.
        uploader: stores.
        counts: are kept up to date.
        report: called after each outcome.
    """
    batches: Queue[list[Prediction] | None] = Queue(1)

    def store() -> None:
        while batch := batches.get():
            counts.note_stored(uploader.store(batch))
            report()

    storing = threading.Thread(target=store, name="store-predictions")
    storing.start()
    try:
        for batch in _batches(engine, tasks, counts, report):
            batches.put(batch)
    finally:
        batches.put(None)
        storing.join()


def _batches(
    engine: BulkEngine, tasks: Iterable[Row], counts: Counts, report: Callable[[], None]
) -> Iterator[list[Prediction]]:
    batch: list[Prediction] = []
    for outcome in engine.read(tasks):
        if isinstance(outcome, Failure):
            counts.note_failed(int(outcome.task or 0), str(outcome.error))
        else:
            counts.note_read(outcome)
            batch.append(outcome)
        report()
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch

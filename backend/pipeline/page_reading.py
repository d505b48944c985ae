"""How the service reads one page: downloaded first, then found and read, with what came of it on record."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from backend.errors import TwinreadError
from backend.page.lines import ReadPage
from backend.pipeline.annotate import Panel
from backend.pipeline.asking import TimeLimit
from backend.pipeline.engines import EngineLoader, Engines
from backend.pipeline.metrics import Metrics
from backend.pipeline.page_work import PageJob
from backend.pipeline.read_task import TaskPage, read_page, unexpected
from backend.pipeline.task_record import TaskRecord
from backend.seams import ServedSource
from backend.tickets import Urgency

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Given:
    """A source that has one image already."""

    content: bytes

    def fetch(self, reference: str, *, task_id: int | None) -> bytes:
        """The image."""
        return self.content

    def at_hand(self, reference: str, *, task_id: int | None) -> bool:
        """It is."""
        return True

    def host(self, reference: str) -> str:
        """Nobody is asked."""
        return ""


class PageReader:
    """Reads whole pages with the present engines; thread-safe."""

    def __init__(self, loader: EngineLoader, record: TaskRecord, metrics: Metrics, reading_s: float) -> None:
        """Prepare.

        Args:
            loader: lends engines.
            record: keeps what failed.
            metrics: count what was read.
            reading_s: the longest that a page waits for its readers, seconds.
        """
        self._loader = loader
        self._record = record
        self._metrics = metrics
        self._reading_s = reading_s

    def job(self, page: TaskPage, source: ServedSource) -> PageJob[ReadPage]:
        """The work on one page; raises in `fetch` and in `work` what `read_page` does.

        Args:
            page: which one.
            source: of the present engines; others may read the page.
        """
        spent_s = 0.0

        def fetch() -> bytes:
            nonlocal spent_s
            began = time.monotonic()
            with self._noting(page):
                content = fetched(self._loader, page)
            spent_s = time.monotonic() - began
            return content

        def work(content: bytes, urgency: Urgency) -> ReadPage:
            began = time.monotonic()
            with self._noting(page), self._loader.lend() as lent:
                at_work = replace(self._bounded(lent), source=Given(content))
                read = read_page(at_work, page, urgency=urgency)
            self._metrics.page_seconds.observe(spent_s + time.monotonic() - began)
            self._record.mended(page.name, page.reference)
            self._metrics.count_page(read)
            return read

        return job_of(page, source, fetch, work)

    @contextmanager
    def _noting(self, page: TaskPage) -> Iterator[None]:
        """Put a failure on record, and make one of ours of a library's."""
        try:
            yield
        except TwinreadError as error:
            self._record.failed(page.name, page.reference, error)
            raise
        except Exception as error:
            failure = unexpected(page.name, error)
            self._record.failed(page.name, page.reference, failure)
            raise failure from error

    def _bounded(self, engines: Engines) -> Engines:
        """The engines; a reader that never answers costs a page its time, not the worker its life."""

        @contextmanager
        def lend(language: str) -> Iterator[Panel]:
            with engines.lend(language) as panel:
                yield replace(panel, limit=TimeLimit(time.monotonic() + self._reading_s, self._reading_s))

        return replace(engines, lend=lend)


def fetched(loader: EngineLoader, page: TaskPage) -> bytes:
    """The image file of a page, from the source of the present engines."""
    with loader.lend() as engines:
        return engines.source.fetch(page.reference, task_id=page.task)


def job_of(
    page: TaskPage,
    source: ServedSource,
    fetch: Callable[[], bytes],
    work: Callable[[bytes, Urgency], Result],
) -> PageJob[Result]:
    """Work on a page whose image a source has.

    Args:
        page: which one.
        source: says where the image is.
        fetch: downloads it.
        work: is done with it.
    """
    at_hand = partial(source.at_hand, page.reference, task_id=page.task)
    return PageJob(source.host(page.reference), at_hand, fetch, work)

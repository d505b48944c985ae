"""Tasks in, results out, in order, before the deadline.

One per process, and the only room that puts detector, readers, store and sources together. Work on
the same page is done once however many requests ask for it; what a deadline cuts off goes on in the
background, and the next request takes it up from there.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from functools import partial

from backend.errors import Late, ReaderUnavailable, Stopping, TwinreadError, UnexpectedFailure
from backend.page import image_files
from backend.page.lines import Line, Page, ReadLine, ReadPage
from backend.pipeline.annotate import annotate_page, read_lines
from backend.pipeline.engines import EngineLoader, Engines, ServiceState
from backend.pipeline.metrics import Metrics
from backend.pipeline.page_work import STOPPING, PageWork

log = logging.getLogger(__name__)

DRAWN_AT_ONCE = 8
"""Drawn boxes that are read at once; each costs a thread that mostly waits."""


@dataclass(frozen=True, slots=True)
class Task:
    """One page of a Label Studio task.

    id: of the task; None where the caller gave none.
    reference: the image as the task's data names it.
    language: canonical code of the page's language.
    """

    id: int | None
    reference: str
    language: str

    @property
    def name(self) -> str:
        """How messages call it."""
        return f"task {self.id}" if self.id is not None else "the task"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a task has no result (yet)."""

    task: Task
    error: TwinreadError


@dataclass(frozen=True, slots=True)
class ServiceOptions:
    """Limits of a service; seconds, pixels, pages."""

    max_page_pixels: int
    page_workers: int = 4
    kept_pages: int = 2048
    kept_s: float = 900


class Service:
    """The pipeline behind every face; thread-safe."""

    def __init__(self, load: Callable[[Metrics], Engines], options: ServiceOptions) -> None:
        """Start to load the engines in the background.

        Args:
            load: builds them; called once, in a thread of its own.
            options: limits.
        """
        self.metrics = Metrics()
        self._options = options
        self._pages: PageWork[ReadPage] = PageWork(
            options.page_workers, options.kept_pages, options.kept_s, self.metrics.in_flight.set
        )
        # a drawn box waits neither for bulk pages nor for pages that others open
        self._drawn = ThreadPoolExecutor(DRAWN_AT_ONCE, thread_name_prefix="drawn")
        self._lock = threading.Lock()
        self._failures: OrderedDict[str, str] = OrderedDict()
        self._loader = EngineLoader(partial(load, self.metrics))

    @property
    def state(self) -> tuple[ServiceState, str]:
        """How the service is, with one sentence."""
        return self._loader.state

    def engines(self, timeout_s: float = 0) -> Engines:
        """The loaded engines.

        Raises:
            NotReady: they are still loading.
            TwinreadError: why they failed to load.
        """
        return self._loader.engines(timeout_s)

    @property
    def model_version(self) -> str:
        """The same in `/setup` and in every prediction; changes exactly when output can change.

        Raises:
            NotReady: it is not known yet.
        """
        return self.engines().model_version

    def read_tasks(self, tasks: Sequence[Task], deadline_s: float) -> list[ReadPage | Failure]:
        """Read the pages of tasks, in order, for at most `deadline_s` seconds.

        What was not reached by then is a `Failure` with `Late`; its work goes on and a later call
        gets it. A task that failed does not touch its neighbours.

        Raises:
            NotReady: the models are still loading.
            TwinreadError: why they failed to load.
        """
        engines = self.engines()
        end = time.monotonic() + deadline_s
        urgent = len(tasks) == 1
        futures = [self._submit(task, engines, urgent) for task in tasks]
        wait(futures, max(0.0, end - time.monotonic()))
        results = [self._outcome(task, future) for task, future in zip(tasks, futures, strict=True)]
        # of a task of several pages a failed one is what people must hear of, so it is noted last
        for failed in (False, True):
            for task, result in zip(tasks, results, strict=True):
                if isinstance(result, Failure) is failed:
                    self.note(task, result)
        return results

    def read_quads(self, task: Task, lines: Sequence[Line], deadline_s: float) -> list[ReadLine]:
        """Read given lines of a task's page at once, ahead of bulk work.

        Raises:
            Late: not done within `deadline_s` seconds; what the readers still say goes into the store.
            TwinreadError: the image cannot be had, or the models are not ready.
        """
        engines = self.engines()

        def work() -> list[ReadLine]:
            page = self._open(task, engines)
            return read_lines(page, lines, engines.panel(task.language), urgent=True)

        future = self._drawn.submit(work)
        try:
            return future.result(deadline_s)
        except FutureTimeout as error:
            # one that nobody has begun would only keep the next box waiting
            future.cancel()
            raise Late(f"The readers gave no answer within {deadline_s:g} s; draw the box again.") from error
        except TwinreadError:
            raise
        except Exception as error:  # a drawn box is never lost to a library's error
            raise _unexpected(task, error) from error

    def status(self) -> dict[str, object]:
        """What waits and what failed, for `GET /status`."""
        state, sentence = self.state
        engines = self.engines() if state == "ready" else None
        with self._lock:
            failures = dict(reversed(self._failures.items()))
        return {
            "state": state,
            "reason": sentence,
            "model_version": engines.model_version if engines else None,
            "readers": engines.readers if engines else None,
            "unread_languages": engines.unread() if engines else {},
            "store_problem": engines.problem() if engines else None,
            "pages_in_flight": len(self._pages),
            "failed_tasks": failures,
        }

    def close(self) -> None:
        """Stop; work that waits is dropped, what was read is in the store."""
        self._pages.close(wait=False)
        self._drawn.shutdown(wait=False, cancel_futures=True)
        self._loader.close()
        self._pages.close(wait=True)
        self._drawn.shutdown(wait=True)

    def _submit(self, task: Task, engines: Engines, urgent: bool) -> Future[ReadPage]:
        """The one future of this page's work: finished, in flight, or begun now."""
        key = (task.reference, task.id, task.language)
        return self._pages.submit(key, partial(self._read, task, engines), urgent=urgent)

    def _open(self, task: Task, engines: Engines) -> Page:
        data = engines.source.fetch(task.reference, task_id=task.id)
        return image_files.decode(data, max_pixels=self._options.max_page_pixels)

    def _read(self, task: Task, engines: Engines, urgent: bool) -> ReadPage:
        with self.metrics.page_seconds.time():
            page = self._open(task, engines)
            read = annotate_page(page, engines.detector, engines.panel(task.language), urgent=urgent)
        _demand_answers(read)
        self.metrics.count_page(read)
        return read

    def _outcome(self, task: Task, future: Future[ReadPage]) -> ReadPage | Failure:
        if not future.done():
            self.metrics.late.inc()
            return Failure(task, Late("Not reached before the deadline; the work goes on, ask again."))
        if future.cancelled():
            return Failure(task, Stopping(STOPPING))
        error = future.exception()
        if error is None:
            return future.result()
        if not isinstance(error, TwinreadError):
            error = _unexpected(task, error)
        return Failure(task, error)

    def note(self, task: Task, result: ReadPage | Failure) -> None:
        """Make a failure visible, in the log, the metrics and the status, until it is mended."""
        if isinstance(result, Failure) and not isinstance(result.error, (Late, Stopping)):
            log.warning("%s: %s", task.name, result.error)
            self.metrics.pages.labels(type(result.error).__name__).inc()
        with self._lock:
            self._failures.pop(task.name, None)
            if isinstance(result, Failure):
                self._failures[task.name] = str(result.error)
            while len(self._failures) > 200:
                self._failures.popitem(last=False)


def _unexpected(task: Task, error: BaseException) -> UnexpectedFailure:
    """What may be said of an error that is not ours; the rest is logged."""
    log.error("%s: unexpected failure", task.name, exc_info=error)
    return UnexpectedFailure(
        f"Unexpected failure ({type(error).__name__}); the log of the backend says more."
    )


def _demand_answers(page: ReadPage) -> None:
    """Refuse a page that would look finished although its readers had no answer.

    Label Studio never asks again for what it has stored. An error that is one line's own fault stays
    with its line; one that may pass, or that a reader gives for every line, is the whole page's.

    Raises:
        ReaderUnavailable: the reason of the first such reading.
    """
    said = [reading for line in page.lines for reading in line.readings]
    passing = [reading for reading in said if reading.retryable]
    answering = {reading.reader for reading in said if not reading.failed}
    mute = [reading for reading in said if reading.failed and reading.reader not in answering]
    if passing or (mute and len(page.lines) > 1):
        first = (passing or mute)[0]
        raise ReaderUnavailable(
            f"{len(passing or mute)} of {len(said)} readings had no answer; the first: {first.error} "
            "What was read is kept; retrieve predictions again when that is mended."
        )

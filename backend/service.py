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
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from typing import Literal, Protocol

from cachetools import TTLCache

from backend import images
from backend.annotate import LineDetector, Panel, annotate_page, read_lines
from backend.errors import NotReady, ReaderUnavailable, TwinreadError
from backend.lines import Line, Page, ReadLine, ReadPage
from backend.metrics import Metrics

log = logging.getLogger(__name__)

DRAWN_AT_ONCE = 8
"""Drawn boxes that are read at once; each costs a thread that mostly waits."""


class PageSource(Protocol):
    """Gives the bytes behind a task's image reference."""

    def fetch(self, reference: str, *, task_id: int | None) -> bytes:
        """Fetch an image file.

        Raises:
            ImageRefused, ImageUnreachable, BadImage: it was not, and why.
        """
        ...


@dataclass(frozen=True, slots=True)
class Engines:
    """Everything a service works with, loaded.

    panel: gives the readers of a language.
    model_version: names detector, readers, prompts and thresholds.
    readers: who reads, for people.
    unread: languages met so far that nobody reads, and what would read each.
    problem: why readings are not kept, while they are not.
    """

    detector: LineDetector
    panel: Callable[[str], Panel]
    source: PageSource
    model_version: str
    readers: str
    unread: Callable[[], dict[str, str]] = dict
    problem: Callable[[], str | None] = lambda: None
    close: Callable[[], None] = lambda: None


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


class Late(NotReady):
    """A task that the deadline cut off; its work goes on."""


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
        self._bulk = ThreadPoolExecutor(options.page_workers, thread_name_prefix="page")
        self._urgent = ThreadPoolExecutor(2, thread_name_prefix="urgent-page")
        # a drawn box waits neither for bulk pages nor for pages that others open
        self._drawn = ThreadPoolExecutor(DRAWN_AT_ONCE, thread_name_prefix="drawn")
        self._lock = threading.Lock()
        self._pages: TTLCache[Hashable, Future[ReadPage]] = TTLCache(options.kept_pages, options.kept_s)
        self._running: dict[Hashable, Future[ReadPage]] = {}
        self._failures: OrderedDict[str, str] = OrderedDict()
        self._engines: Future[Engines] = Future()
        self._loader = threading.Thread(target=self._load, args=(load,), name="load-engines", daemon=True)
        self._loader.start()

    def _load(self, load: Callable[[Metrics], Engines]) -> None:
        try:
            engines = load(self.metrics)
        except TwinreadError as error:
            log.error("twinread cannot start: %s", error)
            self._engines.set_exception(error)
        except Exception as error:  # the thread's last word: without it /health would say "loading" for ever
            log.exception("twinread cannot start")
            self._engines.set_exception(
                NotReady(f"The models failed to load ({type(error).__name__}); see the log.")
            )
        else:
            log.info("ready: %s", engines.model_version)
            self._engines.set_result(engines)

    @property
    def state(self) -> tuple[Literal["loading", "ready", "failed"], str]:
        """How the service is, with one sentence."""
        if not self._engines.done():
            return "loading", "The models are still loading; try again in a minute."
        error = self._engines.exception()
        return ("failed", str(error)) if error else ("ready", "Ready.")

    def engines(self, timeout_s: float = 0) -> Engines:
        """The loaded engines.

        Raises:
            NotReady: they are still loading, or failed to load.
        """
        if timeout_s:
            wait([self._engines], timeout_s)
        state, sentence = self.state
        if state != "ready":
            raise NotReady(sentence)
        return self._engines.result()

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
            NotReady: the models are still loading, or failed to load.
        """
        engines = self.engines()
        end = time.monotonic() + deadline_s
        urgent = len(tasks) == 1
        futures = [self._submit(task, engines, urgent) for task in tasks]
        wait(futures, max(0.0, end - time.monotonic()))
        results = [self._outcome(task, future) for task, future in zip(tasks, futures, strict=True)]
        for task, result in zip(tasks, results, strict=True):
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

        try:
            return self._drawn.submit(work).result(deadline_s)
        except FutureTimeout as error:
            raise Late(f"The readers gave no answer within {deadline_s:g} s; draw the box again.") from error

    def status(self) -> dict[str, object]:
        """What waits and what failed, for `GET /status`."""
        state, sentence = self.state
        engines = self._engines.result() if state == "ready" else None
        with self._lock:
            running = len(self._running)
            failures = dict(reversed(self._failures.items()))
        return {
            "state": state,
            "reason": sentence,
            "model_version": engines.model_version if engines else None,
            "readers": engines.readers if engines else None,
            "unread_languages": engines.unread() if engines else {},
            "store_problem": engines.problem() if engines else None,
            "pages_in_flight": running,
            "failed_tasks": failures,
        }

    def close(self) -> None:
        """Stop; work that waits is dropped, what was read is in the store."""
        for pool in (self._bulk, self._urgent, self._drawn):
            pool.shutdown(wait=False, cancel_futures=True)
        self._loader.join()
        if self._engines.exception() is None:
            self._engines.result().close()
        for pool in (self._bulk, self._urgent, self._drawn):
            pool.shutdown(wait=True)

    def _submit(self, task: Task, engines: Engines, urgent: bool) -> Future[ReadPage]:
        """The one future of this page's work: finished, in flight, or begun now."""
        key = (task.reference, task.id, task.language)
        with self._lock:
            known = self._pages.get(key) or self._running.get(key)
            if known is not None:
                return known
            future = (self._urgent if urgent else self._bulk).submit(self._read, task, engines, urgent)
            self._running[key] = future
            self.metrics.in_flight.set(len(self._running))
        future.add_done_callback(lambda done: self._finished(key, done))
        return future

    def _finished(self, key: Hashable, future: Future[ReadPage]) -> None:
        with self._lock:
            self._running.pop(key, None)
            self.metrics.in_flight.set(len(self._running))
            # a failure is not kept: asking again is how it is mended
            if not future.cancelled() and future.exception() is None:
                self._pages[key] = future

    def _open(self, task: Task, engines: Engines) -> Page:
        data = engines.source.fetch(task.reference, task_id=task.id)
        return images.decode(data, max_pixels=self._options.max_page_pixels)

    def _read(self, task: Task, engines: Engines, urgent: bool) -> ReadPage:
        with self.metrics.page_seconds.time():
            page = self._open(task, engines)
            read = annotate_page(page, engines.detector, engines.panel(task.language), urgent=urgent)
        _demand_answers(read)
        self.metrics.count_page(read)
        return read

    def _outcome(self, task: Task, future: Future[ReadPage]) -> ReadPage | Failure:
        if not future.done() or future.cancelled():
            self.metrics.late.inc()
            return Failure(task, Late("Not reached before the deadline; the work goes on, ask again."))
        error = future.exception()
        if error is None:
            return future.result()
        if not isinstance(error, TwinreadError):
            log.error("%s: unexpected failure", task.name, exc_info=error)
            error = NotReady(
                f"Unexpected failure ({type(error).__name__}); the log of the backend says more."
            )
        return Failure(task, error)

    def note(self, task: Task, result: ReadPage | Failure) -> None:
        """Make a failure visible, in the log, the metrics and the status, until it is mended."""
        if isinstance(result, Failure) and not isinstance(result.error, Late):
            log.warning("%s: %s", task.name, result.error)
            self.metrics.pages.labels(type(result.error).__name__).inc()
        with self._lock:
            self._failures.pop(task.name, None)
            if isinstance(result, Failure):
                self._failures[task.name] = str(result.error)
            while len(self._failures) > 200:
                self._failures.popitem(last=False)


def _demand_answers(page: ReadPage) -> None:
    """Refuse a page that would look finished although its readers had no answer.

    Label Studio never asks again for what it has stored. An error that is one line's own fault stays
    with its line; one that may pass, or that a reader gives for every line, is the whole page's.

    Raises:
        ReaderUnavailable: the reason of the first such reading.
    """
    said = [reading for line in page.lines for reading in line.readings]
    passing = [reading for reading in said if reading.again]
    answering = {reading.reader for reading in said if not reading.failed}
    mute = [reading for reading in said if reading.failed and reading.reader not in answering]
    if passing or (mute and len(page.lines) > 1):
        first = (passing or mute)[0]
        raise ReaderUnavailable(
            f"{len(passing or mute)} of {len(said)} readings had no answer; the first: {first.error} "
            "What was read is kept; retrieve predictions again when that is mended."
        )

"""Tasks in, predictions out, in order, before the deadline.

One per process. Work on the same page is done once however many requests ask for it; what a deadline cuts
off goes on in the background, and the next request takes it up from there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from backend.errors import Late, TwinreadError
from backend.label_studio.labeling_config import LabelingConfig
from backend.page.lines import Line, Page, ReadLine, ReadPage
from backend.pipeline.annotate import Panel, read_lines
from backend.pipeline.engines import RETRY_S, WATCH_S, EngineLoader, Engines, ServiceState
from backend.pipeline.metrics import Metrics
from backend.pipeline.page_work import PageWork
from backend.pipeline.promoted_models import Look, PromotedModels
from backend.pipeline.read_task import (
    Failure,
    Prediction,
    TaskPage,
    Wording,
    open_page,
    pages_of,
    read_page,
    read_task,
    task_name,
    unexpected,
)
from backend.pipeline.task_record import TaskRecord
from backend.pipeline.time_limit import limited, shown_s
from backend.tickets import Urgency

DRAWN_AT_ONCE = 8
"""Drawn boxes that are read at once; each costs a thread that mostly waits."""

JUDGING_S = 3.0
"""What it may take to open and judge drawn boxes beside the time that readers have, seconds."""

_TASK, _DRAWN = "task", "drawn boxes"
"""What can fail of a task beside its pages."""


@dataclass(frozen=True, slots=True)
class ServiceOptions:
    """Limits of a service; pages, seconds.

    retry_s: waits before engines that failed are loaded again; the last one repeats.
    watch_s: how often they are asked whether they have failed.
    reading_s: the longest that a page waits for its readers, behind other pages too.
    """

    page_workers: int = 4
    kept_pages: int = 2048
    kept_s: float = 900
    retry_s: tuple[float, ...] = RETRY_S
    watch_s: float = WATCH_S
    reading_s: float = 3600


class Service:
    """The pipeline behind every way to ask for predictions; thread-safe."""

    def __init__(
        self,
        load: Callable[[Metrics], Engines],
        options: ServiceOptions | None = None,
        promoted: PromotedModels | None = None,
    ) -> None:
        """Start to load the engines in the background.

        Args:
            load: builds them, in a thread of its own; called again when they failed.
            options: limits.
            promoted: follows which model is promoted, and lets it take over; None where none can.
        """
        options = options or ServiceOptions()
        self.metrics = Metrics()
        self._reading_s = options.reading_s
        self._pages: PageWork[ReadPage] = PageWork(options.page_workers, options.kept_pages, options.kept_s)
        self.metrics.in_flight.set_function(self._pages.__len__)
        # a drawn box waits neither for bulk pages nor for pages that others open
        self._drawn = ThreadPoolExecutor(DRAWN_AT_ONCE, thread_name_prefix="drawn")
        self._record = TaskRecord(self.metrics.count_failure)
        self._loader = EngineLoader(partial(load, self.metrics), options.retry_s, options.watch_s)
        self._promoted = promoted
        if promoted is not None:
            promoted.follow(self.replace_engines)

    @property
    def state(self) -> tuple[ServiceState, str]:
        """How the service is, with one sentence."""
        return self._loader.state

    def engines(self, timeout_s: float = 0) -> Engines:
        """The present engines, to look at.

        Raises:
            NotReady: they are still loading.
            TwinreadError: why they failed to load.
        """
        return self._loader.engines(timeout_s)

    @property
    def model_version(self) -> str:
        """What `/setup` answers, and what is written into every prediction made from now on.

        Raises:
            NotReady: it is not known yet.
            TwinreadError: why it never will be.
        """
        return self.engines().model_version

    def replace_engines(
        self, load: Callable[[Metrics], Engines], again: Callable[[Metrics], Engines] | None = None
    ) -> Future[str]:
        """Load other engines and let them take over while the service goes on; see `EngineLoader.replace`.

        Args:
            load: builds them, for example with a newly trained model.
            again: is called from then on when they have failed; None for `load`.

        Returns:
            A future of the new model version, which ends with the reason when the old engines stay.
        """
        return self._loader.replace(
            partial(load, self.metrics), None if again is None else partial(again, self.metrics)
        )

    def reload(self, limit_s: float) -> Look:
        """Look at once whether another model was promoted, and let it take over.

        Args:
            limit_s: how long to wait until it reads, seconds.
        """
        if self._promoted is None:
            return Look("unchanged", "This service reads with the engines that it was given.")
        return self._promoted.look(limit_s)

    def ask_to_reload(self) -> None:
        """The same without waiting, for a signal handler."""
        if self._promoted is not None:
            self._promoted.ask()

    def predict(
        self,
        tasks: Sequence[Mapping[str, Any]],
        config: LabelingConfig,
        wording: Wording,
        deadline_s: float,
    ) -> list[Prediction | Failure]:
        """Predict tasks, in order, for at most `deadline_s` seconds.

        Label Studio asks for one task when somebody opens it: a task that comes alone goes ahead of bulk
        work with all its pages. What was not reached by then is a `Failure` with `Late`; its work goes on
        and a later call gets it. A task that failed does not touch its neighbours.

        Args:
            tasks: as Label Studio sends them, with `id` and `data`.
            config: tag and label names.
            wording: languages.
            deadline_s: how long the caller waits, seconds.

        Raises:
            NotReady: the models are still loading.
            TwinreadError: why they failed to load.
        """
        engines = self.engines()
        end = time.monotonic() + deadline_s
        work: dict[TaskPage, Future[ReadPage]] = {}
        for task in tasks:
            # the task's own turn says why it names no page
            for page in _pages_or_none(task, config, wording):
                work[page] = self._begin(page, engines.model_version)
        if len(tasks) == 1:
            self._pages.hurry(tuple(work.values()))
        wait(work.values(), max(0.0, end - time.monotonic()))

        def read(page: TaskPage) -> ReadPage:
            return self._outcome(work[page])

        answers = [read_task(engines, task, config, wording, read=read) for task in tasks]
        by_pages = {id(future.exception()) for future in work.values() if future.done()}
        for answer in answers:
            # a page's failure is noted where the page is read, also when nobody waits for it any more
            if isinstance(answer, Prediction) or id(answer.error) not in by_pages:
                self.note(answer)
        return answers

    def read_lines(
        self, page: TaskPage, lines: Sequence[Line], deadline_s: float
    ) -> list[ReadLine | TwinreadError]:
        """Read given lines of a page, all at once and ahead of bulk work.

        Args:
            page: which one.
            lines: with usable quads, in page pixels.
            deadline_s: how long the caller waits, seconds.

        Returns:
            One read line per line, in order; an error for a line over which a library failed. A reading that
            did not come in time says so, and what the readers still say goes into the store.

        Raises:
            Late: the image was not there in time.
            TwinreadError: the image cannot be had, no line could be read, or the models are not ready.
        """
        self.engines()
        end = time.monotonic() + deadline_s

        def work() -> list[ReadLine | TwinreadError]:
            with (
                self._loader.lend() as engines,
                engines.lend(page.language) as panel,
                limited(panel, end, deadline_s) as in_time,
                open_page(engines, page, urgency=Urgency(urgent=True)) as opened,
            ):
                return self._lines_of(page, opened, lines, in_time)

        future = self._drawn.submit(work)
        try:
            # the readers end at the deadline, and their answers are judged after it
            read = future.result(deadline_s + JUDGING_S)
        except FutureTimeout as error:
            # one that nobody has begun would only keep the next box waiting
            future.cancel()
            raise Late(
                f"The page of the box did not come within {shown_s(deadline_s)}; draw the box again."
            ) from error
        except TwinreadError as error:
            self._record.failed(page.name, _DRAWN, error)
            raise
        except Exception as error:  # a drawn box is never lost to a library's error
            failure = unexpected(page.name, error)
            self._record.failed(page.name, _DRAWN, failure)
            raise failure from error
        self._record.mended(page.name, _DRAWN)
        return read

    def _lines_of(
        self, page: TaskPage, opened: Page, lines: Sequence[Line], panel: Panel
    ) -> list[ReadLine | TwinreadError]:
        """Lines read together; each alone where a library fails over one of them."""
        try:
            return list(read_lines(opened, lines, panel, urgency=Urgency(urgent=True)))
        except Exception as error:
            failed = unexpected(page.name, error)
            if len(lines) == 1:
                raise failed from error
        read: list[ReadLine | TwinreadError] = []
        for line in lines:
            try:
                read += read_lines(opened, [line], panel, urgency=Urgency(urgent=True))
            except Exception as error:  # noqa: BLE001, PERF203 - it must not reach the lines beside it
                read.append(unexpected(page.name, error))
        if not any(isinstance(one, ReadLine) for one in read):
            raise failed
        return read

    def status(self) -> dict[str, object]:
        """What waits and what failed, for `GET /status`."""
        state, sentence = self.state
        engines = self.engines() if state == "ready" else None
        return {
            "state": state,
            "reason": sentence,
            "model_version": engines.model_version if engines else None,
            "readers": engines.readers if engines else None,
            "unread_languages": engines.unread() if engines else {},
            "promoted": self._promoted.status() if self._promoted else None,
            "store_problem": engines.problem() if engines else None,
            "misreading": self._loader.misreading,
            "pages_in_flight": len(self._pages),
            "failed_tasks": self._record.failures,
            "noted_tasks": self._record.notes,
        }

    def note(self, answer: Prediction | Failure) -> None:
        """Make a task's own failure visible in the log, the metrics and the status, until it is mended.

        So are the notes of a task's pages, in the log and the status, until they are gone.
        """
        name = task_name(answer.task)
        if isinstance(answer, Failure):
            self._record.failed(name, _TASK, answer.error)
        else:
            self._record.done(name, " ".join(answer.notes))

    def close(self) -> None:
        """Stop; work that waits is dropped, what was read is in the store."""
        if self._promoted is not None:
            self._promoted.close()
        self._pages.close(wait=False)
        self._drawn.shutdown(wait=False, cancel_futures=True)
        self._loader.close()
        self._pages.close(wait=True)
        self._drawn.shutdown(wait=True)

    def _begin(self, page: TaskPage, model_version: str) -> Future[ReadPage]:
        """The one future of this page's work: finished, in flight, or begun now.

        A page that was read by replaced engines is read anew: the version is part of the key.
        """
        return self._pages.submit((model_version, page), partial(self._read, page))

    def _read(self, page: TaskPage, urgency: Urgency) -> ReadPage:
        try:
            with self.metrics.page_seconds.time(), self._loader.lend() as engines:
                read = read_page(self._bounded(engines), page, urgency=urgency)
        except TwinreadError as error:
            self._record.failed(page.name, page.reference, error)
            raise
        except Exception as error:
            failure = unexpected(page.name, error)
            self._record.failed(page.name, page.reference, failure)
            raise failure from error
        self._record.mended(page.name, page.reference)
        self.metrics.count_page(read)
        return read

    def _bounded(self, engines: Engines) -> Engines:
        """The engines; a reader that never answers costs a page its time, not the worker its life."""

        @contextmanager
        def lend(language: str) -> Iterator[Panel]:
            with engines.lend(language) as panel:
                end = time.monotonic() + self._reading_s
                with limited(panel, end, self._reading_s) as in_time:
                    yield in_time

        return replace(engines, lend=lend)

    def _outcome(self, future: Future[ReadPage]) -> ReadPage:
        """What came of a page by now; raises why there is nothing."""
        if not future.done():
            self.metrics.late.inc()
            raise Late("Not reached before the deadline; the work goes on, ask again.")
        return future.result()


def _pages_or_none(task: Mapping[str, Any], config: LabelingConfig, wording: Wording) -> list[TaskPage]:
    try:
        return pages_of(task, config, wording)
    except TwinreadError:
        return []

"""Tasks in, predictions out, in order, before the deadline.

One per process. Work on the same page is done once however many requests ask for it; what a deadline cuts
off goes on in the background, and the next request takes it up from there.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from backend.errors import Busy, Late, TwinreadError
from backend.fetching.download_queue import DownloadLimits, DownloadQueue
from backend.label_studio.labeling_config import LabelingConfig
from backend.page.lines import Line, ReadLine, ReadPage
from backend.pipeline.drawn_boxes import DrawnBoxes
from backend.pipeline.engines import RETRY_S, WATCH_S, EngineLoader, Engines, ServiceState
from backend.pipeline.metrics import Metrics
from backend.pipeline.page_reading import PageReader
from backend.pipeline.page_work import PageWork
from backend.pipeline.promoted_models import Look, PromotedModels
from backend.pipeline.read_task import (
    Failure,
    Prediction,
    TaskPage,
    Wording,
    pages_of,
    read_task,
    task_id,
    task_name,
)
from backend.pipeline.task_record import TaskRecord
from backend.tickets import Asker

log = logging.getLogger(__name__)

CLOSE_S = 6.0
"""How long the end may take, seconds, whatever hangs."""

_TASK = "task"
"""What can fail of a task beside its pages and its drawn boxes."""


@dataclass(frozen=True, slots=True)
class ServiceOptions:
    """Limits of a service; pages, seconds.

    retry_s: waits before engines that failed are loaded again; the last one repeats.
    watch_s: how often they are asked whether they have failed.
    reading_s: the longest that a page waits for its readers, behind other pages too.
    waiting_pages: more are refused; annotators' pages are counted apart.
    downloads: how many at once.
    """

    page_workers: int = 4
    kept_pages: int = 2048
    kept_s: float = 900
    retry_s: tuple[float, ...] = RETRY_S
    watch_s: float = WATCH_S
    reading_s: float = 3600
    waiting_pages: int = 20_000
    downloads: DownloadLimits = field(default_factory=DownloadLimits)


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
        self._downloads = DownloadQueue(options.downloads)
        self._pages: PageWork[ReadPage] = PageWork(
            options.page_workers,
            options.kept_pages,
            options.kept_s,
            most=options.waiting_pages,
            downloads=self._downloads,
        )
        self.metrics.watch(
            pages=self._pages.__len__,
            opened=lambda: self._pages.opened,
            downloads=lambda: self._downloads.on_their_way,
            ready=lambda: self.state[0] == "ready",
            store_usable=lambda: self._store_problem() is None,
        )
        self._record = TaskRecord(self.metrics.count_failure)
        self._loader = EngineLoader(partial(load, self.metrics), options.retry_s, options.watch_s)
        self._reader = PageReader(self._loader, self._record, self.metrics, options.reading_s)
        self._drawn = DrawnBoxes(self._loader, self._record, self._downloads)
        # whose pages were refused last, and why, until some of theirs are taken
        self._refusal: tuple[str, str] | None = None
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
        *,
        project: str = "",
    ) -> list[Prediction | Failure]:
        """Predict tasks, in order, for at most `deadline_s` seconds.

        Label Studio asks for one task when somebody opens it: a task that comes alone goes ahead of bulk
        work with all its pages. Projects take turns, and so do the requests of one. What was not reached by
        then is a `Failure` with `Late`; its work goes on, also when nobody waits any longer, and a later call
        gets it. A task that failed does not touch its neighbours.

        Args:
            tasks: as Label Studio sends them, with `id` and `data`.
            config: tag and label names.
            wording: languages.
            deadline_s: how long the caller waits, seconds.
            project: whose they are; empty where the caller does not say it, who then takes turns alone.

        Raises:
            Busy: so many pages wait already that none of these was taken.
            NotReady: the models are still loading.
            TwinreadError: why they failed to load.
        """
        engines = self.engines()
        end = time.monotonic() + deadline_s
        # the task's own turn says why it names no page
        wanted = {page: None for task in tasks for page in _pages_or_none(task, config, wording)}
        work = self._begin(list(wanted), engines, project, opened=len(tasks) == 1)
        begun = [came for came in work.values() if not isinstance(came, Busy)]
        wait(begun, max(0.0, end - time.monotonic()))

        def read(page: TaskPage) -> ReadPage:
            return self._outcome(work[page])

        answers = [read_task(engines, task, config, wording, read=read) for task in tasks]
        by_pages = {id(future.exception()) for future in begun if future.done()}
        for answer in answers:
            # a page's failure is noted where the page is read, also when nobody waits for it any more
            if isinstance(answer, Prediction) or id(answer.error) not in by_pages:
                self.note(answer)
        return answers

    def begin(
        self, task: Mapping[str, Any], config: LabelingConfig, wording: Wording, *, project: str = ""
    ) -> Future[Prediction | Failure]:
        """Begin to predict one task of bulk work; nobody waits here.

        Args:
            task: as Label Studio has it, with `id` and `data`.
            config: tag and label names.
            wording: languages.
            project: whose it is; projects take turns.

        Returns:
            A future of its prediction, or of why there is none; it never ends with an exception.
        """
        answer: Future[Prediction | Failure] = Future()
        try:
            engines = self.engines()
            pages = dict.fromkeys(_pages_or_none(task, config, wording))
            work = self._begin(list(pages), engines, project, opened=False)
        except TwinreadError as error:
            answer.set_result(Failure(task_id(task), error))
            return answer
        left = [came for came in work.values() if not isinstance(came, Busy)]
        lock, ended = threading.Lock(), 0

        def read(page: TaskPage) -> ReadPage:
            return self._outcome(work[page])

        def write() -> None:
            answer.set_result(read_task(engines, task, config, wording, read=read))

        def one_ended(_: Future[ReadPage]) -> None:
            nonlocal ended
            with lock:
                ended += 1
                last = ended == len(left)
            if last:
                write()

        for came in left:
            came.add_done_callback(one_ended)
        if not left:
            write()
        return answer

    def read_lines(
        self, page: TaskPage, lines: Sequence[Line], deadline_s: float, *, project: str = ""
    ) -> list[ReadLine | TwinreadError]:
        """Read given lines of a page, all at once and ahead of bulk work.

        Args:
            page: which one.
            lines: with usable quads, in page pixels.
            deadline_s: how long the caller waits, seconds.
            project: whose page it is; empty where the caller does not say it.

        Returns:
            One read line per line, in order; an error for a line over which a library failed. A reading that
            did not come in time says so, and what the readers still say goes into the store.

        Raises:
            Late: the image was not there in time.
            TwinreadError: the image cannot be had, no line could be read, or the models are not ready.
        """
        return self._drawn.read(page, lines, deadline_s, project)

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
            "store_problem": self._store_problem(),
            "spending": engines.spending() if engines else None,
            "misreading": self._loader.misreading,
            "pages_in_flight": len(self._pages),
            "refused": self._refusal[1] if self._refusal else None,
            "failed_tasks": self._record.failures,
            "noted_tasks": self._record.notes,
        }

    def _store_problem(self) -> str | None:
        """Why readings cannot be kept; None while they can, or while nobody reads."""
        try:
            return self.engines().problem()
        except TwinreadError:
            return None

    def note(self, answer: Prediction | Failure) -> None:
        """Make a task's own failure visible in the log, the metrics and the status, until it is mended.

        So are the notes of a task's pages, in the log and the status, until they are gone.
        """
        name = task_name(answer.task)
        if isinstance(answer, Failure):
            self._record.failed(name, _TASK, answer.error)
        else:
            self._record.done(name, " ".join(answer.notes))

    def close(self, limit_s: float = CLOSE_S) -> None:
        """Stop; who waits is told at once, work that waits is dropped, what was read is in the store.

        Args:
            limit_s: how long it may take, seconds. Half of it is for pages that were begun; a call that hangs
                is left alone with its thread then.
        """
        end = time.monotonic() + limit_s
        if self._promoted is not None:
            self._promoted.close()
        self._pages.close(limit_s / 2)
        self._drawn.close(max(0.0, end - limit_s / 2 - time.monotonic()))
        closing = threading.Thread(target=self._loader.close, name="close-engines", daemon=True)
        closing.start()
        closing.join(max(0.0, end - time.monotonic()))
        if closing.is_alive():
            log.warning("The end did not wait for a call that has not answered within %g s.", limit_s)

    def _begin(
        self, pages: Sequence[TaskPage], engines: Engines, project: str, *, opened: bool
    ) -> dict[TaskPage, Future[ReadPage] | Busy]:
        """The one future of each page's work: finished, in flight, or begun now; or why it was refused.

        A page that was read by replaced engines is read anew: the version is part of the key.

        Raises:
            Busy: every one was refused.
        """
        request = object()
        asker = Asker(project or request, request)

        def begin(page: TaskPage) -> Future[ReadPage] | Busy:
            key, job = (engines.model_version, *page.key), self._reader.job(page, engines.source)
            try:
                return self._pages.submit(key, job, asker, pages=len(pages), opened=opened)
            except Busy as error:
                return error

        work = {page: begin(page) for page in pages}
        refused = [came for came in work.values() if isinstance(came, Busy)]
        self._note_refusal(project, refused)
        if refused and (opened or len(refused) == len(work)):
            raise refused[0]
        if opened:
            self._pages.hurry([came for came in work.values() if not isinstance(came, Busy)])
        return work

    def _note_refusal(self, project: str, refused: Sequence[Busy]) -> None:
        """One line of the log for a request; the status says it until the project's next one is taken."""
        if refused:
            self.metrics.refused.inc(len(refused))
            sentence = f"{len(refused)} pages of a request were refused: {refused[0]}"
            self._refusal = project, sentence
            log.warning("%s", sentence)
        elif self._refusal is not None and self._refusal[0] == project:
            self._refusal = None

    def _outcome(self, came: Future[ReadPage] | Busy) -> ReadPage:
        """What came of a page by now; raises why there is nothing."""
        if isinstance(came, Busy):
            raise came
        if not came.done():
            self.metrics.late.inc()
            raise Late("Not reached before the deadline; the work goes on, ask again.")
        return came.result()


def _pages_or_none(task: Mapping[str, Any], config: LabelingConfig, wording: Wording) -> list[TaskPage]:
    try:
        return pages_of(task, config, wording)
    except TwinreadError:
        return []

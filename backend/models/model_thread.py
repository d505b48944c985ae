"""Threads that own a model: only the thread that built it ever touches it.

A Paddle predictor that two threads share gives wrong lines without an error, and Tesseract keeps
the image in its handle; so each model lives in a thread of its own, and work comes to it through
a queue. Loading happens in that thread too: whoever starts it goes on at once.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import math
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from backend.errors import NotReady, Stopping, TwinreadError, UnexpectedFailure

log = logging.getLogger(__name__)

Model = TypeVar("Model")
Item = TypeVar("Item")
Result = TypeVar("Result")


def sentence_of(error: Exception, what: str) -> str:
    """What may be shown of an error: our own words, or of a library's error its kind (the rest is logged).

    Args:
        error: of one item of work.
        what: could not be done, such as "This line could not be read".
    """
    if isinstance(error, TwinreadError):
        return str(error)
    log.warning("%s", what, exc_info=error)
    return f"{what} ({type(error).__name__}); the log says more."


class ModelState(Enum):
    """How far a model is."""

    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, eq=False)
class _Job(Generic[Item, Result]):
    """One item of work and where its result is awaited."""

    item: Item
    future: Future[Result]
    on_error: Callable[[Exception], Result] | None

    def fail(self, error: Exception) -> None:
        """End the future with the error, or with the result that stands for it."""
        if self.on_error is None:
            self.future.set_exception(error)
        else:
            self.future.set_result(self.on_error(error))


class ModelThread(Generic[Model, Item, Result]):
    """Builds a model in its own thread and works through items with it, urgent ones first.

    Among urgent ones those go first that few were asked for with: a person who drew one box does not
    wait for all lines of a page that another person opened.

    Args:
        name: what is loading, for messages and thread names, such as "detection model".
        build: makes the model; called once in each thread.
        work: turns up to `batch` items into as many results, in order.
        batch: how many waiting items one call of `work` may take; they are never waited for.
        threads: how many threads build a model each and share the queue.

    When `work` raises over several items, each is tried alone, so that an exception reaches the
    future of the item that caused it and no other.
    """

    def __init__(
        self,
        name: str,
        build: Callable[[], Model],
        work: Callable[[Model, Sequence[Item]], Sequence[Result]],
        *,
        batch: int = 1,
        threads: int = 1,
    ) -> None:
        self.name = name
        self._build = build
        self._work = work
        self._batch = max(1, batch)
        self._changed = threading.Condition()
        self._state = ModelState.LOADING
        self._failure: TwinreadError | None = None
        # by rank, then as they came
        self._waiting: list[tuple[float, int, _Job[Item, Result]]] = []
        self._order = itertools.count()
        self._built = 0
        self._threads = [
            # Daemons, so that a forgotten stop() cannot keep a command from ending.
            threading.Thread(target=self._run, name=f"{name} {number}", daemon=True)
            for number in range(max(1, threads))
        ]

    @property
    def state(self) -> ModelState:
        """Loading (also before `start`), ready, failed or stopped."""
        return self._state

    @property
    def failure(self) -> TwinreadError | None:
        """Why it failed to load; None unless `state` is failed."""
        return self._failure

    @property
    def waiting(self) -> int:
        """How many items nobody has begun."""
        return len(self._waiting)

    def start(self) -> None:
        """Begin to load and return at once; a second call does nothing."""
        with self._changed:
            begin = [thread for thread in self._threads if thread.ident is None]
            if self._state is ModelState.LOADING:
                for thread in begin:
                    thread.start()

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the model is ready.

        Args:
            timeout: seconds, or None for as long as it takes.

        Raises:
            TwinreadError: the reason for which it failed to load.
            NotReady: it is still loading after `timeout`.
            Stopping: it was stopped.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._state is not ModelState.LOADING, timeout)
            if self._state is not ModelState.READY:
                raise self._refusal()

    def submit(
        self,
        item: Item,
        *,
        urgent: bool = False,
        among: int = 1,
        on_error: Callable[[Exception], Result] | None = None,
    ) -> Future[Result]:
        """Queue one item, behind those of its own rank that came before it.

        Args:
            item: what to work on.
            urgent: go ahead of everything that is not, and of everything that more were asked for with.
            among: how many items are asked for together.
            on_error: makes a result of an error, so that the future never ends with an exception.

        Returns:
            A future of its result. It ends with the exception that `work` raised over this item,
            with the reason when the model fails to load, or with `Stopping` after `stop`.
        """
        job: _Job[Item, Result] = _Job(item, Future(), on_error)
        with self._changed:
            if self._state in (ModelState.LOADING, ModelState.READY):
                rank = among if urgent else math.inf
                heapq.heappush(self._waiting, (rank, next(self._order), job))
                self._changed.notify()
                return job.future
            refusal = self._refusal()
        job.fail(refusal)
        return job.future

    def stop(self) -> None:
        """End the threads after what they are at; everything that still waits gets an error."""
        self._end(ModelState.STOPPED, None)
        for thread in self._threads:
            if thread.ident is not None and thread is not threading.current_thread():
                thread.join()

    def _run(self) -> None:
        try:
            model = self._build()
        except TwinreadError as error:
            self._end(ModelState.FAILED, error)
            return
        except Exception as error:  # whatever a library raises means that there is no model
            # its message may hold paths of this machine, so it goes to the log alone
            log.exception("The %s failed to load", self.name)
            kind = type(error).__name__
            self._end(
                ModelState.FAILED,
                UnexpectedFailure(f"The {self.name} failed to load ({kind}); the log says more.", kind=kind),
            )
            return
        with self._changed:
            self._built += 1
            if self._built == len(self._threads) and self._state is ModelState.LOADING:
                self._state = ModelState.READY
                self._changed.notify_all()
        while jobs := self._next():
            self._finish(model, jobs)

    def _next(self) -> list[_Job[Item, Result]]:
        """The jobs of the next call, all of one rank; none when there is nothing more to do."""
        with self._changed:
            while True:
                self._changed.wait_for(
                    lambda: (
                        self._state in (ModelState.FAILED, ModelState.STOPPED)
                        or (self._state is ModelState.READY and bool(self._waiting))
                    )
                )
                if self._state is not ModelState.READY:
                    return []
                rank = self._waiting[0][0]
                jobs: list[_Job[Item, Result]] = []
                while self._waiting and self._waiting[0][0] == rank and len(jobs) < self._batch:
                    jobs.append(heapq.heappop(self._waiting)[-1])
                begun = [job for job in jobs if job.future.set_running_or_notify_cancel()]
                if begun:
                    return begun

    def _finish(self, model: Model, jobs: Sequence[_Job[Item, Result]]) -> None:
        try:
            results = self._work(model, [job.item for job in jobs])
            if len(results) != len(jobs):
                raise RuntimeError(f"{self.name}: {len(results)} results for {len(jobs)} items")
        except Exception as error:  # noqa: BLE001 - it belongs to the future, whatever it is
            if len(jobs) == 1:
                jobs[0].fail(error)
            else:
                for job in jobs:
                    self._finish(model, [job])
            return
        for job, result in zip(jobs, results, strict=True):
            job.future.set_result(result)

    def _end(self, state: ModelState, failure: TwinreadError | None) -> None:
        with self._changed:
            if self._state in (ModelState.FAILED, ModelState.STOPPED):
                return
            self._state, self._failure = state, failure
            left = [job for _, _, job in sorted(self._waiting)]
            self._waiting.clear()
            refusal = self._refusal()
            self._changed.notify_all()
        for job in left:
            if job.future.set_running_or_notify_cancel():
                job.fail(refusal)

    def _refusal(self) -> TwinreadError:
        if self._failure is not None:
            return self._failure
        if self._state is ModelState.STOPPED:
            return Stopping(f"The {self.name} was stopped before it came to this.", name=self.name)
        return NotReady(f"The {self.name} is still loading; try again in a few seconds.", name=self.name)


class BackgroundModel(Generic[Model, Item, Result]):
    """What every engine with a model thread has in common: it loads in the background and can be stopped."""

    _model_thread: ModelThread[Model, Item, Result]

    @property
    def state(self) -> ModelState:
        """Whether the model is loading, ready, failed or stopped."""
        return self._model_thread.state

    @property
    def failure(self) -> TwinreadError | None:
        """Why the model failed to load."""
        return self._model_thread.failure

    def start(self) -> None:
        """Load the model in the background."""
        self._model_thread.start()

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the model is loaded.

        Raises:
            TwinreadError: why it is not.
        """
        self._model_thread.wait(timeout)

    def stop(self) -> None:
        """End the threads; what waits gets an error."""
        self._model_thread.stop()

"""Threads that own a model: only the thread that built it ever touches it.

A Paddle predictor that two threads share gives wrong lines without an error, and Tesseract keeps
the image in its handle; so each model lives in a thread of its own, and work comes to it through
a queue. Loading happens in that thread too: whoever starts it goes on at once.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from enum import Enum
from typing import Generic, TypeVar

from backend.errors import NotReady, Stopping, TwinreadError, UnexpectedFailure
from backend.tickets import Ticket, TicketQueue

log = logging.getLogger(__name__)

Model = TypeVar("Model")
Item = TypeVar("Item")
Result = TypeVar("Result")


LIMIT_S = 600.0
"""How long one call of a model may take, seconds; a GPU that compiles a model takes minutes for the first."""


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


class ModelThread(TicketQueue[Item, Result], Generic[Model, Item, Result]):
    """A queue that works through its tickets with a model, in the thread that built it.

    Args:
        name: what is loading, for messages and thread names, such as "detection model".
        build: makes the model; called once in each thread.
        work: turns up to `batch` items into as many results, in order.
        batch: how many waiting items one call of `work` may take; they are never waited for.
        threads: how many threads build a model each and share the queue.
        limit_s: how long one call of `work` may take, seconds.

    Attributes:
        state: loading (also before `start`), ready, failed or stopped.
        failure: why it failed; None unless `state` is failed.

    When `work` raises over several items, each is tried alone, so that an exception reaches the
    future of the item that caused it and no other. A future also ends with the reason when the model
    fails to load, when a call takes longer than `limit_s`, and with `Stopping` after `stop`. Nothing can
    end the thread of such a call: it is left alone, and the model is failed for good.
    """

    def __init__(
        self,
        name: str,
        build: Callable[[], Model],
        work: Callable[[Model, Sequence[Item]], Sequence[Result]],
        *,
        batch: int = 1,
        threads: int = 1,
        limit_s: float = LIMIT_S,
    ) -> None:
        super().__init__()
        self.name = name
        self._build = build
        self._work = work
        self._batch = max(1, batch)
        self._loading = threading.Condition()
        self.state = ModelState.LOADING
        self.failure: TwinreadError | None = None
        self._unbuilt = max(1, threads)
        self._limit_s = limit_s
        # what each thread has in its hands, and since when; both belong to the lock of `_loading`
        self._at_work: dict[int, tuple[float, Sequence[Ticket[Item, Result]]]] = {}
        self._given_up: set[int] = set()
        # the threads that may have something in their hands; belongs to that lock, too
        self._serving: set[int] = set()
        self._watcher = threading.Thread(target=self._watch, name=f"watch of the {name}", daemon=True)
        self._threads = [
            # Daemons, so that a forgotten stop() cannot keep a command from ending.
            threading.Thread(target=self._run, name=f"{name} {number}", daemon=True)
            for number in range(self._unbuilt)
        ]

    def start(self) -> None:
        """Begin to load and return at once; a second call does nothing."""
        with self._loading:
            if self.state is ModelState.LOADING:
                for thread in (*self._threads, self._watcher):
                    if thread.ident is None:
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
        with self._loading:
            if not self._loading.wait_for(lambda: self.state is not ModelState.LOADING, timeout):
                raise NotReady(
                    f"The {self.name} is still loading; try again in a few seconds.", name=self.name
                )
            if self.state is not ModelState.READY:
                raise self.failure or self._stopping()

    def stop(self) -> None:
        """End the threads after what they are at; everything that still waits gets an error."""
        self._end(ModelState.STOPPED, None)
        for thread in self._threads:
            if thread.ident in (None, threading.get_ident()) or thread.ident in self._given_up:
                continue
            # one that never comes back must not keep others from ending
            thread.join(self._limit_s)
        if self._watcher.ident not in (None, threading.get_ident()):
            self._watcher.join()

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
            sentence = f"The {self.name} failed to load ({kind}); the log says more."
            self._end(ModelState.FAILED, UnexpectedFailure(sentence, kind=kind))
            return
        with self._loading:
            self._unbuilt -= 1
            if not self._unbuilt and self.state is ModelState.LOADING:
                self.state = ModelState.READY
                self._loading.notify_all()
            # a thread whose model is built has nothing to do before all are
            self._loading.wait_for(lambda: self.state is not ModelState.LOADING)
            self._serving.add(threading.get_ident())
        try:
            while tickets := self.take(self._batch):
                self._finish(model, tickets)
                # a page of 240 MB would stay in memory until the next one comes
                del tickets
        finally:
            with self._loading:
                self._serving.discard(threading.get_ident())
                self._loading.notify_all()

    def _finish(self, model: Model, tickets: Sequence[Ticket[Item, Result]]) -> None:
        this = threading.get_ident()
        try:
            with self._loading:
                self._at_work[this] = time.monotonic(), tickets
            try:
                results = self._work(model, [ticket.item for ticket in tickets])
            finally:
                with self._loading:
                    given_up = self._at_work.pop(this, None) is None
            if given_up:
                # too late: who asked was answered
                return
            if len(results) != len(tickets):
                raise RuntimeError(f"{self.name}: {len(results)} results for {len(tickets)} items")
        except Exception as error:  # noqa: BLE001 - it belongs to the future, whatever it is
            if this in self._given_up:
                return
            if len(tickets) == 1:
                tickets[0].fail(error)
            else:
                for ticket in tickets:
                    self._finish(model, [ticket])
            return
        for ticket, result in zip(tickets, results, strict=True):
            ticket.future.set_result(result)

    def _watch(self) -> None:
        """Give up a call that takes too long, with the model."""
        while True:
            with self._loading:
                # asked first: a model may have failed before its watch began
                if self._loading.wait_for(self._is_over, self._limit_s / 10):
                    return
                before = time.monotonic() - self._limit_s
                stuck = {who: held for who, (since, held) in self._at_work.items() if since < before}
                for who in stuck:
                    del self._at_work[who]
                self._given_up |= set(stuck)
                self._serving -= set(stuck)
            if not stuck:
                continue
            frames = sys._current_frames()
            where = ("".join(traceback.format_stack(frames[who])) for who in stuck if who in frames)
            log.error("The %s has not answered for %g s:\n%s", self.name, self._limit_s, "\n".join(where))
            failure = UnexpectedFailure(
                f"The {self.name} has not answered for {self._limit_s:g} s and was given up.", name=self.name
            )
            self._end(ModelState.FAILED, failure)
            for tickets in stuck.values():
                for ticket in tickets:
                    with suppress(InvalidStateError):
                        ticket.fail(failure)

    def _end(self, state: ModelState, failure: TwinreadError | None) -> None:
        # known before anybody's future ends with it: who is refused may ask at once whether it failed
        with self._loading:
            if self.state in (ModelState.LOADING, ModelState.READY):
                self.state, self.failure = state, failure
                self._loading.notify_all()
        # the first error that the queue is closed with stays: that of a failure, not of a stop after it
        self.close(failure or self._stopping())

    def _is_over(self) -> bool:
        # others may still be at a call when the model fails or is stopped, and are watched to its end
        return self.state not in (ModelState.LOADING, ModelState.READY) and not self._serving

    def _stopping(self) -> Stopping:
        return Stopping(f"The {self.name} was stopped before it came to this.", name=self.name)


class BackgroundModel(Generic[Model, Item, Result]):
    """What every engine with a model thread has in common: it loads in the background and can be stopped."""

    _model_thread: ModelThread[Model, Item, Result]

    @property
    def state(self) -> ModelState:
        """Whether the model is loading, ready, failed or stopped."""
        return self._model_thread.state

    @property
    def failure(self) -> TwinreadError | None:
        """Why there is no model: it failed to load, or has not answered."""
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

    def hurry(self, futures: Sequence[Future[Result]]) -> None:
        """Let what waits as bulk work go ahead: an annotator has come to need it."""
        self._model_thread.hurry(futures)

    def stop(self) -> None:
        """End the threads; what waits gets an error."""
        self._model_thread.stop()

"""Pages in work: the same page is worked on once, however many requests ask for it.

What a deadline cut off goes on here in the background; what was done is kept for a while, so that the
next request finds it. A page that an annotator opens overtakes the pages that wait; when it is in work
already, what waits of it overtakes the rest.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Generic, TypeVar

from cachetools import TTLCache

from backend.errors import Stopping
from backend.tickets import TicketQueue, Urgency

STOPPING = "twinread is stopping; ask again when it is back."

Result = TypeVar("Result")


class PageWork(Generic[Result]):
    """Works through pages by key, urgent ones first; thread-safe.

    Args:
        workers: pages worked on at once, beside two urgent ones.
        kept: results that are kept.
        kept_s: how long, seconds.
    """

    def __init__(self, workers: int, kept: int, kept_s: float) -> None:
        self._any = ThreadPoolExecutor(workers, thread_name_prefix="page")
        self._urgent = ThreadPoolExecutor(2, thread_name_prefix="urgent-page")
        self._waiting: TicketQueue[Callable[[], Result], Result] = TicketQueue(
            lambda: self._any.submit(self._serve_one, False)
        )
        self._lock = threading.Lock()
        self._kept: TTLCache[Hashable, Future[Result]] = TTLCache(kept, kept_s)
        self._in_work: dict[Hashable, tuple[Future[Result], Urgency]] = {}
        self._closed = False

    def __len__(self) -> int:
        """How many pages are in work or wait."""
        with self._lock:
            return len(self._in_work)

    def submit(self, key: Hashable, work: Callable[[Urgency], Result], *, urgent: bool) -> Future[Result]:
        """The one future of a page, for all who ask for it: finished, in work, or begun now.

        Args:
            key: equal for the same page.
            work: makes the result; told whether it is urgent, and when it becomes so.
            urgent: an annotator waits; what waits of the page goes ahead of bulk work.

        Raises:
            Stopping: everything is being stopped; the future ends so, too, if nobody has begun.
        """
        with self._lock:
            if self._closed:
                raise Stopping(STOPPING)
            done = self._kept.get(key)
            if done is not None:
                return done
            if key not in self._in_work:
                urgency = Urgency()
                future = self._waiting.submit(partial(self._work, key, work, urgency))
                urgency.when_hurried(partial(self._hurry, future))
                self._in_work[key] = future, urgency
            future, urgency = self._in_work[key]
        # without the lock: it reaches into the queues where lines of the page wait
        if urgent:
            urgency.hurry()
        return future

    def close(self, *, wait: bool) -> None:
        """Take nothing more; who waits for a page that was not begun is told at once.

        Args:
            wait: until what was begun has ended.
        """
        with self._lock:
            self._closed = True
        self._waiting.close(Stopping(STOPPING))
        for pool in (self._any, self._urgent):
            pool.shutdown(wait=wait, cancel_futures=True)

    def _hurry(self, future: Future[Result]) -> None:
        self._waiting.hurry([future])
        self._urgent.submit(self._serve_one, True)

    def _serve_one(self, urgent: bool) -> None:
        for ticket in self._waiting.take(urgent=urgent, wait=False):
            try:
                result = ticket.item()
            except BaseException as error:  # noqa: BLE001, PERF203 - it belongs to the future, whatever it is
                ticket.future.set_exception(error)
            else:
                ticket.future.set_result(result)

    def _work(self, key: Hashable, work: Callable[[Urgency], Result], urgency: Urgency) -> Result:
        done = False
        try:
            result = work(urgency)
            done = True
            return result
        finally:
            with self._lock:
                future, _ = self._in_work.pop(key)
                # a failure is not kept: asking again is how it is mended
                if done:
                    self._kept[key] = future

"""Pages in work: the same page is worked on once, however many requests ask for it.

What a deadline cut off goes on here in the background; what was done is kept for a while, so that the
next request finds it. The pages of a task that an annotator opens overtake those that wait, a task of few
pages before one of many; what waits of a page that is in work already overtakes the rest.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
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

    def submit(self, key: Hashable, work: Callable[[Urgency], Result]) -> Future[Result]:
        """The one future of a page, for all who ask for it: finished, in work, or to be begun as bulk work.

        Args:
            key: equal for the same page.
            work: makes the result; told whether it is urgent, and when it becomes so.

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
                self._in_work[key] = future, urgency
            return self._in_work[key][0]

    def hurry(self, futures: Sequence[Future[Result]]) -> None:
        """An annotator has come to wait for pages: what waits of them goes ahead of bulk work.

        Args:
            futures: all pages of one task. Of two tasks that wait the one with fewer pages goes first.
        """
        self._waiting.hurry(futures)
        with self._lock:
            hurried = [urgency for future, urgency in self._in_work.values() if future in futures]
            for _ in hurried if not self._closed else ():
                self._urgent.submit(self._serve_one, True)
        # without the lock: it reaches into the queues where lines of the pages wait
        for urgency in hurried:
            urgency.hurry()

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

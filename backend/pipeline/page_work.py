"""Pages in work: the same page is worked on once, however many requests ask for it.

What a deadline cut off goes on here in the background; what was done is kept for a while, so that the
next request finds it. A page that an annotator opens overtakes the pages that wait.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar

from cachetools import TTLCache

from backend.errors import Stopping

STOPPING = "twinread is stopping; ask again when it is back."

Result = TypeVar("Result")


@dataclass(slots=True, eq=False)
class _Job(Generic[Result]):
    """One page in work; `urgent` once it stands in the urgent queue, `begun` once a thread has taken it."""

    work: Callable[[bool], Result]
    future: Future[Result] = field(default_factory=Future)
    urgent: bool = False
    begun: bool = False


class PageWork(Generic[Result]):
    """Works through pages by key, urgent ones beside the others; thread-safe.

    Args:
        workers: pages worked on at once, beside two urgent ones.
        kept: results that are kept.
        kept_s: how long, seconds.
        changed: told how many pages are in work whenever that changes.
    """

    def __init__(
        self, workers: int, kept: int, kept_s: float, changed: Callable[[int], None] = lambda _: None
    ) -> None:
        self._bulk = ThreadPoolExecutor(workers, thread_name_prefix="page")
        self._urgent = ThreadPoolExecutor(2, thread_name_prefix="urgent-page")
        self._lock = threading.Lock()
        self._kept: TTLCache[Hashable, Future[Result]] = TTLCache(kept, kept_s)
        self._jobs: dict[Hashable, _Job[Result]] = {}
        self._changed = changed
        self._closed = False

    def __len__(self) -> int:
        """How many pages are in work or wait."""
        with self._lock:
            return len(self._jobs)

    def submit(self, key: Hashable, work: Callable[[bool], Result], *, urgent: bool) -> Future[Result]:
        """The one future of a page: finished, in work, or begun now.

        Args:
            key: equal for the same page.
            work: makes the result; told whether it is urgent.
            urgent: an annotator waits; a page that still waits behind others goes ahead of them.

        Raises:
            Stopping: everything is being stopped.
        """
        with self._lock:
            if self._closed:
                raise Stopping(STOPPING)
            done = self._kept.get(key)
            if done is not None:
                return done
            job = self._jobs.get(key)
            if job is None:
                job = self._jobs[key] = _Job(work)
                self._changed(len(self._jobs))
            elif job.begun or job.urgent or not urgent:
                return job.future
            # its place in the other queue stays; whichever comes second finds it taken
            job.urgent = urgent
            (self._urgent if urgent else self._bulk).submit(partial(self._run, key, job))
            return job.future

    def close(self, *, wait: bool) -> None:
        """Take nothing more; who waits for a page that was not begun is told at once.

        Args:
            wait: until what was begun has ended.
        """
        with self._lock:
            self._closed = True
            left = [(key, job) for key, job in self._jobs.items() if not job.begun]
            for key, job in left:
                job.begun = True
                del self._jobs[key]
            self._changed(len(self._jobs))
        for _, job in left:
            job.future.cancel()
            job.future.set_running_or_notify_cancel()
        for pool in (self._bulk, self._urgent):
            pool.shutdown(wait=wait, cancel_futures=True)

    def _run(self, key: Hashable, job: _Job[Result]) -> None:
        with self._lock:
            if job.begun:
                return
            job.begun = True
        job.future.set_running_or_notify_cancel()
        try:
            result = job.work(job.urgent)
        except BaseException as error:  # noqa: BLE001 - it belongs to the future, whatever it is
            self._end(key, None)
            job.future.set_exception(error)
        else:
            self._end(key, job.future)
            job.future.set_result(result)

    def _end(self, key: Hashable, keep: Future[Result] | None) -> None:
        with self._lock:
            self._jobs.pop(key, None)
            self._changed(len(self._jobs))
            # a failure is not kept: asking again is how it is mended
            if keep is not None:
                self._kept[key] = keep

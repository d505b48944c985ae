"""Pages in work: the same page is worked on once, however many requests ask for it.

A page is downloaded first, among other downloads, and then waits for a worker. Projects take turns, and so do
the requests of one. The pages of a task that an annotator opens overtake those that wait, a task of few pages
before one of many; what waits of a page that is in work already overtakes the rest.

What a deadline cut off goes on here in the background, also when nobody waits for it any longer: Label Studio
comes back for it. What was done is kept for a while, so that the next request finds it. How much may wait is
limited, and no project may take all of that.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar

from cachetools import TTLCache

from backend.errors import Stopping, TwinreadError
from backend.fetching.download_queue import Downloaded, DownloadLimits, DownloadQueue
from backend.pipeline.backlog import Backlog
from backend.tickets import Asker, TicketQueue, Urgency, asking_for

STOPPING = "twinread is stopping; ask again when it is back."

URGENT_WORKERS = 2
"""Pages that annotators wait for are worked on beside the others, so many at once."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class PageJob(Generic[Result]):
    """How a page is worked on.

    host: who is asked for its image; empty for Label Studio.
    at_hand: whether `fetch` asks nobody, and needs no turn among downloads.
    fetch: downloads the image.
    work: makes the result of it; told whether it is urgent, and when it becomes so.
    """

    host: str
    at_hand: Callable[[], bool]
    fetch: Callable[[], bytes]
    work: Callable[[bytes, Urgency], Result]


@dataclass(slots=True, eq=False)
class _Page(Generic[Result]):
    """A page in work; what changes belongs to the lock.

    pages: of the request that it takes its turn with.
    among: how many pages an annotator waits for with it; infinite while nobody does.
    download: its image to come.
    ticket: where it waits for a worker, once its image has come.
    """

    key: Hashable
    job: PageJob[Result]
    asker: Asker
    pages: int
    future: Future[Result] = field(default_factory=Future)
    urgency: Urgency = field(default_factory=Urgency)
    among: float = math.inf
    download: Future[Downloaded] | None = None
    ticket: Future[None] | None = None

    @property
    def opened(self) -> bool:
        """Whether an annotator waits."""
        return self.among < math.inf


class PageWork(Generic[Result]):
    """Works through pages by key, urgent ones first; thread-safe.

    Args:
        workers: pages worked on at once, beside two urgent ones.
        kept: results that are kept.
        kept_s: how long, seconds.
        most: how many pages may be in work or wait, see `Backlog`.
        downloads: fetches their images.
    """

    def __init__(
        self,
        workers: int,
        kept: int,
        kept_s: float,
        *,
        most: int = 20_000,
        downloads: DownloadQueue | None = None,
    ) -> None:
        self._backlog = Backlog(most)
        self._downloads = downloads or DownloadQueue(DownloadLimits())
        self._any = ThreadPoolExecutor(workers, thread_name_prefix="page")
        self._urgent = ThreadPoolExecutor(URGENT_WORKERS, thread_name_prefix="urgent-page")
        self._waiting: TicketQueue[Callable[[], None], None] = TicketQueue(
            lambda: self._any.submit(self._serve_one, False)
        )
        self._lock = threading.Lock()
        self._kept: TTLCache[Hashable, Future[Result]] = TTLCache(kept, kept_s)
        self._in_work: dict[Hashable, _Page[Result]] = {}
        self._at_work: set[Future[None]] = set()
        self._closed = False

    def __len__(self) -> int:
        """How many pages are in work or wait."""
        with self._lock:
            return len(self._in_work)

    @property
    def opened(self) -> int:
        """How many of them annotators wait for."""
        with self._lock:
            return self._backlog.opened

    def submit(
        self, key: Hashable, job: PageJob[Result], asker: Asker, *, pages: int = 1, opened: bool = False
    ) -> Future[Result]:
        """The one future of a page, for all who ask for it: finished, in work, or to be begun.

        A page that waits for a turn of a long request takes one of a shorter request that wants it, too.

        Args:
            key: equal for the same page.
            job: how to work on it.
            asker: whose turn it takes.
            pages: of the asker's request.
            opened: an annotator waits for all of them.

        Raises:
            Busy: so many wait already that another one is not taken.
            Stopping: everything is being stopped; the future ends so, too, if nobody has begun.
        """
        # a look at the disk, for few pages only and without the lock
        at_hand = opened and job.at_hand()
        with self._lock:
            if self._closed:
                raise Stopping(STOPPING)
            done = self._kept.get(key)
            if done is not None:
                return done
            known = self._in_work.get(key)
            if known is not None:
                if pages < known.pages and not opened:
                    self._hand_over(known, asker, pages)
                return known.future
            page = self._admit(_Page(key, job, asker, pages), opened)
            if at_hand:
                self._wait_for_worker(page, job.fetch)
                return page.future
            with asking_for(asker):
                page.download = self._downloads.submit(job.fetch, job.host, urgent=opened, among=pages)
        # without the lock: a future that has ended calls at once
        page.download.add_done_callback(partial(self._downloaded, page))
        return page.future

    def hurry(self, futures: Sequence[Future[Result]]) -> None:
        """An annotator has come to wait for pages: what waits of them goes ahead of bulk work.

        Args:
            futures: all pages of one task. Of two tasks that wait the one with fewer pages goes first.
        """
        among, wanted = len(futures), set(futures)
        with self._lock:
            hurried = [page for page in self._in_work.values() if page.future in wanted]
            for page in hurried:
                if not page.opened:
                    self._backlog.open(page.asker.project)
                page.among = min(page.among, among)
            tickets = [page.ticket for page in hurried if page.ticket is not None]
            self._waiting.hurry(tickets, among=among)
            for _ in tickets:
                self._send_urgent()
        self._downloads.hurry([page.download for page in hurried if page.download is not None], among)
        # without the lock: it reaches into the queues where lines of the pages wait
        for page in hurried:
            page.urgency.hurry()

    def give_up(self, future: Future[Result], error: TwinreadError) -> None:
        """Nobody waits for a page any longer; where nobody has begun it, it ends with the error."""
        with self._lock:
            page = next((page for page in self._in_work.values() if page.future is future), None)
            if page is None or (page.ticket is not None and not page.ticket.cancel()):
                return
        if page.ticket is not None and page.download is not None:
            # nobody else would make room for the next one
            page.download.result().take()
        elif page.download is not None:
            page.download.cancel()
        self._end(page, error)

    def close(self, wait_s: float | None = None) -> None:
        """Take nothing more; who waits for a page is told at once, also where it was begun.

        Args:
            wait_s: how long to wait for the end of what was begun, so that what it still reads is kept,
                seconds; None for as long as it takes.
        """
        stopping = Stopping(STOPPING)
        with self._lock:
            self._closed = True
            left = list(self._in_work.values())
            begun = set(self._at_work)
        self._downloads.close(stopping)
        self._waiting.close(stopping)
        for pool in (self._any, self._urgent):
            pool.shutdown(wait=False, cancel_futures=True)
        for page in left:
            self._end(page, stopping)
        wait(begun, wait_s)

    def _admit(self, page: _Page[Result], opened: bool) -> _Page[Result]:
        """Take a page, or refuse it; the caller holds the lock."""
        self._backlog.admit(page.asker.project, opened=opened)
        if opened:
            page.among = page.pages
            page.urgency.hurry()
        self._in_work[page.key] = page
        return page

    def _hand_over(self, page: _Page[Result], asker: Asker, pages: int) -> None:
        """Let a page take another one's turn; the caller holds the lock."""
        if not page.opened:
            self._backlog.hand_over(page.asker.project, asker.project)
        page.asker, page.pages = asker, pages
        with asking_for(asker):
            if page.download is not None:
                self._downloads.hand_over(page.download)
            if page.ticket is not None:
                self._waiting.hand_over(page.ticket)

    def _downloaded(self, page: _Page[Result], download: Future[Downloaded]) -> None:
        if download.cancelled():
            return
        error = download.exception()
        if error is not None:
            self._end(page, error)
            return
        with self._lock:
            if self._in_work.get(page.key) is page:
                self._wait_for_worker(page, download.result().take)
                return
        # it was given up meanwhile
        download.result().take()

    def _wait_for_worker(self, page: _Page[Result], take: Callable[[], bytes]) -> None:
        """Let a page whose image is there wait for its turn; the caller holds the lock."""
        opened = page.opened
        with asking_for(page.asker):
            page.ticket = self._waiting.submit(
                partial(self._work, page, take), urgent=opened, among=int(page.among) if opened else 1
            )
        if opened:
            self._send_urgent()

    def _send_urgent(self) -> None:
        if not self._closed:
            self._urgent.submit(self._serve_one, True)

    def _serve_one(self, urgent: bool) -> None:
        for ticket in self._waiting.take(urgent=urgent, wait=False):
            with self._lock:
                self._at_work.add(ticket.future)
            try:
                ticket.item()
            finally:
                with self._lock:
                    self._at_work.discard(ticket.future)
                ticket.future.set_result(None)

    def _work(self, page: _Page[Result], take: Callable[[], bytes]) -> None:
        try:
            with asking_for(page.asker):
                result = page.job.work(take(), page.urgency)
        except BaseException as error:  # noqa: BLE001 - it belongs to the future, whatever it is
            self._end(page, error)
            return
        with self._lock:
            # a failure is not kept: asking again is how it is mended
            if not self._closed:
                self._kept[page.key] = page.future
            self._forget(page)
        with suppress(InvalidStateError):
            page.future.set_result(result)

    def _end(self, page: _Page[Result], error: BaseException) -> None:
        with self._lock:
            self._forget(page)
        with suppress(InvalidStateError):
            page.future.set_exception(error)

    def _forget(self, page: _Page[Result]) -> None:
        # another one may have come for the same key since it was given up
        if self._in_work.get(page.key) is page:
            del self._in_work[page.key]
            self._backlog.leave(page.asker.project, opened=page.opened)

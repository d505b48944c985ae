"""Downloads wait here for their turn, apart from those who work on pages.

A slow server keeps neither a page worker nor the images of other servers: each host has a limit of its own.
What annotators wait for has as many downloads again, which no bulk work takes.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

from backend.errors import TwinreadError
from backend.tickets import Ticket, TicketQueue


@dataclass(frozen=True, slots=True)
class DownloadLimits:
    """How many images are downloaded at once.

    at_once: in all, together with those that came and that nobody has taken yet: memory holds so many files,
        each within its own limit, and never those of a whole backlog. As many again for annotators.
    per_host: from one host. Label Studio may have all but those of one other host.
    """

    at_once: int = 16
    per_host: int = 4

    def of(self, host: str) -> int:
        """The limit of a host; Label Studio's name is empty."""
        return self.per_host if host else max(self.per_host, self.at_once - self.per_host)


class Downloaded:
    """An image file that came, until somebody takes it."""

    def __init__(self, content: bytes, taken: Callable[[], None]) -> None:
        self._content = content
        self._taken = taken

    def take(self) -> bytes:
        """The file; once, since its place in memory is given to the next download."""
        self._taken()
        return self._content


@dataclass(frozen=True, slots=True)
class _Wanted:
    fetch: Callable[[], bytes]
    host: str


@dataclass(slots=True, eq=False)
class _Seats:
    """Places for downloads; what changes belongs to the lock.

    held: images on their way, and those that came and were not taken.
    on_their_way: by host.
    """

    urgent: bool
    threads: ThreadPoolExecutor
    held: int = 0
    on_their_way: Counter[str] = field(default_factory=Counter)


class DownloadQueue:
    """Downloads in turn, urgent ones first, with a limit for each host; thread-safe."""

    def __init__(self, limits: DownloadLimits) -> None:
        """Begin with nothing to do."""
        self._limits = limits
        self._lock = threading.Lock()
        self._any = _Seats(False, ThreadPoolExecutor(limits.at_once, thread_name_prefix="download"))
        self._urgent = _Seats(True, ThreadPoolExecutor(limits.at_once, thread_name_prefix="urgent-download"))
        self._waiting: TicketQueue[_Wanted, Downloaded] = TicketQueue(lambda: self._look(self._any))

    @property
    def on_their_way(self) -> int:
        """How many images are being downloaded."""
        with self._lock:
            return sum(seats.on_their_way.total() for seats in (self._any, self._urgent))

    def submit(
        self, fetch: Callable[[], bytes], host: str, *, urgent: bool = False, among: int = 1
    ) -> Future[Downloaded]:
        """Let a download wait for its turn, which is that of the thread's `asking_for`.

        Args:
            fetch: downloads the image.
            host: whom it asks; empty for Label Studio.
            urgent: an annotator waits.
            among: how many images are asked for together.

        Returns:
            A future of the image, whose place is held until it is taken; of what `fetch` raised.
        """
        future = self._waiting.submit(_Wanted(fetch, host), urgent=urgent, among=among, lane=host)
        if urgent:
            self._look(self._urgent)
        return future

    def hurry(self, futures: Sequence[Future[Downloaded]], among: int) -> None:
        """Let downloads that wait go ahead, as `TicketQueue.hurry` does."""
        self._waiting.hurry(futures, among=among)
        for _ in futures:
            self._look(self._urgent)

    def hand_over(self, future: Future[Downloaded]) -> None:
        """As `TicketQueue.hand_over`."""
        self._waiting.hand_over(future)

    def close(self, error: TwinreadError) -> None:
        """End what waits and what comes later with an error; what is on its way is left alone."""
        self._waiting.close(error)
        for seats in (self._any, self._urgent):
            seats.threads.shutdown(wait=False, cancel_futures=True)

    def _look(self, seats: _Seats) -> None:
        """Send somebody to look whether there is something to download.

        Every ticket, every place and every share of a host that becomes free lets one more begin at most, so
        each of them calls this once and nothing is overlooked.
        """
        # after the end nobody can be sent any more
        with suppress(RuntimeError):
            seats.threads.submit(self._serve_one, seats)

    def _serve_one(self, seats: _Seats) -> None:
        for ticket in self._taken(seats):
            self._download(seats, ticket)
            self._look(seats)

    def _taken(self, seats: _Seats) -> list[Ticket[_Wanted, Downloaded]]:
        def may(wanted: _Wanted) -> bool:
            return seats.on_their_way[wanted.host] < self._limits.of(wanted.host)

        with self._lock:
            if seats.held >= self._limits.at_once:
                return []
            taken = self._waiting.take(urgent=seats.urgent, wait=False, may=may)
            for ticket in taken:
                seats.held += 1
                seats.on_their_way[ticket.item.host] += 1
            return taken

    def _download(self, seats: _Seats, ticket: Ticket[_Wanted, Downloaded]) -> None:
        try:
            content = ticket.item.fetch()
        except BaseException as error:  # noqa: BLE001 - it belongs to the future, whatever it is
            self._arrived(seats, ticket.item.host)
            self._free(seats)
            ticket.future.set_exception(error)
            return
        self._arrived(seats, ticket.item.host)
        ticket.future.set_result(Downloaded(content, lambda: self._free(seats)))

    def _arrived(self, seats: _Seats, host: str) -> None:
        with self._lock:
            seats.on_their_way[host] -= 1
            if not seats.on_their_way[host]:
                # names of hosts come from tasks
                del seats.on_their_way[host]

    def _free(self, seats: _Seats) -> None:
        with self._lock:
            seats.held -= 1
        self._look(seats)

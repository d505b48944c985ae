"""Work that waits for its turn: an annotator's before bulk work, and projects one after another.

`TicketQueue` is where downloads, pages, models and servers keep what waits; each ticket's result is a future.
`Asker` says who wants it, so that nobody's backlog stands before everybody else's work. `Urgency` says
whether an annotator waits for a piece of work, which may turn out while it is under way.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Generic, TypeVar

from backend.errors import TwinreadError

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Asker:
    """Who wants something: projects take turns, and so do the requests of one project.

    project: any name; of a request that names none, something of its own.
    request: which one.
    """

    project: Hashable = ""
    request: Hashable = ""


_ANYBODY = Asker()
_ASKER: ContextVar[Asker] = ContextVar("asker")


@contextmanager
def asking_for(asker: Asker) -> Iterator[None]:
    """Until the block ends, what this thread submits to any queue is this asker's.

    A page's worker says so once, and neither detectors nor readers need to hand it on.
    """
    token = _ASKER.set(asker)
    try:
        yield
    finally:
        _ASKER.reset(token)


def present_asker() -> Asker:
    """Whose this thread's work is, by `asking_for`."""
    return _ASKER.get(_ANYBODY)


@dataclass(frozen=True, slots=True, eq=False)
class Ticket(Generic[Item, Result]):
    """One item of work and where its result is awaited; whoever takes it ends its future."""

    item: Item
    future: Future[Result]
    on_error: Callable[[Exception], Result] | None

    def fail(self, error: Exception) -> None:
        """End the future with the error, or with the result that stands for it."""
        if self.on_error is None:
            self.future.set_exception(error)
        else:
            self.future.set_result(self.on_error(error))


class TicketQueue(Generic[Item, Result]):
    """Tickets that wait, urgent ones first, and of those a few before many; thread-safe.

    A person who drew one box does not wait for all lines of a page that another person opened: the rank
    of an urgent ticket is the number of items that were asked for together. Bulk work comes last. Of one
    rank projects take turns, in each project its requests, and tickets of one request go as they came. A
    future that waits can be cancelled.

    Args:
        arrived: called for each ticket that comes, to send somebody who takes without waiting; it must
            not use the queue.
    """

    def __init__(self, arrived: Callable[[], object] = lambda: None) -> None:
        self._arrived = arrived
        self._changed = threading.Condition()
        self._waiting: dict[float, _Turns[Item, Result]] = defaultdict(_Turns)
        # the rank of each, and its way through the turns of that rank
        self._places: dict[Future[Result], tuple[float, tuple[Hashable, ...]]] = {}
        self._refusal: TwinreadError | None = None

    @property
    def waiting(self) -> int:
        """How many tickets are neither taken nor cancelled."""
        with self._changed:
            return sum(not future.cancelled() for future in self._places)

    def submit(
        self,
        item: Item,
        *,
        urgent: bool = False,
        among: int = 1,
        lane: str = "",
        on_error: Callable[[Exception], Result] | None = None,
    ) -> Future[Result]:
        """Let an item wait for its turn; it is that of the thread's `asking_for`.

        Args:
            item: what to work on.
            urgent: an annotator waits; go ahead of bulk work.
            among: how many items are asked for together.
            lane: what of a request takes turns, too, and may be passed over together in `take`.
            on_error: makes a result of an error, so that the future never ends with an exception.

        Returns:
            A future of its result; of the error of `close`, when that comes first or came before.
        """
        ticket: Ticket[Item, Result] = Ticket(item, Future(), on_error)
        asker = present_asker()
        with self._changed:
            refusal = self._refusal
            if refusal is None:
                self._put(ticket, among if urgent else math.inf, (asker.project, asker.request, lane))
                # all: one alone might be one who leaves bulk work to others
                self._changed.notify_all()
                self._arrived()
        if refusal is not None:
            ticket.fail(refusal)
        return ticket.future

    def take(
        self,
        most: int = 1,
        *,
        urgent: bool = False,
        wait: bool = True,
        may: Callable[[Item], bool] = lambda _: True,
    ) -> list[Ticket[Item, Result]]:
        """Take the next tickets, all of one rank, as many as there are; none once the queue is closed.

        Args:
            most: how many at once.
            urgent: leave bulk work to others.
            wait: until there is one.
            may: whether an item may be taken now; one says it for all of its lane.
        """
        with self._changed:
            while self._refusal is None:
                taken = self._next(most, urgent, may)
                if taken or not wait:
                    return taken
                self._changed.wait()
        return []

    def hurry(self, futures: Sequence[Future[Result]], *, among: int | None = None) -> None:
        """Let tickets that wait go ahead, as if they were asked for urgently and together.

        Args:
            futures: theirs; those that do not wait here are passed over.
            among: how many items are asked for together; by default as many as there are futures.
        """
        rank = len(futures) if among is None else among
        with self._changed:
            for future in futures:
                before, turn = self._places.get(future, (0, ()))
                if before > rank:
                    self._put(self._pull(future), rank, turn)
            self._changed.notify_all()

    def hand_over(self, future: Future[Result]) -> None:
        """Let a ticket that waits be the asker's of this thread from now on, as the last of its request."""
        asker = present_asker()
        with self._changed:
            if future in self._places:
                rank, (*_, lane) = self._places[future]
                self._put(self._pull(future), rank, (asker.project, asker.request, lane))

    def end(self, futures: Sequence[Future[Result]], error: TwinreadError) -> None:
        """End those that still wait with an error; what somebody has taken stays theirs."""
        with self._changed:
            left = [self._pull(future) for future in futures if future in self._places]
        for ticket in left:
            if ticket.future.set_running_or_notify_cancel():
                ticket.fail(error)

    def close(self, error: TwinreadError) -> None:
        """End all that waits or comes later with an error, and send away who waits to take."""
        with self._changed:
            self._refusal = self._refusal or error
            self._changed.notify_all()
            waiting = list(self._places)
        self.end(waiting, error)

    def _put(self, ticket: Ticket[Item, Result], rank: float, turn: tuple[Hashable, ...]) -> None:
        self._waiting[rank].put(turn, ticket)
        self._places[ticket.future] = rank, turn

    def _pull(self, future: Future[Result]) -> Ticket[Item, Result]:
        """A ticket out of where it waits."""
        rank, turn = self._places.pop(future)
        return self._waiting[rank].pull(turn, future)

    def _next(self, most: int, urgent: bool, may: Callable[[Item], bool]) -> list[Ticket[Item, Result]]:
        taken: list[Ticket[Item, Result]] = []
        for rank, turns in sorted(self._waiting.items()):
            while len(taken) < most and not (urgent and rank == math.inf):
                ticket = turns.next(may)
                if ticket is None:
                    break
                del self._places[ticket.future]
                if ticket.future.set_running_or_notify_cancel():
                    taken.append(ticket)
            if not turns:
                del self._waiting[rank]
            if taken:
                break
        return taken


class _Turns(Generic[Item, Result]):
    """Tickets of one rank, in turns: of projects, in each of its requests, in each of its lanes."""

    def __init__(self) -> None:
        self._others: OrderedDict[Hashable, _Turns[Item, Result]] = OrderedDict()
        self._tickets: OrderedDict[Future[Result], Ticket[Item, Result]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._others or self._tickets)

    def put(self, turn: tuple[Hashable, ...], ticket: Ticket[Item, Result]) -> None:
        """Keep a ticket behind those of the same turn; a new turn comes after the others."""
        if not turn:
            self._tickets[ticket.future] = ticket
            return
        if turn[0] not in self._others:
            self._others[turn[0]] = _Turns()
        self._others[turn[0]].put(turn[1:], ticket)

    def pull(self, turn: tuple[Hashable, ...], future: Future[Result]) -> Ticket[Item, Result]:
        """A ticket from wherever it is in its turn."""
        if not turn:
            return self._tickets.pop(future)
        ticket = self._others[turn[0]].pull(turn[1:], future)
        if not self._others[turn[0]]:
            del self._others[turn[0]]
        return ticket

    def next(self, may: Callable[[Item], bool]) -> Ticket[Item, Result] | None:
        """The first ticket of the first turn with one that may be taken; its turn is the last one then."""
        if self._tickets:
            first = next(iter(self._tickets.values()))
            # a cancelled one holds up nobody
            if first.future.cancelled() or may(first.item):
                return self._tickets.pop(first.future)
            return None
        for name, others in self._others.items():
            ticket = others.next(may)
            if ticket is not None:
                self._others.move_to_end(name)
                if not others:
                    del self._others[name]
                return ticket
        return None


class Urgency:
    """Whether an annotator waits for a piece of work, from the start or at last; thread-safe."""

    def __init__(self, urgent: bool = False) -> None:
        self._hurried: Future[None] = Future()
        if urgent:
            self.hurry()

    @property
    def urgent(self) -> bool:
        """Somebody waits: what is still to come of the work must be asked for urgently."""
        return self._hurried.done()

    def hurry(self) -> None:
        """Somebody has come to wait; a second call does nothing."""
        with suppress(InvalidStateError):
            self._hurried.set_result(None)

    def when_hurried(self, act: Callable[[], None]) -> None:
        """Call `act`, which moves what waits of the work, in `hurry`; at once if somebody waits already."""
        self._hurried.add_done_callback(lambda _: act())

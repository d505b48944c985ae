"""Work that waits for its turn: an annotator's before bulk work, and bulk work that one comes to need.

`TicketQueue` is where pages, models and servers keep what waits; each ticket's result is a future.
`Urgency` says whether an annotator waits for a piece of work, which may turn out while it is under way.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from backend.errors import TwinreadError

Item = TypeVar("Item")
Result = TypeVar("Result")


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
    of an urgent ticket is the number of items that were asked for together. Bulk work comes last, and
    tickets of one rank go as they came. A future that waits can be cancelled.

    Args:
        arrived: called for each ticket that comes, to send somebody who takes without waiting; it must
            not use the queue.
    """

    def __init__(self, arrived: Callable[[], object] = lambda: None) -> None:
        self._arrived = arrived
        self._changed = threading.Condition()
        # by rank, and in each rank as they came
        self._waiting: dict[float, OrderedDict[Future[Result], Ticket[Item, Result]]]
        self._waiting = defaultdict(OrderedDict)
        self._refusal: TwinreadError | None = None

    @property
    def waiting(self) -> int:
        """How many tickets are neither taken nor cancelled."""
        with self._changed:
            return sum(not future.cancelled() for tickets in self._waiting.values() for future in tickets)

    def submit(
        self,
        item: Item,
        *,
        urgent: bool = False,
        among: int = 1,
        on_error: Callable[[Exception], Result] | None = None,
    ) -> Future[Result]:
        """Let an item wait for its turn.

        Args:
            item: what to work on.
            urgent: an annotator waits; go ahead of bulk work.
            among: how many items are asked for together.
            on_error: makes a result of an error, so that the future never ends with an exception.

        Returns:
            A future of its result; of the error of `close`, when that comes first or came before.
        """
        ticket: Ticket[Item, Result] = Ticket(item, Future(), on_error)
        with self._changed:
            refusal = self._refusal
            if refusal is None:
                self._waiting[among if urgent else math.inf][ticket.future] = ticket
                # all: one alone might be one who leaves bulk work to others
                self._changed.notify_all()
                self._arrived()
        if refusal is not None:
            ticket.fail(refusal)
        return ticket.future

    def take(self, most: int = 1, *, urgent: bool = False, wait: bool = True) -> list[Ticket[Item, Result]]:
        """Take the next tickets, all of one rank, as many as there are; none once the queue is closed.

        Args:
            most: how many at once.
            urgent: leave bulk work to others.
            wait: until there is one.
        """
        with self._changed:
            while self._refusal is None:
                taken = self._next(most, urgent)
                if taken or not wait:
                    return taken
                self._changed.wait()
        return []

    def hurry(self, futures: Sequence[Future[Result]]) -> None:
        """Let tickets that wait go ahead, as if they were asked for urgently and together.

        Args:
            futures: theirs; those that do not wait here are passed over.
        """
        with self._changed:
            behind = [tickets for rank, tickets in self._waiting.items() if rank > len(futures)]
            for future in futures:
                for tickets in behind:
                    if future in tickets:
                        self._waiting[len(futures)][future] = tickets.pop(future)
            self._changed.notify_all()

    def end(self, futures: Sequence[Future[Result]], error: TwinreadError) -> None:
        """End those that still wait with an error; what somebody has taken stays theirs."""
        with self._changed:
            ranks = self._waiting.values()
            left = [tickets.pop(future) for tickets in ranks for future in futures if future in tickets]
        for ticket in left:
            if ticket.future.set_running_or_notify_cancel():
                ticket.fail(error)

    def close(self, error: TwinreadError) -> None:
        """End all that waits or comes later with an error, and send away who waits to take."""
        with self._changed:
            self._refusal = self._refusal or error
            self._changed.notify_all()
            waiting = [future for tickets in self._waiting.values() for future in tickets]
        self.end(waiting, error)

    def _next(self, most: int, urgent: bool) -> list[Ticket[Item, Result]]:
        taken: list[Ticket[Item, Result]] = []
        for rank, tickets in sorted(self._waiting.items()):
            while tickets and len(taken) < most and not (urgent and rank == math.inf):
                future, ticket = tickets.popitem(last=False)
                if future.set_running_or_notify_cancel():
                    taken.append(ticket)
            if taken:
                break
        return taken


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

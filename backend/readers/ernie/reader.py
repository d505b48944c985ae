"""ERNIE 4.5 VL, or any vision model behind the OpenAI chat API, as a reader of line crops.

    ErnieServer   one address: its chat API, event-loop thread, waiting room, limit of calls in flight
    ErnieReader   one way to ask it; two of them over one server make the two readings

Crops wait as they came and are laid out and encoded only when their turn is near. Urgent ones go
first.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias, TypeVar

from backend.errors import OperatorError, ReaderUnavailable, Stopping
from backend.page.lines import Pixels, Reading
from backend.readers.budget import Ask, Grant, Spender
from backend.readers.ernie.answers import AnswerUnusable
from backend.readers.ernie.chat_api import ChatApi
from backend.readers.ernie.pictures import Pictures
from backend.readers.ernie.prompts import Prompt, most_tokens
from backend.readers.ernie.request import ErnieOptions, identity_of
from backend.readers.usage import Ledger, Usage, project_of
from backend.tickets import Ticket, TicketQueue, present_asker

__all__ = ["ErnieOptions", "ErnieReader", "ErnieServer"]

T = TypeVar("T")
Call: TypeAlias = Callable[[], Coroutine[Any, Any, Reading]]

log = logging.getLogger(__name__)

FIRST_PAUSE_S, LAST_PAUSE_S = 0.01, 0.2
"""The pauses between questions whether a call may be made now, growing, seconds."""

_STOPPED = "ERNIE's reader was stopped before it read this line."


class ErnieServer:
    """One OpenAI-compatible server, called from one event-loop thread; thread-safe.

    chat: its API, for coroutines in that thread.
    waiting: what its readers are to do, as many at once as calls may be in flight.
    """

    def __init__(
        self, options: ErnieOptions, *, ledger: Ledger | None = None, budget: Spender | None = None
    ) -> None:
        """Take the address; nothing is called yet.

        Args:
            options: the address, and how it is called.
            ledger: keeps account of what its readers' calls take; None where nobody does.
            budget: says whether one more of these calls may be made; None: always.
        """
        self.options = options
        self._ledger = ledger
        self._budget = budget
        self._loop = asyncio.new_event_loop()
        self._room = asyncio.Semaphore(options.concurrency)
        self.waiting: TicketQueue[Call, Reading] = TicketQueue(self._arrived)
        self._arriving = threading.Lock()
        # tickets that came since the loop was woken up, and what serves those before
        self._came = 0
        self._serving: set[asyncio.Task[None]] = set()
        self._pictures = Pictures(options.image_format, options.jpeg_quality)
        self.chat = ChatApi(options)
        self._thread = threading.Thread(target=self._loop.run_forever, name="ernie", daemon=True)
        self._thread.start()

    def run(self, call: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine such as `chat.complete` in the server's thread."""
        return asyncio.run_coroutine_threadsafe(call, self._loop)

    async def read(self, crop: Pixels, prompt: Prompt, reader: str, project: str) -> tuple[str, float | None]:
        """Read one crop, in the server's thread, whatever else is in flight.

        Args:
            crop: RGB, uint8, shape (height, width, 3).
            prompt: how it is shown and asked about.
            reader: identity of the reader that asks, for the account.
            project: for which it asks; empty for none.

        Returns:
            The text, see `model_answers.answer_of`, and how sure the model was of it; see `token_scores`.

        Raises:
            AnswerUnusable: there is no whole answer; says why and which setting to change.
            BudgetSpent: the call may not be made.
        """
        picture = await self._pictures.of(crop, prompt)
        most = most_tokens(crop)
        ask = Ask(reader, len(prompt.text.encode()), picture.width, picture.height, most)
        # before money is set aside, which would be lost where the page's time is up meanwhile
        async with self.chat.scores.turn(), self._paying(ask, project) as pay:
            answer = await self.chat.complete(prompt.text, most, picture.url)
            pay(answer.usage or Usage())
        return answer.reading

    def close(self) -> None:
        """Stop; what waits or is in flight ends with an error, and so does what comes later."""
        self.waiting.close(Stopping(_STOPPED))
        if not self._loop.is_closed():
            self.run(self._shut()).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _arrived(self) -> None:
        """Wake the loop up for a ticket, once for those that come meanwhile."""
        with self._arriving:
            self._came += 1
            if self._came == 1:
                self._loop.call_soon_threadsafe(self._begin)

    # From here on: the loop thread.

    def _begin(self) -> None:
        with self._arriving:
            came, self._came = self._came, 0
        for _ in range(came):
            serving = self._loop.create_task(self._serve_one())
            # a loop keeps no task alive by itself
            self._serving.add(serving)
            serving.add_done_callback(self._serving.discard)

    async def _serve_one(self) -> None:
        """Make the call that is first when there is room for one; this comes once for every ticket.

        The room is free again once the reading is written, so that what a kill costs, calls in flight and
        answers on their way to the disk, is never more than the limit of calls.
        """
        await self._room.acquire()
        asked: list[Ticket[Call, Reading]] = []
        try:
            asked = self.waiting.take(wait=False)
            for ticket in asked:
                try:
                    ticket.future.set_result(await ticket.item())
                except asyncio.CancelledError:  # noqa: PERF203 - one turn at most
                    ticket.fail(Stopping(_STOPPED))
                    raise
                except Exception as error:  # noqa: BLE001 - it becomes the reading, whatever it is
                    ticket.fail(error)
        finally:
            if asked and self._ledger is not None:
                self._ledger.when_written(self._free_room)
            else:
                self._room.release()

    def _free_room(self) -> None:
        """From any thread."""
        # nobody waits for room once the loop has ended
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._room.release)

    @asynccontextmanager
    async def _paying(self, ask: Ask, project: str) -> AsyncIterator[Callable[[Usage], None]]:
        """A block that makes one call, once it may be made, and says what it took."""
        grant = None if self._budget is None else await self._granted(self._budget, ask)
        # nobody knows of a call that is given up while it is under way
        taken: list[Usage] = []
        try:
            yield taken.append
        except AnswerUnusable as error:
            if error.paid is False:
                taken.append(Usage())
            raise
        finally:
            usage = taken[0] if taken else None
            if self._ledger is not None and usage is not None and usage.calls:
                self._ledger.note(project, ask.reader, usage)
            if self._budget is not None and grant is not None:
                self._budget.settle(grant, usage)

    @staticmethod
    async def _granted(budget: Spender, ask: Ask) -> Grant:
        pause_s = FIRST_PAUSE_S
        while (grant := budget.reserve(ask)) is None:
            await asyncio.sleep(pause_s)
            pause_s = min(LAST_PAUSE_S, pause_s * 2)
        return grant

    async def _shut(self) -> None:
        calls = asyncio.all_tasks() - {asyncio.current_task()}
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        await self.chat.close()
        await self._loop.shutdown_default_executor()
        self._pictures.close()


class ErnieReader:
    """One way to ask a server; a `LineReader`.

    identity: model, prompt, and a hash of all else that can change a reading.
    """

    def __init__(self, server: ErnieServer, prompt: Prompt) -> None:
        """Take a server, which other readers may share, and a prompt."""
        self.server = server
        self.prompt = prompt
        self.identity = identity_of(server.options, prompt)

    def submit(self, crops: Sequence[Pixels], *, urgent: bool = False) -> list[Future[Reading]]:
        """Ask for a reading of each crop, in order; returns at once.

        The time limit of a page starts with the batch's first call, not while it waits for others.
        A future that still waits can be cancelled. Two readers of one server take turns crop by crop, so
        that the second one's prompt comes while the server's prefix cache still has the picture.
        """
        batch = _Batch(len(crops), project_of(present_asker().project))
        for crop in crops:
            future = self.server.waiting.submit(
                partial(self._read, crop, batch),
                urgent=urgent,
                among=len(crops),
                lane=self.prompt.name,
                on_error=self._no_reading,
            )
            batch.futures.append(future)
        return batch.futures

    def hurry(self, futures: Sequence[Future[Reading]]) -> None:
        """Let readings that wait as bulk work go first."""
        self.server.waiting.hurry(futures)

    async def _read(self, crop: Pixels, batch: _Batch) -> Reading:
        loop = asyncio.get_running_loop()
        now = loop.time()
        if batch.timer is None:
            end = now + self.server.options.page_timeout_s
            batch.timer = loop.call_at(end, self.server.waiting.end, batch.futures, self._too_late())
        batch.uncalled -= 1
        if not batch.uncalled:
            batch.timer.cancel()
        try:
            text, score = await asyncio.wait_for(
                self.server.read(crop, self.prompt, self.identity, batch.project), batch.timer.when() - now
            )
        except asyncio.TimeoutError as error:
            raise self._too_late() from error
        return Reading(self.identity, text, score)

    def _too_late(self) -> ReaderUnavailable:
        return ReaderUnavailable(
            f"The page's time for ERNIE ({self.server.options.page_timeout_s:g} s) ran out before this line "
            "was read; ask again, or raise ERNIE_PAGE_TIMEOUT_S."
        )

    def _no_reading(self, error: Exception) -> Reading:
        if isinstance(error, AnswerUnusable):
            return Reading(self.identity, error=str(error), retryable=error.retryable, lasting=error.lasting)
        if isinstance(error, OperatorError):
            return Reading(self.identity, error=str(error), retryable=True)
        log.error("a reading by ERNIE failed in an unforeseen way", exc_info=error)
        return Reading(self.identity, error=f"ERNIE's reader failed ({type(error).__name__}); see the log.")


@dataclass(slots=True, eq=False)
class _Batch:
    """The crops of one `submit`, which share a time limit.

    uncalled: how many have had no call.
    project: for which it was asked.
    timer: runs from the first call, and ends those that have had none when the time is up.
    """

    uncalled: int
    project: str
    futures: list[Future[Reading]] = field(default_factory=list)
    timer: asyncio.TimerHandle | None = None

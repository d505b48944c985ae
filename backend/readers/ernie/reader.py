"""ERNIE 4.5 VL, or any vision model behind the OpenAI chat API, as a reader of line crops.

    ErnieServer   one address: its chat API, event-loop thread, waiting room, limit of calls in flight
    ErnieReader   one way to ask it; two of them over one server make the two readings

Crops wait as they came and are laid out and encoded only when their turn is near. Urgent ones go
first.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from backend.page.lines import Pixels, Reading
from backend.readers.ernie.answers import AnswerUnusable
from backend.readers.ernie.chat_api import ChatApi
from backend.readers.ernie.pictures import Pictures
from backend.readers.ernie.prompts import Prompt, most_tokens
from backend.readers.ernie.request import ErnieOptions, identity_of
from backend.text.cleaning import clean

__all__ = ["ErnieOptions", "ErnieReader", "ErnieServer"]

log = logging.getLogger(__name__)

_STOPPED = "ERNIE's reader was stopped before it read this line."


class _Batch:
    """The crops of one `submit`, which share a time limit that starts with their first call."""

    def __init__(self, jobs: Sequence[_Job]) -> None:
        self.jobs = jobs
        self.left = len(jobs)
        self.deadline: float | None = None
        self.timer: asyncio.TimerHandle | None = None


@dataclass(slots=True, eq=False)
class _Job:
    """One crop that waits for, or has, its call; `taken` belongs to the loop thread."""

    reader: str
    prompt: Prompt
    crop: Pixels
    future: Future[Reading] = field(default_factory=Future)
    batch: _Batch | None = None
    taken: bool = False


class ErnieServer:
    """One OpenAI-compatible server, called from one event-loop thread; thread-safe.

    The thread starts with the first call; `close` ends it.
    """

    def __init__(self, options: ErnieOptions) -> None:
        """Take the address; nothing is called yet."""
        self.options = options
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._loop = asyncio.new_event_loop()
        self._waiting: asyncio.PriorityQueue[tuple[float, int, _Job]] = asyncio.PriorityQueue()
        self._order = itertools.count()
        self._batches: set[_Batch] = set()
        self._workers: list[asyncio.Task[None]] = []
        self._pictures = Pictures(options.image_format, options.jpeg_quality)
        self._chat = ChatApi(options)

    def run(self, call: Coroutine[Any, Any, str]) -> Future[str]:
        """Run a coroutine such as `complete` in the server's thread."""
        with self._lock:
            self._start()
            return asyncio.run_coroutine_threadsafe(call, self._loop)

    async def complete(self, words: str, max_tokens: int, picture: bytes | None = None) -> str:
        """Ask one question, in the server's thread, whatever else is in flight.

        Args:
            words: the question.
            max_tokens: the longest answer.
            picture: what the question is about, as a data URL.

        Raises:
            AnswerUnusable: there is no whole answer; says why and which setting to change.
        """
        return await self._chat.complete(words, max_tokens, picture)

    async def read(self, crop: Pixels, prompt: Prompt) -> str:
        """Read one crop, in the server's thread, whatever else is in flight.

        Raises:
            AnswerUnusable: there is no whole answer; says why and which setting to change.
        """
        picture = await self._pictures.data_url(crop, prompt)
        return clean(await self.complete(prompt.text, most_tokens(crop), picture))

    def submit(self, jobs: Sequence[_Job], *, urgent: bool) -> None:
        """Let crops wait for their turn; each one's future ends with a reading."""
        batch = _Batch(jobs)
        for job in jobs:
            job.batch = batch
        # one step under the lock: a batch is admitted before `close` ends all batches, or not at all
        with self._lock:
            if jobs and not self._closed:
                self._start()
                self._loop.call_soon_threadsafe(self._admit, batch, urgent)
                return
        self._end(batch, _STOPPED)

    def hurry(self, futures: Sequence[Future[Reading]]) -> None:
        """Let crops that wait as bulk work go first: an annotator has come to need them."""
        wanted = {id(future) for future in futures}
        with self._lock:
            if self._thread is not None and not self._closed:
                self._loop.call_soon_threadsafe(self._overtake, wanted)

    def close(self) -> None:
        """Stop; what waits or is in flight ends with an error."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            thread = self._thread
        if thread is None:
            self._loop.close()
            return
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        thread.join()
        self._loop.close()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="ernie", daemon=True)
            self._thread.start()

    # From here on: the loop thread.

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._workers = [self._loop.create_task(self._work()) for _ in range(self.options.concurrency)]
        self._loop.run_forever()

    def _admit(self, batch: _Batch, urgent: bool) -> None:
        self._batches.add(batch)
        # of what is urgent, a drawn box goes before the many lines of a page that somebody opened
        rank = len(batch.jobs) if urgent else math.inf
        for job in batch.jobs:
            self._waiting.put_nowait((rank, next(self._order), job))

    def _overtake(self, wanted: set[int]) -> None:
        # a second ticket, before all bulk ones; whichever is drawn last finds the job taken
        for batch in self._batches:
            for job in batch.jobs:
                if id(job.future) in wanted and not job.taken:
                    self._waiting.put_nowait((len(wanted), next(self._order), job))

    async def _work(self) -> None:
        while True:
            _, _, job = await self._waiting.get()
            if not self._take(job):
                continue
            reading = Reading(job.reader, error=_STOPPED, retryable=True)
            try:
                reading = await self._answer(job)
            except Exception as error:  # a worker that ends takes its share of the concurrency with it
                log.exception("a reading by ERNIE failed in an unforeseen way")
                reading = Reading(
                    job.reader, error=f"ERNIE's reader failed ({type(error).__name__}); see the log."
                )
            finally:
                self._done(job, reading)

    def _take(self, job: _Job) -> bool:
        """Whether the job is still to be done; its batch's time starts with its first job."""
        if job.taken or job.batch is None:
            return False
        job.taken = True
        if not job.future.set_running_or_notify_cancel():
            self._count_down(job.batch)
            return False
        if job.batch.deadline is None:
            job.batch.deadline = self._loop.time() + self.options.page_timeout_s
            job.batch.timer = self._loop.call_at(job.batch.deadline, self._expire, job.batch)
        return True

    async def _answer(self, job: _Job) -> Reading:
        assert job.batch is not None and job.batch.deadline is not None  # set by _take  # noqa: S101
        try:
            left = job.batch.deadline - self._loop.time()
            text = await asyncio.wait_for(self.read(job.crop, job.prompt), left)
        except asyncio.TimeoutError:
            return Reading(job.reader, error=self._too_late(), retryable=True)
        except AnswerUnusable as error:
            return Reading(job.reader, error=str(error), retryable=error.retryable)
        return Reading(job.reader, text)

    def _too_late(self) -> str:
        return (
            f"The page's time for ERNIE ({self.options.page_timeout_s:g} s) ran out before this line was "
            "read; ask again, or raise ERNIE_PAGE_TIMEOUT_S."
        )

    def _done(self, job: _Job, reading: Reading) -> None:
        job.future.set_result(reading)
        if job.batch is not None:
            self._count_down(job.batch)

    def _count_down(self, batch: _Batch) -> None:
        batch.left -= 1
        if not batch.left:
            self._batches.discard(batch)
            if batch.timer is not None:
                batch.timer.cancel()

    def _expire(self, batch: _Batch) -> None:
        self._end(batch, self._too_late())

    def _end(self, batch: _Batch, error: str) -> None:
        """Answer for every job that has not begun."""
        for job in batch.jobs:
            if not job.taken:
                job.taken = True
                if job.future.set_running_or_notify_cancel():
                    self._done(job, Reading(job.reader, error=error, retryable=True))
                else:
                    self._count_down(batch)

    async def _shut(self) -> None:
        for batch in tuple(self._batches):
            self._end(batch, _STOPPED)
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        await self._chat.close()
        await self._loop.shutdown_default_executor()
        self._pictures.close()


class ErnieReader:
    """One way to ask a server; a `LineReader`."""

    def __init__(self, server: ErnieServer, prompt: Prompt) -> None:
        """Take a server, which other readers may share, and a prompt."""
        self.server = server
        self.prompt = prompt
        self._identity = identity_of(server.options, prompt)

    @property
    def identity(self) -> str:
        """Model, prompt, and a hash of all else that can change a reading."""
        return self._identity

    def submit(self, crops: Sequence[Pixels], *, urgent: bool = False) -> list[Future[Reading]]:
        """Ask for a reading of each crop, in order; returns at once.

        The time limit of a page starts with the batch's first call, not while it waits for others.
        A future that still waits can be cancelled.
        """
        jobs = [_Job(self._identity, self.prompt, crop) for crop in crops]
        self.server.submit(jobs, urgent=urgent)
        return [job.future for job in jobs]

    def hurry(self, futures: Sequence[Future[Reading]]) -> None:
        """Let readings that wait as bulk work go first."""
        self.server.hurry(futures)

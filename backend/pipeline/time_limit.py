"""A panel whose readers answer by a given moment; what is not read by then has an error of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial

from backend.page.lines import Pixels, Reading
from backend.pipeline.annotate import Panel
from backend.seams import LineReader


@contextmanager
def limited(panel: Panel, end: float, limit_s: float) -> Iterator[Panel]:
    """The panel until the block ends; its readers answer by the moment `end`.

    A reading that comes too late is lost here, and kept by the store in front of the reader.

    Args:
        panel: who reads.
        end: on the clock of `time.monotonic`.
        limit_s: how long that is, for the sentence of a reading that did not come, seconds.
    """
    readers = tuple(_LimitedReader(reader, end, limit_s) for reader in panel.readers)
    try:
        yield replace(panel, readers=readers)
    finally:
        for reader in readers:
            reader.give_up()


class _LimitedReader:
    """A reader in front of another one, whose answers it passes on until the end."""

    def __init__(self, reader: LineReader, end: float, limit_s: float) -> None:
        self.identity = reader.identity
        self._reader = reader
        self._late = Reading(self.identity, error=f"no answer within {shown_s(limit_s)}", retryable=True)
        # answers given here, and what the reader was asked for each
        self._asked: dict[Future[Reading], Future[Reading]] = {}
        self._timer = threading.Timer(max(0.0, end - time.monotonic()), self.give_up)
        self._timer.daemon = True
        self._timer.start()

    def submit(self, crops: Sequence[Pixels], *, urgent: bool = False) -> list[Future[Reading]]:
        """As the reader does."""
        all_asked = self._reader.submit(crops, urgent=urgent)
        answers: list[Future[Reading]] = [Future() for _ in all_asked]
        self._asked |= dict(zip(answers, all_asked, strict=True))
        for asked, answer in zip(all_asked, answers, strict=True):
            asked.add_done_callback(partial(_pass_on, answer))
        if self._timer.finished.is_set():
            self.give_up()
        return answers

    def hurry(self, futures: Sequence[Future[Reading]]) -> None:
        """As the reader does."""
        self._reader.hurry([self._asked[future] for future in futures if future in self._asked])

    def give_up(self) -> None:
        """End what has no answer yet."""
        self._timer.cancel()
        for answer in tuple(self._asked):
            with suppress(InvalidStateError):
                answer.set_result(self._late)


def _pass_on(answer: Future[Reading], asked: Future[Reading]) -> None:
    with suppress(InvalidStateError):
        error = asked.exception()
        if error is None:
            answer.set_result(asked.result())
        else:
            answer.set_exception(error)


def shown_s(seconds: float) -> str:
    """A time limit for people, such as "30 s"; what is left of one is never a round number."""
    return f"{round(seconds, 1):g} s"

"""Ctrl-C: held back where it would tear something; and other ways to ask a command to end, taken alike."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def held() -> Iterator[None]:
    """Hold Ctrl-C back while the block runs; one that came raises `KeyboardInterrupt` at its end.

    Threads and processes that the block starts never get any: a terminal sends Ctrl-C to every process
    of a command, and all but the first would end with a traceback.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def stoppable() -> Iterator[None]:
    """While the block runs, SIGTERM and the end of the terminal (SIGHUP) are taken as Ctrl-C is.

    A program that is asked to end then clears up as it does for a person: what it started does not stay.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

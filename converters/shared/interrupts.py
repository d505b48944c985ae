"""Ctrl-C while a command gets ready: held back where it would tear something."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


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

"""Ctrl-C: the first asks a run to end in order, the second ends the program at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a supervisor, and the end of the terminal."""


@contextmanager
def asked_to_stop(
    stop: threading.Event, say: Callable[[], object], leave: Callable[[], object]
) -> Iterator[None]:
    """While the block runs, a signal sets `stop` instead of ending the program; the second one ends it.

    Args:
        stop: what the run looks at.
        say: called at the first signal, to tell a person what happens now.
        leave: called at the second, to leave the terminal as it was.
    """
    asked = False

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            leave()
            # whatever hangs: all that the next run needs is kept already, as after kill -9
            os._exit(1)
        asked = True
        stop.set()
        say()

    before = {number: signal.signal(number, ask) for number in ASKING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

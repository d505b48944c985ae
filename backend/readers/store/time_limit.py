"""An end to waiting for a database server that holds a connection open and does not answer.

PostgreSQL's own `statement_timeout` is kept by the server, so a server that stands still keeps none, and a
thread that waits in its driver cannot be interrupted. Its socket can be: the driver then gives up at once.
"""

from __future__ import annotations

import itertools
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import sqlalchemy as sa


class TimeLimits:
    """Ends connections whose work takes too long; one thread, which begins with the first of them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._numbers = itertools.count()
        self._until: dict[int, tuple[float, int]] = {}
        self._ended: set[int] = set()
        self._thread: threading.Thread | None = None
        self._wakes_at = float("inf")
        self._closed = False

    @contextmanager
    def of(self, connection: sa.Connection, limit_s: float) -> Iterator[None]:
        """Let the work of a block take so long at most.

        Args:
            connection: of psycopg; no other block uses it.
            limit_s: seconds.

        Raises:
            TimeoutError: it took longer; the connection is of no more use.
        """
        driver = connection.connection.driver_connection
        assert driver is not None  # noqa: S101 - it was just handed out
        number = next(self._numbers)
        until = time.monotonic() + limit_s
        with self._changed:
            self._until[number] = until, driver.fileno()
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._watch, name="store-limit", daemon=True)
                self._thread.start()
            if until < self._wakes_at:
                self._changed.notify_all()
        try:
            yield
        except Exception as error:
            if self._forget(number):
                connection.invalidate()
                raise TimeoutError from error
            raise
        if self._forget(number):
            # its socket was shut in the moment in which the work was done
            connection.invalidate()

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _forget(self, number: int) -> bool:
        """Whether it was ended."""
        with self._changed:
            self._until.pop(number, None)
            ended = number in self._ended
            self._ended.discard(number)
            return ended

    def _watch(self) -> None:
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                for number, (until, descriptor) in list(self._until.items()):
                    if until <= now:
                        # under the lock, so that the descriptor is still this connection's
                        _shut(descriptor)
                        self._ended.add(number)
                        del self._until[number]
                self._wakes_at = min((until for until, _ in self._until.values()), default=float("inf"))
                self._changed.wait(self._wakes_at - now if self._until else None)


def _shut(descriptor: int) -> None:
    # a descriptor of its own, because closing the socket must not close the driver's
    with suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as connected:
        connected.shutdown(socket.SHUT_RDWR)

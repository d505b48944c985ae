"""Tasks that wait to be read, a few listed ahead: nobody waits for Label Studio's next page of tasks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from queue import Empty, Full, Queue

from backend.errors import TwinreadError
from backend.label_studio.client import Row

AHEAD = 200
"""Tasks listed ahead."""

LOOK_S = 0.2
"""How often a thread that waits looks whether the run ends, seconds."""


class Listing:
    """Rows of tasks, listed in a thread of its own; an iterator that ends when the run does.

    failure: why the listing ended before its end; None while it goes on, or where it came to its end.
    """

    def __init__(self, rows: Iterator[Row], stop: threading.Event, ahead: int = AHEAD) -> None:
        """Begin to list.

        Args:
            rows: of tasks.
            stop: set when the run is to end.
            ahead: how many are listed ahead.
        """
        self.failure: TwinreadError | None = None
        self._stop = stop
        self._rows: Queue[Row | None] = Queue(ahead)
        self._ended = False
        self._thread = threading.Thread(target=self._list, args=(rows,), name="list-tasks", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Row]:
        """Itself."""
        return self

    def __next__(self) -> Row:
        """The next task; may wait for Label Studio."""
        while not self._ended and not self._stop.is_set():
            try:
                row = self._rows.get(timeout=LOOK_S)
            except Empty:
                continue
            if row is not None:
                return row
            self._ended = True
        raise StopIteration

    def _list(self, rows: Iterator[Row]) -> None:
        try:
            for row in rows:
                if not self._put(row):
                    return
        except TwinreadError as error:
            self.failure = error
        self._put(None)

    def _put(self, row: Row | None) -> bool:
        """Whether a row was put before the run ended."""
        while not self._stop.is_set():
            try:
                self._rows.put(row, timeout=LOOK_S)
            except Full:
                continue
            return True
        return False

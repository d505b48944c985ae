"""Work on what webhooks name: soon, in one thread, and once for all that was named meanwhile.

Label Studio waits for the answer to a webhook, and tells of a change before it has stored it. So a webhook
only notes whose work there is; a thread does it a moment later, and rests before it does the same again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable
from math import inf
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

MOST_NOTED = 1000
"""Things that wait at most; whoever sends webhooks that name ever others fills no memory."""

Key = TypeVar("Key", bound=Hashable)


class Soon(Generic[Key]):
    """Does the same work on many things, one at a time."""

    def __init__(
        self, name: str, work: Callable[[Key], bool], wait_s: float, rest_s: Callable[[float], float]
    ) -> None:
        """Take what is to be done; no thread is started before something is noted.

        Args:
            name: of the thread.
            work: done on one thing; True where it could not be done now and is to be done again.
            wait_s: how long after a thing was noted, seconds.
            rest_s: how long nothing is done on the same thing again, by how long the work took, seconds.
        """
        self._name = name
        self._work = work
        self._wait_s = wait_s
        self._rest_s = rest_s
        self._woken = threading.Condition()
        self._noted: dict[Key, float] = {}
        """What is to be done, and when."""
        self._rested: dict[Key, float] = {}
        """When it may be done again."""
        self._thread: threading.Thread | None = None

    def note(self, key: Key) -> None:
        """There is something to do; returns at once."""
        with self._woken:
            if key in self._noted or len(self._noted) >= MOST_NOTED:
                return
            self._noted[key] = time.monotonic() + self._wait_s
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._woken.notify()

    def _run(self) -> None:
        while True:
            key = self._next()
            begun = time.monotonic()
            try:
                again = self._work(key)
            except Exception:
                # the thread is to live as long as the backend
                log.exception("%s: the work on %s ended.", self._name, key)
                again = False
            now = time.monotonic()
            with self._woken:
                self._rested = {each: due for each, due in self._rested.items() if due > now}
                self._rested[key] = now + self._rest_s(now - begun)
            if again:
                self.note(key)

    def _next(self) -> Key:
        """Wait until something is due. What is noted from now on is done once more."""
        with self._woken:
            while True:
                due = {key: max(at, self._rested.get(key, -inf)) for key, at in self._noted.items()}
                first = min(due, key=lambda key: due[key], default=None)
                left = None if first is None else due[first] - time.monotonic()
                if first is not None and left is not None and left <= 0:
                    del self._noted[first]
                    return first
                self._woken.wait(left)

"""Whether a store works: what people are told while it does not, and when it is tried again."""

from __future__ import annotations

import logging
import threading
import time

from backend.errors import StoreFailed

log = logging.getLogger(__name__)

FIRST_RETRY_S, LAST_RETRY_S = 1.0, 5.0
"""The pauses between tries of a store that failed, growing, seconds."""

REMEMBERED_S = 3600.0
"""How long it is told that the store's file was deleted, seconds."""

BEGUN_ANEW = (
    "The store's file was deleted or replaced while twinread runs; the one that is there now is used, made "
    "anew where there was none. What only the old one held will be paid for again."
)


class StoreHealth:
    """What is wrong with one store; thread-safe. Each change is logged once."""

    def __init__(self, most_waiting: int) -> None:
        """All is well.

        Args:
            most_waiting: readings that wait in memory at most, for the sentence.
        """
        self._most_waiting = most_waiting
        self._lock = threading.Lock()
        self._problems: dict[str, str] = {}
        self._since = 0.0
        self._retry_s = FIRST_RETRY_S
        self._retry_at = 0.0
        self._anew = 0
        self._anew_until = 0.0

    @property
    def fails(self) -> bool:
        """It could not be read or not be written the last time; it is left alone until it is tried again."""
        return bool(self._problems)

    @property
    def unreadable(self) -> bool:
        """It could not be read the last time."""
        return "read" in self._problems

    def failing_s(self) -> float:
        """For how long it fails, seconds; 0 while it works."""
        with self._lock:
            return time.monotonic() - self._since if self._problems else 0.0

    def retry_in_s(self) -> float:
        """When it is to be tried again, seconds from now; meaningless while it works."""
        with self._lock:
            return max(0.0, self._retry_at - time.monotonic())

    def sentence(self, waiting: int) -> str | None:
        """What is wrong, for people; None while all is well.

        Args:
            waiting: readings that wait in memory.
        """
        with self._lock:
            problem = next(iter(self._problems.values()), None)
            if problem is None:
                return BEGUN_ANEW if time.monotonic() < self._anew_until else None
        if waiting:
            problem += f" {waiting} readings wait in memory for it (at most {self._most_waiting})."
        return problem

    def failed(self, use: str, error: StoreFailed) -> None:
        """It could not be used.

        Args:
            use: `read` or `written`.
            error: says why.
        """
        with self._lock:
            first = not self._problems
            self._problems[use] = str(error)
            if first:
                self._since = time.monotonic()
                self._retry_s, self._retry_at = FIRST_RETRY_S, self._since + FIRST_RETRY_S
        if first:
            log.error(
                "%s Readings are made all the same, and wait in memory until it works again (at most %d).",
                error,
                self._most_waiting,
            )

    def failed_oddly(self, use: str, error: Exception) -> None:
        """It could not be used, for a reason that nobody thought of; only the log has its words."""
        if not self._problems:
            log.error("the store of readings failed in an unforeseen way", exc_info=error)
        self.failed(use, StoreFailed(f"The store of readings failed ({type(error).__name__})."))

    def tried(self, *, works: bool) -> None:
        """It was tried again."""
        with self._lock:
            recovered = works and bool(self._problems)
            if works:
                self._problems.clear()
            self._retry_at = time.monotonic() + self._retry_s
            self._retry_s = min(LAST_RETRY_S, self._retry_s * 1.5)
        if recovered:
            log.info("The store of readings works again.")

    def begun_anew(self, times: int) -> None:
        """Its file was deleted or replaced so many times by now."""
        with self._lock:
            new, self._anew = times != self._anew, times
            if new:
                self._anew_until = time.monotonic() + REMEMBERED_S
        if new:
            log.error(BEGUN_ANEW)

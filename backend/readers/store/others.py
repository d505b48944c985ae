"""Readings that another twinread on the same store was asked for: waited for, not paid for again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from backend.errors import StoreFailed
from backend.page.lines import Reading
from backend.readers.store.health import StoreHealth
from backend.readers.store.readings import Claimed, ReadingStore

BULK_WAIT_S = 600.0
"""How long bulk work waits for a reading that another twinread was asked for, seconds."""

FIRST_POLL_S, LAST_POLL_S = 0.05, 1.0
"""The pauses between looks into the store, growing, seconds."""


class Waiter(Protocol):
    """Whoever waits for readings that another twinread was asked for."""

    identity: str

    def settle(self, digest: str, reading: Reading) -> None:
        """One is there; never raises."""
        ...

    def ask(self, digests: Sequence[str], *, urgent: bool) -> None:
        """These are to be asked for here, after all; never raises."""
        ...


@dataclass(slots=True)
class _Wait:
    """One reading that is waited for.

    until: when it is asked for here as well, by the monotonic clock.
    """

    until: float
    urgent: bool


class OthersReadings:
    """What is waited for; thread-safe, and looked after by one thread."""

    def __init__(
        self,
        store: ReadingStore,
        health: StoreHealth,
        hold: Callable[[Iterable[tuple[str, str]]], None],
        *,
        claim_s: float,
        urgent_wait_s: float,
    ) -> None:
        """Take the store; nothing is waited for yet.

        Args:
            store: where the others keep their readings.
            health: of the store.
            hold: called with what we are about to ask for, (digest, identity) each.
            claim_s: as `Keeper` takes it.
            urgent_wait_s: as `Keeper` takes it.
        """
        self._store = store
        self._health = health
        self._hold = hold
        self._claim_s = claim_s
        self._urgent_wait_s = urgent_wait_s
        self._lock = threading.Lock()
        self._waits: dict[tuple[str, Waiter], _Wait] = {}
        self._poll_s = FIRST_POLL_S
        self._poll_at = 0.0

    def add(self, digests: Sequence[str], waiter: Waiter, *, urgent: bool) -> None:
        """Wait for these; the waiter hears of each one day."""
        until = time.monotonic() + (self._urgent_wait_s if urgent else BULK_WAIT_S)
        with self._lock:
            self._waits.update(((digest, waiter), _Wait(until, urgent)) for digest in digests)
            self._soon()

    def hurry(self, digests: Sequence[str], waiter: Waiter) -> None:
        """An annotator has come to need these."""
        until = time.monotonic() + self._urgent_wait_s
        with self._lock:
            for digest in digests:
                wait = self._waits.get((digest, waiter))
                if wait is not None:
                    wait.urgent, wait.until = True, min(wait.until, until)
            self._soon()

    def due_in_s(self) -> float | None:
        """When `look` is to be called, seconds from now; None while nothing is waited for."""
        with self._lock:
            return max(0.0, self._poll_at - time.monotonic()) if self._waits else None

    def look(self) -> None:
        """Hand out what is kept by now, and ask for what nobody reads any more, or for too long."""
        by_waiter: dict[Waiter, list[str]] = {}
        with self._lock:
            for digest, waiter in self._waits:
                by_waiter.setdefault(waiter, []).append(digest)
        found_any = False
        for waiter, digests in by_waiter.items():
            found = self._of_others(digests, waiter.identity)
            found_any = found_any or bool(found.known)
            self._hand_out(waiter, digests, found)
        with self._lock:
            self._poll_s = FIRST_POLL_S if found_any else min(LAST_POLL_S, self._poll_s * 1.5)
            self._poll_at = time.monotonic() + self._poll_s

    def give_up(self) -> None:
        """Nothing is waited for any longer: twinread stops."""
        with self._lock:
            waits, self._waits = self._waits, {}
        for digest, waiter in waits:
            waiter.settle(digest, stopped(waiter.identity))

    def _hand_out(self, waiter: Waiter, digests: Sequence[str], found: Claimed) -> None:
        now = time.monotonic()
        # nobody's reading comes through a store that fails
        vain = self._health.failing_s() > self._claim_s
        with self._lock:
            waits = {digest: self._waits[digest, waiter] for digest in digests}
            over = {digest for digest, wait in waits.items() if vain or wait.until <= now}
            ours = (over | found.ours) - found.known.keys()
            for digest in (*found.known, *ours):
                del self._waits[digest, waiter]
        self._hold([(digest, waiter.identity) for digest in ours])
        for digest, reading in found.known.items():
            waiter.settle(digest, reading)
        for urgent in (True, False):
            asked = [digest for digest in digests if digest in ours and waits[digest].urgent is urgent]
            if asked:
                waiter.ask(asked, urgent=urgent)

    def _of_others(self, digests: Sequence[str], identity: str) -> Claimed:
        """What is kept by now, and what has become ours to ask for; nothing while the store fails."""
        if self._health.fails:
            return Claimed()
        try:
            known, claimed = self._store.elsewhere(digests, identity)
            free = [digest for digest in digests if digest not in known and digest not in claimed]
            taken = self._store.claim(free, identity, self._claim_s) if free else Claimed()
        except StoreFailed as error:
            self._health.failed("read", error)
            return Claimed()
        return Claimed(known | taken.known, taken.ours)

    def _soon(self) -> None:
        self._poll_s = FIRST_POLL_S
        self._poll_at = time.monotonic() + FIRST_POLL_S


def stopped(identity: str) -> Reading:
    """What becomes of a reading that was waited for when twinread stops."""
    return Reading(identity, error="The reading was given up because twinread stops.", retryable=True)

"""An ERNIE that keeps count of what it was asked for and what it answered."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aiohttp import web

from tests.parts.ernie_stand_in import Asked, Hang, Outcome, Say, StandIn, fingerprint


@dataclass(frozen=True, slots=True)
class Counted(Say):
    """An answer that knows which reading it is."""

    reading: str = ""


class CountingErnie(StandIn):
    """Says the same of the same picture; a reading is named by picture and prompt.

    asked_for, told: how often each reading was asked for, and answered.
    round: whoever attacks counts it up; each reading knows in which of them it was asked for.
    hangs_every: one call in so many gets no answer; 0 for none.
    """

    def __init__(self, latency_s: float = 0.1) -> None:
        super().__init__(self._say, latency_s=latency_s)
        self.asked_for: Counter[str] = Counter()
        self.told: Counter[str] = Counter()
        self.round = 1
        self._rounds: dict[str, list[int]] = {}
        self.hangs_every = 0
        self.hung = 0
        self._counting = threading.Lock()

    def repeated(self) -> int:
        """How many calls asked for a reading that had been asked for before."""
        with self._counting:
            return sum(self.asked_for.values()) - len(self.asked_for)

    def repeated_of(self) -> Counter[int]:
        """How many calls repeated one of a round, by that round, whenever that was."""
        with self._counting:
            return Counter(number for rounds in self._rounds.values() for number in rounds[:-1])

    def told_twice(self) -> int:
        """How many answers repeated an answer."""
        with self._counting:
            return sum(self.told.values()) - len(self.told)

    def _say(self, asked: Asked) -> Outcome:
        self.asked.clear()  # pictures of hours would fill the memory
        if asked.picture is None:
            return Say("ready")
        name = f"{fingerprint(asked)} {asked.second}"
        with self._counting:
            self.asked_for[name] += 1
            self._rounds.setdefault(name, []).append(self.round)
            number = sum(self.asked_for.values()) if self.hangs_every else 0
        if self.hangs_every and number % self.hangs_every == 0:
            self.hung += 1
            return Hang()
        return Counted(f"Счёт {int(fingerprint(asked)[:6], 16)}", reading=name)

    async def _send(self, request: web.Request, outcome: Outcome) -> web.StreamResponse:
        answer = await super()._send(request, outcome)
        if isinstance(outcome, Counted):
            with self._counting:
                self.told[outcome.reading] += 1
        return answer


@contextmanager
def counting_ernie(latency_s: float = 0.1) -> Iterator[CountingErnie]:
    server = CountingErnie(latency_s)
    with server.running():
        yield server

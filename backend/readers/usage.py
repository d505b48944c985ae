"""What readings cost: tokens, as a server itself counts them, and who keeps account of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Usage:
    """What some calls took.

    calls: that a server answered.
    unmetered: those of them whose answer did not say what it took.
    input_tokens: of questions and pictures, cached ones included.
    cached_tokens: those of them that the server had at hand from calls before.
    output_tokens: of answers, thoughts included.
    seconds: that the calls took, one by one; many run at once.
    """

    calls: int = 0
    unmetered: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0

    @property
    def tokens(self) -> int:
        """Of questions, pictures and answers."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        """Both together."""
        return Usage(
            self.calls + other.calls,
            self.unmetered + other.unmetered,
            self.input_tokens + other.input_tokens,
            self.cached_tokens + other.cached_tokens,
            self.output_tokens + other.output_tokens,
            self.seconds + other.seconds,
        )


@dataclass(frozen=True, slots=True)
class UsageRow:
    """What one reader took for one project on one day.

    day: of UTC.
    project: its number in Label Studio; empty where the question named none.
    reader: its identity.
    """

    day: date
    project: str
    reader: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class Spending:
    """What one reader took for one project.

    project, reader: as in `UsageRow`.
    today: on the present day of UTC.
    total: on all days.
    """

    project: str
    reader: str
    today: Usage
    total: Usage


class Ledger(Protocol):
    """Whoever keeps account of what readers take."""

    def note(self, project: str, reader: str, usage: Usage) -> None:
        """A server answered; returns at once, from any thread.

        Args:
            project: for which it was asked; empty for none.
            reader: identity of the reader that asked.
            usage: of this call.
        """
        ...

    def when_written(self, then: Callable[[], object]) -> None:
        """Call something once what came here before is written, or cannot be; at once where nothing is.

        Args:
            then: called by any thread, once; it must not wait.
        """
        ...


class Ledgers:
    """Several that keep account as one; a `Ledger`."""

    def __init__(self, *ledgers: Ledger | None) -> None:
        """Take them; None are passed over."""
        self._ledgers = tuple(ledger for ledger in ledgers if ledger is not None)

    def note(self, project: str, reader: str, usage: Usage) -> None:
        """As `Ledger.note`."""
        for ledger in self._ledgers:
            ledger.note(project, reader, usage)

    def when_written(self, then: Callable[[], object]) -> None:
        """As `Ledger.when_written`, by all of them."""
        for ledger in self._ledgers:
            then = partial(ledger.when_written, then)
        then()


def project_of(asker: Hashable) -> str:
    """The number of the project that a ticket's asker names; empty where it names none.

    Label Studio's requests name a project with the second at which it was made: `3.1700000000`. Whatever
    is no number names nothing, so that a caller cannot make accounts grow.
    """
    number = str(asker).partition(".")[0] if isinstance(asker, (str, int)) else ""
    return str(int(number)) if number.isascii() and number.isdecimal() and len(number) < 12 else ""

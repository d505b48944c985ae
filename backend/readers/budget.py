"""A hard stop: what calls may cost in all, reserved before each call and settled after it.

A call is made only while all that was spent, all that calls in flight may still cost, and what it may cost
itself stay within the limits together. Its answer is as long as `max_tokens` allows at most; how many tokens
a question and its picture are is learned from what the server said before. While nothing is known about the
server, one call is in flight; then as many as were answered.
"""

from __future__ import annotations

import itertools
import math
import threading
from dataclasses import dataclass
from typing import Protocol

from backend.errors import BudgetSpent, SettingsWrong
from backend.readers.prices import Prices
from backend.readers.usage import Usage

SMALLEST_PATCH = 14
"""Side of the square that one token of a picture stands for, pixels: 28 or 32 with usual models."""

ENVELOPE = 64
"""Tokens of a question that are neither its words nor its picture, at most."""

STEPS = 2
"""In how many classes what is asked for falls each time it doubles; in one, nothing is √2 times another."""

LIKE = 1.5
"""What is asked for next takes so many times the tokens at most that the largest of its class took: √2, and
some room."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may take; None each: no limit.

    max_calls: calls that are answered.
    max_tokens: of questions, pictures and answers.
    max_cost: in the currency of the prices.
    """

    max_calls: int | None = None
    max_tokens: int | None = None
    max_cost: float | None = None

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return self.max_calls is not None or self.metered

    @property
    def metered(self) -> bool:
        """Whether one is kept only with what answers say they took."""
        return self.max_tokens is not None or self.max_cost is not None


@dataclass(frozen=True, slots=True)
class Ask:
    """A call that is about to be made.

    reader: identity of the reader that asks.
    words: of its question, bytes in UTF-8; no tokenizer makes more tokens of them.
    width, height: of its picture, pixels.
    max_tokens: of the answer.
    """

    reader: str
    words: int
    width: int
    height: int
    max_tokens: int

    @property
    def size(self) -> int:
        """Tokens that the question and its picture can be at most, as far as can be told without asking."""
        patches = math.ceil(self.width / SMALLEST_PATCH) * math.ceil(self.height / SMALLEST_PATCH)
        return self.words + ENVELOPE + patches


@dataclass(frozen=True, slots=True)
class Grant:
    """A call that may be made, and what is reserved for it.

    number: names it.
    input_tokens, output_tokens: that it can take at most.
    """

    number: int
    ask: Ask
    input_tokens: int
    output_tokens: int


class Spender(Protocol):
    """Whoever says whether a call may be made: a `Budget`, or one that stands on another machine."""

    def reserve(self, ask: Ask) -> Grant | None:
        """Reserve what a call may cost at most; returns at once.

        Returns:
            The call may be made; None: not before one that is in flight is settled, ask again.

        Raises:
            BudgetSpent: it may never be made.
        """
        ...

    def settle(self, grant: Grant, usage: Usage | None) -> None:
        """End a reservation; each exactly once.

        Args:
            grant: what was reserved.
            usage: of the call; without calls where the server made none of it, None where it may have
                been paid for and nobody knows: the whole reservation counts as spent.
        """
        ...


class Budget:
    """What one run may spend; a `Spender`, thread-safe."""

    def __init__(self, limits: Limits, prices: Prices | None = None) -> None:
        """Begin with nothing spent.

        Args:
            limits: what may be spent.
            prices: of the server; needed for a limit of costs.

        Raises:
            SettingsWrong: the costs are limited, and no prices are set.
        """
        self.limits = limits
        self.prices = prices or Prices()
        if limits.max_cost is not None and not self.prices.known:
            raise SettingsWrong(
                "A limit of costs needs prices: set ERNIE_INPUT_PRICE and ERNIE_OUTPUT_PRICE, what the "
                "service charges for a million tokens, or limit calls or tokens instead."
            )
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._spent = Usage()
        # of calls that nobody knows the end of
        self._presumed = Usage()
        self._in_flight: dict[int, Grant] = {}
        self._learned = _Learned()
        self._exhausted: str | None = None

    @property
    def spent(self) -> Usage:
        """What the calls took that were answered."""
        with self._lock:
            return self._spent

    @property
    def presumed(self) -> Usage:
        """What calls that had no answer may have taken at most; it counts as spent."""
        with self._lock:
            return self._presumed

    @property
    def cost(self) -> float | None:
        """What `spent` cost; None where no prices are set."""
        return self.prices.cost(self.spent)

    @property
    def exhausted(self) -> str | None:
        """Why no further call is made, as a sentence; None while calls are made."""
        with self._lock:
            return self._exhausted

    def reserve(self, ask: Ask) -> Grant | None:
        """As `Spender.reserve`."""
        with self._lock:
            if self._exhausted is not None:
                raise BudgetSpent(self._exhausted)
            grant = Grant(
                next(self._numbers), ask, self._learned.most_input(ask), self._learned.most_output(ask)
            )
            flying = len(self._in_flight)
            careful = self.limits.metered and flying >= max(1, self._learned.calls)
            if not careful and (why := self._over(grant)) is None:
                self._in_flight[grant.number] = grant
                return grant
            if flying:
                return None
            self._exhausted = why
            raise BudgetSpent(str(why))

    def settle(self, grant: Grant, usage: Usage | None) -> None:
        """As `Spender.settle`."""
        with self._lock:
            if self._in_flight.pop(grant.number, None) is None:
                return
            if usage is None:
                self._presumed += Usage(1, 0, grant.input_tokens, 0, grant.output_tokens)
                return
            self._spent += usage
            if usage.unmetered and self.limits.metered:
                self._exhausted = (
                    "ERNIE's server does not say how many tokens its answers took (`usage`), so a limit of "
                    "tokens or costs cannot be kept, and no further call is made. Limit calls instead."
                )
            elif usage.calls:
                self._learned.note(grant.ask, usage)

    def _over(self, grant: Grant) -> str | None:
        """Which limit a call might pass, as a sentence; None where it may be made."""
        limits = self.limits
        flying = [*self._in_flight.values(), grant]
        taken = self._spent + self._presumed
        calls = taken.calls + len(flying)
        most_input = sum(one.input_tokens for one in flying)
        most_output = sum(one.output_tokens for one in flying)
        if limits.max_calls is not None and calls > limits.max_calls:
            return f"The limit of {limits.max_calls:,} calls is reached; {_KEPT}"
        if limits.max_tokens is not None and taken.tokens + most_input + most_output > limits.max_tokens:
            return (
                f"The limit of {limits.max_tokens:,} tokens is reached: {taken.tokens:,} are spent, and the "
                f"next call may take {grant.input_tokens + grant.output_tokens:,}; {_KEPT}"
            )
        if limits.max_cost is not None:
            spent = (self.prices.cost(self._spent) or 0.0) + self.prices.most(
                self._presumed.input_tokens, self._presumed.output_tokens
            )
            if spent + self.prices.most(most_input, most_output) > limits.max_cost:
                most = self.prices.most(grant.input_tokens, grant.output_tokens)
                return (
                    f"The limit of {self.prices.shown(limits.max_cost)} is reached: "
                    f"{self.prices.shown(spent)} are spent, and the next call may cost "
                    f"{self.prices.shown(most)}; {_KEPT}"
                )
        return None


_KEPT = "what was read is kept, and the same again goes on from here."


class _Learned:
    """What is known of how many tokens calls take; not thread-safe.

    calls: that taught something.
    """

    def __init__(self) -> None:
        self.calls = 0
        # most tokens by reader and class of size, most by size, most of all, and of an answer by its limit
        self._by_class: dict[tuple[str, int], int] = {}
        self._rate = 0.0
        self._most = 0
        self._overrun = 1.0

    def most_input(self, ask: Ask) -> int:
        """Tokens of question and picture, at most."""
        like = self._by_class.get(_class_of(ask))
        if like is not None:
            return math.ceil(LIKE * like)
        # nothing of this size was seen: more than the largest of what was, larger or smaller
        return max(ask.size, math.ceil(LIKE * max(self._rate * ask.size, self._most)))

    def most_output(self, ask: Ask) -> int:
        """Tokens of the answer, at most: servers keep `max_tokens`, or show that they do not."""
        return math.ceil(ask.max_tokens * self._overrun)

    def note(self, ask: Ask, usage: Usage) -> None:
        """A call took so much."""
        self.calls += 1
        key = _class_of(ask)
        self._by_class[key] = max(self._by_class.get(key, 0), usage.input_tokens)
        self._rate = max(self._rate, usage.input_tokens / ask.size)
        self._most = max(self._most, usage.input_tokens)
        self._overrun = max(self._overrun, usage.output_tokens / ask.max_tokens)


def _class_of(ask: Ask) -> tuple[str, int]:
    return ask.reader, math.floor(STEPS * math.log2(ask.size))

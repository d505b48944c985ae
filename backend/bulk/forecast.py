"""What a run over a project will take, before it: calls, tokens, money and hours, by a sample of its tasks.

What a call takes comes from the ledger, where the server has told it, and is carried over to the sampled
lines by the size of their pictures; before that it is a guess, and called so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from backend.bulk.estimates import Figure, total
from backend.bulk.rehearsal import Asked, Rehearsed
from backend.bulk.sample import Sample
from backend.readers.prices import Prices
from backend.readers.usage import Usage

FEW_CALLS = 30
"""So few calls are no measure of what a call takes."""

DISPUTED = 0.3
"""Share of lines on which the first two readers differ, where no page of the project says it."""

STORED_PER_S = 40.0
"""Predictions of 30 lines each that Label Studio 1.23 takes in a second; the least that was measured."""


@dataclass(frozen=True, slots=True)
class ReaderForecast:
    """What one reader that costs money will be asked.

    calls, input_tokens, output_tokens: in all.
    cached_share: of the input tokens, such as a server's prefix cache serves.
    measured: the calls by which tokens and seconds are known; 0 where they are guessed.
    call_s: seconds that one call takes; None where none was measured.
    """

    reader: str
    calls: Figure
    input_tokens: Figure
    output_tokens: Figure
    cached_share: float
    measured: int
    call_s: float | None


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the run, of those that go on beside one another.

    seconds: that it takes alone; None where nothing says it.
    """

    name: str
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a run will take; figures are of all its tasks.

    tasks: that lack the present version.
    sampled: so many of them were looked at.
    failed: of these, those that the run cannot read either until it is mended, and why.
    kept: readings that cost money and are in the store already.
    readers: those that cost money.
    calls, cost: of all of them; the cost in `prices`' currency, None where no price is set.
    disputed: the share of lines that later readers are asked for, and how many lines say so (0: a guess);
        None where it need not be known.
    stages: the slowest says how long the run takes.
    """

    tasks: int
    sampled: int
    failed: Mapping[int, str]
    pages: Figure
    lines: Figure
    kept: Figure
    readers: tuple[ReaderForecast, ...]
    calls: Figure
    cost: Figure | None
    prices: Prices
    disputed: tuple[float, int] | None
    stages: tuple[Stage, ...]

    @property
    def guessed(self) -> bool:
        """Whether nothing says how many tokens a call takes."""
        return any(reader.calls.value and not reader.measured for reader in self.readers)

    @property
    def slowest(self) -> Stage | None:
        """The stage that says how long the run takes; None while one is unknown."""
        if any(stage.seconds is None for stage in self.stages):
            return None
        return max(self.stages, key=lambda stage: stage.seconds or 0.0)


@dataclass(frozen=True, slots=True)
class Known:
    """What runs before have told.

    usage: what calls took, by reader.
    done: tasks that have the present version, rehearsed: their readings are in the store.
    """

    usage: Mapping[str, Usage] = field(default_factory=dict)
    done: Sequence[Rehearsed] = ()

    @property
    def asked(self) -> list[Asked]:
        """Their readings that cost money."""
        return [asked for one in self.done for asked in one.asked]


@dataclass(frozen=True, slots=True)
class _Load:
    """What one reader is asked for one task."""

    calls: float = 0.0
    input: float = 0.0
    output: float = 0.0


@dataclass(frozen=True, slots=True)
class _PerCall:
    """What a reader's call takes.

    input, output: tokens for each guessed token, or for each call where nothing was guessed.
    """

    usage: Usage
    input: float
    output: float

    @property
    def metered(self) -> int:
        """The calls that say so."""
        calls = self.usage.calls - self.usage.unmetered
        return calls if calls >= FEW_CALLS else 0


def needs_done(sample: Sample, usage: Mapping[str, Usage]) -> bool:
    """Whether tasks that were read before would say more: what their calls were, and who was asked."""
    return bool(usage) or any(not asked.certain for one in sample.rehearsed for asked in one.asked)


def forecast(
    sample: Sample, known: Known, prices: Prices, *, concurrency: int, pages_at_once: int
) -> Forecast:
    """Reckon what a run will take.

    Args:
        sample: of its tasks.
        known: what runs before have told.
        prices: of the server.
        concurrency: calls in flight at once, at most.
        pages_at_once: pages that the run has in hand.
    """
    disputed = _disputed(sample, known)
    share = disputed[0] if disputed else 1.0
    names = dict.fromkeys(asked.reader for one in sample.rehearsed for asked in one.asked)
    per_call = {name: _per_call(name, sample, known) for name in names}
    loads = [_loads(one, per_call, share) for one in sample.rehearsed]
    tasks = sample.tasks

    def of_all(amounts: Sequence[float]) -> Figure:
        return total(amounts, tasks)

    readers = tuple(
        ReaderForecast(
            name,
            calls=of_all([load[name].calls for load in loads]),
            input_tokens=of_all([load[name].input for load in loads]),
            output_tokens=of_all([load[name].output for load in loads]),
            cached_share=_cached(call.usage),
            measured=call.metered,
            call_s=call.usage.seconds / call.usage.calls if call.usage.calls else None,
        )
        for name, call in per_call.items()
    )
    costs = [_cost(load, per_call, prices) for load in loads]
    pages = of_all([one.pages for one in sample.rehearsed])
    calls = of_all([sum(each.calls for each in load.values()) for load in loads])
    at_once = min(concurrency, pages_at_once * calls.value / max(pages.value, 1.0))
    return Forecast(
        tasks=tasks,
        sampled=len(sample.rehearsed),
        failed=sample.failed,
        pages=pages,
        lines=of_all([one.lines for one in sample.rehearsed]),
        kept=of_all([sum(asked.kept for asked in one.asked) for one in sample.rehearsed]),
        readers=readers,
        calls=calls,
        cost=of_all([cost for cost in costs if cost is not None]) if prices.known else None,
        prices=prices,
        disputed=disputed,
        stages=(
            Stage("finding lines, and reading on this machine", sample.seconds * tasks / max(1, len(loads))),
            *([Stage("reading by the server", _reading_s(readers, at_once))] if calls.value else []),
            Stage("storing in Label Studio", tasks / STORED_PER_S),
        ),
    )


def _disputed(sample: Sample, known: Known) -> tuple[float, int] | None:
    """The share of lines that later readers are asked for, and of how many; None where all is certain."""
    if all(asked.certain for one in sample.rehearsed for asked in one.asked):
        return None
    later = sum(asked.later and asked.certain for asked in known.asked)
    # a line whose first readings are no longer kept says nothing
    first = sum(not asked.later and asked.kept for asked in known.asked)
    return (min(1.0, later / first), first) if first >= FEW_CALLS else (DISPUTED, 0)


def _per_call(name: str, sample: Sample, known: Known) -> _PerCall:
    """What a reader's calls take, measured or guessed."""
    call = _PerCall(known.usage.get(name, Usage()), 1.0, 1.0)
    if not call.metered:
        return call
    measured = [asked for asked in known.asked if asked.reader == name]
    if len(measured) < FEW_CALLS:
        # whatever lines the ledger's calls were for: these are taken to be like them
        measured = [asked for one in sample.rehearsed for asked in one.asked if asked.reader == name]
    usage = call.usage
    return _PerCall(
        usage,
        usage.input_tokens / call.metered / max(1.0, fmean(asked.input_guess for asked in measured)),
        usage.output_tokens / call.metered / max(1.0, fmean(asked.output_guess for asked in measured)),
    )


def _loads(one: Rehearsed, per_call: Mapping[str, _PerCall], share: float) -> dict[str, _Load]:
    """What each reader is asked for one task."""
    loads = dict.fromkeys(per_call, _Load())
    for asked in one.asked:
        if asked.kept:
            continue
        weight, so_far, call = 1.0 if asked.certain else share, loads[asked.reader], per_call[asked.reader]
        loads[asked.reader] = _Load(
            so_far.calls + weight,
            so_far.input + weight * max(1, asked.input_guess) * call.input,
            so_far.output + weight * max(1, asked.output_guess) * call.output,
        )
    return loads


def _cost(loads: Mapping[str, _Load], per_call: Mapping[str, _PerCall], prices: Prices) -> float | None:
    """What one task costs; None where no price is set."""
    usage = Usage()
    for name, load in loads.items():
        cached = round(load.input * _cached(per_call[name].usage))
        usage += Usage(input_tokens=round(load.input), cached_tokens=cached, output_tokens=round(load.output))
    return prices.cost(usage)


def _cached(usage: Usage) -> float:
    return usage.cached_tokens / usage.input_tokens if usage.input_tokens else 0.0


def _reading_s(readers: Sequence[ReaderForecast], at_once: float) -> float | None:
    """How long the server reads; None where it is not known how long a call takes."""
    asked = [reader for reader in readers if reader.calls.value]
    if any(reader.call_s is None for reader in asked):
        return None
    return sum(reader.calls.value * (reader.call_s or 0.0) for reader in asked) / max(at_once, 1.0)

"""What a run over a project will take, before it: lines, calls, tokens, money and hours, by a sample of its tasks.

    forecast      rehearses tasks drawn by chance until their number of calls is known well enough
    measured      what the server told of its calls so far, by reader: the ledger

Nothing is paid for, and nothing is written into Label Studio; what local engines read is kept, as in the run.
"""

from __future__ import annotations

import hashlib
import heapq
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from backend.bulk.estimates import Figure, total
from backend.bulk.job import BulkWork
from backend.bulk.rehearsal import Asked, Rehearsed, rehearse
from backend.errors import TwinreadError
from backend.pipeline.engines import Engines
from backend.pipeline.read_task import pages_of, task_id, unexpected, task_name
from backend.readers.prices import Prices
from backend.readers.usage import Usage

LEAST, MOST = 12, 200
"""Tasks of a sample whose size nobody gave: at least so many, and more until `CLOSE`, but no more than these."""

CLOSE = 0.08
"""A sample is large enough when half of its interval of calls (lines, where nothing is paid for) is so small a
share of their number."""

FEW_CALLS = 50
"""Of fewer calls the ledger's means are not told of as measured."""

DISPUTED = 0.3
"""Share of lines on which a local engine and ERNIE differ, where no page of the project says it."""

STORED_PER_S = 40.0
"""Predictions of 30 lines that Label Studio 1.23 takes in a second, in batches, the least that was measured."""

Task = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ReaderForecast:
    """What one reader that costs money will be asked.

    calls, input_tokens, output_tokens: in all.
    cached_share: of the input tokens, such as a server's prefix cache serves.
    measured: the calls that tokens and seconds were measured on; 0 where they are guessed.
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
    """One of the stages that a run does beside one another.

    seconds: alone; None where nothing was measured.
    """

    name: str
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a run will take; figures are of all its tasks.

    tasks: that lack the present version.
    sampled: so many of them were looked at.
    failed: of these, those that the run cannot read either unless that is mended, and why.
    kept: readings that cost money and are in the store already.
    readers: those that cost money.
    cost: of them, in `currency`; None where no price is set.
    disputed: share of lines that wait for the first two readings, and how many lines say it (0: a guess);
        None where the policy asks all at once.
    stages: what is done beside one another; the slowest says how long it takes.
    """

    tasks: int
    sampled: int
    failed: Mapping[int, str]
    pages: Figure
    lines: Figure
    kept: Figure
    readers: tuple[ReaderForecast, ...]
    cost: Figure | None
    currency: str
    disputed: tuple[float, int] | None
    stages: tuple[Stage, ...]

    @property
    def calls(self) -> float:
        """Of all readers."""
        return sum(reader.calls.value for reader in self.readers)

    @property
    def guessed(self) -> bool:
        """Whether the tokens of a reader were measured nowhere."""
        return any(reader.calls.value and not reader.measured for reader in self.readers)

    @property
    def slowest(self) -> Stage | None:
        """The stage that says how long the run takes; None where one was not measured."""
        if any(stage.seconds is None for stage in self.stages):
            return None
        return max(self.stages, key=lambda stage: stage.seconds or 0.0)


def drawn(tasks: Iterable[Task], most: int = MOST) -> tuple[list[Task], int]:
    """Some tasks, by a chance that is the same every time, in an order in which any first ones are a sample.

    Args:
        tasks: taken one by one, so that memory stays flat.
        most: how many are kept.

    Returns:
        The drawn tasks, and how many there were in all.
    """
    counted = 0

    def counting() -> Iterator[Task]:
        nonlocal counted
        for task in tasks:
            counted += 1
            yield task

    return heapq.nsmallest(most, counting(), key=_lot), counted


def _lot(task: Task) -> bytes:
    return hashlib.blake2b(str(task["id"]).encode(), digest_size=8).digest()

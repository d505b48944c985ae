"""The tasks that a forecast looks at: drawn by chance, rehearsed many at once until they say enough."""

from __future__ import annotations

import hashlib
import heapq
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

from backend.bulk.estimates import total
from backend.bulk.job import BulkWork
from backend.bulk.rehearsal import Rehearsed, rehearse
from backend.errors import TwinreadError
from backend.pipeline.engines import Engines
from backend.pipeline.read_task import pages_of, task_id, task_name, unexpected

LEAST, MOST = 12, 200
"""Tasks of a sample whose size nobody gave: at least so many, then more until `CLOSE`, but not above."""

CLOSE = 0.08
"""A sample is large enough when half of its interval of readings (of lines, where none costs money) is this
share of their number."""

Task: TypeAlias = Mapping[str, Any]


@dataclass(slots=True)
class Sample:
    """What was found at some tasks of many.

    tasks: how many there are in all.
    rehearsed: what each drawn task would take; nothing where it cannot be read.
    failed: why tasks cannot be read, by id.
    first: the first such reason.
    seconds: that the drawn tasks took, many at once.
    """

    tasks: int
    rehearsed: list[Rehearsed] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)
    first: TwinreadError | None = None
    seconds: float = 0.0

    def note(self, task: Task, outcome: Rehearsed | TwinreadError) -> None:
        """Take what was found at a task."""
        if isinstance(outcome, Rehearsed):
            self.rehearsed.append(outcome)
        else:
            self.rehearsed.append(Rehearsed())
            self.failed[task_id(task) or 0] = str(outcome)
            self.first = self.first or outcome

    @property
    def close(self) -> bool:
        """Whether it says how many readings there will be, as exactly as is asked for."""
        readings = [float(len(one.asked) or one.lines) for one in self.rehearsed]
        return total(readings, self.tasks).spread <= CLOSE


def drawn(tasks: Iterable[Task], most: int = MOST) -> tuple[list[Task], int]:
    """Some tasks, by a chance that is the same every time; any first ones of them are a sample, too.

    Args:
        tasks: taken one by one, so that memory stays flat.
        most: how many are kept.

    Returns:
        The drawn tasks, and how many there are in all.
    """
    counted = 0

    def counting() -> Iterator[Task]:
        nonlocal counted
        for task in tasks:
            counted += 1
            yield task

    return heapq.nsmallest(most, counting(), key=_lot), counted


def look_at(
    engines: Engines,
    work: BulkWork,
    tasks: Sequence[Task],
    among: int,
    *,
    at_once: int,
    enough: Callable[[Sample], bool] = lambda sample: False,
    on_task: Callable[[], object] = lambda: None,
) -> Sample:
    """Rehearse drawn tasks.

    Args:
        engines: lent to the caller for as long as this takes.
        work: whose tasks.
        tasks: in the order in which they were drawn.
        among: how many tasks there are in all.
        at_once: how many are looked at beside one another.
        enough: whether the others need not be looked at.
        on_task: called after each one, from any thread.
    """
    sample = Sample(among)
    with ThreadPoolExecutor(at_once, thread_name_prefix="sample") as pool:
        for start in range(0, len(tasks), LEAST):
            if start and enough(sample):
                break
            began = time.monotonic()
            some = tasks[start : start + LEAST]
            outcomes = pool.map(partial(_outcome, engines, work, on_task), some)
            for task, outcome in zip(some, outcomes, strict=True):
                sample.note(task, outcome)
            sample.seconds += time.monotonic() - began
    return sample


def _outcome(
    engines: Engines, work: BulkWork, on_task: Callable[[], object], task: Task
) -> Rehearsed | TwinreadError:
    """What a task would take, or why the run cannot read it either."""
    found = Rehearsed()
    try:
        for page in pages_of(task, work.config, work.wording):
            found.add(rehearse(engines, page))
    except TwinreadError as error:
        return error
    except Exception as error:  # noqa: BLE001 - a library's failure over one page is that page's
        return unexpected(task_name(task_id(task)), error)
    finally:
        on_task()
    return found


def _lot(task: Task) -> bytes:
    return hashlib.blake2b(str(task["id"]).encode(), digest_size=8).digest()

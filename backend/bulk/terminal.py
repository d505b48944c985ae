"""What a run shows: a bar while it goes on, and sentences that add up at its end."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from backend.bulk.counts import Counts
from backend.outputs import printable

SHOWN_REASONS = 20
"""Reasons that are shown, and tasks of each."""

NARROW = 80
"""Columns under which the bar itself is left out: its figures say more."""

LINE_S = 60.0
"""How often a line is written where nobody watches, seconds."""


class _Rate(ProgressColumn):
    """How many in a minute."""

    def render(self, task: Task) -> Text:
        """The rate of the last half minute."""
        return Text(f"{task.speed * 60:,.0f}/min" if task.speed else "", no_wrap=True)


class RunBar:
    """The bar of a run on a terminal, or a line now and then where there is none; safe between threads."""

    def __init__(self, console: Console, counts: Counts, cost: Callable[[], str]) -> None:
        """Prepare.

        Args:
            console: where to show it.
            counts: of the run.
            cost: what was paid so far, for people; empty where nobody can tell.
        """
        self._console = console
        self._counts = counts
        self._cost = cost
        self._bars: Progress | None = None
        self._bar = TaskID(0)
        self._said_at = time.monotonic()

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show it while the block runs."""
        wide = (BarColumn(bar_width=None),) if self._console.width >= NARROW else ()
        columns = (
            TextColumn("Reading"),
            *wide,
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[more]}"),
        )
        with Progress(
            *columns,
            console=self._console,
            transient=True,
            expand=bool(wide),
            disable=not self._console.is_terminal,
        ) as bars:
            self._bars, self._bar = bars, bars.add_task("", total=self._counts.total, more="")
            yield
        self._bars = None

    def update(self) -> None:
        """Show how far the run is."""
        counts = self._counts
        done = counts.read + len(counts.failed)
        if self._bars is not None:
            self._bars.update(self._bar, completed=done, total=max(counts.total, done), more=self._more())
        if not self._console.is_terminal and time.monotonic() - self._said_at >= LINE_S:
            self._said_at = time.monotonic()
            self._console.print(f"{done:,} of {counts.total:,} tasks {self._more()}")

    def say(self, sentence: str) -> None:
        """Print a sentence above the bar."""
        self._console.print(printable(sentence), markup=False, soft_wrap=True)

    def leave(self) -> None:
        """Leave the terminal as it was, at once."""
        if self._bars is not None:
            self._bars.stop()

    def _more(self) -> str:
        share = self._counts.agreed_share
        agreed = "" if share is None else f"{share:.0%} agreed"
        return ", ".join(filter(None, (agreed, self._cost())))


def duration(seconds: float) -> str:
    """A time for people, such as "45 s", "12 min" or "3 h 20 min"."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def summary(counts: Counts, version: str, seconds: float, cost: str) -> Iterator[str]:
    """Sentences about a run that ended, whatever it ended by.

    Args:
        counts: of the run.
        version: the model version of its predictions.
        seconds: that it took.
        cost: what was paid, for people; empty where nobody can tell.
    """
    share = counts.agreed_share
    rate = f", {counts.read / seconds * 60:,.0f} a minute" if counts.read and seconds >= 1 else ""
    lines = "" if share is None else f" {share:.0%} of {counts.lines:,} lines are agreed."
    yield (
        f"{counts.stored:,} of {counts.total:,} tasks read and stored in {duration(seconds)}{rate}, as "
        f"'{version}'.{lines}"
    )
    if cost:
        yield f"It cost {cost}."
    if counts.already:
        yield f"{_tasks(counts.already)} got a prediction of this version from elsewhere meanwhile."
    if counts.gone:
        yield f"{_tasks(counts.gone)} deleted meanwhile."
    yield from _reasons(f"{_tasks(len(counts.failed))} could not be read:", counts.failed)
    yield from _reasons(
        f"{_tasks(len(counts.dropped))} read, but Label Studio does not take their predictions:",
        counts.dropped,
    )
    if counts.left:
        yield f"{_tasks(counts.left)} left."


def figures(counts: Counts, version: str, seconds: float) -> dict[str, object]:
    """The same for machines: total = stored + already + gone + failed + dropped + left."""
    return {
        "model_version": version,
        "total": counts.total,
        "stored": counts.stored,
        "already": counts.already,
        "gone": counts.gone,
        "failed": {str(task): why for task, why in sorted(counts.failed.items())},
        "dropped": {str(task): why for task, why in sorted(counts.dropped.items())},
        "left": counts.left,
        "lines": counts.lines,
        "agreed_share": counts.agreed_share,
        "seconds": round(seconds, 1),
    }


def named(tasks: Sequence[int]) -> str:
    """Such as "task 4" or "tasks 4, 7 and 12 more"."""
    shown = ", ".join(map(str, tasks[:SHOWN_REASONS]))
    more = f" and {len(tasks) - SHOWN_REASONS:,} more" if len(tasks) > SHOWN_REASONS else ""
    return f"{'task' if len(tasks) == 1 else 'tasks'} {shown}{more}"


def _tasks(count: int) -> str:
    return f"{count:,} {'task was' if count == 1 else 'tasks were'}"


def _reasons(said: str, reasons: Mapping[int, str]) -> Iterator[str]:
    """Reasons, each once with the tasks that it stopped, the most frequent first."""
    by_reason: dict[str, list[int]] = defaultdict(list)
    for task, why in sorted(reasons.items()):
        by_reason[why].append(task)
    if by_reason:
        yield said
    most = sorted(by_reason.items(), key=lambda reason: -len(reason[1]))
    yield from (f"    {named(tasks)}: {why}" for why, tasks in most[:SHOWN_REASONS])
    if len(most) > SHOWN_REASONS:
        yield f"    ... {len(most) - SHOWN_REASONS} more reasons; --summary-json has them all."

"""What a run shows: a bar while it goes on, and sentences that add up at its end."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID
from rich.text import Text

from backend.bulk.counts import Counts
from backend.outputs import printable

SHOWN_REASONS = 20
"""Reasons that are shown, and tasks of each."""

WIDE = 70
"""Columns from which there is a bar beside its figures."""

LINE_S = 60.0
"""How often a line is written where nobody watches, seconds."""


class _Figures(ProgressColumn):
    """How far a run is, in so many figures as there is room for."""

    def __init__(self, more: Callable[[], Sequence[str]], room: int) -> None:
        """Prepare.

        Args:
            more: figures beside those of time, the most wanted first.
            room: columns.
        """
        super().__init__()
        self._more = more
        self._room = room

    def render(self, task: Task) -> Text:
        """The figures; those that have no room are left out whole."""
        rate = f"{task.speed * 60:,.0f}/min" if task.speed else ""
        left = "" if task.time_remaining is None else f"{duration(task.time_remaining)} left"
        figures = [f"{task.completed:,.0f}/{task.total or 0:,.0f}", left, rate, *self._more()]
        shown = ""
        for figure in filter(None, figures):
            if len(shown) + 2 + len(figure) <= self._room:
                shown += f"  {figure}" if shown else figure
        return Text(shown, no_wrap=True)


class RunBar:
    """The bar of a run on a terminal, or a line now and then where there is none; safe between threads."""

    def __init__(self, console: Console, counts: Counts, cost: Callable[[], str]) -> None:
        """Prepare.

        Args:
            console: where to show it.
            counts: of the run.
            cost: what was paid so far, in few characters; empty where nobody can tell.
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
        room = self._console.width - 1
        bar = (BarColumn(room // 4),) if room >= WIDE else ()
        columns = (*bar, _Figures(self._more, room - (room // 4 + 1 if bar else 0)))
        watched = self._console.is_terminal
        with Progress(*columns, console=self._console, transient=True, disable=not watched) as bars:
            self._bars, self._bar = bars, bars.add_task("", total=self._counts.total)
            yield
        self._bars = None

    def update(self) -> None:
        """Show how far the run is."""
        counts = self._counts
        done = counts.read + len(counts.failed)
        if self._bars is not None:
            self._bars.update(self._bar, completed=done, total=max(counts.total, done))
        if not self._console.is_terminal and time.monotonic() - self._said_at >= LINE_S:
            self._said_at = time.monotonic()
            self.say("  ".join(filter(None, (f"{done:,}/{counts.total:,}", *self._more()))))

    def say(self, sentence: str) -> None:
        """Print a sentence, above the bar where there is one."""
        self._console.print(printable(sentence), markup=False, soft_wrap=True)

    def leave(self) -> None:
        """Leave the terminal as it was, at once."""
        if self._bars is not None:
            self._bars.stop()

    def _more(self) -> list[str]:
        share = self._counts.agreed_share
        failed = len(self._counts.failed)
        return [
            "" if share is None else f"{share:.0%} agreed",
            self._cost(),
            f"{failed:,} failed" if failed else "",
        ]


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
        their = "it" if counts.already == 1 else "they"
        yield (
            f"{_tasks(counts.already, 'was', 'were')} not stored: {their} got a prediction of this version "
            "from elsewhere meanwhile."
        )
    if counts.gone:
        yield f"{_tasks(counts.gone, 'was', 'were')} deleted meanwhile."
    yield from _reasons(f"{_tasks(len(counts.failed))} could not be read:", counts.failed)
    dropped = len(counts.dropped)
    its = "its prediction" if dropped == 1 else "their predictions"
    said = f"{_tasks(dropped, 'was', 'were')} read, but Label Studio does not take {its}:"
    yield from _reasons(said, counts.dropped)
    if counts.left:
        yield f"{_tasks(counts.left, 'is', 'are')} left."


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


def _tasks(count: int, one: str = "", several: str = "") -> str:
    return f"{count:,} task {one}".rstrip() if count == 1 else f"{count:,} tasks {several}".rstrip()


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

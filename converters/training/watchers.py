"""Who looks on while a training runs: the curves on disk, and the terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

from backend.outputs import write_file
from converters.training import curves, html
from converters.training.run_folder import RunFolder
from converters.training.training_loop import Standing

WRITE_EVERY_S = 5.0


class CurvesOnDisk:
    """Writes curves.svg and curves.html while the training runs."""

    def __init__(self, folder: RunFolder, every_s: float = WRITE_EVERY_S) -> None:
        self._folder, self._every = folder, every_s
        self._written, self._events = 0.0, -1

    def seen(self, now: Standing) -> None:
        """Write, when something is new and the last time is long enough ago."""
        events = len(now.history.steps) + len(now.history.evaluations)
        if events != self._events and time.monotonic() - self._written >= self._every:
            self.write(now)
            self._events, self._written = events, time.monotonic()

    def write(self, now: Standing) -> None:
        """Write both files.

        Raises:
            OperatorError: they cannot be written.
        """
        folder = self._folder
        write_file(folder.curves_svg, curves.picture(now.history))
        title = f"Training {folder.path.name}"
        page = html.page(folder.read(), now.history, title, steps=now.steps, left=now.seconds_left)
        write_file(folder.curves_html, page)


class _Left(ProgressColumn):
    """The time left, which counts evaluations and a limit of minutes; PaddleOCR's own counts neither."""

    def render(self, task: Task) -> Text:
        """As the training's standing has it."""
        return Text(f"{html.duration(task.fields['left'])} left" if task.fields["left"] is not None else "")


class Terminal:
    """A bar where a person watches, and a line for each evaluation that is the best so far."""

    def __init__(self, console: Console, bars: Progress) -> None:
        self._console, self._bars = console, bars
        self._bar: TaskID = bars.add_task("Training", total=None, left=None)
        self._said: int | None = None

    def seen(self, now: Standing) -> None:
        """Move the bar; say what is new."""
        newest = now.history.steps[-1] if now.history.steps else None
        words = ["starting"] if newest is None else [f"epoch {newest.epoch} of {now.epochs}"]
        if newest is not None and newest.ctc is not None:
            words.append(f"loss {newest.ctc:.1f}")
        if now.history.evaluations:
            words.append(f"{html.percent(now.history.evaluations[-1].norm_edit_dis)} right")
        self._bars.update(
            self._bar,
            description=", ".join(words),
            total=now.steps or None,
            completed=now.step,
            left=now.seconds_left,
        )
        best = now.best
        if self._said is None:
            # what an earlier command kept is no news
            self._said = best.step if best is not None else 0
        if best is not None and best.step > self._said:
            self._said = best.step
            self._console.print(
                f"Epoch {best.epoch}, step {best.step:,}: {html.percent(best.norm_edit_dis)} of the "
                f"characters right, {html.percent(best.acc)} of the lines; the best so far, and kept."
            )


@contextmanager
def terminal(console: Console) -> Iterator[Terminal]:
    """A watcher that shows the training on a terminal while the block runs."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Left())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        yield Terminal(console, bars)

"""The driver of a bulk run: tasks are listed, read and stored at the same time, whoever reads them.

    Listing ──tasks──▶ BulkEngine.read ──predictions──▶ Storing ──batches──▶ Label Studio
       ▲                      │
       └──tries again◀────failures

All that the next run needs is in Label Studio (which tasks lack the version) and in the store (readings, and
why tasks failed), so that a run may end at any moment, by Ctrl-C, kill -9 or a power cut.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from backend.bulk.blame import Blame, blame
from backend.bulk.counts import Counts
from backend.bulk.job import BulkEngine
from backend.bulk.listing import LOOK_S, Listing
from backend.bulk.patience import Patience
from backend.bulk.storing import Storer, Storing
from backend.bulk.uploads import Stored
from backend.errors import BudgetSpent, StoreFailed, TwinreadError
from backend.label_studio.client import Row
from backend.pipeline.read_task import Failure

STREAK = 5
"""So many failures in a row, and nothing between them, are no longer these tasks' own."""

MOST_AGAIN = 1000
"""Tasks that wait for another try at most; the next ones have failed at once."""

GRACE_S = 5.0
"""How long tasks in hand may take once the run is to end, seconds."""

TRIES = 3
"""How often a task is tried while others succeed."""


class FailedTasks(Protocol):
    """Remembers why tasks failed; see `ReadingStore`."""

    def note_failed(self, project: int, version: str, reasons: Mapping[int, str]) -> None:
        """Tasks have no prediction of this version, and why."""
        ...

    def mended(self, project: int, tasks: list[int]) -> None:
        """Tasks have one now, or are gone."""
        ...


@dataclass(frozen=True, slots=True)
class Around:
    """What a run has around it.

    answers: whether Label Studio answers at this moment.
    exists: whether a task is still there.
    budget_spent: why no call may be made any more; None while calls are made.
    failed_tasks: remembers why tasks failed.
    first_stored: called once, when the first predictions stand in Label Studio.
    progress: called whenever the counts changed.
    """

    answers: Callable[[], bool]
    exists: Callable[[int], bool]
    budget_spent: Callable[[], str | None]
    failed_tasks: FailedTasks
    first_stored: Callable[[], object] = lambda: None
    progress: Callable[[], object] = lambda: None


@dataclass(slots=True)
class _InHand:
    """A task in hand.

    tries: how often it was given to the engine.
    read_before: how many predictions there were when it failed last.
    alone: how often it failed again although others were read meanwhile.
    why: it failed last.
    """

    row: Row
    tries: int = 0
    read_before: int = 0
    alone: int = 0
    why: str = ""


class BulkRun:
    """One run over tasks of one project.

    counts: how far it is.
    failure: why it ended before its end; None where it came to it, or where a person stopped it.
    """

    def __init__(
        self, engine: BulkEngine, project: int, counts: Counts, patience: Patience, around: Around
    ) -> None:
        """Prepare.

        Args:
            engine: reads.
            project: whose tasks.
            counts: kept up to date; `total` is already known.
            patience: while a service is away; its `stop` ends the run.
            around: what else it needs.
        """
        self.counts = counts
        self.failure: TwinreadError | None = None
        self._engine = engine
        self._project = project
        self._patience = patience
        self._around = around
        # rows of tasks that the engine has, by id, so that they can be given to it again
        self._in_hand: dict[int, _InHand] = {}
        self._again: deque[_InHand] = deque()
        self._streak = 0
        self._last: TwinreadError | None = None

    def run(self, rows: Iterator[Row], storer: Storer) -> None:
        """Read tasks and store what was read, until all is done or the run is to end.

        Args:
            rows: the tasks.
            storer: stores predictions.
        """
        listing = Listing(rows, self._patience.stop)
        storing = Storing(storer, self._patience, self._stored)
        ended = threading.Event()
        threading.Thread(target=self._hurry_end, args=(ended,), name="hurry-end", daemon=True).start()
        try:
            self._rounds(listing, storing)
        finally:
            ended.set()
            storing.close()
        self.failure = self.failure or storing.failure or listing.failure

    @property
    def stopped(self) -> bool:
        """A person stopped it."""
        return self.failure is None and self._patience.stop.is_set()

    def _hurry_end(self, ended: threading.Event) -> None:
        """Once the run is to end, give what is in hand some seconds, and then give it up."""
        while not ended.wait(LOOK_S):
            if self._patience.stop.is_set():
                if not ended.wait(GRACE_S):
                    self._engine.close()
                return

    def _rounds(self, listing: Listing, storing: Storing) -> None:
        """Read all; whenever a service is away, wait, and go on with what failed by it."""
        tries = 0
        while not self._patience.stop.is_set():
            before = self.counts.read
            self._read(listing, storing)
            if self._patience.stop.is_set() or not self._again:
                return
            tries = 0 if self.counts.read > before else tries + 1
            if tries and not self._patience.wait(tries, f"{self._last}"):
                if not self._patience.stop.is_set():
                    self._give_up()
                return

    def _give_up(self) -> None:
        """End with what stays away; a few tasks that are left after others were read have failed alone."""
        if not self.counts.read or len(self._again) >= STREAK:
            self._end(self._last)
            return
        for begun in self._again:
            self._name_as_failed(int(begun.row["id"]), begun.why)

    def _read(self, listing: Listing, storing: Storing) -> None:
        """Read what is to be tried again, then what is listed, until something is away."""
        self._streak = 0
        for outcome in self._engine.read(self._tasks(listing)):
            task = int(outcome.task or 0)
            begun = self._in_hand.pop(task, None)
            if begun is None:
                # a cluster may give an outcome twice
                continue
            if isinstance(outcome, Failure):
                self._failed(begun, outcome.error)
            else:
                self._streak = 0
                self.counts.note_read(outcome)
                storing.put(outcome)
            self._around.progress()

    def _tasks(self, listing: Listing) -> Iterator[Row]:
        """Tasks for the engine; none any more once something is away, or the run is to end."""
        again, self._again = self._again, deque()
        while not self._patience.stop.is_set() and self._streak < STREAK:
            if again:
                begun = again.popleft()
            else:
                row = next(listing, None)
                if row is None:
                    break
                begun = _InHand(row)
            begun.tries += 1
            self._in_hand[int(begun.row["id"])] = begun
            yield begun.row
        self._again.extend(again)

    def _failed(self, begun: _InHand, error: TwinreadError) -> None:
        """Try a task again later, name it as failed, or end the run, as its failure demands."""
        spent = self._around.budget_spent()
        if spent is not None and not self._patience.stop.is_set():
            self._end(BudgetSpent(spent))
        if self._patience.stop.is_set():
            # it is left for the next run
            return
        whose = blame(error, self._around.answers)
        if whose is Blame.PERSON:
            self._end(error)
            return
        self._last = error
        if whose in (Blame.SERVICE, Blame.STRANGE):
            self._streak += 1
        if self._is_own(begun, whose):
            self._name_as_failed(int(begun.row["id"]), str(error))
        else:
            begun.read_before, begun.why = self.counts.read, str(error)
            self._again.append(begun)

    def _is_own(self, begun: _InHand, whose: Blame) -> bool:
        """Whether a task has failed for good, as far as this run goes."""
        if whose is Blame.TASK or len(self._again) >= MOST_AGAIN:
            return True
        if whose is Blame.IMAGE:
            return begun.tries > 1
        # what fails again although others succeeded meanwhile is the task's own
        begun.alone += self.counts.read > begun.read_before and begun.tries > 1
        if whose is Blame.STRANGE and self._streak < STREAK:
            return begun.tries > 1
        return begun.alone >= TRIES - 1

    def _name_as_failed(self, task: int, why: str) -> None:
        if not self._around.exists(task):
            self.counts.note_stored(Stored(gone=(task,)))
            return
        self.counts.note_failed(task, why)
        self._remember({task: why})

    def _remember(self, reasons: Mapping[int, str]) -> None:
        """Keep why tasks failed, for `--only-failed`; the run goes on where that cannot be kept."""
        try:
            self._around.failed_tasks.note_failed(self._project, self._engine.model_version, reasons)
        except StoreFailed as error:
            self._patience.say(f"{error} Why tasks failed is not kept for --only-failed.")

    def _end(self, error: TwinreadError | None) -> None:
        self.failure = self.failure or error
        self._patience.stop.set()

    def _stored(self, stored: Stored) -> None:
        """Hear what became of a batch; in the thread that stores."""
        first = not self.counts.stored and stored.stored
        self.counts.note_stored(stored)
        if first:
            self._around.first_stored()
        try:
            self._around.failed_tasks.mended(self._project, [*stored.stored, *stored.already, *stored.gone])
        except StoreFailed as error:
            self._patience.say(f"{error} Tasks that are read now stay among those of --only-failed.")
        if stored.dropped:
            self._remember(stored.dropped)
        self._around.progress()

"""A training from its start to its end: listened to, its best model kept, and ended when it should be."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Protocol

from converters.training import best
from converters.training.early_stop import EarlyStop, Score
from converters.training.history import EvaluationRecord, History, StepRecord, finite, line_of
from converters.training.run_folder import RunFolder, moment
from converters.training.trainer_failures import Ended, Made, Why, failure_of
from converters.training.trainer_log import (
    CheckpointSaved,
    EvaluationLine,
    LoaderReady,
    Resumed,
    StepLine,
    TrainerEvent,
    WeightsRefused,
)
from converters.training.trainer_process import TrainerProcess

LAST_GAPS = 50
"""Steps that the time of one is taken from."""


class Watcher(Protocol):
    """Somebody who looks on: the terminal, the curves."""

    def seen(self, now: Standing) -> None:
        """Called at each event, and several times a second between them."""


@dataclass(slots=True)
class Standing:
    """How far a training is.

    epochs: of the whole run.
    steps_per_epoch: 0 until the trainer has said it.
    minutes: after which it is to end; None without a limit.
    """

    history: History
    epochs: int
    steps_per_epoch: int = 0
    minutes: float | None = None
    best: best.Best | None = None
    began: float = field(default_factory=time.monotonic)
    gaps: list[float] = field(default_factory=list)
    """Seconds of the last steps."""
    evaluation_s: float = 0.0
    """Seconds from the last step before an evaluation to its result, the newest."""

    @property
    def step(self) -> int:
        """The newest step."""
        return self.history.steps[-1].step if self.history.steps else 0

    @property
    def steps(self) -> int:
        """Of the whole run; 0 while it is not known."""
        return self.epochs * self.steps_per_epoch

    @property
    def epoch_s(self) -> float:
        """Seconds of an epoch with its evaluation."""
        return self.steps_per_epoch * (median(self.gaps) if self.gaps else 0.0) + self.evaluation_s

    @property
    def seconds_left(self) -> float | None:
        """Until all epochs are done or the time is up; None while nobody can say."""
        if not self.gaps or not self.steps_per_epoch:
            return None
        left = (self.steps - self.step) / self.steps_per_epoch * self.epoch_s
        limit = self.until
        return left if limit is None else min(left, max(0.0, limit - time.monotonic()))

    @property
    def until(self) -> float | None:
        """The moment at which the time is up, by the monotonic clock."""
        return None if self.minutes is None else self.began + 60 * self.minutes


@dataclass(frozen=True, slots=True)
class Trained:
    """How a training ended.

    reason: in words: all epochs, nothing better came, the time is up.
    why: of a failure; None for a success.
    """

    reason: str
    why: Why | None
    made: Made
    standing: Standing


ALL_EPOCHS = "all epochs are done"
NOTHING_BETTER = "nothing better came"
TIME_IS_UP = "the time is up"


def train(
    process: TrainerProcess,
    folder: RunFolder,
    stop: EarlyStop,
    standing: Standing,
    watchers: list[Watcher],
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Trained:
    """Run the trainer to its end, keep the best model, and judge by what it made.

    Args:
        process: the trainer; not started yet.
        folder: of the run.
        stop: decides which evaluation is the best, and when it is enough.
        standing: where the run stands; what an earlier process did is in its history.
        watchers: are called at each event.
        clock: seconds, monotonic.

    Returns:
        How it ended. After Ctrl-C there is none: the process is ended, and what was kept stays.

    Raises:
        OSError: the run's folder cannot be written.
    """
    listening = _Listening(folder, stop, standing, clock)
    with process, folder.progress.open("a", encoding="utf-8") as file:
        folder.note(pgid=process.group)
        for event in process.events():
            if event is not None:
                record = listening.take(event)
                if record is not None:
                    file.write(line_of(record, moment()))
                    file.flush()
            for watcher in watchers:
                watcher.seen(standing)
            if process.code is None and listening.wants_the_end():
                process.stop()
    assert process.ending is not None  # noqa: S101  (the block ended it)
    assert process.code is not None  # noqa: S101
    made = listening.made()
    ended = Ended(process.ending, process.code, list(process.tail))
    why = failure_of(ended, made)
    for watcher in watchers:
        watcher.seen(standing)
    return Trained(listening.reason, why, made, standing)


class _Listening:
    """What is remembered while a trainer runs."""

    def __init__(
        self, folder: RunFolder, stop: EarlyStop, standing: Standing, clock: Callable[[], float]
    ) -> None:
        self._folder, self._stop, self._standing, self._clock = folder, stop, standing, clock
        self.reason = ALL_EPOCHS
        self._steps, self._offset = 0, 0
        self._first_ctc: float | None = None
        self._finite = True
        self._refused: list[str] = []
        self._resumed = self._saved = False
        self._stepped: tuple[float, int] | None = None
        self._evaluated: EvaluationRecord | None = None
        self._to_keep: best.Best | None = None
        self._unsaved = False

    def take(self, event: TrainerEvent) -> StepRecord | EvaluationRecord | None:
        """Take in an event; returns what is to be written down."""
        if isinstance(event, StepLine):
            return self._step(event)
        if isinstance(event, EvaluationLine):
            return self._evaluation(event)
        if isinstance(event, CheckpointSaved):
            self._keep(event)
        elif isinstance(event, LoaderReady):
            if event.part == "train":
                self._standing.steps_per_epoch = event.batches
        elif isinstance(event, Resumed):
            self._resumed = True
        elif isinstance(event, WeightsRefused):
            self._refused.append(event.layer)
        return None

    def _step(self, line: StepLine) -> StepRecord:
        standing, now = self._standing, self._clock()
        if not self._steps:
            # PaddleOCR counts steps from 1 again when it goes on
            self._offset = (line.epoch - 1) * standing.steps_per_epoch if self._resumed else 0
            standing.history.forget_from(line.epoch)
            self._first_ctc = line.values.get("CTCLoss")
        if self._stepped is not None and line.step > self._stepped[1] and self._evaluated is None:
            gap = (now - self._stepped[0]) / (line.step - self._stepped[1])
            standing.gaps = [*standing.gaps, gap][-LAST_GAPS:]
        self._evaluated = None
        self._steps, self._stepped = line.step, (now, line.step)
        self._finite = self._finite and line.finite
        standing.epochs = line.epochs
        values = line.values
        record = StepRecord(
            line.epoch,
            self._offset + line.step,
            finite(values.get("loss")),
            finite(values.get("CTCLoss")),
            finite(values.get("lr")),
        )
        standing.history.add(record)
        return record

    def _evaluation(self, line: EvaluationLine) -> EvaluationRecord | None:
        standing = self._standing
        if not standing.history.steps or not math.isfinite(line.norm_edit_dis + line.acc):
            return None
        if self._stepped is not None:
            standing.evaluation_s = self._clock() - self._stepped[0]
        newest = standing.history.steps[-1]
        record = EvaluationRecord(newest.epoch, newest.step, line.norm_edit_dis, line.acc)
        standing.history.add(record)
        self._evaluated, self._unsaved = record, True
        if self._stop.seen(Score(line.norm_edit_dis, line.acc)):
            self._to_keep = best.Best(record.epoch, record.step, record.norm_edit_dis, record.acc)
        return record

    def _keep(self, saved: CheckpointSaved) -> None:
        """Copy the best model, where this checkpoint still is the one that was evaluated.

        PaddleOCR saves its own best right after the evaluation, and the latest at the end of each epoch.
        """
        about = self._to_keep
        if about is not None and best.keep(Path(saved.prefix), self._folder.best, about):
            self._standing.best, self._to_keep = about, None
            self._folder.note(
                best={"epoch": about.epoch, "acc": about.acc, "norm_edit_dis": about.norm_edit_dis}
            )
        if saved.latest:
            self._saved, self._unsaved = True, False
            if self._to_keep is not None:
                # the trainer was faster than we, and both are of a later epoch: what is kept is to be beaten
                self._stop.best = None if self._standing.best is None else self._standing.best.score

    def wants_the_end(self) -> bool:
        """The training should end now."""
        if not self._finite or self._first_ctc == 0 or self._refused:
            return True
        if self._unsaved or not self._saved:
            # first what was evaluated is to be saved and kept
            return False
        if self._stop.ends:
            self.reason = NOTHING_BETTER
            return True
        until = self._standing.until
        if until is None:
            return False
        now = self._clock()
        # another epoch would not be done in time; only right after one, or what was begun is thrown away
        too_late = self._evaluated is not None and now + self._standing.epoch_s > until
        if now >= until or too_late:
            self.reason = TIME_IS_UP
            return True
        return False

    def made(self) -> Made:
        """What came of it."""
        best_score = self._stop.best
        return Made(
            steps=self._steps,
            first_ctc=self._first_ctc,
            finite=self._finite,
            refused=tuple(self._refused),
            resumed=self._resumed,
            checkpoint=self._saved
            and (best.whole(self._folder.latest) or best.kept(self._folder.best) is not None),
            learned=best_score.norm_edit_dis if best_score is not None else None,
        )

"""What a run's log came to: its steps and evaluations, in memory and in `progress.jsonl`."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from converters.training.early_stop import Score


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A step as the log had it.

    step: of the whole run, resumes included, from 1.
    loss: all of it; ctc is the part that teaches reading. None where the log had no number.
    """

    epoch: int
    step: int
    loss: float | None
    ctc: float | None
    lr: float | None


@dataclass(frozen=True, slots=True)
class EvaluationRecord:
    """An evaluation after a step: how well the model read the lines of `val`."""

    epoch: int
    step: int
    norm_edit_dis: float
    acc: float

    @property
    def score(self) -> Score:
        """For comparing."""
        return Score(self.norm_edit_dis, self.acc)


@dataclass(slots=True)
class History:
    """Everything so far, oldest first."""

    steps: list[StepRecord] = field(default_factory=list)
    evaluations: list[EvaluationRecord] = field(default_factory=list)

    @property
    def best(self) -> EvaluationRecord | None:
        """The best evaluation, the first of equal ones."""
        return max(self.evaluations, key=lambda one: one.score, default=None)

    def forget_from(self, epoch: int) -> None:
        """Leave out what a resume does again: this epoch and those after it."""
        self.steps = [one for one in self.steps if one.epoch < epoch]
        self.evaluations = [one for one in self.evaluations if one.epoch < epoch]

    def add(self, record: StepRecord | EvaluationRecord) -> None:
        """Take in what came."""
        if isinstance(record, StepRecord):
            self.steps.append(record)
        else:
            self.evaluations.append(record)


def line_of(record: StepRecord | EvaluationRecord, at: str) -> str:
    """A record as a line of `progress.jsonl`.

    Args:
        record: a step or an evaluation.
        at: when, in ISO 8601.
    """
    kind = "step" if isinstance(record, StepRecord) else "evaluation"
    return json.dumps({"kind": kind, "at": at, **asdict(record)}) + "\n"


def read(path: Path) -> History:
    """What `progress.jsonl` holds; a line that a kill cut off is left out.

    An epoch that was done again after a resume counts as it was done last.
    """
    found = History()
    for row in _rows(path):
        kind = row.pop("kind", None)
        row.pop("at", None)
        try:
            record = StepRecord(**row) if kind == "step" else EvaluationRecord(**row)
        except TypeError:
            continue
        if found.steps and record.step <= found.steps[-1].step and isinstance(record, StepRecord):
            found.forget_from(record.epoch)
        found.add(record)
    return found


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        lines: Sequence[str] = path.read_text("utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            yield row


def finite(value: float | None) -> float | None:
    """A number that JSON can hold; None for others."""
    return value if value is not None and math.isfinite(value) else None

"""What PaddleOCR's trainer writes, line by line; pure.

Every text of PaddleOCR 3.7's `tools/program.py` and `ppocr/utils/save_load.py` that anything here depends
on stands in `_FORMATS`. Numbers of a step are padded with `x` to eight places (`{:x<6f}`), so that a value
that is not a number reads `nanxxx`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class StepLine:
    """A step of the optimiser, as one line of the log has it.

    epoch, epochs: this one, and how many were asked for; counted from 1.
    step: since this process began; a training that goes on begins at 1 again.
    values: by name as PaddleOCR writes them: lr, acc, norm_edit_dis, CTCLoss, NRTRLoss, loss. Medians of
        the last steps (`Global.log_smooth_window`).
    step_s: seconds that a step took in the mean since the last such line; 0 where the line says none.
    """

    epoch: int
    epochs: int
    step: int
    values: Mapping[str, float]
    step_s: float

    @property
    def finite(self) -> bool:
        """No loss is infinite or not a number."""
        return all(math.isfinite(value) for name, value in self.values.items() if name != "lr")


@dataclass(frozen=True, slots=True)
class EvaluationLine:
    """The model was evaluated on the lines of `val`.

    acc: share of lines that are right to the letter.
    norm_edit_dis: 1 is perfect: 1 minus the edits per character, in the mean over lines.
    """

    acc: float
    norm_edit_dis: float


@dataclass(frozen=True, slots=True)
class CheckpointSaved:
    """A model is whole on disk: `prefix` and the endings .pdparams, .pdopt and .states."""

    prefix: str

    @property
    def latest(self) -> bool:
        """It is the one that each epoch ends with."""
        return self.prefix.endswith("latest")


@dataclass(frozen=True, slots=True)
class LoaderReady:
    """How many batches an epoch has ("train") or an evaluation ("valid")."""

    part: str
    batches: int


@dataclass(frozen=True, slots=True)
class Resumed:
    """The trainer goes on from a checkpoint."""

    prefix: str


@dataclass(frozen=True, slots=True)
class WeightsRefused:
    """A layer whose weights were not taken over, because shape or name differ; it stays at random."""

    layer: str


@dataclass(frozen=True, slots=True)
class EndlessSearch:
    """PaddleOCR looks for a row that it can use and finds none; it then waits without end."""


TrainerEvent: TypeAlias = (
    StepLine | EvaluationLine | CheckpointSaved | LoaderReady | Resumed | WeightsRefused | EndlessSearch
)

_NUMBER = r"[-+]?(?:nan|inf|\d+(?:\.\d+)?(?:e[-+]?\d+)?)"
_PAIR = re.compile(rf"(\w+): ({_NUMBER})x*", re.IGNORECASE)


def _pairs(text: str) -> dict[str, float]:
    return {name: float(value) for name, value in _PAIR.findall(text)}


def _step(found: re.Match[str]) -> TrainerEvent:
    values = _pairs(found["values"])
    return StepLine(
        int(found["epoch"]), int(found["epochs"]), int(found["step"]), values, float(found["cost"] or 0)
    )


def _evaluation(found: re.Match[str]) -> TrainerEvent:
    values = _pairs(found["values"])
    return EvaluationLine(values.get("acc", math.nan), values.get("norm_edit_dis", math.nan))


_FORMATS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], TrainerEvent]], ...] = (
    (
        re.compile(
            r"epoch: \[(?P<epoch>\d+)/(?P<epochs>\d+)\], global_step: (?P<step>\d+), (?P<values>.*?),? "
            r"avg_reader_cost(?:.*? avg_batch_cost: (?P<cost>[\d.]+) s)?"
        ),
        _step,
    ),
    (re.compile(r"cur metric, (?P<values>.*)"), _evaluation),
    (
        re.compile(r"save (?:best )?model (?:is to|in) (?P<prefix>.+)"),
        lambda found: CheckpointSaved(found["prefix"].strip()),
    ),
    (
        re.compile(r"(?P<part>train|valid) dataloader has (?P<batches>\d+) iters"),
        lambda found: LoaderReady(found["part"], int(found["batches"])),
    ),
    (re.compile(r"resume from (?P<prefix>.+)"), lambda found: Resumed(found["prefix"].strip())),
    (
        re.compile(r"The shape of model params (?P<layer>\S+) .* not matched"),
        lambda found: WeightsRefused(found["layer"]),
    ),
    (
        re.compile(r"The pretrained params (?P<layer>\S+) not in model"),
        lambda found: WeightsRefused(found["layer"]),
    ),
    (re.compile(r"(?P<layer>\S+) not in loaded params"), lambda found: WeightsRefused(found["layer"])),
    (re.compile(r"RecursionError: "), lambda found: EndlessSearch()),
)


def event_of(line: str) -> TrainerEvent | None:
    """What a line of the log says; None for one that says nothing of use here.

    Args:
        line: without its end. A progress bar's line holds several parts after carriage returns, of which
            the last is on the screen; a line of the log may follow in it.
    """
    shown = line.rsplit("\r", 1)[-1]
    for pattern, event in _FORMATS:
        found = pattern.search(shown)
        if found:
            return event(found)
    return None

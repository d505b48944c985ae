"""Options of `twinread train`: what does not go together, said before any work."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backend.errors import BadRequest
from backend.outputs import check_writable
from backend.text import languages
from converters.training.run_plan import Freeze, Wishes

DEFAULT_SEED = 1
_DEVICE = re.compile(r"auto|cpu|gpu(?::\d+(?:,\d+)*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainRequest:
    """What a person asked for: the options of `twinread train`, one field each; None was not given.

    dataset: the folder that `twinread export` wrote.
    out: the run's folder.
    base: the model to start from: a name, a file, a folder or an address.
    paddleocr: a checkout of PaddleOCR; None takes one out of the registry.
    minutes: after which the training is to end.
    batch: rows in a step, on each GPU.
    patience: evaluations without a better one, after which the training ends; 0 never.
    language: of the lines.
    resume: go on with the run in `out`.
    rehearse: try everything small before the training.
    summary_json: a file that gets the summary, too.
    """

    dataset: Path
    out: Path
    base: str | None = None
    paddleocr: Path | None = None
    epochs: int | None = None
    minutes: float | None = None
    batch: int | None = None
    lr: float | None = None
    freeze: Freeze | None = None
    device: str = "auto"
    seed: int | None = None
    patience: int | None = None
    language: str | None = None
    resume: bool = False
    summary_json: Path | None = None

    @property
    def wishes(self) -> Wishes:
        """What the plan is to keep to."""
        return Wishes(self.epochs, self.minutes, self.batch, self.lr, self.freeze)


def check(request: TrainRequest) -> None:
    """Refuse options that cannot work, or do not go together.

    Raises:
        BadRequest: which ones, and why.
        SettingsWrong: there is no such language.
        OperatorError: the summary could not be written.
    """
    if _DEVICE.fullmatch(request.device) is None:
        raise BadRequest(
            f"--device {request.device!r} is no device: give auto, cpu, gpu, or gpu: and numbers, such as "
            "gpu:0,1."
        )
    for name, value in (("minutes", request.minutes), ("lr", request.lr)):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise BadRequest(f"--{name} {value} is no number above 0.")
    if request.language is not None:
        languages.language_code(request.language)
    if request.resume:
        _check_resume(request)
    if not request.dataset.is_dir():
        raise BadRequest(
            f"{request.dataset} is no folder. Pass the folder that `twinread export` wrote, with "
            "rec_gt_train.txt "
            "in it."
        )
    if request.out.resolve() == request.dataset.resolve():
        raise BadRequest("--out names the dataset's own folder; a run needs one of its own, such as runs/1.")
    if request.summary_json is not None:
        if request.summary_json.resolve().is_relative_to(request.out.resolve()):
            raise BadRequest(
                f"--summary-json {request.summary_json} lies in the run's folder, which holds a run.json of "
                "its "
                "own. Name a file beside it."
            )
        check_writable(request.summary_json)


def _check_resume(request: TrainRequest) -> None:
    """A run that goes on keeps what it was composed with, or its weights would fit no longer."""
    fixed = {
        "base": request.base,
        "paddleocr": request.paddleocr,
        "batch": request.batch,
        "lr": request.lr,
        "freeze": request.freeze,
        "seed": request.seed,
        "language": request.language,
    }
    given = next((name for name, value in fixed.items() if value is not None), None)
    if given is not None:
        raise BadRequest(
            f"--{given} does not go with --resume: the run keeps what it began with. Leave it out, or start "
            "a new "
            "run in another folder."
        )


def gpus_of(device: str, count: int) -> Sequence[int]:
    """The numbers of the GPUs to train on; none for the CPU.

    Args:
        device: the option.
        count: GPUs that Paddle sees.

    Raises:
        BadRequest: a GPU was asked for that Paddle does not see.
    """
    if device == "cpu" or (device == "auto" and not count):
        return ()
    wanted = (
        [0] if device in {"auto", "gpu"} else [int(one) for one in device.removeprefix("gpu:").split(",")]
    )
    missing = [number for number in wanted if number >= count]
    if missing:
        seen = f"{count} ({', '.join(f'gpu:{number}' for number in range(count))})" if count else "none"
        raise BadRequest(
            f"--device {device} asks for GPU {missing[0]}, and Paddle sees {seen}. Train with --device cpu, "
            "or "
            "install paddlepaddle-gpu in an environment that TRAINER_PYTHON names."
        )
    return tuple(dict.fromkeys(wanted))

"""The rehearsal: a training of two batches, an evaluation, an export, and a first reading, in minutes.

Most of what goes wrong in a training shows itself in its first minutes, or in the export after it. Here both
are seen before hours are spent. Batches are as large as in the training, so that memory is tried, too.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from backend.errors import ProjectError, TwinreadError
from backend.outputs import write_file
from converters.training.early_stop import EarlyStop
from converters.training.history import History
from converters.training.run_config import compose_config, config_file
from converters.training.run_folder import RunFolder
from converters.training.run_plan import RunPlan
from converters.training.trainer_process import Limits, TrainerProcess
from converters.training.trainer_tools import TrainerTools
from converters.training.training_loop import Standing, train

BATCHES = 2
READ_CROPS = 3


class RehearsalFailed(ProjectError):
    """The rehearsal came to nothing; the training would, too."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What a rehearsal measured.

    step_s: seconds of its last step, without the first one's start; None where it had one alone.
    """

    step_s: float | None


def rehearse(
    folder: RunFolder,
    plan: RunPlan,
    template: Mapping[str, Any],
    tools: TrainerTools,
    *,
    device: str,
    language: str,
    cores: int,
    limits: Limits | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Rehearsed:
    """Go through everything once, small; what it made is removed, its log stays.

    Args:
        folder: of the run, composed.
        plan: of the run.
        template: that the run's config is composed from.
        tools: the trainer.
        device: to train on, as the trainer's command takes it.
        language: of the lines.
        cores: that it may use.
        limits: of its silence.
        say: is given the name of each step.

    Raises:
        RehearsalFailed: which step, why, and what to do.
    """
    small = RunFolder(folder.rehearsal)
    shutil.rmtree(small.path, ignore_errors=True)
    small.lists.mkdir(parents=True)
    rows = _some(folder.train_list, BATCHES * _rows_of_all_scales(plan))
    write_file(small.train_list, "".join(rows))
    write_file(small.val_list, "".join(_some(folder.val_list, plan.eval_batch)))
    paths = replace(
        plan.paths, train=small.train_list, val=small.val_list, checkpoints=small.checkpoints, resume=None
    )
    rehearsed = replace(plan, paths=paths, epochs=1, warmup=0, print_every=1)
    write_file(small.config, config_file(compose_config(template, rehearsed)))
    say("training on two batches, and an evaluation")
    step_s = _train(small, rehearsed, tools, device, cores, limits or Limits())
    model = small.path / "inference"
    say("exporting what came of it")
    _step("The export", lambda: tools.export(small.config, small.latest.with_suffix(".pdparams"), model))
    say("reading with it")
    crops = [plan.paths.data_dir / row.partition("\t")[0] for row in rows[:READ_CROPS]]
    texts = _step("Reading with the exported model", lambda: tools.read(model, crops, language))
    if len(texts) != len(crops):
        raise RehearsalFailed(
            f"Reading with the exported model gave {len(texts)} texts for {len(crops)} lines, so the "
            "training was not begun. Look into rehearsal/train.log."
        )
    for left in (small.checkpoints, model):
        shutil.rmtree(left, ignore_errors=True)
    return Rehearsed(step_s)


def _train(
    small: RunFolder, plan: RunPlan, tools: TrainerTools, device: str, cores: int, limits: Limits
) -> float | None:
    small.note(state="rehearsing")
    process = TrainerProcess(
        tools.train_command(small.config, freeze=plan.freeze, device=device),
        small.path,
        tools.environment(cores),
        small.log,
        limits,
    )
    standing = Standing(History(), 1)
    done = train(process, small, EarlyStop(0), standing, [])
    # two batches teach nothing yet
    if done.why is not None and done.why.name != "nothing learned":
        small.note(state="failed", why=done.why.sentence)
        raise RehearsalFailed(
            f"The rehearsal failed, so the training was not begun. {done.why.sentence}", failure=done.why.name
        )
    if not standing.history.evaluations:
        raise RehearsalFailed(
            "The rehearsal made no evaluation, so a training would have no best model. Look into "
            "rehearsal/train.log."
        )
    small.note(state="done")
    return standing.gaps[-1] if standing.gaps else None


def _step(what: str, work: Callable[[], Any]) -> Any:
    try:
        return work()
    except TwinreadError as error:
        raise RehearsalFailed(
            f"{what} failed in the rehearsal, so the training was not begun. {error}"
        ) from error


def _rows_of_all_scales(plan: RunPlan) -> int:
    """Rows of one batch at each scale, which PaddleOCR goes through in turn."""
    width, height = plan.scales[0]
    sizes = [max(1, width * height * plan.batch // (wide * high)) for wide, high in plan.scales]
    return max(1, plan.gpus) * sum(sizes)


def _some(path: Path, count: int) -> list[str]:
    """Rows spread over a list, at most so many; their order is the list's."""
    with path.open(encoding="utf-8", newline="\n") as file:
        rows = file.readlines()
    if len(rows) <= count:
        return rows
    return [rows[number * len(rows) // count] for number in range(count)]

"""A run from its options to its end: composed, rehearsed, trained, and what came of it said."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from backend.cores import cores
from backend.errors import OperatorError, ProjectError, TwinreadError
from backend.outputs import printable, write_summary
from backend.settings.settings import Settings
from converters.shared.interrupts import stoppable
from converters.training import best, history, terminal
from converters.training.composing import compose, compose_resume, write_config
from converters.training.early_stop import EarlyStop
from converters.training.html import duration
from converters.training.options import TrainRequest, check, gpus_of
from converters.training.paddle_tools import PaddleTools
from converters.training.rehearsal import rehearse
from converters.training.run_folder import RunFolder, moment, opened
from converters.training.trainer_process import Limits, TrainerProcess
from converters.training.trainer_tools import TrainerTools, device_of
from converters.training.training_loop import Standing, train
from converters.training.watchers import CurvesOnDisk
from converters.training.watchers import terminal as terminal_watcher

PATIENCE, PATIENT_STEPS = 5, 60
"""Evaluations without a better one, after which a training ends; of small sets those of so many steps."""

GetTools = Callable[[Path | None, Settings, Callable[[str], None]], TrainerTools]


class TrainingFailed(ProjectError):
    """The training came to nothing, or to nothing of use."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class _Ready:
    """A run whose folder holds all that its training needs."""

    epochs: int
    freeze: str
    device: str


def run(
    request: TrainRequest,
    values: Settings,
    console: Console,
    *,
    get_tools: GetTools = PaddleTools.of,
    limits: Limits | None = None,
) -> int:
    """Train, from a dataset to a model that is kept.

    Args:
        request: the options.
        values: the settings.
        console: where to print.
        get_tools: gets the trainer.
        limits: of the trainer's silence.

    Returns:
        The exit code: 0 when there is a model, 1 when the training was stopped.

    Raises:
        TwinreadError: why it came to nothing.
    """
    check(request)
    with stoppable(), ExitStack() as last, opened(request.out, resume=request.resume) as folder:
        summary: dict[str, Any] = {"run": str(folder.path)}
        if request.summary_json is not None:
            last.callback(lambda path: write_summary(path, summary), request.summary_json)
        began = time.monotonic()
        folder.note(
            state="composing", why=None, started_at=moment(), pid=os.getpid(), pgid=None, argv=sys.argv
        )
        try:
            _work(request, values, console, folder, get_tools, limits or Limits())
        except KeyboardInterrupt:
            folder.note(state="stopped")
            console.print(_stopped(request, folder), markup=False)
        except TwinreadError as error:
            folder.note(state="failed", why=str(error))
            raise
        except OSError as error:
            why = (
                f"The run's folder {request.out} cannot be written ({error.strerror or error}). Make room, "
                "then go on with --resume: the best model so far is kept."
            )
            folder.note(state="failed", why=why)
            raise OperatorError(why) from error
        finally:
            summary |= summary_of(folder, time.monotonic() - began)
            _last_curves(folder)
        if summary["state"] == "stopped":
            return 1
        terminal.tell(summary, folder, console)
        return 0


def summary_of(folder: RunFolder, seconds: float) -> dict[str, Any]:
    """What came of a run, for machines.

    Args:
        folder: of the run.
        seconds: that this command took.
    """
    record, before = folder.read(), history.read(folder.progress)
    known = (
        "state",
        "reason",
        "why",
        "model_name",
        "best",
        "base",
        "dictionary",
        "counts",
        "plan",
        "versions",
    )
    return {
        **{name: record.get(name) for name in known},
        "steps": before.steps[-1].step if before.steps else 0,
        "epoch": before.steps[-1].epoch if before.steps else 0,
        "evaluations": len(before.evaluations),
        "seconds": round(seconds, 1),
    }


def _work(
    request: TrainRequest,
    values: Settings,
    console: Console,
    folder: RunFolder,
    get_tools: GetTools,
    limits: Limits,
) -> None:
    def say(text: str) -> None:
        console.print(printable(text), markup=False)

    if request.resume:
        best.recover(folder.best)
    paddleocr = request.paddleocr
    if request.resume:
        checkout = folder.read().get("versions", {}).get("checkout")
        paddleocr = Path(checkout) if checkout else None
    with console.status("Getting PaddleOCR's trainer ready"):
        tools = get_tools(paddleocr, values, say)
    ready = (
        _resumed(request, folder, tools, say)
        if request.resume
        else _new(request, values, console, folder, tools, limits, say)
    )
    folder.note(state="training")
    kept = best.kept(folder.best)
    standing = Standing(history.read(folder.progress), ready.epochs, minutes=request.minutes, best=kept)
    process = TrainerProcess(
        tools.train_command(folder.config, freeze=ready.freeze, device=ready.device),
        folder.path,
        tools.environment(cores()),
        folder.log,
        limits,
    )
    stop = EarlyStop(_patience(request, folder), kept.score if kept is not None else None)
    with terminal_watcher(console) as shown:
        done = train(process, folder, stop, standing, [CurvesOnDisk(folder), shown])
    if done.why is not None:
        raise TrainingFailed(done.why.sentence, failure=done.why.name)
    folder.note(state="done", reason=done.reason)


def _new(
    request: TrainRequest,
    values: Settings,
    console: Console,
    folder: RunFolder,
    tools: TrainerTools,
    limits: Limits,
    say: Callable[[str], None],
) -> _Ready:
    language = request.language or (
        values.ocr_language if "ocr_language" in values.model_fields_set else None
    )
    composed = compose(request, folder, tools, language, console)
    terminal.tell_plan(folder.read(), console)
    folder.note(state="rehearsing")
    with console.status("Rehearsal") as status:
        rehearsed = rehearse(
            folder,
            composed.plan,
            composed.template,
            tools,
            device=composed.device,
            language=language or "en",
            cores=cores(),
            limits=limits,
            say=lambda step: status.update(f"Rehearsal: {step}"),
        )
    made = composed.plan if rehearsed.step_s is None else composed.again(rehearsed.step_s)
    if made.epochs != composed.plan.epochs:
        write_config(folder, composed.template, made)
    pace = f"; a step takes {rehearsed.step_s:.1f} s" if rehearsed.step_s is not None else ""
    total = "" if rehearsed.step_s is None else f", up to {duration(made.steps * rehearsed.step_s)} in all"
    say(f"The rehearsal went well: trained, evaluated, exported and read{pace}{total}.")
    return _Ready(made.epochs, made.freeze, composed.device)


def _resumed(
    request: TrainRequest, folder: RunFolder, tools: TrainerTools, say: Callable[[str], None]
) -> _Ready:
    record = folder.read()
    before = record["plan"]
    device = device_of(gpus_of(request.device, tools.gpus))
    if (device != "cpu") != bool(before["gpus"]) or device.count(",") + 1 != max(1, before["gpus"]):
        raise ProjectError(
            f"This run was composed for {before['gpus'] or 'no'} GPU, and --device means {device}. Give the "
            "device that it began with, or start a new run."
        )
    if record["versions"].get("digest") != tools.about.get("digest"):
        say("PaddleOCR's trainer is another one than this run began with; it goes on with this one.")
    epochs = compose_resume(request, folder)
    if epochs != before["epochs"]:
        say(
            f"The run has {epochs:,} epochs now, after {before['epochs']:,}: the learning rate follows the "
            "new number, and makes a jump here."
        )
    return _Ready(epochs, before["freeze"], device)


def _patience(request: TrainRequest, folder: RunFolder) -> int:
    if request.patience is not None:
        return request.patience
    steps = max(1, int(folder.read()["plan"]["steps_per_epoch"]))
    return max(PATIENCE, -(-PATIENT_STEPS // steps))


def _stopped(request: TrainRequest, folder: RunFolder) -> str:
    if not folder.base_weights.exists():
        return "Stopped before the training began; run the same command again."
    kept = best.kept(folder.best)
    model = f" The best model so far (epoch {kept.epoch}) is kept." if kept is not None else ""
    return f"Stopped; go on with --resume.{model}"


def _last_curves(folder: RunFolder) -> None:
    """The curves as they are at the end, of a page that loads itself no more."""
    before = history.read(folder.progress)
    if before.steps:
        CurvesOnDisk(folder).write(Standing(before, before.steps[-1].epoch))

"""Runs twinread's programs in the trainer's environment."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from backend.cores import cores
from backend.errors import OperatorError
from converters.training import in_trainer
from converters.training.trainer.preparation import Trainer

PROGRAMS: Final = Path(in_trainer.__file__).parent
_ANOTHER_PYTHON: Final = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")
_SECRETS: Final = ("KEY", "TOKEN", "SECRET", "PASSWORD")


class TrainerFailed(OperatorError):
    """A program of the trainer other than the training itself ended with an error."""

    exit_code = 1


def environment_of(trainer: Trainer, threads: int | None = None) -> dict[str, str]:
    """All variables of a process in the trainer's environment.

    Args:
        trainer: whose Python it is.
        threads: of Paddle's computations; None for all cores that this process may use.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in _ANOTHER_PYTHON and not any(word in name.upper() for word in _SECRETS)
    }
    return {
        **kept,
        "OMP_NUM_THREADS": str(threads or cores()),
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8",
        # Paddle's C++ side says at every start what does not concern anybody
        "GLOG_minloglevel": "2",
    }


def ask_program(trainer: Trainer, name: str, order: Mapping[str, Any]) -> dict[str, Any]:
    """A program's answer to an order, in files: what Paddle prints would lie between them."""
    with tempfile.TemporaryDirectory() as scratch:
        asked, answered = Path(scratch) / "order.json", Path(scratch) / "answer.json"
        asked.write_text(json.dumps(order), "utf-8")
        run_program(trainer, name, str(asked), str(answered))
        answer: dict[str, Any] = json.loads(answered.read_text("utf-8"))
        return answer


def run_program(trainer: Trainer, name: str, *arguments: str, timeout_s: float = 1800) -> str:
    """Run one of PROGRAMS; returns what it printed.

    Args:
        trainer: whose Python runs it.
        name: of its file.
        arguments: its own.
        timeout_s: after which it is ended.

    Raises:
        TrainerFailed: it ended with an error, or not in time.
    """
    command = [str(trainer.python), str(PROGRAMS / name), *arguments]
    return run_command(trainer, command, timeout_s=timeout_s)


def run_command(trainer: Trainer, command: Sequence[str], *, timeout_s: float) -> str:
    """Run a command in the trainer's environment and in an empty folder; returns what it printed.

    Args:
        trainer: whose environment it is.
        command: its Python, a file, and arguments.
        timeout_s: after which it is ended.

    Raises:
        TrainerFailed: it ended with an error, or not in time.
    """
    with tempfile.TemporaryDirectory() as elsewhere:
        try:
            done = subprocess.run(
                command,
                cwd=elsewhere,
                env=environment_of(trainer),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
                timeout=timeout_s,
            )
        except subprocess.TimeoutExpired as error:
            raise TrainerFailed(
                f"{Path(command[1]).name} of the trainer did not end in {timeout_s / 60:.0f} minutes and was "
                "stopped; the machine may be too busy. Try again."
            ) from error
        except OSError as error:
            raise TrainerFailed(f"{command[0]} cannot be started ({error.strerror}).") from error
    if done.returncode:
        last = next((line.strip() for line in reversed(done.stdout.splitlines()) if line.strip()), "no word")
        raise TrainerFailed(
            f"{Path(command[1]).name} of the trainer failed: {last[:300]}",
            log=done.stdout,
            code=done.returncode,
        )
    return done.stdout

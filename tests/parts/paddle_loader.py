"""PaddleOCR's own data loader, asked in the trainer's environment what it does with a row."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.parts import paddle_loader_program
from tests.parts.paddle_loader_program import Job
from tests.parts.trainer import DICTIONARIES, ESLAV, PYTHON, SOURCE

__all__ = ["DICTIONARIES", "ESLAV", "Job", "ask", "build"]


def ask(jobs: list[Job], folder: Path) -> list[list[dict[str, Any]]]:
    """What the loader does with each row of each job, in order.

    Each answer has `outcome` ("kept", "dropped" for nothing logged, "replaced" for an error logged, or
    "stuck" when the loader runs into itself), `error` (the last line logged), and what would be trained:
    `text` (recognition) or `regions` as [text, ignored] with `points` (detection).
    """
    return _run([asdict(job) for job in jobs], folder)


def build(configs: list[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """What PaddleOCR's `build_dataloader` makes of whole configs, in order, for training and evaluation.

    Each answer has `error` (empty where both were built) and `batches` (of an epoch of training; None where
    it was not built). No row is asked for.
    """
    return _run({"configs": configs}, folder)


def _run(question: Any, folder: Path) -> Any:
    if not (PYTHON.exists() and ESLAV.exists()):
        raise FileNotFoundError("PaddleOCR's own loader is not set up: run make setup")
    asked, answered = folder / "asked.json", folder / "answered.json"
    asked.write_text(json.dumps(question), "utf-8")
    command = [PYTHON, "-W", "ignore", paddle_loader_program.__file__, SOURCE, asked, answered]
    done = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, timeout=500)
    if done.returncode:
        raise RuntimeError(f"PaddleOCR's loader failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return json.loads(answered.read_text("utf-8"))

"""What old rounds leave behind: their runs go, which are large; everything that people read stays.

The rule: a run (checkpoints, pieces of lines, starting weights) stays where it is of the last two rounds that
trained, or of a round whose model is promoted, or was before that one; all others are removed. Models,
evaluations, logs and states of rounds are never removed.
"""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from backend.errors import TwinreadError
from backend.models.locate import find_model
from backend.models.promoted import Promotions
from backend.rounds import Rounds

KEPT = 2
"""Rounds whose runs stay, beside what is promoted."""

log = logging.getLogger(__name__)


def prune(rounds: Rounds, project: int) -> list[Path]:
    """Remove the runs of old rounds of a project; gives those that were removed.

    Nothing is removed where nobody knows what is promoted.
    """
    folders = [rounds.round_folder(project, number) for number in rounds.numbers(project)]
    trained = [folder for folder in folders if (folder / "run").is_dir()]
    promotions = Promotions.under(rounds.cache_dir)
    try:
        kept = [model for model in (promotions.current(), promotions.previous()) if model is not None]
    except TwinreadError as error:
        log.warning("No old run was removed: %s", error)
        return []
    fingerprints = {model.fingerprint for model in kept}
    directories = {model.directory.resolve() for model in kept}
    removed = []
    for folder in trained[:-KEPT]:
        model = folder / "model"
        if model.resolve() in directories or _fingerprint(model) in fingerprints:
            continue
        shutil.rmtree(folder / "run", ignore_errors=True)
        removed.append(folder / "run")
    return removed


def _fingerprint(model: Path) -> str:
    """By which a promoted copy of a model is known; empty where there is no whole model."""
    try:
        return find_model(None, model, engine="onnxruntime").fingerprint
    except TwinreadError:
        return ""

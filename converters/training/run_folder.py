"""A run's folder: where its things lie, who works in it, and `run.json`, which says how far it is.

    run.json          state, plan, dataset, base, best; replaced whole at each change
    config.yml        all that PaddleOCR's trainer is given
    dict.txt          the characters of the model (arabic_dict.txt for Arabic)
    lists/            train.txt and val.txt; pieces/ holds the crops of cut lines
    base.pdparams     the weights that the training starts from
    checkpoints/      PaddleOCR's own: latest, best_accuracy
    best/             our copy of the best model, which a resume never overwrites with a worse one
    rehearsal/        of the rehearsal before the training
    train.log         every word of the trainer
    progress.jsonl    a line for each step of the log and each evaluation
    curves.svg        loss and accuracy; curves.html shows them while the training runs
    gpu-logs/         of each process, where several GPUs train
    .lock             held by the command that works here

A folder is one run's: a second command is refused while one works in it, and so is a folder that holds
anything else.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal, get_args

from filelock import FileLock, Timeout

from backend.errors import BadRequest, OperatorError
from backend.outputs import write_file

State = Literal["composing", "rehearsing", "training", "stopped", "failed", "done"]

RUN = "run.json"
GPU_LOGS = "gpu-logs"
FORMAT = 1
ROOM_PER_WEIGHTS = 12
"""Times the size of the starting weights that a run takes on disk.

Weights with the optimiser's state are about 3 times as large; latest, best_accuracy (which PaddleOCR writes
twice) and our best are four of them.
"""


class RunLocked(OperatorError):
    """Another command works in the same run's folder."""


class NoRoom(OperatorError):
    """The disk has less room than a run takes."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The places of a run, by what lies there."""

    path: Path

    @property
    def record(self) -> Path:
        """What is known of the run."""
        return self.path / RUN

    @property
    def config(self) -> Path:
        """The trainer's settings."""
        return self.path / "config.yml"

    @property
    def dictionary(self) -> Path:
        """The model's characters, one a line."""
        return self.path / "dict.txt"

    @property
    def arabic_dictionary(self) -> Path:
        """The same for a model of Arabic: PaddleOCR knows those by this word in the path."""
        return self.path / "arabic_dict.txt"

    @property
    def lists(self) -> Path:
        """Folder of train.txt and val.txt."""
        return self.path / "lists"

    @property
    def train_list(self) -> Path:
        """Lines to train on."""
        return self.lists / "train.txt"

    @property
    def val_list(self) -> Path:
        """Lines to evaluate on."""
        return self.lists / "val.txt"

    @property
    def pieces(self) -> Path:
        """Crops of lines that were cut."""
        return self.path / "pieces"

    @property
    def base_weights(self) -> Path:
        """The weights to start from."""
        return self.path / "base.pdparams"

    @property
    def checkpoints(self) -> Path:
        """PaddleOCR's checkpoints."""
        return self.path / "checkpoints"

    @property
    def latest(self) -> Path:
        """The newest checkpoint, as PaddleOCR names it: without an ending."""
        return self.checkpoints / "latest"

    @property
    def best(self) -> Path:
        """Our copy of the best model."""
        return self.path / "best"

    @property
    def rehearsal(self) -> Path:
        """The rehearsal's folder."""
        return self.path / "rehearsal"

    @property
    def log(self) -> Path:
        """Every word of the trainer."""
        return self.path / "train.log"

    @property
    def progress(self) -> Path:
        """Steps and evaluations, one JSON object a line."""
        return self.path / "progress.jsonl"

    @property
    def curves_svg(self) -> Path:
        """The curves as a picture."""
        return self.path / "curves.svg"

    @property
    def curves_html(self) -> Path:
        """The curves as a page."""
        return self.path / "curves.html"

    @property
    def lock(self) -> Path:
        """Held by the command that works here."""
        return self.path / ".lock"

    def all_of_a_run(self) -> frozenset[str]:
        """Names of everything that a run writes into its folder."""
        places = (
            *(self.record, self.config, self.dictionary, self.arabic_dictionary, self.lists, self.pieces),
            *(self.base_weights, self.checkpoints, self.best, self.rehearsal, self.log, self.progress),
            *(self.curves_svg, self.curves_html, self.lock),
        )
        return frozenset({*(place.name for place in places), GPU_LOGS})

    def read(self) -> dict[str, Any]:
        """What `run.json` says; empty where there is none.

        Raises:
            BadRequest: it is no record of a run.
        """
        try:
            found = json.loads(self.record.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise BadRequest(
                f"{self.record} cannot be read: {error}. Name another folder with --out."
            ) from error
        if not isinstance(found, dict) or found.get("state") not in get_args(State):
            raise BadRequest(f"{self.record} is no record of a run. Name another folder with --out.")
        return found

    def note(self, **changes: Any) -> dict[str, Any]:
        """Change `run.json`: these fields, and the moment of the change; returns the whole.

        Raises:
            OperatorError: it cannot be written.
        """
        known = {"format": FORMAT, **self.read(), **changes, "changed_at": moment()}
        write_file(self.record, json.dumps(known, ensure_ascii=False, indent=1) + "\n")
        return known


def moment() -> str:
    """Now, as `run.json` has it."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


@contextmanager
def opened(path: Path, *, resume: bool) -> Iterator[RunFolder]:
    """Work in a run's folder, alone.

    Args:
        path: the folder; made where it is missing.
        resume: go on with the run that is there; else the folder is for a new one.

    Yields:
        The folder. For a new run what an earlier one left before its training began is removed.

    Raises:
        BadRequest: it holds something else, or a run where a new one was asked for, or none to go on with.
        RunLocked: another command works in it.
        OperatorError: it cannot be written.
    """
    folder = RunFolder(path.resolve())
    _check_place(folder, resume=resume)
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.lock, timeout=0)
        lock.acquire()
    except Timeout:
        raise RunLocked(
            f"Another command works in {path}. Wait until it is done, or name another folder with --out."
        ) from None
    except OSError as error:
        raise OperatorError(
            f"The folder {path} cannot be written ({error.strerror or error}), so nothing was begun. Make it "
            "writable, or name another one with --out."
        ) from error
    try:
        # again: who held the lock a moment ago may have left something
        _check_place(folder, resume=resume)
        if not resume:
            _clear(folder)
        yield folder
    finally:
        lock.release()


def _check_place(folder: RunFolder, *, resume: bool) -> None:
    path = folder.path
    if path.exists() and not path.is_dir():
        raise BadRequest(f"{path} is a file; a run needs a folder of its own. Name another one with --out.")
    there = {entry.name for entry in path.iterdir()} if path.exists() else set()
    strangers = sorted(there - folder.all_of_a_run() - {f".{RUN}.partial"} - _HALF_WRITTEN)
    if strangers:
        raise BadRequest(
            f"{path} holds {strangers[0]}, which no run wrote; a run needs a folder of its own. Name a new "
            "one with --out."
        )
    found = folder.read() if there else {}
    if resume and not (found and folder.config.exists() and folder.base_weights.exists()):
        raise BadRequest(
            f"There is no run in {path} to go on with. Leave --resume out, or name the run's folder with "
            "--out."
        )
    if not resume and found and _has_trained(folder):
        raise BadRequest(
            f"{path} holds a run already (state: {found['state']}). Go on with it by --resume, or name "
            "another folder with --out."
        )


_HALF_WRITTEN = {".best.part", ".best.old", ".curves.svg.partial", ".curves.html.partial"}


def _has_trained(folder: RunFolder) -> bool:
    return folder.checkpoints.exists() or folder.best.exists()


def _clear(folder: RunFolder) -> None:
    for place in folder.path.iterdir():
        if place == folder.lock:
            continue
        if place.is_dir():
            shutil.rmtree(place)
        else:
            place.unlink()


def check_room(
    folder: RunFolder, weights: int, free: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free
) -> None:
    """Refuse a disk that would be full before the run is done.

    Args:
        folder: of the run; it exists.
        weights: bytes of the starting weights.
        free: bytes that are free where a path lies.

    Raises:
        NoRoom: how much there is, and how much it takes.
    """
    needed, there = ROOM_PER_WEIGHTS * weights, free(folder.path)
    if there < needed:
        raise NoRoom(
            f"A run takes up to {needed / 2**20:,.0f} MiB in {folder.path}, and {there / 2**20:,.0f} MiB are "
            "free there. Make room, or name a folder on another disk with --out.",
            needed=needed,
            free=there,
        )

"""A dataset folder on disk: written beside and moved into place, by one export at a time.

    OUT              the dataset; replaced in one step when the new one is whole
    .OUT.lock        held while an export runs
    .OUT.part        what the export that runs has written so far
    .OUT.stopped-N   what a stopped export had written; the next one goes on from it
    .OUT.old         the dataset that was replaced, for a moment

A kill at any moment leaves either the old dataset or the new one in OUT.
"""

from __future__ import annotations

import ctypes
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from filelock import FileLock, Timeout

from backend.errors import BadRequest, OperatorError, ProjectError
from converters.page_records import SPILL, STATE, Earlier
from converters.writing import CannotWrite, write, writing

MANIFEST = "manifest.jsonl"
LEFT_OUT = "left_out.jsonl"

OURS = {
    *(STATE, MANIFEST, LEFT_OUT, "split.jsonl", "summary.json", "report.html", "dict.txt"),
    *("Label.txt", "rec_gt.txt", "fileState.txt"),
    *(f"{kind}_gt_{part}.txt" for kind in ("rec", "det") for part in ("train", "val", "test")),
}
OUR_FOLDERS = {"crops", "pages", "crop_img"}

_EXCHANGE = 2  # RENAME_EXCHANGE
_HERE = -100  # AT_FDCWD


class DatasetLocked(OperatorError):
    """Another export writes into the same folder."""


@dataclass(frozen=True, slots=True)
class _Places:
    out: Path
    part: Path
    old: Path

    @classmethod
    def of(cls, out: Path) -> _Places:
        return cls(out, out.parent / f".{out.name}.part", out.parent / f".{out.name}.old")

    def stopped(self) -> list[Path]:
        return sorted(self.out.parent.glob(f".{glob_escape(self.out.name)}.stopped-*"))


def glob_escape(name: str) -> str:
    """A folder's name for `Path.glob`, letter for letter."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in name)


class Staging:
    """The folder in which a dataset is written before it takes its place; use it in a `with` block.

    Leaving the block without `finish` keeps what was written when the export was interrupted
    (Ctrl-C, Label Studio out of reach), so that the next one goes on from it, and removes it
    when it could not be written.
    """

    def __init__(self, out: Path) -> None:
        """Name the place; nothing is touched before the block is entered.

        Args:
            out: the dataset's folder; it may exist when an export wrote it, or be empty.
        """
        # the folder that a link names is replaced, not the link
        self._places = _Places.of(out.resolve())
        self.out = self._places.out
        self._lock = FileLock(self._places.out.parent / f".{self._places.out.name}.lock", timeout=0)
        self._finished = False
        self.stopped: list[Earlier]
        """What stopped exports hold, the last one first; known inside the block, like `dataset`."""
        self.dataset: Earlier
        """The dataset that is in place."""

    @property
    def folder(self) -> Path:
        """Where to write."""
        return self._places.part

    def __enter__(self) -> Staging:
        """Take the lock, clear up after a killed export, and make the folder.

        Raises:
            BadRequest: the folder holds something that no export wrote.
            DatasetLocked: another export runs.
            CannotWrite: the folder's parent cannot be written.
        """
        places = self._places
        with writing(places.out):
            places.out.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._lock.acquire()
            except Timeout:
                raise DatasetLocked(
                    f"Another export is writing into {places.out.name}. Wait until it is done, or choose "
                    "another folder with --out."
                ) from None
        try:
            with writing(places.out):
                self._recover()
                self._refuse_strangers()
                if (places.part / SPILL).exists():
                    taken = [int(path.name.rpartition("-")[2]) for path in places.stopped()]
                    places.part.rename(
                        places.out.parent / f".{places.out.name}.stopped-{max(taken, default=0) + 1}"
                    )
                shutil.rmtree(places.part, ignore_errors=True)
                places.part.mkdir()
            self.stopped = [Earlier(path, SPILL) for path in reversed(places.stopped())]
            self.dataset = Earlier(places.out)
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the lock; what could not be written is removed, so that it takes no space."""
        try:
            if not self._finished and (kind is None or isinstance(error, (CannotWrite, ProjectError))):
                shutil.rmtree(self._places.part, ignore_errors=True)
        finally:
            self._lock.release()

    def write(self, name: str, content: bytes) -> None:
        """Write a file of the dataset.

        Raises:
            CannotWrite: the file system refuses.
        """
        write(self.folder, self.out, name, content)

    def take(self, earlier: Earlier, names: Sequence[str]) -> bool:
        """Let files of an earlier export appear in the dataset unchanged, without copying where possible.

        Returns:
            False when one of them is gone; then none appears.

        Raises:
            CannotWrite: the file system refuses.
        """
        with writing(self.out):
            try:
                for name in names:
                    _link(earlier.folder / name, self.folder / name)
            except FileNotFoundError:
                for name in names:
                    (self.folder / name).unlink(missing_ok=True)
                return False
        return True

    def finish(self) -> None:
        """Put the new dataset in the old one's place, in one step where the system has one.

        Files in the old folder that no export wrote (a dictionary of `check --fix`, trained models)
        move over.
        """
        places = self._places
        with writing(places.out):
            (places.part / SPILL).unlink(missing_ok=True)
            if places.out.exists():
                exchange(places.part, places.out, places.old)
            else:
                places.part.rename(places.out)
            self._finished = True
            self._recover()
            for path in places.stopped():
                shutil.rmtree(path, ignore_errors=True)

    def _recover(self) -> None:
        """Bring to its end what a kill left between two steps of `finish`."""
        part, out, old = self._places.part, self._places.out, self._places.old
        if (part / STATE).exists() and not (part / SPILL).exists():
            # whole: the new dataset on its way into place, or the old one that it has taken the place of
            part.rename(old if out.exists() else out)
        if not old.exists():
            return
        for path in old.iterdir():
            if path.name not in OURS | OUR_FOLDERS and not (out / path.name).exists():
                path.rename(out / path.name)
        shutil.rmtree(old)

    def _refuse_strangers(self) -> None:
        out = self._places.out
        if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / STATE).exists())):
            raise BadRequest(
                f"{out.name} exists and is no dataset that twinread wrote; it would be replaced. Choose "
                "another folder with --out."
            )


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        target.hardlink_to(source)
    except FileNotFoundError:
        raise
    except OSError:
        # no links on this file system
        shutil.copy2(source, target)


def exchange(new: Path, out: Path, old: Path, libc: Any = None) -> None:
    """Swap the new folder with the one in place; the replaced one ends as `old`.

    Args:
        new: takes the place of `out`.
        out: is there already.
        old: is not there yet.
        libc: the C library; its `renameat2` swaps both names in one step where the system has it.
    """
    libc = libc or ctypes.CDLL(None)
    swap = getattr(libc, "renameat2", None)
    if swap is not None and swap(_HERE, os.fsencode(new), _HERE, os.fsencode(out), _EXCHANGE) == 0:
        new.rename(old)
        return
    # two steps then, and `Staging` undoes the first after a kill between them
    out.rename(old)
    new.rename(out)

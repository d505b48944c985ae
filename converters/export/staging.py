"""A dataset folder on disk: written beside and moved into place, by one export at a time.

    OUT              the dataset; replaced in one step when the new one is whole
    .OUT.lock        held while an export runs
    .OUT.part        what the export that runs has written so far, or the last stopped one had
    .OUT.stopped     the pages of all stopped exports before; the one that runs goes on from them
    .OUT.old         the dataset that was replaced, for a moment

A kill at any moment leaves either the old dataset or the new one in OUT.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from backend.errors import BadRequest, OperatorError, ProjectError
from converters.export.file_system import CannotWrite, link, write, writing
from converters.export.layouts import LAYOUTS
from converters.export.page_records import SPILL, STATE, EarlierPages, record_line
from converters.export.previous_dataset import SPLIT, SUMMARY
from converters.shared.exchange import exchange

MANIFEST = "manifest.jsonl"
LEFT_OUT = "left_out.jsonl"
DICTIONARY = "dict.txt"
REPORT = "report.html"


def written_by_exports() -> frozenset[str]:
    """What exports write into a dataset's folder, in any layout, by name.

    Images of pages that lie beside the label files have names of their own: `STATE` names those.
    """
    found = frozenset({STATE, MANIFEST, LEFT_OUT, SPLIT, SUMMARY, REPORT, DICTIONARY})
    return found.union(*(layout().files | layout().folders for layout in LAYOUTS.values()))


class DatasetLocked(OperatorError):
    """Another export writes into the same folder."""


@dataclass(frozen=True, slots=True)
class _Places:
    out: Path
    part: Path
    stopped: Path
    old: Path
    lock: Path

    @classmethod
    def of(cls, out: Path) -> _Places:
        return cls(out, *(out.parent / f".{out.name}.{what}" for what in ("part", "stopped", "old", "lock")))


def replaceable(out: Path) -> Path:
    """The folder that a dataset would replace, by its own name; what a link leads to, not the link.

    Raises:
        BadRequest: no dataset can take its place.
    """
    try:
        found = out.resolve()
        here = Path.cwd()
    except FileNotFoundError as error:
        raise BadRequest("The folder that you are in is gone; change into one that is there.") from error
    if here.is_relative_to(found):
        raise BadRequest(
            f"--out means {found}, which is the folder you are in or holds it, and a dataset takes the place "
            "of its whole folder. Name a new one, such as --out dataset."
        )
    if os.path.ismount(found):
        raise BadRequest(
            f"{found} is a mount point (a volume or a disk of its own), whose place no folder can take. "
            f"Choose a folder inside it: --out {found / 'dataset'}."
        )
    return found


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

        Raises:
            BadRequest: it is a folder that no dataset can take the place of.
        """
        self._places = _Places.of(replaceable(out))
        self.out = self._places.out
        self._lock = FileLock(self._places.lock, timeout=0)
        self._placing = False
        self.finished = False
        """The new dataset is in its place."""
        self.stopped: list[EarlierPages]
        """What stopped exports hold; known inside the block, like `dataset`."""
        self.dataset: EarlierPages
        """The dataset that is in place."""

    @property
    def folder(self) -> Path:
        """Where to write."""
        return self._places.part

    @property
    def kept(self) -> list[Path]:
        """The folders in which pages of stopped exports wait for the next one."""
        return [path for path in (self._places.part, self._places.stopped) if _has_pages(path)]

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
                self._keep_pages()
                shutil.rmtree(places.part, ignore_errors=True)
                places.part.mkdir()
            self.stopped = [EarlierPages(places.stopped, SPILL)]
            self.dataset = EarlierPages(places.out)
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the lock; what could not be written is removed, so that it takes no space."""
        try:
            if self._placing:
                # what is not brought to its end here, the next export brings there
                with contextlib.suppress(OSError):
                    self._recover()
            elif (
                kind is None
                or isinstance(error, (CannotWrite, ProjectError))
                or not _has_pages(self._places.part)
            ):
                shutil.rmtree(self._places.part, ignore_errors=True)
        finally:
            self._lock.release()

    def write(self, name: str, content: bytes) -> None:
        """Write a file of the dataset.

        Args:
            name: its path in the dataset.
            content: its bytes.

        Raises:
            CannotWrite: the file system refuses.
        """
        write(self.folder, self.out, name, content)

    def take(self, earlier: EarlierPages, names: Sequence[str]) -> bool:
        """Let files of an earlier export appear in the dataset unchanged, without copying where possible.

        Args:
            earlier: what holds them.
            names: their paths in it, which they keep.

        Returns:
            False when one of them is gone; then none appears.

        Raises:
            CannotWrite: the file system refuses.
        """
        with writing(self.out):
            try:
                for name in names:
                    link(earlier.folder / name, self.folder / name)
            except FileNotFoundError:
                for name in names:
                    (self.folder / name).unlink(missing_ok=True)
                return False
        return True

    def finish(self) -> None:
        """Put the new dataset in the old one's place, in one step where the system has one.

        Files in the old folder that no export wrote (a dictionary of `check --fix`, trained models)
        move over.

        Raises:
            CannotWrite: the file system refuses.
        """
        places = self._places
        self._placing = True
        with writing(places.out):
            (places.part / SPILL).unlink(missing_ok=True)
            if places.out.exists():
                exchange(places.part, places.out, places.old)
            else:
                places.part.rename(places.out)
            self.finished = True
            self._recover()
            shutil.rmtree(places.stopped, ignore_errors=True)

    def _keep_pages(self) -> None:
        """Make one folder of what the last stopped export had written and what those before it had.

        The last one's page goes first where both have it. After a kill in the middle it is begun again.
        """
        part, stopped = self._places.part, self._places.stopped
        if not _has_pages(part):
            return
        last, before = EarlierPages(part, SPILL), EarlierPages(stopped, SPILL)
        with (part / SPILL).open("ab") as spill:
            # its last line may be torn
            spill.write(b"\n")
            for key in before:
                record = before.page(key) if key not in last else None
                # a record follows its files: a kill leaves no page that lacks some
                if record is not None and self.take(before, record.files):
                    spill.write(record_line(record))
        shutil.rmtree(stopped, ignore_errors=True)
        part.rename(stopped)

    def _recover(self) -> None:
        """Bring to its end what a kill left between two steps of `finish`."""
        part, out, old = self._places.part, self._places.out, self._places.old
        if (part / STATE).exists() and not (part / SPILL).exists():
            # whole: the new dataset on its way into place, or the old one that it has taken the place of
            part.rename(old if out.exists() else out)
        if not old.exists():
            return
        ours = written_by_exports()
        pages = EarlierPages(old).images
        for path in list(old.iterdir()):
            if path.name in pages and path.is_file():
                # before the file that names it goes, or after a kill it would pass for somebody else's
                path.unlink()
            elif path.name not in ours and not (out / path.name).exists():
                path.rename(out / path.name)
        shutil.rmtree(old)

    def _refuse_strangers(self) -> None:
        out = self._places.out
        if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / STATE).exists())):
            raise BadRequest(
                f"{out.name} exists and is no dataset that twinread wrote; it would be replaced. Choose "
                "another folder with --out."
            )


def _has_pages(folder: Path) -> bool:
    """The folder holds pages of an export that did not end."""
    try:
        return (folder / SPILL).stat().st_size > 0
    except OSError:
        return False

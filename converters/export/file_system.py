"""What an export asks of the file system: files written and linked; a refusal is one sentence."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backend.errors import OperatorError


class CannotWrite(OperatorError):
    """The dataset's folder cannot be written: no space, no permission."""


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """Turn what the file system refuses into one sentence.

    Raises:
        CannotWrite: with the system's reason.
    """
    try:
        yield
    except OSError as error:
        raise CannotWrite(
            f"The dataset {out.name} cannot be written: {error.strerror or error}. What was there before is "
            "untouched. Make room or choose another folder with --out, then export again.",
            errno=error.errno,
        ) from error


def write(folder: Path, out: Path, name: str, content: bytes) -> None:
    """Write a file into a folder.

    Args:
        folder: where.
        out: the dataset that the folder becomes, for messages.
        name: path in the folder.
        content: the bytes.

    Raises:
        CannotWrite: the file system refuses.
    """
    with writing(out):
        path = folder / name
        try:
            path.write_bytes(content)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def link(source: Path, target: Path) -> None:
    """Let a file appear under a second name without copying it, where the file system can do that.

    Args:
        source: the file.
        target: its second name; what has that name already gives way.

    Raises:
        FileNotFoundError: the file is gone.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        target.hardlink_to(source)
    except FileNotFoundError:
        raise
    except FileExistsError:
        # of a page that a stop cut off; it may share its bytes with a dataset, so nothing is written over it
        target.unlink()
        link(source, target)
    except OSError:
        # no links on this file system
        shutil.copy2(source, target)

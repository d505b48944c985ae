"""Files of a dataset that is being written; what the file system refuses is one sentence."""

from __future__ import annotations

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

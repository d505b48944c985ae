"""Single files that commands write beside a dataset: a page, a summary for machines, a dictionary."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import tempfile
from pathlib import Path

from backend.errors import OperatorError


def write_summary(path: Path, summary: object) -> None:
    """Write what a command came to as JSON, for machines; errors as for `write_file`."""
    write_file(path, json.dumps(summary, ensure_ascii=False, indent=1) + "\n")


def check_place(path: Path) -> None:
    """Make sure that a file can be written, before the work that fills it begins.

    Raises:
        OperatorError: it cannot.
    """
    try:
        if _takes_no_place(path):
            if not os.access(path, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        else:
            # asked by doing: a permission on paper is not one on a disk that is mounted read-only
            with tempfile.TemporaryFile(dir=path.parent):
                pass
    except OSError as error:
        raise OperatorError(
            f"The file {path} cannot be written ({error.strerror or error}), so nothing was begun. Make its "
            "folder, or make it writable, or name another file."
        ) from error


def write_file(path: Path, content: str) -> None:
    """Write a file whole or not at all; a pipe or a device gets it as it comes.

    Raises:
        OperatorError: it cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        if _takes_no_place(path):
            path.write_text(content, "utf-8", newline="")
            return
        partial.write_text(content, "utf-8", newline="")
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise OperatorError(
            f"The file {path} cannot be written ({error.strerror or error}); everything else is done. Make "
            "room or its folder writable, or name another file."
        ) from error


def _takes_no_place(path: Path) -> bool:
    """Something like /dev/stdout, which no file may replace."""
    return path.exists() and not path.is_file()

"""Writes single files beside a dataset (an HTML page, a JSON summary, a dictionary), whole or not at all.

Commands of both packages use it, so that no command leaves half a file behind. What they print of foreign
files goes through `printable`.
"""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import tempfile
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from backend.errors import OperatorError


def printable(text: str) -> str:
    r"""Foreign text for a terminal: file names, texts of lines, names of people.

    A terminal obeys control characters, and characters that turn the direction of writing show a line in
    another order than it has. Both are spelled out (`\x1b`, `\u202e`), so that they do nothing and are
    seen. Joiners stay, because letters of some languages need them.
    """
    return "".join(_spelled(char) for char in text)


def printable_lines(text: str) -> str:
    """The same for a message of several lines, whose own line ends stay."""
    return "\n".join(map(printable, text.split("\n")))


def _spelled(char: str) -> str:
    if char.isascii() and char.isprintable():
        return char
    category = unicodedata.category(char)
    if category in ("Cc", "Cs", "Zl", "Zp") or (category == "Cf" and char not in "\u200c\u200d"):
        code = ord(char)
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    return char


def write_summary(path: Path, summary: object) -> None:
    """Write the summary of a command as JSON, for other programs.

    Args:
        path: the file; it is replaced.
        summary: anything that `json` can write; a number that JSON does not have (NaN) becomes null.

    Raises:
        OperatorError: the file cannot be written.
    """
    write_file(path, json.dumps(_finite(summary), ensure_ascii=False, indent=1, allow_nan=False) + "\n")


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, list | tuple) else value


def check_writable(path: Path) -> None:
    """Make sure that a file can be written, before the work that fills it begins.

    Raises:
        OperatorError: it cannot.
    """
    try:
        if _is_device_or_pipe(path):
            if not os.access(path, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        else:
            # a trial write: permissions say nothing about a disk that is mounted read-only
            with tempfile.TemporaryFile(dir=path.parent):
                pass
    except OSError as error:
        raise OperatorError(
            f"The file {path} cannot be written ({error.strerror or error}), so nothing was begun. Make its "
            "folder, or make it writable, or name another file."
        ) from error


def write_file(path: Path, content: str) -> None:
    """Write a file whole or not at all; a pipe or a device is written directly.

    Args:
        path: the file; it is replaced.
        content: its text; line ends are written as they are, in UTF-8.

    Raises:
        OperatorError: it cannot be written.
    """
    write_bytes(path, content.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """The same for a file that is no text, such as a picture; arguments and errors as `write_file`."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        if _is_device_or_pipe(path):
            path.write_bytes(content)
            return
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise OperatorError(
            f"The file {path} cannot be written ({error.strerror or error}); everything else is done. Make "
            "room or its folder writable, or name another file."
        ) from error


def _is_device_or_pipe(path: Path) -> bool:
    """Something like /dev/stdout, which must not be replaced by a file."""
    return path.exists() and not path.is_file()

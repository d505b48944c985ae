"""Single files that commands write beside a dataset: a page, a summary for machines, a dictionary."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backend.errors import OperatorError


def write_summary(path: Path, summary: Mapping[str, Any]) -> None:
    """Write what a command came to as JSON, for machines; errors as for `write_file`."""
    write_file(path, json.dumps(summary, ensure_ascii=False, indent=1) + "\n")


def write_file(path: Path, content: str) -> None:
    """Write a file whole or not at all; a pipe or a device gets it as it comes.

    Raises:
        OperatorError: it cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        if path.exists() and not path.is_file():
            # something like /dev/stdout, whose place no file may take
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

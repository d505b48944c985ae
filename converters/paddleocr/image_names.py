"""Images that do not lie where a label file or a task says: found by the end of their names."""

from __future__ import annotations

import re
from pathlib import Path

SEPARATORS = re.compile(r"[/\\]")
"""What parts a path, on this machine or on Windows."""


def parts_of(name: str) -> list[str]:
    r"""The folders and the file of an image's name, also of one from Windows (`D:\data\a.png`)."""
    return [part for part in SEPARATORS.split(name) if part not in ("", ".")]


def found_by_end(name: str, folder: Path) -> Path | None:
    """The file in a folder that is the longest end of an image's name; None where there is none.

    So are found: names with backslashes, full paths of another machine, and `OLD/a.png` in a folder that was
    called OLD when its label file was written.

    Args:
        name: as the label file has it.
        folder: where the images lie; nothing outside of it is found, by a link neither.
    """
    parts = parts_of(name)
    if ".." in parts or "\0" in name:
        return None
    for start in range(len(parts)):
        path = folder.joinpath(*parts[start:])
        try:
            if path.is_file() and path.resolve().is_relative_to(folder.resolve()):
                return path
        except OSError:  # a part that is too long to be a name
            continue
    return None

"""The bytes of an image file that somebody else named: of a regular file only, and no more than the limit."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from backend.page.limits import MAX_IMAGE_BYTES


def read_image(path: Path, max_bytes: int = MAX_IMAGE_BYTES) -> bytes:
    """Read an image file.

    Args:
        path: its place, as a label file may name it: it may be a link.
        max_bytes: of the file.

    Raises:
        OSError: it is a device, a pipe or a folder (EINVAL), which have no end or wait for ever; it is larger
            than the limit (EFBIG); or it cannot be opened.
        ValueError: no file can have that name.
    """
    _check(path.stat(), max_bytes)
    # a pipe that came in its place meanwhile would wait here for its other end
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as file:
        _check(os.fstat(descriptor), max_bytes)
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise _too_large(max_bytes)
    return content


def _check(about: os.stat_result, max_bytes: int) -> None:
    if not stat.S_ISREG(about.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")
    if about.st_size > max_bytes:
        raise _too_large(max_bytes)


def _too_large(max_bytes: int) -> OSError:
    return OSError(errno.EFBIG, f"it is larger than the {max_bytes:,} bytes of MAX_IMAGE_BYTES")

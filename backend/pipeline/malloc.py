"""The C library's memory, given back to the system when a page is done."""

from __future__ import annotations

import ctypes

MMAP_THRESHOLD = -3
"""glibc's number of that option of `mallopt`."""

LARGE_BYTES = 4 * 1024**2


def give_large_blocks_back() -> None:
    """Let every block of `LARGE_BYTES` go back to the system as soon as it is free; glibc only.

    By itself glibc raises that limit to 32 MiB once large blocks come and go, and keeps what Pillow and NumPy
    free (in blocks of 16 MiB) in the arenas of their threads: 400 MB more at the peak of four large pages,
    and after them.
    """
    try:
        ctypes.CDLL(None).mallopt(MMAP_THRESHOLD, LARGE_BYTES)
    except (OSError, AttributeError, TypeError):
        # another C library
        return

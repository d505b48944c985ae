"""The C library's memory: what ordinary pages need is kept, and large blocks are given back to the system."""

from __future__ import annotations

import ctypes

MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1
"""glibc's numbers of those options of `mallopt`."""

LARGE_BYTES = 12 * 1024**2
"""Below Pillow's blocks of 16 MiB; above what a page of an ordinary scan takes in any of its forms."""

KEPT_BYTES = 12 * 1024**2
"""Free memory at the end of a thread's own from which on it is given back."""


def give_large_blocks_back() -> None:
    """Let every block of `LARGE_BYTES` go back to the system as soon as it is free; glibc only.

    By itself glibc raises that limit to 32 MiB once large blocks come and go, and keeps what Pillow and NumPy
    free (in blocks of 16 MiB) in the arenas of their threads: 400 MB more at the peak of four large pages,
    and after them. Smaller blocks are kept for the next page: to get 20 MB anew, in steps of 4 kB, takes the
    system 12 ms a page.
    """
    try:
        library = ctypes.CDLL(None)
        library.mallopt(MMAP_THRESHOLD, LARGE_BYTES)
        library.mallopt(TRIM_THRESHOLD, KEPT_BYTES)
    except (OSError, AttributeError, TypeError):
        # another C library
        return

"""Two folders change places in one step, so that a name never stands for half of a thing."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Any

_EXCHANGE = 2  # RENAME_EXCHANGE
_HERE = -100  # AT_FDCWD


def exchange(new: Path, out: Path, old: Path, libc: Any = None) -> None:
    """Swap the new folder with the one in place; the replaced one ends as `old`.

    Args:
        new: takes the place of `out`.
        out: is there already.
        old: is not there yet.
        libc: the C library; its `renameat2` swaps both names in one step where the system has it.
    """
    libc = libc or ctypes.CDLL(None)
    swap = getattr(libc, "renameat2", None)
    if swap is not None and swap(_HERE, os.fsencode(new), _HERE, os.fsencode(out), _EXCHANGE) == 0:
        new.rename(old)
        return
    # two steps then, and who calls this undoes the first after a kill between them
    out.rename(old)
    new.rename(out)

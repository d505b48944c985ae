"""What this machine has for a run: memory, cores, shared memory; as far as it can be seen."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from backend.cores import cores
from converters.training.run_plan import Machine

_MEMORY = Path("/proc/meminfo")
_LIMIT = Path("/sys/fs/cgroup/memory.max")
_USED = Path("/sys/fs/cgroup/memory.current")
_SHARED = Path("/dev/shm")  # noqa: S108  (asked for its size alone)


def this_machine(gpus: int = 0, gpu_memory: int | None = None) -> Machine:
    """The machine that this process runs on.

    Args:
        gpus: that the run may use; 0 for the CPU.
        gpu_memory: bytes that are free on the smallest of them; None where nobody can say.
    """
    return Machine(gpus, cores(), gpu_memory if gpus else free_memory(_text_of), _size(_SHARED))


def free_memory(text_of: Callable[[Path], str]) -> int | None:
    """Bytes that this process can still have: what the machine has, within a container's limit.

    Args:
        text_of: reads one of the kernel's files; "" where there is none.

    Returns:
        None where the kernel does not say, as anywhere but on Linux.
    """
    found = re.search(r"MemAvailable:\s+(\d+) kB", text_of(_MEMORY))
    free = [int(found[1]) * 1024] if found else []
    limit, used = text_of(_LIMIT).strip(), text_of(_USED).strip()
    if limit.isdecimal() and used.isdecimal():
        free.append(max(0, int(limit) - int(used)))
    return min(free, default=None)


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError:
        return ""


def _size(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).total
    except OSError:
        return 0

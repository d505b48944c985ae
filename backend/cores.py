"""How many cores this process may really use: the one place that counts them.

`os.cpu_count` gives those of the machine. A container or a batch system may allow fewer, by affinity
(`taskset`, `--cpuset-cpus`) or by a quota of time (`docker --cpus`); one thread per core of the machine then
only makes them wait for each other.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

OWN_GROUPS = Path("/proc/self/cgroup")
GROUPS = Path("/sys/fs/cgroup")


def cores(own_groups: Path = OWN_GROUPS, groups: Path = GROUPS) -> int:
    """Cores that this process may use, 1 at least.

    Args:
        own_groups: the file that names the control groups of this process.
        groups: where control groups are mounted.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [math.ceil(quota) for quota in _quotas(own_groups, groups)]
    return max(1, min([allowed, *quotas]))


def _quotas(own_groups: Path, groups: Path) -> Iterator[float]:
    """Every limit on the time of this process, in cores: that of its group and of those above it."""
    for line in _text(own_groups).splitlines():
        number, controllers, path = (*line.split(":", 2), "", "")[:3]
        if number == "0" and not controllers:
            for folder in _upwards(groups, path):
                # such as "150000 100000", in microseconds, or "max 100000"
                yield from _share(*(*_text(folder / "cpu.max").split(), "", "")[:2])
        elif "cpu" in controllers.split(","):
            for mount in (groups / controllers, groups / "cpu"):
                for folder in _upwards(mount, path):
                    quota, period = (_text(folder / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
                    yield from _share(quota.strip(), period.strip())


def _upwards(mount: Path, path: str) -> Iterator[Path]:
    """The folder of a group and all above it; a container may see its own group as the root."""
    folder = mount / path.strip("/")
    yield folder
    while folder != mount and mount in folder.parents:
        folder = folder.parent
        yield folder


def _share(quota: str, period: str) -> Iterator[float]:
    # "max" and -1 mean that there is no limit
    if quota.isdecimal() and period.isdecimal() and int(quota) and int(period):
        yield int(quota) / int(period)


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace")
    except OSError:
        return ""

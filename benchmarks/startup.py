"""How long `twinread --help` takes, against starting Python alone."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from benchmarks.table import Row


def seconds(command: list[str], runs: int = 7) -> float:
    """The quickest of several runs, wall seconds: what else the machine does only adds."""
    times = []
    for _ in range(runs):
        before = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - before)
    return min(times)


def rows() -> list[Row]:
    """Start-up of the command."""
    ours = seconds([str(Path(sys.executable).with_name("twinread")), "--help"])
    python = seconds([sys.executable, "-c", "pass"])
    return [
        Row(
            "start-up: twinread --help : python -c pass",
            f"{ours:.2f} s : {python:.2f} s",
            "well under 1 s",
            ours < 0.7,
        )
    ]


if __name__ == "__main__":
    for row in rows():
        print(row)

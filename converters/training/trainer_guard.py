"""Stands between twinread and the trainer, so that no trainer outlives twinread. Standard library alone.

It is run as a program by its path: `python -I trainer_guard.py SECONDS COMMAND...`. Its standard input is a
pipe that only twinread holds open: when twinread ends in whatever way, SIGKILL included, the pipe closes, and
the guard ends its whole process group: SIGTERM, SECONDS to clear up, SIGKILL. The trainer and everything that
it starts (loader processes, one process for each GPU) belong to that group.

It ends as the trainer ended; a trainer that a signal ended gives 128 + the signal's number.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time

_LOOK_EVERY_S = 0.1
_NICE = 3
"""Who waits for the backend comes first; but a trainer that starves would look like one that hangs."""


def main() -> int:
    """Run the command of the arguments until it ends, or until nobody waits for it any more."""
    patience, command = float(sys.argv[1]), sys.argv[2:]
    # a handler, for what is ignored would stay ignored in the trainer: the group's SIGTERM is for the others
    signal.signal(signal.SIGTERM, lambda *_: None)
    os.nice(_NICE)
    try:
        trainer = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    except OSError as error:
        sys.stderr.write(f"cannot start {command[0]}: {error.strerror}\n")
        return 127
    while trainer.poll() is None:
        ready, _, _ = select.select([sys.stdin], [], [], _LOOK_EVERY_S)
        if ready and not os.read(sys.stdin.fileno(), 1):
            _end(trainer, patience)
    return trainer.returncode if trainer.returncode >= 0 else 128 - trainer.returncode


def _end(trainer: subprocess.Popen[bytes], patience: float) -> None:
    os.killpg(0, signal.SIGTERM)
    until = time.monotonic() + patience
    while trainer.poll() is None and time.monotonic() < until:
        time.sleep(_LOOK_EVERY_S)
    # this process, too: nobody is there to hear how the trainer ended
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())

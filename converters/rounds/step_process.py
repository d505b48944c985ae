"""One step in a process of its own: its log, its end, and what it said last.

The process leads a group of its own, so that a Ctrl-C in the terminal reaches the round alone, which then
ends the step in order.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from backend.errors import OperatorError

INTERRUPT_S = 45.0
"""How long a step may take to end after Ctrl-C, seconds: `train` gives PaddleOCR's trainer 30 of them."""

TERMINATE_S = 5.0

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""By which people, service managers and closed terminals end a round."""

LOOK_S = 1.0
"""How often the log is looked at, seconds."""

TAIL_BYTES = 16384

HEAD = "$ "
"""Begins a log's line with the command that was run; another one follows where a step was taken up again."""


def run_step(
    command: Sequence[str],
    log: Path,
    *,
    inherit: int,
    began: Callable[[int], None] = lambda pid: None,
    watch: Callable[[str], None] = lambda line: None,
) -> int:
    """Run a command to its end.

    Args:
        command: program and arguments.
        log: takes all that it prints, after what is in it already.
        inherit: a descriptor that it keeps open as long as it lives.
        began: called with the number of its process.
        watch: called every second with the last line of the log.

    Returns:
        Its exit code; the negative number of the signal that ended it.

    Raises:
        KeyboardInterrupt: the round was to end; the step and its group have ended.
        OperatorError: the log cannot be written, or the program cannot be started.
    """
    try:
        with log.open("ab") as file:
            file.write(f"{HEAD}{shlex.join(command)}\n".encode())
            file.flush()
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(inherit,),
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
    except OSError as error:
        raise OperatorError(
            f"A step of the round cannot be started ({error.strerror or error}: {error.filename}). Make room "
            "or make CACHE_DIR writable, and start the round again."
        ) from error
    try:
        began(process.pid)
        while (code := _wait(process, LOOK_S)) is None:
            watch(last_line(log))
        return code
    except BaseException:
        with _deaf():
            end(process)
        raise


def _wait(process: subprocess.Popen[bytes], limit_s: float | None) -> int | None:
    """Its exit code; None where it has not ended by then."""
    try:
        return process.wait(limit_s)
    except subprocess.TimeoutExpired:
        return None


def end(
    process: subprocess.Popen[bytes], interrupt_s: float = INTERRUPT_S, terminate_s: float = TERMINATE_S
) -> None:
    """End a step as Ctrl-C does, harder where it does not obey; its group is gone afterwards.

    Args:
        process: leads a process group.
        interrupt_s: how long it may take after SIGINT, seconds.
        terminate_s: likewise after SIGTERM, before SIGKILL.
    """
    for sign, limit_s in (
        (signal.SIGINT, interrupt_s),
        (signal.SIGTERM, terminate_s),
        (signal.SIGKILL, None),
    ):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        if _wait(process, limit_s) is not None:
            break
    # what it started and left behind
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def _deaf() -> Iterator[None]:
    """Let no further Ctrl-C break off the end of a step, which takes `INTERRUPT_S` at most."""
    before = {sign: signal.signal(sign, signal.SIG_IGN) for sign in STOPS}
    try:
        yield
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)


def last_line(log: Path) -> str:
    """The last line that is not blank; of a progress bar's, what stands behind the last return."""
    lines = [line for line in _tail(log).split("\n") if line.strip()]
    return lines[-1].strip() if lines else ""


def sentence_of(log: Path, code: int) -> str:
    """Why a step ended as it did, in its own words.

    An error of twinread is the last thing that a command prints, behind its name, and may have several lines;
    without one it is the last line.
    """
    tail = _tail(log)
    if code < 0:
        memory = "; the kernel does so when memory runs out" if -code == signal.SIGKILL else ""
        return f"its process was ended by signal {-code} ({signal.strsignal(-code)}){memory}."
    _, mark, said = tail.rpartition("\ntwinread: ")
    if mark or tail.startswith("twinread: "):
        return " ".join((said if mark else tail.removeprefix("twinread: ")).split())
    last = last_line(log).removeprefix("Error: ")
    return last or f"it ended with exit code {code} and said nothing."


def _tail(log: Path) -> str:
    """The end of what the last command in a log printed."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL_BYTES))
            tail = file.read().decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    except OSError:
        return ""
    before, mark, present = f"\n{tail}".rpartition(f"\n{HEAD}")
    return present.partition("\n")[2] if mark else before

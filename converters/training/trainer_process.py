"""PaddleOCR's trainer as a process: started, listened to, watched, and ended with everything it started.

It gets a process group of its own behind `trainer_guard`, so that Ctrl-C does not reach it before twinread
decides, and so that it ends when twinread does. What it says goes to the run's log, from which it is read.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import BinaryIO

from converters.training import trainer_guard
from converters.training.trainer_log import EndlessSearch, EvaluationLine, StepLine, TrainerEvent, event_of

TAIL_LINES = 400
"""Lines of the log that are kept to say why a trainer failed; a traceback with a config before it is 250."""
TAIL_GAPS = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a trainer may say nothing, in seconds, before it is taken to hang.

    start_s: until the first step: loaders and the first batch take long on a busy machine.
    silence_s: afterwards, at least.
    steps: afterwards, at least so many times what there is between two lines of steps.
    stop_s: to clear up after SIGTERM, before SIGKILL.
    look_every_s: between two looks at the log.
    """

    start_s: float = 180
    silence_s: float = 120
    steps: float = 10
    stop_s: float = 30
    look_every_s: float = 0.2

    def silence_allowed(self, gaps: Sequence[float], evaluated: float) -> float:
        """Seconds that the trainer may say nothing once it has made a step.

        Args:
            gaps: seconds between lines of steps, the last ones.
            evaluated: seconds of the longest evaluation.
        """
        return max(self.silence_s, self.steps * (median(gaps) if gaps else 0.0) + evaluated)


class Ending(Enum):
    """How a trainer's process came to its end."""

    ITSELF = "it ended by itself"
    STOPPED = "it was asked to stop"
    SILENT = "it said nothing for too long"
    NO_START = "it said nothing for too long before its first step"
    SEARCHED = "it looked for a usable row without end"


@dataclass(slots=True)
class TrainerProcess:
    """One run of the trainer; use it in a `with` block, which never leaves a process behind.

    command: the program and its arguments.
    folder: where it runs.
    environment: all its variables.
    log: what it says is added to this file.
    """

    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    log: Path
    limits: Limits = field(default_factory=Limits)
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))
    """The last lines of the log."""
    ending: Ending | None = None
    code: int | None = None
    """The exit code, negative for a signal; known when it has ended."""
    _guard: subprocess.Popen[bytes] | None = None
    _reading: BinaryIO | None = None
    _rest: bytes = b""

    @property
    def group(self) -> int:
        """The process group, which is the guard's process, too."""
        assert self._guard is not None  # noqa: S101  (inside the block)
        return self._guard.pid

    def __enter__(self) -> TrainerProcess:
        """Start it.

        Raises:
            OSError: the log cannot be written.
        """
        guard = [sys.executable, "-I", trainer_guard.__file__, str(self.limits.stop_s)]
        with self.log.open("ab") as log:
            self._reading = self.log.open("rb")
            self._reading.seek(0, os.SEEK_END)
            self._guard = subprocess.Popen(
                [*guard, *self.command],
                cwd=self.folder,
                env={**self.environment, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End what still runs."""
        try:
            if self.code is None:
                self.stop()
        finally:
            if self._guard is not None and self._guard.stdin is not None:
                self._guard.stdin.close()
            if self._reading is not None:
                self._reading.close()

    def events(self) -> Iterator[TrainerEvent | None]:
        """What the trainer says, as it comes, until it has ended or was found to hang.

        Yields:
            Each event; None at least every `Limits.look_every_s` while there is nothing new.
        """
        now = time.monotonic()
        heard, last_step, evaluated = now, None, 0.0
        gaps: deque[float] = deque(maxlen=TAIL_GAPS)
        while True:
            # asked before the log is read: what was written before the end is not lost
            ended = self._has_ended()
            lines = list(self._new_lines())
            now = time.monotonic()
            for line in lines:
                heard = now
                event = event_of(line)
                if isinstance(event, StepLine):
                    if last_step is not None:
                        gaps.append(now - last_step)
                    last_step = now
                elif isinstance(event, EvaluationLine) and last_step is not None:
                    evaluated = max(evaluated, now - last_step)
                elif isinstance(event, EndlessSearch):
                    self._end(Ending.SEARCHED)
                    yield event
                    return
                if event is not None:
                    yield event
                    if self.code is not None:
                        return
            if ended:
                self._end(Ending.ITSELF)
                return
            limits = self.limits
            allowed = limits.start_s if last_step is None else limits.silence_allowed(gaps, evaluated)
            if now - heard > allowed:
                self._end(Ending.NO_START if last_step is None else Ending.SILENT)
                return
            yield None
            if self.code is not None:
                return
            if not lines:
                time.sleep(self.limits.look_every_s)

    def stop(self) -> None:
        """Ask it to end, and end it by force where it does not."""
        self._end(Ending.STOPPED)

    def _new_lines(self) -> Iterator[str]:
        assert self._reading is not None  # noqa: S101  (inside the block)
        *lines, self._rest = (self._rest + self._reading.read()).split(b"\n")
        if len(self._rest) > 1 << 16:  # a progress bar that never ends a line
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            text = line.decode("utf-8", "replace")
            self.tail.append(text.rsplit("\r", 1)[-1])
            yield text

    def _has_ended(self) -> bool:
        """The guard has ended; it stays a zombie, so that its group's number is nobody else's yet."""
        how = os.waitid(os.P_PID, self.group, os.WEXITED | os.WNOWAIT | os.WNOHANG)
        return how is not None

    def _end(self, ending: Ending) -> None:
        assert self._guard is not None  # noqa: S101  (inside the block)
        if self.code is not None:
            return
        if not self._has_ended():
            self._signal(signal.SIGTERM)
            until = time.monotonic() + self.limits.stop_s
            while not self._has_ended() and time.monotonic() < until:
                time.sleep(min(0.05, self.limits.look_every_s))
        # loaders and the processes of other GPUs may be left, or all of them
        self._signal(signal.SIGKILL)
        code = self._guard.wait()
        for _ in self._new_lines():
            pass
        if self._rest:
            self.tail.append(self._rest.decode("utf-8", "replace").rsplit("\r", 1)[-1])
        self.code = 128 - code if code > 128 else code
        self.ending = ending

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.group, number)
        except ProcessLookupError:
            return

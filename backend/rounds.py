"""Training rounds: where they lie, how they are, and that one runs at a time.

    CACHE_DIR/rounds/.lock            held while a round runs, by it and by the step that it runs
    CACHE_DIR/rounds/3/round.json     how the last round of project 3 is, or how it ended
    CACHE_DIR/rounds/3/dataset/       the one dataset of the project, in which pages keep their part
    CACHE_DIR/rounds/3/7/             the seventh round: run/, model/, evaluation.html, a log for each step

`twinread round` writes; the backend and `twinread status` only look.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal

from backend.errors import OperatorError
from backend.outputs import write_file

FORMAT = 1

CLAIM_S = 2.0
"""How long a round tries to get the lock, seconds: whoever looks at it holds it for a moment, too."""

RoundStage = Literal["running", "done", "stopped", "failed"]
"""`stopped`: somebody ended it, and it can go on; `failed`: one of its steps said why it cannot."""


class RoundRunning(OperatorError):
    """A training round runs already; one runs at a time, since it takes every core that it gets."""

    status = 409
    exit_code = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundState:
    """How a round is, or how it ended.

    number: of the round in its project, from 1.
    step: the sub-command that runs, or at which the round ended.
    started_at, step_since, ended_at: ISO 8601, UTC; `ended_at` is empty while it runs.
    pid: of the process of the round.
    step_pid: of the step that runs, which leads a process group; 0 between steps.
    log: of the step, seen from CACHE_DIR.
    started_by: who asked for it, in words.
    outcome: one sentence; empty while it runs.
    promoted: its model took over.
    commands: the arguments behind `twinread`, by step, so that the round can go on with the same.
    finished: the steps that are done.
    counted_from: newly approved lines are counted from this moment on, ISO 8601.
    waiting_lines: lines that earlier exports brought and that no round has trained on yet.
    """

    project: int
    number: int
    state: RoundStage
    step: str
    started_at: str
    step_since: str
    ended_at: str = ""
    pid: int = 0
    step_pid: int = 0
    log: str = ""
    started_by: str = ""
    outcome: str = ""
    promoted: bool = False
    commands: Mapping[str, list[str]] = field(default_factory=dict)
    finished: tuple[str, ...] = ()
    counted_from: str = ""
    waiting_lines: int = 0

    @property
    def sentence(self) -> str:
        """The state for a person."""
        name = f"Round {self.number} of project {self.project}"
        if self.state == "running":
            return f"{name} runs since {clock(self.started_at)}, {self.step} since {clock(self.step_since)}."
        return f"{name} ended {clock(self.ended_at)}: {self.outcome}"

    @property
    def shown(self) -> dict[str, object]:
        """What `GET /status` and `twinread status` tell of it."""
        names = ("project", "number", "state", "step", "started_at", "step_since", "ended_at", "pid", "log")
        told = {name: getattr(self, name) for name in (*names, "started_by", "outcome", "promoted")}
        return {"round" if name == "number" else name: value for name, value in told.items()}


class Rounds:
    """The rounds of a CACHE_DIR."""

    def __init__(self, cache_dir: Path) -> None:
        """Name the cache; nothing need be there."""
        self.cache_dir = cache_dir
        self.folder = cache_dir / "rounds"

    def project_folder(self, project: int) -> Path:
        """Where the rounds of a project lie."""
        return self.folder / str(project)

    def dataset(self, project: int) -> Path:
        """The dataset that every round of a project exports into and trains on."""
        return self.project_folder(project) / "dataset"

    def round_folder(self, project: int, number: int) -> Path:
        """What one round makes."""
        return self.project_folder(project) / str(number)

    def numbers(self, project: int) -> list[int]:
        """The rounds that left a folder, the oldest first."""
        folder = self.project_folder(project)
        found = folder.iterdir() if folder.is_dir() else ()
        return sorted(int(path.name) for path in found if path.name.isdecimal() and path.is_dir())

    def state(self, project: int, *, claimed: bool = False) -> RoundState | None:
        """How the last round of a project is; None where it never had one.

        A round whose process is gone without a word (killed, or the machine was switched off) is `stopped`.

        Args:
            project: its id.
            claimed: who asks holds the lock, so nothing else can be running.

        Raises:
            OperatorError: `round.json` is there and says nothing.
        """
        state = _read(self.project_folder(project) / "round.json")
        if state is None or state.state != "running":
            return state
        if not claimed and self.running_project() == project:
            return state
        why = f"stopped at {state.step}: its process was ended from outside; {how_to_go_on(project)}"
        return replace(state, state="stopped", outcome=why, ended_at=state.ended_at or state.step_since)

    def newest(self) -> RoundState | None:
        """The round that runs, or else the one that began last, of all projects.

        Raises:
            OperatorError: a `round.json` says nothing.
        """
        projects = [
            int(path.name) for path in self.folder.glob("[0-9]*") if path.name.isdecimal() and path.is_dir()
        ]
        states = [state for state in map(self.state, projects) if state is not None]
        return max(states, key=lambda state: (state.state == "running", state.started_at), default=None)

    def write(self, state: RoundState) -> None:
        """Write the state for all to see, and into the round's own folder, where it stays.

        Raises:
            OperatorError: it cannot be written.
        """
        text = json.dumps({"format": FORMAT, **asdict(state)}, ensure_ascii=False, indent=1) + "\n"
        for folder in (
            self.round_folder(state.project, state.number),
            self.project_folder(state.project),
        ):
            write_file(folder / "round.json", text)

    def running_project(self) -> int | None:
        """The project whose round runs, or whose step outlived its killed round; None for none."""
        try:
            with self._lock_file.open("rb") as file:
                try:
                    # shared: two that look do not see each other
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    return _number_in(file.read())
        except FileNotFoundError:
            pass
        return None

    def check_idle(self) -> None:
        """Refuse to begin a round beside another one.

        Raises:
            RoundRunning: says which one, and since when.
        """
        project = self.running_project()
        if project is not None:
            raise self._busy(project)

    @contextmanager
    def claimed(self, project: int) -> Iterator[int]:
        """Let no other round run while the block does.

        Gives the descriptor of the lock: a step that inherits it holds the lock as well, so that a step
        whose round was killed does not train beside the next one.

        Raises:
            RoundRunning: another one runs.
            OperatorError: CACHE_DIR cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            # not filelock's: that one hides its descriptor, which no process could inherit
            lock = os.open(self._lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise OperatorError(
                f"CACHE_DIR cannot be written ({error.strerror or error}), so no round was begun. Set it to "
                "a folder of twinread's own."
            ) from error
        try:
            self._take(lock)
            os.ftruncate(lock, 0)
            os.pwrite(lock, str(project).encode(), 0)
            yield lock
        finally:
            os.close(lock)

    @property
    def _lock_file(self) -> Path:
        return self.folder / ".lock"

    def _take(self, lock: int) -> None:
        end = time.monotonic() + CLAIM_S
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            if time.monotonic() > end:
                raise self._busy(_number_in(os.pread(lock, 32, 0)))
            time.sleep(0.02)

    def _busy(self, project: int) -> RoundRunning:
        state = _read(self.project_folder(project) / "round.json")
        if state is None or state.state != "running":
            sentence = "Another training round is just beginning or ending. Try again in a minute."
        elif _is_alive(state.pid):
            sentence = (
                f"{state.sentence} One round runs at a time: wait for it, or end it with 'kill {state.pid}'."
            )
        else:
            sentence = (
                f"Round {state.number} of project {project} was ended from outside, and its step "
                f"{state.step} still runs: wait for it, or end it with 'kill -INT -- -{state.step_pid}'."
            )
        return RoundRunning(sentence, project=project)


def how_to_go_on(project: int) -> str:
    """The command that takes up a round that was stopped."""
    return f"go on with 'twinread round --project {project} --resume'."


def now() -> str:
    """This moment, as states have it."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def clock(moment: str) -> str:
    """A moment of a state for a person, by the clock of this machine; as it is where it is none."""
    try:
        return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M}"
    except ValueError:
        return moment


def _read(path: Path) -> RoundState | None:
    try:
        read = json.loads(path.read_bytes())
        known = {one.name for one in fields(RoundState)}
        values: dict[str, Any] = {name: value for name, value in read.items() if name in known}
        return RoundState(**values | {"finished": tuple(values.get("finished", ()))})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, AttributeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not what twinread writes"
        raise OperatorError(
            f"The state of the last training round of project {path.parent.name} cannot be read "
            f"(rounds/{path.parent.name}/round.json in CACHE_DIR: {why}). Remove that file; the next round "
            "writes it anew."
        ) from error


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _number_in(content: bytes) -> int:
    """The project that a lock file names; 0 where it was read before it was written."""
    return int(content) if content.strip().isdigit() else 0

"""A round from its first step to its last: one state file for all to see, one log for each step.

    export -> check -> train -> export-model -> evaluate -> promote

A step that fails ends the round with that step's sentence and exit code. A round that was ended from outside
goes on with `resume` at the step that was not done, with the options that it began with.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from backend.errors import BadRequest, OperatorError
from backend.rounds import Rounds, RoundState, how_to_go_on, now
from converters.rounds import pruning
from converters.rounds.step_process import run_step, sentence_of
from converters.rounds.steps import STEPS, Judged, Places, Step, new_lines

LEAST_FREE_BYTES = 2 * 1024**3
"""Free disk that a round wants: its dataset beside the old one, PaddleOCR's checkpoints three times over, a
model in two forms. `train` asks again for what it needs itself."""

EXPORT, PROMOTE = "export", "promote"

Program = Callable[[str], Sequence[str]]
"""What runs a step, by its name: a program and the arguments before the step's own."""


@dataclass(frozen=True, slots=True)
class RoundRequest:
    """What a person, Label Studio's button or TRAIN_AFTER asked for.

    options: a person's own for a step, by its name.
    least_lines: no training for fewer new lines than this; 0 trains always.
    started_by: who asked, in words.
    resume: take up the last round, which was stopped.
    """

    project: int
    options: Mapping[str, Sequence[str]] = field(default_factory=dict)
    least_lines: int = 0
    started_by: str = "a person"
    resume: bool = False


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who is to know how a round goes; the default tells nobody.

    begins: a step begins.
    says: the last line of its log, now and then.
    ends: a step has ended so.
    """

    begins: Callable[[RoundState], None] = lambda state: None
    says: Callable[[str], None] = lambda line: None
    ends: Callable[[RoundState, Judged], None] = lambda state, judged: None


def run_round(
    rounds: Rounds, request: RoundRequest, program: Program, watcher: Watcher | None = None
) -> tuple[RoundState, int]:
    """Run a round to its end.

    Args:
        rounds: of the CACHE_DIR.
        request: which round.
        program: what runs a step.
        watcher: who is to know.

    Returns:
        How it ended, and the exit code: that of the step that failed; 1 where the model was not promoted
        or the round was stopped; else 0.

    Raises:
        RoundRunning: another one runs.
        BadRequest: there is no round to go on with.
        OperatorError: there is no room, or CACHE_DIR cannot be written.
    """
    watcher = watcher or Watcher()
    with rounds.claimed(request.project) as lock:
        _ask_for_room(rounds)
        state = _resumed(rounds, request) if request.resume else _new(rounds, request)
        rounds.round_folder(state.project, state.number).mkdir(parents=True, exist_ok=True)
        going = _Round(rounds, state, program, watcher, lock)
        try:
            code = going.run(request.least_lines)
        except KeyboardInterrupt:
            why = f"stopped at {going.state.step}: somebody ended it; {how_to_go_on(request.project)}"
            going.set(state="stopped", ended_at=now(), step_pid=0, outcome=why)
            return going.state, 1
        except OperatorError as error:
            going.set(state="failed", ended_at=now(), step_pid=0, outcome=str(error))
            raise
        pruning.prune(rounds, request.project)
        return going.state, code


class _Round:
    """A round that runs: its state, which is written at each change."""

    def __init__(
        self, rounds: Rounds, state: RoundState, program: Program, watcher: Watcher, lock: int
    ) -> None:
        self.state = state
        self._rounds = rounds
        self._program = program
        self._watcher = watcher
        self._lock = lock
        self._places = Places(
            state.project, rounds.round_folder(state.project, state.number), rounds.dataset(state.project)
        )

    def set(self, **values: Any) -> None:
        self.state = replace(self.state, **values)
        self._rounds.write(self.state)

    def run(self, least_lines: int) -> int:
        for step in STEPS:
            if step.name in self.state.finished:
                continue
            judged, code = self._run(step)
            self._watcher.ends(self.state, judged)
            if not judged.goes_on:
                outcome = f"stopped at {step.name}: {judged.sentence}"
                self.set(state="failed", ended_at=now(), step_pid=0, outcome=outcome)
                return code or 1
            self.set(finished=(*self.state.finished, step.name), step_pid=0)
            if step.name == EXPORT and self._waits(least_lines):
                return 0
        promoted = bool(self._summary(PROMOTE).get("promoted"))
        self.set(state="done", ended_at=now(), outcome=judged.sentence, promoted=promoted)
        return 0 if promoted else 1

    def _run(self, step: Step) -> tuple[Judged, int]:
        log = self._places.log(step.name)
        arguments = step.again(self._places, list(self.state.commands[step.name]))
        self._places.summary(step.name).unlink(missing_ok=True)
        self.set(
            step=step.name,
            step_since=now(),
            step_pid=0,
            log=str(log.relative_to(self._rounds.cache_dir)),
        )
        self._watcher.begins(self.state)
        code = run_step(
            [*self._program(step.name), *arguments],
            log,
            inherit=self._lock,
            began=lambda pid: self.set(step_pid=pid),
            watch=self._watcher.says,
        )
        return step.judge(code, self._summary(step.name), sentence_of(log, code)), code

    def _waits(self, least_lines: int) -> bool:
        """Enter what the export brought; whether that is too little to train on."""
        summary = self._summary(EXPORT)
        waiting = self.state.waiting_lines + new_lines(summary)
        # a moment of Label Studio's own clock
        since = str(summary.get("newest_change") or self.state.counted_from)
        if waiting >= least_lines:
            self.set(counted_from=since, waiting_lines=0)
            return False
        self.set(
            counted_from=since,
            waiting_lines=waiting,
            state="done",
            ended_at=now(),
            outcome=f"not trained: {waiting:,} lines are new or changed since the last training, and "
            f"it was to begin at {least_lines:,}.",
        )
        return True

    def _summary(self, step: str) -> Mapping[str, Any]:
        try:
            summary = json.loads(self._places.summary(step).read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return summary if isinstance(summary, dict) else {}


def _new(rounds: Rounds, request: RoundRequest) -> RoundState:
    before = rounds.state(request.project, claimed=True)
    number = max([0, *rounds.numbers(request.project), *([before.number] if before else [])]) + 1
    places = Places(
        request.project, rounds.round_folder(request.project, number), rounds.dataset(request.project)
    )
    moment = now()
    return RoundState(
        project=request.project,
        number=number,
        state="running",
        step=STEPS[0].name,
        started_at=moment,
        step_since=moment,
        pid=os.getpid(),
        started_by=request.started_by,
        commands={step.name: step.command(places, request.options.get(step.name, ())) for step in STEPS},
        # so that a round that fails is not begun again at once for the same lines
        counted_from=moment,
        waiting_lines=before.waiting_lines if before else 0,
    )


def _resumed(rounds: Rounds, request: RoundRequest) -> RoundState:
    before = rounds.state(request.project, claimed=True)
    if before is None or before.state not in ("stopped", "failed"):
        what = "was no round yet" if before is None else f"is none that was stopped ({before.sentence})"
        raise BadRequest(
            f"There {what} in project {request.project}, so there is nothing to go on with. Start a new "
            "round without --resume."
        )
    return replace(
        before, state="running", ended_at="", outcome="", pid=os.getpid(), started_by=request.started_by
    )


def _ask_for_room(rounds: Rounds) -> None:
    free = shutil.disk_usage(rounds.folder).free
    if free < LEAST_FREE_BYTES:
        raise OperatorError(
            f"Only {free / 1024**3:.1f} GB are free in CACHE_DIR, and a round wants "
            f"{LEAST_FREE_BYTES / 1024**3:.0f}, so none was begun. Make room, or set CACHE_DIR to a "
            "larger disk."
        )

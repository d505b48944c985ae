"""Rounds that are ended from outside, at any step, and those that are begun beside another one."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.rounds import RoundRunning, Rounds
from converters.rounds.round import RoundRequest, run_round
from converters.rounds.step_process import end
from converters.rounds.steps import NAMES
from tests.parts.round_process import program, started
from tests.parts.scripted_steps import ScriptedSteps


def wait_until(so: Callable[[], bool], what: str) -> None:
    limit = time.monotonic() + 60
    while not so():
        assert time.monotonic() < limit, what
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # a zombie that nobody waits for
    return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text("utf-8")


def running(rounds: Rounds, step: str) -> int:
    """The process of the step that runs."""

    def so() -> bool:
        state = rounds.state(3)
        return state is not None and state.step == step and state.step_pid > 0

    wait_until(so, f"{step} runs")
    state = rounds.state(3)
    assert state is not None
    return state.step_pid


@pytest.mark.parametrize(
    ("step", "sign"),
    [
        *((step, signal.SIGTERM) for step in NAMES),
        pytest.param("train", signal.SIGINT, id="train, Ctrl-C"),
        pytest.param("train", signal.SIGHUP, id="train, its terminal is closed"),
    ],
)
def test_a_round_that_is_ended_ends_its_step_in_order_and_can_go_on(
    tmp_path: Path, step: str, sign: signal.Signals
) -> None:
    steps = ScriptedSteps.in_folder(tmp_path / "script", **{step: {"waits": True, "tries": [1]}})
    rounds = Rounds(tmp_path)
    process = started(steps, tmp_path)
    steps.wait_for(step)
    pid = running(rounds, step)
    process.send_signal(sign)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1, said
    assert is_gone(pid)
    assert "Traceback" not in said
    assert f"stopped at {step}: somebody ended it; go on with 'twinread round --project 3 --resume'." in said
    log = (tmp_path / f"rounds/3/1/{step}.log").read_text("utf-8")
    assert "Stopped as Ctrl-C stops it." in log
    state = rounds.state(3)
    assert state is not None
    assert (state.state, state.step_pid) == ("stopped", 0)
    state, code = run_round(rounds, RoundRequest(3, resume=True), steps)
    assert (state.number, state.promoted, code) == (1, True, 0)


@pytest.mark.parametrize("step", NAMES)
def test_a_round_that_is_killed_keeps_the_lock_while_its_step_lives_and_is_then_stopped(
    tmp_path: Path, step: str
) -> None:
    steps = ScriptedSteps.in_folder(tmp_path / "script", **{step: {"waits": True, "tries": [1]}})
    rounds = Rounds(tmp_path)
    process = started(steps, tmp_path)
    steps.wait_for(step)
    pid = running(rounds, step)
    process.kill()
    process.communicate(timeout=60)
    with pytest.raises(RoundRunning, match=rf"its step {step} still runs: .*kill -INT -- -{pid}"):
        run_round(rounds, RoundRequest(3, resume=True), steps)
    os.killpg(pid, signal.SIGINT)
    wait_until(lambda: rounds.running_project() is None, "the lock is free")
    state = rounds.state(3)
    assert state is not None
    assert (state.state, state.step) == ("stopped", step)
    assert state.outcome.startswith(f"stopped at {step}: its process was ended from outside; go on with")
    state, code = run_round(rounds, RoundRequest(3, resume=True), steps)
    assert (state.number, state.promoted, code) == (1, True, 0)


def test_a_second_round_is_told_which_one_runs_and_since_when(tmp_path: Path) -> None:
    steps = ScriptedSteps.in_folder(tmp_path / "script", train={"waits": True})
    process = started(steps, tmp_path)
    steps.wait_for("train")
    running(Rounds(tmp_path), "train")
    second = subprocess.run(
        [*program(steps), "round", "--project", "4"],
        env={**os.environ, "CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert second.returncode == 1
    assert second.stdout == ""
    assert "twinread: Round 1 of project 3 runs since 20" in second.stderr
    assert "train since 20" in second.stderr
    assert f"end it with 'kill {process.pid}'" in second.stderr
    assert not (tmp_path / "rounds/4").exists()
    process.terminate()
    process.communicate(timeout=60)
    assert steps.ran == ["export", "check", "train"]


def test_a_round_begun_where_ctrl_c_is_ignored_still_ends_its_step_in_order(tmp_path: Path) -> None:
    steps = ScriptedSteps.in_folder(tmp_path / "script", train={"waits": True})
    # as in a shell script with "&", or under nohup
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = started(steps, tmp_path)
    finally:
        signal.signal(signal.SIGINT, before)
    steps.wait_for("train")
    process.terminate()
    process.communicate(timeout=60)
    assert "Stopped as Ctrl-C stops it." in (tmp_path / "rounds/3/1/train.log").read_text("utf-8")


def test_a_step_that_hears_nothing_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    code = (
        "import signal, subprocess, sys, time\n"
        "for sign in (signal.SIGINT, signal.SIGTERM): signal.signal(sign, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    end(process, interrupt_s=0.2, terminate_s=0.2)
    process.stdout.close()
    assert process.returncode == -signal.SIGKILL
    wait_until(lambda: is_gone(child), "the step's own child is gone")
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)


def test_a_round_runs_with_low_priority(tmp_path: Path) -> None:
    steps = ScriptedSteps.in_folder(tmp_path / "script", train={"waits": True})
    process = started(steps, tmp_path)
    steps.wait_for("train")
    pid = running(Rounds(tmp_path), "train")
    assert os.getpriority(os.PRIO_PROCESS, pid) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 10)
    process.terminate()
    process.communicate(timeout=60)

"""The trainer's process is heard, watched and ended, with everything that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from converters.training.trainer_log import EvaluationLine, StepLine
from converters.training.trainer_process import Ending, Limits, TrainerProcess
from tests.parts.scripted_trainer import Action, child, hang, leave, say, scripted, train

ROOT = Path(__file__).resolve().parents[2]
QUICK = Limits(start_s=3, silence_s=1, stop_s=0.5, look_every_s=0.02)


def process_of(folder: Path, *actions: Action, limits: Limits = QUICK, epochs: int = 2) -> TrainerProcess:
    config = folder / "config.yml"
    overall = {"epoch_num": epochs, "save_model_dir": str(folder / "checkpoints")}
    config.write_text(yaml.safe_dump({"Global": overall}), "utf-8")
    command = [*scripted(folder / "source", *actions), str(config)]
    return TrainerProcess(command, folder, os.environ, folder / "train.log", limits)


def alive(pid: int) -> bool:
    """Runs, which a zombie that nobody has asked about does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_everything_it_says_is_heard_and_kept(tmp_path):
    with process_of(tmp_path, say("Backbone :"), train([0.2, 0.5])) as process:
        heard = [event for event in process.events() if event is not None]
    assert [event.step for event in heard if isinstance(event, StepLine)] == [1, 2, 3, 4]
    assert [one.norm_edit_dis for one in heard if isinstance(one, EvaluationLine)] == [0.2, 0.5]
    assert (process.ending, process.code) == (Ending.ITSELF, 0)
    assert (tmp_path / "train.log").read_text("utf-8").startswith("Backbone :\n")
    assert process.tail[0] == "Backbone :"


def test_a_second_run_adds_to_the_log_and_hears_only_itself(tmp_path):
    for first in ("one", "two"):
        with process_of(tmp_path, say(first), leave(0)) as process:
            list(process.events())
    assert list(process.tail) == ["two"]
    assert (tmp_path / "train.log").read_text("utf-8") == "one\ntwo\n"


@pytest.mark.parametrize("code", [0, 1, 127, -9, -15, -7])
def test_how_it_ended(tmp_path, code):
    with process_of(tmp_path, leave(code)) as process:
        list(process.events())
    assert (process.ending, process.code) == (Ending.ITSELF, code)


def test_a_program_that_is_not_there_says_so(tmp_path):
    process = TrainerProcess(["/nowhere/python"], tmp_path, os.environ, tmp_path / "train.log", QUICK)
    with process:
        list(process.events())
    assert process.code == 127
    assert list(process.tail) == ["cannot start /nowhere/python: No such file or directory"]


@pytest.mark.parametrize(
    ("actions", "ending"),
    [
        pytest.param([say("valid dataloader has 2 iters"), hang()], Ending.NO_START, id="before a step"),
        pytest.param([train([0.1]), hang()], Ending.SILENT, id="in the middle"),
        pytest.param(
            [say("RecursionError: maximum recursion depth exceeded"), hang()],
            Ending.SEARCHED,
            id="no row fits",
        ),
    ],
)
def test_one_that_hangs_is_found_and_ended_with_its_loaders(tmp_path, actions, ending):
    loader = tmp_path / "loader"
    with process_of(tmp_path, child(loader), *actions) as process:
        list(process.events())
        assert process.ending is ending
    assert process.code == -signal.SIGKILL
    until(lambda: not alive(int(loader.read_text())))


@pytest.mark.parametrize(
    ("gaps", "evaluated", "seconds"),
    [
        pytest.param([], 0, 120, id="nothing is known of its pace"),
        pytest.param([1, 1, 2], 5, 120, id="quick steps"),
        pytest.param([30, 20, 30, 400], 60, 360, id="slow ones: ten in the middle, and an evaluation"),
    ],
)
def test_how_long_it_may_be_silent_grows_with_its_steps(gaps, evaluated, seconds):
    assert Limits().silence_allowed(gaps, evaluated) == seconds


def test_stopping_ends_the_loaders_too(tmp_path):
    loader = tmp_path / "loader"
    with process_of(tmp_path, child(loader), train([0.1]), hang()) as process:
        for event in process.events():
            if isinstance(event, EvaluationLine):
                process.stop()
    assert process.ending is Ending.STOPPED
    until(lambda: not alive(int(loader.read_text())))


def test_an_error_in_the_block_leaves_no_process(tmp_path):
    loader = tmp_path / "loader"
    process = process_of(tmp_path, child(loader), hang())
    with pytest.raises(KeyboardInterrupt), process:
        until(loader.exists)
        until(lambda: bool(loader.read_text()))
        raise KeyboardInterrupt
    until(lambda: not alive(int(loader.read_text())))


OWNER = """
import os, sys
from pathlib import Path
from converters.training.trainer_process import Limits, TrainerProcess
command, folder = sys.argv[2:], Path(sys.argv[1])
limits = Limits(start_s=600, stop_s=0.5, look_every_s=0.02)
with TrainerProcess(command, folder, os.environ, folder / "train.log", limits) as process:
    (folder / "group").write_text(str(process.group))
    for event in process.events():
        pass
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_trainer_outlives_the_twinread_that_started_it(tmp_path, number):
    loader = tmp_path / "loader"
    trainer = process_of(tmp_path, child(loader), hang())
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, tmp_path, *trainer.command],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    until(lambda: loader.exists() and bool(loader.read_text()))
    group = int((tmp_path / "group").read_text())
    owner.send_signal(number)
    owner.wait(60)
    until(lambda: not alive(int(loader.read_text())) and not alive(group))


def test_the_trainer_is_nice_and_has_a_group_of_its_own(tmp_path):
    loader = tmp_path / "loader"
    with process_of(tmp_path, child(loader), hang()) as process:
        until(lambda: loader.exists() and bool(loader.read_text()))
        pid = int(loader.read_text())
        assert os.getpriority(os.PRIO_PROCESS, pid) == os.getpriority(os.PRIO_PROCESS, 0) + 3
        assert os.getpgid(pid) == process.group != os.getpgid(0)

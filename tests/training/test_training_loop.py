"""A training with a scripted trainer: what is kept, when it ends, and what a resume goes on from."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import pytest
import yaml

from converters.training import best, history
from converters.training.early_stop import EarlyStop
from converters.training.history import EvaluationRecord, History
from converters.training.run_folder import RunFolder
from converters.training.trainer_process import Limits, TrainerProcess
from converters.training.training_loop import ALL_EPOCHS, NOTHING_BETTER, TIME_IS_UP, Standing, Trained
from converters.training.training_loop import train as run_training
from tests.parts.scripted_trainer import Action, hang, leave, scripted, train

QUICK = Limits(start_s=20, silence_s=20, stop_s=0.3, look_every_s=0.005)


def trained(
    folder: Path,
    *actions: Action,
    epochs: int = 3,
    resume: Path | None = None,
    patience: int = 0,
    minutes: float | None = None,
) -> Trained:
    run = RunFolder(folder)
    run.note(state="training")
    overall = {"epoch_num": epochs, "save_model_dir": str(run.checkpoints)}
    overall["checkpoints"] = str(resume) if resume else None
    run.config.write_text(yaml.safe_dump({"Global": overall}), "utf-8")
    command = [*scripted(folder / "source", *actions), str(run.config)]
    process = TrainerProcess(command, folder, os.environ, run.log, QUICK)
    before = best.kept(run.best)
    standing = Standing(history.read(run.progress), epochs, minutes=minutes, best=before)
    return run_training(process, run, EarlyStop(patience, before.score if before else None), standing, [])


def kept_epoch(folder: Path) -> int:
    return pickle.loads((folder / "best" / "best.pdparams").read_bytes())["epoch"]


def test_the_best_is_kept_and_every_step_is_written_down(tmp_path):
    done = trained(tmp_path, train([0.4, 0.8, 0.6]))
    assert (done.reason, done.why) == (ALL_EPOCHS, None)
    assert done.standing.best == best.kept(tmp_path / "best") == best.Best(2, 4, 0.8, 0.4)
    assert kept_epoch(tmp_path) == 2
    assert RunFolder(tmp_path).read()["best"] == {"epoch": 2, "acc": 0.4, "norm_edit_dis": 0.8}
    rows = [json.loads(line) for line in (tmp_path / "progress.jsonl").read_text("utf-8").splitlines()]
    assert [(row["kind"], row["epoch"], row["step"]) for row in rows] == [
        ("step", 1, 1), ("step", 1, 2), ("evaluation", 1, 2),
        ("step", 2, 3), ("step", 2, 4), ("evaluation", 2, 4),
        ("step", 3, 5), ("step", 3, 6), ("evaluation", 3, 6),
    ]  # fmt: skip
    assert rows[0]["ctc"] == 160


def test_it_ends_when_nothing_better_comes_and_the_best_stays(tmp_path):
    done = trained(tmp_path, train([0.5, 0.4, 0.3, 0.2], step_s=0.05), epochs=500, patience=2)
    assert (done.reason, done.why) == (NOTHING_BETTER, None)
    assert kept_epoch(tmp_path) == 1
    assert done.standing.history.evaluations[-1].epoch < 500


def test_it_ends_when_the_time_is_up_but_not_without_a_model(tmp_path):
    # the time is up from the first moment
    done = trained(tmp_path, train([0.5, 0.4], step_s=0.05), epochs=500, minutes=0)
    assert (done.reason, done.why) == (TIME_IS_UP, None)
    assert kept_epoch(tmp_path) == 1


def test_a_resume_never_replaces_the_best_by_a_worse_one(tmp_path):
    folder = RunFolder(tmp_path)
    trained(tmp_path, train([0.8, 0.7], until=2), leave(-9))
    assert kept_epoch(tmp_path) == 1
    done = trained(tmp_path, train([0.8, 0.7, 0.6]), resume=folder.latest)
    # PaddleOCR itself has forgotten how good it was
    assert pickle.loads((folder.checkpoints / "best_accuracy.pdparams").read_bytes())["epoch"] == 3
    assert kept_epoch(tmp_path) == 1
    assert done.why is None
    assert [one.step for one in done.standing.history.evaluations] == [2, 4, 6]


def test_a_resume_replaces_it_by_a_better_one(tmp_path):
    trained(tmp_path, train([0.5], until=1), leave(-9))
    done = trained(tmp_path, train([0.5, 0.6, 0.9]), resume=RunFolder(tmp_path).latest)
    assert (done.standing.best, kept_epoch(tmp_path)) == (best.Best(3, 6, 0.9, 0.45), 3)


def test_a_checkpoint_that_is_torn_is_not_kept(tmp_path):
    latest = RunFolder(tmp_path).latest
    trained(tmp_path, train([0.5], until=1), leave(-9))
    done = trained(tmp_path, train([0.5, 0.9], until=2, half=True), leave(-9), resume=latest)
    assert done.why is not None
    assert kept_epoch(tmp_path) == 1
    assert not best.whole(latest)
    # from the best, epoch 2 is done again
    again = trained(tmp_path, train([0.5, 0.9, 0.8]), resume=tmp_path / "best" / "best")
    assert kept_epoch(tmp_path) == 2
    assert [(one.epoch, one.norm_edit_dis) for one in again.standing.history.evaluations] == [
        (1, 0.5), (2, 0.9), (3, 0.8),
    ]  # fmt: skip
    assert history.read(tmp_path / "progress.jsonl") == again.standing.history


def test_ctrl_c_leaves_the_best_and_no_process(tmp_path):
    class Impatient:
        """Presses Ctrl-C when something is kept."""

        def seen(self, now: Standing) -> None:
            if now.best is not None:
                raise KeyboardInterrupt

    run = RunFolder(tmp_path)
    run.note(state="training")
    overall = {"epoch_num": 2, "save_model_dir": str(run.checkpoints)}
    run.config.write_text(yaml.safe_dump({"Global": overall}), "utf-8")
    command = [*scripted(tmp_path / "source", train([0.5], until=1), hang()), str(run.config)]
    process = TrainerProcess(command, tmp_path, os.environ, run.log, QUICK)
    with pytest.raises(KeyboardInterrupt):
        run_training(process, run, EarlyStop(0), Standing(History(), 2), [Impatient()])
    assert process.code is not None
    assert kept_epoch(tmp_path) == 1


def test_a_torn_line_of_progress_is_left_out(tmp_path):
    trained(tmp_path, train([0.5]), epochs=1)
    path = tmp_path / "progress.jsonl"
    path.write_text(path.read_text("utf-8")[:-20] + "\n[1]\n", "utf-8")
    found = history.read(path)
    assert [one.step for one in found.steps] == [1, 2]
    assert found.evaluations == []


def test_the_first_of_equal_evaluations_is_the_best():
    found = History(evaluations=[EvaluationRecord(1, 2, 0.5, 0.1), EvaluationRecord(2, 4, 0.5, 0.1)])
    assert found.best == EvaluationRecord(1, 2, 0.5, 0.1)


def test_the_time_left_counts_evaluations_and_the_limit():
    steps = [history.StepRecord(1, number, 1.0, 1.0, 0.001) for number in (1, 2)]
    now = Standing(History(steps), epochs=3, steps_per_epoch=2, gaps=[10.0, 12.0, 10.0], evaluation_s=5.0)
    # two epochs of two steps and an evaluation
    assert now.seconds_left == 2 * (2 * 10 + 5)
    now.minutes = 0.5
    assert now.seconds_left is not None
    assert now.seconds_left <= 30

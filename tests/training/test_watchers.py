"""What is seen of a training while it runs: the page, the picture, the terminal."""

from __future__ import annotations

import io
import re

from rich.console import Console

from converters.training import curves, html
from converters.training.best import Best
from converters.training.curves import MOST_POINTS, plots_of
from converters.training.history import EvaluationRecord, History, StepRecord
from converters.training.run_folder import RunFolder
from converters.training.training_loop import Standing
from converters.training.watchers import CurvesOnDisk, terminal


def history_of(steps: int = 4, evaluations: int = 2) -> History:
    """A loss that falls by one a step (from 100 anew after 100), an evaluation after each second step."""
    return History(
        [
            StepRecord(1 + number // 2, number + 1, None, 100.0 - number % 100, 0.001)
            for number in range(steps)
        ],
        [
            EvaluationRecord(number + 1, 2 * number + 2, 0.5 + number / 10, 0.1)
            for number in range(evaluations)
        ],
    )


def test_the_page_loads_itself_anew_while_the_training_runs():
    running = html.page({"state": "training"}, history_of(), "Training 1", steps=20, left=125)
    assert '<meta http-equiv="refresh" content="10">' in running
    assert "2 min" in running
    assert "of 20; epoch 2" in running
    for state in ("done", "failed", "stopped"):
        assert "refresh" not in html.page({"state": state}, history_of(), "Training 1")


def test_the_page_says_why_it_failed_and_no_name_is_markup():
    page = html.page({"state": "failed", "why": "<b>full</b>"}, History(), "<i>1</i>")
    assert "&lt;b&gt;full&lt;/b&gt;" in page
    assert "<i>1" not in page
    assert "No step yet" in page


def test_the_curves_are_the_loss_and_what_was_right():
    loss, right = plots_of(history_of())
    assert [dot.says for dot in loss.curves[0].dots] == [
        "step 1: 100",
        "step 2: 99",
        "step 3: 98",
        "step 4: 97",
    ]
    assert [curve.name for curve in right.curves] == ["characters", "whole lines"]
    assert [dot.says for dot in right.curves[0].dots] == ["step 2: 50 %", "step 4: 60 %"]
    assert plots_of(History()) == []


def test_a_long_training_has_as_many_points_as_a_screen_shows_and_its_last_step():
    (loss,) = plots_of(history_of(10_000, 0))
    assert len(loss.curves[0].dots) <= MOST_POINTS + 1
    assert loss.curves[0].dots[-1].says.startswith("step 10,000:")


def test_the_picture_is_a_file_of_its_own():
    picture = curves.picture(history_of())
    assert picture.lstrip().startswith("<svg xmlns=")
    assert picture.count("<svg") == picture.count("</svg>") == 5
    # every colour of the page around is set in the file
    assert set(re.findall(r"var\((--\w+)\)", picture)) <= set(re.findall(r"(--\w+):", picture))


def test_files_are_written_when_something_is_new(tmp_path):
    folder = RunFolder(tmp_path)
    folder.note(state="training")
    watcher, now = CurvesOnDisk(folder, every_s=0), Standing(history_of(), 2)
    watcher.seen(now)
    first = folder.curves_html.stat().st_ino
    watcher.seen(now)
    assert folder.curves_html.stat().st_ino == first
    now.history.add(StepRecord(3, 5, None, 90.0, 0.001))
    watcher.seen(now)
    assert folder.curves_html.stat().st_ino != first
    assert "step 5" in folder.curves_svg.read_text("utf-8")


def test_the_terminal_says_each_new_best_model_once_and_none_that_was_there_before():
    told = io.StringIO()
    now = Standing(history_of(), 2, best=Best(1, 2, 0.5, 0.1))
    with terminal(Console(file=told, width=200)) as shown:
        shown.seen(now)
        now.best = Best(2, 4, 0.6, 0.25)
        shown.seen(now)
        shown.seen(now)
    assert told.getvalue() == (
        "Epoch 2, step 4: 60.0 % of the characters right, 25.0 % of the lines; the best so far, and kept.\n"
    )


def test_a_bar_has_epoch_loss_accuracy_and_time_left():
    told = io.StringIO()
    now = Standing(history_of(), 10, steps_per_epoch=2, gaps=[60.0])
    with terminal(Console(file=told, width=160, force_terminal=True)) as shown:
        shown.seen(now)
    # 16 steps of a minute
    for words in ("epoch 2 of 10", "loss 97.0", "60.0 % right", "4/20", "16 min left"):
        assert words in told.getvalue()

"""Lines as PaddleOCR 3.7 wrote them, and what is read from each."""

from __future__ import annotations

import math

import pytest

from converters.training.trainer_log import (
    CheckpointSaved,
    EndlessSearch,
    EvaluationLine,
    LoaderReady,
    Resumed,
    StepLine,
    WeightsRefused,
    event_of,
)

HEAD = "[2026/11/26 12:00:00] ppocr INFO: "
STEP = (
    f"{HEAD}epoch: [2/5], global_step: 20, lr: 0.001000, acc: 0.250000, norm_edit_dis: 0.660000, "
    "CTCLoss: 34.215678, NRTRLoss: 4.125000, loss: 38.340678, avg_reader_cost: 0.10000 s, "
    "avg_batch_cost: 2.50000 s, avg_samples: 32.0, ips: 12.80000 samples/s, eta: 0:02:05"
)


def test_a_step():
    values = {
        "lr": 0.001, "acc": 0.25, "norm_edit_dis": 0.66,
        "CTCLoss": 34.215678, "NRTRLoss": 4.125, "loss": 38.340678,
    }  # fmt: skip
    assert event_of(STEP) == StepLine(2, 5, 20, values, 2.5)


def test_a_step_on_a_gpu_ends_with_its_memory():
    line = f"{STEP}, max_mem_reserved: 1410 MB, max_mem_allocated: 1302 MB"
    assert event_of(line) == event_of(STEP)


@pytest.mark.parametrize(
    ("padded", "value"), [("nanxxx", math.nan), ("infxxx", math.inf), ("-infxx", -math.inf)]
)
def test_a_loss_that_is_no_number_is_padded_with_x(padded, value):
    step = event_of(STEP.replace("34.215678", padded))
    assert isinstance(step, StepLine)
    assert not step.finite
    assert str(step.values["CTCLoss"]) == str(value)
    assert step.values["NRTRLoss"] == 4.125


def test_an_infinite_learning_rate_is_no_infinite_loss():
    step = event_of(STEP.replace("lr: 0.001000", "lr: infxxx"))
    assert isinstance(step, StepLine)
    assert step.finite


@pytest.mark.parametrize(
    ("line", "event"),
    [
        pytest.param(
            f"{HEAD}cur metric, acc: 0.6399999360000064, norm_edit_dis: 0.9791, fps: 21.35",
            EvaluationLine(0.6399999360000064, 0.9791),
            id="evaluation",
        ),
        pytest.param(
            f"{HEAD}cur metric, acc: 9.9e-05, norm_edit_dis: 0.02, fps: 21.35",
            EvaluationLine(9.9e-05, 0.02),
            id="a number with an exponent",
        ),
        pytest.param(
            f"{HEAD}save model in /runs/my run/checkpoints/latest",
            CheckpointSaved("/runs/my run/checkpoints/latest"),
            id="the epoch's checkpoint, with a space in its path",
        ),
        pytest.param(
            f"{HEAD}save best model is to /runs/1/checkpoints/best_accuracy",
            CheckpointSaved("/runs/1/checkpoints/best_accuracy"),
            id="PaddleOCR's best",
        ),
        pytest.param(
            f"{HEAD}train dataloader has 9 iters", LoaderReady("train", 9), id="batches of an epoch"
        ),
        pytest.param(
            f"{HEAD}valid dataloader has 2 iters", LoaderReady("valid", 2), id="batches to evaluate"
        ),
        pytest.param(
            f"{HEAD}resume from /runs/1/checkpoints/latest",
            Resumed("/runs/1/checkpoints/latest"),
            id="resumed",
        ),
        pytest.param(
            "ppocr WARNING: The shape of model params head.ctc_head.fc.weight [120, 521] not "
            "matched with loaded params head.ctc_head.fc.weight [120, 519] !",
            WeightsRefused("head.ctc_head.fc.weight"),
            id="another dictionary",
        ),
        pytest.param(
            "[2026/11/26 12:00:00] ppocr WARNING: The pretrained params conv1.weight not in model",
            WeightsRefused("conv1.weight"),
            id="weights of another model",
        ),
        pytest.param(
            "[2026/11/26 12:00:00] ppocr WARNING: head.fc.bias not in loaded params dict_keys(['a']) !",
            WeightsRefused("head.fc.bias"),
            id="a checkpoint of another model",
        ),
        pytest.param(
            "RecursionError: maximum recursion depth exceeded while calling a Python object",
            EndlessSearch(),
            id="no row fits",
        ),
        pytest.param(
            f"eval model:: 0%| 0/2\reval model:: 100%|##| 2/2 [00:03]\r{HEAD}train dataloader has 9 iters",
            LoaderReady("train", 9),
            id="behind a progress bar",
        ),
        pytest.param("eval model:: 100%|##########| 2/2 [00:03<00:00,  1.5s/it]", None, id="a progress bar"),
        pytest.param(f"{HEAD}    epoch_num : 5", None, id="the config"),
        pytest.param("", None, id="an empty line"),
    ],
)
def test_other_lines(line, event):
    assert event_of(line) == event


def test_the_latest_checkpoint_is_known_by_its_name():
    assert CheckpointSaved("/runs/1/checkpoints/latest").latest
    assert not CheckpointSaved("/runs/latest/checkpoints/best_accuracy").latest

"""What a run decides by itself: batch, learning rate, epochs, freezing, processes; and that it says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from converters.training.machine import free_memory
from converters.training.run_plan import (
    AS_EXPORTED,
    GIB,
    ONE_SCALE,
    THREE_SCALES,
    Machine,
    RunPaths,
    Wishes,
    plan,
    steps_per_epoch,
)

PATHS = RunPaths(
    *(
        Path("/runs/1") / name
        for name in ("data", "lists/train.txt", "lists/val.txt", "dict.txt", "checkpoints")
    )
)
LAPTOP = Machine(gpus=0, cores=2, memory=8 * GIB, shared_memory=4 * GIB)
SERVER = Machine(gpus=1, cores=16, memory=80 * GIB, shared_memory=64 * GIB)


def planned(machine=LAPTOP, rows=480, val=100, step_s=None, **wishes):
    return plan(
        PATHS,
        model_name="PP-OCRv5_mobile_rec",
        network=AS_EXPORTED,
        train_rows=rows,
        val_rows=val,
        machine=machine,
        wishes=Wishes(**wishes),
        step_s=step_s,
    )


def machine(gpus, memory_gib, shared_gib=64):
    return Machine(gpus, 16, None if memory_gib is None else int(memory_gib * GIB), int(shared_gib * GIB))


@pytest.mark.parametrize(
    ("machine", "rows", "wishes", "batch"),
    [
        pytest.param(machine(0, 8), 5000, {}, 32, id="CPU, frozen"),
        pytest.param(machine(0, 8), 5000, {"freeze": "none"}, 16, id="CPU, whole network"),
        pytest.param(machine(0, 3), 5000, {"freeze": "none"}, 8, id="CPU, whole network, 3 GB free"),
        pytest.param(machine(0, 0.5), 5000, {}, 1, id="hardly any memory: one row, not none"),
        pytest.param(machine(0, 8), 80, {}, 20, id="a quarter of few rows"),
        pytest.param(machine(0, 8), 20, {}, 8, id="never under 8 for want of rows"),
        pytest.param(machine(0, 8), 5, {}, 5, id="never more than there are rows"),
        pytest.param(machine(1, 80), 5000, {}, 128, id="large GPU"),
        pytest.param(machine(1, 8), 5000, {}, 56, id="GPU with 8 GB"),
        pytest.param(machine(1, None), 5000, {}, 64, id="GPU of unknown memory"),
        pytest.param(machine(0, 1), 5000, {"batch": 100}, 100, id="what was asked for"),
    ],
)
def test_the_batch_fits_rows_and_memory(machine, rows, wishes, batch):
    assert planned(machine, rows, **wishes).batch == batch


@pytest.mark.parametrize(
    ("machine", "rows", "freeze", "scales"),
    [
        pytest.param(LAPTOP, 50_000, "backbone", ONE_SCALE, id="CPU"),
        pytest.param(SERVER, 999, "backbone", ONE_SCALE, id="GPU, small set"),
        pytest.param(SERVER, 1000, "none", THREE_SCALES, id="GPU, larger set"),
    ],
)
def test_small_sets_and_cpus_train_the_head_alone(machine, rows, freeze, scales):
    made = planned(machine, rows)
    assert (made.freeze, made.scales) == (freeze, scales)


@pytest.mark.parametrize(
    ("machine", "rows", "wishes", "lr"),
    [
        pytest.param(LAPTOP, 480, {}, 1e-3, id="frozen"),
        pytest.param(SERVER, 5000, {}, 1e-4, id="128 rows a step"),
        pytest.param(SERVER, 5000, {"batch": 32}, 5e-5, id="a quarter of the rows, half the rate"),
        pytest.param(Machine(4, 16, 80 * GIB, GIB), 9000, {}, 2e-4, id="4 GPUs see 512 rows a step"),
        pytest.param(SERVER, 5000, {"lr": 0.002}, 0.002, id="what was asked for"),
    ],
)
def test_the_learning_rate_follows_the_rows_of_a_step(machine, rows, wishes, lr):
    assert planned(machine, rows, **wishes).lr == lr


@pytest.mark.parametrize(
    ("machine", "rows", "wishes", "epochs"),
    [
        pytest.param(LAPTOP, 480, {}, 40, id="600 steps of a head alone, 15 an epoch"),
        pytest.param(LAPTOP, 480, {"epochs": 3}, 3, id="what was asked for"),
        pytest.param(LAPTOP, 480, {"epochs": 3, "minutes": 0.1}, 3, id="epochs win over minutes"),
        # 15 steps of 1 s and an evaluation of 100 lines in 5 s
        pytest.param(LAPTOP, 480, {"minutes": 5, "step_s": 1.0}, 15, id="what fits into the minutes"),
        pytest.param(LAPTOP, 480, {"minutes": 500, "step_s": 1.0}, 40, id="never more for having the time"),
        pytest.param(LAPTOP, 480, {"minutes": 0.01}, 1, id="one epoch at least"),
    ],
)
def test_epochs_come_from_steps_or_from_the_clock(machine, rows, wishes, epochs):
    assert planned(machine, rows, **wishes).epochs == epochs


def test_the_whole_network_warms_up_and_a_head_does_not():
    assert planned(SERVER, 5000).warmup == 5
    assert planned(SERVER, 5000, epochs=20).warmup == 2
    assert planned(LAPTOP).warmup == 0


@pytest.mark.parametrize(
    ("machine", "workers"),
    [
        pytest.param(LAPTOP, 0, id="CPU"),
        pytest.param(SERVER, 8, id="GPU"),
        pytest.param(machine(1, 80, shared_gib=0.06), 0, id="a container's 64 MB of /dev/shm"),
    ],
)
def test_the_loader_takes_processes_only_where_they_can_hand_over_batches(machine, workers):
    assert planned(machine, 5000).workers == workers


@pytest.mark.parametrize(
    ("rows", "batch", "scales", "gpus", "steps"),
    [
        pytest.param(480, 32, ONE_SCALE, 0, 15, id="evenly"),
        pytest.param(481, 32, ONE_SCALE, 0, 16, id="the last one is filled up"),
        # 128, 85 and 64 rows hold as many pixels
        pytest.param(277, 128, THREE_SCALES, 1, 3, id="one round of three scales"),
        pytest.param(278, 128, THREE_SCALES, 1, 6, id="one row more, another whole round"),
        pytest.param(1000, 128, THREE_SCALES, 4, 3, id="each of four GPUs has its share"),
    ],
)
def test_steps_of_an_epoch_are_as_the_sampler_makes_them(rows, batch, scales, gpus, steps):
    assert steps_per_epoch(rows, batch, scales, gpus) == steps


def test_each_decision_says_where_it_came_from():
    made = planned(LAPTOP, 80, lr=0.01)
    assert set(made.why) == {"device", "freeze", "batch", "lr", "epochs", "workers"}
    assert made.why["lr"] == "--lr"
    assert made.why["batch"] == "a quarter of 80 rows, so that an epoch has several steps"


def test_the_steps_of_a_run_are_those_of_its_epochs():
    assert planned(LAPTOP, 480, epochs=4).steps == 60


@pytest.mark.parametrize("number", range(5))
def test_a_path_that_means_another_file_elsewhere_cannot_be_planned_with(number):
    paths = [Path("/runs/1") / str(index) for index in range(5)]
    paths[number] = Path("runs/1")
    with pytest.raises(ValueError, match="no full path"):
        RunPaths(*paths)


@pytest.mark.parametrize(
    ("files", "free"),
    [
        pytest.param({"meminfo": "MemTotal: 9 kB\nMemAvailable:   2048 kB\n"}, 2 * 1024**2, id="a machine"),
        pytest.param(
            {"meminfo": "MemAvailable: 2048 kB", "memory.max": "1000000\n", "memory.current": "400000\n"},
            600_000,
            id="a container with less",
        ),
        pytest.param(
            {"meminfo": "MemAvailable: 2048 kB", "memory.max": "max\n", "memory.current": "400000\n"},
            2 * 1024**2,
            id="a container without a limit",
        ),
        pytest.param({}, None, id="not Linux"),
    ],
)
def test_free_memory_is_what_the_process_can_still_have(files, free):
    assert free_memory(lambda path: files.get(path.name, "")) == free

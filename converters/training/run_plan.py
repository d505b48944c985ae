"""What a training run is to do: every value, and where it came from; pure.

The figures behind the rules were measured on two CPU cores with PP-OCRv5_mobile_rec and PaddleOCR 3.7; those
for a GPU's memory are estimates, and say so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

Freeze: TypeAlias = Literal["backbone", "none"]

GIB = 1024**3
ONE_SCALE = ((320, 48),)
THREE_SCALES = ((320, 32), (320, 48), (320, 64))
"""(width, height) in pixels. The first is what a frozen backbone, and a CPU, have time for."""

_BASE_NEED = GIB
"""What the trainer itself takes, bytes."""
_IMAGE_NEED: Mapping[tuple[bool, bool], int] = {
    (True, True): GIB // 64,
    (True, False): GIB // 4,
    (False, True): GIB // 64,
    (False, False): GIB // 8,
}
"""Bytes for each image of a batch, by (on the CPU, frozen): 0.9 GB at 32 frozen and 4.2 GB at 16 not frozen
were measured on a CPU; a GPU's 16 GB are known to be too few for 128 unfrozen, and the rest is estimated."""
_CPU_SECONDS: Mapping[bool, float] = {True: 0.1, False: 0.25}
"""One core's seconds for an image's share of a step, by whether the backbone is frozen."""
_EVAL_CPU_SECONDS = 0.1
_GPU_STEP_SECONDS = 0.5
"""An estimate; a rehearsal measures."""
_STEPS: Mapping[bool, int] = {True: 600, False: 3000}
"""Steps that a run is given, by whether the backbone is frozen: a head alone is nearly done after 63."""
_SMALL_SET = 1000
"""Rows under which the backbone is left as it is, on a GPU, too: it would learn the set by heart."""


@dataclass(frozen=True, slots=True)
class RunPaths:
    """Where a run reads and writes; full paths, because the trainer runs in another folder.

    data_dir: what image names in the lists are relative to.
    train, val: the lists of rows.
    checkpoints: where the trainer saves.
    weights: to start from, `.pdparams`; None starts with random ones.
    resume: the checkpoint to go on from, without its ending; None begins anew.

    Raises:
        ValueError: a path is not a full one.
    """

    data_dir: Path
    train: Path
    val: Path
    dictionary: Path
    checkpoints: Path
    weights: Path | None = None
    resume: Path | None = None

    def __post_init__(self) -> None:
        paths = (self.data_dir, self.train, self.val, self.dictionary, self.checkpoints)
        for path in (*paths, self.weights, self.resume):
            if path is not None and not path.is_absolute():
                raise ValueError(f"{path} is no full path, and the trainer runs in another folder")


@dataclass(frozen=True, slots=True)
class Network:
    """The sizes in which networks of one PP-OCR name differ while they are trained, not when they read.

    branches: of each layer of the backbone (`conv_kxk_num`); an exported model has them folded into one.
    guide_width, guide_layers: of the NRTR head, which guides training and is left out of an export.
    guided: the NRTR head is trained, and alone teaches the backbone (`use_guide`). Where it starts with
        random weights, it would teach noise, and the CTC head has to do it.
    """

    branches: int
    guide_width: int
    guide_layers: int
    guided: bool


AS_EXPORTED = Network(branches=1, guide_width=64, guide_layers=1, guided=False)
"""For weights out of an exported model: folded, and without a NRTR head, so a small one will do."""
AS_TRAINED = Network(branches=4, guide_width=384, guide_layers=4, guided=True)
"""For PaddleOCR's own training weights."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What a run has to work with.

    gpus: 0 for a run on the CPU.
    memory: bytes that are free, of one GPU or else of the machine; None where nobody can say.
    shared_memory: bytes of /dev/shm, through which the loader's processes hand over batches.
    """

    gpus: int
    cores: int
    memory: int | None
    shared_memory: int


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person asked for; None leaves it to the rules.

    minutes: after which the run is to be over.
    batch: rows in a step, on each GPU.
    """

    epochs: int | None = None
    minutes: float | None = None
    batch: int | None = None
    lr: float | None = None
    freeze: Freeze | None = None


@dataclass(frozen=True, slots=True)
class RunPlan:
    """Everything that a training config is composed from.

    model_name: PaddleOCR's name of the base model, which an export of the run keeps.
    gpus: 0 for the CPU.
    batch, eval_batch: rows in a step of training (on each GPU) and of evaluation.
    workers: processes that load rows; 0 loads them in the trainer's own.
    lr: the highest learning rate; it falls to 0 along a cosine over all epochs.
    warmup: epochs in which it rises to that.
    scales: (width, height) in pixels to which rows are brought in training.
    steps_per_epoch: as PaddleOCR's sampler will make them.
    print_every: steps between two lines of the trainer's log.
    why: for each value that a person may ask about, where it came from, in words.
    """

    paths: RunPaths
    model_name: str
    network: Network
    gpus: int
    freeze: Freeze
    batch: int
    eval_batch: int
    workers: int
    lr: float
    warmup: int
    epochs: int
    scales: tuple[tuple[int, int], ...]
    steps_per_epoch: int
    print_every: int
    seed: int
    max_text_length: int = 25
    why: Mapping[str, str] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """Of the whole run."""
        return self.epochs * self.steps_per_epoch


def plan(
    paths: RunPaths,
    *,
    model_name: str,
    network: Network,
    train_rows: int,
    val_rows: int,
    machine: Machine,
    wishes: Wishes | None = None,
    seed: int = 1,
    step_s: float | None = None,
) -> RunPlan:
    """Decide what nobody asked for, by the rows and the machine.

    Args:
        paths: of the run.
        model_name: PaddleOCR's name of the base model.
        network: sizes that the starting weights have.
        train_rows: in the list to train on.
        val_rows: in the list for evaluation.
        machine: what the run has to work with.
        wishes: what was asked for.
        seed: of the weights; PaddleOCR shuffles rows without one, so no run can be repeated exactly.
        step_s: seconds of a step, where a rehearsal measured it.
    """
    wishes = wishes or Wishes()
    cpu = machine.gpus == 0
    freeze, freeze_why = _freeze(wishes, train_rows, cpu)
    frozen = freeze == "backbone"
    batch, batch_why = _batch(wishes, train_rows, machine, frozen)
    scales = ONE_SCALE if cpu or frozen else THREE_SCALES
    steps = steps_per_epoch(train_rows, batch, scales, machine.gpus)
    step = step_s if step_s is not None else _step_seconds(machine, batch, frozen)
    epoch_s = steps * step + (val_rows * _EVAL_CPU_SECONDS / machine.cores if cpu else val_rows / 500)
    epochs, epochs_why = _epochs(wishes, steps, epoch_s, frozen)
    lr, lr_why = _learning_rate(wishes, batch * max(1, machine.gpus), frozen)
    workers, workers_why = _workers(machine)
    return RunPlan(
        paths=paths,
        model_name=model_name,
        network=network,
        gpus=machine.gpus,
        freeze=freeze,
        batch=batch,
        eval_batch=min(batch, 64),
        workers=workers,
        lr=lr,
        warmup=0 if frozen else min(5, epochs // 10),
        epochs=epochs,
        scales=scales,
        steps_per_epoch=steps,
        print_every=1 if cpu else 10,
        seed=seed,
        why={
            "device": "no GPU is used" if cpu else f"{machine.gpus} GPU",
            "freeze": freeze_why,
            "batch": batch_why,
            "lr": lr_why,
            "epochs": epochs_why,
            "workers": workers_why,
        },
    )


def steps_per_epoch(rows: int, batch: int, scales: Sequence[tuple[int, int]], gpus: int = 1) -> int:
    """Steps that PaddleOCR's `MultiScaleSampler` makes of an epoch.

    It goes through all scales once more as long as rows are left, so that the last steps repeat rows. A
    batch holds as many pixels at each scale.

    Args:
        rows: in the list.
        batch: rows at the first scale.
        scales: (width, height) in pixels.
        gpus: each takes its share of the rows; 0 counts as one.
    """
    each = rows // max(1, gpus)
    first_width, first_height = scales[0]
    sizes = [max(1, first_width * first_height * batch // (width * height)) for width, height in scales]
    return math.ceil(each / sum(sizes)) * len(sizes)


def _freeze(wishes: Wishes, rows: int, cpu: bool) -> tuple[Freeze, str]:
    if wishes.freeze is not None:
        return wishes.freeze, "--freeze"
    if cpu:
        return "backbone", "on a CPU the head alone is trained, which takes a third of the time"
    if rows < _SMALL_SET:
        return "backbone", f"fewer than {_SMALL_SET:,} rows: the head alone is trained"
    return "none", f"{rows:,} rows on a GPU: the whole network is trained"


def _batch(wishes: Wishes, rows: int, machine: Machine, frozen: bool) -> tuple[int, str]:
    if wishes.batch is not None:
        return wishes.batch, "--batch"
    cpu = machine.gpus == 0
    most, why = (32 if frozen else 16, "usual on a CPU") if cpu else (128, "as in PaddleOCR's configs")
    if machine.memory is None:
        if not cpu:
            most, why = 64, "nobody can say how much memory the GPU has"
    else:
        fits = (machine.memory - _BASE_NEED) // _IMAGE_NEED[cpu, frozen]
        if fits < most:
            most, why = max(1, fits - fits % 8 if fits > 8 else fits), "what fits into the memory"
    quarter = max(8, rows // 4)
    if quarter < most:
        most, why = quarter, f"a quarter of {rows:,} rows, so that an epoch has several steps"
    return max(1, min(most, rows)), why


def _learning_rate(wishes: Wishes, batch: int, frozen: bool) -> tuple[float, str]:
    if wishes.lr is not None:
        return wishes.lr, "--lr"
    if frozen:
        return 1e-3, "usual for a head by itself"
    return round(1e-4 * math.sqrt(batch / 128), 7), f"0.0001 at 128 rows a step; here {batch}"


def _epochs(wishes: Wishes, steps: int, epoch_s: float, frozen: bool) -> tuple[int, str]:
    if wishes.epochs is not None:
        return wishes.epochs, "--epochs"
    wanted = math.ceil(_STEPS[frozen] / steps)
    if wishes.minutes is not None:
        within = max(1, math.floor(wishes.minutes * 60 / epoch_s))
        if within < wanted:
            return within, f"what fits into {wishes.minutes:g} minutes"
    return wanted, f"about {_STEPS[frozen]:,} steps, {steps:,} an epoch"


def _step_seconds(machine: Machine, batch: int, frozen: bool) -> float:
    if machine.gpus:
        return _GPU_STEP_SECONDS
    return batch * _CPU_SECONDS[frozen] / machine.cores


def _workers(machine: Machine) -> tuple[int, str]:
    if machine.gpus == 0:
        return 0, "on a CPU they would take the trainer's cores"
    if machine.shared_memory < GIB:
        return 0, "shared memory is under 1 GB, of which PaddleOCR's loader would die"
    return min(8, machine.cores), "one a core, at most 8"

"""What the trainer is asked: to train, what Paddle sees, starting weights, an export, readings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from backend.errors import OperatorError
from converters.training.base_model import BaseModel, look_alikes, read_dictionary
from converters.training.trainer.packages import TrainerMissing
from converters.training.trainer.preparation import Trainer
from converters.training.trainer.programs import (
    PROGRAMS,
    TrainerFailed,
    ask_program,
    environment_of,
    run_command,
    run_program,
)

__all__ = [
    "NOT_LOADED",
    "PROGRAMS",
    "BaseUnfit",
    "Devices",
    "StartingWeights",
    "TrainerFailed",
    "devices",
    "environment_of",
    "export",
    "export_command",
    "export_config",
    "score_crops",
    "starting_weights",
    "to_onnx",
    "train_command",
]

NOT_LOADED: Final = ("not matched", "not in model", "not in loaded params")
"""Words of PaddleOCR's log for weights that were left out; it goes on with random ones."""


class BaseUnfit(OperatorError):
    """The model to start from does not fit the network that is to be trained."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Devices:
    """What Paddle can compute on.

    cuda: whether this Paddle is one for GPUs.
    count: GPUs that it sees.
    paddle: its version.
    """

    cuda: bool
    count: int
    paddle: str


@dataclass(frozen=True, slots=True)
class StartingWeights:
    """Weights to start from, and how the rows of its last layers came about, by number of characters.

    path: a `.pdparams` file.
    copied: rows of the same character.
    alike: rows of a character that looks alike, or is the same letter without an accent or in another case.
    random: rows that start at random.
    difference: largest difference of a probability to the exported base; None for a base of training weights.
    """

    path: Path
    copied: int
    alike: int
    random: int
    difference: float | None


def train_command(trainer: Trainer, config: Path, *, freeze: str, device: str) -> list[str]:
    """The command that trains.

    Args:
        trainer: what trains.
        config: YAML of the training, whole; nothing is overridden behind it.
        freeze: "backbone", or "none".
        device: "cpu", or "gpu:" and the numbers of GPUs.
    """
    gpus = device.removeprefix("gpu:") if device.startswith("gpu:") else ""
    # only the whole network learns to see, so only there the 40 columns of training would matter
    changes = ["--freeze", freeze, "--columns", "fixed" if freeze == "backbone" else "width"]
    rest = [*changes, "tools/train.py", "-c", str(config)]
    if "," in gpus:
        logs = str(config.parent / "gpu-logs")
        several = ["-m", "paddle.distributed.launch", "--gpus", gpus, "--log_dir", logs]
        return [
            str(trainer.python),
            *several,
            str(PROGRAMS / "launch.py"),
            "--source",
            str(trainer.source),
            *rest,
        ]
    return [*_launch(trainer), *(["--gpu", gpus] if gpus else []), *rest]


def export_command(trainer: Trainer, config: Path) -> list[str]:
    """The command that exports; see `export_config`."""
    return [*_launch(trainer), "tools/export_model.py", "-c", str(config)]


def export_config(config: Mapping[str, Any], weights: Path, out: Path) -> dict[str, Any]:
    """The config of a run, to export one of its checkpoints.

    Args:
        config: of the run, whole.
        weights: the checkpoint, `.pdparams`.
        out: folder for the exported model.
    """
    changed = {
        "pretrained_model": str(weights.absolute()),
        "checkpoints": None,
        "save_inference_dir": str(out.absolute()),
        "use_gpu": False,
        "distributed": False,
    }
    return {**config, "Global": {**config["Global"], **changed}}


def devices(trainer: Trainer) -> Devices:
    """What Paddle sees, which takes a second or two.

    Raises:
        TrainerMissing: this Python cannot run Paddle.
    """
    try:
        said = run_program(trainer, "devices.py", timeout_s=120).strip().splitlines()[-1]
        found = json.loads(said)
    except (TrainerFailed, IndexError, ValueError) as error:
        raise TrainerMissing(
            "Paddle does not start in the trainer's environment, so nothing can be trained. If "
            "TRAINER_PYTHON is yours, install paddlepaddle 3 there; else delete the folder 'trainer' in "
            f"CACHE_DIR. ({error})"
        ) from error
    return Devices(bool(found["cuda"]), int(found["count"]), str(found["paddle"]))


def starting_weights(
    trainer: Trainer, base: BaseModel, config: Path, out: Path, *, pictures: Sequence[Path] = ()
) -> StartingWeights:
    """Make the weights that a training starts from, with a row for each character of its dictionary.

    Args:
        trainer: who makes them.
        base: the model to start from.
        config: YAML of the training; its network and its dictionary count.
        out: `.pdparams` file to write.
        pictures: some crops of the training list, where the whole network is to learn; see `measure`.

    Raises:
        BaseUnfit: the base is another network than the config's.
    """
    settings = yaml.safe_load(config.read_text("utf-8"))["Global"]
    wanted = read_dictionary(Path(settings["character_dict_path"]))
    order = {
        "source": str(trainer.source),
        "config": str(config),
        "directory": str(base.directory) if base.directory else None,
        "weights": str(base.weights) if base.weights else None,
        "base_characters": [*base.dictionary, " "],
        "alike": look_alikes(base.dictionary, wanted),
        "pictures": list(map(str, pictures)),
        "out": str(out),
    }
    answer = ask_program(trainer, "starting_weights.py", order)
    if "unfit" in answer:
        raise BaseUnfit(
            f"{base.name} cannot be the start of this training: {answer['unfit']}. Choose another base: the "
            "name of a PP-OCR recogniser, its exported folder, or training weights with the dictionary they "
            "were trained with."
        )
    difference = answer.get("difference")
    return StartingWeights(out, answer["copied"], answer["alike"], answer["random"], difference)


def export(trainer: Trainer, config: Path) -> str:
    """Run PaddleOCR's exporter; returns its log.

    Args:
        trainer: who exports.
        config: as `export_config` gives it, in a file.

    Raises:
        TrainerFailed: it ended with an error, or left weights out and exported random ones.
    """
    log = run_command(trainer, export_command(trainer, config), timeout_s=900)
    lost = [line for line in log.splitlines() if any(words in line for words in NOT_LOADED)]
    if lost:
        raise TrainerFailed(
            f"PaddleOCR left out {len(lost)} tensors of the checkpoint and would have exported random ones: "
            "the config, the dictionary or the checkpoint in the run's folder is not the one it was trained "
            f"with. Its words: {lost[0][-200:]!r}.",
            lost=lost,
        )
    return log


def to_onnx(trainer: Trainer, directory: Path) -> str:
    """Write inference.onnx beside an exported model; returns the converter's version."""
    return run_program(trainer, "to_onnx.py", str(directory)).strip().splitlines()[-1]


def score_crops(
    trainer: Trainer, config: Path, weights: Path, directory: Path, crops: Path
) -> dict[str, list[tuple[str, float]]]:
    """Read crops with a checkpoint and with the model exported from it.

    Args:
        trainer: who reads.
        config: YAML of the training.
        weights: the checkpoint.
        directory: the exported model.
        crops: file of numpy, see `in_trainer/score_crops.py`.

    Returns:
        Text and score for each crop, under `checkpoint` and `exported`.

    Raises:
        BaseUnfit: the checkpoint is another network than the config's.
    """
    order = {
        "source": str(trainer.source),
        "config": str(config),
        "weights": str(weights),
        "directory": str(directory),
        "crops": str(crops),
    }
    answer = ask_program(trainer, "score_crops.py", order)
    if "unfit" in answer:
        raise BaseUnfit(f"The checkpoint {weights.name} is not of this run's config: {answer['unfit']}.")
    return {who: [(text, score) for text, score in answer[who]] for who in ("checkpoint", "exported")}


def _launch(trainer: Trainer) -> list[str]:
    return [str(trainer.python), str(PROGRAMS / "launch.py"), "--source", str(trainer.source)]

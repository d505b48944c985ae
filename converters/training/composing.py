"""Everything that a training needs, written into its folder before the trainer starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from backend import __version__
from backend.errors import BadRequest
from backend.outputs import write_file
from converters.training import best
from converters.training.dataset import Dataset, read_dataset
from converters.training.dictionary import compose_dictionary
from converters.training.machine import this_machine
from converters.training.options import DEFAULT_SEED, TrainRequest, gpus_of
from converters.training.rows import compose_rows, long_rows
from converters.training.run_config import compose_config, config_file, template_of
from converters.training.run_folder import RunFolder, check_room
from converters.training.run_plan import AS_EXPORTED, AS_TRAINED, RunPaths, RunPlan, plan
from converters.training.trainer_tools import TrainerTools, device_of

PICTURES = 64
"""Crops that starting weights are measured on, where the whole network is to learn."""


@dataclass(frozen=True, slots=True)
class Composed:
    """A run that is ready for its rehearsal.

    device: to train on, as the trainer's command takes it.
    template: that its config was composed from.
    again: the plan anew, once the seconds of a step are measured.
    """

    plan: RunPlan
    again: Callable[[float], RunPlan]
    device: str
    template: Mapping[str, Any]


def compose(
    request: TrainRequest,
    folder: RunFolder,
    tools: TrainerTools,
    language: str | None,
    console: Console | None = None,
) -> Composed:
    """Write dictionary, lists, pieces, config and starting weights.

    Args:
        request: what was asked for.
        folder: of the run, empty.
        tools: the trainer.
        language: of the lines; None where nobody said.
        console: where progress is shown.

    Raises:
        BadRequest: the dataset has no lines to train or to evaluate on, or the base is none.
        TwinreadError: something that is needed cannot be had.
    """
    gpus = gpus_of(request.device, tools.gpus)
    base = tools.base(request.base, language)
    target = tools.target(base, language)
    dataset = read_dataset(request.dataset, model_name=target.name, console=console)
    dictionary = compose_dictionary(target.dictionary, dataset.texts)
    place = _dictionary_place(folder, target.name)
    write_file(place, dictionary.content)
    aligner = tools.aligner(base) if long_rows(dataset) else None
    rows = compose_rows(
        dataset, dictionary, aligner, lists=folder.lists, pieces=folder.pieces, console=console
    )
    paths = RunPaths(
        # the lists name images by their full paths
        data_dir=dataset.folder,
        train=rows.train,
        val=rows.val,
        dictionary=place,
        checkpoints=folder.checkpoints,
        weights=folder.base_weights,
    )
    template = template_of(target.name, tools.source)
    decide = partial(
        plan,
        paths,
        model_name=target.name,
        network=AS_EXPORTED if base.directory is not None else AS_TRAINED,
        train_rows=rows.counts["train"].written,
        val_rows=rows.counts["val"].written,
        machine=this_machine(len(gpus)),
        wishes=request.wishes,
        seed=DEFAULT_SEED if request.seed is None else request.seed,
    )
    made = decide()
    write_config(folder, template, made)
    pictures = [] if made.freeze == "backbone" else _pictures(folder, paths.data_dir)
    started_from = tools.starting_weights(base, folder.config, folder.base_weights, pictures)
    check_room(folder, folder.base_weights.stat().st_size)
    folder.note(
        dataset=dataset_record(dataset),
        trained_pages=list(rows.pages),
        base={"name": base.name, "sha256": base.sha256, "characters": dict(started_from)},
        dictionary={
            "size": len(dictionary.characters),
            "appended": list(dictionary.appended),
            "counts": dict(dictionary.counts),
        },
        language=language,
        seed=made.seed,
        counts={part: counts.summary() for part, counts in rows.counts.items()},
        versions={"twinread": __version__, **tools.about},
    )
    return Composed(made, lambda step_s: decide(step_s=step_s), device_of(gpus), template)


def write_config(folder: RunFolder, template: Mapping[str, Any], made: RunPlan) -> None:
    """Write config.yml, and note the plan that it says."""
    content = config_file(compose_config(template, made))
    write_file(folder.config, content)
    folder.note(
        model_name=made.model_name,
        config_sha256=sha256(content.encode()).hexdigest(),
        plan={
            "epochs": made.epochs,
            "steps_per_epoch": made.steps_per_epoch,
            "batch": made.batch,
            "lr": made.lr,
            "freeze": made.freeze,
            "gpus": made.gpus,
            "workers": made.workers,
            "scales": [list(scale) for scale in made.scales],
            "network": asdict(made.network),
            "why": dict(made.why),
        },
    )


def compose_resume(request: TrainRequest, folder: RunFolder) -> int:
    """Let config.yml go on from where the run is, with the epochs that were asked for.

    Args:
        request: what was asked for.
        folder: of the run; its best model is whole.

    Returns:
        The epochs of the whole run.

    Raises:
        BadRequest: the run's config was changed, or nothing is left to do.
    """
    record = folder.read()
    content = folder.config.read_bytes()
    if sha256(content).hexdigest() != record.get("config_sha256"):
        raise BadRequest(
            f"{folder.config} was changed since the run began, so its weights may not fit it any more. Put "
            "it back as "
            "it was, or start a new run in another folder."
        )
    config = yaml.safe_load(content)
    epochs = int(request.epochs or config["Global"]["epoch_num"])
    prefix = checkpoint_of(folder)
    done = best.epoch_of(prefix) if prefix is not None else 0
    if done is not None and done >= epochs:
        raise BadRequest(
            f"All {epochs} epochs of this run are done already. Train on with more of them: --resume "
            "--epochs "
            f"{2 * epochs}.",
            done=done,
        )
    config["Global"]["epoch_num"] = epochs
    config["Global"]["checkpoints"] = str(prefix) if prefix is not None else None
    written = config_file(config)
    write_file(folder.config, written)
    folder.note(
        config_sha256=sha256(written.encode()).hexdigest(), plan={**record.get("plan", {}), "epochs": epochs}
    )
    return epochs


def checkpoint_of(folder: RunFolder) -> Path | None:
    """What a run goes on from: its latest checkpoint, and where that is not whole, the best one.

    Returns:
        A path without its ending; None where the run has not saved anything yet.
    """
    if best.whole(folder.latest):
        return folder.latest
    return folder.best / best.NAME if best.kept(folder.best) is not None else None


def dataset_record(dataset: Dataset) -> dict[str, Any]:
    """Which dataset it is, as `run.json` has it; without a manifest the sum is that of its label files."""
    return {
        "path": str(dataset.folder),
        "manifest_sha256": dataset.digest,
        "exported_at": dataset.exported_at or None,
        "lines": sum(dataset.counts.values()),
    }


def _dictionary_place(folder: RunFolder, model: str) -> Path:
    """Where the dictionary lies: PaddleOCR turns lines round where "arabic" is in its path.

    Raises:
        BadRequest: the run's folder has that word in its path, and the model is not for Arabic.
    """
    if model.startswith("arabic"):
        return folder.arabic_dictionary
    if "arabic" in str(folder.dictionary):
        raise BadRequest(
            f"PaddleOCR turns lines round where 'arabic' is in the path, as in {folder.path}, and {model} "
            "reads from "
            "left to right. Name another folder with --out."
        )
    return folder.dictionary


def _pictures(folder: RunFolder, data_dir: Path) -> list[Path]:
    rows = [row for row in folder.train_list.read_text("utf-8").split("\n") if row]
    return [data_dir / row.partition("\t")[0] for row in rows[:: max(1, len(rows) // PICTURES)]][:PICTURES]

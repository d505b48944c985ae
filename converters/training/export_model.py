"""Makes a model for reading out of a run's checkpoint, and gives none away that reads otherwise."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Literal

import yaml

from backend import __version__
from backend.errors import BadRequest, OperatorError
from converters.shared.manifest import manifest_lines
from converters.shared.model_card import MODEL_CARD, Parity
from converters.training import parity
from converters.training.trainer import calls
from converters.training.trainer.preparation import Trainer

FORMAT: Final = 1
WEIGHTS: Final = {"best": Path("best/best.pdparams"), "latest": Path("checkpoints/latest.pdparams")}
_TRAINED_ON: Final = ("rec_gt_train.txt", "rec_gt_val.txt")
"""Label files whose pages the training saw, the second to stop by."""

Which = Literal["best", "latest"]


@dataclass(frozen=True, slots=True)
class Run:
    """What an export needs to know of a training run.

    folder: of the run, absolute.
    config_file: its config, whole.
    record: what run.json says; see the run's folder.
    """

    folder: Path
    config_file: Path
    config: Mapping[str, Any]
    record: Mapping[str, Any]

    @property
    def model_name(self) -> str:
        """PaddleOCR's name of the model."""
        return str(self.config["Global"].get("model_name", ""))

    @property
    def dictionary(self) -> list[str]:
        """The characters of the model, as the exporter reads them: only line feeds are taken off."""
        file = Path(self.config["Global"]["character_dict_path"])
        with file.open(encoding="utf-8") as lines:
            return [line.strip("\n") for line in lines]


@dataclass(frozen=True, slots=True)
class ExportedModel:
    """A model folder that was made.

    directory: holds inference.yml, the weights and model.json.
    record: the contents of model.json.
    """

    directory: Path
    record: Mapping[str, Any]
    parity: Parity


def open_run(folder: Path) -> Run:
    """Read a run's folder.

    Raises:
        BadRequest: it is none.
    """
    config_file, record_file = folder / "config.yml", folder / "run.json"
    try:
        config = yaml.safe_load(config_file.read_text("utf-8"))
        record = json.loads(record_file.read_text("utf-8"))
        if not isinstance(config["Global"], dict) or not isinstance(record, dict):
            raise TypeError("not a mapping")
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError) as error:
        raise BadRequest(
            f"{folder} is no folder of a training run: its run.json or config.yml is missing or damaged. "
            "Give the folder that `twinread train --out` wrote."
        ) from error
    return Run(folder.absolute(), config_file.absolute(), config, record)


def weights_of(run: Run, which: Which) -> Path:
    """The checkpoint to export.

    Raises:
        BadRequest: the run has none, or the trainer is writing it at this moment.
    """
    if which == "latest" and run.record.get("state") == "training":
        raise BadRequest(
            f"{run.folder.name} is being trained, and its latest checkpoint may be half written. Export the "
            "best one (--from best), or wait."
        )
    path = run.folder / WEIGHTS[which]
    if path.is_file():
        return path
    other = next((name for name in WEIGHTS if name != which and (run.folder / WEIGHTS[name]).is_file()), None)
    cure = f"Export the other one: --from {other}." if other else "Train on: twinread train --resume."
    raise BadRequest(f"{run.folder.name} has no {which} checkpoint yet ({WEIGHTS[which]}). {cure}")


def check_place(out: Path, *, replace: bool) -> None:
    """Make sure that a model may be written to a folder, before the work begins.

    Raises:
        BadRequest: something is there.
        OperatorError: its parent cannot be written.
    """
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise BadRequest(f"--out {out} is a file or a link; name a new folder.")
    if out.is_dir() and any(out.iterdir()):
        if not (out / MODEL_CARD).is_file():
            raise BadRequest(f"--out {out} holds something that is no model of twinread; name a new folder.")
        if not replace:
            raise BadRequest(
                f"--out {out} holds a model already. Name a new folder, or replace it with --replace."
            )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out.parent):
            pass
    except OSError as error:
        raise OperatorError(
            f"The model cannot be written to {out.parent} ({error.strerror or error}). Name a folder that "
            "can."
        ) from error


def export_model(
    run: Run,
    out: Path,
    trainer: Trainer,
    *,
    which: Which = "best",
    onnx: bool = True,
    language: str,
    replace: bool = False,
    say: Callable[[str], None] = lambda words: None,
    cache_dir: Path | None = None,
) -> ExportedModel:
    """Export a run's checkpoint; the folder appears whole, or not at all.

    Args:
        run: the training run.
        out: folder of the model.
        trainer: whose exporter is used.
        which: the best checkpoint or the latest.
        onnx: whether to write inference.onnx, which twinread needs on a CPU.
        language: as our reader is asked for it.
        replace: whether a model that is there may be replaced.
        say: is given a few words before each step.
        cache_dir: where our reader keeps the model's folded form; None for the usual place.

    Raises:
        BadRequest: there is no checkpoint, or something in the way.
        TrainerFailed: PaddleOCR's exporter failed, or left weights out.
        ExportDiffers: what was exported is not what was trained.
        OperatorError: the folder cannot be written.
    """
    # PaddleOCR's tools run in another folder
    out = out.absolute()
    check_place(out, replace=replace)
    weights = weights_of(run, which)
    try:
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as scratch:
            made = Path(scratch) / "model"
            say("Exporting with PaddleOCR")
            config_file = Path(scratch) / "config.yml"
            config = calls.export_config(run.config, weights, made)
            config_file.write_text(yaml.safe_dump(config, allow_unicode=True, sort_keys=False), "utf-8")
            calls.export(trainer, config_file)
            check_description(made, run)
            converter = None
            if onnx:
                say("Writing ONNX")
                converter = calls.to_onnx(trainer, made)
            say("Comparing checkpoint and model")
            crops = parity.crops_of(run.config)
            found = parity.measure(
                trainer, config_file, crops, weights, made, language=language, onnx=onnx, cache_dir=cache_dir
            )
            parity.check(found)
            record = _record(run, which, trainer, found, converter)
            (made / MODEL_CARD).write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", "utf-8")
            _put(made, out, Path(scratch))
    except OSError as error:
        raise OperatorError(
            f"The model could not be written to {out} ({error.strerror or error}); nothing was left there. "
            "Make room, or name another folder."
        ) from error
    return ExportedModel(out, record, found)


def check_description(directory: Path, run: Run) -> None:
    """Make sure that an exported model says the characters that it was trained with, in their order.

    Raises:
        ExportDiffers: it does not.
    """
    try:
        with (directory / "inference.yml").open("rb") as file:
            described = yaml.load(file, yaml.CBaseLoader)  # noqa: S506 - the base loader builds text only
        entries = described["PostProcess"]["character_dict"]
        name = described["Global"]["model_name"]
    except (OSError, KeyError, TypeError, yaml.YAMLError) as error:
        raise parity.ExportDiffers("PaddleOCR's exporter wrote no inference.yml that can be read.") from error
    if entries != run.dictionary or name != run.model_name:
        raise parity.ExportDiffers(
            f"The exported model says {len(entries)} characters of {name!r}, and the run was trained with "
            f"{len(run.dictionary)} of {run.model_name!r}: its dictionary was changed since. Nothing was "
            "written."
        )


def _put(made: Path, out: Path, scratch: Path) -> None:
    """Give the folder its name; a model that was there goes only when the new one is in its place."""
    if out.exists():
        out.rename(scratch / "before")
    try:
        made.rename(out)
    except OSError:
        if (scratch / "before").exists():
            shutil.move(scratch / "before", out)
        raise


def _record(run: Run, which: Which, trainer: Trainer, found: Parity, converter: str | None) -> dict[str, Any]:
    record = run.record
    return {
        "format": FORMAT,
        "name": run.model_name,
        "made_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "run": str(run.folder),
        "checkpoint": which,
        "dataset": record.get("dataset"),
        "base": record.get("base"),
        "dictionary_size": len(run.dictionary),
        "best": record.get("best"),
        "parity": {key: value for key, value in asdict(found).items() if key != "example"},
        "versions": {
            "twinread": __version__,
            "paddleocr": trainer.version,
            "paddlepaddle": calls.devices(trainer).paddle,
            "paddle2onnx": converter,
        },
        "trained_pages": record.get("trained_pages", trained_pages(record.get("dataset"))),
    }


def trained_pages(dataset: object) -> list[str] | None:
    """The pages that a training saw, by the manifest of its dataset.

    Args:
        dataset: of the run's record.

    Returns:
        Keys of pages, sorted; None where the manifest is gone or is another one now: nobody knows then.
    """
    if not isinstance(dataset, Mapping) or not dataset.get("path"):
        return None
    try:
        content = (Path(str(dataset["path"])) / "manifest.jsonl").read_bytes()
        if sha256(content).hexdigest() != dataset.get("manifest_sha256"):
            return None
        return sorted({line.page for line in manifest_lines(content) if line.file in _TRAINED_ON})
    except (OSError, ValueError):
        return None

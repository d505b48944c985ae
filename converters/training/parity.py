"""Whether an exported model reads as the checkpoint it was made of: line by line, in text and score."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from backend.errors import OperatorError
from backend.models import locate
from backend.models.paddle_engine import EngineOptions
from backend.page import image_files
from backend.page.crops import is_blank
from backend.page.lines import Pixels
from backend.readers.paddle import PaddleReader, RecognitionOptions, model_input
from backend.text.cleaning import plain_text
from converters.shared.image_bytes import read_image
from converters.shared.model_card import Parity
from converters.training.trainer import calls
from converters.training.trainer.preparation import Trainer

LINES: Final = 200
"""Compared at most."""
LOAD_S: Final = 300.0
READ_S: Final = 600.0

Readings = Sequence[tuple[str, float]]
"""Text and score of each line."""


class ExportDiffers(OperatorError):
    """The exported model does not read as the checkpoint does."""

    exit_code = 1


def compare(forms: Mapping[str, Readings]) -> Parity:
    """Compare the readings of several forms of a model.

    Args:
        forms: name of a form to its readings; all of the same lines, in the same order.
    """
    equal, difference = 0, 0.0
    example: tuple[tuple[str, str], ...] = ()
    for readings in zip(*forms.values(), strict=True):
        texts = [text for text, _ in readings]
        if len(set(texts)) == 1:
            equal += 1
            scores = [score for _, score in readings]
            difference = max(difference, max(scores) - min(scores))
        elif not example:
            example = tuple(zip(forms, texts, strict=True))
    return Parity(len(next(iter(forms.values()))), equal, difference, example)


def check(parity: Parity) -> None:
    """Refuse a model whose forms differ.

    Raises:
        ExportDiffers: with the figures.
    """
    if parity.holds:
        return
    if not parity.lines:
        raise ExportDiffers(
            "There is no line to compare the exported model with its checkpoint on: the run's lists are "
            "empty or their crops are gone. Put the dataset back where it was."
        )
    shown = "; ".join(f"{form}: {text!r}" for form, text in parity.example)
    raise ExportDiffers(
        f"The exported model is not the one that was trained: of {parity.lines} lines {parity.equal} have "
        f"the same text in all forms, and scores differ by up to {parity.largest_score_difference:.4f}. "
        + (f"For example {shown}. " if shown else "")
        + "Nothing was written. Export again; if it stays so, the versions of Paddle and paddle2onnx do not "
        "fit.",
        parity=parity,
    )


def crops_of(config: Mapping[str, Any], limit: int = LINES) -> list[Pixels]:
    """Crops of a run to compare on: of its list for evaluation, else of the one for training.

    Args:
        config: of the run, whole.
        limit: crops at most, spread over the list.
    """
    for part in ("Eval", "Train"):
        dataset = config[part]["dataset"]
        rows = [
            row
            for file in dataset["label_file_list"]
            for row in Path(file).read_text("utf-8").split("\n")
            if row
        ]
        names = [row.partition("\t")[0] for row in rows[:: max(1, -(-len(rows) // limit))]]
        crops = [_crop(Path(dataset["data_dir"]) / name) for name in names]
        # a blank crop reaches no model, and a very wide one reaches it in pieces
        usable = [
            crop for crop in crops if crop is not None and not is_blank(crop) and len(model_input(crop)) == 1
        ]
        if usable:
            return usable
    return []


def _crop(path: Path) -> Pixels | None:
    try:
        return image_files.decode(read_image(path)).pixels
    except OSError:
        return None


def measure(
    trainer: Trainer,
    config_file: Path,
    crops: Sequence[Pixels],
    weights: Path,
    directory: Path,
    *,
    language: str,
    onnx: bool,
    cache_dir: Path | None = None,
) -> Parity:
    """Read crops with the checkpoint, with Paddle's engine and with our reader on ONNX, and compare.

    Args:
        trainer: runs the first two.
        config_file: YAML of the training.
        crops: as `crops_of` gives them.
        weights: the checkpoint, `.pdparams`.
        directory: the exported model.
        language: as our reader is asked for it.
        onnx: whether the folder has inference.onnx.
        cache_dir: as for `read_with_twinread`.

    Raises:
        TrainerFailed: the checkpoint or the export cannot be run.
        ReaderUnavailable: our reader refuses the model.
    """
    with tempfile.TemporaryDirectory() as scratch:
        packed = Path(scratch) / "crops.npz"
        np.savez(packed, *(model_input(crop)[0] for crop in crops))
        answer = calls.score_crops(trainer, config_file, weights, directory, packed)
    forms: dict[str, Readings] = {
        "checkpoint": _as_read(answer["checkpoint"], directory),
        "Paddle's engine": _as_read(answer["exported"], directory),
    }
    if onnx:
        forms["ONNX in twinread"] = read_with_twinread(directory, crops, language, cache_dir)
    return compare(forms)


def _as_read(readings: Readings, directory: Path) -> list[tuple[str, float]]:
    """Readings as our reader gives them: its text is cleaned, and no text has no score."""
    name = locate.find_model(None, directory, engine="paddle").name
    if name.startswith("arabic_"):
        # PaddleOCR's predictor turns the answers of its Arabic models into the order of reading
        from bidi.algorithm import get_display  # type: ignore[import-untyped]

        readings = [(get_display(text), score) for text, score in readings]
    cleaned = [(plain_text(text), score) for text, score in readings]
    return [(text, score if text else 0.0) for text, score in cleaned]


def read_with_twinread(
    directory: Path, crops: Sequence[Pixels], language: str, cache_dir: Path | None = None
) -> list[tuple[str, float]]:
    """Read crops with the reader that the backend uses, on a CPU.

    Args:
        directory: a model folder with inference.onnx.
        crops: RGB, uint8, shape (height, width, 3) each.
        language: of the lines.
        cache_dir: where the model's folded form is kept; None for the usual place.

    Raises:
        ReaderUnavailable: the model cannot write the language, or does not load.
    """
    options = RecognitionOptions(engine=EngineOptions(engine="onnxruntime", device="cpu"))
    reader = PaddleReader(language, options, model_dir=directory, cache_dir=cache_dir)
    reader.start()
    try:
        reader.wait(LOAD_S)
        readings = [future.result(READ_S) for future in reader.submit(crops)]
    finally:
        reader.stop()
    failed = next((reading.error for reading in readings if reading.error), None)
    if failed:
        raise ExportDiffers(f"twinread's reader cannot read with the exported model: {failed}")
    return [(reading.text or "", reading.score or 0.0) for reading in readings]

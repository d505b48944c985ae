"""`model.json` of a trained model: what `twinread export-model` wrote of it, as a promotion needs it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from backend.errors import BadRequest

MODEL_CARD = "model.json"


@dataclass(frozen=True, slots=True)
class Parity:
    """How alike checkpoint, Paddle model and ONNX model read.

    lines: that all of them read.
    equal: of which all texts were the same.
    largest_score_difference: between any two of them.
    """

    lines: int
    equal: int
    largest_score_difference: float


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is known of a model's making; everything None where there is no model.json.

    trained_pages: keys of the pages that it was trained on or stopped by.
    parity: of its forms.
    language: that it was trained for, as somebody named it.
    dataset: folder of the dataset that it was trained on.
    """

    trained_pages: frozenset[str] | None = None
    parity: Parity | None = None
    language: str | None = None
    dataset: Path | None = None


def read_model_card(directory: Path) -> ModelCard:
    """Read a model's `model.json`; one that lacks a key says nothing about that.

    Args:
        directory: the model's folder.

    Raises:
        BadRequest: it is there and no JSON of ours, so nobody knows what it was trained on.
    """
    try:
        content = (directory / MODEL_CARD).read_bytes()
    except FileNotFoundError:
        return ModelCard()
    except OSError as error:
        raise BadRequest(
            f"{directory / MODEL_CARD} cannot be read ({error.strerror}); make it readable."
        ) from error
    try:
        read = json.loads(content)
        pages, parity, language = read.get("trained_pages"), read.get("parity"), read.get("language")
        dataset = (read.get("dataset") or {}).get("path")
        return ModelCard(
            None if pages is None else frozenset(map(str, pages)),
            None
            if parity is None
            else Parity(
                int(parity["lines"]), int(parity["equal"]), float(parity["largest_score_difference"])
            ),
            None if language is None else str(language),
            None if dataset is None else Path(dataset),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadRequest(
            f"{directory / MODEL_CARD} is damaged, so nobody knows what the model was trained on. Export it "
            "again with twinread export-model."
        ) from error

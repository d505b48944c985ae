"""`model.json` of a trained model: what `twinread export-model` wrote of it, as a promotion needs it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from backend.errors import BadRequest

MODEL_CARD = "model.json"

EQUAL_AT_LEAST = 0.995
"""Of the lines, in text: two characters that are equally likely may change places by rounding."""

SCORE_WITHIN = 1e-3
"""Scores of one line must be nearer to each other than this."""


@dataclass(frozen=True, slots=True)
class Parity:
    """How alike checkpoint, Paddle model and ONNX model read: may they stand for each other?

    lines: that all of them read.
    equal: of which all texts were the same.
    largest_score_difference: between any two of them, among those.
    example: a line that differs, by form; empty where none does, and where it is not kept.
    """

    lines: int
    equal: int
    largest_score_difference: float
    example: tuple[tuple[str, str], ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the forms may stand for each other; by this one rule a model is exported and promoted."""
        enough = self.lines > 0 and self.equal >= EQUAL_AT_LEAST * self.lines
        return enough and self.largest_score_difference < SCORE_WITHIN


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

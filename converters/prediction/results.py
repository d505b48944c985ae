"""Predictions as text, and as JSON with the fields of PaddleOCR's own results; pure.

What is left out against PaddleOCR's JSON: its parameters (`model_settings`, `text_det_params`,
`text_rec_score_thresh`, `text_type`), the angles of lines, and single words. What is added stands under
`twinread`: the model, the detector, notes on the page, and lines that could not be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from backend.outputs import printable
from backend.page.lines import Quad
from converters.prediction.predict import PredictedLine, PredictedPage


def page_json(image: Path, page: PredictedPage, *, model: str, detector: str) -> dict[str, Any]:
    """The results of a page, as `paddleocr ocr --save_path` writes them.

    Args:
        image: the file.
        page: what was found.
        model: identity of the recogniser.
        detector: identity of the detector.

    Returns:
        `dt_polys` holds every line; `rec_texts`, `rec_scores`, `rec_polys` and `rec_boxes` hold the lines
        that were read, in the same order: each index is one line. Whole page pixels; polygons clockwise from
        the text's own top-left corner, boxes as left, top, right, bottom.
    """
    read = [line for line in page.lines if line.error is None]
    failed = [
        {"poly": _poly(line.quad), "error": line.error} for line in page.lines if line.error is not None
    ]
    return {
        "input_path": printable(str(image)),
        "page_index": None,
        "dt_polys": [_poly(line.quad) for line in page.lines],
        "rec_texts": [line.text for line in read],
        "rec_scores": [round(line.score, 6) for line in read],
        "rec_polys": [_poly(line.quad) for line in read],
        "rec_boxes": [_box(line.quad) for line in read],
        "twinread": {"model": model, "detector": detector, "notes": list(page.notes), "unread": failed},
    }


def line_json(image: Path, line: PredictedLine, *, model: str) -> dict[str, Any]:
    """The result of a line crop, as `paddleocr text_recognition --save_path` writes it."""
    return {
        "input_path": printable(str(image)),
        "page_index": None,
        "rec_text": line.text,
        "rec_score": round(line.score, 6),
        "twinread": {"model": model},
    }


def as_text(lines: Sequence[PredictedLine]) -> str:
    """The texts, one line each, without lines in which nothing was read."""
    return "".join(f"{line.text}\n" for line in lines if line.text)


def _poly(quad: Quad | None) -> list[list[int]]:
    return [] if quad is None else np.rint(quad).astype(int).tolist()


def _box(quad: Quad | None) -> list[int]:
    if quad is None:
        return []
    left, top = np.rint(quad.min(axis=0)).astype(int).tolist()
    right, bottom = np.rint(quad.max(axis=0)).astype(int).tolist()
    return [left, top, right, bottom]

"""Turns read lines into predictions: the JSON that Label Studio stores and shows.

All results of a line have the same id: one for the shape with its label, and one for the text. Where a
config has a separate Labels tag, the shape and the label are two results. Each result repeats the geometry.
Lines in doubt come first, because Label Studio goes through regions in the order of the results.

`backend.label_studio.regions` reads results back; only `backend.label_studio.percent` computes in percent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from backend.label_studio import percent
from backend.label_studio.labeling_config import LabelingConfig, RegionControl
from backend.label_studio.line_results import (
    explanation_meta,
    is_ready,
    label_part,
    storable,
    stored_score,
    text_parts,
    with_readings,
)
from backend.label_studio.message_language import MessageLanguage
from backend.page.lines import Quad, ReadLine, ReadPage


def empty_result() -> dict[str, Any]:
    """The answer for a task that failed or was not reached: Label Studio stores nothing and asks again.

    With `null` instead, Label Studio would lose the whole batch. A prediction without results would mark
    the task as done: that is the answer for a page without text, `prediction` of a page without lines.
    """
    return {}


def prediction(
    page: ReadPage, config: LabelingConfig, *, model_version: str, message_language: MessageLanguage = "en"
) -> dict[str, Any]:
    """The prediction for a task of one image; arguments and result as in `prediction_of_pages`."""
    return prediction_of_pages([page], config, model_version=model_version, message_language=message_language)


def prediction_of_pages(
    pages: Sequence[ReadPage],
    config: LabelingConfig,
    *,
    model_version: str,
    message_language: MessageLanguage = "en",
) -> dict[str, Any]:
    """The prediction for a task: every line of its pages, those in doubt first.

    An agreed line gets the label for text. Every other line gets the label for lines in doubt, its
    likelier reading as text (none where nothing was read), and an explanation under `meta.text`: all
    readings, and what differs. The meta of each line's first result also holds all readings for programs
    (`region_notes`); Label Studio copies a region's meta to its other results.

    Args:
        pages: the task's pages in order; one, unless the config shows several images.
        config: tag and label names.
        model_version: identifies models, readers and code that made the lines; `/setup` gives the same.
        message_language: of the explanation that an annotator sees.

    Returns:
        `result`, `score` (share of agreed lines; 1 where there is no line) and `model_version`. A page
        without lines that has a note counts as a line in doubt: Label Studio has no region that could
        show the note, so the score must bring the task to the front. All numbers are finite, coordinates
        within 0 to 100, rotation in [0, 360).
    """
    several = len(pages) > 1
    ready: list[dict[str, Any]] = []
    doubtful: list[dict[str, Any]] = []
    agreed = total = 0
    for index, page in enumerate(pages):
        page_config = config.on_page(index)
        page_fields = _page_fields(
            page.width, page.height, page_config, index if config.has_item_index else None
        )
        total += bool(page.notes and not page.lines)
        for number, read in enumerate(page.lines, start=1):
            region_id = _line_id(read.line.quad, number, index + 1 if several else None)
            lines = ready if is_ready(read) else doubtful
            lines += _line_results(read, region_id, page_fields, page, page_config, message_language)
            agreed += is_ready(read)
            total += 1
    return {
        "result": doubtful + ready,
        "score": agreed / total if total else 1.0,
        "model_version": storable(model_version),
    }


def _page_fields(width: int, height: int, config: LabelingConfig, item_index: int | None) -> dict[str, Any]:
    """The fields that all results of a page have in common."""
    fields: dict[str, Any] = {
        "to_name": config.image_name,
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
    }
    return fields if item_index is None else {**fields, "item_index": item_index}


def _line_id(quad: Quad, number: int, page: int | None) -> str:
    """An id that is the same in every run for the same line of a page, and shows its place in the order."""
    corners = np.rint(np.asarray(quad, dtype=np.float64)).astype(np.int64)
    digest = hashlib.sha256(",".join(str(number) for number in corners.ravel()).encode()).hexdigest()
    return f"{'' if page is None else f'p{page}'}l{number:03d}-{digest[:6]}"


def _line_results(
    read: ReadLine,
    region_id: str,
    page_fields: Mapping[str, Any],
    page: ReadPage,
    config: LabelingConfig,
    language: MessageLanguage,
) -> list[dict[str, Any]]:
    control = config.control
    shape, notes = _shape(read.line.quad, control, page)
    meta = {**explanation_meta(read, language), **notes}
    common = {
        "id": region_id,
        **page_fields,
        "score": stored_score(read.judgement.score),
        **({"meta": meta} if meta else {}),
    }
    label = control.labels.text if is_ready(read) else control.labels.check
    drawn = {**common, "from_name": control.name, "type": control.type, "value": shape}
    shaped = [drawn] if control.has_labels_tag else []
    if control.has_labels:
        shaped.append(label_part(common, control, shape, [label]))
    return with_readings(read, region_id, shaped + text_parts(read, common, shape, config))


def _shape(quad: Quad, control: RegionControl, page: ReadPage) -> tuple[dict[str, Any], dict[str, int]]:
    """The geometry of a result's value, and the fields for its meta."""
    if control.shape == "polygon":
        return percent.polygon_value(quad, page.width, page.height), {}
    return percent.rectangle_value(quad, page.width, page.height)

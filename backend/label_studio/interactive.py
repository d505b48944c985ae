"""Answers to interactive requests: the texts of regions that an annotator has just drawn.

Label Studio replaces the drawn region by what comes back under its id, and deletes it where nothing does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from backend.errors import BadRequest
from backend.label_studio import region_notes, result_fields
from backend.label_studio.labeling_config import LabelingConfig
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
from backend.label_studio.predictions import empty_result
from backend.label_studio.regions import Region, regions
from backend.page.lines import ReadLine

_ANSWER_KEYS = ("text", "choices")


def drawn_regions(
    context_result: object, config: LabelingConfig, width: int | None = None, height: int | None = None
) -> list[Region]:
    """The regions of an interactive request that a person just drew and that need a text.

    Label Studio sends every region with the drawn one's label and shape. The drawn ones come last, made
    by hand and without a text. A box that a person marked as illegible or not text needs none.

    Args:
        context_result: `params.context.result` of the request.
        config: tag and label names.
        width: of the upright page in pixels; None takes the size that Label Studio recorded.
        height: of the upright page in pixels; None as for `width`.

    Returns:
        Rectangles and polygons in the order in which they were drawn; empty where no region needs a
        text, and then `unchanged_result` is the answer.

    Raises:
        BadRequest: a number in it is none that JSON knows.
    """
    _demand_finite(context_result)
    size = (width, height) if width and height else None
    drawn: list[Region] = []
    for region in reversed(regions(context_result, size)):
        if (region.origin or "manual") != "manual" or any(text.strip() for text in region.texts):
            break
        labels = config.on_page(config.page_of(region)).labels_of(region.from_name)
        if region.points is not None and not {labels.illegible, labels.not_text} & set(region.labels):
            drawn.append(region)
    return drawn[::-1]


def assist_result(
    answers: Sequence[tuple[Region, ReadLine]],
    config: LabelingConfig,
    *,
    model_version: str,
    message_language: MessageLanguage = "en",
) -> dict[str, Any]:
    """The answer to an interactive request: each drawn region under its own id, with its text.

    The geometry is returned unchanged. An agreed line keeps its label; a doubtful one gets the label
    for lines in doubt and an explanation. The label result is always included: Label Studio deletes a
    drawn box that the answer leaves out, and takes the label off one that comes back as text only.

    Args:
        answers: drawn regions, each with its readings.
        config: tag and label names.
        model_version: identifies the readers that read the lines.
        message_language: of the explanation that an annotator sees.

    Returns:
        `result`, `score` (of the most doubtful region) and `model_version`.
    """
    answered: list[dict[str, Any]] = []
    for region, read in answers:
        answered += _answered(region, read, config.on_page(config.page_of(region)), message_language)
    scores = [stored_score(read.judgement.score) for _, read in answers]
    return {
        "result": answered,
        "score": min(scores, default=1.0),
        "model_version": storable(model_version),
    }


def unchanged_result(context_result: object, *, model_version: str) -> dict[str, Any]:
    """The answer that leaves a drawn region as it is: the last region of the request, sent back.

    An empty answer would delete the region.

    Args:
        context_result: `params.context.result` of the request.
        model_version: the version of the backend.

    Returns:
        A prediction with that region's results; `empty_result` where the request holds no region.
    """
    sent = [region for region in regions(context_result) if region.results]
    if not sent:
        return empty_result()
    return {"result": [dict(part) for part in sent[-1].results], "model_version": storable(model_version)}


def _demand_finite(context_result: object) -> None:
    """Refuse NaN and Infinity, which Python reads where JSON has no such numbers, and `1e400`.

    A drawn region is sent back with all that it holds, and no browser reads an answer with them in it.

    Raises:
        BadRequest: there is one.
    """
    waiting: list[object] = [context_result]
    while waiting:
        value = waiting.pop()
        if isinstance(value, float) and not math.isfinite(value):
            raise BadRequest(
                f"The drawn regions hold {value}, which is no number in JSON; send a number, or leave the "
                "field out."
            )
        if isinstance(value, Mapping):
            waiting += value.values()
        elif isinstance(value, (list, tuple)):
            waiting += value


def _answered(
    region: Region, read: ReadLine, config: LabelingConfig, language: MessageLanguage
) -> list[dict[str, Any]]:
    """A drawn region's own results with its labels set, and its text."""
    control = next(
        (c for c in config.controls if region.from_name in (c.name, c.labels_name)), config.control
    )
    labels = list(region.labels) or [control.labels.text]
    if not is_ready(read) and control.labels.has_check_label:
        labels = [control.labels.check]
    elif is_ready(read) and labels == [control.labels.check]:
        labels = [control.labels.text]
    # in a box that is read again, the earlier readings and their explanation are out of date
    old = {region_notes.KEY, "text"} if region_notes.KEY in region.meta else set()
    notes = {key: note for key, note in region.meta.items() if key not in old}
    meta = {**notes, **explanation_meta(read, language)}
    added = {"score": stored_score(read.judgement.score), **({"meta": meta} if meta else {})}
    sent = [{key: value for key, value in part.items() if key != "meta"} for part in region.results]
    without_text = [part for part in sent if part.get("type") != "textarea"]
    answered = [{**part, **added, "value": _relabelled(part, labels)} for part in without_text]
    drawn = next(filter(result_fields.has_geometry, sent))
    shape = {
        key: value
        for key, value in result_fields.value_of(drawn).items()
        if not key.endswith("labels") and key not in _ANSWER_KEYS
    }
    common = {**drawn, **added}
    if control.has_labels and not any(key.endswith("labels") for part in answered for key in part["value"]):
        answered.append(label_part(common, control, shape, labels))
    return with_readings(read, region.id, answered + text_parts(read, common, shape, config))


def _relabelled(part: Mapping[str, Any], labels: list[str]) -> dict[str, Any]:
    """A result's value with other labels, where it holds labels."""
    value = result_fields.value_of(part)
    return {key: labels if key.endswith("labels") else old for key, old in value.items()}

"""Turns read lines into predictions: the JSON that Label Studio stores and shows.

All results of a line have the same id: one for the shape with its label, and one for the text. Where a
config has a separate Labels tag, the shape and the label are two results. Each result repeats the geometry.
Lines in doubt come first, because Label Studio goes through regions in the order of the results.

`backend.label_studio.regions` reads results back; only `backend.label_studio.percent` computes in percent.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from backend.label_studio import explanations, percent, region_notes, result_fields
from backend.label_studio.labeling_config import LabelingConfig, RegionControl
from backend.label_studio.message_language import MessageLanguage
from backend.label_studio.regions import Region, regions
from backend.page.lines import Quad, ReadLine, ReadPage, Verdict

_ANSWER_KEYS = ("text", "choices")


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
        `result`, `score` (share of agreed lines; 1 where there is no line) and `model_version`. All
        numbers are finite, coordinates within 0 to 100, rotation in [0, 360).
    """
    several = len(pages) > 1
    ready: list[dict[str, Any]] = []
    doubtful: list[dict[str, Any]] = []
    agreed = total = 0
    for index, page in enumerate(pages):
        page_config = config.on_page(index)
        page_fields = _page_fields(
            page.width, page.height, page_config, index if _has_item_index(config) else None
        )
        for number, read in enumerate(page.lines, start=1):
            region_id = _line_id(read.line.quad, number, index + 1 if several else None)
            lines = ready if _is_ready(read) else doubtful
            lines += _line_results(read, region_id, page_fields, page, page_config, message_language)
            agreed += _is_ready(read)
            total += 1
    return {
        "result": doubtful + ready,
        "score": agreed / total if total else 1.0,
        "model_version": storable(model_version),
    }


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
    """
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
    scores = [_score(read.judgement.score) for _, read in answers]
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


def storable(text: str) -> str:
    """The text without the characters that Label Studio or its database cannot store: NUL, lone surrogates.

    One lone surrogate makes Label Studio answer HTTP 500 for the task, and for every list that holds it.
    """
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
    return whole.replace("\0", "")


def _is_ready(read: ReadLine) -> bool:
    return read.judgement.verdict is Verdict.AGREED and bool(storable(read.judgement.text).strip())


def _has_item_index(config: LabelingConfig) -> bool:
    return config.multi_image and config.index_flag is None


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
    meta = {**_explanation(read, language), **notes}
    common = {
        "id": region_id,
        **page_fields,
        "score": _score(read.judgement.score),
        **({"meta": meta} if meta else {}),
    }
    label = control.labels.text if _is_ready(read) else control.labels.check
    labelled = _labelled(common, control, shape, [label])
    drawn = {**common, "from_name": control.name, "type": control.type, "value": shape}
    shaped = [drawn, labelled] if control.has_labels_tag else [labelled]
    return _with_readings(read, region_id, shaped + _texts(read, common, shape, config))


def _with_readings(read: ReadLine, region_id: str, parts: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A line's results, with its readings in the first one's meta."""
    first, *others = parts
    return [
        {**first, "meta": {**first.get("meta", {}), **region_notes.readings_meta(read, region_id)}},
        *others,
    ]


def _labelled(
    common: Mapping[str, Any], control: RegionControl, shape: Mapping[str, Any], labels: list[str]
) -> dict[str, Any]:
    value = {**shape, control.labels_type: labels}
    return {**common, "from_name": control.labels_name, "type": control.labels_type, "value": value}


def _texts(
    read: ReadLine, common: Mapping[str, Any], shape: Mapping[str, Any], config: LabelingConfig
) -> list[dict[str, Any]]:
    """The result that holds the text; none where nothing was read."""
    text = storable(read.judgement.text)
    if not text.strip():
        return []
    value = {**shape, "text": [text]}
    return [{**common, "from_name": config.text_name, "type": "textarea", "value": value}]


def _explanation(read: ReadLine, language: MessageLanguage) -> dict[str, Any]:
    """The explanation as `meta` fields; empty for an agreed line without a remark."""
    if _is_ready(read) and not read.judgement.reasons:
        return {}
    text = storable(explanations.explain(read.judgement, read.readings, language)).strip()
    return {"text": text} if text else {}


def _answered(
    region: Region, read: ReadLine, config: LabelingConfig, language: MessageLanguage
) -> list[dict[str, Any]]:
    """A drawn region's own results with its labels set, and its text."""
    control = next(
        (c for c in config.controls if region.from_name in (c.name, c.labels_name)), config.control
    )
    labels = list(region.labels) or [control.labels.text]
    if not _is_ready(read) and control.labels.has_check_label:
        labels = [control.labels.check]
    elif _is_ready(read) and labels == [control.labels.check]:
        labels = [control.labels.text]
    # in a box that is read again, the earlier readings and their explanation are out of date
    old = {region_notes.KEY, "text"} if region_notes.KEY in region.meta else set()
    notes = {key: note for key, note in region.meta.items() if key not in old}
    meta = {**notes, **_explanation(read, language)}
    added = {"score": _score(read.judgement.score), **({"meta": meta} if meta else {})}
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
    if not any(key.endswith("labels") for part in answered for key in part["value"]):
        answered.append(_labelled(common, control, shape, labels))
    return _with_readings(read, region.id, answered + _texts(read, common, shape, config))


def _relabelled(part: Mapping[str, Any], labels: list[str]) -> dict[str, Any]:
    """A result's value with other labels, where it holds labels."""
    value = result_fields.value_of(part)
    return {key: labels if key.endswith("labels") else old for key, old in value.items()}


def _score(score: float) -> float:
    return round(min(1.0, max(0.0, score)), 4) if math.isfinite(score) else 0.0


def _shape(quad: Quad, control: RegionControl, page: ReadPage) -> tuple[dict[str, Any], dict[str, int]]:
    """The geometry of a result's value, and the fields for its meta."""
    if control.shape == "polygon":
        return percent.polygon_value(quad, page.width, page.height), {}
    return percent.rectangle_value(quad, page.width, page.height)

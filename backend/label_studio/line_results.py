"""The parts of one line's results that predictions and answers about drawn regions have in common."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from backend.label_studio import explanations, region_notes
from backend.label_studio.config_tags import RegionControl
from backend.label_studio.labeling_config import LabelingConfig
from backend.label_studio.message_language import MessageLanguage
from backend.page.lines import ReadLine, Verdict


def storable(text: str) -> str:
    """The text without the characters that Label Studio or its database cannot store: NUL, lone surrogates.

    One lone surrogate makes Label Studio answer HTTP 500 for the task, and for every list that holds it.
    """
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
    return whole.replace("\0", "")


def is_ready(read: ReadLine) -> bool:
    """The line needs no decision: its readings agree on a text that Label Studio can store."""
    return read.judgement.verdict is Verdict.AGREED and bool(storable(read.judgement.text).strip())


def label_part(
    common: Mapping[str, Any], control: RegionControl, shape: Mapping[str, Any], labels: list[str]
) -> dict[str, Any]:
    """The result that holds a line's labels.

    Args:
        common: the fields that every result of the line has.
        control: the tags that draw and label it.
        shape: the geometry of the result's value.
        labels: as the labeling config spells them.
    """
    value = {**shape, control.labels_type: labels}
    return {**common, "from_name": control.labels_name, "type": control.labels_type, "value": value}


def text_parts(
    read: ReadLine, common: Mapping[str, Any], shape: Mapping[str, Any], config: LabelingConfig
) -> list[dict[str, Any]]:
    """The result that holds the text; none where nothing was read."""
    text = storable(read.judgement.text)
    if not text.strip():
        return []
    value = {**shape, "text": [text]}
    return [{**common, "from_name": config.text_name, "type": "textarea", "value": value}]


def explanation_meta(read: ReadLine, language: MessageLanguage) -> dict[str, Any]:
    """The explanation as `meta` fields; empty for an agreed line without a remark."""
    if is_ready(read) and not read.judgement.reasons:
        return {}
    text = storable(explanations.explain(read.judgement, read.readings, language)).strip()
    return {"text": text} if text else {}


def with_readings(read: ReadLine, region_id: str, parts: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A line's results, with its readings in the first one's meta."""
    first, *others = parts
    return [
        {**first, "meta": {**first.get("meta", {}), **region_notes.readings_meta(read, region_id)}},
        *others,
    ]


def stored_score(score: float) -> float:
    """A score as Label Studio stores it: 0 to 1, four digits; 0 for a number that is none."""
    return round(min(1.0, max(0.0, score)), 4) if math.isfinite(score) else 0.0

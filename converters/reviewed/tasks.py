"""What a task of an export says: that it is one, its name, its images; pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any

from backend.errors import BadRequest, ConfigIncomplete
from backend.label_studio.annotations import Json
from backend.label_studio.config_tags import Tag, parse_xml
from backend.label_studio.labeling_config import LabelingConfig, LabelNames

_IMAGE = re.compile(r"(?i)^(/data/|https?://|s3://|gs://|azure-blob://)|\.(png|jpe?g|webp|bmp|gif|tiff?)$")
_USUAL_FIELDS = ("image", "ocr", "img", "captioning", "url")


def as_task(item: object) -> Json | None:
    """The item as a task with its annotations, or None where it is none.

    An export of Label Studio before 1.0 calls annotations `completions`.
    """
    if not isinstance(item, dict):
        return None
    if isinstance(item.get("data"), dict):
        old = item.get("completions")
        if isinstance(old, list) and "annotations" not in item:
            return {**item, "annotations": [_annotation_of(one) for one in old]}
        return item
    inside = item.get("task")
    if (
        isinstance(item.get("result"), list)
        and isinstance(inside, dict)
        and isinstance(inside.get("data"), dict)
    ):
        return {**inside, "annotations": [{key: value for key, value in item.items() if key != "task"}]}
    return None


def _annotation_of(completion: object) -> object:
    """A completion as later versions have it: `was_cancelled` for `skipped`, a date for its seconds."""
    if not isinstance(completion, dict):
        return completion
    cancelled = bool(completion.get("was_cancelled") or completion.get("skipped"))
    made = {**completion, "was_cancelled": cancelled}
    seconds = completion.get("created_at")
    if isinstance(seconds, (int, float)) and not isinstance(seconds, bool):
        with suppress(ValueError, OverflowError, OSError):
            made["created_at"] = datetime.fromtimestamp(seconds, timezone.utc).isoformat()
    return made


def task_name(task: Json) -> str:
    """A task's id, or what takes its place in names where it has none."""
    identity = task.get("id")
    if isinstance(identity, int) and not isinstance(identity, bool):
        return str(identity)
    plain = json.dumps([identity, task.get("data")], sort_keys=True, default=repr)
    return f"task-{hashlib.sha256(plain.encode()).hexdigest()[:12]}"


def config_of(xml: str, names: LabelNames) -> LabelingConfig | None:
    """A labeling config, or None for one that twinread could not work with, whose tasks it can still read.

    Args:
        xml: the config as Label Studio has it.
        names: what the labels are called.
    """
    try:
        return LabelingConfig.parse(xml, names)
    except ConfigIncomplete:
        return None


def labels_in(xml: str) -> tuple[str, ...] | None:
    """Every label that a labeling config offers, as results spell it; None where tasks bring labels, too.

    Raises:
        BadRequest: it is no labeling config.
    """
    labels = []
    for tag in map(Tag.of, parse_xml(xml).iter()):
        label = tag.attributes.get("alias") or tag.attributes.get("value", "")
        if tag.kind.endswith(("label", "labels")):
            if label.startswith("$"):
                return None
            labels += [label] if tag.kind == "label" else []
    return tuple(dict.fromkeys(filter(None, labels)))


def references_of(
    data: Mapping[str, Any], config: LabelingConfig | None, image_field: str | None
) -> tuple[str, ...]:
    """The images of a task, one per page.

    Args:
        data: the task's data.
        config: names the field, where it is known.
        image_field: names it, too, and wins.

    Raises:
        BadRequest: there is none, or several fields could be it.
    """
    if image_field is None and config is not None:
        return config.references(data)
    fields = [image_field] if image_field is not None else [name for name in data if _images_in(data[name])]
    if len(fields) > 1:
        fields = [name for name in _USUAL_FIELDS if name in fields][:1] or fields
    if len(fields) != 1 or not _images_in(data.get(fields[0]), any_text=True):
        if image_field is not None:
            raise BadRequest(f"The task's data has no image in the field {image_field} (--image-field).")
        raise BadRequest(
            "The task's data names no image for certain. Pass --image-field with the field that holds it, "
            "or --config with the project's labeling config."
        )
    return _images_in(data[fields[0]], any_text=True)


def _images_in(value: object, *, any_text: bool = False) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else [value]
    images = [item for item in listed if isinstance(item, str) and item and (any_text or _IMAGE.search(item))]
    return tuple(images) if len(images) == len(listed) else ()

"""What an annotation says: who made it, when, whether it counts, which prediction it began with; pure.

One rule for every command, so that `status` counts the annotation that `export` exports. Counted is what
somebody submitted and did not skip. Everything else that stands among a task's annotations (a skipped one,
one without a list of results, `completions` of Label Studio before version 1) is passed over: to export
it, or to call its page done, would be the worse mistake.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any, TypeAlias

from backend.label_studio import result_fields

Json: TypeAlias = Mapping[str, Any]
"""An object as it stands in an export or in an answer of Label Studio."""

LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)
"""The moment of what does not say when it was made: anything that says so is newer."""


def listed_annotations(task: Json) -> list[object] | None:
    """Whatever stands among a task's annotations, in its order; None where that cannot be read.

    It cannot where they are no list, and where they are `completions`: before version 1 Label Studio
    called them so, in a shape of their own.
    """
    listed = task.get("annotations") or []
    if not isinstance(listed, list) or (not listed and task.get("completions")):
        return None
    return listed


def is_readable(annotation: object) -> bool:
    """It is an object with a list of results."""
    return isinstance(annotation, dict) and isinstance(annotation.get("result"), list)


def is_cancelled(annotation: Json) -> bool:
    """Its annotator skipped the task; anything but a plain "no" counts as a yes."""
    return annotation.get("was_cancelled") not in (False, None)


def submitted_annotations(task: Json) -> list[Json]:
    """The annotations of a task that count: submitted, not cancelled, and readable; in the task's order."""
    return [
        annotation
        for annotation in listed_annotations(task) or []
        if isinstance(annotation, dict) and is_readable(annotation) and not is_cancelled(annotation)
    ]


def latest(annotations: Iterable[Json]) -> Json | None:
    """The one that was changed last; of several changed at one moment, the last in order. None of none."""
    chosen: Json | None = None
    for annotation in annotations:
        if chosen is None or changed_at(annotation) >= changed_at(chosen):
            chosen = annotation
    return chosen


def user_of(annotation: Json) -> str:
    """The id of who made an annotation; empty where it does not say."""
    user = annotation.get("completed_by")
    user = user.get("id") if isinstance(user, dict) else user
    return "" if user is None else str(user)


def changed_at(annotation: Json) -> datetime:
    """When an annotation was changed last; `LONG_AGO` where it does not say."""
    return moment_of(annotation.get("updated_at") or annotation.get("created_at")) or LONG_AGO


def moment_of(written: object) -> datetime | None:
    """A time as Label Studio writes it, which is UTC where no zone is named; None where it is no time."""
    try:
        moment = datetime.fromisoformat(str(written).replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def predictions_of(task: Json) -> list[Json]:
    """The predictions of a task, in its order; exports hold their ids alone, which are passed over."""
    listed = task.get("predictions")
    return [
        prediction
        for prediction in (listed if isinstance(listed, list) else [])
        if isinstance(prediction, dict) and isinstance(prediction.get("result"), list)
    ]


def newest_prediction(predictions: Iterable[Json]) -> Json | None:
    """The prediction that was stored last; of several stored at one moment, the one of the highest id."""

    def age(prediction: Json) -> tuple[datetime, int]:
        identity = prediction.get("id")
        number = identity if isinstance(identity, int) else -1
        return moment_of(prediction.get("created_at")) or LONG_AGO, number

    return max(predictions, key=age, default=None)


def prediction_of(task: Json, annotation: Json) -> Json | None:
    """The prediction that an annotator began with; None where it is not known.

    Label Studio's exports hold predictions as ids; the full parent stands in the annotation at times, and
    in the task where it was read through the API. A parent that is named and was deleted is not known:
    another prediction in its place would call untouched lines changed. Where no parent is named (drafts
    name none), it is the prediction that shares the most regions with the work, of those that were there
    when the work began; of several that share as many, the newest.

    Args:
        task: as it stands in an export or in an answer of Label Studio.
        annotation: one of its annotations or drafts.
    """
    parent = annotation.get("prediction")
    if isinstance(parent, dict) and isinstance(parent.get("result"), list):
        return parent
    known = predictions_of(task)
    named = annotation.get("parent_prediction")
    if named is not None:
        return next((prediction for prediction in known if prediction.get("id") == named), None)
    began = moment_of(annotation.get("created_at")) or LONG_AGO
    before = [each for each in known if (moment_of(each.get("created_at")) or LONG_AGO) <= began]
    ids = _region_ids(annotation)
    shared = [len(ids & _region_ids(each)) for each in before]
    return newest_prediction(each for each, count in zip(before, shared, strict=True) if count == max(shared))


def _region_ids(holder: Json) -> set[str]:
    """The ids of the regions in a `result`; results that name none are passed over."""
    parts = holder.get("result")
    named = (
        result_fields.name_in(part, "id")
        for part in (parts if isinstance(parts, list) else [])
        if isinstance(part, dict)
    )
    return set(filter(None, named))

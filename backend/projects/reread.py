"""Reads boxes again that a person moved, and touches nothing that a person did.

What comes of it is a new prediction beside the person's own work: every box as the person left it, a
fresh text where only the box was changed. Annotations and drafts are never written, so nothing can be
lost; whoever wants the new texts takes them over in Label Studio.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from backend.errors import BadRequest, LabelStudioFailed
from backend.label_studio.annotations import Json, is_readable, latest, prediction_of, submitted_annotations
from backend.label_studio.client import LabelStudio
from backend.label_studio.labeling_config import LabelingConfig
from backend.label_studio.prediction_check import PredictionCheck
from backend.label_studio.region_notes import readings_in
from backend.label_studio.regions import Region, is_turned_over, moved, regions, turned_back
from backend.page.lines import Verdict
from backend.pipeline.version import REREAD


@dataclass(frozen=True, slots=True)
class Reread:
    """One line that was read again.

    before, after: its texts; empty for none.
    doubtful: the readings of the new box differ.
    """

    task: int
    region: str
    before: str
    after: str
    doubtful: bool


@dataclass(frozen=True, slots=True)
class NotRead:
    """One line that nobody could read again, and why; it stays in the new prediction as it was."""

    task: int
    region: str
    why: str


@dataclass(frozen=True, slots=True)
class NotStored:
    """A task whose new prediction Label Studio refused, and why."""

    task: int
    why: str


def reread(
    api: LabelStudio, project: int, config: LabelingConfig, only: int | None
) -> Iterator[Reread | NotRead | NotStored]:
    """Read the changed boxes of a project's tasks again, through Label Studio's own connection.

    Args:
        api: Label Studio.
        project: its number.
        config: its labeling config.
        only: the one task to look at; None looks at all.

    Yields:
        Each line that was read again, once its prediction is stored, each that nobody could read, and each
        task whose prediction Label Studio refused; most servers store it even if it does not fit the
        labeling config.

    Raises:
        BadRequest: no backend is connected, or the one task is another project's.
        LabelStudioFailed: Label Studio is out of reach, or has no answer of the backend.
    """
    connected = api.backends(project)
    if not connected:
        raise BadRequest(
            f"No backend is connected to project {project}. Run `twinread setup-project --project {project}`."
        )
    backend = int(connected[0]["id"])
    tasks = [_one_task(api, project, only)] if only is not None else api.tasks(project)
    for task in tasks:
        work = persons_work(task)
        if work is None:
            continue
        result, parent = work
        changed = changed_boxes(result, parent, config)
        if not changed:
            continue
        answers, unread = _answers(api, backend, int(task["id"]), changed)
        yield from (NotRead(int(task["id"]), region, why) for region, why in unread.items())
        if not answers:
            continue
        merged = with_answers(result, answers)
        try:
            api.create_prediction(int(task["id"]), merged, reread_version(task))
        except LabelStudioFailed as error:
            if error.facts.get("status") != httpx.codes.BAD_REQUEST:
                raise
            yield NotStored(int(task["id"]), _why(api, project, merged) or str(error))
            continue
        new = {region.id: region for region in regions(merged)}
        for region in changed:
            if region.id in unread:
                continue
            labels = config.labels_of(region.from_name)
            after = new[region.id]
            yield Reread(
                int(task["id"]),
                region.id,
                " ".join(region.texts),
                " ".join(after.texts),
                labels.has_check_label and labels.check in after.labels,
            )


def _why(api: LabelStudio, project: int, result: Sequence[Any]) -> str:
    """Which part of a result does not fit the labeling config; empty where all of it fits."""
    return PredictionCheck(str(api.project(project)["label_config"])).misfit({"result": list(result)})


def _one_task(api: LabelStudio, project: int, number: int) -> dict[str, Any]:
    task = api.task(number)
    if task["project"] != project:
        raise BadRequest(
            f"Task {number} belongs to project {task['project']}, whose config and backend may differ; run "
            f"this with --project {task['project']}.",
            task=number,
        )
    return task


def reread_version(task: Mapping[str, Any]) -> str:
    """The version of a re-read of a task: that of its last prediction which is none itself."""
    made = [prediction for prediction in task.get("predictions") or [] if not _is_reread(prediction)]
    return f"{REREAD}{(made or [{}])[-1].get('model_version') or ''}".strip()


def persons_work(task: Json) -> tuple[list[Any], list[Any]] | None:
    """The results that a person left in a task, and those it began with; None where nobody did anything.

    That is the annotation that counts, or a draft that was changed since: an open page is still at work,
    and the boxes are read as they lie there now. Where the prediction that the work began with is not
    known, there is none of its results.
    """
    drafts = [draft for draft in task.get("drafts") or [] if is_readable(draft)]
    last = latest([*submitted_annotations(task), *drafts])
    if last is None:
        return None
    parent = prediction_of(task, last)
    return list(last["result"]), list(parent["result"]) if parent is not None else []


def changed_boxes(result: Sequence[Any], parent: Sequence[Any], config: LabelingConfig) -> list[Region]:
    """Boxes that a person moved, turned or drew, and whose text is nobody's own.

    A text that differs from the prediction's was changed by a person, and is kept; so is a box that a
    person called illegible or no text.

    Args:
        result: what the person left.
        parent: the result that the work began with; empty where that is not known.
        config: the project's, which says what the labels mean.
    """
    first = {region.id: region for region in regions(list(parent))}
    changed = []
    for region in regions(list(result)):
        labels = config.labels_of(region.from_name)
        if region.points is None or {labels.illegible, labels.not_text} & set(region.labels):
            continue
        before = first.get(region.id)
        if before is not None and is_turned_over(before, region):
            # the editor did that, when a corner was dragged over the opposite one
            region = turned_back(region)
        untouched = region.texts == before.texts if before else not any(region.texts)
        if untouched and (before is None or moved(before, region)):
            changed.append(region)
    return changed


def with_answers(result: Sequence[Any], answers: Sequence[Any]) -> list[Any]:
    """The person's result, with the results of the boxes that were read again in their place.

    Args:
        result: what the person left.
        answers: the backend's results for the boxes that were read again.
    """
    fresh: dict[str, list[Any]] = {}
    for part in answers:
        fresh.setdefault(part["id"], []).append({**part, "origin": "prediction"})
    merged: list[Any] = []
    for part in result:
        identity = part.get("id") if isinstance(part, Mapping) else None
        if identity not in fresh:
            merged.append(part)
        elif fresh[identity]:
            merged += fresh[identity]
            fresh[identity] = []
    return merged


def _answers(
    api: LabelStudio, backend: int, task: int, changed: Sequence[Region]
) -> tuple[list[Any], dict[str, str]]:
    """What the backend reads of boxes.

    It answers a person in time, read or not, and keeps a reading that came too late: boxes without all
    their readings are asked for again, as long as that brings some.

    Returns:
        The results of boxes that somebody read, and by region id why nobody read the others.
    """
    came: dict[str, Region] = {}
    left = changed
    while True:
        came |= {region.id: region for region in regions(_ask(api, backend, task, left))}
        again = [region for region in left if region.id not in came or _is_unfinished(came[region.id])]
        if not again or len(again) == len(left):
            break
        left = again
    unread = {region.id: why for region in changed if (why := _why_unread(came.get(region.id)))}
    read = [came[region.id] for region in changed if region.id not in unread]
    return [part for region in read for part in region.results], unread


def _is_unfinished(answer: Region) -> bool:
    """Whether a reader has not looked at a box, so that asking again may bring more."""
    stored = readings_in(answer)
    return stored is not None and (
        stored.verdict is Verdict.UNREAD or any(reading.failed for reading in stored.readings)
    )


def _why_unread(answer: Region | None) -> str:
    """Why nobody read a box; empty where somebody did."""
    if answer is None:
        return "The backend has no answer for it."
    stored = readings_in(answer)
    if stored is None or not all(reading.failed for reading in stored.readings):
        return ""
    if not stored.readings and stored.verdict is not Verdict.UNREAD:
        return ""
    return "; ".join(str(answer.meta.get("text") or "Nobody could look at it.").splitlines())


def _ask(api: LabelStudio, backend: int, task: int, changed: Sequence[Region]) -> list[Any]:
    """What the backend reads of boxes, asked as the editor asks for a drawn one."""
    drawn = [
        {**part, "origin": "manual"}
        for region in changed
        for part in region.results
        if part.get("type") not in ("textarea", "choices")
    ]
    answer = api.read_boxes(backend, task, drawn)
    result = (answer.get("data") or {}).get("result")
    if not result:
        raise LabelStudioFailed(
            f"Label Studio has no answer of the backend for task {task}: {answer.get('errors')}. Start the "
            "backend, and switch on Interactive preannotations in Settings > Model.",
            task=task,
        )
    return list(result)


def _is_reread(prediction: Mapping[str, Any]) -> bool:
    return str(prediction.get("model_version") or "").startswith(REREAD)

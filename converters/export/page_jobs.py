"""The pages of a task whose annotation counts, each with what decides about it; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from backend.errors import BadRequest
from backend.label_studio import result_fields
from backend.label_studio.annotations import Json, prediction_of
from backend.label_studio.labeling_config import NO_PAGE, LabelingConfig
from backend.label_studio.regions import regions
from converters.reviewed import tasks
from converters.reviewed.line_rules import pages_of, references_of
from converters.reviewed.reasons import LeftOutReason


@dataclass(frozen=True, slots=True)
class PageJob:
    """A page of a task whose annotation counts.

    key: the page's name, unique in the project.
    task: the task's id, as its name.
    number: of the page in its task, from 0; `NO_PAGE` for regions that nobody can place.
    reference: None where the task has no such page; then `problem` and `sentence` say why.
    group: pages of one group stay in one part.
    annotation: the one that counts.
    witnesses: other users' annotations, for the rule "agreeing".
    prediction: what the annotator began with; None where it is not known.
    language: as the task's data has it; None where it has none.
    held_back: why regions that nobody looked at wait for people, by id (`--guarantee`).
    """

    key: str
    task: str
    number: int
    reference: str | None
    group: str | None
    annotation: Json
    witnesses: tuple[Json, ...]
    prediction: Json | None
    problem: LeftOutReason | None = None
    sentence: str = ""
    language: str | None = None
    held_back: Mapping[str, LeftOutReason] = field(default_factory=dict)


def page_jobs(
    task: Json,
    annotation: Json,
    witnesses: tuple[Json, ...],
    config: LabelingConfig | None,
    *,
    image_field: str | None = None,
    split_by: str | None = None,
    held_back: Mapping[str, LeftOutReason] | None = None,
) -> Iterator[PageJob]:
    """The pages that a task's data names, and those that regions of its annotation are on.

    Args:
        task: as it stands in an export.
        annotation: the one that counts.
        witnesses: other users' annotations, for the rule "agreeing".
        config: the labeling config, where it is known.
        image_field: the field of the task's data that names its image, where the config does not tell.
        split_by: the field of the task's data by which pages are grouped.
        held_back: why regions that nobody looked at wait for people, by id.
    """
    data: Mapping[str, Any] = task["data"]
    name = tasks.task_name(task)
    group = None
    if split_by is not None and data.get(split_by) is not None:
        group = str(data[split_by])
    language = data.get("language")
    sentence = ""
    references: tuple[str | None, ...] = ()
    try:
        references = references_of(data, config, image_field)
    except BadRequest as error:
        sentence = str(error)
    numbers = {0} if _one_page(annotation, config) else _page_numbers(annotation, config)
    prediction = prediction_of(task, annotation)
    for number in sorted({*range(max(1, len(references))), *numbers}):
        reference = references[number] if 0 <= number < len(references) else None
        problem, why = None, ""
        if reference is None:
            problem, why = _problem(number, references, config)
        yield PageJob(
            key=page_name(name, number, len(references)),
            task=name,
            number=number,
            reference=reference,
            group=group,
            annotation=annotation,
            witnesses=witnesses,
            prediction=prediction,
            problem=problem,
            sentence=why if number == NO_PAGE else sentence or why,
            language=language if isinstance(language, str) and language else None,
            held_back=held_back or {},
        )


def _problem(
    number: int, references: tuple[str | None, ...], config: LabelingConfig | None
) -> tuple[LeftOutReason, str]:
    """Why a page has no image, as a reason and in a sentence."""
    if number == NO_PAGE and config is None:
        return (
            LeftOutReason.NO_SUCH_IMAGE,
            "Its regions are on images of several names, and which image each name means only the labeling "
            "config knows. Pass it with --config.",
        )
    if number == NO_PAGE:
        read = ", ".join(image.image_name for image in (config, *config.others)) if config is not None else ""
        return (
            LeftOutReason.NO_SUCH_IMAGE,
            f"Some of its regions do not name one image that the labeling config has lines on ({read}).",
        )
    if number < len(references):
        return LeftOutReason.NO_IMAGE, "The task has no image for this page, or --image-field names another."
    if references:
        return LeftOutReason.NO_SUCH_PAGE, f"The task has {len(references)} pages."
    return LeftOutReason.NO_IMAGE, ""


def page_name(task: str, number: int, pages: int) -> str:
    """A page's name: its task's id, and the page's number where the task has several.

    Args:
        task: the task's id.
        number: of the page in its task, from 0.
        pages: how many the task has.
    """
    return task if pages <= 1 and number == 0 else f"{task}_p{number + 1}"


def _one_page(annotation: Json, config: LabelingConfig | None) -> bool:
    """Nothing in the annotation can be on another page than the first; spares a look at every region."""
    several = config is not None and (config.multi_image or len(config.image_tags) > 1)
    parts = [part for part in annotation["result"] if isinstance(part, dict)]
    names = {result_fields.name_in(part, "to_name") for part in parts} if config is None else set()
    return not several and len(names) < 2 and not any("item_index" in part for part in parts)


def _page_numbers(annotation: Json, config: LabelingConfig | None) -> set[int]:
    return set(pages_of(regions(annotation["result"]), config))

"""The pages of a task whose annotation counts, each with what decides about it; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from backend.errors import BadRequest
from backend.label_studio.annotations import Json, prediction_of
from backend.label_studio.labeling_config import LabelingConfig
from backend.label_studio.regions import regions
from converters.reviewed import tasks
from converters.reviewed.line_rules import page_of
from converters.reviewed.reasons import LeftOutReason


@dataclass(frozen=True, slots=True)
class PageJob:
    """A page of a task whose annotation counts.

    key: the page's name, unique in the project.
    task: the task's id, as its name.
    number: of the page in its task, from 0.
    reference: None where the task has no such page; then `problem` and `sentence` say why.
    group: pages of one group stay in one part.
    annotation: the one that counts.
    witnesses: other users' annotations, for the rule "agreeing".
    prediction: what the annotator began with; None where it is not known.
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


def page_jobs(
    task: Json,
    annotation: Json,
    witnesses: tuple[Json, ...],
    config: LabelingConfig | None,
    *,
    image_field: str | None = None,
    split_by: str | None = None,
) -> Iterator[PageJob]:
    """The pages that a task's data names, and those that regions of its annotation are on.

    Args:
        task: as it stands in an export.
        annotation: the one that counts.
        witnesses: other users' annotations, for the rule "agreeing".
        config: the labeling config, where it is known.
        image_field: the field of the task's data that names its image, where the config does not tell.
        split_by: the field of the task's data by which pages are grouped.
    """
    data: Mapping[str, Any] = task["data"]
    name = tasks.task_name(task)
    group = None
    if split_by is not None and data.get(split_by) is not None:
        group = str(data[split_by])
    sentence = ""
    try:
        references = tasks.references_of(data, config, image_field)
    except BadRequest as error:
        references, sentence = (), str(error)
    numbers = {0} if _one_page(annotation, config) else _page_numbers(annotation, config)
    prediction = prediction_of(task, annotation)
    for number in sorted({*range(max(1, len(references))), *numbers}):
        named = 0 <= number < len(references)
        yield PageJob(
            key=page_name(name, number, len(references)),
            task=name,
            number=number,
            reference=references[number] if named else None,
            group=group,
            annotation=annotation,
            witnesses=witnesses,
            prediction=prediction,
            problem=None if named else LeftOutReason.NO_SUCH_PAGE if references else LeftOutReason.NO_IMAGE,
            sentence=sentence or f"The task has {len(references)} pages.",
        )


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
    several = config is not None and config.multi_image
    return not several and not any(
        "item_index" in part for part in annotation["result"] if isinstance(part, dict)
    )


def _page_numbers(annotation: Json, config: LabelingConfig | None) -> set[int]:
    return {page_of(region, config) for region in regions(annotation["result"])}

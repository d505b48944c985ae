"""Results for Label Studio out of what the service read; shared by every face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from backend import label_studio
from backend.errors import BadRequest
from backend.labeling_config import LabelingConfig
from backend.lines import ReadPage
from backend.service import Failure, Service, Task


@dataclass(frozen=True, slots=True)
class Wording:
    """Languages: of pages that do not say their own, and of what annotators are told."""

    page_language: str
    message_language: Literal["en", "ru"]


def predict(
    service: Service,
    items: Sequence[Mapping[str, Any]],
    config: LabelingConfig,
    wording: Wording,
    deadline_s: float,
) -> list[dict[str, Any]]:
    """One result per task, in order.

    A task that failed, or was not reached before the deadline, is an empty object: Label Studio
    stores nothing for it and asks again. (`null` would lose the whole batch.)

    Raises:
        NotReady: the models are still loading, or failed to load.
    """
    version = service.model_version
    pages_of_tasks = [_pages(service, item, config, wording) for item in items]
    read = iter(service.read_tasks([page for pages in pages_of_tasks for page in pages], deadline_s))
    results = []
    for pages in pages_of_tasks:
        outcome = [next(read) for _ in pages]
        complete = [page for page in outcome if isinstance(page, ReadPage)]
        # a task of several pages is whole or not at all: half of it would look finished
        whole = bool(complete) and len(complete) == len(outcome)
        results.append(_prediction(complete, config, version, wording) if whole else {})
    return results


def _pages(service: Service, item: Mapping[str, Any], config: LabelingConfig, wording: Wording) -> list[Task]:
    """The pages of a task as Label Studio sends it; none, noted as a failure, where it has no image."""
    number = item.get("id")
    task_id = number if isinstance(number, int) else None
    data = item.get("data")
    if not isinstance(data, Mapping):
        data = {}
    language = str(data.get("language") or wording.page_language)
    try:
        references = config.references(data)
    except BadRequest as error:
        task = Task(task_id, "", language)
        service.note(task, Failure(task, error))
        return []
    return [Task(task_id, reference, language) for reference in references]


def _prediction(
    pages: Sequence[ReadPage], config: LabelingConfig, version: str, wording: Wording
) -> dict[str, Any]:
    return label_studio.prediction(
        pages[0], config, model_version=version, message_language=wording.message_language
    )

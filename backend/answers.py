"""Results for Label Studio out of what the service read; shared by every face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from backend import label_studio
from backend.errors import TwinreadError
from backend.labeling_config import LabelingConfig
from backend.service import Failure, Service, task_of


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
    tasks = [task_of(item, config.data_field, wording.page_language) for item in items]
    pages = service.read_tasks(tasks, deadline_s)
    version = service.model_version
    return [
        {}
        if isinstance(page, Failure)
        else label_studio.prediction(
            page, config, model_version=version, message_language=wording.message_language
        )
        for page in pages
    ]

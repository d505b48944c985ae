"""`POST /predict`, once its body is known to be one; shared by our own server and label-studio-ml."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from backend.errors import BadRequest
from backend.label_studio.labeling_config import LabelingConfig
from backend.pipeline.read_task import Wording
from backend.pipeline.service import Service
from backend.server import answers
from backend.server.protocol import PredictBody
from backend.settings.settings import Settings


def config_parser(settings: Settings) -> Callable[[str], LabelingConfig]:
    """Parses labeling configs by the label names of the settings; what it has parsed lately is kept."""

    @lru_cache(maxsize=64)
    def parsed(xml: str) -> LabelingConfig:
        return LabelingConfig.parse(xml, settings.label_names)

    return parsed


def read_by_service(
    service: Service, labeling_config: Callable[[str], LabelingConfig], settings: Settings, body: PredictBody
) -> list[dict[str, Any]]:
    """One result per task, in order; for drawn regions one result with their texts.

    Args:
        service: reads.
        labeling_config: parses the body's.
        settings: deadline and languages.
        body: of the request.

    Raises:
        BadRequest: the config cannot work, or regions were drawn on several tasks at once.
        Busy: so many pages wait already that none of these was taken.
        NotReady: the models are still loading.
        TwinreadError: why they failed to load.
    """
    config = labeling_config(body.label_config)
    wording = Wording(settings.ocr_language, settings.message_language)
    limit_s, project = settings.predict_deadline_s, body.project_name
    if body.drawn is None:
        return answers.predict(service, body.tasks, config, wording, limit_s, project=project)
    if len(body.tasks) != 1:
        raise BadRequest("A request with drawn regions must have exactly one task.")
    return [answers.assist(service, body.tasks[0], body.drawn, config, wording, limit_s, project=project)]

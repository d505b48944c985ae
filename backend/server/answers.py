"""Results for Label Studio out of what the service read; shared by every face."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backend.errors import BadRequest, TwinreadError
from backend.label_studio import predictions
from backend.label_studio.labeling_config import LabelingConfig
from backend.label_studio.message_language import MessageLanguage
from backend.label_studio.regions import Region, region_quad
from backend.page import geometry
from backend.page.lines import Judgement, Line, ReadLine, ReadPage, Reason, ReasonKind, Verdict
from backend.pipeline.service import Failure, Service, Task

ASSIST_LIMIT_S = 30.0
"""A person who drew a box waits for its text no longer."""


@dataclass(frozen=True, slots=True)
class Wording:
    """Languages: of pages that do not say their own, and of what annotators are told."""

    page_language: str
    message_language: MessageLanguage


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
        results.append(
            predictions.prediction_of_pages(
                complete, config, model_version=version, message_language=wording.message_language
            )
            if whole
            else predictions.empty_result()
        )
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


def assist(
    service: Service,
    item: Mapping[str, Any],
    drawn: object,
    config: LabelingConfig,
    wording: Wording,
    deadline_s: float,
) -> dict[str, Any]:
    """The texts of regions that an annotator has just drawn, read ahead of all bulk work.

    Never an empty result, which would delete the drawn box: where the image or the readers cannot be
    had, the box comes back as doubtful, with the reason.

    Args:
        service: reads.
        item: the task.
        drawn: `params.context.result` of the request.
        config: tag and label names.
        wording: languages.
        deadline_s: when a box goes back unread, seconds.

    Raises:
        NotReady: the models are still loading, or failed to load.
    """
    end = time.monotonic() + min(deadline_s, ASSIST_LIMIT_S)
    version = service.model_version
    wanted = predictions.drawn_regions(drawn, config)
    if not wanted:
        return predictions.unchanged_result(drawn, model_version=version)
    pages = _pages(service, item, config, wording)
    answers = [(region, _read(service, region, pages, config, end)) for region in wanted]
    return predictions.assist_result(
        answers, config, model_version=version, message_language=wording.message_language
    )


def _read(
    service: Service, region: Region, pages: Sequence[Task], config: LabelingConfig, end: float
) -> ReadLine:
    """One drawn region, read; a region that cannot be read says why."""
    line = Line(region_quad(region))
    page = config.page_of(region)
    # a Repeater says the page in the names of its tags
    if len(pages) > 1 and region.item_index is None and config.index_flag is None:
        return _unread(line, "Label Studio did not say which page the box is on; type its text")
    if page >= len(pages):
        return _unread(line, "the task has no such page")
    if geometry.is_degenerate(line.quad):
        return _unread(line, "the box is too small to hold text")
    try:
        return service.read_quads(pages[page], [line], max(0.0, end - time.monotonic()))[0]
    except TwinreadError as error:
        service.note(pages[page], Failure(pages[page], error))
        return _unread(line, str(error))


def _unread(line: Line, why: str) -> ReadLine:
    reason = Reason(ReasonKind.READER_FAILED, "twinread", why)
    return ReadLine(line, (), Judgement(Verdict.UNREAD, "", 0.0, (reason,)))

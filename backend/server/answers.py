"""Answers to Label Studio out of what the service read; shared by our own server and label-studio-ml."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from backend.errors import BadRequest, TwinreadError
from backend.label_studio import interactive, predictions
from backend.label_studio.labeling_config import NO_PAGE, LabelingConfig
from backend.label_studio.regions import Region, region_quad
from backend.page import geometry
from backend.page.lines import Judgement, Line, ReadLine, Reason, ReasonKind, Verdict
from backend.pipeline.read_task import Failure, Prediction, TaskPage, Wording, pages_of, task_id
from backend.pipeline.service import Service

ASSIST_LIMIT_S = 30.0
"""A person who drew a box waits for its text no longer."""


def predict(
    service: Service,
    tasks: Sequence[Mapping[str, Any]],
    config: LabelingConfig,
    wording: Wording,
    deadline_s: float,
) -> list[dict[str, Any]]:
    """One result per task, in order.

    A task that failed, or was not reached before the deadline, is an empty object: Label Studio
    stores nothing for it and asks again. (`null` would lose the whole batch.)

    Args:
        service: reads.
        tasks: as Label Studio sends them, with `id` and `data`.
        config: tag and label names.
        wording: languages.
        deadline_s: after this time it answers with what is ready, seconds.

    Raises:
        NotReady: the models are still loading.
        TwinreadError: why they failed to load.
    """
    return [
        answer.answer() if isinstance(answer, Prediction) else predictions.empty_result()
        for answer in service.predict(tasks, config, wording, deadline_s)
    ]


def assist(
    service: Service,
    task: Mapping[str, Any],
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
        task: as Label Studio sends it, with `id` and `data`.
        drawn: `params.context.result` of the request.
        config: tag and label names.
        wording: languages.
        deadline_s: when a box goes back unread, seconds.

    Raises:
        NotReady: the models are still loading.
        TwinreadError: why they failed to load.
    """
    end = time.monotonic() + min(deadline_s, ASSIST_LIMIT_S)
    version = service.model_version
    wanted = interactive.drawn_regions(drawn, config)
    if not wanted:
        return interactive.unchanged_result(drawn, model_version=version)
    try:
        pages = pages_of(task, config, wording)
    except BadRequest as error:
        service.note(Failure(task_id(task), error))
        pages = []
    answers = [(region, _read(service, region, pages, config, end)) for region in wanted]
    return interactive.assist_result(
        answers, config, model_version=version, message_language=wording.message_language
    )


def _read(
    service: Service, region: Region, pages: Sequence[TaskPage], config: LabelingConfig, end: float
) -> ReadLine:
    """One drawn region, read; a region that cannot be read says why."""
    line = Line(region_quad(region))
    page = config.page_of(region)
    if page == NO_PAGE:
        return _unread(line, "no image that is read has this box; type its text")
    # a Repeater and several Image tags say the page in the names of tags
    if len(pages) > 1 and region.item_index is None and config.has_item_index:
        return _unread(line, "Label Studio did not say which page the box is on; type its text")
    if page >= len(pages):
        return _unread(line, "the task has no such page")
    if geometry.is_degenerate(line.quad):
        return _unread(line, "the box is too small to hold text")
    try:
        return service.read_lines(pages[page], [line], max(0.0, end - time.monotonic())).lines[0]
    except TwinreadError as error:
        service.note(Failure(pages[page].task, error))
        return _unread(line, str(error))


def _unread(line: Line, why: str) -> ReadLine:
    reason = Reason(ReasonKind.READER_FAILED, "twinread", why)
    return ReadLine(line, (), Judgement(Verdict.UNREAD, "", 0.0, (reason,)))

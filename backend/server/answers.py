"""Answers to Label Studio out of what the service read; shared by our own server and label-studio-ml."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from backend.errors import BadRequest, TwinreadError
from backend.label_studio import interactive, predictions
from backend.label_studio.labeling_config import LabelingConfig
from backend.label_studio.regions import Region, region_quad
from backend.page import geometry
from backend.page.lines import Line, ReadLine
from backend.pipeline.read_task import Failure, Prediction, TaskPage, Wording, pages_of, task_id
from backend.pipeline.service import DRAWN_AT_ONCE, Service, unread_line

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
    answers = _read_drawn(service, wanted, pages, config, end)
    return interactive.assist_result(
        list(zip(wanted, answers, strict=True)),
        config,
        model_version=version,
        message_language=wording.message_language,
    )


def _read_drawn(
    service: Service, wanted: Sequence[Region], pages: Sequence[TaskPage], config: LabelingConfig, end: float
) -> list[ReadLine]:
    """Drawn regions, read; all of one page together, and one that cannot be read says why."""
    read: dict[int, ReadLine] = {}
    by_page: dict[int, list[int]] = {}
    for number, region in enumerate(wanted):
        page = config.page_of(region)
        line = Line(region_quad(region))
        # a Repeater says the page in the names of its tags
        if len(pages) > 1 and region.item_index is None and config.index_flag is None:
            read[number] = unread_line(
                line, "Label Studio did not say which page the box is on; type its text"
            )
        elif page >= len(pages):
            read[number] = unread_line(line, "the task has no such page")
        elif geometry.is_degenerate(line.quad):
            read[number] = unread_line(line, "the box is too small to hold text")
        else:
            by_page.setdefault(page, []).append(number)

    def read_page(page: int) -> list[ReadLine]:
        lines = [Line(region_quad(wanted[number])) for number in by_page[page]]
        try:
            return service.read_lines(pages[page], lines, max(0.0, end - time.monotonic()))
        except TwinreadError as error:
            return [unread_line(line, error) for line in lines]

    if by_page:
        # no page waits for the readers of another one
        with ThreadPoolExecutor(min(len(by_page), DRAWN_AT_ONCE)) as at_once:
            for numbers, lines in zip(by_page.values(), at_once.map(read_page, by_page), strict=True):
                read.update(zip(numbers, lines, strict=True))
    return [read[number] for number in range(len(wanted))]

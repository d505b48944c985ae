"""Answers to Label Studio out of what the service read; shared by our own server and label-studio-ml."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from backend.errors import BadRequest, TwinreadError
from backend.label_studio import interactive, predictions
from backend.label_studio.box_notes import BoxProblem, why_unread
from backend.label_studio.labeling_config import NO_PAGE, LabelingConfig
from backend.label_studio.message_language import MessageLanguage
from backend.label_studio.regions import Region, region_quad
from backend.page import geometry
from backend.page.lines import Judgement, Line, ReadLine, Reason, ReasonKind, Verdict
from backend.pipeline.drawn_boxes import DRAWN_AT_ONCE
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
    *,
    project: str = "",
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
        project: whose tasks they are, so that projects take turns; empty where nobody says it.

    Raises:
        Busy: so many pages wait already that none of these was taken.
        NotReady: the models are still loading.
        TwinreadError: why they failed to load.
    """
    return [
        answer.answer() if isinstance(answer, Prediction) else predictions.empty_result()
        for answer in service.predict(tasks, config, wording, deadline_s, project=project)
    ]


def assist(
    service: Service,
    task: Mapping[str, Any],
    drawn: object,
    config: LabelingConfig,
    wording: Wording,
    deadline_s: float,
    *,
    project: str = "",
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
        project: whose task it is; empty where nobody says it.

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
    answers = _read_drawn(service, wanted, pages, config, wording.message_language, end, project)
    return interactive.assist_result(
        list(zip(wanted, answers, strict=True)),
        config,
        model_version=version,
        message_language=wording.message_language,
    )


def _read_drawn(
    service: Service,
    wanted: Sequence[Region],
    pages: Sequence[TaskPage],
    config: LabelingConfig,
    language: MessageLanguage,
    end: float,
    project: str,
) -> list[ReadLine]:
    """Drawn regions, read; all of one page together, and one that cannot be read says why."""
    lines = [Line(region_quad(region)) for region in wanted]
    came: dict[int, ReadLine | TwinreadError | BoxProblem] = {}
    by_page: dict[int, list[int]] = {}
    for number, (region, line) in enumerate(zip(wanted, lines, strict=True)):
        page = config.page_of(region)
        if page == NO_PAGE:
            came[number] = BoxProblem.NO_IMAGE
        # a Repeater and several Image tags say the page in the names of tags
        elif len(pages) > 1 and region.item_index is None and config.has_item_index:
            came[number] = BoxProblem.PAGE_UNKNOWN
        elif page >= len(pages):
            came[number] = BoxProblem.NO_SUCH_PAGE
        elif geometry.is_degenerate(line.quad):
            came[number] = BoxProblem.TOO_SMALL
        else:
            by_page.setdefault(page, []).append(number)

    def read_page(page: int) -> Sequence[ReadLine | TwinreadError]:
        drawn = [lines[number] for number in by_page[page]]
        try:
            left_s = max(0.0, end - time.monotonic())
            return service.read_lines(pages[page], drawn, left_s, project=project)
        except TwinreadError as error:
            return [error] * len(drawn)

    if by_page:
        # no page waits for the readers of another one
        with ThreadPoolExecutor(min(len(by_page), DRAWN_AT_ONCE)) as at_once:
            for numbers, answers in zip(by_page.values(), at_once.map(read_page, by_page), strict=True):
                came.update(zip(numbers, answers, strict=True))
    return [_shown(came[number], line, language) for number, line in enumerate(lines)]


def _shown(came: ReadLine | TwinreadError | BoxProblem, line: Line, language: MessageLanguage) -> ReadLine:
    """What came of a line; one that nobody could look at with the reason for the annotator."""
    if isinstance(came, ReadLine):
        return came
    reason = Reason(ReasonKind.READER_FAILED, "twinread", why_unread(came, language))
    return ReadLine(line, (), Judgement(Verdict.UNREAD, "", 0.0, (reason,)))

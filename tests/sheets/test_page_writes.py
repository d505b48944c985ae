"""What others do to a page in the very moment in which it is written, in a real Label Studio."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from backend.errors import LabelStudioFailed
from backend.label_studio.client import LabelStudio
from backend.sheets.collecting import collect
from backend.sheets.page_outcomes import PageState
from tests.parts.answered_sheets import SheetProjects
from tests.parts.label_studio import LABEL_STUDIO, RunningLabelStudio
from tests.parts.reviewed_work import Work

pytestmark = LABEL_STUDIO

PAGE = [Work(["cat", "cot"]), Work(["Total", "Total"])]


class Meddling(httpx.BaseTransport):
    """Carries requests; `meddle` hears of a page right before its annotation is made, and may answer."""

    def __init__(self, meddle: Callable[[int], httpx.Response | None]) -> None:
        self._network = httpx.HTTPTransport()
        self._meddle = meddle

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        parts = request.url.path.strip("/").split("/")
        answer = None
        if request.method == "POST" and parts[-1] == "annotations":
            answer = self._meddle(int(parts[-2]))
        return answer or self._network.handle_request(request)

    def close(self) -> None:
        self._network.close()


@contextmanager
def meddled(
    server: RunningLabelStudio, meddle: Callable[[int], httpx.Response | None]
) -> Iterator[LabelStudio]:
    with LabelStudio(server.base_url, server.personal_token, transport=Meddling(meddle)) as api:
        yield api


@pytest.fixture
def made(label_studio: RunningLabelStudio) -> SheetProjects:
    """Three pages, all of whose doubtful lines are decided."""
    projects = SheetProjects.made(label_studio.api(), [PAGE] * 3)
    for task in projects.tasks:
        projects.answer(projects.sheet(*projects.doubtful(task)), "A")
    return projects


def test_a_person_who_submits_the_page_in_the_same_moment_wins(
    label_studio: RunningLabelStudio, made: SheetProjects
) -> None:
    busy = made.tasks[1]

    def submit(task: int) -> None:
        if task == busy:
            made.api.create_annotation(task, made.api.task(task)["predictions"][0]["result"], lead_time=5)

    with meddled(label_studio, submit) as api:
        found = collect(api, made.sheets, made.context)
    assert found.pages == {PageState.COMPLETED: 2, PageState.REVIEWED: 1}
    assert (found.writes.made, found.writes.removed) == (3, 1)
    assert [[each["lead_time"] for each in made.annotations(task)] for task in made.tasks] == [[8], [5], [8]]


def test_what_another_run_makes_in_the_same_moment_stands_once(
    label_studio: RunningLabelStudio, made: SheetProjects
) -> None:
    ran: list[int] = []

    def other(task: int) -> None:
        if not ran:
            ran.append(task)
            made.collect()

    with meddled(label_studio, other) as api:
        collect(api, made.sheets, made.context)
    assert [len(made.annotations(task)) for task in made.tasks] == [1, 1, 1]


def test_a_page_that_label_studio_refuses_is_named_and_the_others_are_written(
    label_studio: RunningLabelStudio, made: SheetProjects
) -> None:
    refused = made.tasks[1]

    def refuse(task: int) -> httpx.Response | None:
        return httpx.Response(400, json={"detail": "no such user"}) if task == refused else None

    with meddled(label_studio, refuse) as api:
        found = collect(api, made.sheets, made.context)
    assert [failure.task for failure in found.writes.failures] == [refused]
    assert "no such user" in found.writes.failures[0].why
    assert [len(made.annotations(task)) for task in made.tasks] == [1, 0, 1]
    assert made.collect().writes.made == 1


def test_a_label_studio_that_is_gone_ends_the_run_and_what_was_written_stays(
    label_studio: RunningLabelStudio, made: SheetProjects
) -> None:
    def gone(task: int) -> httpx.Response | None:
        if task == made.tasks[1]:
            raise httpx.ConnectError("gone")
        return None

    with meddled(label_studio, gone) as api, pytest.raises(LabelStudioFailed):
        collect(api, made.sheets, made.context)
    assert [len(made.annotations(task)) for task in made.tasks] == [1, 0, 1]
    assert made.collect().writes.made == 1

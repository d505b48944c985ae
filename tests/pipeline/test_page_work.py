from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future

import pytest

from backend.errors import Stopping
from backend.pipeline.page_work import PageJob, PageWork
from backend.tickets import Asker, Urgency

SOMEBODY = Asker("project", "request")


def job(work: Callable[[bytes, Urgency], str], fetch: Callable[[], bytes] = lambda: b"") -> PageJob[str]:
    """Work on a page; its image is at hand where an annotator opens it."""
    return PageJob("", lambda: True, fetch, work)


class Desk:
    """Page work over one bulk worker; pages that are held stand still in it until they are let go."""

    def __init__(self) -> None:
        self.pages: PageWork[str] = PageWork(1, kept=10, kept_s=60)
        self.begun: list[str] = []
        self.held: dict[str, threading.Event] = {}

    def page(self, name: str) -> PageJob[str]:
        def work(content: bytes, urgency: Urgency) -> str:
            self.begun.append(name)
            assert name not in self.held or self.held[name].wait(20)
            return f"{name} read"

        return job(work)

    def open(self, *names: str) -> list[Future[str]]:
        """The pages of one task that an annotator waits for."""
        futures = [
            self.pages.submit(name, self.page(name), SOMEBODY, pages=len(names), opened=True)
            for name in names
        ]
        self.pages.hurry(futures)
        return futures

    def hold(self, name: str, *, urgent: bool = False) -> Future[str]:
        """A page that is in work when this returns."""
        self.held[name] = threading.Event()
        future = self.open(name)[0] if urgent else self.pages.submit(name, self.page(name), SOMEBODY)
        end = time.monotonic() + 20
        while name not in self.begun:
            assert time.monotonic() < end
            time.sleep(0.005)
        return future


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    for held in desk.held.values():
        held.set()
    desk.pages.close()


def test_opened_pages_wait_for_no_bulk_page_and_the_bulk_worker_takes_them_first(desk: Desk) -> None:
    desk.hold("bulk 1")
    bulk = desk.pages.submit("bulk 2", desk.page("bulk 2"), SOMEBODY)
    desk.hold("opened 1", urgent=True)
    desk.hold("opened 2", urgent=True)
    (third,) = desk.open("opened 3")
    assert len(desk.pages) == 5

    desk.held["bulk 1"].set()

    assert [future.result(20) for future in (third, bulk)] == ["opened 3 read", "bulk 2 read"]
    assert desk.begun == ["bulk 1", "opened 1", "opened 2", "opened 3", "bulk 2"]


def test_one_opened_page_goes_before_the_pages_of_a_long_task_that_was_opened_earlier(desk: Desk) -> None:
    for name in ("bulk", "long 1", "long 2"):
        desk.hold(name, urgent=name != "bulk")
    long = desk.open("long 3", "long 4", "long 5")
    short = desk.open("short")

    desk.held["bulk"].set()

    for future in (*short, *long):
        future.result(20)
    assert desk.begun == ["bulk", "long 1", "long 2", "short", "long 3", "long 4", "long 5"]


def test_a_failure_is_not_kept_and_a_result_is(desk: Desk) -> None:
    def broken(content: bytes, urgency: Urgency) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        desk.pages.submit("page", job(broken), SOMEBODY).result(20)
    mended = desk.pages.submit("page", desk.page("page"), SOMEBODY)
    assert mended.result(20) == "page read"
    assert desk.pages.submit("page", job(broken), SOMEBODY) is mended
    assert len(desk.pages) == 0


def test_work_hears_of_an_annotator_who_comes_while_it_goes_on(desk: Desk) -> None:
    begun, came = threading.Event(), threading.Event()

    def work(content: bytes, urgency: Urgency) -> str:
        urgency.when_hurried(came.set)
        begun.set()
        return f"urgent: {came.wait(20) and urgency.urgent}"

    bulk = desk.pages.submit("page", job(work), SOMEBODY)
    assert begun.wait(20)
    desk.pages.hurry([bulk])
    assert bulk.result(20) == "urgent: True"


def test_at_the_end_those_who_wait_are_told_at_once_and_what_was_begun_is_waited_for(desk: Desk) -> None:
    begun = desk.hold("begun")
    waits = desk.pages.submit("waits", desk.page("waits"), SOMEBODY)

    desk.pages.close(0)

    for future in (begun, waits):
        assert isinstance(future.exception(0), Stopping)
    with pytest.raises(Stopping):
        desk.pages.submit("late", desk.page("late"), SOMEBODY)
    desk.held["begun"].set()
    desk.pages.close()
    assert desk.begun == ["begun"]

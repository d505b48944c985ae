"""Tasks in, results out, in order, whatever happens to their neighbours."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from backend.errors import (
    BadImage,
    DetectorFailed,
    ImageUnreachable,
    Late,
    NotReady,
    ReaderUnavailable,
    Stopping,
    UnexpectedFailure,
)
from backend.page.lines import Line, Reading, ReadPage, Verdict
from backend.pipeline.engines import Engines
from backend.pipeline.metrics import Metrics
from backend.pipeline.service import Failure, Service, ServiceOptions, Task
from tests.parts.scripted import (
    ScriptedDetector,
    ScriptedReader,
    ScriptedSource,
    picture,
    quad,
    scripted_service,
)


@contextmanager
def running(service: Service) -> Iterator[Service]:
    try:
        yield service
    finally:
        service.close()


def tasks(*references: str) -> list[Task]:
    return [Task(number, reference, "ru") for number, reference in enumerate(references, 1)]


def test_every_task_gets_its_own_result_in_order_and_a_bad_one_spoils_no_other() -> None:
    source = ScriptedSource({"/broken": b"no image", "/one": b""})
    with running(scripted_service(source=source)) as service:
        results = service.read_tasks(tasks("/page-1", "/broken", "/gone", "/page-2"), 20)
    assert [type(result).__name__ for result in results] == ["ReadPage", "Failure", "Failure", "ReadPage"]
    failures = [result for result in results if isinstance(result, Failure)]
    assert [type(failure.error) for failure in failures] == [BadImage, ImageUnreachable]
    assert [failure.task.id for failure in failures] == [2, 3]


def test_lines_carry_both_readings_and_their_verdict() -> None:
    readers = [ScriptedReader("one", "Счёт 12"), ScriptedReader("two", "Счет 12")]
    with running(scripted_service(readers=readers)) as service:
        (page,) = service.read_tasks(tasks("/page"), 20)
    assert isinstance(page, ReadPage)
    assert [line.judgement.verdict for line in page.lines] == [Verdict.DISPUTED] * 3
    assert [[said.text for said in line.readings] for line in page.lines] == [["Счёт 12", "Счет 12"]] * 3
    assert page.dropped == 1


def test_what_the_deadline_cut_off_goes_on_and_is_done_once() -> None:
    gate = threading.Event()
    detector = ScriptedDetector()
    reader = ScriptedReader("one", gate=gate)
    with running(scripted_service(detector, [reader, ScriptedReader("two")])) as service:
        first = service.read_tasks(tasks("/page-1", "/page-2", "/page-3"), 0.2)
        assert all(isinstance(result, Failure) and isinstance(result.error, Late) for result in first)
        gate.set()
        second = service.read_tasks(tasks("/page-1", "/page-2", "/page-3"), 20)
        third = service.read_tasks(tasks("/page-1", "/page-2", "/page-3"), 20)
    assert all(isinstance(result, ReadPage) for result in [*second, *third])
    assert reader.asked == 9
    assert len(detector.pages) == 3


def test_the_same_page_asked_for_by_many_requests_at_once_is_read_once() -> None:
    gate = threading.Event()
    detector = ScriptedDetector()
    answers: list[ReadPage | Failure] = []
    with running(
        scripted_service(detector, [ScriptedReader("one", gate=gate), ScriptedReader("two")])
    ) as service:
        threads = [
            threading.Thread(target=lambda: answers.extend(service.read_tasks(tasks("/page"), 20)))
            for _ in range(16)
        ]
        for thread in threads:
            thread.start()
        gate.set()
        for thread in threads:
            thread.join()
    assert len(answers) == 16
    assert len({id(answer) for answer in answers}) == 1
    assert len(detector.pages) == 1


def test_a_page_whose_reader_had_no_answer_is_asked_for_again_and_not_shown_half_read() -> None:
    down = [True]

    def say(number: int) -> Reading:
        if down[0] and number == 1:
            return Reading("one", error="no answer in 60 s", retryable=True)
        return Reading("one", "Счёт")

    with running(scripted_service(readers=[ScriptedReader("one", say), ScriptedReader("two")])) as service:
        (failed,) = service.read_tasks(tasks("/page"), 20)
        assert isinstance(failed, Failure)
        assert isinstance(failed.error, ReaderUnavailable)
        assert "no answer in 60 s" in str(service.status()["failed_tasks"])
        down[0] = False
        (mended,) = service.read_tasks(tasks("/page"), 20)
        assert isinstance(mended, ReadPage)
        assert service.status()["failed_tasks"] == {}


def test_a_reading_that_never_will_be_better_leaves_its_line_to_a_person() -> None:
    def say(number: int) -> Reading:
        cut = number == 1
        return Reading("one", error="the answer was cut off") if cut else Reading("one", "Счёт")

    with running(scripted_service(readers=[ScriptedReader("one", say), ScriptedReader("two")])) as service:
        (page,) = service.read_tasks(tasks("/page"), 20)
    assert isinstance(page, ReadPage)
    verdicts = [line.judgement.verdict for line in page.lines]
    assert verdicts == [Verdict.AGREED, Verdict.DISPUTED, Verdict.AGREED]
    assert {line.judgement.text for line in page.lines} == {"Счёт"}


def test_a_reader_that_fails_on_every_line_fails_the_page_and_not_each_line() -> None:
    refused = Reading("one", error="400: model 'x' does not exist")
    with running(
        scripted_service(readers=[ScriptedReader("one", refused), ScriptedReader("two")])
    ) as service:
        (failed,) = service.read_tasks(tasks("/page"), 20)
    assert isinstance(failed, Failure)
    assert "does not exist" in str(failed.error)


def test_a_blank_box_is_paid_for_once() -> None:
    empty = ScriptedReader("one", Reading("one"))
    second = ScriptedReader("two")
    source = ScriptedSource({"/white": picture(lines=0)})
    with running(scripted_service(readers=[empty, second], source=source)) as service:
        (page,) = service.read_tasks(tasks("/white"), 20)
    assert isinstance(page, ReadPage)
    assert {line.judgement.verdict for line in page.lines} == {Verdict.NO_TEXT}
    assert (empty.asked, second.asked) == (3, 0)


def test_a_page_that_cannot_be_searched_says_so_and_is_counted() -> None:
    with running(
        scripted_service(ScriptedDetector(error=DetectorFailed("The page could not be searched.")))
    ) as service:
        (failed,) = service.read_tasks(tasks("/page"), 20)
        text = service.metrics.text().decode()
    assert isinstance(failed, Failure)
    assert 'twinread_pages_total{outcome="DetectorFailed"} 1.0' in text


def test_a_drawn_box_is_read_without_searching_the_page() -> None:
    detector = ScriptedDetector()
    with running(scripted_service(detector)) as service:
        (line,) = service.read_quads(Task(1, "/page", "ru"), [Line(quad(20, 10, 250, 26))], 10)
    assert (line.judgement.verdict, line.judgement.text) == (Verdict.AGREED, "Счёт")
    assert detector.pages == []


def test_before_the_models_are_loaded_every_question_is_answered_with_loading() -> None:
    gate = threading.Event()

    def load(metrics: Metrics) -> Engines:
        gate.wait(30)
        raise ReaderUnavailable("No Russian data for Tesseract.")

    with running(Service(load, ServiceOptions(max_page_pixels=1_000_000))) as service:
        assert service.state[0] == "loading"
        with pytest.raises(NotReady, match="still loading"):
            service.read_tasks(tasks("/page"), 1)
        gate.set()
        with pytest.raises(ReaderUnavailable, match="No Russian data"):
            service.engines(timeout_s=10)
        assert service.state == ("failed", "No Russian data for Tesseract.")


def test_a_page_that_somebody_opens_overtakes_the_pages_that_wait() -> None:
    gate = threading.Event()

    class Source(ScriptedSource):
        def fetch(self, reference: str, *, task_id: int | None) -> bytes:
            if reference == "/page-1":
                gate.wait(30)
            return super().fetch(reference, task_id=task_id)

    detector = ScriptedDetector()
    with running(scripted_service(detector, source=Source(), page_workers=1)) as service:
        bulk = tasks("/page-1", "/page-2", "/page-3")
        assert all(isinstance(result, Failure) for result in service.read_tasks(bulk, 0.1))
        (opened,) = service.read_tasks([bulk[2]], 20)
        assert isinstance(opened, ReadPage)
        assert service.status()["pages_in_flight"] == 2
        gate.set()
        again = service.read_tasks(bulk, 20)
    assert again[2] is opened
    assert all(isinstance(result, ReadPage) for result in again)
    assert len(detector.pages) == 3


def test_a_failed_page_of_a_task_is_told_although_its_other_pages_are_read() -> None:
    with running(scripted_service()) as service:
        pages = [Task(7, reference, "ru") for reference in ("/gone", "/page")]
        service.read_tasks(pages, 20)
        assert "/gone" in str(service.status()["failed_tasks"])


def test_an_end_in_the_middle_tells_those_who_wait_at_once() -> None:
    gate = threading.Event()
    reader = ScriptedReader("one", gate=gate)
    service = scripted_service(readers=[reader], page_workers=1)
    answers: list[ReadPage | Failure] = []
    waiting = threading.Thread(
        target=lambda: answers.extend(service.read_tasks(tasks("/page-1", "/page-2"), 25))
    )
    waiting.start()
    # the first page must have been begun: one that nobody has begun is told, as the second is
    while service.status()["pages_in_flight"] != 2 or not reader.asked:
        time.sleep(0.01)
    service._pages.close(wait=False)
    gate.set()
    waiting.join(20)
    assert not waiting.is_alive()
    assert isinstance(answers[0], ReadPage)
    assert isinstance(answers[1], Failure)
    assert "stopping" in str(answers[1].error)
    with pytest.raises(Stopping, match="stopping"):
        service.read_tasks(tasks("/page-3"), 1)
    service.close()


def test_a_drawn_box_over_which_a_library_breaks_is_told_in_one_sentence(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def say(number: int) -> Reading:
        raise ZeroDivisionError("in /secret/place")

    with (
        running(scripted_service(readers=[ScriptedReader("one", say)])) as service,
        pytest.raises(UnexpectedFailure, match="Unexpected failure") as caught,
    ):
        service.read_quads(Task(1, "/page", "ru"), [Line(quad(20, 10, 250, 26))], 20)
    assert "/secret" not in str(caught.value)
    assert "ZeroDivisionError" in caplog.text

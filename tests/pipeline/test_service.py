"""Tasks in, predictions out, in order, whatever happens to their neighbours."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest

from backend.errors import (
    BadImage,
    Busy,
    DetectorFailed,
    ImageUnreachable,
    Late,
    ModelMissing,
    NotReady,
    ReaderUnavailable,
    Stopping,
    StoreFailed,
    TwinreadError,
    UnexpectedFailure,
)
from backend.label_studio.labeling_config import LabelingConfig, LabelNames
from backend.page.lines import Detected, Line, Page, Pixels, Reading, ReadLine
from backend.pipeline.engines import Engines
from backend.pipeline.metrics import Metrics
from backend.pipeline.read_task import Failure, Prediction, TaskPage, Wording
from backend.pipeline.service import Service, ServiceOptions
from backend.tickets import Urgency
from tests.parts.scripted import (
    CONFIG,
    ScriptedDetector,
    ScriptedReader,
    ScriptedSource,
    picture,
    quad,
    scripted_engines,
    scripted_service,
)

OURS = LabelingConfig.parse(CONFIG, LabelNames())
SEVERAL = LabelingConfig.parse(CONFIG.replace('value="$image"', 'valueList="$pages"'), LabelNames())
WORDING = Wording("ru", "en")


@contextmanager
def running(service: Service) -> Iterator[Service]:
    try:
        yield service
    finally:
        service.close()


def predict(service: Service, *references: str, deadline_s: float = 20) -> list[Prediction | Failure]:
    tasks = [{"id": number, "data": {"image": reference}} for number, reference in enumerate(references, 1)]
    return service.predict(tasks, OURS, WORDING, deadline_s)


def predictions(service: Service, *references: str) -> list[Prediction]:
    """What is predicted of pages; every one must have a prediction."""
    answers = predict(service, *references)
    assert [answer for answer in answers if isinstance(answer, Failure)] == []
    return [answer for answer in answers if isinstance(answer, Prediction)]


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_every_task_gets_its_own_answer_in_order_and_a_bad_one_spoils_no_other() -> None:
    source = ScriptedSource({"/broken": b"no image", "/one": b""})
    with running(scripted_service(source=source)) as service:
        answers = predict(service, "/page-1", "/broken", "/gone", "/page-2")
    assert [type(answer).__name__ for answer in answers] == ["Prediction", "Failure", "Failure", "Prediction"]
    failures = [answer for answer in answers if isinstance(answer, Failure)]
    assert [type(failure.error) for failure in failures] == [BadImage, ImageUnreachable]
    assert [answer.task for answer in answers] == [1, 2, 3, 4]


def test_what_the_deadline_cut_off_goes_on_and_is_done_once() -> None:
    gate = threading.Event()
    detector = ScriptedDetector()
    reader = ScriptedReader("one", gate=gate)
    pages = ("/page-1", "/page-2", "/page-3")
    with running(scripted_service(detector, [reader, ScriptedReader("two")])) as service:
        first = predict(service, *pages, deadline_s=0.2)
        assert all(isinstance(answer, Failure) and isinstance(answer.error, Late) for answer in first)
        gate.set()
        assert predictions(service, *pages) == predictions(service, *pages)
    assert reader.asked == 9
    assert len(detector.pages) == 3


def test_the_same_page_asked_for_by_many_requests_at_once_is_read_once() -> None:
    gate = threading.Event()
    detector, reader = ScriptedDetector(), ScriptedReader("one", gate=gate)
    with (
        running(scripted_service(detector, [reader, ScriptedReader("two")])) as service,
        ThreadPoolExecutor(16) as many,
    ):
        asked = [many.submit(predictions, service, "/page") for _ in range(16)]
        gate.set()
        answers = [future.result(20)[0] for future in asked]
    assert all(answer == answers[0] for answer in answers)
    assert (len(detector.pages), reader.asked) == (1, 3)


def test_a_failed_reader_is_in_the_status_until_it_is_mended() -> None:
    down = [True]

    def say(number: int) -> Reading:
        if down[0] and number == 1:
            return Reading("one", error="no answer in 60 s", retryable=True)
        return Reading("one", "Счёт")

    with running(scripted_service(readers=[ScriptedReader("one", say), ScriptedReader("two")])) as service:
        (failed,) = predict(service, "/page")
        assert isinstance(failed, Failure)
        assert isinstance(failed.error, ReaderUnavailable)
        assert "no answer in 60 s" in str(service.status()["failed_tasks"])
        down[0] = False
        predictions(service, "/page")
        assert service.status()["failed_tasks"] == {}


class Mendable:
    """A reader that has no answer for the first page until it is mended, and waits when it must."""

    def __init__(self) -> None:
        self.down = True
        self.gate = threading.Event()
        self.gate.set()

    def service(self) -> Service:
        def say(number: int) -> Reading:
            return Reading("one", error="no answer in 60 s", retryable=True) if self.down else Reading("one")

        reader = ScriptedReader("one", say, gate=self.gate)
        return scripted_service(readers=[reader, ScriptedReader("two")], page_workers=1)


def test_what_was_mended_in_the_background_leaves_the_status_without_a_new_request() -> None:
    reader = Mendable()
    with running(reader.service()) as service:
        predict(service, "/page")
        assert "no answer in 60 s" in str(service.status()["failed_tasks"])
        reader.down = False
        reader.gate.clear()
        (late,) = predict(service, "/page", deadline_s=0)
        assert isinstance(late, Failure) and isinstance(late.error, Late)
        assert "no answer in 60 s" in str(service.status()["failed_tasks"]), "it is not mended yet"
        reader.gate.set()
        until(lambda: service.status()["pages_in_flight"] == 0)
        assert service.status()["failed_tasks"] == {}


def test_what_fails_in_the_background_is_in_the_status_without_a_new_request() -> None:
    reader = Mendable()
    reader.gate.clear()
    with running(reader.service()) as service:
        (late,) = predict(service, "/page", deadline_s=0)
        assert isinstance(late, Failure) and isinstance(late.error, Late)
        assert service.status()["failed_tasks"] == {}, "what is in work has not failed"
        reader.gate.set()
        until(lambda: service.status()["pages_in_flight"] == 0)
        assert "no answer in 60 s" in str(service.status()["failed_tasks"])
        text = service.metrics.text().decode()
    assert 'twinread_pages_total{outcome="ReaderUnavailable"} 1.0' in text


def test_two_hundred_late_pages_push_no_failed_page_out_of_the_status() -> None:
    gate = threading.Event()
    readers = [ScriptedReader("one", gate=gate), ScriptedReader("two")]
    with running(scripted_service(readers=readers)) as service:
        predict(service, "/gone")
        tasks = [{"id": number, "data": {"image": f"/page-{number}"}} for number in range(2, 252)]
        service.predict(tasks, OURS, WORDING, 0)
        assert list(service.status()["failed_tasks"]) == ["task 1"]  # type: ignore[call-overload]
        gate.set()


def test_of_a_task_whose_pages_failed_the_status_counts_what_is_left_to_mend() -> None:
    source = ScriptedSource({})
    task = {"id": 7, "data": {"pages": ["/gone-1", "/gone-2", "/page"]}}
    with running(scripted_service(source=source)) as service:
        service.predict([task], SEVERAL, WORDING, 20)
        (both,) = service.status()["failed_tasks"].values()  # type: ignore[attr-defined]
        assert both.endswith("(1 more of its pages failed.)")
        source.files["/gone-1"] = picture()
        service.predict([task], SEVERAL, WORDING, 20)
        assert service.status()["failed_tasks"] == {"task 7": "The image /gone-2 is not there (404)."}


def test_a_box_that_could_not_be_read_is_forgotten_when_the_next_one_is_read() -> None:
    source = ScriptedSource({})
    box = [Line(quad(20, 10, 250, 26))]
    with running(scripted_service(source=source)) as service:
        with pytest.raises(ImageUnreachable):
            service.read_lines(TaskPage(1, "/gone", "ru"), box, 20)
        assert service.status()["failed_tasks"] == {"task 1": "The image /gone is not there (404)."}
        source.files["/gone"] = picture()
        service.read_lines(TaskPage(1, "/gone", "ru"), box, 20)
        assert service.status()["failed_tasks"] == {}


def test_the_notes_of_a_task_are_in_the_log_once_and_in_the_status_until_they_are_gone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    noted = Prediction(1, (), 0.0, "scripted-1", ("no line was found, although the page is not blank.",))
    with running(scripted_service()) as service:
        service.note(noted)
        service.note(noted)
        assert service.status()["noted_tasks"] == {
            "task 1": "no line was found, although the page is not blank."
        }
        service.note(Prediction(1, (), 1.0, "scripted-1"))
        assert service.status()["noted_tasks"] == {}
    assert [record.getMessage() for record in caplog.records if "no line" in record.getMessage()] == [
        "task 1: no line was found, although the page is not blank."
    ]


def test_a_page_that_cannot_be_searched_says_so_and_is_counted() -> None:
    with running(
        scripted_service(ScriptedDetector(error=DetectorFailed("The page could not be searched.")))
    ) as service:
        (failed,) = predict(service, "/page")
        text = service.metrics.text().decode()
    assert isinstance(failed, Failure)
    assert 'twinread_pages_total{outcome="DetectorFailed"} 1.0' in text


def test_before_the_models_are_loaded_every_question_is_answered_with_loading() -> None:
    gate = threading.Event()

    def load(metrics: Metrics) -> Engines:
        gate.wait(30)
        raise ReaderUnavailable("No Russian data for Tesseract.")

    with running(Service(load)) as service:
        assert service.state[0] == "loading"
        with pytest.raises(NotReady, match="still loading"):
            predict(service, "/page")
        gate.set()
        with pytest.raises(ReaderUnavailable, match="No Russian data"):
            service.engines(timeout_s=10)
        assert service.state == ("failed", "No Russian data for Tesseract. It is tried again by itself.")


SOON = ServiceOptions(retry_s=(0.01, 0.02), watch_s=0.01)


def test_engines_that_fail_to_load_are_loaded_again_until_they_are_there() -> None:
    errors: list[Exception] = [
        StoreFailed("The database is not up."),
        ZeroDivisionError("in /secret/place"),
        ModelMissing("The hub is out of reach."),
    ]
    told = []

    def load(metrics: Metrics) -> Engines:
        if tried:
            told.append(service.state)
        tried.append(len(tried))
        if len(tried) <= len(errors):
            raise errors[len(tried) - 1]
        return scripted_engines()

    tried: list[int] = []
    service = Service(load, SOON)
    with running(service):
        until(lambda: service.state[0] == "ready")
        assert len(predictions(service, "/page")) == 1
    assert tried == [0, 1, 2, 3]
    assert [state for state, _ in told] == ["failed"] * 3
    assert [sentence.split(".")[0] for _, sentence in told] == [
        "The database is not up",
        "The models failed to load (ZeroDivisionError); see the log",
        "The hub is out of reach",
    ]


def test_engines_that_fail_later_are_told_and_replaced_by_others_that_are_loaded_anew() -> None:
    broken: list[TwinreadError] = []
    may_load = threading.Event()
    closed: list[str] = []

    def load(metrics: Metrics) -> Engines:
        number = len(loaded) + 1
        loaded.append(number)
        if number > 1:
            may_load.wait(20)
        engines = scripted_engines(version=f"v{number}", close=lambda: closed.append(f"v{number}"))
        return replace(engines, failure=lambda: next(iter(broken), None) if number == 1 else None)

    loaded: list[int] = []
    with running(Service(load, SOON)) as service:
        until(lambda: service.state[0] == "ready")
        broken.append(UnexpectedFailure("The detection model has not answered for 600 s and was given up."))
        assert service.state == (
            "failed",
            "The detection model has not answered for 600 s and was given up. It is tried again by itself.",
        )
        may_load.set()
        until(lambda: service.state[0] == "ready")
        assert service.model_version == "v2"
        assert closed == ["v1"]
    assert loaded == [1, 2]


def test_a_reader_that_never_answers_costs_its_page_an_hour_and_no_worker_its_life() -> None:
    class Mute(ScriptedReader):
        """Answers no line of the first page."""

        def submit(self, crops: Sequence[Pixels], *, urgent: bool = False) -> list[Future[Reading]]:
            answers = super().submit(crops, urgent=urgent)
            return answers if self.asked > len(crops) else [Future() for _ in crops]

    engines = scripted_engines(readers=[Mute("one"), ScriptedReader("two")])
    options = ServiceOptions(page_workers=1, reading_s=0.2)
    with running(Service(lambda _: engines, options)) as service:
        service.engines(timeout_s=10)
        # whichever image comes first
        first, second = sorted(
            predict(service, "/page-1", "/page-2"), key=lambda a: isinstance(a, Prediction)
        )
    assert isinstance(first, Failure)
    assert "3 of 6 readings had no answer; the first: no answer within 0.2 s" in str(first.error)
    assert isinstance(second, Prediction)


def test_a_service_that_waits_to_load_again_can_be_stopped() -> None:
    def load(metrics: Metrics) -> Engines:
        raise StoreFailed("The database is not up.")

    service = Service(load, ServiceOptions(retry_s=(3600,), watch_s=0.01))
    until(lambda: service.state[0] == "failed")
    service.close()


class HeldDetector(ScriptedDetector):
    """Searches pages of the usual size once it may, and others at once."""

    def __init__(self) -> None:
        super().__init__()
        self.may = threading.Event()

    def detect(self, page: Page, *, urgency: Urgency | None = None) -> Detected:
        assert page.width != 400 or self.may.wait(30)
        return super().detect(page, urgency=urgency)


OPENED = picture(size=(401, 300))
"""A page that `HeldDetector` does not hold."""


def test_a_page_that_somebody_opens_overtakes_the_pages_that_wait() -> None:
    detector = HeldDetector()
    source = ScriptedSource({"/page-3": OPENED})
    pages = ("/page-1", "/page-2", "/page-3")
    with running(scripted_service(detector, source=source, page_workers=1)) as service:
        predict(service, *pages[:2], deadline_s=0)
        predict(service, *pages, deadline_s=0)
        opened = {"id": 3, "data": {"image": "/page-3"}}
        (answer,) = service.predict([opened], OURS, WORDING, 20)
        assert isinstance(answer, Prediction)
        assert service.status()["pages_in_flight"] == 2
        detector.may.set()
        assert predictions(service, *pages)[2] == answer
    assert len(detector.pages) == 3


def test_an_opened_task_of_three_pages_waits_for_no_bulk_page_with_any_of_them() -> None:
    detector = HeldDetector()
    source = ScriptedSource({f"/opened-{number}": OPENED for number in range(3)})
    bulk = [{"id": number, "data": {"pages": [f"/page-bulk-{number}"]}} for number in range(3)]
    opened = {"id": 7, "data": {"pages": list(source.files)}}
    with running(scripted_service(detector, source=source, page_workers=1)) as service:
        service.predict(bulk, SEVERAL, WORDING, 0)
        (answer,) = service.predict([opened], SEVERAL, WORDING, 20)
        assert service.status()["pages_in_flight"] == 3
        detector.may.set()
    assert isinstance(answer, Prediction)
    assert {item["item_index"] for item in answer.result} == {0, 1, 2}


def test_a_failed_page_of_a_task_is_named_although_its_other_pages_are_read() -> None:
    with running(scripted_service()) as service:
        (answer,) = service.predict([{"id": 7, "data": {"pages": ["/page", "/gone"]}}], SEVERAL, WORDING, 20)
        assert isinstance(answer, Failure)
        assert "/gone" in str(service.status()["failed_tasks"])


def test_an_end_in_the_middle_tells_those_who_wait_at_once_and_keeps_what_was_begun() -> None:
    gate = threading.Event()
    reader = ScriptedReader("one", gate=gate)
    service = scripted_service(readers=[reader, ScriptedReader("two")], page_workers=1)
    with ThreadPoolExecutor(2) as waiting:
        answers = waiting.submit(predict, service, "/page-1", "/page-2", deadline_s=25)
        # the first page is begun, the second one waits for the worker
        until(lambda: service.status()["pages_in_flight"] == 2 and bool(reader.asked))
        closing = waiting.submit(service.close, 25)
        for answer in answers.result(20):
            assert isinstance(answer, Failure)
            assert "stopping" in str(answer.error)
        assert not closing.done(), "the readers of the first page have not answered"
        gate.set()
        closing.result(20)
    assert 'outcome="done"} 1.0' in service.metrics.text().decode()
    with pytest.raises(Stopping, match="stopping"):
        predict(service, "/page-3")


def test_the_end_waits_no_longer_than_it_may_for_readers_that_hang() -> None:
    never = threading.Event()
    may_close = threading.Event()
    reader = ScriptedReader("one", gate=never)
    engines = scripted_engines(
        readers=[reader, ScriptedReader("two")], close=lambda: may_close.wait(30) and None
    )
    service = Service(lambda _: engines, ServiceOptions(page_workers=1))
    service.engines(timeout_s=10)
    page = TaskPage(1, "/page", "ru")
    with ThreadPoolExecutor(2) as waiting:
        answers = waiting.submit(predict, service, "/page-1", "/page-2", deadline_s=300)
        box = waiting.submit(service.read_lines, page, [Line(quad(20, 10, 250, 26))], 300)
        until(lambda: reader.asked == 4)
        service.close(0.2)
        assert [type(answer.error) for answer in answers.result(20) if isinstance(answer, Failure)] == [
            Stopping,
            Stopping,
        ]
        assert isinstance(box.exception(20), Stopping)
    never.set()
    may_close.set()


def test_of_a_request_that_is_too_long_as_much_is_read_as_may_wait_and_the_log_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    gate = threading.Event()
    engines = scripted_engines(readers=[ScriptedReader("one", gate=gate), ScriptedReader("two")])
    service = Service(lambda _: engines, ServiceOptions(page_workers=1, waiting_pages=6))
    service.engines(timeout_s=10)
    pages = [f"/page-{number}" for number in range(10)]
    with running(service):
        first = predict(service, *pages, deadline_s=0)
        kinds = [type(answer.error) for answer in first if isinstance(answer, Failure)]
        assert kinds == [Late] * 3 + [Busy] * 7
        gate.set()
        until(lambda: service.status()["pages_in_flight"] == 0)
        assert len(predictions(service, *pages[:3])) == 3
    refused = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
    assert len(refused) == 1
    assert service.status()["failed_tasks"] == {}
    assert "twinread_pages_refused_total 7.0" in service.metrics.text().decode()


def test_a_box_is_read_while_the_images_of_many_others_are_on_their_way() -> None:
    over = threading.Event()

    class Source(ScriptedSource):
        def fetch(self, reference: str, *, task_id: int | None) -> bytes:
            if reference == "/slow":
                assert over.wait(30)
            return super().fetch("/page", task_id=task_id)

        def at_hand(self, reference: str, *, task_id: int | None) -> bool:
            return reference == "/at-hand"

    box = [Line(quad(20, 10, 250, 26))]
    source = Source()
    with running(scripted_service(source=source)) as service, ThreadPoolExecutor(50) as people:
        slow = [
            people.submit(service.read_lines, TaskPage(number, "/slow", "ru"), box, 20)
            for number in range(50)
        ]
        (read,) = service.read_lines(TaskPage(99, "/at-hand", "ru"), box, 20)
        assert isinstance(read, ReadLine)
        over.set()
        assert all(isinstance(future.result(20)[0], ReadLine) for future in slow)


def test_a_box_that_was_given_up_before_its_image_came_costs_no_reading() -> None:
    over = threading.Event()

    class Source(ScriptedSource):
        def fetch(self, reference: str, *, task_id: int | None) -> bytes:
            assert over.wait(30)
            return super().fetch(reference, task_id=task_id)

    reader = ScriptedReader("one")
    box = [Line(quad(20, 10, 250, 26))]
    service = scripted_service(readers=[reader, ScriptedReader("two")], source=Source())
    with running(service):
        with pytest.raises(Late, match="draw the box again"):
            service.read_lines(TaskPage(1, "/page", "ru"), box, 0.1)
        over.set()
        service.read_lines(TaskPage(2, "/page", "ru"), box, 20)
    assert reader.asked == 1


def test_a_drawn_box_over_which_a_library_breaks_gets_one_sentence(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def say(number: int) -> Reading:
        raise ZeroDivisionError("in /secret/place")

    with (
        running(scripted_service(readers=[ScriptedReader("one", say)])) as service,
        pytest.raises(UnexpectedFailure, match="Unexpected failure") as caught,
    ):
        service.read_lines(TaskPage(1, "/page", "ru"), [Line(quad(20, 10, 250, 26))], 20)
    assert "/secret" not in str(caught.value)
    assert "ZeroDivisionError" in caplog.text


class Replaceable:
    """A service over engines of the first version, and others to take their place."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.held = ScriptedReader("old", "старое", gate=self.gate)
        self.closed: list[str] = []
        self.service = Service(lambda _: self.engines("v1", [self.held, ScriptedReader("two", "старое")]))
        self.service.engines(timeout_s=10)

    def engines(self, version: str, readers: list[ScriptedReader]) -> Engines:
        return scripted_engines(readers=readers, version=version, close=lambda: self.closed.append(version))

    def new(self, _: Metrics) -> Engines:
        return self.engines("v2", [ScriptedReader("new", "новое"), ScriptedReader("two", "новое")])


def texts(answer: Prediction | Failure) -> set[str]:
    assert isinstance(answer, Prediction), answer
    return {text for item in answer.result for text in item["value"].get("text", [])}


def test_a_new_model_takes_over_without_a_restart_and_begun_pages_end_with_the_old_one() -> None:
    loop = Replaceable()
    with running(loop.service) as service, ThreadPoolExecutor(1) as annotator:
        begun = annotator.submit(predict, service, "/page-1")
        until(lambda: loop.held.asked == 3)
        assert service.replace_engines(loop.new).result(10) == "v2"
        assert service.model_version == "v2"
        assert loop.closed == []  # a page is still being read with the old ones
        (after,) = predict(service, "/page-2")
        loop.gate.set()
        (before,) = begun.result(20)
        until(lambda: loop.closed == ["v1"])
        (again,) = predict(service, "/page-1")
    assert isinstance(before, Prediction) and isinstance(after, Prediction) and isinstance(again, Prediction)
    assert (before.model_version, texts(before)) == ("v1", {"старое"})
    assert (after.model_version, texts(after)) == ("v2", {"новое"})
    assert (again.model_version, texts(again)) == ("v2", {"новое"}), "a page kept from the old model"
    assert loop.closed == ["v1", "v2"]


def test_a_new_model_that_fails_to_load_leaves_the_old_one_at_work() -> None:
    loop = Replaceable()
    loop.gate.set()

    def broken(_: Metrics) -> Engines:
        raise ZeroDivisionError("in /secret/place")

    with running(loop.service) as service:
        with pytest.raises(UnexpectedFailure, match="ZeroDivisionError"):
            service.replace_engines(broken).result(10)
        (answer,) = predict(service, "/page")
        assert (service.state[0], loop.closed) == ("ready", [])
    assert isinstance(answer, Prediction)
    assert answer.model_version == "v1"


def test_engines_that_come_when_the_service_has_stopped_are_closed_and_not_used() -> None:
    loop = Replaceable()
    may_load = threading.Event()

    def late(metrics: Metrics) -> Engines:
        may_load.wait(20)
        return loop.new(metrics)

    replaced = loop.service.replace_engines(late)
    with ThreadPoolExecutor(1) as stopping:
        end = stopping.submit(loop.service.close)
        until(lambda: loop.service._loader._closing.is_set())
        may_load.set()
        end.result(20)
    with pytest.raises(Stopping):
        replaced.result(10)
    assert sorted(loop.closed) == ["v1", "v2"]


def test_a_page_is_never_put_together_from_two_models() -> None:
    loop = Replaceable()
    with running(loop.service) as service, ThreadPoolExecutor(1) as annotator:
        task = {"id": 1, "data": {"pages": ["/page-1", "/page-2"]}}
        service.predict([{"id": 1, "data": {"pages": ["/page-1"]}}], SEVERAL, WORDING, 0)
        until(lambda: loop.held.asked == 3)
        service.replace_engines(loop.new).result(10)
        answer = annotator.submit(service.predict, [task], SEVERAL, WORDING, 20)
        loop.gate.set()
        (made,) = answer.result(20)
    # the page that the old model had begun is read anew
    assert texts(made) == {"новое"}

"""Results for Label Studio: whole pages, and boxes that an annotator has just drawn."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import pytest

from backend.errors import OperatorError, ReaderUnavailable, TwinreadError
from backend.label_studio.box_notes import RUSSIAN
from backend.label_studio.default_config import default_config
from backend.label_studio.labeling_config import LabelingConfig, LabelNames
from backend.page.lines import Pixels, Reading
from backend.pipeline.annotate import Panel
from backend.pipeline.engines import Engines
from backend.pipeline.metrics import Metrics
from backend.pipeline.read_task import Wording
from backend.pipeline.service import Service
from backend.server import answers
from tests.parts.scripted import (
    CONFIG,
    ScriptedDetector,
    ScriptedReader,
    ScriptedSource,
    picture,
    scripted_engines,
    scripted_panel,
    scripted_service,
)

NAMES = LabelNames("Text", "Check", "Illegible", "Not text")
OURS = LabelingConfig.parse(CONFIG, NAMES)
SEVERAL = LabelingConfig.parse(CONFIG.replace('value="$image"', 'valueList="$pages"'), NAMES)
WORDING = Wording("ru", "en")


@contextmanager
def running(readers: Sequence[ScriptedReader] = (), **more: Any) -> Iterator[Service]:
    service = scripted_service(
        readers=readers or (ScriptedReader("one"), ScriptedReader("two")),
        source=ScriptedSource({"/broken": b"no image", "/blank": picture(lines=0)}),
        **more,
    )
    try:
        yield service
    finally:
        service.close()


def task(reference: object = "/page", **more: object) -> dict[str, object]:
    return {"id": 7, "data": {"image": reference, **more}}


def drawn(label: str = "Text", **more: object) -> dict[str, Any]:
    """A box around the first line of a scripted page, as the editor sends it."""
    return {
        "id": "AbC123",
        "from_name": "label",
        "to_name": "image",
        "type": "rectanglelabels",
        "origin": "manual",
        "original_width": 400,
        "original_height": 300,
        "image_rotation": 0,
        "value": {"x": 5, "y": 3, "width": 62.5, "height": 9, "rotation": 0, "rectanglelabels": [label]},
        **more,
    }


def predicted() -> list[dict[str, Any]]:
    """A line of a prediction, as the editor sends it beside the drawn box."""
    box = {"x": 5, "y": 30, "width": 62.5, "height": 9, "rotation": 0}
    common = {**drawn(), "id": "l001", "origin": "prediction"}
    return [
        {**common, "value": {**box, "rectanglelabels": ["Text"]}},
        {**common, "from_name": "transcription", "type": "textarea", "value": {**box, "text": ["Итого"]}},
    ]


def text_of(result: dict[str, Any]) -> list[str]:
    return [text for item in result["result"] for text in item["value"].get("text", [])]


def label_of(result: dict[str, Any]) -> list[str]:
    return [label for item in result["result"] for label in item["value"].get("rectanglelabels", [])]


@pytest.mark.parametrize(
    ("second", "label", "meta"),
    [
        pytest.param("Счёт", "Text", None, id="agreed"),
        pytest.param("Счет", "Check", "A: Счёт\nB: Счет", id="disputed"),
    ],
)
def test_a_drawn_box_comes_back_where_it_was_with_its_text(second: str, label: str, meta: str | None) -> None:
    with running([ScriptedReader("one", "Счёт"), ScriptedReader("two", second)]) as service:
        result = answers.assist(service, task(), [*predicted(), drawn()], OURS, WORDING, 20)
    labelled, written = result["result"]
    assert {item["id"] for item in result["result"]} == {"AbC123"}
    assert (labelled["type"], written["type"]) == ("rectanglelabels", "textarea")
    assert labelled["value"] == {**drawn()["value"], "rectanglelabels": [label]}
    assert written["value"]["text"] == ["Счёт"]
    assert result["model_version"] == "scripted-1"
    told = labelled.get("meta", {}).get("text", "")
    assert told.startswith(meta) if meta else told == ""


def test_a_drawn_box_is_read_without_searching_the_page_or_reading_its_other_lines() -> None:
    detector, reader = ScriptedDetector(), ScriptedReader("one")
    with running([reader, ScriptedReader("two")], detector=detector) as service:
        answers.assist(service, task(), [*predicted(), drawn()], OURS, WORDING, 20)
    assert (detector.pages, reader.asked) == ([], 1)


@pytest.mark.parametrize(
    ("reference", "said", "words"),
    [
        pytest.param("/broken", Reading("one", "Счёт"), "image", id="the image is broken"),
        pytest.param("/gone", Reading("one", "Счёт"), "404", id="the image is gone"),
        pytest.param("/blank", Reading("one"), "(nothing read)", id="nothing is written there"),
    ],
)
def test_a_box_that_cannot_be_read_is_kept_as_doubtful_with_the_reason(
    reference: str, said: Reading, words: str
) -> None:
    with running([ScriptedReader("one", said), ScriptedReader("two", said)]) as service:
        result = answers.assist(service, task(reference), [drawn()], OURS, WORDING, 20)
    (labelled,) = result["result"]
    assert labelled["value"]["rectanglelabels"] == ["Check"]
    assert labelled["value"]["x"] == 5
    assert words in labelled["meta"]["text"]


def test_a_reader_without_an_answer_leaves_the_box_with_the_other_reading() -> None:
    down = Reading("one", error="no answer in 60 s", retryable=True)
    with running([ScriptedReader("one", down), ScriptedReader("two", "Счёт")]) as service:
        result = answers.assist(service, task(), [drawn()], OURS, WORDING, 20)
    assert (label_of(result), text_of(result)) == (["Check"], ["Счёт"])
    assert "no answer in 60 s" in result["result"][0]["meta"]["text"]


def test_a_box_too_small_to_hold_text_is_kept() -> None:
    speck = drawn(value={"x": 5, "y": 3, "width": 0, "height": 0, "rotation": 0, "rectanglelabels": ["Text"]})
    with running() as service:
        result = answers.assist(service, task(), [speck], OURS, WORDING, 20)
    assert label_of(result) == ["Check"]
    assert "too small" in result["result"][0]["meta"]["text"]


@pytest.mark.parametrize("label", ["Illegible", "Not text"])
def test_a_box_that_a_person_marked_as_unreadable_is_left_as_it_is(label: str) -> None:
    reader = ScriptedReader("one")
    with running([reader, ScriptedReader("two")]) as service:
        config = LabelingConfig.parse(default_config(), NAMES)
        result = answers.assist(service, task(), [*predicted(), drawn(label)], config, WORDING, 20)
    assert result["result"] == [drawn(label)]
    assert reader.asked == 0


def test_the_reason_for_an_unread_box_is_in_the_status_until_it_is_mended() -> None:
    with running() as service:
        answers.assist(service, task("/gone"), [drawn()], OURS, WORDING, 20)
        assert "404" in str(service.status()["failed_tasks"])
        answers.predict(service, [task()], OURS, WORDING, 20)
        assert service.status()["failed_tasks"] == {}


@pytest.mark.parametrize(
    ("index", "fetched", "words"),
    [
        pytest.param(0, ["/page-1"], "", id="first page"),
        pytest.param(1, ["/page-2"], "", id="second page"),
        pytest.param(2, [], "no such page", id="there are two"),
        pytest.param(None, [], "did not say which page", id="nobody knows which"),
    ],
)
def test_a_drawn_box_is_read_on_its_own_page(index: int | None, fetched: list[str], words: str) -> None:
    pages = {"id": 7, "data": {"pages": ["/page-1", "/page-2"]}}
    source = ScriptedSource()
    service = scripted_service(source=source)
    try:
        result = answers.assist(service, pages, [drawn(item_index=index)], SEVERAL, WORDING, 20)
    finally:
        service.close()
    assert source.fetched == fetched
    assert text_of(result) == ["Счёт"] * len(fetched)
    assert words in result["result"][0].get("meta", {}).get("text", "")
    assert {item["item_index"] for item in result["result"]} == {index}


TWO_IMAGES = LabelingConfig.parse(
    """<View><Image name="l" value="$front"/><Image name="r" value="$back"/>
    <RectangleLabels name="label" toName="l,r"><Label value="Text"/><Label value="Check"/></RectangleLabels>
    <TextArea name="tl" toName="l" perRegion="true"/>
    <TextArea name="tr" toName="r" perRegion="true"/></View>""",
    NAMES,
)


def test_each_of_several_image_tags_gets_its_own_lines() -> None:
    with running() as service:
        [found] = answers.predict(
            service, [{"id": 7, "data": {"front": "/page-1", "back": "/page-2"}}], TWO_IMAGES, WORDING, 20
        )
    tags = Counter((part["to_name"], part["from_name"]) for part in found["result"])
    assert tags == {("l", "label"): 3, ("l", "tl"): 3, ("r", "label"): 3, ("r", "tr"): 3}
    assert not any("item_index" in part for part in found["result"])
    assert len({part["id"] for part in found["result"]}) == 6


@pytest.mark.parametrize(
    ("to_name", "fetched", "written", "words"),
    [
        pytest.param("l", ["/page-1"], ["tl"], "", id="on the first image"),
        pytest.param("r", ["/page-2"], ["tr"], "", id="on the second image"),
        pytest.param("l,r", [], [], "no image that is read has this box", id="on both"),
        pytest.param("", [], [], "no image that is read has this box", id="on none"),
    ],
)
def test_a_box_is_read_from_the_image_that_it_was_drawn_on(
    to_name: str, fetched: list[str], written: list[str], words: str
) -> None:
    source = ScriptedSource()
    service = scripted_service(source=source)
    pages = {"id": 7, "data": {"front": "/page-1", "back": "/page-2"}}
    try:
        result = answers.assist(service, pages, [drawn(to_name=to_name)], TWO_IMAGES, WORDING, 20)
    finally:
        service.close()
    assert source.fetched == fetched
    assert [part["from_name"] for part in result["result"] if part["type"] == "textarea"] == written
    assert {part["to_name"] for part in result["result"]} == {to_name}
    assert words in result["result"][0].get("meta", {}).get("text", "")


def test_a_box_that_the_readers_do_not_answer_in_time_is_kept_as_doubtful() -> None:
    gate = threading.Event()
    with running([ScriptedReader("one", gate=gate), ScriptedReader("two")]) as service:
        result = answers.assist(service, task(), [drawn()], OURS, WORDING, 0.2)
        gate.set()
    assert (label_of(result), text_of(result)) == (["Check"], ["Счёт"])
    assert "A: (failed: no answer within" in result["result"][0]["meta"]["text"]


def test_a_task_of_several_pages_is_whole_or_not_at_all() -> None:
    with running() as service:
        whole, half = answers.predict(
            service,
            [
                {"id": 1, "data": {"pages": ["/page-1", "/page-2"]}},
                {"id": 2, "data": {"pages": ["/page-3", "/broken"]}},
            ],
            SEVERAL,
            WORDING,
            20,
        )
    assert {item["item_index"] for item in whole["result"]} == {0, 1}
    assert half == {}


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({"id": 2}, id="no data"),
        pytest.param({"id": 2, "data": None}, id="null data"),
        pytest.param({"id": 2, "data": {"photo": "/page"}}, id="another field"),
        pytest.param({"id": 2, "data": {"image": None}}, id="null image"),
        pytest.param({"id": 2, "data": {"image": 5}}, id="a number"),
    ],
)
def test_a_task_without_an_image_is_an_empty_result_and_named_in_the_status(odd: dict[str, object]) -> None:
    with running() as service:
        first, nothing, last = answers.predict(
            service, [{**task(), "id": 1}, odd, {**task(), "id": 3}], OURS, WORDING, 20
        )
        assert "task 2" in service.status()["failed_tasks"]  # type: ignore[operator]
    assert (bool(first), nothing, bool(last)) == (True, {}, True)


def test_a_task_s_own_language_wins_over_the_settings() -> None:
    asked: list[str] = []

    def lend(language: str) -> AbstractContextManager[Panel]:
        asked.append(language)
        return nullcontext(scripted_panel((ScriptedReader("one"), ScriptedReader("two")), language))

    service = Service(lambda _: replace(scripted_engines(), lend=lend))
    try:
        service.engines(timeout_s=10)
        answers.predict(service, [task(), task("/page-2", language="uk")], OURS, WORDING, 20)
    finally:
        service.close()
    assert sorted(asked) == ["ru", "uk"]


def test_before_the_models_are_loaded_there_is_no_answer_at_all() -> None:
    def load(metrics: Metrics) -> Engines:
        raise ReaderUnavailable("No Russian data.")

    service = Service(load)
    try:
        for ask in (
            lambda: answers.assist(service, task(), [drawn()], OURS, WORDING, 20),
            lambda: answers.predict(service, [task()], OURS, WORDING, 20),
        ):
            with pytest.raises(OperatorError):
                ask()
    finally:
        service.close()


@pytest.mark.parametrize(
    ("reference", "shape", "said", "note"),
    [
        pytest.param(
            "/broken", {}, "Счёт", "картинка повреждена или слишком велика", id="the image is broken"
        ),
        pytest.param("/gone", {}, "Счёт", "картинка не загрузилась", id="the image is gone"),
        pytest.param("/page", {"width": 0}, "Счёт", "рамка слишком мала", id="a speck"),
        pytest.param(
            "/page",
            {},
            Reading("one", error="ERNIE's server gave no answer in 60 s; see its log.", retryable=True),
            "A: (распознаватель не ответил)",
            id="no reader answers",
        ),
    ],
)
def test_a_russian_annotator_is_told_in_russian_why_a_box_has_no_text(
    reference: str, shape: dict[str, int], said: str | Reading, note: str
) -> None:
    box = drawn(value={**drawn()["value"], **shape})
    with running([ScriptedReader("one", said), ScriptedReader("two", said)]) as service:
        result = answers.assist(service, task(reference), [box], OURS, Wording("ru", "ru"), 20)
    told = result["result"][0]["meta"]["text"]
    assert note in told
    assert not re.search("[A-Za-z]{2}", told), "a word of another language"


def test_every_kind_of_error_has_its_sentence_for_a_russian_annotator() -> None:
    def kinds(kind: type[TwinreadError]) -> set[type[TwinreadError]]:
        return {kind}.union(*(kinds(below) for below in kind.__subclasses__()))

    known = {kind for kind in kinds(TwinreadError) if kind.__module__ == "backend.errors"}
    assert set(RUSSIAN) == known
    assert len(set(RUSSIAN.values())) == len(known)
    for sentence in RUSSIAN.values():
        assert set(re.findall("[A-Za-z]+", sentence)) <= {"Label", "Studio"}


def boxes(count: int) -> list[dict[str, Any]]:
    """Boxes of a page with that many lines, as `reread` sends them."""
    return [
        drawn(
            id=f"box{number}",
            original_height=40 * count + 20,
            value={
                "x": 5,
                "y": 100 * (10 + 40 * number) / (40 * count + 20),
                "width": 62.5,
                "height": 100 * 26 / (40 * count + 20),
                "rotation": 0,
                "rectanglelabels": ["Text"],
            },
        )
        for number in range(count)
    ]


def test_twenty_boxes_of_a_page_are_asked_for_together_and_answered_in_order() -> None:
    together: list[int] = []

    class Counting(ScriptedReader):
        def submit(self, crops: Sequence[Pixels], *, urgent: bool = False) -> list[Future[Reading]]:
            together.append(len(crops))
            return super().submit(crops, urgent=urgent)

    def say(number: int) -> Reading:
        return Reading("one", f"Счёт {number}")

    source = ScriptedSource({"/page": picture(20, (400, 820))})
    service = scripted_service(readers=[Counting("one", say), Counting("two", say)], source=source)
    try:
        result = answers.assist(service, task(), boxes(20), OURS, WORDING, 20)
    finally:
        service.close()
    assert together == [20, 20]
    assert source.fetched == ["/page"]
    assert text_of(result) == [f"Счёт {number}" for number in range(20)]


def test_of_twenty_boxes_those_that_are_read_in_time_come_back_read() -> None:
    class Slow(ScriptedReader):
        """Answers the first nine, and the others after the test."""

        def submit(self, crops: Sequence[Pixels], *, urgent: bool = False) -> list[Future[Reading]]:
            futures: list[Future[Reading]] = [Future() for _ in crops]
            for number, future in enumerate(futures[:9]):
                future.set_result(Reading(self.identity, f"Счёт {number}"))
            return futures

    with running([Slow("one"), Slow("two")]) as service:
        service.engines().source.files["/page"] = picture(20, (400, 820))  # type: ignore[attr-defined]
        result = answers.assist(service, task(), boxes(20), OURS, WORDING, 0.5)
    assert text_of(result) == [f"Счёт {number}" for number in range(9)]
    assert label_of(result) == ["Text"] * 9 + ["Check"] * 11
    assert "A: (failed: no answer within 0." in result["result"][-1]["meta"]["text"]


def test_a_box_over_which_a_library_breaks_takes_no_other_with_it() -> None:
    def say(number: int) -> Reading:
        # the second box, asked for with the others and then alone
        if number in (1, 4):
            raise ZeroDivisionError("in /secret/place")
        return Reading("one", "Счёт")

    with running([ScriptedReader("one", say), ScriptedReader("two")]) as service:
        result = answers.assist(service, task(), boxes(3), OURS, WORDING, 20)
    told = {item["id"]: item.get("meta", {}).get("text", "") for item in result["result"]}
    assert (label_of(result), text_of(result)) == (["Text", "Check", "Text"], ["Счёт", "Счёт"])
    assert "ZeroDivisionError" in told["box1"]
    assert "/secret" not in told["box1"]


def test_boxes_of_two_pages_are_read_each_on_its_own() -> None:
    pages = {"id": 7, "data": {"pages": ["/page-1", "/gone"]}}
    both = [drawn(id="first", item_index=0), drawn(id="second", item_index=1)]
    with running() as service:
        result = answers.assist(service, pages, both, SEVERAL, WORDING, 20)
    assert [(item["id"], item["item_index"]) for item in result["result"]] == [
        ("first", 0),
        ("first", 0),
        ("second", 1),
    ]
    assert text_of(result) == ["Счёт"]
    assert "404" in result["result"][2]["meta"]["text"]

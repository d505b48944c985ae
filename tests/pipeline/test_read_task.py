"""One task in, its prediction out: what every driver calls, without a server and without a queue."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from backend.errors import BadImage, BadRequest, ImageUnreachable, Late, ReaderUnavailable, UnexpectedFailure
from backend.label_studio.labeling_config import LabelingConfig, LabelNames
from backend.page import image_files
from backend.page.lines import Line, Page, Reading, ReadPage, ReasonKind, Verdict
from backend.pipeline.annotate import Panel, Policy, annotate_page, read_lines
from backend.pipeline.read_task import (
    Failure,
    Prediction,
    TaskPage,
    Wording,
    open_page,
    pages_of,
    prediction_of,
    read_page,
    read_task,
)
from tests.parts.scripted import (
    CONFIG,
    ScriptedDetector,
    ScriptedReader,
    ScriptedSource,
    picture,
    quad,
    scripted_engines,
    scripted_panel,
)

OURS = LabelingConfig.parse(CONFIG, LabelNames())
SEVERAL = LabelingConfig.parse(CONFIG.replace('value="$image"', 'valueList="$pages"'), LabelNames())
WORDING = Wording("ru", "en")
PAGE = TaskPage(1, "/page", "ru")


def test_a_task_becomes_a_prediction_that_knows_its_task_and_its_version() -> None:
    made = read_task(scripted_engines(), {"id": 5, "data": {"image": "/page"}}, OURS, WORDING)
    assert isinstance(made, Prediction)
    assert (made.task, made.score, made.model_version) == (5, 1.0, "scripted-1")
    assert len(made.result) == 6
    assert made.answer() == {"result": list(made.result), "score": 1.0, "model_version": "scripted-1"}


@pytest.mark.parametrize(
    ("task", "error"),
    [
        pytest.param({"id": 5, "data": {"image": "/gone"}}, ImageUnreachable, id="its image is gone"),
        pytest.param({"id": 5, "data": {"image": "/broken"}}, BadImage, id="its image is broken"),
        pytest.param({"id": 5, "data": {"photo": "/page"}}, BadRequest, id="it names no image"),
        pytest.param({"id": 5}, BadRequest, id="it has no data"),
    ],
)
def test_a_task_that_cannot_be_read_is_a_failure_with_its_reason(
    task: dict[str, object], error: type[Exception]
) -> None:
    source = ScriptedSource({"/broken": b"no image"})
    made = read_task(scripted_engines(source=source), task, OURS, WORDING)
    assert isinstance(made, Failure)
    assert (made.task, type(made.error)) == (5, error)


def test_a_library_that_breaks_over_a_task_fails_that_task_in_one_sentence() -> None:
    def say(number: int) -> Reading:
        raise ZeroDivisionError("in /secret/place")

    engines = scripted_engines(readers=[ScriptedReader("one", say), ScriptedReader("two")])
    made = read_task(engines, {"id": 5, "data": {"image": "/page"}}, OURS, WORDING)
    assert isinstance(made, Failure)
    assert isinstance(made.error, UnexpectedFailure)
    assert "/secret" not in str(made.error)


def test_a_driver_may_bring_its_own_way_to_read_a_page() -> None:
    asked: list[TaskPage] = []
    engines = scripted_engines()

    def read(page: TaskPage) -> ReadPage:
        asked.append(page)
        return read_page(engines, page)

    task = {"id": 5, "data": {"pages": ["/page-1", "/page-2"], "language": "uk"}}
    made = read_task(engines, task, SEVERAL, WORDING, read=read)
    assert isinstance(made, Prediction)
    assert asked == [TaskPage(5, "/page-1", "uk"), TaskPage(5, "/page-2", "uk")]
    assert asked == pages_of(task, SEVERAL, WORDING)
    assert {item["item_index"] for item in made.result} == {0, 1}


def test_of_several_pages_the_one_that_needs_mending_is_named_and_not_the_one_that_takes_its_time() -> None:
    errors = {"/page-1": Late("not yet"), "/page-2": ImageUnreachable("gone for good")}

    def read(page: TaskPage) -> ReadPage:
        raise errors[page.reference]

    task = {"id": 5, "data": {"pages": ["/page-1", "/page-2"]}}
    made = read_task(scripted_engines(), task, SEVERAL, WORDING, read=read)
    assert isinstance(made, Failure)
    assert str(made.error) == "gone for good"


def test_pages_that_two_models_read_make_no_prediction() -> None:
    page = read_page(scripted_engines(), PAGE)
    with pytest.raises(Late, match="two models"):
        prediction_of(1, [page, replace(page, model_version="scripted-2")], SEVERAL, WORDING)


def test_lines_carry_both_readings_and_their_verdict() -> None:
    readers = [ScriptedReader("one", "Счёт 12"), ScriptedReader("two", "Счет 12")]
    page = read_page(scripted_engines(readers=readers), PAGE)
    assert [line.judgement.verdict for line in page.lines] == [Verdict.DISPUTED] * 3
    assert [[said.text for said in line.readings] for line in page.lines] == [["Счёт 12", "Счет 12"]] * 3
    assert (page.dropped, page.model_version) == (1, "scripted-1")


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        pytest.param(["Счёт", "Счёт", None], Verdict.AGREED, id="two of three, one failed"),
        pytest.param(["Счёт", "Стул", "Стол"], Verdict.DISPUTED, id="none of three"),
        pytest.param(["Счёт", "Счёт", "Стул"], Verdict.DISPUTED, id="two against a third engine"),
        pytest.param(["Счёт", "Счёт", None, None], Verdict.DISPUTED, id="two of four"),
    ],
)
def test_as_many_readers_must_agree_as_the_policy_of_the_panel_says(
    said: list[str | None], verdict: Verdict
) -> None:
    readers = [
        ScriptedReader(f"reader {number}", text or Reading(f"reader {number}", error="cut by length"))
        for number, text in enumerate(said)
    ]
    panel = scripted_panel(readers)
    opened = open_page(scripted_engines(), PAGE)
    page = annotate_page(opened, ScriptedDetector(), panel)
    assert {line.judgement.verdict for line in page.lines} == {verdict}


@pytest.mark.parametrize(
    ("said", "worded", "text", "verdict"),
    [
        pytest.param(['"Зефир"', '"Зефир"'], 2, '"Зефир"', Verdict.AGREED, id="both saw the quotes"),
        pytest.param(['"Зефир"', "Зефир"], 2, "Зефир", Verdict.AGREED, id="one model put quotes around it"),
        pytest.param(['{"text": "Счёт"}', "Счёт"], 1, "Счёт", Verdict.AGREED, id="JSON beside a recogniser"),
        pytest.param(["# Счёт", "# Счёт"], 2, "# Счёт", Verdict.DISPUTED, id="both models write a heading"),
        pytest.param(["Зефир", '"Зефир"'], 1, "Зефир", Verdict.DISPUTED, id="a recogniser saw quotes"),
    ],
)
def test_what_models_wrap_around_a_line_goes_only_when_another_reading_does_not_have_it(
    said: list[str], worded: int, text: str, verdict: Verdict
) -> None:
    readers = tuple(ScriptedReader(f"reader {number}", answer) for number, answer in enumerate(said))
    names = frozenset(reader.identity for reader in readers[:worded])
    panel = Panel(readers, "ru", Policy.majority(said), prompts=("Transcribe the line.",), worded=names)
    page = image_files.decode(picture(), max_pixels=1_000_000)

    (line,) = read_lines(page, [Line(quad(20, 10, 250, 26))], panel)

    assert (line.judgement.text, line.judgement.verdict) == (text, verdict)


def test_a_policy_says_who_reads_and_how_many_must_agree() -> None:
    assert str(Policy.majority(["ernie", "ernie"])) == "2 of ernie,ernie"
    assert str(Policy.majority(["ernie", "ernie", "tesseract"])) == "2 of ernie,ernie,tesseract"


def test_a_reading_that_never_will_be_better_leaves_its_line_to_a_person() -> None:
    def say(number: int) -> Reading:
        cut = number == 1
        return Reading("one", error="the answer was cut off") if cut else Reading("one", "Счёт")

    page = read_page(scripted_engines(readers=[ScriptedReader("one", say), ScriptedReader("two")]), PAGE)
    verdicts = [line.judgement.verdict for line in page.lines]
    assert verdicts == [Verdict.AGREED, Verdict.DISPUTED, Verdict.AGREED]
    assert {line.judgement.text for line in page.lines} == {"Счёт"}


def test_a_reader_that_fails_on_every_line_fails_the_page_and_not_each_line() -> None:
    refused = Reading("one", error="400: model 'x' does not exist")
    engines = scripted_engines(readers=[ScriptedReader("one", refused), ScriptedReader("two")])
    with pytest.raises(ReaderUnavailable, match="does not exist"):
        read_page(engines, PAGE)


def test_a_blank_box_is_paid_for_once() -> None:
    empty, second = ScriptedReader("one", Reading("one")), ScriptedReader("two")
    source = ScriptedSource({"/white": picture(lines=0)})
    page = read_page(
        scripted_engines(ScriptedDetector(), [empty, second], source), TaskPage(1, "/white", "ru")
    )
    assert {line.judgement.verdict for line in page.lines} == {Verdict.NO_TEXT}
    assert (empty.asked, second.asked) == (3, 0)


@pytest.mark.parametrize(
    ("text", "lines", "kind"),
    [
        pytest.param("OK", 3, ReasonKind.TOO_SHORT, id="two characters for a line full of ink"),
        pytest.param("Счёт на оплату", 4, ReasonKind.SAME_EVERYWHERE, id="every line of the page the same"),
        pytest.param("Счёт на оплату", 3, None, id="three lines may read the same"),
    ],
)
def test_what_two_readers_can_only_have_wrong_alike_is_doubted(
    text: str, lines: int, kind: ReasonKind | None
) -> None:
    image = Image.new("RGB", (400, 40 * lines), "white")
    for left in range(22, 268, 4):
        for row in range(lines):
            ImageDraw.Draw(image).rectangle((left, 12 + 40 * row, left + 1, 32 + 40 * row), fill="black")
    readers = [ScriptedReader("one", text), ScriptedReader("two", text)]
    page = annotate_page(Page(np.asarray(image)), ScriptedDetector(lines), scripted_panel(readers))
    assert [line.judgement.text for line in page.lines] == [text] * lines
    assert {line.judgement.verdict for line in page.lines} == {Verdict.DISPUTED if kind else Verdict.AGREED}
    assert {reason.kind for line in page.lines for reason in line.judgement.reasons} == ({kind} - {None})


def test_the_panel_says_which_readers_are_of_one_family() -> None:
    readers = [
        ScriptedReader("a", "МР-полной"),
        ScriptedReader("b", "МР-полной"),
        ScriptedReader("c", "NP-полной"),
    ]
    kinds = ["ernie", "ernie", "tesseract"]
    opened = open_page(scripted_engines(), PAGE)
    for said, verdict in ((readers, Verdict.DISPUTED), (readers[:2], Verdict.AGREED)):
        panel = Panel(tuple(said), "ru", Policy.majority(kinds[: len(said)]))
        page = annotate_page(opened, ScriptedDetector(2), panel)
        assert {line.judgement.verdict for line in page.lines} == {verdict}
    assert {reason.kind for line in page.lines for reason in line.judgement.reasons} == {
        ReasonKind.ONE_FAMILY
    }

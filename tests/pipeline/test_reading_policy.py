"""READING_POLICY=second-when-needed: two readers read every line, a third one where those leave a doubt."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest

from backend.errors import ReaderUnavailable
from backend.label_studio.labeling_config import LabelingConfig
from backend.label_studio.region_notes import readings_in
from backend.label_studio.regions import regions
from backend.page import image_files
from backend.page.lines import Line, Page, Pixels, Reading, ReadLine, ReasonKind, Verdict
from backend.pipeline.annotate import Panel, Policy, ReadingPolicy, read_lines
from backend.pipeline.read_task import Prediction, TaskPage, Wording, read_page, read_task
from backend.pipeline.service import Service
from backend.seams import LineReader
from tests.parts.scripted import CONFIG, ScriptedReader, picture, quad, scripted_engines

PLAIN, LOCAL, CHARACTERS = "ernie:plain", "engine", "ernie:characters"
KINDS, FAMILIES = ("ernie", "paddle", "ernie"), ("ERNIE", "PP-OCR", "ERNIE")
GONE = "no answer in 60 s"
"""What stands for a reader that could not be reached."""
PAGE = TaskPage(1, "/page", "ru")
SOON_S = 30


def panel_of(readers: Sequence[LineReader], when: ReadingPolicy = "second-when-needed") -> Panel:
    return Panel(tuple(readers), "ru", Policy.majority(KINDS, FAMILIES, when))


def reader(name: str, *said: str) -> ScriptedReader:
    """Says these of its first crops, and the last one of all others; a text in brackets is an error."""

    def say(number: int) -> Reading:
        text = said[min(number, len(said) - 1)]
        if text == GONE:
            return Reading(name, error=text, retryable=True)
        return Reading(name, error=text[1:-1]) if text.startswith("[") else Reading(name, text)

    return ScriptedReader(name, say)


def three(plain: str, local: str, characters: str) -> list[ScriptedReader]:
    return [reader(PLAIN, plain), reader(LOCAL, local), reader(CHARACTERS, characters)]


def read(
    readers: Sequence[LineReader], lines: int = 1, when: ReadingPolicy = "second-when-needed"
) -> list[ReadLine]:
    page = image_files.decode(picture(lines), max_pixels=1_000_000)
    rows = [Line(quad(20, 10 + 40 * row, 250, 26)) for row in range(lines)]
    return read_lines(page, rows, panel_of(readers, when))


@pytest.mark.parametrize(
    ("said", "third_asked", "verdict", "text"),
    [
        pytest.param(
            ("Счёт 12", "Счёт 12", "Счет 12"), 0, Verdict.AGREED, "Счёт 12", id="the first two agree"
        ),
        pytest.param(
            ("Счёт 12", "Счет 12", "Счет 12"), 1, Verdict.AGREED, "Счет 12", id="it confirms the engine"
        ),
        pytest.param(
            ("Счёт 12", "Счет 12", "Счёт 12"),
            1,
            Verdict.DISPUTED,
            "Счёт 12",
            id="it cannot confirm its own model",
        ),
        pytest.param(("Счёт 12", "Счет 12", "Счет 1"), 1, Verdict.DISPUTED, "Счёт 12", id="three texts"),
        pytest.param(
            ("Счёт 12", "", "Счёт 12"), 1, Verdict.DISPUTED, "Счёт 12", id="only the model saw text"
        ),
        pytest.param(("", "", "Счёт 12"), 0, Verdict.NO_TEXT, "", id="two unlike readers saw no text"),
        pytest.param(
            ("[cut by length]", "Счёт 12", "Счёт 12"),
            1,
            Verdict.AGREED,
            "Счёт 12",
            id="a failure is no agreement",
        ),
        pytest.param(
            ("Счёт 12", "[no model]", "Счёт 12"), 1, Verdict.AGREED, "Счёт 12", id="nor is one of the engine"
        ),
        pytest.param(
            (GONE, "Счёт 12", "Счёт 12"), 0, Verdict.DISPUTED, "Счёт 12", id="its answer may yet come"
        ),
    ],
)
def test_a_third_reader_is_asked_for_the_lines_on_which_the_first_two_do_not_agree(
    said: tuple[str, str, str], third_asked: int, verdict: Verdict, text: str
) -> None:
    readers = three(*said)
    (line,) = read(readers)
    assert [each.asked for each in readers] == [1, 1, third_asked]
    assert (line.judgement.verdict, line.judgement.text) == (verdict, text)
    assert [reading.reader for reading in line.readings] == [PLAIN, LOCAL, CHARACTERS][: 2 + third_asked]


def test_under_all_everybody_reads_every_line() -> None:
    readers = three("Счёт 12", "Счёт 12", "Счет 12")
    (line,) = read(readers, when="all")
    assert [each.asked for each in readers] == [1, 1, 1]
    assert [reason.kind for reason in line.judgement.reasons] == [ReasonKind.DISSENT]


def test_of_a_page_only_the_doubtful_lines_cost_a_third_reading() -> None:
    texts = "Счёт 12", "Итого", "Акт 7", "Дата"
    readers = [
        reader(PLAIN, *texts),
        reader(LOCAL, "Счёт 12", "Итога", "Акт 7", "Дата"),
        reader(CHARACTERS, "Итого"),
    ]
    lines = read(readers, lines=4)
    assert [each.asked for each in readers] == [4, 4, 1]
    assert [len(line.readings) for line in lines] == [2, 3, 2, 2]
    assert [line.judgement.text for line in lines] == list(texts)


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        pytest.param(("", "Счёт", "Счёт"), [1, 0, 0], id="the first sees nothing either"),
        pytest.param(("Счёт", "Счёт", "Счёт"), [1, 1, 0], id="the second confirms what the first sees"),
        pytest.param(("Счёт", "", "Счёт"), [1, 1, 1], id="the second does not"),
    ],
)
def test_a_blank_box_goes_from_one_reader_to_the_next(said: tuple[str, str, str], asked: list[int]) -> None:
    readers = three(*said)
    white = Page(np.full((60, 300, 3), 255, np.uint8))
    read_lines(white, [Line(quad(20, 10, 250, 26))], panel_of(readers))
    assert [each.asked for each in readers] == asked


class AnsweredByHand:
    """A reader whose answers the test gives one by one."""

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self.asked: list[Future[Reading]] = []

    def submit(self, crops: Sequence[Pixels], *, urgent: bool = False) -> list[Future[Reading]]:
        futures: list[Future[Reading]] = [Future() for _ in crops]
        self.asked += futures
        return futures

    def hurry(self, futures: Sequence[Future[Reading]]) -> None:
        """Nothing waits here."""

    def say(self, number: int, text: str) -> None:
        self.asked[number].set_result(Reading(self.identity, text))


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + SOON_S
    while not true():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.01)


def test_a_doubtful_line_does_not_wait_for_the_rest_of_its_page() -> None:
    plain, local, characters = (AnsweredByHand(name) for name in (PLAIN, LOCAL, CHARACTERS))
    found: list[ReadLine] = []
    page = threading.Thread(target=lambda: found.extend(read([plain, local, characters], lines=2)))
    page.start()
    wait_until(lambda: len(local.asked) == 2)
    plain.say(1, "Итого")
    local.say(1, "Итога")
    wait_until(lambda: len(characters.asked) == 1)
    characters.say(0, "Итога")
    plain.say(0, "Счёт 12")
    local.say(0, "Счёт 12")
    page.join(SOON_S)
    assert [line.judgement.text for line in found] == ["Счёт 12", "Итога"]
    assert len(characters.asked) == 1


def test_an_annotators_box_costs_no_more_than_a_line_of_a_page() -> None:
    for said, asked in ((("Счёт", "Счёт", "Счет"), [1, 1, 0]), (("Счёт", "Счет", "Счет"), [1, 1, 1])):
        readers = three(*said)
        engines = replace(scripted_engines(), lend=lambda _, readers=readers: nullcontext(panel_of(readers)))
        service = Service(lambda _, engines=engines: engines)
        (line,) = service.read_lines(PAGE, [Line(quad(20, 10, 250, 26))], deadline_s=SOON_S)
        service.close()
        assert isinstance(line, ReadLine)
        assert [each.asked for each in readers] == asked
        assert line.judgement.verdict is Verdict.AGREED


def test_what_annotators_and_exports_see_has_as_many_readings_as_were_made() -> None:
    texts = ["Счёт 12", "Итого", "Акт 7"]
    readers = [reader(PLAIN, *texts), reader(LOCAL, "Счёт 12", "Итога", "Акт 7"), reader(CHARACTERS, "Итого")]
    engines = replace(scripted_engines(), lend=lambda _: nullcontext(panel_of(readers)))
    task = {"id": 1, "data": {"image": "/page"}}
    prediction = read_task(engines, task, LabelingConfig.parse(CONFIG), Wording("ru", "en"))
    assert isinstance(prediction, Prediction)
    written = regions(json.loads(json.dumps(prediction.answer()["result"])))
    kept = {said.readings[0].text: said for each in written if (said := readings_in(each)) is not None}
    assert {text: [reading.reader for reading in said.readings] for text, said in kept.items()} == {
        "Счёт 12": [PLAIN, LOCAL],
        "Итого": [PLAIN, LOCAL, CHARACTERS],
        "Акт 7": [PLAIN, LOCAL],
    }
    assert [each.meta["text"] for each in written if "text" in each.meta] == [
        "A: Итого\nB: Итога\nC: Итого\ndiffers: о / а\nwhy: B: reads otherwise"
    ]


@pytest.mark.parametrize(
    ("local", "whole"),
    [
        pytest.param(("Счёт", "Счёт", "Итога"), True, id="on the one line that it was asked for"),
        pytest.param(("Счет", "Итога", "Итога"), False, id="on every line of the page"),
    ],
)
def test_a_third_reader_that_fails_fails_the_page_only_where_it_fails_everywhere(
    local: tuple[str, ...], whole: bool
) -> None:
    readers = [reader(PLAIN, "Счёт"), reader(LOCAL, *local), reader(CHARACTERS, "[cut by length]")]
    engines = replace(scripted_engines(), lend=lambda _: nullcontext(panel_of(readers)))
    if whole:
        verdicts = [line.judgement.verdict for line in read_page(engines, PAGE).lines]
        assert verdicts == [Verdict.AGREED, Verdict.AGREED, Verdict.DISPUTED]
    else:
        with pytest.raises(ReaderUnavailable, match="cut by length"):
            read_page(engines, PAGE)


@pytest.mark.parametrize(
    ("readers", "when", "at_once", "written"),
    [
        pytest.param(KINDS, "all", 3, "2 of ernie,paddle,ernie", id="all, as ever"),
        pytest.param(
            KINDS, "second-when-needed", 2, "2 of ernie,paddle,ernie second-when-needed", id="one when needed"
        ),
        pytest.param(
            ("ernie", "ernie"),
            "second-when-needed",
            2,
            "2 of ernie,ernie second-when-needed",
            id="nobody to save",
        ),
    ],
)
def test_a_policy_says_who_reads_every_line(
    readers: tuple[str, ...], when: ReadingPolicy, at_once: int, written: str
) -> None:
    policy = Policy.majority(readers, when=when)
    assert (policy.at_once, str(policy)) == (at_once, written)


def test_of_four_readers_the_first_two_agree_by_themselves_and_all_four_by_three() -> None:
    policy = Policy.majority(["ernie", "paddle", "tesseract", "ernie"], when="second-when-needed")
    assert [policy.enough_of(readings) for readings in (1, 2, 4)] == [2, 2, 3]
    assert [replace(policy, when="all").enough_of(readings) for readings in (1, 2, 4)] == [3, 3, 3]

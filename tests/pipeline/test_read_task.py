"""One task in, its prediction out: what every driver calls, without a server and without a queue."""

from __future__ import annotations

import io
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from backend.errors import (
    BadImage,
    BadRequest,
    ImageUnreachable,
    Late,
    OutOfMemory,
    ReaderUnavailable,
    UnexpectedFailure,
)
from backend.label_studio.labeling_config import LabelingConfig, LabelNames
from backend.page import image_files
from backend.page.lines import Detected, Line, Page, Pixels, Reading, ReadPage, Reason, ReasonKind, Verdict
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
from backend.tickets import Urgency
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
UNSEEN = (
    "why: a browser shows this line too faintly to be judged, as black on black or white on white; "
    "the readers saw it with more contrast"
)
PAGE = TaskPage(1, "/page", "ru")


def test_a_task_becomes_a_prediction_that_knows_its_task_and_its_version() -> None:
    made = read_task(scripted_engines(), {"id": 5, "data": {"image": "/page"}}, OURS, WORDING)
    assert isinstance(made, Prediction)
    assert (made.task, made.score, made.model_version) == (5, 1.0, "scripted-1")
    assert len(made.result) == 6
    assert made.answer() == {"result": list(made.result), "score": 1.0, "model_version": "scripted-1"}


@pytest.mark.parametrize(
    "language",
    [
        pytest.param("ru-x-" + "-".join(["aaaaaaaa"] * 20_000), id="180 kB"),
        pytest.param({"code": "ru" * 50_000}, id="no text"),
    ],
)
def test_a_language_that_none_can_be_called_is_refused_in_short(language: object) -> None:
    made = read_task(
        scripted_engines(), {"id": 5, "data": {"image": "/page", "language": language}}, OURS, WORDING
    )
    assert isinstance(made, Failure)
    assert isinstance(made.error, BadRequest)
    assert "field 'language'" in str(made.error)
    assert len(str(made.error)) < 300


@pytest.mark.parametrize("lines", [pytest.param(2, id="two lines"), pytest.param(0, id="no line")])
def test_the_notes_of_a_page_go_with_its_lines_and_with_the_prediction(lines: int) -> None:
    note = Reason(ReasonKind.TURNED, "180")
    with open_page(scripted_engines(), PAGE) as page:
        opened = replace(page, notes=(note,))

    def read(page: TaskPage) -> ReadPage:
        readers = [ScriptedReader("one"), ScriptedReader("two")]
        made = annotate_page(opened, ScriptedDetector(lines), scripted_panel(readers))
        return replace(made, model_version="scripted-1")

    made = read_task(scripted_engines(), {"id": 5, "data": {"image": "/page"}}, OURS, WORDING, read=read)
    assert isinstance(made, Prediction)
    assert made.notes[:1] == ("the text stands turned by 180 degrees clockwise, and was read that way.",)
    assert made.score == float(lines > 0)
    assert len({part["id"] for part in made.result if "page: the text" in part["meta"]["text"]}) == lines


@pytest.mark.parametrize(
    ("ink", "label"),
    [pytest.param("white", "Check", id="white ink"), pytest.param("black", "Text", id="black ink")],
)
def test_lines_that_nobody_sees_on_the_screen_are_marked_for_a_look(ink: str, label: str) -> None:
    """Label Studio lays a transparent page on white; both readers see its ink on a ground of our choice."""
    strokes = Image.open(io.BytesIO(picture())).convert("L").point(lambda level: 255 - level)
    page = Image.new("RGB", strokes.size, ink)
    page.putalpha(strokes)
    file = io.BytesIO()
    page.save(file, "PNG")
    engines = scripted_engines(source=ScriptedSource({"/clear": file.getvalue()}))
    made = read_task(engines, {"id": 5, "data": {"image": "/clear"}}, OURS, WORDING)
    assert isinstance(made, Prediction)
    drawn = [part for part in made.result if part["type"] == "rectanglelabels"]
    assert [part["value"]["rectanglelabels"] for part in drawn] == [[label]] * 3
    assert made.score == float(label == "Text")
    said = {part.get("meta", {}).get("text", "").split("\n")[-1] for part in drawn}
    assert said == ({""} if label == "Text" else {UNSEEN})


def test_of_a_file_of_three_pages_the_first_is_read_and_everybody_is_told() -> None:
    page = Image.open(io.BytesIO(picture()))
    file = io.BytesIO()
    page.save(file, "GIF", save_all=True, append_images=[page.rotate(180), page.rotate(90)])
    engines = scripted_engines(source=ScriptedSource({"/moving": file.getvalue()}))
    made = read_task(engines, {"id": 5, "data": {"image": "/moving"}}, OURS, WORDING)
    assert isinstance(made, Prediction)
    assert made.notes == ("only the first of the 3 frames of this moving picture was read.",)
    assert all("page: only the first of the 3 frames" in part["meta"]["text"] for part in made.result)


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
    with open_page(scripted_engines(), PAGE) as opened:
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
    for said, verdict in ((readers, Verdict.DISPUTED), (readers[:2], Verdict.AGREED)):
        panel = Panel(tuple(said), "ru", Policy.majority(kinds[: len(said)]))
        with open_page(scripted_engines(), PAGE) as opened:
            page = annotate_page(opened, ScriptedDetector(2), panel)
        assert {line.judgement.verdict for line in page.lines} == {verdict}
    assert {reason.kind for line in page.lines for reason in line.judgement.reasons} == {
        ReasonKind.ONE_FAMILY
    }


@pytest.mark.parametrize(
    ("picture_of", "score", "notes"),
    [
        pytest.param(picture(), 0.0, (ReasonKind.NOTHING_FOUND,), id="marks that no detector saw"),
        pytest.param(picture(lines=0), 1.0, (), id="blank"),
    ],
)
def test_a_page_with_nothing_found_is_done_only_where_nothing_is_there(
    picture_of: bytes, score: float, notes: tuple[ReasonKind, ...]
) -> None:
    engines = scripted_engines(ScriptedDetector(lines=0), source=ScriptedSource({"/page": picture_of}))
    made = read_task(engines, {"id": 5, "data": {"image": "/page"}}, OURS, WORDING)
    assert isinstance(made, Prediction)
    page = read_page(engines, PAGE)
    assert (made.score, page.score, tuple(note.kind for note in page.notes)) == (score, score, notes)


def on_its_head(crops: Sequence[Pixels]) -> list[bool]:
    """Whether the lines of `picture` show their thin side, the last stroke, on the left."""
    return [bool(crop[:, :30].mean() > crop[:, -30:].mean()) for crop in crops]


class _ReadsUprightText:
    """Sure of text that stands upright; a scripted Tesseract."""

    identity = "upright"

    def __init__(self, sure: float, unsure: float) -> None:
        self.said = {False: Reading("upright", "Счёт 12", sure), True: Reading("upright", "ZL", unsure)}
        self.asked = 0

    def submit(self, crops: Sequence[Pixels], *, urgent: bool = False) -> list[Future[Reading]]:
        self.asked += len(crops)
        answers: list[Future[Reading]] = []
        for head in on_its_head(crops):
            answers.append(Future())
            answers[-1].set_result(self.said[head])
        return answers

    def hurry(self, futures: Sequence[Future[Reading]]) -> None:
        pass


@pytest.mark.parametrize(
    ("upright", "sure", "unsure", "turned", "asked"),
    [
        pytest.param(True, 0.9, 0.3, (), 6, id="upright: nothing is read twice"),
        pytest.param(False, 0.9, 0.3, ("180",), 6 + 5 + 6, id="on its head: five lines tell"),
        pytest.param(False, 0.4, 0.3, (), 6 + 5, id="unreadable either way"),
        pytest.param(False, 0.9, 0.6, (), 6, id="well read as it is"),
    ],
)
def test_without_a_classifier_an_unsure_reader_finds_the_page_that_lies_on_its_head(
    upright: bool, sure: float, unsure: float, turned: tuple[str, ...], asked: int
) -> None:
    reader = _ReadsUprightText(sure, unsure)
    pixels = image_files.decode(picture(lines=6), max_pixels=1_000_000).pixels
    found = ScriptedDetector(6).detect(Page(pixels)).lines
    # the last strokes of each line, so that a line has a left and a right end
    pixels = pixels.copy()
    pixels[:, 200:] = 255
    lines = tuple(Line(line.quad) for line in found)
    if not upright:
        pixels = np.ascontiguousarray(np.rot90(pixels, 2))
        corner = np.float32([pixels.shape[1], pixels.shape[0]])
        lines = tuple(Line(np.roll(corner - line.quad, 2, axis=0)) for line in lines)
    read = annotate_page(Page(pixels), _Finds(lines), scripted_panel([reader, ScriptedReader("two")]))
    assert tuple(note.first for note in read.notes) == turned
    assert reader.asked == asked
    right_way_up = upright or bool(turned)
    assert {line.readings[0].text for line in read.lines} == {"Счёт 12" if right_way_up else "ZL"}
    starts = [line.line.quad[0].tolist() for line in read.lines]
    assert starts == sorted(starts, key=lambda corner: corner[1], reverse=bool(turned))


class _Finds:
    """A detector that gives these lines."""

    identity = "finds"

    def __init__(self, lines: tuple[Line, ...]) -> None:
        self.lines = lines

    def detect(self, page: Page, *, urgency: Urgency | None = None) -> Detected:
        return Detected(self.lines)


def test_the_pieces_of_a_justified_line_are_read_as_one_line() -> None:
    rows = [[(20, 270)], [(20, 120), (140, 270)], [(20, 270)]]
    lines = tuple(
        Line(quad(left, 10 + 40 * row, right - left, 26))
        for row, boxes in enumerate(rows)
        for left, right in boxes
    )
    page = image_files.decode(picture(), max_pixels=1_000_000)
    read = annotate_page(page, _Finds(lines), scripted_panel([ScriptedReader("one"), ScriptedReader("two")]))
    assert [np.rint(line.line.quad[0]).tolist() for line in read.lines] == [[20, 10], [20, 50], [20, 90]]
    assert [round(float(line.line.quad[1, 0])) for line in read.lines] == [270, 270, 270]


def test_boxes_drawn_over_a_large_page_are_given_to_readers_a_few_at_a_time() -> None:
    whole = np.array([[0, 0], [9000, 0], [9000, 4000], [0, 4000]], np.float32)
    reader = ScriptedReader("one")
    asked: list[int] = []

    class Counted(ScriptedReader):
        def submit(self, crops: Sequence[Pixels], *, urgent: bool = False) -> list[Future[Reading]]:
            asked.append(len(crops))
            return super().submit(crops, urgent=urgent)

    page = Page(np.zeros((4000, 9000, 3), np.uint8))
    read = read_lines(page, [Line(whole)] * 5, scripted_panel([Counted("two"), reader]))
    assert len(read) == 5
    # 36 million pixels each, of which 100 are held
    assert asked == [2, 2, 1]


def test_a_failure_for_lack_of_memory_may_be_asked_again_and_blames_nothing() -> None:
    class Short(ScriptedSource):
        def fetch(self, reference: str, *, task_id: int | None) -> bytes:
            raise MemoryError

    made = read_task(scripted_engines(source=Short()), {"id": 5, "data": {"image": "/page"}}, OURS, WORDING)
    assert isinstance(made, Failure)
    assert isinstance(made.error, OutOfMemory)
    assert (made.error.status, made.error.exit_code) == (503, 3)


def test_a_page_is_open_while_its_readers_answer_and_keeps_nobody_from_being_decoded() -> None:
    engines = scripted_engines()
    with open_page(engines, PAGE) as opened:
        assert engines.memory.open.held == opened.width * opened.height
        assert engines.memory.decoding.held == 0
    assert engines.memory.open.held == 0


def test_what_is_kept_of_a_page_does_not_hold_an_image_that_stands_in_its_task() -> None:
    image = "data:image/png;base64," + "A" * 10_000_000
    page = TaskPage(1, image, "ru")
    assert page.key == TaskPage(1, image, "ru").key
    assert page.key != TaskPage(1, image + "A", "ru").key
    assert page.key != TaskPage(2, image, "ru").key
    assert page.key != TaskPage(1, image, "uk").key
    assert len(str(page.key)) < 250
    assert TaskPage(1, "\ud800", "ru").key, "JSON may hold half a character"

import json
import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from label_studio_sdk.label_interface import LabelInterface

from backend.errors import BadRequest
from backend.label_studio import interactive, predictions
from backend.label_studio.default_config import default_config
from backend.label_studio.labeling_config import LabelingConfig
from backend.label_studio.message_language import MESSAGE_LANGUAGES
from backend.label_studio.region_notes import StoredReadings, readings_in
from backend.label_studio.regions import regions
from backend.page.geometry import RotatedRectangle, rectangle_corners
from backend.page.lines import Judgement, Line, Reading, ReadLine, ReadPage, Reason, ReasonKind, Verdict
from tests.label_studio.test_labeling_config import (
    LABELS_OF_TASKS,
    NO_LABELS,
    ONE_LABEL,
    PAGES,
    POLYGONS,
    POLYGONS_APART,
    RECTANGLES,
    REPEATED,
    STOCK_OCR,
)

CONFIGS = [
    pytest.param(default_config(), id="our own"),
    pytest.param(STOCK_OCR, id="stock OCR template"),
    pytest.param(RECTANGLES, id="RectangleLabels and TextArea, other names"),
    pytest.param(POLYGONS, id="PolygonLabels and TextArea, aliases"),
    pytest.param(POLYGONS_APART, id="Polygon beside Labels"),
    pytest.param(ONE_LABEL, id="one label"),
    pytest.param(NO_LABELS, id="a Rectangle without labels"),
    pytest.param(LABELS_OF_TASKS, id="labels that come with each task"),
]
OURS = LabelingConfig.parse(default_config())
TEXTS = [
    "null",
    "if true",
    '"quoted" \\ \'',
    "日本語",
    "مرحبا 123",
    "ภาษาไทย",
    "й",
    "и\u0306",
    "a\tb\nc",
    "😀",
    " x ",
]


parsed = lru_cache(LabelingConfig.parse)
interface = lru_cache(LabelInterface)


def box(x, y, width, height, angle=0.0):
    return rectangle_corners(RotatedRectangle(x, y, width, height, angle))


def agreed(text="Счёт 12", quad=None, score=0.98):
    readings = (Reading("one", text), Reading("two", text))
    return read(readings, Judgement(Verdict.AGREED, text, score), quad)


def disputed(first="AB-77", second="АВ-77", quad=None):
    reason = Reason(ReasonKind.LOOK_ALIKE, "AB", "АВ")
    readings = (Reading("one", first), Reading("two", second))
    return read(readings, Judgement(Verdict.DISPUTED, first, 0.41, (reason,)), quad)


def blank(quad=None):
    return read((Reading("one"), Reading("two")), Judgement(Verdict.NO_TEXT, "", 0.05), quad)


def unread(quad=None):
    reason = Reason(ReasonKind.READER_FAILED, "one", "no answer in 60 s")
    return read(
        (Reading("one", error="no answer in 60 s"),), Judgement(Verdict.UNREAD, "", 0.0, (reason,)), quad
    )


def read(readings, judgement, quad=None):
    return ReadLine(Line(box(10, 20, 80, 12) if quad is None else quad), readings, judgement)


def page(*lines, width=200, height=100):
    return ReadPage(width, height, lines)


def predicted(read_page, xml=None, **options):
    config = OURS if xml is None else parsed(xml)
    return predictions.prediction(read_page, config, model_version="v1", **options)


def labels_in(prediction):
    return [
        (item["id"][:4], label)
        for item in prediction["result"]
        for key, labels in item["value"].items()
        if key.endswith("labels")
        for label in labels
    ]


def texts_in(prediction):
    return {
        item["id"][:4]: item["value"]["text"] for item in prediction["result"] if item["type"] == "textarea"
    }


def numbers_in(value):
    if isinstance(value, dict):
        return [number for inner in value.values() for number in numbers_in(inner)]
    if isinstance(value, list):
        return [number for inner in value for number in numbers_in(inner)]
    return [value] if isinstance(value, (int, float)) and not isinstance(value, bool) else []


def accepted(prediction, xml):
    """Label Studio stores it: its own check, and what that check forgets."""
    assert interface(xml).validate_prediction(prediction, return_errors=True) == []
    json.dumps(prediction, allow_nan=False).encode("utf-8")
    for item in prediction["result"]:
        for key, value in item["value"].items():
            low, high = (0, 359.99999) if key == "rotation" else (0, 100)
            assert all(low <= number <= high for number in numbers_in(value)), (key, value)
    return True


@pytest.mark.parametrize("xml", CONFIGS)
def test_label_studio_accepts_every_kind_of_line_under_every_config(xml):
    lines = (agreed(), disputed(), blank(), unread(), agreed("null", box(100, 60, 80, 10, 30)))
    prediction = predicted(page(*lines), xml)
    assert accepted(prediction, xml)
    found = regions(prediction["result"])
    assert len(found) == 5
    assert all(not region.problems for region in found)
    assert {region.texts for region in found} == {("Счёт 12",), ("AB-77",), (), ("null",)}


def test_an_agreed_line_arrives_ready():
    label, text = predicted(page(agreed()))["result"]
    common = {
        "to_name": "image", "original_width": 200, "original_height": 100, "image_rotation": 0,
        "id": label["id"], "score": 0.98,
    }  # fmt: skip
    shape = {"x": 5.0, "y": 20.0, "width": 40.0, "height": 12.0, "rotation": 0.0}
    readings = [{"reader": "one", "text": "Счёт 12"}, {"reader": "two", "text": "Счёт 12"}]
    assert label == {
        **common, "from_name": "label", "type": "rectanglelabels",
        "value": {**shape, "rectanglelabels": ["Text"]},
        "meta": {"twinread": {"region": label["id"], "verdict": "agreed", "readings": readings}},
    }  # fmt: skip
    assert text == {
        **common, "from_name": "transcription", "type": "textarea", "value": {**shape, "text": ["Счёт 12"]},
    }  # fmt: skip


def test_a_disputed_line_arrives_filled_in_with_both_readings_on_both_results():
    label, text = predicted(page(disputed()))["result"]
    assert label["value"]["rectanglelabels"] == ["Check"]
    assert text["value"]["text"] == ["AB-77"]
    assert label["meta"]["text"] == text["meta"]["text"]
    assert "AB-77" in label["meta"]["text"]
    assert "АВ-77" in label["meta"]["text"]


@pytest.mark.parametrize(
    "line", [pytest.param(blank(), id="no text found"), pytest.param(unread(), id="a reader failed")]
)
def test_a_line_without_a_reading_is_marked_to_check_and_says_why(line):
    [label] = predicted(page(line))["result"]
    assert label["value"]["rectanglelabels"] == ["Check"]
    assert label["meta"]["text"]


def test_the_explanation_is_in_the_annotators_language():
    english, russian = (
        predicted(page(disputed()), message_language=language)["result"][0]["meta"]["text"]
        for language in MESSAGE_LANGUAGES
    )
    assert english != russian


def test_an_agreed_line_with_a_remark_carries_it():
    line = agreed("15.90")
    remarked = replace(line, judgement=replace(line.judgement, reasons=(Reason(ReasonKind.DIGITS_ONLY),)))
    [label, _] = predicted(page(remarked))["result"]
    assert label["value"]["rectanglelabels"] == ["Text"]
    assert label["meta"]["text"]
    assert "text" not in predicted(page(line))["result"][0]["meta"]


@pytest.mark.parametrize("xml", CONFIGS)
@pytest.mark.parametrize(
    "line",
    [
        pytest.param(agreed(), id="agreed"),
        pytest.param(disputed(), id="disputed"),
        pytest.param(blank(), id="no text"),
        pytest.param(unread(), id="a reader failed"),
        pytest.param(read((), Judgement(Verdict.UNREAD, "", 0.0)), id="nobody reads the language"),
    ],
)
def test_what_every_reader_said_comes_back_once_for_each_line_with_the_verdict(line, xml):
    result = json.loads(json.dumps(predicted(page(line, agreed()), xml)["result"]))
    first, second = (readings_in(region) for region in regions(result))
    assert StoredReadings(line.judgement.verdict, line.readings) in (first, second)
    assert sum("twinread" in part.get("meta", {}) for part in result) == 2


def test_where_a_config_has_no_label_for_doubt_the_reason_is_still_shown():
    prediction = predicted(page(disputed()), STOCK_OCR)
    assert labels_in(prediction) == [("l001", "Text")]
    assert all("АВ-77" in item["meta"]["text"] for item in prediction["result"])


def test_a_shape_a_label_and_a_text_share_one_id_and_one_geometry():
    prediction = predicted(page(agreed()), STOCK_OCR)
    assert [(item["from_name"], item["type"]) for item in prediction["result"]] == [
        ("bbox", "rectangle"),
        ("label", "labels"),
        ("transcription", "textarea"),
    ]
    assert len({item["id"] for item in prediction["result"]}) == 1
    assert len({item["value"]["x"] for item in prediction["result"]}) == 1


def test_lines_in_doubt_come_first_each_group_in_reading_order():
    prediction = predicted(page(agreed("a"), disputed(), agreed("b"), blank(), agreed("c")))
    assert labels_in(prediction) == [
        ("l002", "Check"),
        ("l004", "Check"),
        ("l001", "Text"),
        ("l003", "Text"),
        ("l005", "Text"),
    ]
    assert texts_in(prediction) == {"l001": ["a"], "l002": ["AB-77"], "l003": ["b"], "l005": ["c"]}


def test_ids_are_the_same_in_every_run_and_differ_between_lines():
    lines = (agreed(), agreed(), agreed(quad=box(11, 20, 80, 12)))
    first, again = (predicted(page(*lines)) for _ in range(2))
    jittered = predicted(page(agreed("other words", box(10.2, 19.9, 80, 12)), *lines[1:]))
    ids = [item["id"] for item in first["result"]]
    assert first == again
    assert [item["id"] for item in jittered["result"]] == ids
    assert len(set(ids)) == 3
    assert all("#" not in identity for identity in ids)


@pytest.mark.parametrize(
    ("lines", "score"),
    [
        pytest.param([agreed(), agreed()], 1.0, id="all agreed"),
        pytest.param([agreed(), disputed(), blank(), unread()], 0.25, id="one of four"),
        pytest.param([blank()], 0.0, id="none"),
        pytest.param([], 1.0, id="a page without text: nothing to do"),
    ],
)
def test_the_score_is_the_share_of_agreed_lines(lines, score):
    prediction = predicted(page(*lines))
    assert prediction["score"] == score
    assert prediction["model_version"] == "v1"


NOTE = Reason(ReasonKind.MORE_PAGES, "3")


def noted(*lines):
    return replace(
        page(*[replace(line, judgement=line.judgement.noted([NOTE])) for line in lines]), notes=(NOTE,)
    )


def test_every_line_of_a_page_tells_its_notes_and_stays_what_it_was():
    prediction = predicted(noted(agreed(), disputed()))
    assert [label for _, label in labels_in(prediction)] == ["Check", "Text"]
    said = [part["meta"]["text"].split("\n")[-1] for part in prediction["result"]]
    assert set(said) == {
        "page: only the first of the 3 pages (pictures) in this file was read; "
        "each other one needs a task of its own"
    }
    assert prediction["score"] == 0.5


@pytest.mark.parametrize(
    ("pages", "score"),
    [
        pytest.param([noted()], 0.0, id="one page, nothing found on it"),
        pytest.param([page(agreed()), noted()], 0.5, id="of two pages one with nothing found"),
        pytest.param([page(agreed()), page()], 1.0, id="of two pages one is empty, and nobody has a doubt"),
    ],
)
def test_a_note_that_no_line_can_show_brings_the_task_to_the_front(pages, score):
    config = LabelingConfig.parse(PAGES)
    assert predictions.prediction_of_pages(pages, config, model_version="v1")["score"] == score
    assert pages[-1].score == float(not pages[-1].notes)


def test_a_doubt_makes_an_agreed_line_one_to_look_at_and_keeps_its_text():
    line = agreed("Счёт 12", score=0.98)
    doubtful = replace(line, judgement=line.judgement.doubted(Reason(ReasonKind.UNSEEN)))
    prediction = predicted(page(doubtful))
    assert labels_in(prediction) == [("l001", "Check")]
    assert (texts_in(prediction), prediction["score"]) == ({"l001": ["Счёт 12"]}, 0.0)
    assert "why: a browser shows this line too faintly" in prediction["result"][0]["meta"]["text"]
    assert doubtful.judgement.score == 0.49


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(float("nan"), 0.0, id="not a number"),
        pytest.param(float("inf"), 0.0, id="infinite"),
        pytest.param(1.0000001, 1.0, id="a little over one"),
        pytest.param(-0.2, 0.0, id="below nothing"),
    ],
)
def test_a_score_that_would_lose_the_batch_is_mended(given, expected):
    assert predicted(page(agreed(score=given)))["result"][0]["score"] == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param("a\ud800b", "ab", id="a lone surrogate, which makes Label Studio fail for the task"),
        pytest.param("a\0b", "ab", id="NUL, which PostgreSQL refuses"),
        pytest.param("\ud83d\ude00", "😀", id="a pair of surrogates is one character"),
        pytest.param("и\u0306", "и\u0306", id="a decomposed letter stays"),
    ],
)
def test_text_that_cannot_be_stored_is_taken_out(given, expected):
    prediction = predicted(page(agreed(given), disputed(given, given + "x")))
    assert texts_in(prediction) == {"l001": [expected], "l002": [expected]}
    json.dumps(prediction, ensure_ascii=False).encode("utf-8")
    assert "\0" not in json.dumps(prediction, ensure_ascii=False)


def test_an_agreed_line_of_which_nothing_can_be_stored_is_no_agreed_line():
    prediction = predicted(page(agreed("\ud800")))
    assert labels_in(prediction) == [("l001", "Check")]
    assert prediction["score"] == 0.0


def test_a_failed_task_is_an_empty_object():
    assert predictions.empty_result() == {}


@pytest.mark.parametrize(
    ("quad", "width", "height"),
    [
        pytest.param(box(-3, -2, 210, 20), 200, 100, id="upright, over three edges"),
        pytest.param(box(-3, 40, 210, 20, 3), 200, 100, id="slanted, over both sides"),
        pytest.param(box(60, 5, 95, 20, 90), 50, 100, id="its first corner is beyond the right edge"),
        pytest.param(box(0, 0, 140, 10, 45), 100, 100, id="a diagonal, longer than any side"),
        pytest.param(box(300, 300, 20, 10), 200, 100, id="nowhere on the page"),
        pytest.param(box(0, 0, 1, 1), 1, 1, id="a page of one pixel"),
        pytest.param(box(0, 0, 33.333333, 7), 33, 7, id="a third of a pixel over"),
        pytest.param(
            np.array([[10, 100], [5900, 99.996], [5900, 129.996], [10, 130]], np.float32),
            6000,
            200,
            id="rotation of nearly a full turn, which rounds to 360",
        ),
        pytest.param(np.zeros((4, 2), np.float32), 200, 100, id="no size"),
    ],
)
@pytest.mark.parametrize("xml", CONFIGS)
def test_a_box_over_the_edge_is_cut_to_what_label_studio_accepts(quad, width, height, xml):
    assert accepted(predicted(page(agreed(quad=quad), width=width, height=height), xml), xml)


def test_a_slanted_line_that_begins_just_off_the_page_is_cut_at_the_edge():
    line = agreed(quad=box(-1, 40, 150, 12, 5))
    label = predicted(page(line))["result"][0]
    assert (label["value"]["x"], label["value"]["rotation"]) == (0, 5)
    [region] = regions([label])
    # the corner moves one pixel to the edge; the opposite corner stays
    np.testing.assert_allclose(region.points[2], line.line.quad[2], atol=0.01)
    assert np.abs(region.points - line.line.quad).max() <= 1.01


def test_a_line_that_begins_far_off_the_page_is_said_from_another_corner():
    line = agreed(quad=box(-4, 40, 150, 12, 5))
    label = predicted(page(line))["result"][0]
    assert label["value"]["rotation"] == 185
    [region] = regions([label])
    np.testing.assert_allclose(region.points, line.line.quad, atol=0.01)


def test_a_diagonal_longer_than_any_side_is_cut_at_its_far_end():
    line = agreed(quad=box(10, 0, 130, 10, 45))
    [region] = regions(predicted(page(line, width=100, height=100))["result"])
    np.testing.assert_allclose(region.points, box(10, 0, 100, 10, 45), atol=0.01)


@pytest.mark.parametrize("angle", [pytest.param(90, id="downwards"), pytest.param(270, id="upwards")])
def test_a_line_along_a_page_that_is_narrower_than_it_keeps_its_reading_direction(angle):
    line = box(60, 5, 180, 20, 90) if angle == 90 else box(40, 185, 180, 20, 270)
    prediction = predicted(page(agreed(quad=line), width=100, height=200))
    assert accepted(prediction, default_config())
    assert prediction["result"][0]["value"]["rotation"] in (0, 180)
    [region] = regions(prediction["result"])
    np.testing.assert_allclose(region.points, line, atol=0.01)


SIDES = st.integers(20, 4001)


@st.composite
def boxes_on_pages(draw):
    """A page of odd size and a rectangle on it, at any angle, that percent can say exactly."""
    width, height = draw(SIDES), draw(SIDES)
    angle = draw(st.floats(0, 359.9) | st.sampled_from([0.0, 90.0, 180.0, 270.0]))
    turn = math.radians(angle)
    long, thin = draw(st.floats(6, 4001)), draw(st.floats(4, 200))
    spread_x = abs(long * math.cos(turn)) + abs(thin * math.sin(turn))
    spread_y = abs(long * math.sin(turn)) + abs(thin * math.cos(turn))
    # as large as fits, so that lines are found which are longer than the page is wide
    fit = min(1.0, width / spread_x, height / spread_y, max(width, height) / max(long, thin))
    fit = min(fit, min(width, height) / min(long, thin))
    long, thin, spread_x, spread_y = (0.999 * fit * number for number in (long, thin, spread_x, spread_y))
    assume(thin >= 1)
    centre = np.array(
        [
            draw(st.floats(spread_x / 2, width - spread_x / 2)),
            draw(st.floats(spread_y / 2, height - spread_y / 2)),
        ]
    )
    along, across = np.array([math.cos(turn), math.sin(turn)]), np.array([-math.sin(turn), math.cos(turn)])
    corner = centre - along * long / 2 - across * thin / 2
    return width, height, box(corner[0], corner[1], long, thin, angle)


@pytest.mark.parametrize("xml", CONFIGS)
@settings(max_examples=40, deadline=None)
@given(case=boxes_on_pages(), text=st.sampled_from(TEXTS) | st.text(min_size=1, max_size=12))
def test_a_prediction_read_back_has_the_same_corners_and_the_same_text(xml, case, text):
    width, height, quad = case
    sent = predicted(page(agreed(text, quad), width=width, height=height), xml)
    assert accepted(sent, xml)
    [region] = regions(json.loads(json.dumps(sent))["result"])
    assert not region.problems
    np.testing.assert_allclose(region.points, quad, atol=0.5)
    stored = text.replace("\0", "")
    assert region.texts == ((stored,) if stored.strip() else ())


ANY_QUAD = st.lists(
    st.tuples(st.floats(-500, 2500, width=32), st.floats(-500, 2500, width=32)), min_size=4, max_size=4
)


@settings(deadline=None)
@given(corners=ANY_QUAD, width=st.integers(1, 2000), height=st.integers(1, 2000))
def test_no_quad_makes_a_prediction_that_label_studio_refuses(corners, width, height):
    line = agreed(quad=np.array(corners, dtype=np.float32))
    for xml in (default_config(), POLYGONS):
        assert accepted(predicted(page(line, width=width, height=height), xml), xml)


def test_pages_of_one_task_land_on_their_index():
    config = LabelingConfig.parse(PAGES)
    prediction = predictions.prediction_of_pages(
        [page(agreed("a")), page(disputed(), width=300)], config, model_version="v1"
    )
    assert accepted(prediction, PAGES)
    found = regions(prediction["result"])
    assert [(region.item_index, region.texts, region.page_size) for region in found] == [
        (1, ("AB-77",), (300, 100)),
        (0, ("a",), (200, 100)),
    ]
    assert len({region.id for region in found}) == 2
    assert prediction["score"] == 0.5
    assert [config.page_of(region) for region in found] == [1, 0]


def test_repeated_views_get_the_names_of_their_page():
    config = LabelingConfig.parse(REPEATED)
    prediction = predictions.prediction_of_pages([page(agreed("a"))] * 11, config, model_version="v1")
    assert {(item["to_name"], item["from_name"]) for item in prediction["result"][-2:]} == {
        ("page_10", "labels_10"),
        ("page_10", "text_10"),
    }
    assert "item_index" not in prediction["result"][0]
    found = regions(prediction["result"])
    assert [config.page_of(region) for region in found] == list(range(11))


# ---- a box that was drawn ----

DRAWN = {
    "original_width": 200, "original_height": 100, "image_rotation": 0,
    "value": {
        "x": 4.2, "y": 9.1, "width": 50.5, "height": 11.2, "rotation": 7.5, "rectanglelabels": ["Text"],
    },
    "id": "AbC123", "from_name": "label", "to_name": "image", "type": "rectanglelabels", "origin": "manual",
}  # fmt: skip


def sent_along():
    """What Label Studio sends with a drawn box: the predicted regions of its label."""
    return [{**item, "origin": "prediction"} for item in predicted(page(agreed(), blank()))["result"]]


def drawn_as(*labels, **changes):
    return {**DRAWN, **changes, "value": {**DRAWN["value"], "rectanglelabels": list(labels)}}


def manual_with_text(**changes):
    value = {**{k: v for k, v in DRAWN["value"].items() if k != "rectanglelabels"}, "text": ["typed"]}
    return {**DRAWN, **changes, "from_name": "transcription", "type": "textarea", "value": value}


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        pytest.param([*sent_along(), DRAWN], ["AbC123"], id="the last one, without a text"),
        pytest.param([DRAWN], ["AbC123"], id="the first region of the page"),
        pytest.param(
            [drawn_as("Text", id="one"), DRAWN], ["one", "AbC123"], id="one before it got no answer"
        ),
        pytest.param(
            [drawn_as("Text", id="old"), manual_with_text(id="old"), DRAWN],
            ["AbC123"],
            id="an old one has a text",
        ),
        pytest.param([DRAWN, manual_with_text()], [], id="its text was typed already"),
        pytest.param([DRAWN, *sent_along()], [], id="nothing was drawn last"),
        pytest.param([drawn_as("Illegible")], [], id="a person says that it is illegible"),
        pytest.param([drawn_as("Not text")], [], id="a person says that it is no text"),
        pytest.param([drawn_as()], ["AbC123"], id="no label yet"),
        pytest.param([{**DRAWN, "type": "brushlabels", "value": {"rle": [0]}}], [], id="painted"),
        pytest.param([], [], id="nothing"),
        pytest.param(None, [], id="null"),
        pytest.param("garbage", [], id="garbage"),
    ],
)
def test_only_what_was_just_drawn_is_read(context, expected):
    assert [region.id for region in interactive.drawn_regions(context, OURS, 200, 100)] == expected


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf"), json.loads("1e400")])
@pytest.mark.parametrize(
    "region",
    [
        pytest.param(lambda number: {**DRAWN, "value": {**DRAWN["value"], "x": number}}, id="geometry"),
        pytest.param(lambda number: {**DRAWN, "meta": {"mine": [{"deep": number}]}}, id="deep in its meta"),
        pytest.param(lambda number: {**DRAWN, "score": number}, id="score"),
    ],
)
def test_no_answer_can_hold_a_number_that_json_does_not_have(number, region):
    with pytest.raises(BadRequest, match="no number in JSON"):
        interactive.drawn_regions([region(number)], OURS)


def assisted(line, drawn=DRAWN, xml=None):
    config = OURS if xml is None else LabelingConfig.parse(xml)
    [region] = interactive.drawn_regions([drawn] if isinstance(drawn, dict) else drawn, config, 200, 100)
    return interactive.assist_result([(region, line)], config, model_version="v1")


def test_a_drawn_box_comes_back_where_it_was_with_its_text():
    label, text = assisted(agreed())["result"]
    assert label["value"] == DRAWN["value"]
    shape = {key: DRAWN["value"][key] for key in ("x", "y", "width", "height", "rotation")}
    assert text["value"] == {**shape, "text": ["Счёт 12"]}
    assert {item["id"] for item in (label, text)} == {"AbC123"}
    assert (text["from_name"], text["type"], text["to_name"]) == ("transcription", "textarea", "image")
    assert accepted(assisted(agreed()), default_config())


@pytest.mark.parametrize(
    ("line", "texts"),
    [
        pytest.param(disputed(), [["AB-77"]], id="disputed: filled in"),
        pytest.param(blank(), [], id="nothing read"),
        pytest.param(unread(), [], id="a reader failed"),
    ],
)
def test_a_drawn_box_in_doubt_comes_back_to_be_checked_with_the_reason(line, texts):
    answer = assisted(line)
    assert answer["result"][0]["value"]["rectanglelabels"] == ["Check"]
    assert [item["value"]["text"] for item in answer["result"][1:]] == texts
    assert all(item["meta"]["text"] for item in answer["result"])
    assert accepted(answer, default_config())


def test_of_a_drawn_box_too_it_is_kept_what_every_reader_said():
    for line in (agreed(), disputed(), blank(), unread()):
        [region] = regions(json.loads(json.dumps(assisted(line)["result"])))
        assert readings_in(region) == StoredReadings(line.judgement.verdict, line.readings)


@pytest.mark.parametrize("notes", [{}, {"first_corner": 1, "of_a_person": "kept"}], ids=["no notes", "notes"])
@pytest.mark.parametrize("xml", CONFIGS[:2])
def test_of_a_box_that_is_read_again_only_the_new_readings_are_told(xml, notes):
    """Label Studio repeats a region's meta in each of its results."""
    first = predicted(page(disputed(quad=box(180, 20, 80, 12, 90))), xml)["result"]
    meta = {**first[0]["meta"], **notes}
    drawn = [{**part, "meta": meta, "origin": "manual"} for part in first if part["type"] != "textarea"]
    answer = assisted(agreed(), drawn, xml)["result"]
    [region] = regions(answer)
    assert readings_in(region) == StoredReadings(Verdict.AGREED, agreed().readings)
    assert sum("AB-77" in json.dumps(part, ensure_ascii=False) for part in answer) == 0
    assert all(notes.items() <= part.get("meta", {}).items() for part in answer)


@pytest.mark.parametrize(
    ("given", "line", "expected"),
    [
        pytest.param(["Handwriting"], agreed(), ["Handwriting"], id="a person's own label stays"),
        pytest.param(["Handwriting"], blank(), ["Handwriting"], id="also in doubt, without a label for that"),
        pytest.param([], agreed(), ["Text"], id="no label: the one for text"),
    ],
)
def test_in_the_stock_template_a_drawn_box_keeps_its_label(given, line, expected):
    shape = {key: value for key, value in DRAWN["value"].items() if key != "rectanglelabels"}
    drawn = [{**DRAWN, "from_name": "bbox", "type": "rectangle", "value": shape}]
    if given:
        drawn.append({**DRAWN, "type": "labels", "value": {**shape, "labels": given}})
    answer = assisted(line, drawn, STOCK_OCR)
    assert [label for _, label in labels_in(answer)] == expected
    assert [item["type"] for item in answer["result"]][:2] == ["rectangle", "labels"]
    assert accepted(answer, STOCK_OCR)


def test_a_drawn_polygon_comes_back_as_it_was():
    points = [[10, 10], [50, 12], [49, 20], [30, 25], [9, 18]]
    value = {"points": points, "closed": True, "polygonlabels": ["line"]}
    drawn = {**DRAWN, "from_name": "p", "to_name": "img", "type": "polygonlabels", "value": value}
    answer = assisted(disputed(), drawn, POLYGONS)
    assert [item["value"]["points"] for item in answer["result"]] == [points, points]
    assert labels_in(answer) == [("AbC1", "?")]
    assert accepted(answer, POLYGONS)


def test_a_box_drawn_to_be_checked_is_ready_once_it_is_agreed():
    assert labels_in(assisted(agreed(), drawn_as("Check"))) == [("AbC1", "Text")]


def test_a_field_left_blank_is_replaced_not_doubled():
    blank_text = manual_with_text()
    blank_text["value"]["text"] = [""]
    answer = assisted(agreed(), [DRAWN, blank_text])
    assert [item["value"].get("text") for item in answer["result"]] == [None, ["Счёт 12"]]


def test_a_drawn_box_that_wants_no_text_goes_back_unchanged():
    illegible = drawn_as("Illegible")
    answer = interactive.unchanged_result([*sent_along(), illegible], model_version="v1")
    assert answer["result"] == [illegible]
    assert interactive.unchanged_result([], model_version="v1") == {}
    assert interactive.unchanged_result("garbage", model_version="v1") == {}

"""What a PaddleOCR label file can carry, what it cannot, and what is refused rather than mangled."""

from __future__ import annotations

import ast
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.paddleocr import label_rows
from converters.paddleocr.label_rows import DetectionRow, RecognitionRow, RowRegion
from converters.paddleocr.row_faults import Fault, RowRefused, text_fault

QUAD = ((1.0, 2.0), (30.0, 2.0), (30.0, 12.5), (1.0, 12.5))

PLAIN_TEXTS = [
    pytest.param("Счёт № 12", id="Russian"),
    pytest.param(" 12 ", id="blanks at the edges"),
    pytest.param('"null", \\n', id="quotes and a backslash"),
    pytest.param("if true", id="a word of JSON"),
    pytest.param("日本語", id="Japanese"),
    pytest.param("مرحبا", id="Arabic"),
    pytest.param("สวัสดี", id="Thai"),
    pytest.param("می\u200cخواهم", id="Persian with its joiner"),
    pytest.param("*", id="a star is text in recognition"),
    pytest.param("####", id="four hashes are text"),
]


@pytest.mark.parametrize("text", PLAIN_TEXTS)
def test_a_recognition_row_comes_back_as_it_was(text):
    row = label_rows.recognition_row("crops/стр 1/1.png", text)
    assert row.endswith("\n")
    assert row.count("\n") == 1
    assert label_rows.parse_recognition_row(row) == RecognitionRow("crops/стр 1/1.png", text)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param("Name:\tAda", Fault.TAB, id="tab"),
        pytest.param("one\ntwo", Fault.LINE_BREAK, id="LF"),
        pytest.param("one\rtwo", Fault.LINE_BREAK, id="lone CR"),
        pytest.param("one\u2028two", Fault.LINE_BREAK, id="Unicode line separator"),
        pytest.param("one\x0btwo", Fault.LINE_BREAK, id="vertical tab"),
        pytest.param("a\u00a0b", Fault.ODD_SPACE, id="no-break space"),
        pytest.param("a\u3000b", Fault.ODD_SPACE, id="ideographic space"),
        pytest.param("a\u00adb", Fault.CONTROL, id="soft hyphen"),
        pytest.param("a\u200bb", Fault.CONTROL, id="zero width space"),
        pytest.param("\ufeffa", Fault.CONTROL, id="byte order mark"),
        pytest.param("a\x00", Fault.CONTROL, id="NUL"),
        pytest.param("a\ud83d", Fault.SURROGATE, id="half an emoji"),
        pytest.param("a\ufffd", Fault.NO_CHARACTER, id="the mark of what could not be read"),
        pytest.param("a\uffff", Fault.NO_CHARACTER, id="a noncharacter"),
        pytest.param("и\u0306", Fault.DECOMPOSED, id="decomposed й"),
        pytest.param("", Fault.EMPTY, id="empty"),
        pytest.param("###", Fault.IGNORE_MARK, id="the detection ignore mark"),
    ],
)
def test_a_text_that_paddleocr_would_mangle_is_refused_by_name(text, fault):
    with pytest.raises(RowRefused) as refused:
        label_rows.recognition_row("crops/1.png", text)
    assert refused.value.fault is fault
    assert refused.value.facts["image"] == "crops/1.png"


def test_the_error_says_where_what_why_and_what_to_do():
    with pytest.raises(RowRefused) as refused:
        label_rows.recognition_row("crops/1.png", "Name:\tAda")
    assert str(refused.value).split("\n") == [
        "crops/1.png: the text 'Name:\\tAda' has a tab at character 6.",
        "PaddleOCR ends the label there and trains on what comes before.",
        "Edit the text in Label Studio and export again.",
    ]


@pytest.mark.parametrize(
    ("image", "fault"),
    [
        pytest.param("[1].png", Fault.LISTED_IMAGE, id="bracket"),
        pytest.param("http://host/1.png", Fault.REMOTE_IMAGE, id="web address"),
        pytest.param("\ufeff1.png", Fault.NAME_EDGE, id="byte order mark"),
        pytest.param(" 1.png", Fault.NAME_EDGE, id="leading space"),
        pytest.param("a\tb.png", Fault.TAB, id="tab"),
        pytest.param("a\nb.png", Fault.LINE_BREAK, id="line break"),
        pytest.param("a\udcff.png", Fault.SURROGATE, id="undecodable file name"),
        pytest.param("", Fault.EMPTY, id="empty"),
    ],
)
@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda image: label_rows.recognition_row(image, "a"), id="recognition"),
        pytest.param(lambda image: label_rows.detection_row(image, [RowRegion("a", QUAD)]), id="detection"),
        pytest.param(label_rows.file_state_row, id="file state"),
    ],
)
def test_an_image_name_that_paddleocr_reads_as_something_else_is_refused(write, image, fault):
    with pytest.raises(RowRefused) as refused:
        write(image)
    assert refused.value.fault is fault


@pytest.mark.parametrize("image", ["httpd.png", "a[1].png", "/data/1.png", "./стр 1.png"])
def test_an_image_name_that_paddleocr_opens_is_written(image):
    assert label_rows.parse_recognition_row(label_rows.recognition_row(image, "a")).image == image


@pytest.mark.parametrize(
    "text",
    [*PLAIN_TEXTS[:-2], pytest.param("a\tb\nc", id="breaks, as escapes"), pytest.param("", id="empty")],
)
def test_a_detection_row_comes_back_as_it_was(text):
    regions = (RowRegion(text, QUAD), RowRegion("", (*QUAD, (0.25, 7.0)), ignored=True))
    row = label_rows.detection_row("p/1.png", regions)
    assert row.count("\t") == row.count("\n") == 1
    parsed = label_rows.parse_detection_row(row)
    assert parsed == DetectionRow(
        "p/1.png", (regions[0], RowRegion("###", (*QUAD, (0.25, 7.0)), ignored=True))
    )


def as_ppocrlabel_reads(row: str) -> list[dict[str, object]]:
    """PPOCRLabel's way: replace three words of JSON, then evaluate as Python."""
    label = row.rstrip("\n").split("\t")[1]
    for json_word, python_word in [("false", "False"), ("true", "True"), ("null", "None")]:
        label = label.replace(json_word, python_word)
    return ast.literal_eval(label)


@given(
    st.text(
        st.one_of(st.sampled_from('truefalsn\\"\n\t\x0f\x7f😀'), st.characters(exclude_categories=["Cs"]))
    )
)
def test_paddleocr_and_ppocrlabel_read_the_same_text(text):
    row = label_rows.detection_row("p/1.png", [RowRegion("x" + text, QUAD)])
    assert json.loads(row.split("\t")[1])[0]["transcription"] == "x" + text
    assert as_ppocrlabel_reads(row)[0]["transcription"] == "x" + text


@pytest.mark.parametrize("text", ["null", "if true", "\null", "\x0false", "\true"])
def test_words_of_json_survive_ppocrlabel(text):
    assert (
        as_ppocrlabel_reads(label_rows.detection_row("p/1.png", [RowRegion(text, QUAD)]))[0]["transcription"]
        == text
    )


@pytest.mark.parametrize(
    ("regions", "fault"),
    [
        pytest.param([], Fault.NO_REGIONS, id="no region"),
        pytest.param([RowRegion("*", QUAD)], Fault.IGNORE_MARK, id="a star would be ignored"),
        pytest.param([RowRegion("###", QUAD)], Fault.IGNORE_MARK, id="hashes would be ignored"),
        pytest.param([RowRegion("a", QUAD[:2])], Fault.FEW_POINTS, id="two points"),
        pytest.param([RowRegion("a", (*QUAD, (float("nan"), 1.0)))], Fault.NOT_FINITE, id="not a number"),
        pytest.param([RowRegion("a", (*QUAD, (1.0, float("inf"))))], Fault.NOT_FINITE, id="infinite"),
        pytest.param([RowRegion("\udcff", QUAD)], Fault.SURROGATE, id="half a character"),
    ],
)
def test_a_region_that_paddleocr_would_lose_is_refused(regions, fault):
    with pytest.raises(RowRefused) as refused:
        label_rows.detection_row("p/1.png", regions)
    assert refused.value.fault is fault


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        pytest.param("", Fault.NO_TAB, id="blank line"),
        pytest.param("1.png text", Fault.NO_TAB, id="no tab"),
        pytest.param("1.png\ta\tb", Fault.MORE_TABS, id="two tabs"),
        pytest.param("1.png\t", Fault.EMPTY, id="no text"),
        pytest.param('["1.png", "2.png"]\ta', Fault.LISTED_IMAGE, id="list of images"),
    ],
)
def test_a_line_that_is_no_recognition_row_is_refused(row, fault):
    with pytest.raises(RowRefused) as refused:
        label_rows.parse_recognition_row(row)
    assert refused.value.fault is fault


@pytest.mark.parametrize(
    "label",
    [
        pytest.param("[{'transcription': 'a'}]", id="Python"),
        pytest.param('{"transcription": "a", "points": []}', id="one region without its list"),
        pytest.param("[" * 100_000, id="nested without end"),
    ],
)
def test_a_line_that_is_no_detection_row_is_refused(label):
    with pytest.raises(RowRefused) as refused:
        label_rows.parse_detection_row(f"1.png\t{label}\n")
    assert refused.value.fault is Fault.NOT_JSON


@pytest.mark.parametrize(
    ("region", "fault", "subject"),
    [
        pytest.param('{"transcription": "a"}', Fault.NOT_JSON, "region", id="no points"),
        pytest.param("null", Fault.NOT_JSON, "region", id="null"),
        pytest.param('"transcription points"', Fault.NOT_JSON, "region", id="a text that names both"),
        pytest.param('{"transcription": 1, "points": [[1,2],[3,4],[5,6]]}', Fault.NOT_JSON, "transcription",
                     id="number as text"),
        pytest.param('{"transcription": "a", "points": [[1,2],[3],[5,6]]}', Fault.NOT_JSON, "points",
                     id="half a point"),
        pytest.param('{"transcription": ["\\ud800"], "points": [[1,2],[3,4],[5,6]]}', Fault.NOT_JSON,
                     "transcription", id="half a character in a list"),
        pytest.param('{"transcription": "a", "points": 4}', Fault.NOT_JSON, "points",
                     id="a number for points"),
        pytest.param('{"transcription": "a", "points": [[1,2],[3,4]]}', Fault.FEW_POINTS, "region",
                     id="two points"),
        pytest.param('{"transcription": "a", "points": [[NaN,2],[3,4],[5,6]]}', Fault.NOT_FINITE, "region",
                     id="NaN"),
    ],
)  # fmt: skip
def test_a_bad_region_is_refused_in_its_place_and_takes_no_other_with_it(region, fault, subject):
    good = '{"transcription": "a", "points": [[1, 2], [30, 2], [30, 12]]}'
    first, refused, last = label_rows.parse_detection_row(f"1.png\t[{good}, {region}, {good}]").regions

    assert first == last == RowRegion("a", ((1, 2), (30, 2), (30, 12)))
    assert isinstance(refused, RowRefused)
    assert (refused.fault, refused.facts["image"], refused.facts["subject"]) == (fault, "1.png", subject)
    # half of a character, as JSON can spell it, would break whatever it is shown on
    str(refused.facts["text"]).encode()


def test_a_file_is_read_row_by_row_with_refusals_in_their_place():
    content = "\ufeff1.png\tа\r\n\n2.png\t".encode() + "текст".encode("cp1251") + b"\n3.png\tb\n\n"
    rows = list(label_rows.parse_rows(content, label_rows.parse_recognition_row))
    assert [number for number, _ in rows] == [1, 2, 3, 4]
    assert rows[0][1] == RecognitionRow("1.png", "а")
    assert [row.fault for _, row in rows[1:3] if isinstance(row, RowRefused)] == [
        Fault.NO_TAB,
        Fault.NOT_UTF8,
    ]
    assert rows[3][1] == RecognitionRow("3.png", "b")
    assert list(label_rows.parse_rows(b"", label_rows.parse_recognition_row)) == []


def test_a_file_state_row_comes_back():
    assert label_rows.file_state_row("pages/1.png") == "pages/1.png\t1\n"
    assert label_rows.parse_file_state_row("pages/1.png\t1\n") == "pages/1.png"


def test_the_module_names_what_the_formats_do_not_carry():
    """The same list as in the docstring, each shown by writing and reading."""
    said = " ".join((label_rows.__doc__ or "").split())
    triangle = RowRegion("a", ((0.126, 0.0), (9.0, 0.0), (9.0, 9.0)))
    (back,) = label_rows.parse_detection_row(label_rows.detection_row("1.png", [triangle])).regions
    assert "parts of a pixel below a hundredth" in said
    assert back.points[0] == (0.13, 0.0)
    assert "triangles as such" in said
    assert back.points[2:] == ((9.0, 9.0), (9.0, 9.0))
    ignored = RowRegion("too faint to read", QUAD, ignored=True)
    assert "why a region is ignored" in said
    assert (
        label_rows.parse_detection_row(label_rows.detection_row("1.png", [ignored])).regions[0].text == "###"
    )
    assert "pages without regions" in said
    assert "illegible lines and lines without text" in said
    assert set(RecognitionRow.__dataclass_fields__) == {"image", "text"}
    assert set(RowRegion.__dataclass_fields__) == {"text", "points", "ignored"}


def test_every_text_without_a_fault_is_composed_unicode():
    assert text_fault(unicodedata.normalize("NFC", "Й ё ấ 각")) is None

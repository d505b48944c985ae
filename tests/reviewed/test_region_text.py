"""What a region says, and how its crop is called."""

from __future__ import annotations

import pytest

from backend.label_studio.regions import regions
from converters.reviewed.reasons import LeftOutReason
from converters.reviewed.region_text import Change, TextAreas, crop_name, folder_of, region_names, text_in
from tests.parts.reviewed_tasks import rectangle


def said(text, *more, **options):
    """What a region with this under `text` says."""
    result = rectangle("a", None)
    for number, given in enumerate((text, *more)):
        answer = {**result[0], "type": "textarea", "from_name": f"t{number}"}
        result.append({**answer, "value": {**result[0]["value"], "text": given}})
    [region] = regions(result)
    return text_in(region, **options)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        pytest.param(["Счёт № 5"], "Счёт № 5", id="a list of one"),
        pytest.param("Счёт № 5", "Счёт № 5", id="a bare string"),
        pytest.param(["a", " a "], "a", id="the same twice"),
        pytest.param(["a", ""], "a", id="an empty one beside it"),
        pytest.param(["\u0438\u0306"], "й", id="decomposed letters"),
        pytest.param(["1\u00a0000,00\u2009₽"], "1 000,00 ₽", id="no-break and thin spaces"),
        pytest.param(["名前\u3000太郎"], "名前 太郎", id="ideographic space"),
        pytest.param(["½ № ² …"], "½ № ² …", id="compatibility characters stay"),
        pytest.param(["null"], "null", id="null"),
        pytest.param(['if true "a"'], 'if true "a"', id="words and quotes of JSON"),
        pytest.param(["می\u200cخواهم"], "می\u200cخواهم", id="a joiner that Persian needs"),
        pytest.param(["*"], "*", id="an asterisk is a text in recognition"),
    ],
)
def test_a_text_is_written_in_nfc_with_plain_spaces(given, text):
    assert said(given).text == text
    assert said(given).why is None


@pytest.mark.parametrize(
    ("given", "why"),
    [
        pytest.param([], LeftOutReason.NO_TEXT, id="an empty list"),
        pytest.param(None, LeftOutReason.NO_TEXT, id="null"),
        pytest.param([""], LeftOutReason.NO_TEXT, id="a field cleared by hand"),
        pytest.param(["  "], LeftOutReason.BLANK, id="blanks"),
        pytest.param(["\u00a0\u3000"], LeftOutReason.BLANK, id="odd blanks"),
        pytest.param(["a", "b"], LeftOutReason.SEVERAL_TEXTS, id="two texts are not joined"),
        pytest.param([5], LeftOutReason.BAD_TEXT, id="a number"),
        pytest.param({"a": 1}, LeftOutReason.BAD_TEXT, id="an object"),
        pytest.param(["при\tвет"], LeftOutReason.TAB, id="a tab"),
        pytest.param(["две\nстроки"], LeftOutReason.LINE_BREAK, id="a line break"),
        pytest.param(["строка\r\n"], LeftOutReason.LINE_BREAK, id="a line break at the end"),
        pytest.param(["а\u2028б"], LeftOutReason.LINE_BREAK, id="a line separator"),
        pytest.param(["а\u00adб"], LeftOutReason.CONTROL, id="a soft hyphen, which a page may show"),
        pytest.param(["\u202eабв\u202c"], LeftOutReason.CONTROL, id="an override of the direction"),
        pytest.param(["\u200f \u200b"], LeftOutReason.BLANK, id="marks alone"),
        pytest.param(["а\ufffdб"], LeftOutReason.NO_CHARACTER, id="the mark of what could not be read"),
        pytest.param(["а\U0001fffeб"], LeftOutReason.NO_CHARACTER, id="a noncharacter"),
        pytest.param(["а\u0000б"], LeftOutReason.CONTROL, id="NUL"),
        pytest.param(["а\ud83dб"], LeftOutReason.SURROGATE, id="half a surrogate pair"),
        pytest.param(["\u1680а\u1680б"], LeftOutReason.ODD_SPACE, id="an Ogham space mark"),
        pytest.param([" ### "], LeftOutReason.IGNORE_MARK, id="the ignore mark"),
    ],
)
def test_a_text_that_would_be_mangled_has_its_reason(given, why):
    assert (said(given).text, said(given).why) == ("", why)


def test_two_text_areas_that_differ_are_two_texts_unless_one_is_for_transcriptions():
    assert said(["Счёт"], ["a remark"]).why is LeftOutReason.SEVERAL_TEXTS
    named = TextAreas(frozenset({"t0"}), frozenset({"t1"}))
    assert said(["Счёт"], ["a remark"], text_areas=named).text == "Счёт"
    # a TextArea of the config that holds something else is never a transcription
    assert said([], ["a remark"], text_areas=named).why is LeftOutReason.NO_TEXT
    assert said(["Счёт"], text_areas=TextAreas(frozenset({"renamed since"}))).text == "Счёт"
    only = TextAreas(frozenset({"renamed since"}), only=True)
    assert said(["Счёт"], text_areas=only).why is LeftOutReason.NO_TEXT


@pytest.mark.parametrize(
    ("given", "changes"),
    [
        pytest.param("Счёт", set(), id="none"),
        pytest.param("и\u0306", {Change.COMPOSED}, id="composed"),
        pytest.param("a\u00a0b ", {Change.SPACES}, id="spaces"),
        pytest.param("е\u0308  ж", {Change.COMPOSED, Change.SPACES}, id="both"),
        pytest.param("a\tb", {Change.BREAKS}, id="a tab"),
        pytest.param("\u200fשלום\u200f 12", {Change.MARKS}, id="marks of direction"),
        pytest.param("\u2067مرحبا\u2069", {Change.MARKS}, id="an isolate"),
        pytest.param("កម្ពុជា\u200bល្អ", {Change.MARKS}, id="a zero-width space between words"),
        pytest.param("a\r\n b\n", {Change.BREAKS, Change.SPACES}, id="breaks beside blanks"),
    ],
)
def test_what_writing_changed_is_told(given, changes):
    assert said([given], replace_breaks=True).changes == changes
    assert said([given], replace_breaks=True).raw == given


def test_every_region_has_a_name_of_its_own_that_its_id_gives():
    ids = ["l007-ab12cd", "G1wj68-AlF", "a/b", "ab", "a b", "", "Ab", "x" * 40, "日本"]
    boxes = [rectangle(identity, box=(5 * number, 9, 99, 20)) for number, identity in enumerate(ids)]
    found = regions([result for box in boxes for result in box])
    names = region_names(found)
    assert names[:2] == ["l007-ab12cd", "G1wj68-AlF"]
    assert len({name.casefold() for name in names}) == len(ids)
    assert all(name.isascii() and name.replace("-", "").isalnum() for name in names)
    # neighbours that come or go change no name
    assert region_names(found[3:6]) == names[3:6]


def test_a_crop_lies_where_its_task_says():
    assert crop_name("12345_p2", "l007", "png", folder_of("crops", "12345")) == "crops/12/12345_p2_l007.png"

"""A verdict in words, in English and Russian."""

from __future__ import annotations

import typing
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.label_studio.explanations import difference_in_words, doubts_in, explain
from backend.label_studio.message_language import MessageLanguage
from backend.page.lines import Judgement, Reading, Reason, ReasonKind, Verdict
from backend.text.verdicts import judge

LANGUAGES = typing.get_args(MessageLanguage)


def told(*answers, language="en", page="ru"):
    """Explain what unlike readers answered; None is a reader that failed."""
    readings = [
        Reading(f"reader {place}", error="no answer in 60 s")
        if answer is None
        else Reading(f"reader {place}", answer)
        for place, answer in enumerate(answers)
    ]
    return explain(judge(readings, crop_size=(600, 40), language=page), readings, language)


def apart(text):
    """Between Unicode's isolates, as what runs from right to left."""
    return f"\u2068{text}\u2069"


@pytest.mark.parametrize(
    ("answers", "english", "russian"),
    [
        pytest.param(
            ("ёжик AB 0", "ежик АВ О"),
            "A: ёжик AB 0\nB: ежик АВ О\ndiffers: Latin AB / Cyrillic АВ; digit 0 / letter О; ё / е",
            "A: ёжик AB 0\nB: ежик АВ О\nотличие: латинские AB / кириллические АВ; цифра 0 / буква О; ё / е",
            id="look-alikes by script, digit and letter, then the rest",
        ),
        pytest.param(
            ("A 1", "А 1"),
            "A: A 1\nB: А 1\ndiffers: Latin A / Cyrillic А",
            "A: A 1\nB: А 1\nотличие: латинская A / кириллическая А",
            id="one letter",
        ),
        pytest.param(
            ("при вет", "привет"),
            "A: при вет\nB: привет\ndiffers: missing space",
            "A: при вет\nB: привет\nотличие: пропущен пробел",
            id="missing space",
        ),
        pytest.param(
            ("", ""),
            "A: (nothing read)\nB: (nothing read)",
            "A: (ничего не прочитано)\nB: (ничего не прочитано)",
            id="nothing read",
        ),
        pytest.param(
            ("Стол", None),
            "A: Стол\nB: (failed: no answer in 60 s)",
            "A: Стол\nB: (распознаватель не ответил)",
            id="one failed",
        ),
        pytest.param(
            ("Стол", ""),
            "A: Стол\nB: (nothing read)\nwhy: not every reader saw text here",
            "A: Стол\nB: (ничего не прочитано)\nпричина: текст увидели не все распознаватели",
            id="only one saw text",
        ),
        pytest.param(
            ("Cтол", "Cтол"),
            "A: Cтол\nB: Cтол\nnote: written in one script: Стол (was: Latin C, Cyrillic тол)",
            "A: Cтол\nB: Cтол\nпримечание: записано одним алфавитом: Стол "
            "(было: латинская C, кириллические тол)",
            id="a repaired word",
        ),
        pytest.param(
            ("АB", "АB"),
            "A: АB\nB: АB\nwhy: letters of two scripts in one word: АB (Cyrillic А, Latin B)",
            "A: АB\nB: АB\nпричина: буквы двух алфавитов в одном слове: АB (кириллическая А, латинская B)",
            id="a word that cannot be repaired",
        ),
        pytest.param(
            ("да" * 9, "да"),
            f"A: {'да' * 9}\nB: да\nwhy: A: repeats itself: да",
            f"A: {'да' * 9}\nB: да\nпричина: A: текст повторяет сам себя: да",
            id="a guard, and whose text it is about",
        ),
        pytest.param(
            (),
            "why: no installed reader can write the language ru; any of these would: "
            "tesseract-ocr-rus, eslav_PP-OCRv5_mobile_rec",
            "причина: ни один установленный распознаватель не пишет на языке ru; подойдёт: "
            "tesseract-ocr-rus, eslav_PP-OCRv5_mobile_rec",
            id="no reader, and what to install",
        ),
        pytest.param(
            ("Стул", "Стол", "Стол"),
            "A: Стул\nB: Стол\nC: Стол\ndiffers: у / о\nwhy: A: reads otherwise",
            "A: Стул\nB: Стол\nC: Стол\nотличие: у / о\nпричина: A: читает иначе",
            id="an engine that stands against the others",
        ),
        pytest.param(
            ("|3010", "|3010"),
            "A: |3010\nB: |3010\nwhy: A: | at the edge: a frame or a speck, perhaps",
            "A: |3010\nB: |3010\nпричина: A: | с краю: возможно, линия рамки или пятно",
            id="a table's rule that both read",
        ),
        pytest.param(
            ("З00 руб.", "З00 руб."),
            "A: З00 руб.\nB: З00 руб.\nwhy: A: a letter that looks like a digit: З00",
            "A: З00 руб.\nB: З00 руб.\nпричина: A: буква, похожая на цифру: З00",
            id="a letter for a digit",
        ),
        pytest.param(
            ("а — б", "а – б"),
            "A: а — б\nB: а – б\nnote: written by the house rule: – (U+2013) (was: — (U+2014))",
            "A: а — б\nB: а – б\nпримечание: записано по принятому правилу: – (U+2013) (было: — (U+2014))",
            id="the house's dash",
        ),
        pytest.param(
            ("t 5 °С", "t 5 °С"),
            "A: t 5 °С\nB: t 5 °С\nnote: written by the house rule: 5 °C (Latin C) (was: 5 °С (Cyrillic С))",
            "A: t 5 °С\nB: t 5 °С\nпримечание: записано по принятому правилу: "
            "5 °C (латинская C) (было: 5 °С (кириллическая С))",
            id="degrees with a Latin letter",
        ),
        pytest.param(("Стол", "Стол"), "A: Стол\nB: Стол", "A: Стол\nB: Стол", id="agreed"),
    ],
)
def test_a_line_is_explained(answers, english, russian):
    assert told(*answers) == english
    assert told(*answers, language="ru") == russian


@pytest.mark.parametrize(
    ("first", "second", "difference"),
    [
        pytest.param("Bill", "BiII", "small letters ll / capital letters II", id="l and I of one script"),
        pytest.param("Да", "да", "Д / д (capitals)", id="capitals"),
        pytest.param("ё a —b", "е a -b", "ё / е; — (U+2014) / - (U+002D)", id="dashes by code point"),
        pytest.param(
            "كتاب ي", "كتاب ی", f"{apart('ي')} (U+064A) / {apart('ی')} (U+06CC)", id="Arabic by code point"
        ),
        pytest.param("ё дом \uf8ff", "е дом", "ё / е; missing <U+F8FF>", id="a character without a shape"),
        pytest.param("morning", "moming", "rn / m", id="a letter and two"),
        pytest.param("Счёт", "Счёта", "missing а", id="a letter that one has"),
        pytest.param(
            "abcdefghijkl", "ABCDEFGHIJKL", "abcdefghijkl / ABCDEFGHIJKL (capitals)", id="a whole word"
        ),
    ],
)
def test_differing_pieces_are_named_so_that_a_person_can_tell_them(first, second, difference):
    page = "fa" if "ك" in first else "ru"
    assert told(first, second, page=page).splitlines()[-1] == f"differs: {difference}"


@pytest.mark.parametrize(
    ("first", "second", "page"),
    [
        pytest.param("طلب ٢ من ABC!", "طلب ٢ من ABG!", "ar", id="Arabic"),
        pytest.param("שלום 12 (א)", "שלום 12 (ב)", "he", id="Hebrew"),
    ],
)
def test_a_reading_that_runs_from_right_to_left_keeps_its_own_order(first, second, page):
    assert told(first, second, page=page).splitlines()[:2] == [f"A: {apart(first)}", f"B: {apart(second)}"]


@pytest.mark.parametrize(
    ("language", "message"),
    [
        ("en", "A: Стол\nB: Стол\nnote: only ERNIE reads it so, no other engine confirms it"),
        ("ru", "A: Стол\nB: Стол\nпримечание: так читает только ERNIE, другой движок не подтверждает"),
    ],
)
def test_one_familys_word_is_marked(language, message):
    readings = [Reading("one", "Стол"), Reading("two", "Стол")]
    families = {"one": "ERNIE", "two": "ERNIE"}
    judgement = judge(readings, crop_size=(600, 40), language="ru", families=families)
    assert explain(judgement, readings, language) == message


def test_many_differences_are_counted_rather_than_listed():
    pieces = tuple(Reason(ReasonKind.DIFFERENT, chr(ord("a") + place), "-") for place in range(12))
    judgement = Judgement(Verdict.DISPUTED, "", 0.1, pieces)
    assert explain(judgement, [], "en").endswith("h / -; and 4 more")


def test_a_language_without_any_reader_is_transcribed_by_hand():
    judgement = Judgement(Verdict.UNREAD, "", 0.0, (Reason(ReasonKind.NO_READER, "zz", ""),))
    assert explain(judgement, [], "en").endswith("none that twinread knows, transcribe by hand")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ReasonKind)
def test_every_reason_has_its_own_words_in_every_language(kind, language):
    def words(each):
        return explain(Judgement(Verdict.DISPUTED, "", 0.1, (Reason(each, "a b", "c d"),)), [], language)

    assert words(kind).strip()
    assert "{" not in words(kind)
    comparisons = {ReasonKind.DIFFERENT, ReasonKind.SPACING, ReasonKind.PUNCTUATION}
    others = [words(each) for each in ReasonKind if each is not kind and not {kind, each} <= comparisons]
    assert words(kind) not in others


def test_the_languages_differ_in_every_sentence():
    for kind in set(ReasonKind):
        judgement = Judgement(Verdict.AGREED, "", 0.9, (Reason(kind, "a", "b"),))
        assert explain(judgement, [], "en") != explain(judgement, [], "ru")


@given(
    st.lists(st.one_of(st.none(), st.text(st.characters(codec=None))), max_size=3),
    st.text(st.characters(codec=None)),
    st.sampled_from(LANGUAGES),
)
def test_a_message_is_plain_lines_that_any_panel_can_show(answers, error, language):
    readings = [
        Reading(f"reader {place}", error=error) if answer is None else Reading(f"reader {place}", answer)
        for place, answer in enumerate(answers)
    ]
    message = explain(judge(readings, crop_size=(600, 40), language="ru"), readings, language)
    assert message.encode() is not None
    lines = message.split("\n")
    assert len(readings) <= len(lines) <= len(readings) + 2
    odd = {unicodedata.category(character) for line in lines for character in line}
    assert not odd & {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("answers", "reasons"),
    [
        pytest.param(("12", "17"), [], id="only a difference"),
        pytest.param(("привет", None), [ReasonKind.ONE_READER], id="a reader failed"),
        pytest.param(("why: this", "page: 3"), [], id="readings that begin as a doubt does"),
    ],
)
def test_the_doubts_of_an_explanation_are_found_again(answers, reasons, language):
    said = told(*answers, language=language).split("\n")
    found = doubts_in("\n".join(said))
    heads = tuple(f"{head}: " for head in ("why", "page", "причина", "страница"))
    expected = [line.split(": ", 1)[1] for line in said[len(answers) :] if line.startswith(heads)]
    failures = [line[4:-1] for line in said[: len(answers)] if line.startswith("B: (")]
    assert found == failures + expected
    assert bool(found) is bool(reasons)


def test_a_difference_is_said_as_the_explanation_says_it():
    for first, second in [("ёжик AB 0", "ежик АВ О"), ("при вет", "привет"), ("12", "12")]:
        for language in LANGUAGES:
            whole = told(first, second, language=language)
            words = difference_in_words(first, second, language)
            assert (words == "") is (first == second)
            assert words in whole

"""Wrapping is taken off; the words are never touched."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.text.cleaning import clean, plain_text, visible_text

anything = st.text(st.characters(codec=None))
wrapping = st.text(
    st.sampled_from("`\"'$“”‘’#*\\(){}<>/thinkext:.\n \u200b\u200d\u200cАبक1e\u0301\u064e👩\ufe0f"),
    max_size=30,
)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        pytest.param("```\nСчёт № 12\n```", "Счёт № 12", id="code fence"),
        pytest.param("```text\nСчёт № 12\n```\n", "Счёт № 12", id="code fence with a language"),
        pytest.param("```Счёт № 12```", "Счёт № 12", id="code fence on one line"),
        pytest.param("`Счёт`", "Счёт", id="backticks"),
        pytest.param('"Счёт № 12"', "Счёт № 12", id="ASCII quotes"),
        pytest.param("'Счёт'", "Счёт", id="ASCII single quotes"),
        pytest.param("“Счёт”", "Счёт", id="curly quotes"),
        pytest.param("‘Счёт’", "Счёт", id="curly single quotes"),
        pytest.param("The text is: Счёт", "Счёт", id="English introduction"),
        pytest.param("The text in the image reads: Счёт", "Счёт", id="longer introduction"),
        pytest.param("Here is the transcribed text:\n\nСчёт", "Счёт", id="introduction and line breaks"),
        pytest.param(
            "Sure! Here's the text from the image:\n```\nСчёт\n```", "Счёт", id="introduction and fence"
        ),
        pytest.param(
            'The text says: "Счёт".', "Счёт", id="introduction, quotes and the sentence's full stop"
        ),
        pytest.param("Текст: Счёт", "Счёт", id="Russian introduction"),
        pytest.param(
            "Распознанный текст на изображении: «Ромашка»", "«Ромашка»", id="longer Russian introduction"
        ),
        pytest.param("OCR: Invoice", "Invoice", id="OCR:"),
        pytest.param("<think>Cyrillic, 12?</think>\nСчёт", "Счёт", id="thought"),
        pytest.param("Cyrillic, 12?</think>Счёт", "Счёт", id="thought whose start was in the prompt"),
        pytest.param("Счёт\r\nот 3 мая\u2028г.", "Счёт от 3 мая г.", id="line breaks"),
        pytest.param("\ufeffСч\u200bёт\u00ad\x00\x07", "Счёт", id="BOM, zero width, soft hyphen, NUL, bell"),
        pytest.param("a\ud800b", "ab", id="lone surrogate"),
        pytest.param("\ud83d\ude00", "😀", id="surrogates that make a pair"),
        pytest.param("$\\text{Hello}$", "Hello", id="LaTeX text"),
        pytest.param("$Hello$", "Hello", id="dollars around a word"),
        pytest.param("\\(λόγος\\)", "λόγος", id="LaTeX brackets"),
        pytest.param("$$λόγος$$", "λόγος", id="LaTeX display"),
        pytest.param(
            "12\u00a0345\u202f67\u3000руб.", "12 345 67 руб.", id="no-break, thin, ideographic space"
        ),
        pytest.param("  a   b ", "a b", id="runs of spaces"),
        pytest.param("и\u0306", "й", id="NFC"),
        pytest.param("\u2126", "Ω", id="NFC of the Ohm sign"),
    ],
)
def test_what_a_model_wraps_around_the_words_is_taken_off(raw, text):
    assert clean(raw) == text


@pytest.mark.parametrize(
    "raw",
    [
        "",
        " ",
        "\n",
        "###",
        ' "###" ',
        "```\n###\n```",
        "`###`",
        "The text is: ###",
        "<think>empty?</think>###",
        '""',
    ],
)
def test_no_text_is_the_empty_string(raw):
    assert clean(raw) == ""


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("«Ромашка»", id="guillemets"),
        pytest.param("„Ромашка“", id="low quotes"),
        pytest.param("「東京」", id="corner brackets"),
        pytest.param('ООО "Ромашка"', id="quotes at the end only"),
        pytest.param('"Да" и "нет"', id="quotes inside as well"),
        pytest.param("'90s don't", id="apostrophes"),
        pytest.param("№ ½ ² ™ … Ⅳ ﬁ", id="what NFKC would change"),
        pytest.param("a — b – c - d ‑ e", id="dashes"),
        pytest.param("$5", id="price"),
        pytest.param("5$", id="price, sign last"),
        pytest.param("$5 – 7$", id="price at both ends"),
        pytest.param("Text:", id="a label with nothing after it"),
        pytest.param("Текст", id="the word alone"),
        pytest.param("Контекст: война", id="a word that ends so"),
        pytest.param("Адрес: Москва", id="another label"),
        pytest.param("Textile: cotton", id="a word that begins so"),
        pytest.param("#### 12", id="more hashes than the mark"),
        pytest.param("### 12", id="the mark with something after it"),
        pytest.param("می\u200cخواهم", id="zero width non-joiner in Persian"),
        pytest.param("क्\u200dष", id="zero width joiner in Hindi"),
        pytest.param("👩\u200d🔬", id="emoji of two parts"),
        pytest.param("A\\B", id="backslash"),
        pytest.param("<b> 1 < 2", id="angle brackets"),
    ],
)
def test_the_words_themselves_are_not_touched(text):
    assert clean(text) == text


def test_joiners_that_join_nothing_are_noise():
    assert visible_text("Сч\u200cёт\u200d") == "Счёт"


def test_recognisers_wrap_nothing_so_their_text_keeps_everything_visible():
    assert visible_text('"Текст: 12"\n') == '"Текст: 12"'


def test_a_person_s_text_is_folded_in_form_and_spaces_alone():
    assert plain_text("\u00a0и\u0306\u2009\u3000b ") == "й b"
    assert plain_text("a\tb\nc\u200b") == "a\tb\nc\u200b"
    assert plain_text("ᚐ\u1680ᚑ") == "ᚐ\u1680ᚑ", "the Ogham space mark is a drawn line"


@given(st.one_of(anything, wrapping))
def test_cleaning_twice_is_cleaning_once(raw):
    for step in (plain_text, visible_text, clean):
        assert step(step(raw)) == step(raw)


@given(st.one_of(anything, wrapping))
def test_a_cleaned_text_is_one_line_of_visible_nfc(raw):
    text = clean(raw)
    assert text == unicodedata.normalize("NFC", text)
    assert text == text.strip() and "  " not in text
    assert not [
        character for character in text if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}
    ]
    assert text.encode() is not None


@given(st.text(st.sampled_from("Счётabc12.,№-—«» "), min_size=1))
def test_every_wrapping_gives_back_what_it_held(text):
    text = plain_text(text)
    for wrapped in (
        f"```\n{text}\n```",
        f'"{text}"',
        f"“{text}”",
        f"The text is: {text}",
        f"<think>?</think>{text}",
    ):
        assert clean(wrapped) == (text if text else clean(wrapped))

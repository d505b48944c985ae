"""Wrapping is taken off; the words are never touched."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.text.cleaning import plain_text, visible_text
from backend.text.model_answers import answer_of, clean
from backend.text.wrapping import unwrapped, wrapping_in

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
        pytest.param("###12", id="the mark with something after it"),
        pytest.param("می\u200cخواهم", id="zero width non-joiner in Persian"),
        pytest.param("क्\u200dष", id="zero width joiner in Hindi"),
        pytest.param("👩\u200d🔬", id="emoji of two parts"),
        pytest.param("A\\B", id="backslash"),
        pytest.param("<b> 1 < 2", id="angle brackets"),
    ],
)
def test_the_words_themselves_are_not_touched(text):
    assert clean(text) == text


ONE_OF_TWO = [
    pytest.param('"Зефир"', "Зефир", id="quotes"),
    pytest.param("Текст: Пушкин А.С.", "Пушкин А.С.", id="a label"),
    pytest.param("OCR: yes", "yes", id="OCR:"),
    pytest.param("The text is: Счёт", "Счёт", id="an introduction"),
    pytest.param("The text in the image is Счёт", "Счёт", id="a sentence"),
    pytest.param('The image shows the text "Счёт".', "Счёт", id="a sentence that quotes"),
    pytest.param("На изображении написано «Ромашка»", "«Ромашка»", id="a Russian sentence"),
    pytest.param('{"text": "Счёт № 12"}', "Счёт № 12", id="JSON"),
    pytest.param('{"text": "Счёт", "language": "ru", "confidence": 0.9}', "Счёт", id="JSON with more in it"),
    pytest.param('["Счёт"]', "Счёт", id="a JSON list"),
    pytest.param("<p>Счёт</p>", "Счёт", id="a paragraph"),
    pytest.param('<div class="line"><b>Счёт</b></div>', "Счёт", id="tags in tags"),
    pytest.param("<answer>Счёт</answer>", "Счёт", id="an answer's tag"),
    pytest.param("&quot;Счёт&quot; &amp; акт", '"Счёт" & акт', id="entities"),
    pytest.param("# Счёт", "Счёт", id="a heading"),
    pytest.param("### 12", "12", id="a heading of the third order"),
    pytest.param("**Итого:** 100", "Итого: 100", id="bold within the line"),
    pytest.param("![строка](line.png) Счёт", "Счёт", id="a picture before the text"),
    pytest.param("Счёт (Note: the rest is cut off)", "Счёт", id="a note"),
]


@pytest.mark.parametrize(("raw", "text"), ONE_OF_TWO)
def test_wrapping_that_a_page_can_hold_is_taken_off_where_only_one_reading_has_it(raw, text):
    assert unwrapped([answer_of(raw), text]) == [text, text]
    assert unwrapped([text, answer_of(raw)]) == [text, text]


@pytest.mark.parametrize(("raw", "text"), ONE_OF_TWO)
def test_what_both_readings_carry_is_on_the_page_or_is_left_for_a_person(raw, text):
    assert unwrapped([answer_of(raw), answer_of(raw)]) == [raw, raw]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        pytest.param("Счёт<|im_end|>", "Счёт", id="the end of a turn"),
        pytest.param("Счёт</s>", "Счёт", id="the end of a sequence"),
        pytest.param("<s> Счёт </s><|endoftext|>", "Счёт", id="several"),
        pytest.param("<|im_start|>assistant\nСчёт<|im_end|>", "Счёт", id="a whole turn"),
        pytest.param("Счёт<｜end▁of▁sentence｜>", "Счёт", id="full-width bars"),
        pytest.param("<|begin_of_box|>Счёт<|end_of_box|>", "Счёт", id="a box around the answer"),
        pytest.param(
            "<|object_ref_start|>Счёт<|object_ref_end|><|box_start|>(1,2),(30,40)<|box_end|>",
            "Счёт",
            id="a box with its place on the picture",
        ),
        pytest.param("Счёт<|LOC_12|><|LOC_30|>", "Счёт", id="PaddleOCR-VL's places"),
        pytest.param("```\nСчёт\n```", "Счёт", id="a code fence"),
        pytest.param("The text in the image reads: Счёт", "Счёт", id="words about the picture"),
        pytest.param("Here is the text:\n\nСчёт", "Счёт", id="words above the text"),
        pytest.param("Счёт\n\n(Note: the rest is cut off)", "Счёт", id="a note below the text"),
        pytest.param("$\\text{Счёт}$", "Счёт", id="TeX"),
    ],
)
def test_what_no_page_holds_is_taken_off_both_readings(raw, text):
    assert unwrapped([answer_of(raw), answer_of(raw)]) == [text, text]


@pytest.mark.parametrize(
    ("answers", "texts"),
    [
        pytest.param(('"Зефир"', "«Зефир»"), ['"Зефир"', "«Зефир»"], id="other quotes are quotes, too"),
        pytest.param(('"Зефир"', '"Зефир'), ['"Зефир"', '"Зефир'], id="half of the quotes is seen"),
        pytest.param(("Текст: Пушкин", "Текст; Пушкин"), ["Текст: Пушкин", "Текст; Пушкин"], id="same label"),
        pytest.param(
            ("**Зефир**", '"Зефир"', '"Зефир"'),
            ["Зефир", '"Зефир"', '"Зефир"'],
            id="two of three have quotes",
        ),
        pytest.param(('{"text": "«Да»"}', "«Да»"), ["«Да»", "«Да»"], id="quotes of the page inside JSON"),
        pytest.param(("&quot;Да&quot;", '"Да"'), ['"Да"', '"Да"'], id="the page's quotes, once as entities"),
        pytest.param(
            ("Text: Да", "Here is the text: Да"), ["Да", "Да"], id="each introduces it in its own way"
        ),
        pytest.param(("![](line.png)", "Да"), ["![](line.png)", "Да"], id="nothing would be left"),
    ],
)
def test_readings_of_one_line_are_looked_at_together(answers, texts):
    assert unwrapped([answer_of(answer) for answer in answers]) == texts


def test_recognisers_wrap_nothing_so_only_the_models_reading_changes():
    assert unwrapped(["# Да", "**Да**", '"Нет"'], [True, False, False]) == ["Да", "**Да**", '"Нет"']


def test_an_answer_is_kept_as_it_was_given_but_for_what_no_page_holds():
    assert answer_of('<think>quotes?</think>```\n"Зефир"\n```</s>') == '```\n"Зефир"\n```'


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<p>Да</p>", "<p>"),
        ('{"text": "Да"}', "{"),
        ("&quot;Да", "&quot;"),
        ("# Да", "#"),
        ("![](line.png)", "![](line.png)"),
        ("Да<|im_end|>Да", "<|im_end|>"),
        ('"Да"', ""),
        ("Текст: Да", ""),
        ("#1 & Co. <5 {a} * b_c", ""),
    ],
)
def test_what_is_left_of_a_models_own_words_is_named(text, found):
    assert wrapping_in(text) == found


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

"""Each guard fires on what it is for, and ordinary lines pass."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.page.lines import ReasonKind
from backend.text.guards import repeated_piece, suspicions
from tests.parts.samples import all_samples

PROMPT = "Read the text in this image exactly as it is written. Answer ### if there is no text."
WIDE_CROP = (900, 40)


def kinds(text, crop_size=WIDE_CROP, language="ru"):
    return suspicions(text, crop_size, language, [PROMPT])


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        pytest.param("I'm sorry, but I cannot read this image.", ReasonKind.REFUSAL, id="English excuse"),
        pytest.param("I can’t make out the text.", ReasonKind.REFUSAL, id="curly apostrophe"),
        pytest.param("There is no readable text.", ReasonKind.REFUSAL, id="no text, in words"),
        pytest.param("К сожалению, я не могу прочитать.", ReasonKind.REFUSAL, id="Russian excuse"),
        pytest.param("На изображении нет текста", ReasonKind.REFUSAL, id="Russian no text"),
        pytest.param("抱歉，我无法识别图片", ReasonKind.REFUSAL, id="Chinese excuse"),
        pytest.param("read the text in this image exactly", ReasonKind.ECHO, id="part of the prompt"),
        pytest.param("Answer ### if there is no text", ReasonKind.ECHO, id="end of the prompt"),
        pytest.param("да да да да да да да", ReasonKind.REPEATS, id="a word"),
        pytest.param("Счёт на оплату. " * 6, ReasonKind.REPEATS, id="a sentence"),
        pytest.param("аааааааааааа", ReasonKind.REPEATS, id="a letter"),
        pytest.param("1212121212121212", ReasonKind.REPEATS, id="a group of digits"),
        pytest.param("7" * 30, ReasonKind.REPEATS, id="a digit"),
        pytest.param("東京都庁", ReasonKind.WRONG_SCRIPT, id="Chinese for Russian"),
        pytest.param("Ωραίος", ReasonKind.WRONG_SCRIPT, id="Greek for Russian"),
        *(
            pytest.param(text, ReasonKind.REFUSAL, id=text)
            for text in (
                "[illegible]",
                "(unreadable)",
                "[неразборчиво]",
                "No text",
                "None",
                "N/A",
                "null",
                "[blank]",
                "Текст не найден.",
                "Service is temporarily unavailable",
                "Internal server error",
                "The model is currently overloaded. Please try again later.",
                "![](line.png)",
            )
        ),
        *(
            pytest.param(text, ReasonKind.MARKUP, id=text)
            for text in (
                "Счёт [illegible] 12",
                "<answer>Счёт</answer>",
                '{"text": "Счёт"}',
                "&quot;Счёт&quot;",
                "**Счёт**",
                "# Счёт",
                "The text in the image is Счёт",
                "Счёт (Note: cut off)",
                "Счёт<|im_end|>Счёт",
            )
        ),
        pytest.param("!" * 20, ReasonKind.REPEATS, id="a sign that no rule is made of"),
        pytest.param("Иван Петров " * 4, ReasonKind.REPEATS, id="a phrase four times over"),
    ],
)
def test_a_guard_fires_on_what_it_is_for(text, kind):
    assert kind in kinds(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("1000000", id="a million"),
        pytest.param("30101810000000000225", id="account number full of zeros"),
        pytest.param("0,00 0,00 0,00 0,00", id="zeros in a table row"),
        pytest.param("-" * 60, id="a rule"),
        pytest.param("Глава 1 " + "." * 60 + " 7", id="dotted leader"),
        pytest.param("_" * 40, id="a blank to fill in"),
        pytest.param("да-да-да", id="said three times"),
        pytest.param("шт. шт. шт. шт.", id="units of a table row"),
        pytest.param("text", id="one word of the prompt"),
        pytest.param("Windows 10 Professional", id="English in a Russian project"),
        pytest.param("Ω", id="one Greek letter"),
        pytest.param("α-распад и β-распад", id="Greek letters in Russian words"),
        pytest.param("Текст договора", id="begins with the word text"),
        pytest.param("Извините за беспокойство", id="an apology that is no excuse"),
        pytest.param("№ ½ € 100 %", id="signs"),
        pytest.param("None of the above", id="begins with none"),
        pytest.param("Our service is temporarily unavailable in Crete", id="a sentence about a service"),
        pytest.param("12.05.2020 12.05.2020 12.05.2020", id="a date in three columns"),
        pytest.param("Ура!!!", id="three exclamation marks"),
        pytest.param("<5 & >3 {a} #1", id="signs that markup uses, too"),
        pytest.param('"Зефир"', id="quotes"),
        pytest.param("Текст: Пушкин А.С.", id="a label"),
        pytest.param("", id="nothing"),
    ],
)
def test_an_ordinary_line_passes(text):
    assert kinds(text) == ()


@pytest.mark.parametrize(
    ("text", "crop_size", "too_long"),
    [
        pytest.param("Счёт на оплату", (280, 40), False, id="an ordinary line"),
        pytest.param("Счёт на оплату", (60, 40), True, id="fourteen letters in the room of two"),
        pytest.param("Счёт на оплату", (40, 280), False, id="a line that runs upwards"),
        pytest.param("東京都庁舎", (200, 40), False, id="five full-width characters in the room of five"),
        pytest.param(
            "東京都庁舎東京都庁舎東京都庁舎東京", (200, 40), True, id="seventeen in the room of five"
        ),
        pytest.param("iiiiiiiiii........", (60, 40), False, id="thin characters"),
        pytest.param("й", (3, 40), False, id="one letter"),
        pytest.param("abc", (0, 0), False, id="a crop without size proves nothing"),
    ],
)
def test_more_characters_than_the_crop_has_room_for(text, crop_size, too_long):
    language = "ja" if "東" in text else "ru"
    assert (ReasonKind.TOO_LONG in kinds(text, crop_size, language)) is too_long


@pytest.mark.parametrize(
    ("language", "text"), [("ko", "베이징 北京"), ("ja", "東京タワー"), ("sr-Latn", "Beograd")]
)
def test_every_script_of_a_language_is_at_home(language, text):
    assert kinds(text, language=language) == ()


def test_where_nobody_is_asked_in_words_markup_is_what_the_page_holds():
    assert suspicions("<p>Счёт</p>", WIDE_CROP, "ru") == ()


def test_the_repeated_piece_is_told():
    assert repeated_piece("Счёт 12. Счёт 12. Счёт 12. Счёт 12. Счёт 12. ") == "Счёт 12."
    assert repeated_piece("Счёт 12. Счёт 12.") == ""


def test_every_true_line_of_the_sample_pages_passes():
    suspected = []
    for page in all_samples():
        for line in page.lines:
            (x0, y0), (x1, y1), *_, (x3, y3) = line["poly"]
            width, height = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5, ((x3 - x0) ** 2 + (y3 - y0) ** 2) ** 0.5
            language = line.get("lang") if line.get("lang") in {"ru", "en", "uk", "el", "de"} else "ru"
            found = suspicions(line["text"], (round(width), round(height)), language, [PROMPT])
            if found and len(line["poly"]) == 4:
                suspected.append((page.path.name, line["text"], found))
    assert suspected == []


@given(st.text(st.characters(codec=None)), st.tuples(st.integers(0, 2000), st.integers(0, 200)))
def test_no_text_and_no_crop_upsets_a_guard(text, crop_size):
    suspicions(text, crop_size, "ru", [PROMPT, ""])

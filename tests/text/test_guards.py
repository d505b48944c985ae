"""Each guard fires on what it is for, and ordinary lines pass."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.page.lines import ReasonKind
from backend.text.guards import repeated_piece, suspicions
from tests.parts.samples import all_samples

PROMPT = (
    "Read the text in this image exactly as it is written: no explanation, no quotes. "
    "Answer ### if there is no text."
)
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
        pytest.param("[blank]", ReasonKind.REFUSAL, id="a word in brackets for the whole"),
        pytest.param("![](line.png)", ReasonKind.REFUSAL, id="a picture for an answer"),
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
        pytest.param("的", ReasonKind.WRONG_SCRIPT, id="one strange letter alone"),
        pytest.param("Договор оказания услуг " * 3, ReasonKind.REPEATS, id="a phrase three times"),
        pytest.param(
            "Акционерное общество открытого типа «Заря Востока» " * 3, ReasonKind.REPEATS, id="a long one"
        ),
        pytest.param("!" * 20, ReasonKind.REPEATS, id="a sign"),
        pytest.param("no explanation", ReasonKind.ECHO, id="a piece of the prompt between its commas"),
        pytest.param("Текст не найден.", ReasonKind.REFUSAL, id="Russian, no text found"),
        pytest.param("[неразборчиво]", ReasonKind.REFUSAL, id="Russian, in brackets"),
        pytest.param("[illegible]", ReasonKind.REFUSAL, id="English, in brackets"),
        pytest.param("No text", ReasonKind.REFUSAL, id="two words"),
        pytest.param("None", ReasonKind.REFUSAL, id="a program's nothing"),
        pytest.param("N/A", ReasonKind.REFUSAL, id="a form's nothing"),
        pytest.param("Service is temporarily unavailable", ReasonKind.REFUSAL, id="a gateway's excuse"),
        pytest.param("(Note: the image is cut off)", ReasonKind.REFUSAL, id="a note on the image"),
        pytest.param("I'm sorry, but I can't assist with that.", ReasonKind.REFUSAL, id="a usual excuse"),
        pytest.param("|3010", ReasonKind.EDGE_MARK, id="a table's rule before a number"),
        pytest.param("представляет |", ReasonKind.EDGE_MARK, id="a table's rule behind a word"),
        pytest.param("[Консультационные", ReasonKind.EDGE_MARK, id="a bracket that nothing closes"),
        pytest.param("].", ReasonKind.EDGE_MARK, id="a Roman one, misread"),
        pytest.param("‘да", ReasonKind.EDGE_MARK, id="a quote that nothing closes"),
        pytest.param("|", ReasonKind.EDGE_MARK, id="a rule alone"),
        pytest.param("268, 32", ReasonKind.BROKEN_NUMBER, id="a price with a space"),
        pytest.param("1 ,5 кг", ReasonKind.BROKEN_NUMBER, id="a space before the comma"),
        pytest.param(
            "30101810400000000225-", ReasonKind.BROKEN_NUMBER, id="a table's rule behind an account"
        ),
        pytest.param("З00 руб.", ReasonKind.LETTER_AMONG_DIGITS, id="a letter Ze for 3"),
        pytest.param("ВК-О5О", ReasonKind.LETTER_AMONG_DIGITS, id="letters about a digit"),
        pytest.param("1О5", ReasonKind.LETTER_AMONG_DIGITS, id="a letter between digits"),
        pytest.param("5О", ReasonKind.LETTER_AMONG_DIGITS, id="a letter behind a number"),
        pytest.param("l5", ReasonKind.LETTER_AMONG_DIGITS, id="a letter l for 1"),
        pytest.param("РОТВЕВ-РВАУА.СОМ", ReasonKind.LOOK_ALIKE_ADDRESS, id="an address in Cyrillic"),
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
        pytest.param("Я не вижу моря из окна", id="a sentence that begins as an excuse does"),
        pytest.param("Текст не содержит ошибок", id="a sentence about a text"),
        pytest.param("К сожалению, мне не сообщили об этом", id="a sentence that is sorry"),
        pytest.param("I can't swim", id="an English sentence of the kind"),
        pytest.param("I'm sorry for your loss", id="condolences"),
        pytest.param("Нет, спасибо", id="a no"),
        pytest.param("[а] {б} ‘в’", id="brackets and quotes with their partners"),
        pytest.param("Подпись ________", id="a blank to fill in"),
        pytest.param("3, 4, 5", id="digits in a row"),
        pytest.param("15.09.2019", id="a date"),
        pytest.param("15. 05. 2020", id="a date with spaces"),
        pytest.param("8-800-555", id="a telephone number"),
        pytest.param("CO2, H2O, А4, ISO9001, B2", id="letters that belong to digits"),
        pytest.param("д. 3б, кв. 5", id="a house's letter"),
        pytest.param("12 В, 5В", id="volts"),
        pytest.param("сайт mail.com", id="an address"),
        pytest.param("отсутствует", id="a word of a form"),
        pytest.param("α-распад и β-распад", id="Greek letters in Russian words"),
        pytest.param("Текст договора", id="begins with the word text"),
        pytest.param("Извините за беспокойство", id="an apology that is no excuse"),
        pytest.param("№ ½ € 100 %", id="signs"),
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


@pytest.mark.parametrize(
    ("language", "text", "fires"),
    [
        pytest.param("ru", "‘да", True, id="no Russian word begins so"),
        pytest.param("en", "'tis the season", False, id="an English word does"),
        pytest.param("en", "‘Hello,", False, id="an English speech that goes on in the next line"),
        pytest.param("en", "[see above", True, id="a bracket, in any language"),
    ],
)
def test_a_quote_at_the_edge_counts_where_no_word_begins_with_one(language, text, fires):
    assert (ReasonKind.EDGE_MARK in kinds(text, language=language)) is fires


@pytest.mark.parametrize(
    ("text", "ink_length", "too_short"),
    [
        pytest.param("OK", 840, True, id="two characters for the ink of forty-two"),
        pytest.param("OK", 60, False, id="two characters"),
        pytest.param("Форма № 12", 300, False, id="an ordinary line"),
        pytest.param("W", 85, False, id="one wide letter"),
        pytest.param("OK", None, False, id="nobody measured"),
    ],
)
def test_fewer_characters_than_the_ink_is_long_for(text, ink_length, too_short):
    found = suspicions(text, (900, 40), "ru", [PROMPT], ink_length)
    assert (ReasonKind.TOO_SHORT in found) is too_short


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

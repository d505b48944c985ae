"""PaddleOCR dictionaries: read as PaddleOCR reads them, made from texts, and what lies outside."""

from __future__ import annotations

import pytest

from backend.errors import BadRequest
from converters.paddleocr import dictionaries
from converters.paddleocr.dictionaries import Dictionary


def test_a_dictionary_file_is_read_as_paddleocr_reads_it():
    dictionary = dictionaries.parse_dictionary("а\r\nб\n\n🇦🇩\n\u3000\nа\n".encode())
    assert dictionary.entries == ("а", "б", "", "🇦🇩", "\u3000", "а")
    assert dictionary.characters == {"а", "б", "\u3000", " "}


@pytest.mark.parametrize(
    ("text", "kept", "outside"),
    [
        pytest.param("а б", "а б", [], id="all inside"),
        pytest.param("а\u00a0б", "аб", ["\u00a0"], id="no-break space joins the words"),
        pytest.param("ок😀", "", ["о", "к", "😀"], id="nothing is left"),
        pytest.param("\u0438\u0306", "", ["\u0438", "\u0306"], id="decomposed"),
        pytest.param("ааё", "аа", ["ё"], id="one letter"),
    ],
)
def test_what_lies_outside_is_deleted_from_the_label(text, kept, outside):
    dictionary = Dictionary(("а", "б"))
    assert dictionary.kept(text) == kept
    assert dictionary.outside(text) == outside


def test_the_space_is_a_character_only_by_the_rule():
    assert Dictionary(("а",), use_space_char=False).outside("а а") == [" "]
    assert Dictionary(("а", " "), use_space_char=False).outside("а а") == []


def test_without_a_dictionary_paddleocr_keeps_digits_and_small_latin_letters():
    assert dictionaries.BUILT_IN.kept("Hello World 12") == "helloworld12"


def test_a_dictionary_that_is_not_utf8_is_refused():
    with pytest.raises(BadRequest, match="not UTF-8"):
        dictionaries.parse_dictionary("абв\n".encode("cp1251"))


def test_odd_entries_are_named():
    found = dictionaries.flaws(dictionaries.parse_dictionary("\ufeffа\nб\n\nб\n🇦🇩\n\u212b\n".encode()))
    assert found.byte_order_mark
    assert found.blank == (3,)
    assert found.repeated == ("б",)
    assert found.several == ("\ufeffа", "🇦🇩")
    assert found.decomposed == ("\u212b",)


def test_a_clean_dictionary_has_no_flaws():
    found = dictionaries.flaws(Dictionary(("а", "№")))
    assert found == dictionaries.DictionaryFlaws(False, (), (), (), ())


def test_a_dictionary_is_made_from_texts_sorted_and_composed():
    made = dictionaries.dictionary_of(["ёж 12", "и\u0306\u00a0№", "ก่\u00ad"])
    assert made.entries == ("1", "2", "ж", "й", "ё", "ก", "่", "№")
    assert made.combining == ("่",)
    assert made.left_out == {"\u00a0": 1, "\u00ad": 1}
    assert (
        dictionaries.dictionary_of(reversed(["ёж 12", "и\u0306\u00a0№", "ก่\u00ad"])).entries == made.entries
    )


def test_letters_newer_than_pythons_tables_are_entries_and_what_is_no_character_is_not():
    made = dictionaries.dictionary_of(["\u0378\U000105ff", "\ufffd\uffff\ufdd0"])
    assert made.entries == ("\u0378", "\U000105ff")
    assert set(made.left_out) == {"\ufffd", "\uffff", "\ufdd0"}


def test_a_made_dictionary_writes_every_text_it_was_made_from():
    texts = ["Счёт № 12", "日本語", "می\u200cخواهم", "½ € 😀"]
    entries = dictionaries.dictionary_of(texts).entries
    again = dictionaries.parse_dictionary(dictionaries.dictionary_file(entries).encode())
    assert again.entries == entries
    assert [again.kept(text) for text in texts] == texts


def test_new_characters_go_to_the_end_so_that_old_ones_keep_their_numbers():
    grown = dictionaries.extended(Dictionary(("в", "а")), "яба а\u00a0\tё")
    assert grown.entries == ("в", "а", "б", "я", "ё")


def test_an_invisible_character_has_a_name_in_words():
    assert dictionaries.character_name("\u00a0") == "U+00A0 NO-BREAK SPACE"
    assert dictionaries.character_name("\x07") == "U+0007 control character"
    assert dictionaries.character_name("\ue000") == "U+E000 without a name"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        pytest.param("абвгд\n", "has all its characters on one line", id="one line"),
        pytest.param("0 а\n1 б\n2 в\n", "has a number beside each character", id="numbers before"),
        pytest.param("а\t0\nб\t1\n", "has a number beside each character", id="numbers behind"),
        pytest.param("0: а\n1: б\n", "has a number beside each character", id="with a colon"),
    ],
)
def test_a_file_of_another_form_is_no_dictionary_and_the_form_is_named(content, what):
    with pytest.raises(BadRequest, match=what):
        dictionaries.parse_dictionary(content.encode())


@pytest.mark.parametrize("content", ["а\n", "ab\n", "0\n1\n2\n", "а\n1 2\nб\nв\n", ""])
def test_a_dictionary_of_a_usual_form_is_read(content):
    assert dictionaries.parse_dictionary(content.encode()).entries == tuple(content.splitlines())

"""The dictionary of a run: the base's entries keep their numbers, new ones come last."""

from __future__ import annotations

import pytest

from backend.errors import BadRequest
from converters.paddleocr import dictionaries
from converters.training.dictionary import compose_dictionary


@pytest.mark.parametrize(
    ("base", "texts", "characters", "appended"),
    [
        pytest.param("abc", ["cab"], "abc", "", id="nothing new"),
        pytest.param("cab", ["abc"], "cab", "", id="the base's order stays, sorted or not"),
        pytest.param("ab", ["жа"], "abаж", "аж", id="new ones at the end, sorted"),
        pytest.param("ab ", ["ж"], "abж", "ж", id="the base's space at the end is PaddleOCR's own"),
        pytest.param("ab", ["a b"], "ab", "", id="the space is never an entry"),
        pytest.param("abab", ["ж"], "ababж", "ж", id="a repeat in the base keeps its place"),
        pytest.param("ab", ["\u0438\u0306"], "abй", "й", id="decomposed й is й"),
        pytest.param("ab", ["a\u200cb"], "ab\u200c", "\u200c", id="a joiner shapes letters"),
    ],
)
def test_new_characters_come_last(base, texts, characters, appended):
    made = compose_dictionary(list(base), texts)
    assert made.characters == tuple(characters)
    assert made.appended == tuple(appended)


def test_entries_of_several_characters_and_empty_ones_keep_their_places():
    made = compose_dictionary(["a", "", "🇦🇩", "b"], ["ж"])
    assert made.characters == ("a", "", "🇦🇩", "b", "ж")


def test_the_same_lines_in_another_order_give_the_same_dictionary():
    assert compose_dictionary("ab", ["жё", "№"]) == compose_dictionary("ab", ["№", "ёж"])


def test_how_often_each_new_character_occurs_is_known():
    assert compose_dictionary("ab", ["жаж", "ж"]).counts == {"а": 1, "ж": 3}


def test_the_file_gives_the_same_entries_when_it_is_read_as_paddleocr_reads_it():
    made = compose_dictionary(["a", "", "\u3000", "~"], ["ж"])
    assert dictionaries.parse_dictionary(made.content.encode()).entries == made.characters


@pytest.mark.parametrize(
    ("text", "named"),
    [
        pytest.param("а\u200bб", "U\\+200B ZERO WIDTH SPACE", id="invisible"),
        pytest.param("а\x07б", "U\\+0007 control character", id="control"),
        pytest.param("а\u00a0б", "U\\+00A0 NO-BREAK SPACE", id="a space that is not the plain one"),
        pytest.param("а\ufffdб", "U\\+FFFD REPLACEMENT CHARACTER", id="what could not be read"),
    ],
)
def test_what_nobody_sees_is_refused_with_its_line(text, named):
    with pytest.raises(BadRequest, match=f"Line 2 .*{named}"):
        compose_dictionary("ab", ["a", text])

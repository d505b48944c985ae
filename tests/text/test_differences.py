"""The differing pieces of two readings, classified, the most telling first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.page.lines import Reason, ReasonKind
from backend.text.cleaning import visible_text
from backend.text.differences import differences

LOOK_ALIKE, DIFFERENT, SPACING = ReasonKind.LOOK_ALIKE, ReasonKind.DIFFERENT, ReasonKind.SPACING
CASE, PUNCTUATION = ReasonKind.CASE, ReasonKind.PUNCTUATION


@pytest.mark.parametrize(
    ("first", "second", "pieces"),
    [
        pytest.param("AB-12", "АВ-12", [(LOOK_ALIKE, "AB", "АВ")], id="two scripts, one piece"),
        pytest.param("1O 12", "10 12", [(LOOK_ALIKE, "O", "0")], id="letter and digit"),
        pytest.param("Счёт", "Счет", [(DIFFERENT, "ё", "е")], id="ё and е"),
        pytest.param("при вет", "привет", [(SPACING, " ", "")], id="a space too many"),
        pytest.param("Москва", "москва", [(CASE, "М", "м")], id="capital"),
        pytest.param("Да.", "Да", [(PUNCTUATION, ".", "")], id="full stop"),
        pytest.param("a–b c", "a-b c", [(PUNCTUATION, "–", "-")], id="dash"),
        pytest.param("morning", "moming", [(DIFFERENT, "rn", "m")], id="rn is read as m"),
        pytest.param("Счёт", "Счёта", [(DIFFERENT, "", "а")], id="a letter more"),
        pytest.param("кто и\u0301 где", "кто и где", [(DIFFERENT, "и\u0301", "и")], id="a stressed letter"),
        pytest.param("Дом", "Treehouse", [(DIFFERENT, "Дом", "Treehouse")], id="nothing in common: whole"),
        pytest.param("", "Дом", [(DIFFERENT, "", "Дом")], id="one is empty"),
        pytest.param("й", "и\u0306", [], id="one letter in two forms"),
        pytest.param("a\u00a0b", "a b", [], id="two kinds of space"),
        pytest.param("0 да 0 нет", "О да О нет", [(LOOK_ALIKE, "0", "О")], id="the same piece is told once"),
        pytest.param(
            "Дом, 10 - да", "дом 1О - на",
            [(LOOK_ALIKE, "0", "О"), (DIFFERENT, "д", "н"), (CASE, "Д", "д"), (PUNCTUATION, ",", "")],
            id="the most telling first",
        ),
    ],
)  # fmt: skip
def test_what_differs_is_named(first, second, pieces):
    assert differences(first, second) == tuple(Reason(*piece) for piece in pieces)


@given(st.text(st.characters(codec=None)), st.text(st.characters(codec=None)))
def test_differences_are_told_exactly_when_there_are_any(first, second):
    found = differences(first, second)
    assert bool(found) is (visible_text(first) != visible_text(second))
    assert all(reason.first != reason.second for reason in found)


@given(st.text("AАaаБ0О ,.", max_size=12), st.text("AАaаБ0О ,.", max_size=12))
def test_the_pieces_are_pieces_of_the_readings(first, second):
    one, two = visible_text(first), visible_text(second)
    for reason in differences(first, second):
        assert reason.first in one and reason.second in two

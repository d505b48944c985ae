"""Long lines are cut between words, into few and even pieces that the network can learn."""

from __future__ import annotations

import numpy as np
import pytest

from converters.paddleocr.training_config import RecognitionRules
from converters.training.line_cuts import LongWord, Piece, Words, cut_line, cut_text, fits

RULES = RecognitionRules()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("абвгд" * 4 + "абв", True, id="23 characters"),
        pytest.param("абвгд" * 4 + "абвг", False, id="24 characters"),
        pytest.param("0" * 20, True, id="20 alike: 39 steps"),
        pytest.param("0" * 21, False, id="21 alike: 41 steps"),
    ],
)
def test_what_fits_is_short_enough_and_has_its_steps(text, expected):
    assert fits(text, RULES) is expected


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        pytest.param("короткая строка", ["короткая строка"], id="fits as it stands"),
        pytest.param(
            "Фёдор поднялся на чердак и нашёл",
            ["Фёдор поднялся", "на чердак и нашёл"],
            id="two even pieces, not a long and a short one",
        ),
        pytest.param(
            "один  два три четыре пять шесть", ["один  два три", "четыре пять шесть"], id="two spaces"
        ),
        pytest.param(
            " край строки с пробелами тут ", ["край строки с", "пробелами тут"], id="blanks at the edges"
        ),
        pytest.param(" ".join(["0" * 11] * 3), ["0" * 11] * 3, id="doubled digits take more steps"),
        pytest.param("a-b/c-d/e-f/g-h i-j/k-l/m-n", ["a-b/c-d/e-f/g-h", "i-j/k-l/m-n"], id="only at spaces"),
        pytest.param("永" * 30, ["永" * 15, "永" * 15], id="between ideographs"),
        pytest.param(
            "永" * 15 + "。" + "永" * 14,
            ["永" * 14, "永。" + "永" * 14],
            id="a mark stays with its ideograph",
        ),
    ],
)
def test_a_text_is_parted_into_few_even_pieces(text, pieces):
    cut = cut_text(text, RULES)
    assert [part.text for part in cut] == pieces
    assert [text[part.start : part.end] for part in cut] == pieces


@pytest.mark.parametrize(
    ("text", "word"),
    [
        pytest.param(
            "смотри https://example.org/a/long/way", "https://example.org/a/long/way", id="an address"
        ),
        pytest.param("ภาษาไทยไม่มีช่องว่างระหว่างคำ", "ภาษาไทยไม่มีช่องว่างระหว่างคำ", id="Thai has no gaps"),
        pytest.param("счёт 000000000000000000000 от", "0" * 21, id="too many steps"),
    ],
)
def test_a_word_that_is_too_long_is_named_and_not_cut(text, word):
    assert cut_text(text, RULES) == LongWord(word)


@pytest.mark.parametrize("seed", range(20))
def test_pieces_fit_and_hold_every_character_but_spaces(seed):
    drawn = np.random.default_rng(seed)
    words = ["".join(drawn.choice(list("абв0"), size=drawn.integers(1, 20))) for _ in range(12)]
    text = " ".join(words)
    cut = cut_text(text, RULES)
    if isinstance(cut, LongWord):
        assert not fits(cut.word, RULES)
        return
    assert all(fits(part.text, RULES) for part in cut)
    assert " ".join(part.text for part in cut) == text


def strip(*blocks: tuple[int, int], width: int = 100, ground: int = 255) -> np.ndarray:
    """A white crop 20 pixels high with a dark block for each character, from left to right excluded."""
    crop = np.full((20, width, 3), ground, dtype=np.uint8)
    for left, right in blocks:
        crop[4:16, left:right] = 255 - ground
    return crop


AB, CD = Words("ab", 0, 2), Words("cd", 3, 5)


@pytest.mark.parametrize("ground", [255, 0], ids=["dark on light", "light on dark"])
def test_the_cut_is_in_the_middle_of_the_gap(ground):
    crop = strip((10, 20), (24, 34), (60, 70), (74, 84), ground=ground)
    assert cut_line(crop, (AB, CD), [15, 29, 47, 65, 79]) == (Piece("ab", 0, 47), Piece("cd", 47, 100))


def test_the_widest_gap_wins_over_one_inside_a_letter():
    # the second character's right part stands apart, as in ы
    crop = strip((10, 20), (24, 29), (31, 34), (60, 70), (74, 84))
    assert cut_line(crop, (AB, CD), [15, 27, 47, 65, 79])[0] == Piece("ab", 0, 47)


def test_places_that_are_off_by_half_a_letter_give_the_same_cut():
    crop = strip((10, 20), (24, 34), (60, 70), (74, 84))
    exact = cut_line(crop, (AB, CD), [15, 29, 47, 65, 79])
    assert cut_line(crop, (AB, CD), [18, 33, 50, 69, 82]) == exact
    assert cut_line(crop, (AB, CD), [12, 25, 44, 61, 76]) == exact


def test_between_ideographs_the_nearest_gap_wins():
    # each has a wide gap inside: the middle of the two is what counts
    crop = strip((0, 4), (16, 20), (24, 28), (40, 44))
    parts = (Words("川", 0, 1), Words("川", 1, 2))
    assert cut_line(crop, parts, [10, 34])[0] == Piece("川", 0, 22)


def test_a_noisy_ground_hides_no_gap():
    crop = strip((10, 20), (24, 34), (60, 70), (74, 84)).astype(np.int16)
    crop += np.random.default_rng(1).integers(-12, 1, crop.shape, dtype=np.int16)
    first, second = cut_line(crop.clip(0, 255).astype(np.uint8), (AB, CD), [15, 29, 47, 65, 79])
    assert first.right == second.left
    assert 35 <= first.right <= 59


@pytest.mark.parametrize(
    "places",
    [
        pytest.param([15, 29, 29, 29, 79], id="two characters at one place"),
        pytest.param([1, 1, 2, 4, 79], id="no room for the first piece"),
        pytest.param([15, 97, 98, 99, 100], id="no room for the last piece"),
    ],
)
def test_places_that_leave_no_room_give_no_pieces(places):
    assert cut_line(strip((10, 20)), (AB, CD), places) is None

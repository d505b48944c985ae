"""The palette holds what a language's keyboard hides or lacks, and stays short enough to look at."""

from __future__ import annotations

import pytest

from backend.errors import SettingsWrong
from backend.sheets.palette import MAX_LETTERS, SIGNS, palette


@pytest.mark.parametrize(
    ("language", "characters"),
    [
        pytest.param("ru", "ёЁ" + SIGNS, id="Russian: a key in the corner"),
        pytest.param("de", "ßäöüÄÖÜ" + SIGNS, id="German"),
        pytest.param("uk", "єіїґЄІЇҐ" + SIGNS, id="Ukrainian"),
        pytest.param("en", SIGNS, id="English: signs only"),
        pytest.param("vi", SIGNS, id="Vietnamese: too many to look through"),
        pytest.param("ar", "", id="Arabic: its keyboard has them all"),
        pytest.param("zh", "", id="Chinese: an input method"),
    ],
)
def test_a_language_has_its_rare_letters(language: str, characters: str) -> None:
    assert "".join(palette([language])) == characters


def test_several_languages_share_one_palette() -> None:
    both = palette(["ru", "de", "ru", "zh"])
    assert "".join(both) == "ёЁßäöüÄÖÜ" + SIGNS


def test_the_longest_palette_can_be_looked_over() -> None:
    lengths = [
        len(palette([language])) for language in ["fr", "cs", "sk", "el", "kk", "is", "pl", "lt", "lv"]
    ]
    assert max(lengths) <= MAX_LETTERS + len(SIGNS)


def test_a_language_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SettingsWrong, match="klingonese"):
        palette(["klingonese"])

"""Texts to render: real words, the letters of the language and no others, at most 23 characters."""

from __future__ import annotations

import unicodedata

import pytest

from backend.errors import SettingsWrong
from backend.rendering.texts import LONGEST, sample_texts, texts_of
from backend.text import languages


def words_of(language: str) -> set[str]:
    return {word.strip("(),:") for text in sample_texts(language, 300) for word in text.split()}


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("ru", {"русский", "Франция", "корейский"}),
        ("en", {"Russian", "France", "Korean"}),
        ("uk", {"українська", "Франція"}),
        ("el", {"Ρωσικά", "Γαλλία"}),
        ("sr-Latn", {"ruski", "Francuska"}),
        ("he", {"רוסית", "צרפת"}),
    ],
)
def test_words_are_real_ones_of_the_language(language: str, words: set[str]) -> None:
    assert words <= words_of(language)


def test_words_of_a_language_that_writes_without_spaces_stand_side_by_side() -> None:
    lines = sample_texts("zh", 200)
    assert any("俄语" in line for line in lines)
    assert not any(
        first.isalpha() and " " in line
        for line in lines
        for first in line[:1]
        if "," not in line and ":" not in line
    )


@pytest.mark.parametrize(
    "language", ["ru", "uk", "el", "zh", "ko", "th", "hi", "ar", "vi", "ba", "kv", "bo", "chr"]
)
def test_lines_show_letters_of_the_language_alone_and_fit(language: str) -> None:
    lines = sample_texts(language, 60)
    letters = {part for letter in languages.letters(language) for part in letter} | {"\u0f0b"}
    assert len(set(lines)) == 60
    for line in lines:
        assert 0 < len(line) <= LONGEST
        assert line == unicodedata.normalize("NFC", line) == line.strip()
        assert {character for character in line if character.isalpha()} <= letters


def test_a_language_without_known_names_is_written_with_its_own_letters() -> None:
    shown = set("".join(sample_texts("ba", 200)))
    assert set("ҙҡңҫһәөү") <= shown, "Bashkir has letters that Russian has not"


def test_numbers_and_marks_stand_among_the_words_unless_words_are_asked_for() -> None:
    mixed = "".join(sample_texts("ru", 60))
    assert set("0123456789:,.()") <= set(mixed)
    for text in (*sample_texts("ru", 60, words_only=True), *sample_texts("ar", 60)):
        assert text.replace(" ", "").replace("-", "").isalpha()


def test_more_lines_than_there_are_words_for_are_given_all_the_same() -> None:
    lines = sample_texts("ba", 8000, words_only=True)
    assert len(lines) == 8000
    assert 1000 < len(set(lines)) < 8000


def test_the_seed_decides() -> None:
    assert sample_texts("ru", 5, 1) == sample_texts("rus", 5, 1)
    assert sample_texts("ru", 5, 1) != sample_texts("ru", 5, 2)


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(SettingsWrong, match="Klingonish"):
        sample_texts("Klingonish", 1)


def test_given_characters_are_shown_each_as_often_as_the_others() -> None:
    lines = texts_of("абвгдеABC12№", 5)
    shown = "".join(lines).replace(" ", "")
    assert len(lines) == 5
    assert {character: shown.count(character) for character in "абвгдеABC12№"} == dict.fromkeys(
        "абвгдеABC12№", 5
    )


def test_more_characters_than_lines_can_show_are_shown_once_at_most() -> None:
    characters = [chr(code) for code in range(0x4E00, 0x4E00 + 500)]
    shown = "".join(texts_of(characters, 3)).replace(" ", "")
    assert len(shown) == len(set(shown)) == 36
    assert set(shown) != set(characters[:36])


def test_characters_of_one_script_stand_together() -> None:
    lines = texts_of([*"абвгдежзиклм", *"ABCDEFGHIKLM"], 2)
    assert sorted(line.replace(" ", "").isascii() for line in lines) == [False, True]


def test_a_mark_stands_on_a_letter() -> None:
    for line in texts_of("कखगघचछिीुू", 4):
        for before, mark in zip(" " + line, line, strict=False):
            if unicodedata.category(mark).startswith("M"):
                assert before.isalpha()


def test_nothing_to_show_gives_no_lines() -> None:
    assert texts_of(" \t", 3) == []

"""Each line of a sheet has its column of the keyboard, and every key decides one thing."""

from __future__ import annotations

import dataclasses

import pytest

from backend.label_studio.message_language import MESSAGE_LANGUAGES
from backend.sheets.keys import KEYBOARDS, MAX_LINES, Key, Keyboard, keyboard_of, line_keys


def keys_of(number: int, keyboard: Keyboard = "en") -> list[Key]:
    line = line_keys(number, keyboard)
    return [getattr(line, field.name) for field in dataclasses.fields(line)]


@pytest.mark.parametrize(
    ("number", "keyboard", "captions"),
    [
        pytest.param(0, "en", "1 Q A Z ⇧1", id="first line"),
        pytest.param(6, "en", "7 I J M ⇧7", id="without U, which is Label Studio's"),
        pytest.param(9, "en", "0 [ ' / ⇧0", id="without ;, which Firefox sends otherwise"),
        pytest.param(0, "ru", "1 Й Ф Я ⇧1", id="first line, Russian"),
        pytest.param(6, "ru", "7 Ш О Ь ⇧7", id="seventh line, Russian"),
        pytest.param(9, "ru", "0 Х Э . ⇧0", id="tenth line, Russian"),
    ],
)
def test_the_keys_are_printed_as_they_stand_on_the_keyboard(
    number: int, keyboard: Keyboard, captions: str
) -> None:
    assert " ".join(key.caption for key in keys_of(number, keyboard)) == captions


def test_no_key_decides_two_things_and_none_is_one_of_label_studios() -> None:
    pressed = [key.hotkey for number in range(MAX_LINES) for key in keys_of(number)]
    assert len(set(pressed)) == len(pressed) == 50
    assert not {"u", ";"} & set(pressed)


def test_a_keyboard_only_changes_what_is_printed() -> None:
    for number in range(MAX_LINES):
        english, russian = ([key.hotkey for key in keys_of(number, keyboard)] for keyboard in KEYBOARDS)
        assert english == russian


def test_there_is_no_eleventh_line() -> None:
    with pytest.raises(ValueError, match="10 lines at most"):
        line_keys(10, "en")
    with pytest.raises(ValueError, match="no line 0"):
        line_keys(-1, "en")


def test_every_message_language_has_a_keyboard() -> None:
    assert {keyboard_of(language) for language in MESSAGE_LANGUAGES} <= set(KEYBOARDS)

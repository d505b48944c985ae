"""The keys of a sheet: a column of the keyboard for each line, a row for each verdict; pure.

Label Studio's keys hold for the whole page, so ten lines cannot share "1" and "2". In each column the upper
key is the first reading, the next one the second reading, then "illegible" and "not text"; the upper key with
Shift lets a person type. The seventh column lies half a key further right, because U is Label Studio's own
"unselect", and the tenth one has ' in place of ;, which Firefox sends with another key code than Label Studio
listens for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from backend.label_studio.message_language import MessageLanguage

Keyboard: TypeAlias = Literal["en", "ru"]
"""What stands on an annotator's keys. The keys themselves are the same ones."""

KEYBOARDS: tuple[Keyboard, ...] = get_args(Keyboard)

MAX_LINES = 10
"""Lines of a sheet: the keyboard has no more columns."""

_ROWS = ("1234567890", "qwertyiop[", "asdfghjkl'", "zxcvbnm,./")
_CAPTIONS: Mapping[Keyboard, tuple[str, ...]] = {
    "en": ("1234567890", "QWERTYIOP[", "ASDFGHJKL'", "ZXCVBNM,./"),
    "ru": ("1234567890", "ЙЦУКЕНШЩЗХ", "ФЫВАПРОЛДЭ", "ЯЧСМИТЬБЮ."),
}


@dataclass(frozen=True, slots=True)
class Key:
    """A key as Label Studio listens for it, and as it is printed on the keyboard."""

    hotkey: str
    caption: str


@dataclass(frozen=True, slots=True)
class LineKeys:
    """The five keys of one line."""

    first: Key
    second: Key
    illegible: Key
    not_text: Key
    typed: Key


def line_keys(number: int, keyboard: Keyboard) -> LineKeys:
    """The keys of a line.

    Args:
        number: of the line on its sheet, from 0 to `MAX_LINES` - 1.
        keyboard: what is printed on the annotator's keys.

    Raises:
        ValueError: no such line on a sheet.
    """
    if not 0 <= number < MAX_LINES:
        raise ValueError(f"a sheet has {MAX_LINES} lines at most, so there is no line {number + 1}")
    first, second, illegible, not_text = (
        Key(row[number], captions[number]) for row, captions in zip(_ROWS, _CAPTIONS[keyboard], strict=True)
    )
    typed = Key(f"shift+{first.hotkey}", f"⇧{first.caption}")
    return LineKeys(first, second, illegible, not_text, typed)


def keyboard_of(messages: MessageLanguage) -> Keyboard:
    """The keyboard of annotators who are spoken to in this language, unless somebody says otherwise."""
    return messages

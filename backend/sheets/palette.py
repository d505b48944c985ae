"""The palette beside the field in which a person types: characters that keyboards lack or hide; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from backend.text.languages import letters, scripts

MAX_LETTERS = 48
"""Nobody types a language through a palette that has more letters beside its keyboard's own (Vietnamese)."""

SIGNS = "«»„“”—–№°§"
"""Quotes, dashes and signs that pages in these scripts show and keyboards lack."""

_ON_KEYS: Mapping[str, str] = {
    "Latin": "abcdefghijklmnopqrstuvwxyz",
    # without ё: its key lies in a corner, and people write е for it
    "Cyrillic": "абвгдежзийклмнопрстуфхцчшщъыьэюя",
    "Greek": "αβγδεζηθικλμνξοπρστυφχψως",
}
"""The letters that every keyboard of a script has. Keyboards of other scripts have all their letters, or
people have an input method."""


def palette(languages: Iterable[str]) -> tuple[str, ...]:
    """The characters of the pages' languages that are hard to find on a keyboard.

    Args:
        languages: of the pages, by any name that `backend.text.languages` knows.

    Returns:
        Letters in the order of their code points, small ones first, then signs; each once.

    Raises:
        SettingsWrong: no such language.
    """
    rare: dict[str, None] = {}
    signs: dict[str, None] = {}
    for language in languages:
        known = scripts(language) & _ON_KEYS.keys()
        if not known:
            continue
        on_keys = {letter for script in known for letter in _ON_KEYS[script]}
        missing = [letter for letter in letters(language) if letter.lower() not in on_keys]
        if len(missing) <= MAX_LETTERS:
            rare.update(dict.fromkeys(sorted(missing, key=lambda letter: (letter.isupper(), letter))))
        signs.update(dict.fromkeys(SIGNS))
    return (*rare, *signs)

"""The groups in which lines are counted: by script, by length; pure."""

from __future__ import annotations

from backend.text.look_alikes import script_of

NO_LETTERS = "digits and signs"
SEVERAL = "several scripts"

_NO_SCRIPT = {"Common", "Inherited", "Unknown"}

LENGTHS = (10, 23, 40)
"""Characters; the last of each band. PP-OCRv5's training does not learn lines of more than 40, and cuts long
ones to pieces of at most 23."""


def script_of_line(text: str) -> str:
    """The script of a line's letters, as Unicode names it; one of the words above where that is not one."""
    found = {script_of(char) for char in text} - _NO_SCRIPT
    # Japanese is written in three scripts, which are not a mixture
    if found <= {"Han", "Hiragana", "Katakana"} and found & {"Hiragana", "Katakana"}:
        return "Japanese"
    if len(found) > 1:
        return SEVERAL
    return found.pop() if found else NO_LETTERS


def length_band(text: str) -> str:
    """The band of a line by its characters, such as `11 to 23 characters`."""
    first = 1
    for last in LENGTHS:
        if len(text) <= last:
            return f"{first} to {last} characters"
        first = last + 1
    return f"{first} characters and more"


def length_order(band: str) -> int:
    """Where a band stands: shorter ones first."""
    return int(band.split()[0])

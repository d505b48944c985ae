"""The letters that languages are written with, from `alphabets.tsv`: a line per language and script.

`scripts/hyperglot-table` makes the table from hyperglot's data, so that hyperglot itself and what it needs
stay out of the runtime.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import langcodes


@dataclass(frozen=True, slots=True)
class Alphabet:
    """How a language is written in one script.

    language: the language's English name.
    script: ISO 15924 code.
    status: as hyperglot has it: primary, local, secondary, historical or transliteration.
    letters: in NFC and in both cases, with the vowel marks of scripts that write vowels as marks.
    """

    language: str
    script: str
    status: str
    letters: frozenset[str]


def alphabets(iso: str) -> tuple[Alphabet, ...]:
    """The alphabets of a language by its ISO 639-3 code, the usual one first; empty where none is known."""
    return tuple(
        Alphabet(language, script, status, frozenset(letters.split()))
        for language, script, status, letters in _rows().get(iso, ())
    )


@cache
def known_names() -> dict[str, str]:
    """Codes of languages by English name in lower case, for a message."""
    names: dict[str, str] = {}
    for iso, rows in _rows().items():
        names.setdefault(rows[0][0].lower(), langcodes.standardize_tag(iso, macro=True))
    return names


@cache
def _rows() -> Mapping[str, list[list[str]]]:
    """The table's lines by language; the letters unparted, since few of 800 languages are ever asked for."""
    rows: dict[str, list[list[str]]] = {}
    for line in resources.files("backend.text").joinpath("alphabets.tsv").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            iso, *row = line.split("\t")
            rows.setdefault(iso, []).append(row)
    return rows

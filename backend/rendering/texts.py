"""Texts to render: lines of real words in a language, and lines that show given characters.

Real words come from CLDR, which names languages and countries in most languages that have a keyboard; a
language without such names is written with random words of its own letters.
"""

from __future__ import annotations

import itertools
import random
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final

import langcodes
from fontTools import unicodedata as unicode_scripts  # type: ignore[import-untyped]

from backend.text import languages

LONGEST: Final = 23
"""Characters of a line: PaddleOCR's recognisers learn and read as many in one piece."""
_LONGEST_NAME: Final = 16
_BETWEEN: Final = " -'’\u0f0b"
"""What stands between the letters of a name; the last one is the mark between Tibetan syllables."""
_FEWEST_WORDS: Final = 20
"""With fewer names in it a language is written with random words."""
_TRIES: Final = 20
"""For each line; then one that was there before will do."""
_MARKED: Final = 0.4
"""How often a random letter gets a mark, in scripts that write vowels as marks."""
_SHOWN_TOGETHER: Final = 12
"""Characters in a line that shows given ones, spaces not counted."""
_WORD: Final = 4
"""Letters of a word without meaning."""
_UNSPACED: Final = frozenset({"Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar", "Tibetan"})
"""Scripts whose words stand side by side without a space."""

_LANGUAGES: Final = """
    af am ar az be bg bn bs ca cs cy da de el en eo es et eu fa fi fr ga gl gu ha he hi hr hu hy id is it ja
    jv ka kk km kn ko ku ky la lo lt lv mg mk ml mn mr ms mt my ne nl no pa pl ps pt ro ru sa sd si sk sl so
    sq sr su sv sw ta te tg th tk tl tr tt ug uk ur uz vi xh yi yo zh zu
"""
_TERRITORIES: Final = """
    AD AE AF AL AM AR AT AU AZ BA BD BE BG BO BR BY CA CH CL CM CN CO CR CU CY CZ DE DK DO DZ EC EE EG ES ET
    FI FR GB GE GH GR GT HN HR HT HU ID IE IL IN IQ IR IS IT JM JO JP KE KG KH KR KW KZ LA LB LK LT LU LV LY
    MA MD ME MG MK ML MM MN MT MX MY NA NE NG NI NL NO NP NZ OM PA PE PH PK PL PT PY QA RO RS RU RW SA SD SE
    SG SI SK SN SO SR SY TG TH TJ TM TN TR TW TZ UA UG US UY UZ VE VN YE ZA ZM ZW
"""
"""Whose names are words of a language; names of small ones are seldom translated."""


def sample_texts(language: str, count: int, seed: int = 0, *, words_only: bool = False) -> list[str]:
    """Lines as forms and lists have them: words of a language, most of them with numbers and marks.

    Args:
        language: any name that `languages.language_code` knows.
        count: how many lines.
        seed: chooses words and numbers; the same seed gives the same lines.
        words_only: for fonts without numbers and marks, as many fonts of one script are.

    Returns:
        Lines in NFC, of at most `LONGEST` characters; different ones as long as words suffice. Where letters
        run from right to left, always words alone: what a number among them looks like depends on the page.

    Raises:
        SettingsWrong: no such language, or its letters are not known.
    """
    code = languages.language_code(language)
    chosen = _random(f"{code} {seed}")
    words = _words(code)
    space = "" if languages.script(code) in _UNSPACED else " "
    words_only = words_only or languages.right_to_left(code)
    lines: list[str] = []
    made: set[str] = set()
    for tries in itertools.count():
        if len(lines) >= count:
            break
        first, second = chosen.sample(words, 2)
        line = f"{first}{space}{second}" if words_only else _with_numbers(first, second, space, chosen)
        if len(line) > LONGEST:
            line = first
        if line not in made or tries >= _TRIES * count:
            lines.append(line)
            made.add(line)
    return lines


def texts_of(characters: Iterable[str], count: int, seed: int = 0) -> list[str]:
    """Lines that show given characters, each as often as the others, in words without meaning.

    Args:
        characters: single ones, such as those that a model must not forget.
        count: how many lines. A line shows twelve characters, so `len(characters) / 12` lines show all.
        seed: chooses the order.

    Returns:
        Lines of at most `LONGEST` characters, those of one script together; none where there is nothing to
        be shown. A mark stands on a letter beside it, where there is one.
    """
    chosen = _random(str(seed))
    pool = sorted({character for character in characters if len(character) == 1 and character.strip()})
    if not pool:
        return []
    shown: list[str] = []
    while (left := count * _SHOWN_TOGETHER - len(shown)) > 0:
        shown += sorted(chosen.sample(pool, min(left, len(pool))), key=unicode_scripts.script)
    return [
        _spelled(shown[start : start + _SHOWN_TOGETHER]) for start in range(0, len(shown), _SHOWN_TOGETHER)
    ]


def _random(seed: str) -> random.Random:
    return random.Random(seed)  # noqa: S311 - nothing here is a secret


def _with_numbers(first: str, second: str, space: str, chosen: random.Random) -> str:
    """Words in one of the ways of forms and lists."""
    number = chosen.randrange(2, 5000)
    return chosen.choice(
        [
            f"{first}{space}{second}",
            f"{first}, {second}",
            f"{first}{space}{number}",
            f"{number}{space}{first}",
            f"{first}: {number}",
            f"{first}{space}{number % 28 + 1:02}.{number % 12 + 1:02}.{1990 + number % 40}",
            f"({first}){space}{second}",
        ]
    )


@lru_cache(64)
def _words(code: str) -> tuple[str, ...]:
    """Words of a language, always in the same order: names in it, or random words of its letters."""
    written = {*_BETWEEN, *(part for letter in languages.letters(code) for part in letter)}
    names = [
        unicodedata.normalize("NFC", name)
        for name, english in _names(code)
        # CLDR gives the English name where it has no other
        if name != english or code == "en"
    ]
    known = [
        name for name in dict.fromkeys(names) if 1 < len(name) <= _LONGEST_NAME and written.issuperset(name)
    ]
    return tuple(known) if len(known) >= _FEWEST_WORDS else tuple(_spelt_at_random(code))


def _names(code: str) -> Iterator[tuple[str, str]]:
    """Names of languages and territories in a language, each beside the English one."""
    for tag in _LANGUAGES.split():
        named = langcodes.Language.get(tag)
        yield named.display_name(code), named.display_name("en")
    for territory in _TERRITORIES.split():
        named = langcodes.Language.make(territory=territory)
        yield named.territory_name(code), named.territory_name("en")


def _spelt_at_random(code: str) -> list[str]:
    """Words without meaning in the letters of a language, small ones where it has two cases."""
    chosen = _random(code)
    alphabet = sorted(letter for letter in languages.letters(code) if letter == letter.lower())
    marks = [letter for letter in alphabet if _is_mark(letter)]
    letters = [letter for letter in alphabet if not _is_mark(letter)]
    words = []
    for _ in range(3 * _FEWEST_WORDS):
        word = ""
        for letter in chosen.choices(letters, k=chosen.randrange(3, 8)):
            word += letter + (chosen.choice(marks) if marks and chosen.random() < _MARKED else "")
        words.append(word[:_LONGEST_NAME])
    return words


def _spelled(characters: Sequence[str]) -> str:
    """Characters as words, every mark behind a letter as long as there are letters."""
    marks = [character for character in characters if _is_mark(character)]
    letters = [character for character in characters if not _is_mark(character)]
    pieces = [letter + (marks.pop() if marks else "") for letter in letters]
    words = ["".join(pieces[start : start + _WORD]) for start in range(0, len(pieces), _WORD)]
    return " ".join(words) + "".join(marks)


def _is_mark(letter: str) -> bool:
    return unicodedata.category(letter[0]).startswith("M")

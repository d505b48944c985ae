"""Latin, Cyrillic and Greek letters that look the same: finds them, and writes a word in one script.

A reader may answer `Cтол` with a Latin `C`. Nobody can see it, and a recogniser that is trained on it learns
noise. The other letters of the word decide: `т` and `л` exist only in Cyrillic. In a word of look-alikes
alone (`МОСТ`, `AB`) nothing decides, and a whole line written in the wrong alphabet (`Мах` for `Max`,
by both readers) cannot be recognised from text at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import regex
from fontTools import unicodedata as unicode_scripts  # type: ignore[import-untyped]

from backend.text import languages

# The letters of each group look the same: a Latin letter, then the Cyrillic and the Greek one, if any.
_UPPER = "AАΑ BВΒ CС EЕΕ HНΗ IІΙ JЈ KКΚ MМΜ NΝ OОΟ PРΡ SЅ TТΤ XХΧ YУΥ ZΖ ËЁ ÏЇΪ ÄӒ ÖӦ ÆӔ ƏӘ"
_LOWER = "aа cс eе iі jј oоο pр sѕ xх yу hһ vν ëё ïї äӓ öӧ æӕ əә"
_SCRIPTS = ("Latin", "Cyrillic", "Greek")
_NEAR = {("k", "Cyrillic"): "к", ("k", "Greek"): "κ", ("ı", "Greek"): "ι"}
"""Nearly alike: enough inside a word whose script is certain, but never a reason to call a word Latin."""

_SAME_SHAPE = ("0OОΟ", "oоο", "1lIІΙӀӏ|", "3З", "6б", "5S", "8BВ", "4Ч", "2Z", "kкκ")
"""Characters of one script, or a digit and a letter, that look the same; only to describe a difference."""

_SMALL_WORDS = "aocіаосiαο"
"""Single letters that are words in some language; other single letters are often variables."""

_LONG_WORD = 5
"""Letters of a word in capitals that decide for the language's script; shorter ones may be abbreviations."""

_ADDRESS = regex.compile(r"(?i)(?:https?://|www\.)\S+|[^\s@]+@[^\s@]+\.\p{L}{2,}")
_WORD = regex.compile(r"[\p{L}\p{M}]+")


@dataclass(frozen=True, slots=True)
class UnifiedText:
    """A text in which each word whose script is certain is written in that script alone.

    text: the text to write.
    repairs: (word as read, word as written) for each word that changed.
    doubts: words that mix scripts, where it is not certain which script is meant.
    """

    text: str
    repairs: tuple[tuple[str, str], ...] = ()
    doubts: tuple[str, ...] = ()


@lru_cache(8192)
def script_of(character: str) -> str:
    """Name the Unicode script of one character (`Latin`, `Cyrillic`, `Han`, `Common`, ...)."""
    return str(unicode_scripts.script_name(unicode_scripts.script(character))).replace(" ", "_")


def print_alike(first: str, second: str) -> bool:
    """Whether two texts of the same length look the same, letter by letter; False where they are equal."""
    return first != second and len(first) == len(second) and all(map(_alike, first, second))


def unify_scripts(text: str, language: str) -> UnifiedText:
    """Write every word whose script is certain in that script alone.

    A word in one script stays. A word in several scripts gets the one of them in which all its letters
    can be written and at least one letter exists only there: `Cтол` is Cyrillic because of its `т`. A
    hyphen ends a word, so `IT-отдел` is two words. A letter is replaced only by a letter of the
    language's alphabet, so in Russian `SMSка` has no single script: it stays, and is a doubt. Latin
    capitals with a Cyrillic ending (`DVDа`) are a doubt, too, because people do write that.

    A small word of look-alikes alone (`co`, `a`, `o`, `c`) in another script gets the language's script
    where the words beside it, with only a space between, can be written only in that. Single letters
    that are no words (`x`, `y`) are often variables, and stay. A longer word in capitals gets it, too, where
    no word of the line can be written in Latin only (`MOCKBA`); and a word of several scripts in which every
    letter has a twin and half of them are of the language's script, unless it is a short one in capitals
    (`Thе`, not `АB`). A word of an e-mail or web
    address is Latin where others of it are.

    Args:
        text: one line, NFC.
        language: any name that `languages.language_code` knows.

    Raises:
        SettingsWrong: the language is unknown.
    """
    repairs: list[tuple[str, str]] = []
    doubts: list[str] = []
    language_script = languages.script(language)
    # once for all words: a text that a looping model wrote is long, and has as many words
    addresses = list(_ADDRESS.finditer(text))

    def unified(match: regex.Match[str]) -> str:
        word = match[0]
        found = {script for script in map(script_of, word) if script in _SCRIPTS}
        if len(found) > 1:
            written = _in_address(match, addresses, language) or _in_one_script(word, found, language)
            if written is None:
                doubts.append(word)
        else:
            written = (
                _in_address(match, addresses, language)
                or _small_word(match, found, language_script, language)
                or _long_word(match, found, language_script, language)
            )
        if written is None or written == word:
            return word
        repairs.append((word, written))
        return written

    return UnifiedText(str(_WORD.sub(unified, text)), tuple(repairs), tuple(doubts))


def _in_one_script(word: str, found: set[str], language: str) -> str | None:
    certain = [
        (script, written)
        for script in sorted(found)
        if (written := _written_in(word, script, language)) is not None
        and any(_only_in(letter, script, found, language) for letter in word)
    ]
    own = languages.script(language)
    if not certain and own in _SCRIPTS and (not word.isupper() or len(word) >= _LONG_WORD):
        # every letter has a twin: `Thе` in English, `jе` in Serbian; codes and plates (`АB`) stay
        mostly_own = 2 * sum(script_of(letter) == own for letter in word) >= len(word)
        return _written_in(word, own, language) if mostly_own else None
    if len(certain) != 1:
        return None
    script, written = certain[0]
    foreign = "".join("x" if script_of(letter) not in {script, "Inherited"} else "-" for letter in word)
    ending = foreign.lstrip("-")
    capitals, letters = word[: -len(ending)], word[-len(ending) :]
    abbreviation = (
        len(capitals) > 1
        and capitals.isupper()
        and ending.strip("x") == ""
        and letters.islower()
        and set(letters) <= languages.letters(language)
    )
    return None if abbreviation else written


def _small_word(match: regex.Match[str], found: set[str], language_script: str, language: str) -> str | None:
    word = match[0]
    if language_script not in _SCRIPTS or not found or found == {language_script} or not word.islower():
        return None
    written = _written_in(word, language_script, language)
    if written is None or (len(word) == 1 and word not in _SMALL_WORDS):
        return None
    before = regex.search(r"([\p{L}\p{M}]+) $", match.string[: match.start()])
    after = regex.match(r" ([\p{L}\p{M}]+)", match.string[match.end() :])
    sides = [side[1] for side in (before, after) if side]
    only_spaces_beside = (match.start() == 0 or before) and (match.end() == len(match.string) or after)
    certain = all(
        any(_only_in(letter, language_script, set(_SCRIPTS), language) for letter in side) for side in sides
    )
    return written if sides and only_spaces_beside and certain else None


def _long_word(match: regex.Match[str], found: set[str], language_script: str, language: str) -> str | None:
    """`MOCKBA` on a Russian page, with no word beside it that can be written in Latin only."""
    word = match[0]
    if language_script not in _SCRIPTS[1:] or found != {"Latin"}:
        return None
    if not word.isupper() or len(word) < _LONG_WORD:
        return None
    others = _WORD.findall(match.string[: match.start()] + " " + match.string[match.end() :])
    if any(_only_in(letter, "Latin", set(_SCRIPTS), language) for other in others for letter in other):
        return None
    return _written_in(word, language_script, language)


def _in_address(match: regex.Match[str], addresses: Sequence[regex.Match[str]], language: str) -> str | None:
    """A word of an e-mail or web address whose other letters are Latin: `с.ivanov@mail.ru`."""
    for address in addresses:
        if address.start() <= match.start() and match.end() <= address.end():
            latin = any(_only_in(letter, "Latin", set(_SCRIPTS), language) for letter in address[0])
            return _written_in(match[0], "Latin", language) if latin else None
    return None


def _written_in(word: str, script: str, language: str) -> str | None:
    letters = [_counterpart(letter, script, language) for letter in word]
    return None if None in letters else "".join(letter for letter in letters if letter)


def _only_in(letter: str, script: str, scripts: set[str], language: str) -> bool:
    others = scripts - {script}
    return script_of(letter) == script and not any(_counterpart(letter, other, language) for other in others)


@lru_cache(8192)
def _counterpart(letter: str, script: str, language: str) -> str | None:
    """The letter of `script` that looks like `letter`; itself where it is of that script or of none."""
    if script_of(letter) not in _SCRIPTS or script_of(letter) == script:
        return letter
    twin = _TWINS.get((letter, script))
    if twin is None and languages.script(language) == script:
        twin = _NEAR.get((letter, script))
    if twin and languages.script(language) == script and twin not in languages.letters(language):
        return None
    return twin


def _alike(first: str, second: str) -> bool:
    if first == second:
        return True
    if any(first in shape and second in shape for shape in _SAME_SHAPE):
        return True
    return any(_TWINS.get((first, script)) == second for script in _SCRIPTS)


def _twins() -> dict[tuple[str, str], str]:
    twins = {}
    for shape in f"{_UPPER} {_LOWER}".split():
        for letter in shape:
            for twin in shape:
                if script_of(letter) != script_of(twin):
                    twins[letter, script_of(twin)] = twin
    return twins


_TWINS = _twins()

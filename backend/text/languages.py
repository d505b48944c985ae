"""Languages as OCR needs them: one code for many names, the letters, the script, and who can write it.

Letters come from `alphabets`; for Chinese, Japanese and Korean they are the common characters
of the national standards (see `letters`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator
from functools import lru_cache

import langcodes
import rapidfuzz
import regex
from fontTools import unicodedata as unicode_scripts  # type: ignore[import-untyped]

from backend.errors import SettingsWrong, shortened
from backend.text import language_tables
from backend.text.alphabets import Alphabet, alphabets, known_names

LONGEST_NAME = 35
"""Characters of a language's name or code, of which tasks may bring any number: BCP 47 wants no more of
whoever reads its tags, and PaddleOCR's and Tesseract's names are shorter."""

REMEMBERED = 1024
"""Names of languages that are looked up once."""
_REMEMBERED_ALPHABETS = 128

LARGE_ALPHABET = 1000
"""Above this many letters a reader is measured by share, below it by every letter."""
RARE_SHARE = 0.02
"""A dictionary that lacks fewer than this share of a large alphabet lacks rare characters only."""


@lru_cache(REMEMBERED)
def language_code(name: str) -> str:
    """Find the one code for any usual name of a language.

    Args:
        name: ISO 639-1 or -3 (`ru`, `rus`), BCP 47 (`ru-RU`, `zh-Hant`), PaddleOCR's name (`ch`, `japan`,
            `rs_latin`) or Tesseract's (`chi_sim`, `srp_latn`). `ka` is Georgian, as in ISO.

    Returns:
        The shortest BCP 47 code, with the script where it is not the usual one of the language and
        without a region: `ru`, `zh`, `zh-Hant`, `sr-Latn`.

    Raises:
        SettingsWrong: no such language, or a name longer than `LONGEST_NAME`; the message names close ones.
    """
    if len(name) > LONGEST_NAME:
        raise SettingsWrong(
            f"{shortened(name)!r} is no name of a language: it has {len(name):,} characters, and up to "
            f"{LONGEST_NAME} are read. OCR_LANGUAGE and a task's field 'language' take an ISO 639 code such "
            "as ru, de or zh.",
            language=shortened(name),
        )
    key = name.strip().lower().replace("-", "_").removesuffix("_vert")
    try:
        tag = langcodes.Language.get(
            langcodes.standardize_tag(language_tables.LANGUAGE_ALIASES.get(key, key), macro=True)
        )
    except ValueError as error:
        raise _unknown(name) from error
    # a private tag such as "x-foo" is valid and names no language
    if not tag.language or not tag.language.isalpha() or not tag.is_valid():
        raise _unknown(name)
    usual = _likely_script(tag.language)
    written = tag.script or (
        _likely_script(tag.to_tag()) if tag.language not in language_tables.LIKELY_SCRIPT else usual
    )
    plain = written == usual or language_tables.SCRIPTS.get(written, (written,)) == (usual,)
    return tag.language if plain else f"{tag.language}-{written}"


@lru_cache(_REMEMBERED_ALPHABETS)
def letters(language: str) -> frozenset[str]:
    """Give the letters a language is written with, in NFC and in both cases.

    Letters only: digits, punctuation and apostrophes used as letters (Ukrainian `’`, Uzbek `ʻ`), which
    every dictionary writes in its own way, are left out. A letter without a code point of its own
    is a string of several. In scripts that write vowels as marks (Devanagari, Thai) each mark is
    included; where marks are optional (Arabic, Hebrew) they are not. For Chinese, Japanese and
    Korean these are the common characters (level 1 of GB 2312, Big5, JIS X 0208; the Hangul of KS X 1001).

    Raises:
        SettingsWrong: no such language, or its letters are not known.
    """
    code = language_code(language)
    if code in language_tables.STANDARDS:
        return frozenset(_standard_characters(*language_tables.STANDARDS[code]))
    found: set[str] = set()
    for alphabet in _alphabets(code):
        found |= alphabet.letters
    if not found:
        raise _unknown(language)
    return frozenset(found | set(language_tables.ALSO.get(code, ""))) - set(
        language_tables.OBSOLETE.get(code, "")
    )


@lru_cache(REMEMBERED)
def english_name(language: str) -> str:
    """Name a language in English (`Russian`), for instructions to a model.

    Raises:
        SettingsWrong: no such language.
    """
    return str(langcodes.Language.get(language_code(language)).display_name("en"))


@lru_cache(REMEMBERED)
def script(language: str) -> str:
    """Name a language's script as Unicode does: `Cyrillic`, `Han` (Chinese), `Hiragana` (Japanese)."""
    return _script_name(_script_codes(language_code(language))[0])


@lru_cache(REMEMBERED)
def scripts(language: str) -> frozenset[str]:
    """Name every script a language needs; several for Japanese and Korean, one for most."""
    return frozenset(_script_name(code) for code in _script_codes(language_code(language)))


def right_to_left(language: str) -> bool:
    """Whether lines of this language run from right to left."""
    code = _script_codes(language_code(language))[0]
    return bool(unicode_scripts.script_horizontal_direction(code, default="LTR") == "RTL")


def missing_letters(language: str, charset: Collection[str]) -> list[str]:
    """List the letters of a language that a reader with the dictionary `charset` cannot write.

    Every letter counts, in both cases, because one missing letter of thirty-three spoils every third
    line. For an alphabet of more than 1,000 characters nothing is reported while less than 2 % are
    missing: those are rare characters, and people add them.

    Args:
        language: any name that `language_code` knows.
        charset: the entries of a recogniser's dictionary, in any Unicode form.

    Returns:
        The missing letters, sorted; empty when the reader can write the language.

    Raises:
        SettingsWrong: no such language.
    """
    entries = {unicodedata.normalize("NFC", entry) for entry in charset}
    alphabet = letters(language)
    missing = sorted(
        letter for letter in alphabet if letter not in entries and not all(part in entries for part in letter)
    )
    if len(alphabet) > LARGE_ALPHABET and len(missing) < RARE_SHARE * len(alphabet):
        return []
    return missing


def recognition_model(language: str) -> str | None:
    """Name the PP-OCR recogniser that reads a language; None where none can (Georgian, Vietnamese).

    Chinese, Japanese and Latin languages are read by PP-OCRv6, by measurement (`language_tables.V6_READS`);
    all others by the PP-OCRv5 model of their script.

    Raises:
        SettingsWrong: no such language.
    """
    code = language_code(language)
    if code in language_tables.V6_HAN or _all_in(language_tables.V6_LETTERS, code):
        return language_tables.V6_READS
    return trainable_model(code)


def trainable_model(language: str) -> str | None:
    """Name the PP-OCRv5 recogniser that can write a language; None where none can (Georgian, Azerbaijani).

    A training begins with it: the trainer's configs and starting weights are PP-OCRv5's. The model made
    for the language comes first (`eslav` before `cyrillic`, `en` before `latin`).

    Raises:
        SettingsWrong: no such language.
    """
    code = language_code(language)
    if code in language_tables.V6_HAN:
        return "PP-OCRv5_server_rec"
    if code in {"ko", "en"}:
        return {"ko": "korean", "en": "en"}[code] + "_PP-OCRv5_mobile_rec"
    for family, characters in language_tables.RECOGNISER_LETTERS.items():
        if _all_in(characters, code):
            return f"{family}_PP-OCRv5_mobile_rec"
    return None


@lru_cache(REMEMBERED)
def _all_in(characters: str, code: str) -> bool:
    """Whether these characters, as a regular expression has them, spell every letter of a language."""
    return all(regex.fullmatch(f"[{characters}]+", letter) for letter in letters(code))


def tesseract_code(language: str) -> str | None:
    """Give Tesseract's name of a language (`rus`, `chi_sim`, `srp_latn`); None where it has no data."""
    code = language_code(language)
    tag = langcodes.Language.get(code)
    name = language_tables.TESSERACT_NAMES.get(code) or tag.to_alpha3()
    name = (
        f"{name}_{tag.script.lower()}" if tag.script and code not in language_tables.TESSERACT_NAMES else name
    )
    return name if name in language_tables.TESSERACT.split() else None


def tesseract_package(language: str) -> str | None:
    """Name the Debian package with Tesseract's data for a language; None where there is none."""
    code = tesseract_code(language)
    return None if code is None else f"tesseract-ocr-{code.replace('_', '-')}"


def _unknown(name: str) -> SettingsWrong:
    names = known_names()
    asked = name.strip().lower()
    candidates = list(names) if len(asked) > 3 else sorted(set(names.values()))
    close = [match for match, *_ in rapidfuzz.process.extract(asked, candidates, limit=3, score_cutoff=75)]
    suggestions = [f"{names[match]} ({match.title()})" if match in names else match for match in close]
    hint = f" Close to yours: {', '.join(suggestions)}." if suggestions else ""
    return SettingsWrong(
        f"{name!r} is no language whose letters twinread knows, so nobody could tell which reader can write "
        f"it. OCR_LANGUAGE and a task's field 'language' take an ISO 639 code such as ru, de or zh.{hint}",
        language=name,
        close=[names.get(match, match) for match in close],
    )


def _script_name(code: str) -> str:
    return str(unicode_scripts.script_name(code)).replace(" ", "_")


def _likely_script(tag: str) -> str:
    if tag in language_tables.LIKELY_SCRIPT:
        return language_tables.LIKELY_SCRIPT[tag]
    likely = langcodes.Language.get(tag).maximize()
    if likely.script and (likely.script, likely.territory) != ("Latn", "US"):
        return likely.script
    # Latin as in the United States is also CLDR's answer for small languages that it does not know
    primary = [each for each in alphabets(_individual_code(tag)) if each.status == "primary"]
    return primary[0].script if primary else "Latn"


def _script_codes(code: str) -> tuple[str, ...]:
    tag = langcodes.Language.get(code)
    written = tag.script or _likely_script(code)
    return language_tables.SCRIPTS.get(written, (written,))


def _individual_code(code: str) -> str:
    alpha3 = langcodes.Language.get(code).to_alpha3()
    return language_tables.INDIVIDUAL.get(alpha3, alpha3)


def _alphabets(code: str) -> list[Alphabet]:
    """The alphabets in the language's script, of the best status there is (primary before others)."""
    wanted = _script_codes(code)
    known = [each for each in alphabets(_individual_code(code)) if each.script in wanted]
    return [each for each in known if each.status == known[0].status]


def _standard_characters(codec: str, first: int, last: int) -> Iterator[str]:
    for lead in range(first, last + 1):
        for trail in range(0x40, 0xFF):
            try:
                character = bytes((lead, trail)).decode(codec)
            except UnicodeDecodeError:
                continue  # an unassigned cell of the standard's table
            if regex.fullmatch(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]", character):
                yield character

"""Languages as OCR needs them: one code for many names, the letters, the script, and who can write it.

Letters come from the data files of `hyperglot`, one file per language asked for; importing the
package itself takes seconds and leaves a cache in the working directory. For Chinese, Japanese and
Korean they are the common characters of the national standards (see `letters`).
"""

from __future__ import annotations

import importlib.util
import unicodedata
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import langcodes
import rapidfuzz
import regex
import yaml
from fontTools import unicodedata as unicode_scripts  # type: ignore[import-untyped]

from backend.errors import SettingsWrong

LARGE_ALPHABET = 1000
"""Above this many letters a reader is measured by share, below it by every letter."""
RARE_SHARE = 0.02
"""A dictionary that lacks fewer than this share of a large alphabet lacks rare characters only."""

_OTHER_NAMES = {
    "ch": "zh", "chinese": "zh", "chinese_cht": "zh-Hant", "japan": "ja", "korean": "ko",
    "french": "fr", "german": "de", "rs_latin": "sr-Latn", "rs_cyrillic": "sr", "bh": "bho",
    "chi_sim": "zh", "chi_tra": "zh-Hant", "frk": "de", "deu_latf": "de", "ita_old": "it",
    "spa_old": "es", "kat_old": "ka",
}  # fmt: skip
"""PaddleOCR's and Tesseract's own names, where they are no language tags."""

_INDIVIDUAL = {
    "ara": "arb", "aze": "azj", "est": "ekk", "lav": "lvs", "mon": "khk", "msa": "zsm", "nep": "npi",
    "fas": "pes", "pus": "pbu", "sqi": "als", "swa": "swh", "uzb": "uzn", "yid": "ydd", "kur": "kmr",
    "kom": "kpv", "bua": "bxr", "aym": "ayr", "grn": "gug", "orm": "gaz", "lah": "pnb",
    "nob": "nor", "chm": "mhr",
}  # fmt: skip
"""Macrolanguages whose letters hyperglot keeps under the language most people mean."""

_LIKELY_SCRIPT = {"grc": "Grek"}
"""Where the likely script of CLDR is not what a page shows: Ancient Greek, by age, is Cypriot there."""

_SCRIPTS = {
    "Hans": ("Hani",), "Hant": ("Hani",), "Jpan": ("Hira", "Kana", "Hani"), "Kore": ("Hang", "Hani"),
    "Latf": ("Latn",), "Latg": ("Latn",), "Aran": ("Arab",), "Cyrs": ("Cyrl",), "Geok": ("Geor",),
}  # fmt: skip
"""Script subtags that stand for others, the most telling one first."""

_STANDARDS = {
    "zh": ("gb2312", 0xB0, 0xD7),
    "zh-Hant": ("big5", 0xA4, 0xC6),
    "yue": ("big5", 0xA4, 0xC6),
    "ja": ("euc_jp", 0xA4, 0xCF),
    "ko": ("euc_kr", 0xB0, 0xC8),
}
"""Codec and lead bytes of the common characters: level 1 of each standard, kana and Hangul included."""

_ALSO = {"ar": "آأؤإئى"}
"""Letters that a page of the language shows and hyperglot leaves out: Arabic carriers of hamza."""

_OBSOLETE = {"th": "ฃฅ\u0e3a\u0e4e"}
"""Letters that hyperglot lists and nobody writes any more, so that no reader is judged by them."""

_RECOGNISERS = {
    "eslav": "\u0401\u0404\u0406\u0407\u040e\u0410-\u044f\u0451\u0454\u0456\u0457\u045e\u0490\u0491",
    "cyrillic": "\u0400-\u0481\u048a-\u04a3\u04a6-\u04b3\u04b6-\u04d3\u04d6-\u052f",
    "latin": "A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f",
    "arabic": "\u0610-\u061a\u0621-\u063a\u0641-\u0657\u065a-\u065f\u0670-\u06d3\u06d5-\u06dc\u06e1-\u06e8"
    "\u06ed-\u06ef\u0750-\u077f",
    "devanagari": "\u0900-\u0950\u0955-\u0957\u0960-\u0963\u0971-\u097f",
    "th": "\u0e01\u0e02\u0e04-\u0e3a\u0e40-\u0e4d",
    "el": "\u0386\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u03ce",
    "ta": "\u0b82\u0b83\u0b85-\u0b8a\u0b8e-\u0b90\u0b92-\u0b95\u0b99\u0b9a\u0b9c\u0b9e\u0b9f\u0ba3\u0ba4"
    "\u0ba8-\u0baa\u0bae-\u0bb9\u0bbe-\u0bc2\u0bc6-\u0bc8\u0bca-\u0bcd\u0bd0\u0bd7",
    "te": "\u0c00-\u0c0c\u0c0e-\u0c10\u0c12-\u0c28\u0c2a-\u0c39\u0c3c-\u0c44\u0c46-\u0c48\u0c4a-\u0c4d\u0c55"
    "\u0c56\u0c58-\u0c5a\u0c5d\u0c60-\u0c63",
}
"""The letters in the dictionaries of PP-OCRv5's language models, of the script each was made for.

Counted in the dictionaries of PaddleOCR 3.7, whose own list of languages promises more: `latin` has
no Vietnamese and no Azerbaijani `ə`, `cyrillic` no Ossetian `ӕ`.
"""

_TESSERACT = """
    afr amh ara asm aze aze_cyrl bel ben bod bos bre bul cat ceb ces chi_sim chi_tra chr cos cym dan deu
    div dzo ell eng enm epo est eus fao fas fil fin fra frm fry gla gle glg grc guj hat heb hin hrv hun
    hye iku ind isl ita jav jpn kan kat kaz khm kir kmr kor lao lat lav lit ltz mal mar mkd mlt mon mri
    msa mya nep nld nor oci ori pan pol por pus que ron rus san sin slk slv snd spa sqi srp srp_latn sun
    swa swe syr tam tat tel tgk tha tir ton tur uig ukr urd uzb uzb_cyrl vie yid yor
"""
"""Languages that Debian packages for Tesseract."""

_TESSERACT_NAMES = {
    "zh": "chi_sim", "zh-Hant": "chi_tra", "yue": "chi_tra", "ku": "kmr", "nb": "nor", "nn": "nor",
}  # fmt: skip


@cache
def language_code(name: str) -> str:
    """Bring any usual name of a language to one code.

    Args:
        name: ISO 639-1 or -3 (`ru`, `rus`), BCP 47 (`ru-RU`, `zh-Hant`), PaddleOCR's name (`ch`, `japan`,
            `rs_latin`) or Tesseract's (`chi_sim`, `srp_latn`). `ka` is Georgian, as in ISO.

    Returns:
        The shortest BCP 47 code, with the script where it is not the usual one of the language and
        without a region: `ru`, `zh`, `zh-Hant`, `sr-Latn`.

    Raises:
        SettingsWrong: no such language; the message names close ones.
    """
    key = name.strip().lower().replace("-", "_").removesuffix("_vert")
    try:
        tag = langcodes.Language.get(langcodes.standardize_tag(_OTHER_NAMES.get(key, key), macro=True))
    except ValueError as error:
        raise _unknown(name) from error
    if not tag.language or not tag.is_valid():
        raise _unknown(name)
    usual = _likely_script(tag.language)
    written = tag.script or (_likely_script(tag.to_tag()) if tag.language not in _LIKELY_SCRIPT else usual)
    plain = written == usual or _SCRIPTS.get(written, (written,)) == (usual,)
    return tag.language if plain else f"{tag.language}-{written}"


@cache
def letters(language: str) -> frozenset[str]:
    """Give the letters a language is written with, in NFC and in both cases.

    Letters only: digits, punctuation and apostrophes used as letters (Ukrainian `’`, Uzbek `ʻ`), which
    every dictionary writes in its own way, are not in it. A letter that has no code point of its own
    is a string of several. In scripts that write vowels as marks (Devanagari, Thai) the marks are in
    it, one by one; where marks are optional (Arabic, Hebrew) they are not. For Chinese, Japanese and
    Korean these are the common characters (level 1 of GB 2312, Big5, JIS X 0208; the Hangul of KS X 1001).

    Raises:
        SettingsWrong: no such language, or its letters are not known.
    """
    code = language_code(language)
    if code in _STANDARDS:
        return frozenset(_standard_characters(*_STANDARDS[code]))
    found: set[str] = set()
    for orthography in _orthographies(code):
        found.update(_letters_of(code, orthography))
    if not found:
        raise _unknown(language)
    return frozenset(found | set(_ALSO.get(code, ""))) - set(_OBSOLETE.get(code, ""))


@cache
def english_name(language: str) -> str:
    """Name a language in English (`Russian`), for instructions to a model.

    Raises:
        SettingsWrong: no such language.
    """
    return str(langcodes.Language.get(language_code(language)).display_name("en"))


@cache
def script(language: str) -> str:
    """Name a language's script as Unicode does: `Cyrillic`, `Han` (Chinese), `Hiragana` (Japanese)."""
    return _script_name(_script_codes(language_code(language))[0])


@cache
def scripts(language: str) -> frozenset[str]:
    """Name every script a language needs; several for Japanese and Korean, one for most."""
    return frozenset(_script_name(code) for code in _script_codes(language_code(language)))


def right_to_left(language: str) -> bool:
    """Whether lines of this language run from right to left."""
    code = _script_codes(language_code(language))[0]
    return bool(unicode_scripts.script_horizontal_direction(code, default="LTR") == "RTL")


def missing_letters(language: str, charset: Collection[str]) -> list[str]:
    """Tell what a reader whose dictionary is `charset` cannot write of a language.

    Every letter counts, in both cases, because one missing letter of thirty-three spoils every third
    line. Of an alphabet of more than 1,000 characters a share under 2 % is not reported: such
    dictionaries lack rare characters, and a person supplies them.

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
    """Name the PP-OCRv5 recogniser that can write a language; None where none can (Georgian, Vietnamese).

    The model made for the language comes first (`eslav` before `cyrillic`, `en` before `latin`).

    Raises:
        SettingsWrong: no such language.
    """
    code = language_code(language)
    if code in {"zh", "zh-Hant", "yue", "ja"}:
        return "PP-OCRv5_server_rec"
    if code in {"ko", "en"}:
        return {"ko": "korean", "en": "en"}[code] + "_PP-OCRv5_mobile_rec"
    for family, characters in _RECOGNISERS.items():
        if all(regex.fullmatch(f"[{characters}]+", letter) for letter in letters(code)):
            return f"{family}_PP-OCRv5_mobile_rec"
    return None


def tesseract_code(language: str) -> str | None:
    """Give Tesseract's name of a language (`rus`, `chi_sim`, `srp_latn`); None where it has no data."""
    code = language_code(language)
    tag = langcodes.Language.get(code)
    name = _TESSERACT_NAMES.get(code) or tag.to_alpha3()
    name = f"{name}_{tag.script.lower()}" if tag.script and code not in _TESSERACT_NAMES else name
    return name if name in _TESSERACT.split() else None


def tesseract_package(language: str) -> str | None:
    """Name the Debian package with Tesseract's data for a language; None where there is none."""
    code = tesseract_code(language)
    return None if code is None else f"tesseract-ocr-{code.replace('_', '-')}"


def _unknown(name: str) -> SettingsWrong:
    names = _known_names()
    asked = name.strip().lower()
    candidates = list(names) if len(asked) > 3 else sorted(set(names.values()))
    close = [match for match, *_ in rapidfuzz.process.extract(asked, candidates, limit=3, score_cutoff=75)]
    shown = [f"{names[match]} ({match.title()})" if match in names else match for match in close]
    hint = f" Close to yours: {', '.join(shown)}." if shown else ""
    return SettingsWrong(
        f"{name!r} is no language whose letters twinread knows, so nobody could tell which reader can write "
        f"it. OCR_LANGUAGE and a task's field 'language' take an ISO 639 code such as ru, de or zh.{hint}",
        language=name,
        close=[names.get(match, match) for match in close],
    )


def _script_name(code: str) -> str:
    return str(unicode_scripts.script_name(code)).replace(" ", "_")


def _data() -> Path:
    found = importlib.util.find_spec("hyperglot")
    if found is None or not found.submodule_search_locations:
        raise SettingsWrong(
            "The package hyperglot is not installed, so no alphabet is known. Install twinread again."
        )
    return Path(found.submodule_search_locations[0])


@cache
def _known_names() -> dict[str, str]:
    # Only for a message: English names, taken from the head of each file without parsing it.
    names: dict[str, str] = {}
    for path in sorted((_data() / "data").glob("*.yaml")):
        iso = path.stem.removesuffix("_")
        if name := regex.search(r"(?m)^name: (\S.*)$", path.read_text("utf-8")):
            code = langcodes.standardize_tag(iso, macro=True)
            names.setdefault(name[1].lower(), code)
    return names


@cache
def _language_file(iso: str) -> dict[str, Any]:
    for stem in (iso, f"{iso}_"):
        path = _data() / "data" / f"{stem}.yaml"
        if path.is_file():
            content = yaml.safe_load(path.read_text("utf-8"))
            return content if isinstance(content, dict) else {}
    return {}


@cache
def _script_of_name(name: str) -> str:
    table = yaml.safe_load((_data() / "extra_data" / "script-names.yaml").read_text("utf-8"))
    code = str(table[name]["iso_15924"]) if name in table else ""
    return _SCRIPTS.get(code, (code,))[0]


def _likely_script(tag: str) -> str:
    if tag in _LIKELY_SCRIPT:
        return _LIKELY_SCRIPT[tag]
    likely = langcodes.Language.get(tag).maximize()
    if likely.script and (likely.script, likely.territory) != ("Latn", "US"):
        return likely.script
    # Latin as in the United States is also CLDR's answer for small languages that it does not know
    orthographies = _language_file(_hyperglot_code(tag)).get("orthographies", [])
    primary = [each for each in orthographies if each.get("status", "primary") == "primary"]
    return _script_of_name(primary[0]["script"]) if primary else "Latn"


def _script_codes(code: str) -> tuple[str, ...]:
    tag = langcodes.Language.get(code)
    written = tag.script or _likely_script(code)
    return _SCRIPTS.get(written, (written,))


def _hyperglot_code(code: str) -> str:
    alpha3 = langcodes.Language.get(code).to_alpha3()
    return _INDIVIDUAL.get(alpha3, alpha3)


def _orthographies(code: str) -> list[dict[str, Any]]:
    """The orthographies in the language's script, of the best status there is (primary before others)."""
    wanted = _script_codes(code)
    known = _language_file(_hyperglot_code(code)).get("orthographies", [])
    fitting = [each for each in known if _script_of_name(each.get("script", "")) in wanted]
    for status in ("primary", "local", "secondary", "historical", "transliteration"):
        if best := [each for each in fitting if each.get("status", "primary") == status]:
            return best
    return []


def _letters_of(code: str, orthography: dict[str, Any]) -> Iterator[str]:
    wanted = _script_codes(code)
    marks_are_letters = wanted[0] not in {"Latn", "Cyrl", "Grek", "Arab", "Hebr", "Armn", "Geor", "Syrc"}
    text = _resolved(orthography, "base", code)
    # the Pashto alphabet is given in presentation forms, which no dictionary and no text uses
    text = regex.sub(
        r"[\ufb50-\ufdff\ufe70-\ufefc]", lambda form: unicodedata.normalize("NFKC", form[0]), text
    )
    if marks_are_letters:
        text += " " + _resolved(orthography, "marks", code)
    for letter in regex.findall(r"\X", unicodedata.normalize("NFC", text.replace("\u25cc", " "))):
        letter = letter.strip()
        if regex.match(r"\p{L}", letter) and not regex.match(r"\p{Lm}$", letter):
            yield letter
            # "ß".upper() is two letters, "İ".lower() an i with a stray dot: neither is one of the alphabet
            other_cases = (unicodedata.normalize("NFC", case) for case in (letter.upper(), letter.lower()))
            yield from (case for case in other_cases if len(case) == 1)
        elif (
            marks_are_letters and regex.match(r"\p{M}$", letter) and unicode_scripts.script(letter) in wanted
        ):
            yield letter


def _resolved(orthography: dict[str, Any], field: str, code: str) -> str:
    """A field with its references to other languages (`<rus>`, `<default Latin>`) filled in."""

    def fill(reference: regex.Match[str]) -> str:
        iso = reference[1].split()[0]
        if iso == "default":
            return ""
        same_script = [
            each
            for each in _language_file(iso).get("orthographies", [])
            if each.get("script") == orthography.get("script")
        ]
        return _resolved(same_script[0], field, code) if same_script else ""

    value = orthography.get(field) or ""
    return str(regex.sub(r"<\s*([^>]*)>", fill, str(value)))


def _standard_characters(codec: str, first: int, last: int) -> Iterator[str]:
    for lead in range(first, last + 1):
        for trail in range(0x40, 0xFF):
            try:
                character = bytes((lead, trail)).decode(codec)
            except UnicodeDecodeError:
                continue  # an unassigned cell of the standard's table
            if regex.fullmatch(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]", character):
                yield character

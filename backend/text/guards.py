"""Rules that find one reading doubtful by itself, before it is compared with another.

A vision model that cannot read a crop rarely says so: it loops, repeats its instructions, apologises,
or writes another alphabet, and often does so twice in the same way. Each guard is a plain rule on the
text, chosen so that ordinary lines pass. A false alarm costs a person one look; a miss puts a wrong label
into the training data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial

import regex
from fontTools import unicodedata as unicode_scripts  # type: ignore[import-untyped]
from rapidfuzz import fuzz

from backend.page.lines import Reason, ReasonKind
from backend.text import languages
from backend.text.look_alikes import script_of
from backend.text.wrapping import wrapping_in

WIDE_ADVANCE = 0.30
LETTER_ADVANCE = 0.15
THIN_ADVANCE = 0.07
"""Least width of a character over the height of its crop: half of what the tightest sample line has."""

WIDEST_ADVANCE = 1.25
"""Most ink of a character over the height of its crop: half more than the widest sample line has."""

_THIN = regex.compile(r"[\s.,:;!|'’`·•iIljtfrі\-_\p{M}]")
# Words or syllables five times in a row, a letter ten, a group of digits seven, a digit twenty times.
# "шт. шт. шт." of a table row passes, and so do dot leaders, rules and the zeros of an account number.
_LETTER_LOOP = regex.compile(r"(.{2,40}?)\1{4,}|(\p{L})\2{9,}")
_DIGIT_LOOP = regex.compile(r"(\d{2,6}?)\1{6,}|(\d)\2{19,}")
_SIGN_LOOP = regex.compile(r"([!?%&@$€£№])\1{9,}")
_LOOP_SHARE = 0.5
# a longer piece three times is a loop where it is nearly the whole text
_PHRASE_LOOP = regex.compile(r"(.{8,200}?)\1{2,}")
_PHRASE_LETTERS = 8
_PHRASE_SHARE = 0.8

# A sentence of a book begins as an excuse does ("Я не вижу моря"); only an excuse goes on about reading.
_EXCUSE = regex.compile(
    r"""(?xi)^\W*(?:
      (?:i['’]?\s*a?m|we\ are|we['’]re) \s+ (?:sorry|unable|not\ able|afraid)
    | (?:i|we) \s+ (?:can\s?not|can['’]t|could\ not|couldn['’]t|am\ unable|do\ not\ see|don['’]t\ see)
    | sorry,? \s+ (?:but|i|we)\b | as\ an\ ai\b | i\ apologi[sz]e
    | unfortunately,?\ (?:i|the\ (?:image|text))\b
    | к\ сожалению,?\ (?:я|мне|текст|изображение|на) | извините,?\ (?:но|я) | простите,?\ (?:но|я)
    | я\ не\ (?:могу|вижу|смог) | не\ удалось
    )"""
)
_ABOUT_READING = regex.compile(
    r"""(?xi)\b(?:
      read(?:ing|able)? | (?:un|il)?legible | transcri\w+ | recogni[sz]\w+ | make\ out | decipher\w*
    | text | image\w* | picture\w* | photo\w* | screenshot | characters
    | assist | help\ (?:you\ )?with | comply | language\ model | ai
    | про(?:чита|че)\w+ | (?:не)?чита\w+ | разобрать | (?:не)?разборчив\w+ | распозна\w+ | расшифров\w+
    | текст\w* | изображен\w+ | картинк\w+ | фото\w* | символ\w* | надпис\w+ | помочь\ с
    )\b"""
)
_REFUSALS = regex.compile(
    r"""(?xi)^\W*(?:
      (?:there\ (?:is|are)|the\ (?:image|picture)\ (?:contains|has|shows)) \s+ no \s+ .{0,20}\btext\b
    | no\ (?:visible\ |readable\ |legible\ )?text\ (?:is\ )?(?:found|visible|present|detected|in)\b
    | the\ (?:image|picture|text)\ (?:is|appears|seems)\ (?:too\ |to\ be\ )?
      (?:blurry|blank|unclear|illegible|empty)
    | на\ (?:этом\ )?изображении\ (?:нет|отсутствует|не)
    | (?:изображение|текст)\ не\ содержит\ (?:\w+\ ){0,2}(?:текст|надпис|символ|букв)\w*
    | (?:изображение|текст)\ (?:не\ (?:распознан|чита|виден|обнаружен|найден)|нечитаем|отсутствует|размыт)
    | 抱歉 | 对不起 | 無法識別 | 无法识别 | (?:图片|图像|圖片)中没有.{0,6}文字
    | (?:the\ )?(?:service|server|model)\ is\ (?:temporarily\ |currently\ )?(?:unavailable|overloaded|busy)
    | сервис\ (?:временно\ )?недоступен
    )"""
)
# The whole answer, with brackets or without.
_NO_ANSWER = regex.compile(
    r"""(?xi)[\W_]*(?:
      (?:no|empty|blank)\ (?:visible\ |readable\ |legible\ )?(?:text|characters|image|line|answer|output)
    | illegible | unreadable | unclear | indecipherable | not\ (?:legible|readable)
    | n/a | none | null | undefined | nan
    | неразборчиво | нечитаемо | не\ читается | нет\ текста
    | 无 | 無 | 空白 | 无文字 | 無文字
    )[\W_]*"""
)
# A note about the answer, where the words of the line should be.
_NOTE = regex.compile(
    r"""(?xi)^[(\[*]\s*(?:note|примечание|注意?)\s*[:：].*\b
    (?:image|picture|text|transcri\w+|изображен\w+|текст\w*)\b"""
)

# What stands in the place of words within an answer.
_GAP = regex.compile(
    r"(?i)[\[(<{](?:illegible|unreadable|unclear|blank|неразборчиво|нечитаемо|неразб\.?)[^\])>}]{0,20}[\])>}]"
)

_EDGE_FRAMES = "|[]{}_~"
_EDGE_QUOTES = "‘'`´"
_PAIRS = {"[": "]", "{": "}", "(": ")", "‘": "’", "'": "'", "`": "'", "´": "'", "]": "[", "}": "{"}

_BROKEN_NUMBER = regex.compile(
    r"(?<![\d.,])\d[\d ]*[,.] \d\d(?![\d.,])(?!\ ?\d)|\d+ [,.]\d+|(?<!\d[-–—]?)(?<!\p{L})\d+[-‐‑‒–—−]$"
)
_CODE = regex.compile(r"[\p{L}\p{N}]+")
_DIGIT_LIKE = regex.compile(
    # between digits; before two digits or more; before a digit and another such letter; behind a number
    r"(?<=\d)[OОΟoоοЗзбIІӀl](?=\d)|^[OОΟЗ](?=\d\d+$)|^[OОΟЗ](?=\d+[OОΟЗ]$)|^[lIІӀ](?=\d+$)|(?<=^\d+)[OОΟ]+$"
)
_ADDRESS_ENDING = regex.compile(r"(?<![\p{L}\p{N}])[\p{L}\p{N}][\p{L}\p{N}\-]+\.(СОМ|сом)(?![\p{L}\p{N}])")

_ECHO_LETTERS = 15
_ECHO_WORDS = 3
_CLAUSE_LETTERS = 10
_ECHO_SIMILARITY = 90.0


def suspicions(
    text: str,
    crop_size: tuple[int, int],
    language: str,
    prompts: Sequence[str] = (),
    ink_length: int | None = None,
) -> tuple[ReasonKind, ...]:
    """Say what is doubtful about one non-empty text, worst first.

    Args:
        text: one reading, cleaned.
        crop_size: (width, height) of the crop in pixels; the text runs along the longer side.
        language: the project's language, any name that `languages.language_code` knows.
        prompts: the prompts of the model, so that an echo of them is found.
        ink_length: pixels of the longer side with ink, as `page.ink` measures; None where nobody measured.

    Returns:
        Those of REFUSAL, MARKUP (where there are prompts), ECHO, REPEATS, TOO_LONG, TOO_SHORT, WRONG_SCRIPT,
        LOOK_ALIKE_ADDRESS, LETTER_AMONG_DIGITS, BROKEN_NUMBER, EDGE_MARK that apply; empty for an ordinary
        line.

    Raises:
        SettingsWrong: the language is unknown.
    """
    # only who is asked in words wraps what it read
    own_words = _not_from_the_page(text) if prompts else ""
    found = {
        ReasonKind.REFUSAL: own_words == text != "" or _refuses(text),
        ReasonKind.MARKUP: bool(own_words),
        ReasonKind.ECHO: _echoes(text, prompts),
        ReasonKind.REPEATS: bool(repeated_piece(text)),
        ReasonKind.TOO_LONG: _too_long(text, crop_size),
        ReasonKind.TOO_SHORT: ink_length is not None and _too_short(text, crop_size, ink_length),
        ReasonKind.WRONG_SCRIPT: _wrong_script(text, language),
        ReasonKind.LOOK_ALIKE_ADDRESS: bool(_address_in_look_alikes(text)),
        ReasonKind.LETTER_AMONG_DIGITS: bool(_letter_among_digits(text)),
        ReasonKind.BROKEN_NUMBER: bool(_broken_number(text)),
        ReasonKind.EDGE_MARK: bool(edge_mark(text, language)),
    }
    return tuple(kind for kind, holds in found.items() if holds)


def reason(kind: ReasonKind, text: str, reader: str, language: str) -> Reason:
    """Make a reason of one suspicion.

    Args:
        kind: one of the kinds that `suspicions` returns.
        text: the reading; the piece that is doubtful becomes `Reason.first`, where the kind has one.
        reader: the reader's identity; it becomes `Reason.second`.
        language: as `suspicions` had it.
    """
    pieces: dict[ReasonKind, Callable[[str], str]] = {
        ReasonKind.REPEATS: repeated_piece,
        ReasonKind.MARKUP: _not_from_the_page,
        ReasonKind.LOOK_ALIKE_ADDRESS: _address_in_look_alikes,
        ReasonKind.LETTER_AMONG_DIGITS: _letter_among_digits,
        ReasonKind.BROKEN_NUMBER: _broken_number,
        ReasonKind.EDGE_MARK: partial(edge_mark, language=language),
    }
    return Reason(kind, pieces[kind](text) if kind in pieces else "", reader)


def repeated_piece(text: str) -> str:
    """Find the piece that a text repeats over at least half its length; empty when there is none."""
    # a repeating text has few different triples of characters: this test is cheap and passes most lines
    if len({text[start : start + 3] for start in range(len(text))}) > 0.6 * len(text) + 6:
        return ""
    for found in _LETTER_LOOP.finditer(text):
        piece = str(found[1] or found[2]).strip()
        if regex.search(r"\p{L}", piece) and len(found[0]) >= _LOOP_SHARE * len(text):
            return piece
    for found in _DIGIT_LOOP.finditer(text):
        piece = str(found[1] or found[2])
        # "00" seven times is an account number; twenty zeros are not
        if (len(set(piece)) > 1 or len(found[0]) >= 20) and len(found[0]) >= _LOOP_SHARE * len(text):
            return piece
    for found in _PHRASE_LOOP.finditer(text):
        piece = str(found[1]).strip()
        letters = len(regex.findall(r"\p{L}", piece))
        if letters >= _PHRASE_LETTERS and len(found[0]) >= _PHRASE_SHARE * len(text):
            return piece
    signs = _SIGN_LOOP.search(text)
    return signs[1] if signs and len(signs[0]) >= _LOOP_SHARE * len(text) else ""


def edge_mark(text: str, language: str) -> str:
    """Find a mark at an edge of a text that a frame, a rule or a speck leaves; empty if none.

    Brackets and quotes count only where their partner is missing, runs of `_` are blanks to fill in, and a
    lone quote at the beginning counts outside Latin texts only, where apostrophes begin words (`'tis`).
    """
    first, last = text[:1], text[-1:]
    begins = _EDGE_FRAMES + ("" if languages.script(language) == "Latin" else _EDGE_QUOTES)
    if first and first in begins and text[1:2] != first and _PAIRS.get(first, " ") not in text[1:]:
        return first
    if last and last in "|[{(_~" and text[-2:-1] != last:
        return last
    return ""


def _refuses(text: str) -> bool:
    excuse = _EXCUSE.match(text) and _ABOUT_READING.search(text)
    return bool(excuse or _REFUSALS.match(text) or _NO_ANSWER.fullmatch(text) or _NOTE.match(text))


def _not_from_the_page(text: str) -> str:
    """What a vision model wrote of its own into a text; empty where there is nothing."""
    gap = _GAP.search(text)
    return str(gap[0]) if gap else wrapping_in(text)


def _too_short(text: str, crop_size: tuple[int, int], ink_length: int) -> bool:
    characters = len(regex.findall(r"(?=\S)\X", text))
    return ink_length > (WIDEST_ADVANCE * characters + 1) * min(crop_size) > 0


def _address_in_look_alikes(text: str) -> str:
    found = _ADDRESS_ENDING.search(text)
    return found[0] if found else ""


def _letter_among_digits(text: str) -> str:
    return next((code for code in _CODE.findall(text) if _DIGIT_LIKE.search(code)), "")


def _broken_number(text: str) -> str:
    found = _BROKEN_NUMBER.search(text)
    return found[0] if found else ""


def _echoes(text: str, prompts: Sequence[str]) -> bool:
    answer = text.casefold()
    if any(answer.strip(" .,") in _clauses(prompt) for prompt in prompts):
        return True
    if len(answer) < _ECHO_LETTERS or len(answer.split()) < _ECHO_WORDS:
        return False
    instructions = (" ".join(prompt.casefold().split()) for prompt in prompts)
    return any(
        len(prompt) >= _ECHO_LETTERS and fuzz.partial_ratio(answer, prompt) >= _ECHO_SIMILARITY
        for prompt in instructions
    )


@lru_cache(256)
def _clauses(prompt: str) -> frozenset[str]:
    """The pieces between the marks of a prompt, of two words or more: `no explanation`."""
    clauses = (" ".join(clause.split()) for clause in regex.split(r"[.,:;!?]", prompt.casefold()))
    return frozenset(clause for clause in clauses if len(clause) >= _CLAUSE_LETTERS and " " in clause)


def _too_long(text: str, crop_size: tuple[int, int]) -> bool:
    length, thickness = max(crop_size), min(crop_size)
    if len(text) * WIDE_ADVANCE * thickness <= length:
        return False
    return thickness > 0 and sum(map(_advance, text)) * thickness > length


@lru_cache(8192)
def _advance(character: str) -> float:
    if unicode_scripts.script(character) in {"Hani", "Hira", "Kana", "Hang", "Bopo", "Yiii"}:
        return WIDE_ADVANCE
    return THIN_ADVANCE if _THIN.match(character) else LETTER_ADVANCE


def _wrong_script(text: str, language: str) -> bool:
    """More than half of all letters are neither of the language's script nor Latin.

    Documents in every language contain Latin, so a Latin answer for a Cyrillic line passes here; the
    comparison with the second reading finds it. One Greek letter alone is a sign of science.
    """
    scripts = [script for script in map(script_of, filter(str.isalpha, text)) if script != "Common"]
    expected = languages.scripts(language) | {"Latin"}
    unexpected = [script for script in scripts if script not in expected]
    return unexpected not in ([], ["Greek"]) and len(unexpected) > len(scripts) / 2

"""Rules that find one reading doubtful by itself, before it is compared with another.

A vision model that cannot read a crop rarely says so: it loops, repeats its instructions, apologises,
or writes another alphabet, and often does so twice in the same way. Each guard is a plain rule on the
text, chosen so that ordinary lines pass. A false alarm costs a person one look; a miss puts a wrong label
into the training data.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import regex
from fontTools import unicodedata as unicode_scripts  # type: ignore[import-untyped]
from rapidfuzz import fuzz

from backend.page.lines import Reason, ReasonKind
from backend.text import languages
from backend.text.cleaning import wrapping_in
from backend.text.look_alikes import script_of

WIDE_ADVANCE = 0.30
LETTER_ADVANCE = 0.15
THIN_ADVANCE = 0.07
"""Least width of a character over the height of its crop: half of what the tightest sample line has."""

_THIN = regex.compile(r"[\s.,:;!|'’`·•iIljtfrі\-_\p{M}]")
# Words or syllables five times in a row, a letter ten, a group of digits seven, a digit twenty times.
# "шт. шт. шт." of a table row passes, and so do dot leaders, rules and the zeros of an account number.
_LETTER_LOOP = regex.compile(r"(.{2,40}?)\1{4,}|(\p{L})\2{9,}")
_DIGIT_LOOP = regex.compile(r"(\d{2,6}?)\1{6,}|(\d)\2{19,}")
_LOOP_SHARE = 0.5
# a phrase three times over; a sign ten times, if it is none of those that leaders and rules are made of
_PHRASE_LOOP = regex.compile(r"(.{8,200}?)(?:[\s,.;|/]*\1){2,}")
_SIGN_LOOP = regex.compile(r"([!?,;'\"$%&@()])\1{9,}")
_WHOLE_SHARE = 0.8
_LEADERS = " .…·•_-–—=*~#/\\|+:0123456789,"
"""What leaders, rules and rows of figures are made of."""

_REFUSALS = regex.compile(
    r"""(?xi)^\W*(?:
      (?:i['’]?\s*a?m|we\ are|we['’]re) \s+ (?:sorry|unable|not\ able|afraid)
    | (?:i|we) \s+ (?:can\s?not|can['’]t|could\ not|couldn['’]t|am\ unable|do\ not\ see|don['’]t\ see)
    | sorry,? \s+ (?:but|i|we)\b | as\ an\ ai\b | i\ apologi[sz]e
    | unfortunately,?\ (?:i|the\ (?:image|text))\b
    | (?:there\ (?:is|are)|the\ (?:image|picture)\ (?:contains|has|shows)) \s+ no \s+ .{0,20}\btext\b
    | no\ (?:visible\ |readable\ |legible\ )?text\ (?:is\ )?(?:found|visible|present|detected|in)\b
    | the\ (?:image|picture|text)\ (?:is|appears|seems)\ (?:too\ |to\ be\ )?
      (?:blurry|blank|unclear|illegible|empty)
    | к\ сожалению,?\ (?:я|мне|текст|изображение|на) | извините,?\ (?:но|я) | простите,?\ (?:но|я)
    | я\ не\ (?:могу|вижу|смог) | на\ (?:этом\ )?изображении\ (?:нет|отсутствует|не)
    | не\ удалось\ (?:распознать|прочитать)
    | (?:изображение|текст)\ (?:не\ (?:содержит|распознан|чита|виден|обнаружен)|нечитаем|отсутствует|размыт)
    | 抱歉 | 对不起 | 無法識別 | 无法识别 | (?:图片|图像|圖片)中没有.{0,6}文字
    )"""
)
_STAND_INS = regex.compile(
    r"""(?xi)^\W*(?:
      none | n/a | null | no\ text | (?:нет|без)\ текста | текст\ (?:не\ (?:найден|виден)|отсутствует)
    | illegible | unreadable | неразборчиво | нечитаемо | (?<=[\[(<{])(?:blank|empty)(?=[\])>}])
    | (?:the\ )?(?:service|server|model)\ is\ (?:temporarily\ |currently\ )?(?:unavailable|busy|overloaded)
      (?:[.,;]?\ please\ .*)? | too\ many\ requests | internal\ server\ error
    )\W*$"""
)
"""What stands in the place of a reading, as the whole of an answer."""
_GAP = regex.compile(
    r"(?i)[\[(<{](?:illegible|unreadable|unclear|blank|неразборчиво|нечитаемо|неразб\.?)[^\])>}]{0,20}[\])>}]"
)
"""What stands in the place of words within an answer."""
_ECHO_LETTERS = 15
_ECHO_WORDS = 3
_ECHO_SIMILARITY = 90.0


def suspicions(
    text: str, crop_size: tuple[int, int], language: str, prompts: Sequence[str] = ()
) -> tuple[ReasonKind, ...]:
    """Say what is doubtful about one non-empty text, worst first.

    Args:
        text: one reading, cleaned.
        crop_size: (width, height) of the crop in pixels; the text runs along the longer side.
        language: the project's language, any name that `languages.language_code` knows.
        prompts: the prompts of the model, so that an echo of them is found.

    Returns:
        Those of REFUSAL, MARKUP (where there are prompts), ECHO, REPEATS, TOO_LONG, WRONG_SCRIPT that
        apply; empty for an ordinary line.

    Raises:
        SettingsWrong: the language is unknown.
    """
    # only who is asked in words wraps what it read
    own_words = _not_from_the_page(text) if prompts else ""
    found = {
        ReasonKind.REFUSAL: own_words == text != ""
        or (_REFUSALS.match(text) or _STAND_INS.match(text)) is not None,
        ReasonKind.MARKUP: bool(own_words),
        ReasonKind.ECHO: _echoes(text, prompts),
        ReasonKind.REPEATS: bool(repeated_piece(text)),
        ReasonKind.TOO_LONG: _too_long(text, crop_size),
        ReasonKind.WRONG_SCRIPT: _wrong_script(text, language),
    }
    return tuple(kind for kind, holds in found.items() if holds)


def reason(kind: ReasonKind, text: str, reader: str) -> Reason:
    """Make a reason of one suspicion.

    Args:
        kind: one of the kinds that `suspicions` returns.
        text: the reading; for REPEATS, its repeated piece becomes `Reason.first`, for MARKUP, the markup.
        reader: the reader's identity; it becomes `Reason.second`.
    """
    pieces = {ReasonKind.REPEATS: repeated_piece, ReasonKind.MARKUP: _not_from_the_page}
    return Reason(kind, pieces[kind](text) if kind in pieces else "", reader)


def repeated_piece(text: str) -> str:
    """Find the piece that a text repeats over at least half its length; empty when there is none."""
    # a repeating text has few different triples of characters: this test is cheap and passes most lines
    if len({text[start : start + 3] for start in range(len(text))}) > 0.6 * len(text) + 6:
        return ""
    for loop in (_PHRASE_LOOP, _SIGN_LOOP):
        found = loop.search(text)
        if found and found[0].strip(_LEADERS) and len(found[0]) >= _WHOLE_SHARE * len(text):
            return str(found[1]).strip()
    for found in _LETTER_LOOP.finditer(text):
        piece = str(found[1] or found[2]).strip()
        if regex.search(r"\p{L}", piece) and len(found[0]) >= _LOOP_SHARE * len(text):
            return piece
    for found in _DIGIT_LOOP.finditer(text):
        piece = str(found[1] or found[2])
        # "00" seven times is an account number; twenty zeros are not
        if (len(set(piece)) > 1 or len(found[0]) >= 20) and len(found[0]) >= _LOOP_SHARE * len(text):
            return piece
    return ""


def _not_from_the_page(text: str) -> str:
    """What a vision model wrote of its own into a text; empty where there is nothing."""
    gap = _GAP.search(text)
    return str(gap[0]) if gap else wrapping_in(text)


def _echoes(text: str, prompts: Sequence[str]) -> bool:
    answer = text.casefold()
    if len(answer) < _ECHO_LETTERS or len(answer.split()) < _ECHO_WORDS:
        return False
    instructions = (" ".join(prompt.casefold().split()) for prompt in prompts)
    return any(
        len(prompt) >= _ECHO_LETTERS and fuzz.partial_ratio(answer, prompt) >= _ECHO_SIMILARITY
        for prompt in instructions
    )


def _too_long(text: str, crop_size: tuple[int, int]) -> bool:
    length, thickness = max(crop_size), min(crop_size)
    if len(text) * WIDE_ADVANCE * thickness <= length:
        return False
    return thickness > 0 and sum(map(_advance, text)) * thickness > length


@cache
def _advance(character: str) -> float:
    if unicode_scripts.script(character) in {"Hani", "Hira", "Kana", "Hang", "Bopo", "Yiii"}:
        return WIDE_ADVANCE
    return THIN_ADVANCE if _THIN.match(character) else LETTER_ADVANCE


def _wrong_script(text: str, language: str) -> bool:
    """At least two letters, and more than half of all, are neither of the language's script nor Latin.

    Documents in every language contain Latin, so a Latin answer for a Cyrillic line passes here; the
    comparison with the second reading finds it.
    """
    scripts = [script for script in map(script_of, filter(str.isalpha, text)) if script != "Common"]
    expected = languages.scripts(language) | {"Latin"}
    unexpected = [script for script in scripts if script not in expected]
    return len(unexpected) >= 2 and len(unexpected) > len(scripts) / 2

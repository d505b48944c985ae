"""One written rule for marks that readers disagree about although people read them alike.

Which dash stands on a page, whether `№7` has a space, whether three dots are one sign: engines guess, and
each guesses in its own way, so labels would hold the first reader's habits. The rule decides by language and
by what stands beside the mark:

- a dash with spaces on both sides is the language's dash; between letters or digits without a space, at the
  end of a broken word, and before the digits of a number it is a hyphen; a dash in any other place stays;
- three dots are the language's ellipsis; dotted leaders stay;
- `№ 7` has one space, and `°C` has the Latin letter (the Cyrillic one is the same picture).

A kind of dash can be seen on a page, the others hardly. So the usual style, `house`, writes a dash by the
rule only where readings differ in it; `house-dashes` does so everywhere, and `as-read` writes no rule at all.
Quotes and apostrophes follow no rule here: a straight quote on a receipt is no guillemet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import regex

from backend.text import languages

TextStyle: TypeAlias = Literal["house", "house-dashes", "as-read"]
"""Where the rule is written: see the module."""


@dataclass(frozen=True, slots=True)
class HouseStyle:
    """The rule of one language.

    dash: between spaces; None leaves every dash as it is.
    joins: a dash between letters without spaces is a hyphen; English joins clauses with it: `so—no`.
    ellipsis: of three dots; None leaves them.
    numero: `№` and its number have one space between them.
    degrees: a number and `°C` have one space between them.
    """

    dash: str | None = None
    joins: bool = False
    ellipsis: str | None = None
    numero: bool = False
    degrees: bool = False


# The dictionaries of PP-OCRv5's English and Latin recognisers have the em dash and lack the en dash.
_BY_LANGUAGE = {"en": HouseStyle(dash="—", ellipsis="...")}
_BY_SCRIPT = {
    "Cyrillic": HouseStyle(dash="–", joins=True, ellipsis="…", numero=True, degrees=True),
    "Greek": HouseStyle(dash="–", joins=True, ellipsis="…"),
    "Latin": HouseStyle(dash="–", joins=True, ellipsis="..."),
}
_NO_RULE = HouseStyle()

_DASHES = "-‐‑‒–—―−﹣－"
_DASH = regex.compile(rf"(?<![{_DASHES}])[{_DASHES}](?![{_DASHES}])")
_ELLIPSIS = regex.compile(r"(?<![.…])(?:\.{3}|…)(?![.…])")
_NUMERO = regex.compile(r"№ ?(\d+)")
_DEGREES = regex.compile(r"(\d+) ?° ?[CС](?![\p{L}\p{M}])")
_CELSIUS = regex.compile(r"(\d* ?)°( ?)[CС](?![\p{L}\p{M}])")
_OPENS = regex.compile(r"[\p{Ps}\p{Pi}\"'„]")
_CLOSES = regex.compile(r"[\p{Pe}\p{Pf}\"'“.,:;!?…]")

_FOLDED = str.maketrans(
    dict.fromkeys(_DASHES, "-")
    | dict.fromkeys("«»„“”‟″＂", '"')
    | dict.fromkeys("‘’‚‛ʼ′`´＇", "'")
    | {"…": "..."}
)


@dataclass(frozen=True, slots=True)
class HouseText:
    """A text by the rule, and each piece that the rule changed: as it was read, as it is written."""

    text: str
    changes: tuple[tuple[str, str], ...] = ()


def style_of(language: str) -> HouseStyle:
    """The rule of a language; one without any where nothing is agreed on, such as Chinese.

    Args:
        language: any name that `languages.language_code` knows.

    Raises:
        SettingsWrong: the language is unknown.
    """
    code = languages.language_code(language)
    return _BY_LANGUAGE.get(code) or _BY_SCRIPT.get(languages.script(code), _NO_RULE)


def folded(text: str) -> str:
    """The text with one kind of dash, quote, apostrophe and ellipsis; equal where only these differ."""
    return text.translate(_FOLDED)


def dashes_of(text: str) -> str:
    """The dashes of a line, in order."""
    return "".join(regex.findall(rf"[{_DASHES}]", text))


def by_the_rule(text: str, language: str, *, dashes: bool) -> HouseText:
    """Write a line by the rule of its language. Idempotent.

    Args:
        text: one line, NFC, plain spaces.
        language: of the page, any name that `languages.language_code` knows.
        dashes: also its dashes.

    Raises:
        SettingsWrong: the language is unknown.
    """
    style = style_of(language)
    changes: list[tuple[str, str]] = []

    def written(pattern: regex.Pattern[str], template: str, text: str) -> str:
        def replaced(match: regex.Match[str]) -> str:
            new = str(match.expand(template))
            if new != match[0]:
                changes.append((match[0], new))
            return new

        return str(pattern.sub(replaced, text))

    if style.degrees:
        text = written(_DEGREES, r"\1 °C", text)
    text = written(_CELSIUS, r"\1°\2C", text)
    if style.numero:
        text = written(_NUMERO, r"№ \1", text)
    if style.ellipsis:
        text = written(_ELLIPSIS, style.ellipsis, text)
    if style.dash and dashes:
        text = _with_dashes(text, style, changes)
    return HouseText(text, tuple(dict.fromkeys(changes)))


def _with_dashes(text: str, style: HouseStyle, changes: list[tuple[str, str]]) -> str:
    pieces, end = [], 0
    for match in _DASH.finditer(text):
        new = _dash(text[: match.start()], text[match.end() :], style) or match[0]
        if new != match[0]:
            changes.append((match[0], new))
        pieces += [text[end : match.start()], new]
        end = match.end()
    return "".join([*pieces, text[end:]])


def _dash(before: str, after: str, style: HouseStyle) -> str | None:
    """The dash that the rule wants between two pieces of a line; None where it wants none."""
    left, right = before[-1:], after[:1]
    spaced_left, spaced_right = left in {"", " "}, right in {"", " "}
    if not left and not right:
        return None
    if spaced_left and spaced_right:
        return style.dash
    if _joins(left) and _joins(right):
        return "-" if style.joins or left.isdigit() or right.isdigit() else None
    if (_joins(left) and not right) or (not left and right.isdigit()):
        # a word broken at the end of the line; a negative number
        return "-"
    if (left == " " and _OPENS.match(right)) or (right == " " and _CLOSES.match(left)):
        return style.dash
    return None


def _joins(character: str) -> bool:
    return bool(regex.match(r"[\p{L}\p{M}\p{N}]", character))

"""Takes off what a vision model wraps around the words it read; the words themselves never change.

Three steps, each including the one before it: `plain_text` (Unicode form and spaces), `visible_text`
(without invisible characters), `clean` (without wrapping). Each is idempotent. Text is kept in NFC,
never NFKC, which would change № and ½; dashes, quotes and ellipses inside the text stay as they are.
"""

from __future__ import annotations

import unicodedata

import regex

NO_TEXT_MARK = "###"
"""The answer that our prompts ask for where there is no text."""

# U+1680, the Ogham space mark, is the one space that is drawn
_SPACES = regex.compile(r"[\p{Zs}--\u1680]+", regex.V1)
_BREAKS = regex.compile(r"\r\n|[\r\n\t\v\f\x1c-\x1f\x85\u2028\u2029]")

_INVISIBLE = regex.compile(
    r"[\p{Cc}--\n]"
    r"|[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\ufff9-\ufffb]",
    regex.V1,
)
# no override: U+202D and U+202E reverse the letters, so without them the text would read differently
_MARKS = regex.compile("[\u061c\u200b\u200e\u200f\u202a-\u202c\u2060\u2066-\u2069\ufeff]")
_JOINING_SCRIPTS = (
    "Arab Syrc Mong Nkoo Deva Beng Guru Gujr Orya Taml Telu Knda Mlym Sinh Mymr Khmr Tibt Java Bali"
)
_JOINED = "".join(rf"\p{{scx={script}}}" for script in _JOINING_SCRIPTS.split())
# Joiners decide how letters of these scripts join, and hold an emoji together; elsewhere they are noise.
_NOISE_JOINER = regex.compile(
    rf"(?<![{_JOINED}])\u200c|\u200c(?![{_JOINED}])"
    rf"|(?<![{_JOINED}])(?<!\p{{Extended_Pictographic}}\ufe0f?\p{{Emoji_Modifier}}?)\u200d(?![{_JOINED}])"
    r"|(?<=\p{Extended_Pictographic}\ufe0f?\p{Emoji_Modifier}?)\u200d(?!\p{Extended_Pictographic})"
)

_PREFIX = regex.compile(
    r"""(?xi)^
    (?: (?:sure|certainly|of\ course|конечно)[,.!]?\s+ )?
    (?:
        (?:here(?:\ is|'s|’s)\s+)? (?:the\s+)?
        (?:(?:recogni[sz]ed|transcribed|extracted|visible|full|exact)\s+)?
        (?:text|transcription) (?:\s+(?:content|line))?
        (?:\s+(?:in|on|of|from|within|shown\ in)\s+(?:the|this)\s+(?:image|picture|photo|line|crop))?
        (?:\s+(?:is|reads|says|states)(?:\s+as\s+follows)?)?
      | (?:the\s+(?:image|picture|line)\s+(?:says|reads|shows|contains)(?:\s+the\s+text)?)
      | (?:вот\s+)? (?:(?:распознанный|извлеч[её]нный|весь)\s+)? текст
        (?:\s+(?:на|с|из|в)\s+(?:изображени[ияе]|картинк[еи]|строк[еи]|фото))?
      | (?:на\s+(?:изображении|картинке)\s+(?:написано|текст))
      | ocr (?:\s+(?:result|output|text))?
      | 文字[内內]容[为是為]? | 图片中的文字[内内]?容?[是为]?
    )
    \s*[:：]\s*(?=\S)"""
)
_THINK = r"(?:think|thinking|thought|thoughts|reasoning)"
_THOUGHT = regex.compile(rf"(?si)^(?:.*?</{_THINK}>|.*?◁/think▷)")
_UNFINISHED_THOUGHT = regex.compile(rf"(?i)^\s*(?:<{_THINK}>|◁think▷)")
_FENCE = regex.compile(r"(?s)^(```+|~~~+)[^\n`]*\n(.*?)\n?\s*\1$")
_TEX_TEXT = regex.compile(
    r"(?s)^\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|operatorname)\{([^{}\\]*)\}$"
)
_WRAPPERS = (
    ("```", "```"),
    ("`", "`"),
    ('"', '"'),
    ("'", "'"),
    ("“", "”"),
    ("‘", "’"),
    ("$$", "$$"),
    ("\\(", "\\)"),
    ("\\[", "\\]"),
)


def plain_text(text: str) -> str:
    """Bring a text that a person wrote into the one form that files keep.

    NFC; every run of spaces (also no-break, thin, ideographic) becomes one plain space; none at the
    ends. Tabs and line breaks stay: the caller decides about them. Idempotent.
    """
    return unicodedata.normalize("NFC", _SPACES.sub(" ", text)).strip(" ")


def without_marks(text: str) -> str:
    """Leave out the marks that keyboards and word processors put into a person's text.

    These are zero-width spaces and direction marks. They are not visible on a page, so they cannot be
    read from it.
    """
    return _MARKS.sub("", text)


def visible_text(text: str) -> str:
    """Leave out what nobody can see: control characters, zero-width marks, lone surrogates.

    Tabs and line breaks become spaces, then as `plain_text`. Joiners (U+200C, U+200D) stay beside
    letters of the scripts that use them (Persian, Hindi) and inside emoji. Idempotent.
    """
    return plain_text(_without_invisible(text).replace("\n", " "))


def without_thoughts(raw: str) -> str | None:
    """Take off the thoughts before an answer, such as `<think>…</think>`.

    Args:
        raw: the model's answer, any string.

    Returns:
        What follows the thoughts; None where they were not finished, so that no answer followed.
    """
    while thought := _THOUGHT.match(raw):
        raw = raw[thought.end() :]
    return None if _UNFINISHED_THOUGHT.match(raw) else raw


def clean(raw: str) -> str:
    r"""Take off what a vision model wraps around the words it read.

    Taken off, repeatedly, until nothing more is certain: `<think>…</think>`; a code fence or
    backticks; an introduction that ends in a colon ("The text is:", "Текст:") with something after it;
    quotes around the whole, ASCII or “curly” or ‘curly’, when the same marks do not occur inside;
    `$…$`, `$$…$$`, `\(…\)`, `\[…\]` and `\text{…}` around the whole, `$` only where it cannot be
    money. Never taken off: «guillemets», „low quotes“ and 「corners」, which belong to the text, and
    anything in the middle. The whole text `###` is the model's answer for "no text".

    Do not use it for recognisers such as PaddleOCR's or Tesseract's, which wrap nothing: a line that
    really begins with "Текст:" or is in quotes would lose them. Use `visible_text` there.

    Args:
        raw: the model's answer, any string.

    Returns:
        The words in NFC with plain spaces; empty for "no text". Idempotent.
    """
    text = _without_invisible(raw)
    while True:
        bare = _unwrapped_once(text.strip())
        # fences are recognised by their line breaks, so these become spaces only after all unwrapping
        bare = visible_text(text) if bare == text else bare
        if bare == text:
            return "" if text == NO_TEXT_MARK else text
        text = bare


def _without_invisible(text: str) -> str:
    # joins the two halves of a surrogate pair, which JSON can deliver separately; a lone half is dropped
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
    return _NOISE_JOINER.sub("", _INVISIBLE.sub("", _BREAKS.sub("\n", whole)))


def _unwrapped_once(text: str) -> str:
    if thought := _THOUGHT.match(text):
        return text[thought.end() :].strip()
    if introduction := _PREFIX.match(text):
        rest = text[introduction.end() :]
        # in 'The text is: "Счёт".' the full stop ends the model's sentence, not the line
        return rest[:-1] if regex.search(r"[\"”'’`]\.$", rest) else rest
    if fence := _FENCE.match(text):
        return fence[2]
    if tex := _TEX_TEXT.match(text):
        return tex[1]
    for opening, closing in _WRAPPERS:
        if (inside := _inside(text, opening, closing)) is not None:
            return inside.strip()
    formula = _inside(text, "$", "$")
    # "$5" to "7$" is money at both ends
    if formula and ("\\" in formula or not regex.search(r"^\s*[\d.,-]|[\d.,]\s*$", formula)):
        return formula.strip()
    return text


def _inside(text: str, opening: str, closing: str) -> str | None:
    if len(text) < len(opening) + len(closing) or not (text.startswith(opening) and text.endswith(closing)):
        return None
    inside = text[len(opening) : -len(closing)]
    return None if opening in inside or closing in inside or ("$" in inside and opening == "$$") else inside

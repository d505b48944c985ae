"""Brings a text into the one form that is kept and compared, without what nobody can see on a page.

That form is NFC, never NFKC, which would change № and ½; dashes, quotes and ellipses stay as they are.
"""

from __future__ import annotations

import unicodedata

import regex

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
    return plain_text(without_invisible(text).replace("\n", " "))


def without_invisible(text: str) -> str:
    """As `visible_text`, but keep spaces as they are, and line breaks, each as one newline."""
    # joins the two halves of a surrogate pair, which JSON can deliver separately; a lone half is dropped
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
    return _NOISE_JOINER.sub("", _INVISIBLE.sub("", _BREAKS.sub("\n", whole)))

"""PaddleOCR dictionaries: which characters a recogniser can write; pure.

A dictionary file holds one entry a line. PaddleOCR looks labels up character by character and deletes
what it does not find, without a word; so an entry of several characters (a flag emoji, a letter with
a combining mark) never matches. The space is not in the file: `use_space_char` adds it.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from backend.errors import BadRequest
from converters.paddleocr.encodings import other_encoding, save_as_utf8
from converters.paddleocr.row_faults import is_no_character


@dataclass(frozen=True)
class Dictionary:
    """What PaddleOCR reads from a dictionary file.

    entries: in the order of the file; blanks, repeats and entries of several characters included,
        because each takes a place in the model's output.
    use_space_char: the space is written too, whether or not the file has it.
    lower: labels are lower-cased first; only PaddleOCR's built-in dictionary does that.
    """

    entries: tuple[str, ...]
    use_space_char: bool = True
    lower: bool = False

    @cached_property
    def characters(self) -> frozenset[str]:
        """The single characters that a label can hold."""
        single = {entry for entry in self.entries if len(entry) == 1}
        return frozenset(single | {" "} if self.use_space_char else single)

    def kept(self, text: str) -> str:
        """What PaddleOCR trains of a text: its characters that the dictionary holds, in order."""
        return "".join(char for char in (text.lower() if self.lower else text) if char in self.characters)

    def outside(self, text: str) -> list[str]:
        """The characters of a text that PaddleOCR would delete, in order, with repeats."""
        return [char for char in (text.lower() if self.lower else text) if char not in self.characters]


BUILT_IN = Dictionary(tuple("0123456789abcdefghijklmnopqrstuvwxyz"), use_space_char=False, lower=True)
"""What PaddleOCR takes when a config names no dictionary: digits and small Latin letters."""


@dataclass(frozen=True, slots=True)
class DictionaryFlaws:
    """What is odd about a dictionary file; nothing here stops PaddleOCR.

    byte_order_mark: the first entry carries one, so its character is lost.
    blank: the numbers, from 1, of empty lines; each takes a place in the output and matches nothing.
    repeated: entries that come more than once.
    several: entries of more than one character; they match nothing.
    decomposed: entries whose NFC form is another; texts in NFC never hold them.
    """

    byte_order_mark: bool
    blank: tuple[int, ...]
    repeated: tuple[str, ...]
    several: tuple[str, ...]
    decomposed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewDictionary:
    """A dictionary made from texts.

    entries: single characters of the NFC texts, sorted by code point, without the space.
    counts: how often each entry occurs.
    combining: those entries that are combining marks: needed in Thai or Indic writing, and in Latin or
        Cyrillic a sign of stress marks that were better left out.
    left_out: white space other than the space, control and invisible characters, with counts; a text
        that holds them wants correcting, not a dictionary.
    """

    entries: tuple[str, ...]
    counts: Counter[str]
    combining: tuple[str, ...]
    left_out: Counter[str]


def parse_dictionary(content: bytes, *, use_space_char: bool = True) -> Dictionary:
    """Read a dictionary file the way PaddleOCR does.

    Args:
        content: the file's bytes.
        use_space_char: as the training config has it.

    Raises:
        BadRequest: the file is not UTF-8; PaddleOCR would stop at its first use. Or it has its characters on
            one line, or beside their numbers; PaddleOCR would find hardly any of them.
    """
    found = other_encoding(content)
    lines = content.split(b"\n")
    if not lines[-1]:
        lines.pop()
    try:
        # strip as PaddleOCR does: carriage returns at either end, and no blanks
        entries = tuple(line.decode("utf-8").strip("\r\n") for line in lines)
    except UnicodeDecodeError as error:
        raise BadRequest(
            f"The dictionary is not UTF-8 (byte {error.object[error.start]:#04x}); it looks like {found}. "
            f"PaddleOCR stops when it reads it. To use it, {save_as_utf8(found or '')}.",
            byte=error.object[error.start],
        ) from error
    odd = _another_form(entries)
    if odd:
        raise BadRequest(
            f"The dictionary {odd}, and PaddleOCR takes each line for one entry, so hardly any character "
            "would be in it. Write one character on each line, and nothing else."
        )
    return Dictionary(entries, use_space_char)


_NUMBERED = re.compile(r"\d+[\s:,;=]+\S{1,2}|\S{1,2}[\s:,;=]+\d+")


def _another_form(entries: Sequence[str]) -> str | None:
    """What a dictionary's file has instead of one character a line; None where it has that."""
    filled = [entry for entry in entries if entry.strip()]
    if len(filled) == 1 and len(filled[0].strip("\ufeff")) > 2:
        return "has all its characters on one line"
    numbered = sum(bool(_NUMBERED.fullmatch(entry.strip())) for entry in filled)
    return "has a number beside each character" if filled and numbered * 2 > len(filled) else None


def flaws(dictionary: Dictionary) -> DictionaryFlaws:
    """What is odd about a dictionary: each costs a character or a place in the model's output."""
    entries = dictionary.entries
    counts = Counter(entry for entry in entries if entry)
    return DictionaryFlaws(
        byte_order_mark=bool(entries) and entries[0].startswith("\ufeff"),
        blank=tuple(number for number, entry in enumerate(entries, start=1) if not entry),
        repeated=tuple(entry for entry, count in counts.items() if count > 1),
        several=tuple(entry for entry in counts if len(entry) > 1),
        decomposed=tuple(entry for entry in counts if unicodedata.normalize("NFC", entry) != entry),
    )


def dictionary_of(texts: Iterable[str]) -> NewDictionary:
    """Make a dictionary that can write every text; the same texts give the same entries in any order."""
    seen: Counter[str] = Counter()
    for text in texts:
        seen.update(unicodedata.normalize("NFC", text))
    del seen[" "]
    counts = Counter({char: count for char, count in seen.items() if belongs_in_dictionary(char)})
    left_out = Counter({char: count for char, count in seen.items() if char not in counts})
    entries = tuple(sorted(counts))
    combining = tuple(char for char in entries if unicodedata.category(char).startswith("M"))
    return NewDictionary(entries, counts, combining, left_out)


def belongs_in_dictionary(char: str) -> bool:
    """Whether a character is something that a person sees on a page, or a joiner that shapes letters.

    One that Python's tables do not know yet is a letter of a newer Unicode.
    """
    if is_no_character(char):
        return False
    category = unicodedata.category(char)
    return char in "\u200c\u200d" or not category.startswith(("C", "Z")) or category in ("Co", "Cn")


def extended(dictionary: Dictionary, new: Iterable[str]) -> Dictionary:
    """The dictionary with more entries at its end, sorted, so that the old ones keep their numbers.

    Args:
        dictionary: the one to grow.
        new: characters; those that it has, and those that do not belong in a dictionary, are passed over.
    """
    wanted = {char for char in new if char not in dictionary.characters and belongs_in_dictionary(char)}
    entries = (*dictionary.entries, *sorted(wanted))
    return Dictionary(entries, dictionary.use_space_char, dictionary.lower)


def dictionary_file(entries: Iterable[str]) -> str:
    """A dictionary file's content: one entry a line."""
    return "".join(f"{entry}\n" for entry in entries)


def character_name(char: str) -> str:
    """A character in words, for a person who cannot see it: `U+00A0 NO-BREAK SPACE`."""
    unnamed = "control character" if unicodedata.category(char) == "Cc" else "without a name"
    return f"U+{ord(char):04X} {unicodedata.name(char, unnamed)}"

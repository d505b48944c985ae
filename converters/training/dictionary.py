"""The dictionary of a training run: the base model's, and at its end what the lines have besides; pure.

A model's output has one place for each entry, in the order of the dictionary. So entries of the base model
keep their numbers, and new ones come after them: what the base has learned stays where it was. The space is
never in the file: PaddleOCR adds it by itself (`use_space_char`), always last. A longer dictionary therefore
moves the space, and weights are carried over by character, not by number.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from backend.errors import BadRequest
from converters.paddleocr.dictionaries import (
    Dictionary,
    belongs_in_dictionary,
    character_name,
    dictionary_file,
    extended,
)


@dataclass(frozen=True, slots=True)
class ExtendedDictionary:
    """The dictionary that a run trains with.

    characters: the entries in the order of the file, the base model's first, without the space.
    appended: the entries that the base model lacked, sorted; the last ones of `characters`.
    counts: how often each appended character occurs in the lines.
    """

    characters: tuple[str, ...]
    appended: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def content(self) -> str:
        """The dictionary file, as PaddleOCR reads it."""
        return dictionary_file(self.characters)

    @property
    def as_trained(self) -> Dictionary:
        """The dictionary with the space that PaddleOCR adds."""
        return Dictionary(self.characters)


def compose_dictionary(base: Sequence[str], texts: Iterable[str]) -> ExtendedDictionary:
    """Extend a base model's dictionary by the characters that the lines have besides.

    Args:
        base: the entries of the base model in their order, with or without the space at the end that
            PaddleOCR adds; odd entries stay, because each takes a place in the model's output.
        texts: what the lines say, for training and for evaluation: PaddleOCR deletes a character that the
            dictionary lacks from a label, and evaluation would then praise a model that never writes it.

    Raises:
        BadRequest: a text has a control or invisible character, which no model should learn to write.
    """
    entries = tuple(base[:-1] if base and base[-1] == " " else base)
    known = Dictionary(entries)
    counts: Counter[str] = Counter()
    for number, text in enumerate(texts, start=1):
        for char in unicodedata.normalize("NFC", text):
            if char in known.characters:
                continue
            if not belongs_in_dictionary(char):
                raise BadRequest(
                    f"Line {number} to train on, {text!r}, has {character_name(char)}, which nobody sees on "
                    "a page; a model would learn to write it. Correct the text in Label Studio and export "
                    "again.",
                    line=number,
                    character=char,
                )
            counts[char] += 1
    grown = extended(known, counts)
    return ExtendedDictionary(grown.entries, grown.entries[len(entries) :], dict(sorted(counts.items())))

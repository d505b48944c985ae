"""How many errors a text has against the approved one: the counts behind CER and WER; pure.

Both texts are in plain form (`cleaning.plain_text`: NFC, every space plain, none at the ends). Case and
punctuation count. An edit is Levenshtein's: one put in, left out, or replaced.
"""

from __future__ import annotations

from rapidfuzz.distance import Levenshtein


def character_edits(text: str, approved: str) -> int:
    """Edits from one text to the other, in characters (code points)."""
    return Levenshtein.distance(text, approved)


def word_edits(text: str, approved: str) -> int:
    """Edits from one text to the other, in words; a word is what spaces part."""
    return Levenshtein.distance(text.split(), approved.split())

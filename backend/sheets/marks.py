"""Marks what differs between two readings of a line, for people who compare both with the picture; pure.

The letters stay where they are: nothing is put between them, because a sign for "here one is missing" would
part the joined letters of Arabic. What lies beside the gap is marked instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import Literal, TypeAlias

import regex
from rapidfuzz.distance import Levenshtein

from backend.text.cleaning import visible_text
from backend.text.differences import MIN_SIMILARITY
from backend.text.look_alikes import print_alike

MarkKind: TypeAlias = Literal["same", "differs", "beside"]
"""In both readings; only so in this one; or in both, beside a place where this one lacks something."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A piece of a reading, of one or more characters as a person sees them."""

    text: str
    kind: MarkKind


def marked(first: str, second: str) -> tuple[tuple[Mark, ...], tuple[Mark, ...]]:
    """Both readings in pieces, each with what it is beside the other reading.

    Args:
        first: a reading's text.
        second: another reading's text.

    Returns:
        The pieces of each, which joined are its visible text; neighbours are of different kinds. A letter
        with its marks is never parted. Readings with little in common differ as wholes: a scatter of marks
        would help nobody. Beside an empty text nothing is marked.
    """
    one, two = visible_text(first), visible_text(second)
    if not one or not two:
        return _pieces([one], ["same"]), _pieces([two], ["same"])
    if unlike(one, two):
        return _pieces([one], ["differs"]), _pieces([two], ["differs"])
    letters, others = regex.findall(r"\X", one), regex.findall(r"\X", two)
    kinds: tuple[list[MarkKind], list[MarkKind]] = (["same"] * len(letters), ["same"] * len(others))
    for change in Levenshtein.opcodes(letters, others):
        if change.tag != "equal":
            _note(kinds[0], change.src_start, change.src_end)
            _note(kinds[1], change.dest_start, change.dest_end)
    return _pieces(letters, kinds[0]), _pieces(others, kinds[1])


def unlike(first: str, second: str) -> bool:
    """Whether two readings have so little in common that they are only shown as wholes."""
    return Levenshtein.normalized_similarity(first, second) < MIN_SIMILARITY and not print_alike(
        first, second
    )


def as_html(marks: Sequence[Mark]) -> str:
    """A reading as HTML: escaped, and `<mark>` around what differs."""
    return "".join(
        escape(mark.text) if mark.kind == "same" else f'<mark class="{mark.kind}">{escape(mark.text)}</mark>'
        for mark in marks
    )


def _note(kinds: list[MarkKind], start: int, end: int) -> None:
    kinds[start:end] = ["differs"] * (end - start)
    if start == end:
        for place in (start - 1, start):
            if 0 <= place < len(kinds) and kinds[place] == "same":
                kinds[place] = "beside"


def _pieces(letters: Sequence[str], kinds: Sequence[MarkKind]) -> tuple[Mark, ...]:
    runs = groupby(zip(letters, kinds, strict=True), key=lambda each: each[1])
    pieces = (Mark("".join(letter for letter, _ in run), kind) for kind, run in runs)
    return tuple(piece for piece in pieces if piece.text)

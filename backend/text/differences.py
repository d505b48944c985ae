"""Lists the pieces in which two readings differ, the most important first, so that people see them."""

from __future__ import annotations

from itertools import groupby

import regex
from rapidfuzz.distance import Levenshtein

from backend.page.lines import Reason, ReasonKind
from backend.text.cleaning import visible_text
from backend.text.look_alikes import print_alike

MIN_SIMILARITY = 0.5
"""Below this similarity (0 to 1) both readings are given whole: a list of scattered letters helps nobody."""

_MOST_TELLING_FIRST = (
    ReasonKind.LOOK_ALIKE,
    ReasonKind.DIFFERENT,
    ReasonKind.SPACING,
    ReasonKind.CASE,
    ReasonKind.PUNCTUATION,
)
_Piece = tuple[ReasonKind, str, str]


def differences(first: str, second: str) -> tuple[Reason, ...]:
    """Name each piece in which two readings differ.

    A piece is one or more characters as a person sees them (a letter with its marks is one character).
    Neighbouring pieces of one kind are joined, and an equal piece is named once. A piece that only one
    reading has is compared with the empty text. Readings with little in common give one reason with
    both whole texts.

    Args:
        first: a reading's text; the pieces of it become `Reason.first`.
        second: another reading's text; the pieces of it become `Reason.second`.

    Returns:
        LOOK_ALIKE, DIFFERENT, SPACING, CASE, PUNCTUATION, in this order, each in the order of the line;
        empty when both say the same.
    """
    one, two = visible_text(first), visible_text(second)
    if one == two:
        return ()
    if Levenshtein.normalized_similarity(one, two) < MIN_SIMILARITY and not print_alike(one, two):
        return (Reason(_kind(one, two), one, two),)
    found = dict.fromkeys(Reason(*piece) for piece in _pieces(one, two))
    return tuple(sorted(found, key=lambda reason: _MOST_TELLING_FIRST.index(reason.kind)))


def _pieces(first: str, second: str) -> list[_Piece]:
    one, two = regex.findall(r"\X", first), regex.findall(r"\X", second)
    pieces: list[_Piece] = []
    for opcode in Levenshtein.opcodes(one, two):
        if opcode.tag == "equal":
            pieces.append((ReasonKind.DIFFERENT, "", ""))  # keeps neighbours apart
            continue
        left, right = one[opcode.src_start : opcode.src_end], two[opcode.dest_start : opcode.dest_end]
        pairs = zip(left, right, strict=True) if left and right else [("".join(left), "".join(right))]
        for kind, same in groupby(((_kind(*pair), *pair) for pair in pairs), key=lambda piece: piece[0]):
            run = list(same)
            _append(pieces, (kind, "".join(piece[1] for piece in run), "".join(piece[2] for piece in run)))
    return [piece for piece in pieces if piece[1] or piece[2]]


def _append(pieces: list[_Piece], piece: _Piece) -> None:
    """Join a piece to the one beside it where both are plain differences: `rn / m`, not `r`, `n / m`."""
    kind, first, second = piece
    if pieces and pieces[-1][0] is kind is ReasonKind.DIFFERENT and any(pieces[-1][1:]):
        _, before, other = pieces.pop()
        piece = (_kind(before + first, other + second), before + first, other + second)
    pieces.append(piece)


def _kind(first: str, second: str) -> ReasonKind:
    if not (first + second).strip() or first.replace(" ", "") == second.replace(" ", ""):
        return ReasonKind.SPACING
    if print_alike(first, second):
        return ReasonKind.LOOK_ALIKE
    if first.casefold() == second.casefold():
        return ReasonKind.CASE
    if regex.fullmatch(r"[\p{P}\p{S}\s]*", first + second):
        return ReasonKind.PUNCTUATION
    return ReasonKind.DIFFERENT

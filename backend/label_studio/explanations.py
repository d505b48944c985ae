"""Writes the explanation of a line for the annotator: what each reader read, and what differs.

Letters that look the same are named by script ("Latin A / Cyrillic А"), because nobody can see the
difference; invisible and unusual characters by code point. Label Studio shows the explanation in its region
panel, so it is plain lines without control characters. A quoted text that runs from right to left is put
between Unicode's isolates, so that it keeps its own order inside a line that runs the other way.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby

import regex

from backend.label_studio.explanation_words import WORDS, Words
from backend.label_studio.message_language import MessageLanguage
from backend.page.lines import PAGE_NOTES, Judgement, Reading, Reason, ReasonKind, Verdict
from backend.text.cleaning import visible_text
from backend.text.differences import differences
from backend.text.look_alikes import print_alike, script_of

MAX_PIECE_LENGTH = 40
"""Characters of a piece; a longer one is cut."""
MAX_READING_LENGTH = 300
"""Characters of a reading or an error; a longer one is cut. No line of text is as long."""
ISOLATE, ISOLATE_END = "\u2068", "\u2069"
"""Unicode's first strong isolate and its end: the text between them has its own direction."""
MAX_PIECES = 8
"""Reasons that are named; the others are only counted."""

_COMPARISONS = {
    ReasonKind.LOOK_ALIKE,
    ReasonKind.DIFFERENT,
    ReasonKind.SPACING,
    ReasonKind.CASE,
    ReasonKind.PUNCTUATION,
}
_OF_A_READER = {
    ReasonKind.DISSENT,
    ReasonKind.TOO_LONG,
    ReasonKind.TOO_SHORT,
    ReasonKind.LOOK_ALIKE_ADDRESS,
    ReasonKind.LETTER_AMONG_DIGITS,
    ReasonKind.BROKEN_NUMBER,
    ReasonKind.EDGE_MARK,
    ReasonKind.REPEATS,
    ReasonKind.ECHO,
    ReasonKind.REFUSAL,
    ReasonKind.MARKUP,
    ReasonKind.WRONG_SCRIPT,
}


def explain(judgement: Judgement, readings: Sequence[Reading], language: MessageLanguage) -> str:
    """Explain to an annotator what was read, and why the line is doubtful.

    Args:
        judgement: the judgement on the readings.
        readings: the same readings, in the same order; they are called A, B, C, ...
        language: of the explanation, not of the page.

    Returns:
        One line for each reading ("A: ..."), then up to three lines: what differs, why the line is
        doubtful or what was corrected, and the notes of the page. The only invisible characters are line
        breaks and the isolates around text that runs from right to left. Never empty for a line that is
        not agreed.
    """
    words = WORDS[language]
    lines = [
        f"{_reader_letter(index)}: {_reading_text(reading, words)}" for index, reading in enumerate(readings)
    ]
    compared = [_compared(reason, words) for reason in judgement.reasons if reason.kind in _COMPARISONS]
    # the error of a reader already stands beside its letter
    others = [
        _explained(reason, readings, words)
        for reason in judgement.reasons
        if reason.kind not in _COMPARISONS | PAGE_NOTES
        and not (reason.kind is ReasonKind.READER_FAILED and readings)
    ]
    heading = words.note if judgement.verdict is Verdict.AGREED else words.why
    notes = page_notes(judgement.reasons, language)
    for title, parts in ((words.differs, compared), (heading, others), (words.page, notes)):
        if parts:
            lines.append(f"{title}: {_joined(parts, words)}")
    return "\n".join(lines)


def page_notes(reasons: Sequence[Reason], language: MessageLanguage) -> list[str]:
    """The notes of a page in words, without a full stop; other reasons are passed over."""
    words = WORDS[language]
    return [_explained(reason, (), words) for reason in reasons if reason.kind in PAGE_NOTES]


def difference_in_words(first: str, second: str, language: MessageLanguage) -> str:
    """What differs between two readings, as an explanation names it; empty where both say the same."""
    words = WORDS[language]
    return _joined([_compared(reason, words) for reason in differences(first, second)], words)


def doubts_in(explanation: str) -> list[str]:
    """What an explanation says beside the readings and what differs between them, in whatever language.

    Args:
        explanation: as `explain` wrote it; a text that a person wrote gives nothing.

    Returns:
        Why the line is doubtful, the page's notes, and a reader's failure, each as one sentence; without the
        letters of the readers, because where they are not shown nobody knows who is meant.
    """
    found = (_DOUBT.fullmatch(line) for line in explanation.split("\n"))
    said = (match["failed"] or match["doubts"] for match in found if match)
    return list(dict.fromkeys(_OF_READERS.sub("", text) for text in said))


_BEGINNINGS = "|".join(part for words in WORDS.values() for part in (words.why, words.page))
_FAILURES = "|".join(words.failed.strip("()").format(a=".*") for words in WORDS.values())
_DOUBT = regex.compile(rf"(?:{_BEGINNINGS}): (?P<doubts>.*)|[A-Z]: \((?P<failed>{_FAILURES})\)")
_OF_READERS = regex.compile(r"(?:^|(?<=; ))[A-Z](?:, [A-Z])*: ")


def _joined(parts: list[str], words: Words) -> str:
    pieces = list(dict.fromkeys(parts))
    if len(pieces) > MAX_PIECES:
        pieces[MAX_PIECES:] = [words.more.format(a=len(pieces) - MAX_PIECES)]
    return "; ".join(pieces)


def _reader_letter(index: int) -> str:
    return chr(ord("A") + index) if index < 26 else f"#{index + 1}"


def _reading_text(reading: Reading, words: Words) -> str:
    if reading.failed:
        return words.failed.format(a=_displayable(reading.error or "", MAX_READING_LENGTH))
    return _displayable(reading.text, MAX_READING_LENGTH) or words.nothing


def _explained(reason: Reason, readings: Sequence[Reading], words: Words) -> str:
    wording = words.kinds[reason.kind]
    first, second = _displayable(reason.first), _displayable(reason.second, MAX_READING_LENGTH)
    if reason.kind is ReasonKind.NO_READER:
        return wording.format(a=first, b=second or words.by_hand)
    if reason.kind is ReasonKind.MIXED_SCRIPT:
        spelled = _by_script(reason.first, words)
        return words.unified.format(a=second, b=spelled) if second else wording.format(a=first, b=spelled)
    if reason.kind is ReasonKind.HOUSE_STYLE:
        was, now = _mark(reason.first, reason.second, words), _mark(reason.second, reason.first, words)
        return wording.format(a=was, b=now)
    sentence = wording.format(a=first, b=second)
    if reason.kind in _OF_A_READER:
        who = [
            _reader_letter(index) for index, reading in enumerate(readings) if reading.reader == reason.second
        ]
        return f"{', '.join(who)}: {sentence}" if who and len(readings) > 1 else sentence
    return sentence


def _compared(reason: Reason, words: Words) -> str:
    first, second = reason.first, reason.second
    if reason.kind is ReasonKind.SPACING and not (first and second):
        return words.missing_space
    if not first or not second:
        return words.missing.format(a=_quoted(first or second))
    if reason.kind is ReasonKind.LOOK_ALIKE:
        one, two = _look_alike_name(first, second, words), _look_alike_name(second, first, words)
    else:
        one, two = _quoted(first, other=second), _quoted(second, other=first)
    return words.kinds[reason.kind].format(a=one, b=two)


def _mark(piece: str, other: str, words: Words) -> str:
    """A mark as a person can tell it from the other one: a dash by code point, a letter by script."""
    letters, others = ("".join(regex.findall(r"\p{L}", text)) for text in (piece, other))
    if print_alike(letters, others):
        return f"{_displayable(piece)} ({_look_alike_name(letters, others, words)})"
    return _quoted(piece, other=other)


def _look_alike_name(piece: str, other: str, words: Words) -> str:
    """Name a look-alike, because its shape does not show it: "Latin AB", "digit 0", "capital letter I"."""
    kinds = {_kind(character) for character in piece}
    others = {_kind(character) for character in other}
    name = kinds.pop() if len(kinds) == 1 else "mixed"
    if {name} == others:
        # l and I of one script
        name = "small" if piece.islower() else "capital" if piece.isupper() else name
    elif others & {"digit", "sign"} and name not in {"digit", "sign", "mixed"}:
        # beside a digit it matters only that it is a letter, not of which script
        name = "letter"
    return f"{_character_name(name, piece, words)} {_quoted(piece)}"


def _kind(character: str) -> str:
    if character.isdecimal():
        return "digit"
    return script_of(character) if character.isalpha() else "sign"


def _character_name(name: str, piece: str, words: Words) -> str:
    one, several = words.names.get(name, (name.replace("_", " "),) * 2)
    return one if len(piece) == 1 else several


def _by_script(word: str, words: Words) -> str:
    """Spell a word by script: "Latin C, Cyrillic тол"."""
    runs = groupby(regex.findall(r"\X", word), key=lambda letter: script_of(letter[0]))
    pieces = [(script, "".join(run)) for script, run in runs]
    return ", ".join(f"{_character_name(script, run, words)} {_displayable(run)}" for script, run in pieces)


def _quoted(piece: str, other: str = "") -> str:
    """A piece as a person can see it, with its code point where it looks like the other piece."""
    if regex.fullmatch(r"\p{M}+", piece):
        return f"\u25cc{_displayable(piece)} ({_code_points(piece)})"
    alike = all(regex.fullmatch(r"\p{Pd}|−|\p{Pi}|\p{Pf}|['\"`´]|\p{Arab}", each) for each in (piece, other))
    text = _displayable(piece) or _code_points(piece)
    return f"{text} ({_code_points(piece)})" if alike else text


@lru_cache(maxsize=256)
def _displayable(text: str, max_length: int = MAX_PIECE_LENGTH) -> str:
    """A text with visible characters only, cut to a length.

    A character without a shape becomes its code point. A text with letters that run from right to left
    is put between isolates. Kept for a while: what is said of a page is said with each of its lines.
    """
    visible = "".join(
        f"<{_code_points(character)}>" if _shapeless(character) else character
        for character in visible_text(text)
    )
    graphemes = regex.findall(r"\X", visible)
    cut = visible if len(graphemes) <= max_length else "".join(graphemes[: max_length - 1]) + "…"
    leftwards = any(unicodedata.bidirectional(character) in {"R", "AL", "AN"} for character in cut)
    return f"{ISOLATE}{cut}{ISOLATE_END}" if leftwards else cut


def _shapeless(character: str) -> bool:
    return unicodedata.category(character) in {"Cf", "Cn", "Co"} and character not in "\u200c\u200d"


def _code_points(text: str) -> str:
    return " ".join(f"U+{ord(character):04X}" for character in text[:4])

"""What people said of audit lines, beside the text that the readers agree on; pure.

An audit line shows no text. What a person typed is equal to the agreed text where two readings would be: by
the same keys, so that a kind of dash that nobody can see on a page is no error.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from backend.page.lines import Reading
from backend.sheets.agreed_lines import AgreedLine
from backend.sheets.decisions import Decision, LineVerdict
from backend.sheets.doubtful_lines import is_same_line
from backend.text.candidates import candidates_of
from backend.text.house_style import TextStyle


@dataclass(frozen=True, slots=True)
class Audited:
    """An audit line that people answered.

    line: as it is now.
    counted: the first answer, which counts.
    other: the first one of another person, who saw the line on a second sheet or answered the same one; None
        where there is none.
    is_right: the counted answer says what the readers agree on.
    is_repeated_alike: the other answer says what the counted one says; None where there is none.
    """

    line: AgreedLine
    counted: Decision
    other: Decision | None
    is_right: bool
    is_repeated_alike: bool | None


def audited(line: AgreedLine, answers: Iterable[Decision], language: str, style: TextStyle) -> Audited | None:
    """What people said of a line.

    Args:
        line: an agreed one.
        answers: about the line of this key, on any sheets; those about another place, another version or
            with readings are passed over.
        language: a code, of its page.
        style: which marks are written by the house rule.

    Returns:
        None where nobody has answered.
    """
    given = answers_of(line, answers)
    own = [each for each in given if each.line.model_version == line.line.model_version]
    if not own:
        return None
    counted, *later = own
    known = [each for each in later if each.user and counted.user and each.user != counted.user]
    other = next(iter(known), None)
    return Audited(
        line=line,
        counted=counted,
        other=other,
        is_right=is_same_text(line.text, counted.text, language, style),
        is_repeated_alike=None if other is None else _is_same_answer(counted, other, language, style),
    )


def answers_of(line: AgreedLine, answers: Iterable[Decision]) -> list[Decision]:
    """The blind answers that hold for a line: given for its own version first, the first one before others.

    Args:
        line: an agreed one.
        answers: about the line of this key, whatever the version that it was asked for.
    """
    # by the number of the annotation: who mends an answer of theirs later is no later answer
    return sorted(
        (each for each in answers if each.line.audit and is_same_line(each.line, line.line)),
        key=lambda each: (each.line.model_version != line.line.model_version, each.annotation),
    )


def is_same_text(agreed: str, typed: str, language: str, style: TextStyle) -> bool:
    """Whether two texts of a line count as the same reading.

    Args:
        agreed: what the readers agree on.
        typed: what a person typed; empty for what is illegible or no text, which is no reading.
        language: a code, of the page.
        style: which marks are written by the house rule.
    """
    readings = [Reading("readers", agreed), Reading("person", typed)]
    family = {reading.reader: reading.reader for reading in readings}
    # no guard is asked: what a person typed without seeing a text is no echo of one
    keys = [each.key for each in candidates_of(readings, family, language, style, lambda text: ())]
    return len(keys) == len(readings) and len(set(keys)) == 1


def _is_same_answer(first: Decision, second: Decision, language: str, style: TextStyle) -> bool:
    if first.verdict is not second.verdict:
        return False
    return first.verdict is not LineVerdict.TYPED or is_same_text(first.text, second.text, language, style)

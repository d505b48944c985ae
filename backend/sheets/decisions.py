"""What people decided on sheets, read from the annotations of a sheet; pure.

An annotation of a sheet holds one answer for each line, by the line's place on it:

    [{"from_name": "verdict_0", "type": "choices", "value": {"choices": ["A"]}},
     {"from_name": "verdict_2", "type": "choices", "value": {"choices": ["typed"]}},
     {"from_name": "typed_2", "type": "textarea", "value": {"text": ["Настройки проекта"]}}]

Counted is what somebody submitted and did not skip; of several annotations of one person the newest. What
cannot be read as an answer decides nothing: `problems` says so, with the line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from backend.errors import shortened
from backend.label_studio.annotations import (
    Json,
    changed_at,
    latest,
    submitted_annotations,
    user_of,
)
from backend.label_studio.line_results import storable
from backend.label_studio.result_fields import name_in, value_of
from backend.sheets.sheet_tasks import KEY, SheetLine, is_sheet, sheet_lines
from backend.text.cleaning import plain_text, visible_text, without_marks

VERDICT, TYPED_TEXT = "verdict_", "typed_"
"""How the names of the two controls of a line begin; its place on the sheet follows."""


class LineVerdict(Enum):
    """What a person said about a line; the values are as Label Studio stores them."""

    FIRST = "A"
    """The first reading is right."""
    SECOND = "B"
    """The second one is."""
    ILLEGIBLE = "illegible"
    NOT_TEXT = "not_text"
    TYPED = "typed"
    """Neither is; the person typed the text."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One person's answer about one line.

    line: as it stood on the sheet.
    verdict: TYPED only where the text is neither of the readings: a typed text that is the second one is a
        decision for the second. "Neither" with the first one's own text is a contradiction: it is no answer.
    text: the line's text, in the form that the export writes; empty for an illegible line and for what is
        no text.
    user: the id of who decided; empty where the annotation does not say.
    sheet, annotation: where it was decided, ids of Label Studio.
    at: when the annotation was changed last.
    seconds: the annotation's time by Label Studio's editor, shared among its decided lines; None where none
        was measured.
    """

    line: SheetLine
    verdict: LineVerdict
    text: str
    user: str
    sheet: int
    annotation: int
    at: datetime
    seconds: float | None


class Accord(Enum):
    """How the answers of several people about one line stand to each other."""

    AGREED = "agreed"
    """As many people as were asked for answered, and all the same."""
    WAITING = "waiting"
    """The answers are the same, and more people are asked for; or there is none."""
    DISAGREEING = "disagreeing"
    """Two people answered differently."""


def decisions(sheet: Json) -> list[Decision]:
    """Every answer that was given on a sheet: by its lines, and for each line in the order of time.

    Args:
        sheet: a task of the line project, as Label Studio's API gives it, with its annotations.

    Returns:
        Of each person the newest annotation's answers; of an annotation that does not say whose it is, its
        own. Empty for a task that is no sheet.
    """
    lines = sheet_lines(sheet)
    found: list[Decision] = []
    for annotation in _newest_of_each(sheet):
        answers = {line.place: _answer(line, annotation["result"]) for line in lines}
        decided = sum(answer is not None for answer in answers.values())
        for line in lines:
            if (answer := answers[line.place]) is not None:
                seconds = _seconds(annotation)
                found.append(
                    Decision(
                        line=line,
                        verdict=answer[0],
                        text=answer[1],
                        user=user_of(annotation),
                        sheet=int(sheet["id"]),
                        annotation=int(annotation["id"]),
                        at=changed_at(annotation),
                        seconds=None if seconds is None else seconds / decided,
                    )
                )
    return sorted(found, key=lambda each: (each.line.place, each.at, each.annotation))


def accord(answers: Sequence[Decision], people: int) -> Accord:
    """How answers about one line stand to each other.

    Args:
        answers: about one line; of each person one.
        people: how many people were asked for, from 1.
    """
    if len({(each.verdict, each.text) for each in answers}) > 1:
        return Accord.DISAGREEING
    return Accord.AGREED if len(answers) >= max(people, 1) else Accord.WAITING


def problems(sheet: Json) -> list[str]:
    """What on a sheet cannot be read, or is no answer; a part of a sentence for each.

    Args:
        sheet: a task of the line project, as Label Studio's API gives it, with its annotations.
    """
    if not is_sheet(sheet):
        return [f"its data is no sheet as twinread makes them ({KEY} is missing or another)"]
    entries, lines = sheet["data"]["lines"], sheet_lines(sheet)
    broken = sorted(set(range(len(entries))) - {line.place for line in lines})
    found = [f"line {place + 1} cannot be read" for place in broken]
    for annotation in _newest_of_each(sheet):
        for line in lines:
            given = _given(annotation["result"], f"{VERDICT}{line.place}", "choices")
            if given and _answer(line, annotation["result"]) is None:
                said = shortened(visible_text(", ".join(map(str, given))))
                said = "typed, and no other text" if said == LineVerdict.TYPED.value else said
                found.append(f"the answer to line {line.place + 1} decides nothing ({said})")
    return found


def _newest_of_each(sheet: Json) -> list[Json]:
    """The annotations that count, of each person the newest; those of nobody count each."""
    people: dict[str, list[Json]] = {}
    for annotation in submitted_annotations(sheet):
        if type(annotation.get("id")) is int:
            people.setdefault(user_of(annotation) or f"annotation {annotation['id']}", []).append(annotation)
    newest = (latest(own) for own in people.values())
    return [annotation for annotation in newest if annotation is not None]


def _answer(line: SheetLine, result: Iterable[object]) -> tuple[LineVerdict, str] | None:
    """What an annotation says of a line; None where it decides nothing."""
    results = list(result)
    given = _given(results, f"{VERDICT}{line.place}", "choices")
    if len(given) != 1 or not isinstance(given[0], str) or given[0] not in _VERDICTS:
        return None
    verdict = _VERDICTS[given[0]]
    if verdict in (LineVerdict.ILLEGIBLE, LineVerdict.NOT_TEXT):
        return verdict, ""
    if verdict is LineVerdict.TYPED:
        typed = _given(results, f"{TYPED_TEXT}{line.place}", "text")
        text = _plain(typed[0]) if len(typed) == 1 and isinstance(typed[0], str) else ""
        if text == _plain(line.a):
            # the field comes filled with the first reading, and a refused Submit stores it: nobody typed that
            return None
        if text == _plain(line.b):
            verdict, text = LineVerdict.SECOND, line.b
    else:
        text = line.a if verdict is LineVerdict.FIRST else line.b
    return (verdict, text) if text.strip() else None


def _given(result: Iterable[object], control: str, field: str) -> list[object]:
    """What stands in a field of a control's results; a string counts as a list of one."""
    found: list[object] = []
    for item in result:
        if isinstance(item, Mapping) and name_in(item, "from_name") == control:
            value = value_of(item).get(field)
            found += value if isinstance(value, list) else [] if value is None else [value]
    return found


def _plain(text: str) -> str:
    """A text as the export would write it, so that two people who typed the same are of one mind."""
    return plain_text(without_marks(storable(text)))


def _seconds(annotation: Json) -> float | None:
    spent = annotation.get("lead_time")
    if isinstance(spent, bool) or not isinstance(spent, (int, float)) or not 0 < spent < float("inf"):
        return None
    return float(spent)


_VERDICTS: Mapping[str, LineVerdict] = {verdict.value: verdict for verdict in LineVerdict}

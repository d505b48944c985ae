"""The work that people did on sheets: lines decided, by whom, how fast, how far they agree; pure.

A line that was asked anew on a later sheet counts as it stands there: its older answers were given about
other readings. Answers, people and time count all work that was done, those included.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median

from backend.label_studio.annotations import Json, submitted_annotations
from backend.sheets.decisions import Accord, Decision, LineVerdict, accord, decisions, problems
from backend.sheets.line_agreement import LineAgreement, line_agreement
from backend.sheets.sheet_tasks import LineKey, is_sheet, sheet_lines


@dataclass(slots=True)
class PersonOnSheets:
    """What one person decided on sheets.

    lines: answers that they gave.
    seconds: of work on the lines in `timed`, by Label Studio's editor.
    paces: seconds per line of each of their sheets.
    """

    sheets: int = 0
    lines: int = 0
    timed: int = 0
    seconds: float = 0.0
    paces: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SheetWork:
    """The state of a project's doubtful lines on sheets, and the work done on them.

    sheets: that were made; those of an audit are counted apart, and so is the work on them.
    submitted: sheets that somebody submitted, skipped ones not among them.
    lines: how many lines on sheets stand how: agreed on by as many people as were asked for, waiting for
        answers, or answered differently.
    verdicts: what was said of the lines that are agreed on.
    decided_of_task: how many of these each task of the page project has.
    people: by user id; empty where an annotation does not say.
    agreement: between people who decided the same lines.
    problems: what cannot be read on sheets that somebody changed by hand, with the sheet's id.
    audit_lines: lines on sheets that are typed blind for an audit; one that stands on two counts once.
    audit_answered: those of them that somebody answered; `backend.sheets.audits` says what that shows.
    """

    sheets: int
    submitted: int
    lines: Counter[Accord]
    verdicts: Counter[LineVerdict]
    decided_of_task: Counter[int]
    people: dict[str, PersonOnSheets]
    agreement: LineAgreement
    problems: tuple[tuple[int, str], ...]
    audit_lines: int = 0
    audit_answered: int = 0

    @property
    def decided(self) -> int:
        """Lines about which the answers that were asked for are there, and all the same."""
        return self.lines[Accord.AGREED]

    @property
    def answers(self) -> int:
        """What was said of lines, by all people together."""
        return sum(person.lines for person in self.people.values())

    @property
    def paces(self) -> list[float]:
        """Seconds per line of each sheet whose time was measured."""
        return [pace for person in self.people.values() for pace in person.paces]

    @property
    def seconds_per_line(self) -> float | None:
        """The middle one of all sheets, which a long break does not move; None where none was measured."""
        return median(self.paces) if self.paces else None


def sheet_work(tasks: Iterable[Json], project: int, annotators: int = 1) -> SheetWork:
    """Count the work on a project's sheets.

    Args:
        tasks: of the line project, as Label Studio's API gives them, with annotations.
        project: whose lines count; others on the same sheets are passed over.
        annotators: how many people are asked for each line.
    """
    made = submitted = 0
    audit: set[LineKey] = set()
    audit_answered: set[LineKey] = set()
    answers: list[Decision] = []
    # the newest sheet of each line
    asked: dict[LineKey, tuple[int, list[Decision]]] = {}
    unread: list[tuple[int, str]] = []
    for task in filter(is_sheet, tasks):
        sheet = int(task["id"])
        lines = [line for line in sheet_lines(task) if line.key.project == project]
        said = [each for each in decisions(task) if each.line.key.project == project]
        audit |= {line.key for line in lines if line.audit}
        audit_answered |= {each.line.key for each in said if each.line.audit}
        given = [each for each in said if not each.line.audit]
        answers += given
        if not lines or not all(line.audit for line in lines):
            made += 1
            submitted += bool(submitted_annotations(task))
        for line in lines:
            if not line.audit and (line.key not in asked or asked[line.key][0] < sheet):
                asked[line.key] = (sheet, [each for each in given if each.line.place == line.place])
        unread += [(sheet, problem) for problem in problems(task)]
    stand = {key: accord(own, annotators) for key, (_, own) in asked.items()}
    agreed = [key for key, how in stand.items() if how is Accord.AGREED]
    return SheetWork(
        sheets=made,
        submitted=submitted,
        lines=Counter(stand.values()),
        verdicts=Counter(asked[key][1][0].verdict for key in agreed),
        decided_of_task=Counter(key.task for key in agreed),
        people=_people(answers),
        agreement=line_agreement(answers),
        problems=tuple(unread),
        audit_lines=len(audit),
        audit_answered=len(audit_answered),
    )


def _people(answers: Iterable[Decision]) -> dict[str, PersonOnSheets]:
    sheets: dict[tuple[str, int, int], list[Decision]] = {}
    for answer in answers:
        sheets.setdefault((answer.user, answer.sheet, answer.annotation), []).append(answer)
    people: dict[str, PersonOnSheets] = {}
    for (user, _, _), own in sorted(sheets.items()):
        person = people.setdefault(user, PersonOnSheets())
        person.sheets += 1
        person.lines += len(own)
        if own[0].seconds is not None:
            person.timed += len(own)
            person.seconds += own[0].seconds * len(own)
            person.paces.append(own[0].seconds)
    return people

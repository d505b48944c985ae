"""The work on sheets in words and as plain values, alike in `twinread status` and `twinread report`; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from backend.sheets.decisions import Accord, Decision, LineVerdict
from backend.sheets.line_agreement import Disagreement, LineAgreement
from backend.sheets.sheet_work import PersonOnSheets, SheetWork

VERDICTS = {
    LineVerdict.FIRST: "A",
    LineVerdict.SECOND: "B",
    LineVerdict.TYPED: "typed",
    LineVerdict.ILLEGIBLE: "illegible",
    LineVerdict.NOT_TEXT: "not text",
}
"""What a person said of a line."""


def person(user: str, names: Mapping[str, str]) -> str:
    """A person's name, where it is known.

    Args:
        user: the id; empty where an annotation does not say.
        names: by id.
    """
    return names.get(user) or (f"user {user}" if user.isdecimal() else user or "nobody knows who")


def answer(decision: Decision) -> str:
    """What a person said of a line, with the text where there is one."""
    verdict = VERDICTS[decision.verdict]
    return f"{verdict} “{decision.text}”" if decision.text else verdict


def disagreement(each: Disagreement, names: Mapping[str, str]) -> str:
    """A line about which people disagree, in one line."""
    said = "; ".join(f"{person(one.user, names)}: {answer(one)}" for one in each.answers)
    return f"task {each.line.task}, {each.line.region}: {said}"


def sentences(work: SheetWork) -> Iterator[str]:
    """The work on sheets, a sentence each; none where there are no sheets."""
    if work.sheets:
        yield from _of_doubtful(work)
    if work.audit_lines:
        yield (
            f"Audit: {work.audit_answered:,} of {work.audit_lines:,} agreed lines on sheets are typed blind; "
            "`twinread audit` says what that shows."
        )
    for sheet, problem in work.problems:
        yield f"Sheet {sheet}: {problem}."


def _of_doubtful(work: SheetWork) -> Iterator[str]:
    lines = work.lines
    differing = lines[Accord.DISAGREEING]
    yield (
        f"Sheets: {work.submitted:,} of {work.sheets:,} submitted; {work.decided:,} lines decided, "
        f"{lines[Accord.WAITING]:,} wait for an answer"
        + (f", {differing:,} answered differently." if differing else ".")
    )
    if work.seconds_per_line is not None:
        pace = f"{work.seconds_per_line:.1f} s"
        yield f"A line on a sheet takes {pace}, the middle of {len(work.paces):,} sheets."
    if (said := agreement_sentence(work.agreement)) is not None:
        yield said


def agreement_sentence(found: LineAgreement) -> str | None:
    """How far people agree; None where no line has two answers."""
    if found.coefficient is None:
        return None
    worth = "not defined, all gave one kind of answer" if found.value is None else f"{found.value:.2f}"
    return (
        f"Of {found.lines:,} lines that two people or more decided, {found.same:,} have one answer "
        f"({100 * found.same / found.lines:.1f} %; {found.coefficient} {worth})."
    )


def figures(work: SheetWork) -> dict[str, Any]:
    """Everything as plain values; null where there is nothing to count."""
    return {
        "sheets": work.sheets,
        "sheets_submitted": work.submitted,
        "lines": {accord.value: work.lines[accord] for accord in Accord},
        "answers": work.answers,
        "verdicts": {words: work.verdicts[verdict] for verdict, words in VERDICTS.items()},
        "seconds_per_line_median": _rounded(work.seconds_per_line, 2),
        "people": {user: _person_figures(who) for user, who in sorted(work.people.items())},
        "agreement": {
            "lines": work.agreement.lines,
            "same_answer": work.agreement.same,
            "coefficient": work.agreement.coefficient,
            "value": _rounded(work.agreement.value, 4),
            "pairs": [
                {
                    "people": list(pair.people),
                    "lines": pair.lines,
                    "same_answer": pair.same,
                    "cohens_kappa": _rounded(pair.kappa, 4),
                }
                for pair in work.agreement.pairs
            ],
        },
        "audit": {"lines": work.audit_lines, "answered": work.audit_answered},
        "problems": [{"sheet": sheet, "problem": problem} for sheet, problem in work.problems],
    }


def disagreement_figures(each: Disagreement) -> dict[str, Any]:
    """A line about which people disagree, as plain values."""
    line = each.answers[0].line
    return {
        "task": line.key.task,
        "page": line.page,
        "region": line.key.region,
        "a": line.a,
        "b": line.b,
        "answers": [
            {"user": one.user, "sheet": one.sheet, "verdict": VERDICTS[one.verdict], "text": one.text}
            for one in each.answers
        ],
    }


def _person_figures(who: PersonOnSheets) -> dict[str, Any]:
    return {
        "sheets": who.sheets,
        "lines": who.lines,
        "seconds": round(who.seconds, 1) if who.timed else None,
        "lines_timed": who.timed,
        "seconds_per_line": round(who.seconds / who.timed, 2) if who.timed else None,
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)

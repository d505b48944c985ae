"""What `twinread audit` did and found, for a terminal and for machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console

from backend.guarantee.words import sentence
from backend.outputs import printable
from backend.sheets.audit_answers import Audited
from backend.sheets.auditing import AuditMade
from backend.sheets.lot_claims import LotClaim, wrong_line
from backend.sheets.lot_claims import figures as lot_figures

NAMED = 10
"""Lines or tasks of one kind that a terminal names; the summary for machines names all."""


def show(made: AuditMade, project: int, console: Console) -> None:
    """Print how the audit of each lot stands, and what comes next.

    Args:
        made: what was done.
        project: the id of the page project.
        console: where.
    """
    for each in sentences(made, project):
        console.print(printable(each), markup=False, soft_wrap=True)


def sentences(made: AuditMade, project: int) -> list[str]:
    """What is to be known, a sentence or two each.

    Args:
        made: what was done.
        project: the id of the page project.
    """
    said = list(made.said)
    if not made.pages:
        return [*said, f"No page is read yet: run `twinread preannotate --project {project}` first."]
    for each in made.claims:
        said += _of_lot(each)
    said += _of_sheets(made, project)
    if made.before:
        count = sum(len(each.lot.lines) for each in made.before)
        said.append(f"In no claim: {_counted(count, 'agreed line')} of another model version.")
    if made.stopped:
        said.append("Stopped. What is told here was done; run this again for the rest.")
    return said


def figures(made: AuditMade, target: float) -> dict[str, Any]:
    """The same as plain values, with everything that a terminal cuts short.

    Args:
        made: what was done.
        target: share of wrong lines that was asked for.
    """
    return {
        "target": target,
        "line_project": made.line_project.project if made.line_project else None,
        "lots": [{**lot_figures(each), "wrong": wrong_figures(each.audited.wrong)} for each in made.claims],
        "lots_before": [
            {"language": key.language, "version": key.version, "lines": len(each.lot.lines)}
            for each in made.before
            if (key := each.lot.key)
        ],
        "pages": made.pages,
        "sheets": made.sheets,
        "lines": made.lines,
        "repeats": made.repeats,
        "on_sheets": made.on_sheets,
        "left": made.left,
        "unshown": {str(task): count for task, count in sorted(made.unshown.items())},
        "removed_sheets": made.removed,
        "stopped": made.stopped,
    }


def wrong_figures(wrong: Sequence[Audited]) -> list[dict[str, Any]]:
    """Audited lines that were wrong, with both texts and where they are."""
    return [
        {
            "task": each.line.line.key.task,
            "page": each.line.line.page,
            "region": each.line.line.key.region,
            "quad": [list(point) for point in each.line.line.quad],
            "agreed": each.line.text,
            "verdict": each.counted.verdict.value,
            "typed": each.counted.text,
            "user": each.counted.user,
            "sheet": each.counted.sheet,
            "score": each.line.score,
        }
        for each in wrong
    ]


def _of_lot(each: LotClaim) -> Iterator[str]:
    key = each.claim.key
    yield f"Language {key.language}, model version {key.version}:"
    # before anybody has answered, what is needed; what is known comes with the first answers
    said = each.sentences() if each.answered else [sentence(each.claim)]
    yield from (f"  {one}" for one in said)
    if wrong := each.audited.wrong:
        yield f"  Wrong among those that people typed: {_counted(len(wrong), 'line')}."
        yield from (f"    {wrong_line(line)}" for line in wrong[:NAMED])
        if len(wrong) > NAMED:
            yield f"    and {len(wrong) - NAMED:,} more (--summary-json names all)"


def _of_sheets(made: AuditMade, project: int) -> Iterator[str]:
    where = f" of project {made.line_project.project}" if made.line_project else ""
    if made.sheets:
        twice = f" ({made.repeats:,} of them for a second person)" if made.repeats else ""
        yield (
            f"{_counted(made.sheets, 'new sheet')}{where} with {_counted(made.lines, 'line')}{twice}: open "
            "it in Label Studio, press Label All Tasks, and run this again when they are answered."
        )
    if made.on_sheets:
        yield f"Lines of the audit that wait on sheets{where} already: {made.on_sheets:,}."
    if made.left:
        yield f"Left for the next run: {_counted(made.left, 'line')}."
    if made.removed:
        yield f"Removed: {_counted(made.removed, 'sheet')} that nobody had touched and nobody needs."
    if made.unshown:
        tasks = ", ".join(str(task) for task in sorted(made.unshown)[:NAMED])
        more = " and others" if len(made.unshown) > NAMED else ""
        lines = _counted(sum(made.unshown.values()), "line")
        yield (
            f"No sheet can show {lines} of the audit (task {tasks}{more}): the image is none that a browser "
            "can open there. They count as wrong."
        )


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"

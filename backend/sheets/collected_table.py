"""What `twinread lines --collect` and `--accept-agreed` did, for a terminal and for machines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from backend.outputs import printable
from backend.sheets.accepting import Accepted
from backend.sheets.collecting import Collected
from backend.sheets.page_outcomes import LineOutcome, LineState, PageState
from backend.sheets.page_writes import Writes

NAMED = 20
"""Lines, sheets or pages of one kind that a terminal names; the summary for machines names all."""

_REASONS = {
    PageState.BEGUN: "somebody has a draft of it; submit it or delete the draft",
    PageState.SKIPPED: "somebody skipped it; submit it in page review",
}


@dataclass(frozen=True, slots=True)
class Places:
    """Where in Label Studio things are.

    address: of Label Studio.
    pages, sheets: the ids of the page project and of the line project.
    people: e-mail addresses by user id.
    """

    address: str
    pages: int
    sheets: int
    people: Mapping[int, str]

    def page(self, task: int) -> str:
        """The address at which a page opens."""
        return f"{self.address}/projects/{self.pages}/data?task={task}"

    def sheet(self, task: int) -> str:
        """The address at which a sheet opens."""
        return f"{self.address}/projects/{self.sheets}/data?task={task}"

    def person(self, user: str) -> str:
        """Who that is."""
        known = self.people.get(int(user)) if user.isdecimal() else None
        return known or (f"user {user}" if user else "somebody")


def show(found: Collected, places: Places, console: Console) -> None:
    """Print what became of answers, and what waits for whom."""
    table = Table("pages with answers", "pages")
    for state in PageState:
        if found.pages[state]:
            table.add_row(state.value, f"{found.pages[state]:,}")
    table.add_row("all", f"{found.pages.total():,}", end_section=True)
    lines = Table("their doubtful lines", "lines")
    for each in LineState:
        lines.add_row(each.value, f"{found.lines[each]:,}")
    lines.add_row("all", f"{found.lines.total():,}", end_section=True)
    console.print(table)
    console.print(lines)
    for sentence in sentences(found, places):
        _say(sentence, console)


def sentences(found: Collected, places: Places) -> list[str]:
    """What is to be known beside the tables."""
    said = [f"Looked at {_counted(found.answers, 'answer')} on {_counted(found.sheets, 'sheet')}."]
    done = found.pages[PageState.COMPLETED] + found.pages[PageState.CHANGED] + found.pages[PageState.DONE]
    if done:
        said.append(
            f"Approved by their lines on sheets: {_counted(done, 'page')}. On them nobody looked at "
            f"{_counted(found.unseen, 'other line')}, read alike twice."
        )
    if found.audited:
        wait = (
            f"; {found.audited_waiting:,} wait until their page is approved" if found.audited_waiting else ""
        )
        said.append(f"Typed blind for the audit: {_counted(found.audited, 'line')}{wait}.")
    said += _listed(
        "Answered differently; open the sheet and agree, or decide the line in page review",
        [_disagreement(line, places) for line in found.disagreeing],
    )
    if stale := found.lines[LineState.STALE]:
        said.append(
            f"The answers to {_counted(stale, 'line')} were dropped: read anew or moved since. Run "
            f"`twinread lines --project {places.pages}` to ask what is still in doubt."
        )
    said += _listed(
        "Left as they are",
        [f"{places.page(page.task)}: {_REASONS[page.state]}" for page in found.left],
    )
    if found.gone:
        said.append(
            f"Deleted since: {_counted(len(found.gone), 'page')}, whose answers are of no use any more."
        )
    said += _listed(
        "Sheets of which not all can be taken for an answer; the rest of them counts",
        [f"sheet {each.sheet} ({places.sheet(each.sheet)}): {each.problem}" for each in found.problems],
    )
    return said + _ends(found.writes, places, stopped=found.stopped)


def figures(found: Collected, places: Places) -> dict[str, Any]:
    """The same as plain values, with everything that a terminal cuts short."""
    return {
        "project": places.pages,
        "line_project": places.sheets,
        "sheets": found.sheets,
        "answers": found.answers,
        "pages": {state.value: found.pages[state] for state in PageState if found.pages[state]},
        "lines": {state.value: found.lines[state] for state in LineState},
        "unseen_lines": found.unseen,
        "audited_lines": found.audited,
        "audited_lines_waiting": found.audited_waiting,
        **_writes(found.writes),
        "disagreeing": [_line(line, places) for line in found.disagreeing],
        "stale": [_line(line, places) for line in found.stale],
        "left": [
            {"task": page.task, "why": page.state.value, "page": places.page(page.task)}
            for page in found.left
        ],
        "deleted_pages": found.gone,
        "problems": [
            {"sheet": each.sheet, "address": places.sheet(each.sheet), "problem": each.problem}
            for each in found.problems
        ],
        "stopped": found.stopped,
    }


def show_accepted(found: Accepted, places: Places, console: Console) -> None:
    """Print what became of agreed pages."""
    table = Table("pages that nobody had submitted", "pages")
    for state in PageState:
        if found.pages[state]:
            table.add_row(state.value, f"{found.pages[state]:,}")
    table.add_row("all", f"{found.pages.total():,}", end_section=True)
    console.print(table)
    accepted = found.pages[PageState.ACCEPTED]
    if accepted and found.lines:
        _say(
            f"Approved now: {_counted(accepted, 'page')} with {_counted(found.lines, 'line')}, and nobody "
            "looked at them. The export's manifest says so for each row (looked_at: nobody).",
            console,
        )
    elif accepted:
        _say(f"Approved now: {_counted(accepted, 'page')}.", console)
    else:
        _say("No page was accepted.", console)
    if found.audited:
        _say(f"Typed blind for the audit: {_counted(found.audited, 'line')} of accepted pages.", console)
    for sentence in _ends(found.writes, places, stopped=found.stopped):
        _say(sentence, console)


def accepted_figures(found: Accepted) -> dict[str, Any]:
    """The same as plain values."""
    return {
        "pages": {state.value: found.pages[state] for state in PageState if found.pages[state]},
        "unseen_lines": found.lines,
        "audited_lines": found.audited,
        **_writes(found.writes),
        "stopped": found.stopped,
    }


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _say(sentence: str, console: Console) -> None:
    console.print(printable(sentence), markup=False, soft_wrap=True)


def _disagreement(line: LineOutcome, places: Places) -> str:
    said = "; ".join(
        f"{places.person(each.user)}: {repr(each.text) if each.text else each.verdict.value}"
        for each in line.answers
    )
    sheet = line.answers[-1].sheet
    place = line.answers[-1].line.place + 1
    return f"{places.sheet(sheet)}, line {place} (page {line.key.task}): {said}"


def _listed(title: str, entries: list[str]) -> list[str]:
    if not entries:
        return []
    more = [f"  and {len(entries) - NAMED:,} more (--summary-json names all)"] if len(entries) > NAMED else []
    return [f"{title}:", *(f"  {entry}" for entry in entries[:NAMED]), *more]


def _ends(writes: Writes, places: Places, *, stopped: bool) -> list[str]:
    said = _listed(
        "Label Studio refused to write these pages; the others are written",
        [f"{places.page(failure.task)}: {failure.why}" for failure in writes.failures],
    )
    if stopped:
        said.append("Stopped. What is told here was done; run this again for the rest.")
    return said


def _writes(writes: Writes) -> dict[str, Any]:
    return {
        "annotations": {"made": writes.made, "changed": writes.changed, "removed": writes.removed},
        "failures": [{"task": failure.task, "why": failure.why} for failure in writes.failures],
    }


def _line(line: LineOutcome, places: Places) -> dict[str, Any]:
    return {
        "task": line.key.task,
        "region": line.key.region,
        "page": places.page(line.key.task),
        "answers": [
            {
                "user": each.user,
                "verdict": each.verdict.value,
                "text": each.text,
                "sheet": each.sheet,
                "line": each.line.place + 1,
                "address": places.sheet(each.sheet),
            }
            for each in line.answers
        ],
    }

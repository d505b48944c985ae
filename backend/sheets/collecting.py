"""Brings what people decided on sheets back to their pages.

Every run looks at all answers, at each page that has some, and at each page that was completed from some
before, and does what `page_rule` says. So it can be killed anywhere and run again, and two at once do no harm
(`page_writes`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from backend.errors import shortened
from backend.label_studio.annotations import Json, submitted_annotations
from backend.label_studio.client import LabelStudio
from backend.label_studio.region_notes import decided_in
from backend.label_studio.regions import regions
from backend.sheets.decisions import Decision, decisions, problems
from backend.sheets.made_annotations import Made, made_in
from backend.sheets.page_outcomes import LineOutcome, LineState, PageContext, PageOutcome, PageState
from backend.sheets.page_rule import page_outcome
from backend.sheets.page_writes import Writes, settle

FOLDER = "collect"
"""In CACHE_DIR; holds the locks of runs that write what was decided on sheets."""

LEFT = (PageState.BEGUN, PageState.SKIPPED)
"""Pages that are listed, because their answers wait until a person has ended with them."""


UNAPPROVED = (PageState.WAITING, PageState.AUDITED, PageState.TAKEN_BACK)
"""Pages whose audit lines are on no annotation yet."""


@dataclass(frozen=True, slots=True)
class SheetProblem:
    """Something on a sheet that could not be read, and what it is; the rest of the sheet counts."""

    sheet: int
    problem: str


@dataclass
class Collected:
    """What a run found and did.

    sheets: sheets with answers that count.
    answers: what people said of lines, by all together.
    pages, lines: how many stand how, of pages that have an answer or had one when they were completed.
    unseen: lines of approved pages that were read alike twice and that nobody looked at.
    audited: agreed lines of pages that a person typed blind.
    audited_waiting: those of them whose page is not approved yet.
    writes: what was written.
    disagreeing, stale: the lines that are so.
    left: pages that wait until a person has ended with them.
    gone: pages that were deleted, by task.
    stopped: Ctrl-C ended it early; what is told was done.
    """

    sheets: int = 0
    answers: int = 0
    pages: Counter[PageState] = field(default_factory=Counter)
    lines: Counter[LineState] = field(default_factory=Counter)
    unseen: int = 0
    audited: int = 0
    audited_waiting: int = 0
    writes: Writes = field(default_factory=Writes)
    disagreeing: list[LineOutcome] = field(default_factory=list)
    stale: list[LineOutcome] = field(default_factory=list)
    left: list[PageOutcome] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    problems: list[SheetProblem] = field(default_factory=list)
    stopped: bool = False

    def enter(self, outcome: PageOutcome) -> None:
        """Count a page."""
        self.pages[outcome.state] += 1
        self.lines.update(line.state for line in outcome.lines)
        self.unseen += outcome.unseen
        self.audited += outcome.audited
        self.audited_waiting += outcome.audited if outcome.state in UNAPPROVED else 0
        self.disagreeing += [line for line in outcome.lines if line.state is LineState.DISAGREEING]
        self.stale += [line for line in outcome.lines if line.state is LineState.STALE]
        self.left += [outcome] if outcome.state in LEFT else []
        self.gone += [outcome.task] if outcome.state is PageState.GONE else []


def collect(
    api: LabelStudio,
    sheets: int,
    context: PageContext,
    seen: Callable[[int, int], object] = lambda done, total: None,
) -> Collected:
    """Bring decisions back to their pages.

    Args:
        api: Label Studio.
        sheets: the id of the line project.
        context: of the page project.
        seen: is told after each page how many of how many are done.

    Raises:
        LabelStudioFailed: Label Studio is out of reach, or refuses the key. What was written stays.
    """
    found = Collected()

    def judge(rows: Sequence[Json], begun: frozenset[int]) -> list[PageOutcome]:
        now = replace(context, sheets=_sheets_there(api, sheets, rows, by_page))
        return [
            page_outcome(row, by_page[int(row["id"])], now, begun=int(row["id"]) in begun) for row in rows
        ]

    try:
        by_page = _answers(api, sheets, context.project, found)
        by_page |= {task: [] for task in _withdrawn(api, context.project, by_page)}
        tasks = sorted(by_page)
        for number, outcome in enumerate(settle(api, context.project, tasks, judge, found.writes), start=1):
            found.enter(outcome)
            seen(number, len(tasks))
    except KeyboardInterrupt:
        found.stopped = True
    return found


def _answers(api: LabelStudio, sheets: int, project: int, found: Collected) -> dict[int, list[Decision]]:
    """What people decided, by page; what cannot be read is noted."""
    by_page: dict[int, list[Decision]] = {}
    for sheet in api.tasks(sheets, annotated=True, resolve_uri=False):
        number = int(sheet["id"])
        found.problems += [SheetProblem(number, problem) for problem in problems(sheet)]
        answers = decisions(sheet)
        own = [each for each in answers if each.line.key.project == project]
        if len(own) < len(answers):
            others = sorted({each.line.key.project for each in answers} - {project})
            named = shortened(", ".join(map(str, others)))
            found.problems.append(SheetProblem(number, f"it has lines of another project ({named})"))
        found.sheets += bool(own)
        found.answers += len(own)
        for answer in own:
            by_page.setdefault(answer.line.key.task, []).append(answer)
    return by_page


def _withdrawn(api: LabelStudio, project: int, by_page: Container[int]) -> list[int]:
    """Pages of ours that follow sheets on which nobody says anything of them any more."""
    return [
        int(task["id"])
        for task in api.tasks(project, annotated=True, resolve_uri=False)
        if int(task["id"]) not in by_page
        and any(_follows_sheets(annotation) for annotation in submitted_annotations(task))
    ]


def _follows_sheets(annotation: Json) -> bool:
    """Whether twinread made an annotation of sheets, or accepted a page of which people typed lines blind."""
    why = made_in(annotation)
    if why is Made.ACCEPTED:
        return any(decided_in(region) is not None for region in regions(annotation["result"]))
    return why is Made.SHEETS


def _sheets_there(
    api: LabelStudio, sheets: int, rows: Iterable[Json], by_page: dict[int, list[Decision]]
) -> frozenset[int]:
    """The sheets that there are, of those that annotations of twinread's name."""
    answered = {answer.sheet for row in rows for answer in by_page[int(row["id"])]}
    named = set(_named_sheets(rows)) - answered
    there = {int(task["id"]) for task in api.tasks_by_id(sheets, sorted(named))} if named else set()
    return frozenset(answered | there)


def _named_sheets(rows: Iterable[Json]) -> Iterator[int]:
    for row in rows:
        for annotation in submitted_annotations(row):
            if made_in(annotation) is not None:
                notes = map(decided_in, regions(annotation["result"]))
                yield from (note.sheet for note in notes if note is not None)

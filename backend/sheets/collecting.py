"""Brings what people decided on sheets back to their pages.

Every run looks at all answers and at each page that has some, and does what `page_rule` says. So it can be
killed anywhere and run again, and two at once do no harm: what was written is looked at again right after, an
annotation that stands twice is removed once, and one gives way to a person who submitted the page meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import httpx

from backend.errors import LabelStudioFailed, shortened
from backend.label_studio.annotations import Json, submitted_annotations
from backend.label_studio.client import LabelStudio
from backend.label_studio.region_notes import decided_in
from backend.label_studio.regions import regions
from backend.sheets.decisions import Decision, decisions, problems
from backend.sheets.made_annotations import made_in
from backend.sheets.page_rule import LineOutcome, LineState, PageContext, PageOutcome, PageState, page_outcome

PAGES = 20
"""Pages that are looked at together, written, and looked at again: what people do meanwhile is seen."""

LOOKS = 4
"""How often a page is looked at before it is left to the next run, because others change it all the time."""

PASSING = (httpx.codes.UNAUTHORIZED, httpx.codes.TOO_MANY_REQUESTS)
"""Refusals that are none of one page's."""


@dataclass(frozen=True, slots=True)
class SheetProblem:
    """Something on a sheet that could not be read, and what it is; the rest of the sheet counts."""

    sheet: int
    problem: str


@dataclass(frozen=True, slots=True)
class PageFailure:
    """A page that Label Studio refused to write, and why; the others are written."""

    task: int
    why: str


@dataclass
class Collected:
    """What a run found and did.

    sheets: sheets with answers that count.
    answers: what people said of lines, by all together.
    pages, lines: how many stand how, of those that were answered.
    made, changed, removed: annotations.
    gone: pages that were deleted, by task.
    disagreeing, stale: the lines that are so.
    """

    sheets: int = 0
    answers: int = 0
    pages: Counter[PageState] = field(default_factory=Counter)
    lines: Counter[LineState] = field(default_factory=Counter)
    made: int = 0
    changed: int = 0
    removed: int = 0
    gone: list[int] = field(default_factory=list)
    disagreeing: list[LineOutcome] = field(default_factory=list)
    stale: list[LineOutcome] = field(default_factory=list)
    left: list[PageOutcome] = field(default_factory=list)
    problems: list[SheetProblem] = field(default_factory=list)
    failures: list[PageFailure] = field(default_factory=list)

    def enter(self, outcome: PageOutcome, wrote: PageState | None) -> None:
        """Count a page.

        Args:
            outcome: how it stands at last.
            wrote: what was done to it; None for nothing.
        """
        stays = outcome.state is PageState.DONE or wrote is PageState.TAKEN_BACK
        self.pages[wrote if wrote is not None and stays else outcome.state] += 1
        self.lines.update(line.state for line in outcome.lines)
        self.disagreeing += [line for line in outcome.lines if line.state is LineState.DISAGREEING]
        self.stale += [line for line in outcome.lines if line.state is LineState.STALE]
        if outcome.state in (PageState.BEGUN, PageState.SKIPPED):
            self.left.append(outcome)


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
        seen: is told after each batch how many pages of how many are done.

    Raises:
        LabelStudioFailed: Label Studio is out of reach, or refuses the key. What was written stays.
    """
    found = Collected()
    by_page = _answers(api, sheets, context.project, found)
    tasks = sorted(by_page)
    for start in range(0, len(tasks), PAGES):
        batch = tasks[start : start + PAGES]
        _settle(api, sheets, batch, by_page, context, found)
        seen(min(start + PAGES, len(tasks)), len(tasks))
    return found


def begun_pages(api: LabelStudio, project: int) -> frozenset[int]:
    """The pages that somebody has a draft of, whoever that is."""
    return frozenset(int(task["id"]) for task in api.tasks(project, fields="task_only", begun=True))


def is_of_one_page(error: LabelStudioFailed) -> bool:
    """Whether Label Studio answered, and refused this one page."""
    status = error.facts.get("status")
    return isinstance(status, int) and 400 <= status < 500 and status not in PASSING


def _answers(api: LabelStudio, sheets: int, project: int, found: Collected) -> dict[int, list[Decision]]:
    """What people decided, by page; what cannot be read is noted."""
    by_page: dict[int, list[Decision]] = {}
    for sheet in api.tasks(sheets, annotated=True):
        number = int(sheet["id"])
        found.problems += [SheetProblem(number, problem) for problem in problems(sheet)]
        answers = decisions(sheet)
        own = [each for each in answers if each.line.key.project == project]
        if len(own) < len(answers):
            others = sorted({each.line.key.project for each in answers} - {project})
            named = ", ".join(map(str, others))
            found.problems.append(
                SheetProblem(number, f"it has lines of another project ({shortened(named)})")
            )
        found.sheets += bool(own)
        found.answers += len(own)
        for answer in own:
            by_page.setdefault(answer.line.key.task, []).append(answer)
    return by_page


def _settle(
    api: LabelStudio,
    sheets: int,
    tasks: Sequence[int],
    by_page: dict[int, list[Decision]],
    context: PageContext,
    found: Collected,
) -> None:
    """Look at pages and write what the rule says, until nothing is left to be done."""
    open_tasks = list(tasks)
    wrote: dict[int, PageState] = {}
    for look in range(LOOKS):
        begun = begun_pages(api, context.project)
        rows = api.tasks_by_id(context.project, open_tasks, fields="all")
        now = replace(context, sheets=_sheets_there(api, sheets, rows, by_page))
        if look == 0:
            found.gone += sorted(set(open_tasks) - {int(row["id"]) for row in rows})
        open_tasks = []
        for row in rows:
            number = int(row["id"])
            outcome = page_outcome(row, by_page[number], now, begun=number in begun)
            if outcome.is_settled or look == LOOKS - 1:
                found.enter(outcome, wrote.get(number))
                continue
            try:
                _write(api, outcome, found)
            except LabelStudioFailed as error:
                if not is_of_one_page(error):
                    raise
                found.failures.append(PageFailure(number, str(error)))
                continue
            wrote[number] = outcome.state
            open_tasks.append(number)
        if not open_tasks:
            return


def _write(api: LabelStudio, outcome: PageOutcome, found: Collected) -> None:
    """Do what the rule says; what a person touched in the last moments is left to the next look."""
    new = outcome.annotation
    if new is not None and outcome.existing is None:
        api.create_annotation(outcome.task, new.result, **new.fields)
        found.made += 1
    elif new is not None and outcome.existing is not None and _is_untouched(api, outcome.existing):
        api.update_annotation(outcome.existing, new.result, **new.fields)
        found.changed += 1
    for annotation in outcome.remove:
        if _is_untouched(api, annotation):
            api.delete_annotation(annotation)
            found.removed += 1


def _is_untouched(api: LabelStudio, annotation: int) -> bool:
    """Whether an annotation is there, and as twinread made it."""
    now = api.annotation(annotation)
    return now is not None and made_in(now) is not None


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

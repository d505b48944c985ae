"""Turns pages that nobody needs to decide into approved ones, by the lead's explicit word; `--accept-agreed`.

A page whose lines were all read alike twice comes onto no sheet, so nobody submits it. Accepted, it gets an
annotation that says so itself: each of its lines has `accepted` in its meta, and the export's manifest says
that nobody looked at it, for ever; a line that somebody typed blind for an audit says who did. Left are pages
that somebody touched, that are in the sample for page review, that have no lines, or a line of which twinread
does not know that it was read alike.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from backend.label_studio.annotations import Json, listed_annotations
from backend.label_studio.client import LabelStudio
from backend.label_studio.region_notes import decided_in
from backend.label_studio.regions import regions
from backend.sheets.audits import audit_answers
from backend.sheets.decided_pages import accepted_page
from backend.sheets.decisions import Decision
from backend.sheets.doubtful_lines import is_agreed, page_prediction
from backend.sheets.page_audits import page_audit
from backend.sheets.page_outcomes import PageContext, PageOutcome, PageState
from backend.sheets.page_rule import worked_on
from backend.sheets.page_sample import sampled_pages
from backend.sheets.page_writes import Writes, settle


@dataclass
class Accepted:
    """What a run found and did.

    pages: how many stand how, of all pages that nobody submitted before.
    lines: of accepted pages, that nobody looked at.
    audited: other lines of them, which a person typed blind.
    writes: what was written.
    stopped: Ctrl-C ended it early; what is told was done.
    """

    pages: Counter[PageState] = field(default_factory=Counter)
    lines: int = 0
    audited: int = 0
    writes: Writes = field(default_factory=Writes)
    stopped: bool = False


def accept_agreed(
    api: LabelStudio,
    sheets: int,
    context: PageContext,
    share: float,
    seen: Callable[[int, int], object] = lambda done, total: None,
) -> Accepted:
    """Make approved pages of those that nobody needs to decide.

    Args:
        api: Label Studio; the owner of the key is who accepts.
        sheets: the id of the line project, where people typed audit lines.
        context: of the page project.
        share: of the pages that go to page review; these are left.
        seen: is told after each page how many of how many are done.

    Raises:
        LabelStudioFailed: Label Studio is out of reach, or refuses the key. What was written stays.
    """
    found = Accepted()
    user = int(api.whoami()["id"])
    read: set[int] = set()
    waiting: list[int] = []

    def judge(rows: Sequence[Json], begun: frozenset[int]) -> list[PageOutcome]:
        return [
            agreed_page(
                row, context, sample, user, typed.get(int(row["id"]), ()), begun=int(row["id"]) in begun
            )
            for row in rows
        ]

    try:
        typed: dict[int, list[Decision]] = defaultdict(list)
        answered = api.tasks(sheets, annotated=True, resolve_uri=False)
        for key, answers in audit_answers(answered, context.project).items():
            typed[key.task] += answers
        for task in api.tasks(context.project, resolve_uri=False):
            number = int(task["id"])
            if page_prediction(task, context.version) is not None:
                read.add(number)
            if not listed_annotations(task):
                waiting.append(number)
        # drawn from all pages that were read, as `twinread lines` draws it
        sample = sampled_pages(context.project, sorted(read), share)
        for number, outcome in enumerate(settle(api, context.project, waiting, judge, found.writes), start=1):
            found.pages[outcome.state] += 1
            if outcome.state is PageState.ACCEPTED:
                found.lines += outcome.unseen
                found.audited += outcome.audited
            seen(number, len(waiting))
    except KeyboardInterrupt:
        found.stopped = True
    return found


def agreed_page(
    task: Json,
    context: PageContext,
    sample: frozenset[int],
    user: int,
    answers: Sequence[Decision] = (),
    *,
    begun: bool = False,
) -> PageOutcome:
    """What becomes of one page.

    Args:
        task: of the page project, as Label Studio's API gives it, with annotations and predictions.
        context: of its project.
        sample: the pages that go to page review.
        user: the id of who accepts.
        answers: what people typed blind of its lines.
        begun: somebody has a draft of it.
    """
    number = int(task["id"])
    before = worked_on(task, begun=begun)
    if isinstance(before, PageOutcome):
        return before
    if before is not None:
        own, copies = before
        lines = regions(own["result"])
        seen = sum(decided_in(line) is not None for line in lines)
        return PageOutcome(number, PageState.DONE, remove=copies, unseen=len(lines) - seen, audited=seen)
    made = page_prediction(task, context.version)
    if made is None:
        return PageOutcome(number, PageState.UNREAD)
    found = regions(made["result"])
    if not found:
        return PageOutcome(number, PageState.EMPTY)
    if not all(is_agreed(region, context.config) for region in found):
        return PageOutcome(number, PageState.NOT_AGREED)
    if number in sample:
        return PageOutcome(number, PageState.SAMPLED)
    audit = page_audit(task, answers, context)
    return PageOutcome(
        number,
        PageState.ACCEPTED,
        annotation=accepted_page(made, user, context.config, audit.chosen),
        unseen=len(found) - len(audit.chosen),
        audited=len(audit.chosen),
    )

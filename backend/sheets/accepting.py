"""Turns pages that nobody needs to decide into approved ones, by the lead's explicit word; `--accept-agreed`.

A page whose lines were all read alike twice comes onto no sheet, so nobody submits it. Accepted, it gets an
annotation that says so itself: each of its lines has `accepted` in its meta, and the export's manifest says
that nobody looked at it, for ever. Left are pages that somebody touched, that are in the sample for page
review, that have no lines, or a line of which twinread does not know that it was read alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from backend.label_studio.annotations import Json, listed_annotations
from backend.label_studio.client import LabelStudio
from backend.label_studio.region_notes import accepted_meta, with_note
from backend.label_studio.regions import regions
from backend.label_studio.result_fields import name_in
from backend.sheets.decided_pages import NewAnnotation
from backend.sheets.doubtful_lines import is_agreed, page_prediction
from backend.sheets.made_annotations import Made, marked
from backend.sheets.page_outcomes import PageContext, PageOutcome, PageState
from backend.sheets.page_rule import worked_on
from backend.sheets.page_sample import sampled_pages
from backend.sheets.page_writes import Writes, settle


@dataclass
class Accepted:
    """What a run found and did.

    pages: how many stand how, of all pages that nobody submitted before.
    lines: of accepted pages; nobody looked at them.
    writes: what was written.
    stopped: Ctrl-C ended it early; what is told was done.
    """

    pages: Counter[PageState] = field(default_factory=Counter)
    lines: int = 0
    writes: Writes = field(default_factory=Writes)
    stopped: bool = False


def accept_agreed(
    api: LabelStudio,
    context: PageContext,
    share: float,
    seen: Callable[[int, int], object] = lambda done, total: None,
) -> Accepted:
    """Make approved pages of those that nobody needs to decide.

    Args:
        api: Label Studio; the owner of the key is who accepts.
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
        return [agreed_page(row, context, sample, user, begun=int(row["id"]) in begun) for row in rows]

    try:
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
            found.lines += outcome.unseen if outcome.state is PageState.ACCEPTED else 0
            seen(number, len(waiting))
    except KeyboardInterrupt:
        found.stopped = True
    return found


def agreed_page(
    task: Json, context: PageContext, sample: frozenset[int], user: int, *, begun: bool = False
) -> PageOutcome:
    """What becomes of one page.

    Args:
        task: of the page project, as Label Studio's API gives it, with annotations and predictions.
        context: of its project.
        sample: the pages that go to page review.
        user: the id of who accepts.
        begun: somebody has a draft of it.
    """
    number = int(task["id"])
    before = worked_on(task, begun=begun)
    if isinstance(before, PageOutcome):
        return before
    if before is not None:
        own, copies = before
        return PageOutcome(number, PageState.DONE, remove=copies, unseen=len(regions(own["result"])))
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
    new = NewAnnotation(
        result=marked(_accepted(made["result"], user), Made.ACCEPTED),
        parent_prediction=int(made["id"]),
        lead_time=None,
        completed_by=user,
    )
    return PageOutcome(number, PageState.ACCEPTED, annotation=new)


def _accepted(result: Sequence[object], user: int) -> list[dict[str, Any]]:
    """A prediction's result, in which each line says that nobody looked at it."""
    noted: list[dict[str, Any]] = []
    named = {""}
    for part in (each for each in result if isinstance(each, dict)):
        identity = name_in(part, "id")
        if identity in named:
            noted.append(dict(part))
        else:
            named.add(identity)
            noted += with_note(identity, [part], accepted_meta(str(user)))
    return noted

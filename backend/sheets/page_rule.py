"""What becomes of one page, by its task as it is now and by what people decided about its lines; pure.

- The page wins: where somebody submitted, skipped or began it, what was decided on sheets changes nothing.
- An answer holds for the line that was shown. Where the region is gone, lies elsewhere or reads otherwise by
  now, the answer is stale: the line is asked anew.
- A line is decided when as many people as were asked for answered, and all the same.
- A page whose doubtful lines are all decided becomes an annotation: its prediction, with the decided texts.
- What people typed blind of agreed lines (an audit) holds no page up, and goes into the annotation with it.
- An annotation that twinread made so, and that nobody touched since, follows its lines: it is changed with a
  changed answer, and taken back where people come to disagree. Of two the older one stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from backend.label_studio.annotations import (
    Json,
    changed_at,
    latest,
    listed_annotations,
    predictions_of,
    submitted_annotations,
    user_of,
)
from backend.label_studio.region_notes import Decided, decided_in
from backend.label_studio.regions import regions
from backend.sheets.decided_pages import (
    NewAnnotation,
    accepted_page,
    decided_page,
    says_the_same,
    with_blind_lines,
)
from backend.sheets.decisions import Accord, Decision, accord
from backend.sheets.doubtful_lines import PageLines, is_same_line, page_lines, page_prediction
from backend.sheets.made_annotations import Made, made_in
from backend.sheets.page_audits import PageAudit, kept_audits, page_audit
from backend.sheets.page_outcomes import LineOutcome, LineState, PageContext, PageOutcome, PageState
from backend.sheets.sheet_tasks import LineKey, SheetLine


def page_outcome(
    task: Json, answers: Sequence[Decision], context: PageContext, *, begun: bool = False
) -> PageOutcome:
    """What becomes of a page.

    Args:
        task: of the page project, as Label Studio's API gives it, with annotations and predictions.
        answers: what people decided about its lines, on all sheets.
        context: of its project.
        begun: somebody has a draft of it.
    """
    number = int(task["id"])
    blind = [answer for answer in answers if answer.line.audit]
    doubts = [answer for answer in answers if not answer.line.audit]
    before = worked_on(task, begun=begun)
    if isinstance(before, PageOutcome):
        return before
    if before is not None:
        first, copies = before
        outcome = _of_existing(task, first, doubts, blind, context)
        return replace(outcome, remove=outcome.remove + copies)
    return _of_new(number, task, doubts, blind, context)


def worked_on(task: Json, *, begun: bool) -> PageOutcome | tuple[Json, tuple[int, ...]] | None:
    """What was done with a page before.

    Args:
        task: of the page project, with annotations.
        begun: somebody has a draft of it.

    Returns:
        How it stands, where people did it; the annotation that twinread made and nobody touched, with the
        ids of its copies; None where nobody did anything.
    """
    number = int(task["id"])
    ours, theirs = _annotations(task)
    if begun or task.get("drafts"):
        return PageOutcome(number, PageState.BEGUN)
    if theirs:
        return PageOutcome(number, PageState.REVIEWED, remove=_too_late(ours, theirs))
    if ours:
        first, *copies = sorted(ours, key=lambda each: int(each["id"]))
        return first, tuple(int(each["id"]) for each in copies)
    return PageOutcome(number, PageState.SKIPPED) if listed_annotations(task) else None


def _of_new(
    number: int, task: Json, answers: Sequence[Decision], blind: Sequence[Decision], context: PageContext
) -> PageOutcome:
    """What becomes of a page that has no annotation."""
    page = _lines(task, context)
    made = page_prediction(task, context.version)
    if made is None:
        return PageOutcome(number, PageState.UNREAD, _gone([*answers, *blind]))
    now = {each.line.key: each.line for each in page.doubtful}
    audit = page_audit(task, blind, context)
    lines = _outcomes(now, answers, context.people) + audit.stale
    audited = len(audit.chosen)
    decided = {line.key: line.answers for line in lines if line.state is LineState.DECIDED}
    if not now and not page.unshown:
        state = PageState.AUDITED if audited else PageState.NOTHING_DOUBTFUL
        return PageOutcome(number, state, lines, audited=audited)
    if len(decided) < len(now) or page.unshown:
        return PageOutcome(number, PageState.WAITING, lines, audited=audited)
    new = decided_page(made, _chosen(now, decided), context.config, audit.chosen)
    unseen = page.sure - audited
    return PageOutcome(number, PageState.COMPLETED, lines, new, unseen=unseen, audited=audited)


def _of_existing(
    task: Json,
    existing: Json,
    answers: Sequence[Decision],
    blind: Sequence[Decision],
    context: PageContext,
) -> PageOutcome:
    """What becomes of a page whose annotation twinread made; its lines are those that it was made of."""
    number, identity = int(task["id"]), int(existing["id"])
    parent = next(
        (made for made in predictions_of(task) if made["id"] == existing.get("parent_prediction")), None
    )
    if parent is None:
        return PageOutcome(number, PageState.DONE)
    before = {**task, "annotations": [], "predictions": [parent]}
    page = _lines(before, context)
    audit = page_audit(before, blind, context)
    if made_in(existing) is Made.ACCEPTED:
        return _of_accepted(number, existing, parent, page, audit, context)
    now = {each.line.key: each.line for each in page.doubtful}
    # it was made when enough people had answered; to ask more people since takes nothing back
    lines = _outcomes(now, answers, people=1) + audit.stale
    noted = {region.id: note for region in regions(existing["result"]) if (note := decided_in(region))}
    kept: dict[LineKey, Decided] = {}
    for line in lines:
        if line.key not in now or line.state is LineState.DECIDED:
            continue
        note = noted.get(line.key.region)
        if note is None or note.sheet in context.sheets or line.state is LineState.DISAGREEING:
            return PageOutcome(number, PageState.TAKEN_BACK, lines, remove=(identity,))
        kept[line.key] = note
    lines = tuple(replace(line, state=LineState.DECIDED) if line.key in kept else line for line in lines)
    if kept:
        new = with_blind_lines(existing, parent, audit.chosen, context.config)
        return _following(PageOutcome(number, PageState.DONE, lines), existing, new, page, audit)
    decided = {line.key: line.answers for line in lines if line.state is LineState.DECIDED}
    asked = [key.region for key in now]
    kept_blind = kept_audits(existing, audit, asked, context.sheets)
    new = decided_page(parent, _chosen(now, decided), context.config, audit.chosen, kept_blind)
    return _following(PageOutcome(number, PageState.DONE, lines), existing, new, page, audit)


def _of_accepted(
    number: int, existing: Json, parent: Json, page: PageLines, audit: PageAudit, context: PageContext
) -> PageOutcome:
    """What becomes of a page that the lead accepted: people may have typed lines of it blind since."""
    user = user_of(existing)
    outcome = PageOutcome(number, PageState.DONE, audit.stale)
    if not user.isdecimal():
        return outcome
    kept = kept_audits(existing, audit, (), context.sheets)
    new = accepted_page(parent, int(user), context.config, audit.chosen, kept)
    return _following(outcome, existing, new, page, audit)


def _following(
    outcome: PageOutcome, existing: Json, new: NewAnnotation, page: PageLines, audit: PageAudit
) -> PageOutcome:
    """A page that is done, whose annotation changes where it does not say what people say by now."""
    audited = len(audit.chosen)
    outcome = replace(outcome, unseen=page.sure - audited, audited=audited)
    if says_the_same(existing["result"], new.result):
        return outcome
    return replace(outcome, state=PageState.CHANGED, annotation=new, existing=int(existing["id"]))


def _annotations(task: Json) -> tuple[list[Json], list[object]]:
    """Annotations that twinread made and nobody touched, and everybody else's; skipped ones are neither."""
    listed = listed_annotations(task)
    if listed is None:
        return [], [task.get("annotations")]
    submitted = submitted_annotations(task)
    ours = [each for each in submitted if made_in(each) is not None]
    cancelled = [each for each in listed if isinstance(each, dict) and each.get("was_cancelled") is True]
    return ours, [each for each in listed if each not in ours and each not in cancelled]


def _too_late(ours: Sequence[Json], theirs: Sequence[object]) -> tuple[int, ...]:
    """Ours that were made after somebody submitted the page, by a run that had not seen that yet."""
    last = latest(each for each in theirs if isinstance(each, dict))
    if last is None:
        return ()
    return tuple(int(each["id"]) for each in ours if changed_at(each) >= changed_at(last))


def _lines(task: Json, context: PageContext) -> PageLines:
    return page_lines(task, context.project, context.config, context.version, context.rules)


def _outcomes(
    now: Mapping[LineKey, SheetLine], answers: Iterable[Decision], people: int
) -> tuple[LineOutcome, ...]:
    """Where each line stands, in the order of the page; then those that are not there any more."""
    by_line: dict[LineKey, list[Decision]] = {key: [] for key in now}
    for answer in answers:
        by_line.setdefault(answer.line.key, []).append(answer)
    found: list[LineOutcome] = []
    for key, given in by_line.items():
        holds = [each for each in given if key in now and is_same_line(each.line, now[key])]
        if given and not holds:
            found.append(LineOutcome(key, LineState.STALE, tuple(given)))
        else:
            own = _newest_of_each(holds)
            found.append(LineOutcome(key, _STATES[accord(own, people)], own))
    return tuple(found)


def _gone(answers: Sequence[Decision]) -> tuple[LineOutcome, ...]:
    return _outcomes({}, answers, people=1)


def _newest_of_each(answers: Iterable[Decision]) -> tuple[Decision, ...]:
    """Of each person the newest answer, when a line was asked on several sheets; by time."""
    newest: dict[str, Decision] = {}
    for answer in sorted(answers, key=lambda each: (each.at, each.annotation)):
        newest[answer.user or f"annotation {answer.annotation}"] = answer
    return tuple(sorted(newest.values(), key=lambda each: (each.at, each.annotation)))


def _chosen(
    now: Mapping[LineKey, SheetLine], decided: Mapping[LineKey, Sequence[Decision]]
) -> list[tuple[SheetLine, Decision, tuple[str, ...]]]:
    """For each line the answer that stands for it, and who else answered the same.

    The page is named after the person who decided most of its lines; that person's answers come first.
    """
    counted = Counter(answer.user for answers in decided.values() for answer in answers if answer.user)
    person = min(counted, key=lambda user: (-counted[user], user), default="")
    chosen = []
    for key, answers in decided.items():
        own = next((each for each in answers if each.user == person), answers[0])
        others = tuple(sorted(each.user for each in answers if each is not own and each.user))
        chosen.append((now[key], own, others))
    return chosen


_STATES = {
    Accord.AGREED: LineState.DECIDED,
    Accord.WAITING: LineState.WAITING,
    Accord.DISAGREEING: LineState.DISAGREEING,
}

"""What people made of predicted lines: each submitted annotation beside the prediction it began with; pure.

Changed is what differs from the parent prediction, region by region. Label Studio's `origin` proves
neither that a line was changed nor that it was not. A box that was deleted and drawn anew at the same
place is the same line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from backend.label_studio.annotations import Json, moment_of, prediction_of, user_of
from backend.label_studio.region_notes import readings_in
from backend.label_studio.regions import Region, moved, region_quad, regions
from backend.page.lines import Quad, Reading, Verdict
from backend.sheets.made_annotations import Looked, Made, looked_at, made_in
from converters.reviewed.approval import Approval, choose
from converters.reviewed.line_rules import (
    Direction,
    ReviewedLine,
    Rules,
    is_same_place,
    pages_of,
    review,
    text_areas_for,
)
from converters.reviewed.reasons import InDetection, LeftOutReason, TaskReason
from converters.reviewed.region_text import filled_in_of
from converters.reviewed.tasks import task_name

_Place = tuple[int, str, Quad | None]
"""Page, Label Studio's id (empty for none) and box of a line."""


class Decision(Enum):
    """What a person made of a line."""

    APPROVED = "approved"
    ILLEGIBLE = "illegible"
    NOT_TEXT = "not text"
    OPEN = "left open"
    """Still to be decided, or left for later."""
    TEXTLESS = "a line without a text that can be used"
    REMOVED = "removed"
    """Predicted, and gone from the annotation."""
    UNSEEN = "looked at by nobody"
    """On a page of which only some lines were decided on sheets, or that was accepted unseen."""
    OUT = "no line"
    """A shape, label or result that is no line at all."""


@dataclass(frozen=True, slots=True, eq=False)
class ComparedLine:
    """One line as it was predicted and as a person left it.

    region: Label Studio's id.
    predicted: the text that the person found filled in, in plain form, empty for none; None for a line
        that no prediction has, or where the prediction is not known.
    verdict, readings: what each reader said, in their order, and what that came to; None and empty where
        twinread read nothing here. Of a line that a person drew, what was read of it then.
    text: as approved; empty unless `decision` is APPROVED.
    drawn: a person's own line, that no prediction has.
    moved, relabelled: the box or the label is not the predicted one.
    on_sheet: people decided it on a sheet, and nobody opened its page since.
    direction: what people should know of the way in which its text runs; None where there is nothing.
    quad: page pixels; None where it has no shape that can be cropped.
    """

    region: str
    page: int
    decision: Decision
    predicted: str | None = None
    verdict: Verdict | None = None
    readings: tuple[Reading, ...] = ()
    text: str = ""
    drawn: bool = False
    moved: bool = False
    relabelled: bool = False
    on_sheet: bool = False
    direction: Direction | None = None
    quad: Quad | None = None

    @property
    def retyped(self) -> bool:
        """The approved text is not the one that was filled in."""
        return (
            self.decision is Decision.APPROVED and self.predicted is not None and self.predicted != self.text
        )

    @property
    def doubtful(self) -> bool:
        """It was predicted, and its readings did not agree."""
        return not self.drawn and self.verdict not in (None, Verdict.AGREED)

    @property
    def touched(self) -> bool:
        """Anything was done to the line."""
        removed = self.decision is Decision.REMOVED
        return self.retyped or self.moved or self.relabelled or self.drawn or removed


@dataclass(frozen=True, slots=True, eq=False)
class ComparedAnnotation:
    """One person's submitted work on one task.

    user: the annotator's id; empty where it is not known.
    when: the moment of submission; None where it is not known.
    seconds: Label Studio's lead time; None where it is not known.
    language: of the task, as its data says; empty where it does not.
    version: of the prediction that the work began with; None where that prediction is not known.
    made: why twinread made the annotation, of whose page nobody saw the whole; None for a person's.
    """

    user: str
    when: datetime | None
    seconds: float | None
    language: str
    version: str | None
    lines: tuple[ComparedLine, ...]
    made: Made | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ComparedTask:
    """A task's work: the annotation that counts, and the latest one of each other person.

    task: its id, or what takes its place where it has none.
    """

    task: str
    first: ComparedAnnotation
    others: tuple[ComparedAnnotation, ...] = ()


def compare(task: Json, rules: Rules) -> ComparedTask | TaskReason:
    """Compare a task's submitted annotations with the predictions that they began with.

    Args:
        task: as an export or Label Studio's API has it; with the API's its predictions come, too.
        rules: what labels are called, and the labeling config where it is known.

    Returns:
        The work, or why there is none that counts. The annotation that was changed last counts.
    """
    choice = choose(task, Approval("agreeing"))
    if choice.annotation is None:
        return choice.why or TaskReason.NOT_ANNOTATED
    data = task.get("data")
    named = data.get("language") if isinstance(data, dict) else None
    language = named if isinstance(named, str) else ""
    each = [
        _annotation(task, annotation, rules, language)
        for annotation in (choice.annotation, *choice.witnesses)
    ]
    return ComparedTask(task_name(task), each[0], tuple(each[1:]))


def _annotation(task: Json, annotation: Json, rules: Rules, language: str) -> ComparedAnnotation:
    parent = prediction_of(task, annotation)
    seconds = annotation.get("lead_time")
    predicted = regions(parent["result"]) if parent is not None else None
    drawn = regions(annotation.get("result"))
    made = made_in(annotation)
    looked = {region.id: looked_at(region, made) for region in drawn}
    lines: list[ComparedLine] = []
    placed = [*_placed(drawn, rules), *_placed(predicted or [], rules)]
    for page in sorted({page for page, _ in placed}):
        size = next((region.page_size for own, region in placed if own == page and region.page_size), (1, 1))
        before = None
        if predicted is not None:
            before = [region for own, region in _placed(predicted, rules) if own == page]
        by_id = {region.id: region for region in before or ()}
        reviewed = review(annotation, rules, page=page, page_size=size, predicted=by_id, language=language)
        lines += [_looked(line, looked.get(line.region)) for line in _page(reviewed, before, page, rules)]
    return ComparedAnnotation(
        user=user_of(annotation),
        when=moment_of(annotation.get("created_at")),
        seconds=float(seconds) if isinstance(seconds, (int, float)) and seconds > 0 else None,
        language=language,
        version=None if parent is None else str(parent.get("model_version") or ""),
        lines=tuple(lines),
        made=made,
    )


def _looked(line: ComparedLine, at: Looked | None) -> ComparedLine:
    """The line, with what its text is worth: what nobody looked at nobody approved."""
    if at is Looked.NOBODY and line.decision is not Decision.OUT:
        return replace(line, decision=Decision.UNSEEN, text="")
    return replace(line, on_sheet=at is Looked.SHEET)


def _placed(found: Sequence[Region], rules: Rules) -> list[tuple[int, Region]]:
    """Each region with the page that it is on."""
    return list(zip(pages_of(found, rules.config), found, strict=True))


def _page(
    reviewed: Sequence[ReviewedLine], before: list[Region] | None, page: int, rules: Rules
) -> list[ComparedLine]:
    if before is None:
        return [_compared(line, None, page, rules, known=False) for line in reviewed]
    parents = _same_lines(
        [(page, line.region.id, line.quad) for line in reviewed],
        [(page, region.id, _quad(region)) for region in before],
    )
    found = [
        _compared(line, None if parent is None else before[parent], page, rules, known=True)
        for line, parent in zip(reviewed, parents, strict=True)
    ]
    gone = [region for number, region in enumerate(before) if number not in parents]
    return found + [
        _removed(region, page, rules) for region in gone if region.id or region.points is not None
    ]


def _compared(
    line: ReviewedLine, before: Region | None, page: int, rules: Rules, *, known: bool
) -> ComparedLine:
    kept = readings_in(before, line.region)
    compared = ComparedLine(
        line.region.id,
        page,
        _decision(line.why),
        verdict=kept.verdict if kept is not None else None,
        readings=kept.readings if kept is not None else (),
        text=line.written.text if line.why is None else "",
        direction=line.direction if line.why is None else None,
        quad=line.quad,
    )
    if before is None:
        return replace(compared, drawn=known)
    return replace(
        compared,
        predicted=filled_in_of(before, text_areas_for(before, rules)),
        moved=moved(before, line.region),
        relabelled=set(before.labels) != set(line.region.labels),
    )


def _removed(region: Region, page: int, rules: Rules) -> ComparedLine:
    kept = readings_in(region)
    return ComparedLine(
        region.id,
        page,
        Decision.REMOVED,
        filled_in_of(region, text_areas_for(region, rules)),
        verdict=kept.verdict if kept is not None else None,
        readings=kept.readings if kept is not None else (),
        quad=_quad(region),
    )


def _quad(region: Region) -> Quad | None:
    return region_quad(region) if region.points is not None else None


def _decision(why: LeftOutReason | None) -> Decision:
    if why is None:
        return Decision.APPROVED
    named = {
        LeftOutReason.ILLEGIBLE: Decision.ILLEGIBLE,
        LeftOutReason.NOT_TEXT: Decision.NOT_TEXT,
        LeftOutReason.UNDECIDED: Decision.OPEN,
        LeftOutReason.LATER: Decision.OPEN,
        LeftOutReason.NO_SECOND_READING: Decision.OPEN,
        LeftOutReason.TYPED_BESIDE_SECOND: Decision.OPEN,
    }
    return named.get(why, Decision.TEXTLESS if why.in_detection is InDetection.IGNORED else Decision.OUT)


def pairs_of(
    first: ComparedAnnotation, second: ComparedAnnotation
) -> tuple[list[tuple[ComparedLine, ComparedLine]], int]:
    """Match two people's lines of one task, by id or else by place.

    Args:
        first: one person's work.
        second: another's.

    Returns:
        The pairs of lines that both have, each with the first person's line first; and how many lines
        only one of them has.
    """
    ours, theirs = (list(filter(_is_line, work.lines)) for work in (first, second))
    same = _same_lines(
        [(line.page, line.region, line.quad) for line in ours],
        [(line.page, line.region, line.quad) for line in theirs],
    )
    found = [(line, theirs[other]) for line, other in zip(ours, same, strict=True) if other is not None]
    return found, len(ours) + len(theirs) - 2 * len(found)


def _same_lines(ours: Sequence[_Place], theirs: Sequence[_Place]) -> list[int | None]:
    """For each line the number of the other one that is the same: by id, or else at the same place.

    A line that was deleted and drawn anew has another id, and some models' predictions have none at all.
    """
    left = dict(enumerate(theirs))
    by_id = {(page, identity): number for number, (page, identity, _) in left.items() if identity}
    found = [by_id.get((page, identity)) for page, identity, _ in ours]
    # ids come first, all of them: a place may be another's, where two boxes cover one line
    for number in found:
        if number is not None:
            del left[number]
    for place, (page, _, quad) in enumerate(ours):
        if found[place] is None:
            near = (number for number, one in left.items() if one[0] == page and is_same_place(quad, one[2]))
            found[place] = next(near, None)
            if (number := found[place]) is not None:
                del left[number]
    return found


def _is_line(line: ComparedLine) -> bool:
    return line.decision in (Decision.APPROVED, Decision.ILLEGIBLE, Decision.TEXTLESS, Decision.OPEN)

"""What each region of an annotation comes to: an approved line, or a reason why not; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt

from backend.errors import BadRequest
from backend.label_studio.annotations import Json
from backend.label_studio.config_tags import DEFAULT_NAMES, LabelNames
from backend.label_studio.labeling_config import NO_PAGE, LabelingConfig
from backend.label_studio.regions import (
    ProblemKind,
    Region,
    RegionShape,
    is_turned_over,
    region_quad,
    regions,
    runs_to_the_left,
    turned_back,
)
from backend.label_studio.second_reading import LATER, SecondReadingProblem, says_b_is_right, second_reading
from backend.page import geometry
from backend.page.lines import Quad
from backend.text.house_style import TextStyle
from converters.reviewed import tasks
from converters.reviewed.approval import LATEST, Approval
from converters.reviewed.reasons import LeftOutReason
from converters.reviewed.region_text import RegionText, TextAreas, text_in, text_of

ON_PAGE = 0.5
"""Share of a region that must lie on the page; of one that reaches over the edge the crop repeats the
page's last pixels, as the readers saw it."""

SAME_PLACE = 0.5
"""Overlap (intersection over union) from which two annotators' boxes are the same line."""

_SHAPES = {
    RegionShape.ELLIPSE: LeftOutReason.ELLIPSE,
    RegionShape.BRUSH: LeftOutReason.BRUSH,
    RegionShape.OTHER: LeftOutReason.OTHER_SHAPE,
}
_PROBLEMS = {
    ProblemKind.NOT_A_RESULT: LeftOutReason.NOT_A_RESULT,
    ProblemKind.TWO_SHAPES: LeftOutReason.TWO_SHAPES,
    ProblemKind.BAD_LABELS: LeftOutReason.BAD_LABELS,
    ProblemKind.TOO_FEW_POINTS: LeftOutReason.TOO_FEW_POINTS,
    ProblemKind.NO_GEOMETRY: LeftOutReason.BAD_GEOMETRY,
    ProblemKind.BAD_GEOMETRY: LeftOutReason.BAD_GEOMETRY,
    ProblemKind.NO_PAGE_SIZE: LeftOutReason.BAD_GEOMETRY,
}


_OF_SECOND = {
    SecondReadingProblem.MISSING: LeftOutReason.NO_SECOND_READING,
    SecondReadingProblem.TYPED: LeftOutReason.TYPED_BESIDE_SECOND,
}


class Direction(Enum):
    """What there is to say of the way in which a box's text runs.

    Label Studio's editor turns a box by half a turn when a corner is dragged over the opposite one. It looks
    the same to a person, and its crop stands on its head.
    """

    TURNED_BACK = "turned over while they were edited, and cropped in the direction of their prediction"
    UPSIDE_DOWN = "cropped upside down, as they were drawn; no prediction says which way their text runs"


@dataclass(frozen=True, slots=True)
class Rules:
    """How regions are judged.

    names: what the four labels are called.
    labels: only regions with one of these labels, in lower case; None takes every label.
    config: the project's labeling config, where it is known.
    replace_breaks: tabs and line breaks in texts become spaces.
    language: of pages whose task names none.
    style: which marks of readings are written by the house rule.
    """

    approval: Approval = LATEST
    names: LabelNames = DEFAULT_NAMES
    labels: frozenset[str] | None = None
    config: LabelingConfig | None = None
    replace_breaks: bool = False
    # not in the repr, by which an earlier dataset knows its rules: they decide about few lines of few pages
    language: str = field(default="en", repr=False)
    style: TextStyle = field(default="house", repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class ReviewedLine:
    """One region of the annotation that counts.

    written: what it says, as it is written into a dataset.
    quad: what the crop is cut by; None where the shape cannot be cropped.
    points: the shape as it was drawn, moved onto the page, (n, 2) page pixels; None likewise. Of
        a polygon whose sides cross, four corners are brought into order, and more give way to the quad.
    why: why it is out of recognition; None for an approved line.
    direction: what people should know of the way in which its text runs; None where there is nothing.
    """

    region: Region
    written: RegionText
    why: LeftOutReason | None
    quad: Quad | None = None
    points: npt.NDArray[np.float32] | None = None
    direction: Direction | None = None


def review(
    annotation: Json,
    rules: Rules,
    *,
    page: int = 0,
    page_size: tuple[int, int],
    witnesses: Sequence[Json] = (),
    predicted: Mapping[str, Region] | None = None,
    language: str = "",
) -> list[ReviewedLine]:
    """What each region of one page comes to, in the order of the annotation.

    Args:
        annotation: the one that counts.
        rules: how to judge.
        page: which page of the task, from 0; `NO_PAGE` for regions that are on none.
        page_size: width and height of the upright page, pixels.
        witnesses: other users' annotations, for the rule "agreeing".
        predicted: the regions of the prediction that the work began with, by id; None where it is not known.
        language: of the page, as its task names it; empty for that of the rules.
    """
    if language:
        rules = replace(rules, language=language)
    here = on_page(annotation, rules, page, page_size)
    if page == NO_PAGE:
        return [ReviewedLine(region, _written(region, rules), LeftOutReason.NO_SUCH_IMAGE) for region in here]
    lines = [_judge(region, rules, page_size, predicted or {}) for region in here]
    if rules.approval.rule != "agreeing":
        return lines
    opinions = [
        [_judge(region, rules, page_size) for region in on_page(witness, rules, page, page_size)]
        for witness in witnesses
    ]
    return [_confirmed(line, opinions) for line in lines]


def on_page(
    annotation: Json, rules: Rules, page: int, page_size: tuple[int, int] | None = None
) -> list[Region]:
    """The regions of an annotation that lie on one page of its task.

    Args:
        annotation: as it stands in an export.
        rules: hold the labeling config, which says what is on which page.
        page: of the task, from 0.
        page_size: width and height of the upright page in pixels; None takes what Label Studio recorded.
    """
    found = regions(annotation.get("result"), page_size)
    return [region for region, own in zip(found, pages_of(found, rules.config), strict=True) if own == page]


def pages_of(found: Sequence[Region], config: LabelingConfig | None) -> list[int]:
    """Which page of its task each region of an annotation is on, from 0; `NO_PAGE` where nobody can tell.

    Without a config a region's index says so. It does not where the regions are on images of several names:
    which name is which image only the config knows.

    Args:
        found: all regions of an annotation or prediction.
        config: the labeling config, where it is known.
    """
    if config is not None:
        return [config.page_of(region) for region in found]
    if len({region.to_name for region in found if region.to_name}) > 1:
        return [NO_PAGE] * len(found)
    return [region.item_index or 0 for region in found]


def references_of(
    data: Mapping[str, Any], config: LabelingConfig | None, image_field: str | None
) -> tuple[str | None, ...]:
    """The images of a task, one per page; None for an Image tag that the task has no image for.

    Args:
        data: the task's data.
        config: names the fields, where it is known.
        image_field: names the one that is wanted, and wins.

    Raises:
        BadRequest: there is none, or several fields could be it.
    """
    if config is None or not config.others:
        return tasks.references_of(data, config, image_field)
    images = (config, *config.others)
    if image_field is not None and image_field not in {image.data_field for image in images}:
        raise BadRequest(
            f"No Image tag of the labeling config shows the field {image_field} (--image-field); it shows "
            f"{', '.join(image.data_field for image in images)}. Leave --image-field out for all of them."
        )
    return tuple(
        reference if image_field in (None, image.data_field) else None
        for image, reference in zip(images, config.images_there(data), strict=True)
    )


def _judge(
    region: Region, rules: Rules, page_size: tuple[int, int], predicted: Mapping[str, Region] | None = None
) -> ReviewedLine:
    """A region's shape first, then what its labels say, then its text."""
    before = (predicted or {}).get(region.id) if region.id else None
    direction = _direction(region, before)
    if direction is Direction.TURNED_BACK:
        region = turned_back(region)
    written = _written(region, rules)
    shape = _unreadable(region, page_size)
    if shape is not None or region.points is None:
        return ReviewedLine(region, written, shape or LeftOutReason.BAD_GEOMETRY)
    quad = region_quad(region)
    if geometry.is_degenerate(quad):
        return ReviewedLine(region, written, LeftOutReason.TOO_SMALL)
    if geometry.share_on_page(quad, *page_size) < ON_PAGE:
        return ReviewedLine(region, written, LeftOutReason.OFF_PAGE)
    outline = region.points
    if region.shape is not RegionShape.RECTANGLE and geometry.crosses_itself(outline):
        # PaddleOCR passes over what encloses nothing
        outline = geometry.own_order(outline) if len(outline) == 4 else quad
    points = geometry.clamp(outline, *page_size)
    why = _by_labels(region, rules, written)
    if why is None and written.why is not LeftOutReason.BAD_TEXT and _is_in_doubt(region, rules):
        written, why = _second(region, rules, before)
    return ReviewedLine(region, written, why or written.why, quad, points, direction)


def _second(region: Region, rules: Rules, before: Region | None) -> tuple[RegionText, LeftOutReason | None]:
    """What a line says that a person called right in its second reading, or why it says nothing."""
    areas = text_areas_for(region, rules)
    typed = [text for answer in areas.answers_of(region) for text in answer.texts]
    filled_in = None
    if before is not None:
        filled_in = [text for answer in areas.answers_of(before) for text in answer.texts]
    found = second_reading(region, typed, language=rules.language, style=rules.style, filled_in=filled_in)
    if isinstance(found, SecondReadingProblem):
        return RegionText("", "\n".join(typed)), _OF_SECOND[found]
    return text_of(found), None


def _written(region: Region, rules: Rules) -> RegionText:
    """What a region says in the TextArea of its own page."""
    return text_in(region, text_areas_for(region, rules), replace_breaks=rules.replace_breaks)


def text_areas_for(region: Region, rules: Rules) -> TextAreas:
    """Which TextAreas hold the transcription of a region: those that are named, and the config's own."""
    named = frozenset(rules.names.text_areas)
    if rules.config is None:
        return TextAreas(named, only=bool(named))
    config = rules.config.on_page(rules.config.page_of(region))
    return TextAreas(named | {config.text_name}, config.other_texts)


def _direction(region: Region, before: Region | None) -> Direction | None:
    """Of a box that was predicted, the prediction's direction stands; else its own, which may need a look."""
    if before is not None and is_turned_over(before, region):
        return Direction.TURNED_BACK
    if before is None and runs_to_the_left(region):
        return Direction.UPSIDE_DOWN
    return None


def _unreadable(region: Region, page_size: tuple[int, int]) -> LeftOutReason | None:
    for problem in region.problems:
        if problem.kind in _PROBLEMS:
            return _PROBLEMS[problem.kind]
    if region.shape in _SHAPES:
        return _SHAPES[region.shape]
    if region.page_size is not None and _other_shape(region.page_size, page_size):
        return LeftOutReason.OTHER_PAGE
    return None


def _other_shape(recorded: tuple[int, int], found: tuple[int, int]) -> bool:
    """The picture that was drawn on cannot have been this one, not even at another size."""
    scale = found[0] / recorded[0]
    return abs(recorded[1] * scale - found[1]) > max(0.01 * found[1], scale, 1)


def is_same_place(first: Quad | None, second: Quad | None) -> bool:
    """Whether two boxes are the same line: they overlap by `SAME_PLACE` or more; no box is nowhere."""
    if first is None or second is None:
        return False
    return geometry.intersection_over_union(first, second) >= SAME_PLACE


def _by_labels(region: Region, rules: Rules, written: RegionText) -> LeftOutReason | None:
    """What a person said of the line by its labels."""
    names = rules.names
    text, illegible, not_text = names.text, names.illegible, names.not_text
    if rules.config is not None:
        of = rules.config.labels_of(region.from_name)
        text, illegible, not_text = of.text, of.illegible or illegible, of.not_text or not_text
    given = {label.casefold() for label in region.labels}
    if not_text.casefold() in given:
        return LeftOutReason.NOT_TEXT
    if illegible.casefold() in given:
        return LeftOutReason.ILLEGIBLE
    if _is_in_doubt(region, rules):
        if any(choice == LATER for _, choice in region.choices):
            return LeftOutReason.LATER
        if not says_b_is_right(region):
            return LeftOutReason.UNDECIDED
        # decided: it counts as a line that is ready
        given = {text.casefold()}
    silent = written.why in (LeftOutReason.NO_TEXT, LeftOutReason.BLANK)
    wanted = rules.labels if rules.labels is not None else frozenset({text.casefold()})
    if given and not given & wanted and silent:
        return LeftOutReason.NOT_A_LINE
    if rules.labels is not None and not given & rules.labels:
        return LeftOutReason.OTHER_LABEL
    return None


def _is_in_doubt(region: Region, rules: Rules) -> bool:
    """Whether the label of a line says that a person must decide."""
    check = rules.names.check
    if rules.config is not None:
        of = rules.config.labels_of(region.from_name)
        check = of.check if of.has_check_label else check
    return check.casefold() in {label.casefold() for label in region.labels}


def _confirmed(line: ReviewedLine, opinions: Sequence[Sequence[ReviewedLine]]) -> ReviewedLine:
    """The line, if somebody else approved the same text at the same place."""
    if line.why is not None:
        return line
    if not opinions:
        return _left_out(line, LeftOutReason.UNCONFIRMED)
    agreed = any(
        other.why is None and other.written.text == line.written.text and is_same_place(line.quad, other.quad)
        for opinion in opinions
        for other in opinion
    )
    return line if agreed else _left_out(line, LeftOutReason.CONTRADICTED)


def _left_out(line: ReviewedLine, why: LeftOutReason) -> ReviewedLine:
    return replace(line, why=why)

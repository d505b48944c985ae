"""Label Studio results → regions in page pixels: what a person or a model drew, and its text.

Label Studio keeps one region as several results with one id (shape, labels, text, choices), each
repeating the geometry in percent. People, imports and old configs leave everything there: a text as
a string, no id, no size, a shape without points. Nothing here raises; what cannot be read is a
region that names its problem, so that whoever counts regions can account for each.

Results that stand for no region are left out by name: relations, and answers about the whole task
(choices, a text area, a rating, … without geometry).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from backend.label_studio import percent, result_fields
from backend.label_studio.result_fields import Problem, ProblemKind, RegionShape, Result, Size, TextAnswer
from backend.page import geometry
from backend.page.lines import Quad

__all__ = [
    "MOVED",
    "Problem",
    "ProblemKind",
    "Region",
    "RegionShape",
    "TextAnswer",
    "is_turned_over",
    "moved",
    "region_quad",
    "regions",
    "runs_to_the_left",
    "turned_back",
]

MOVED = 1.0
"""Pixels from which a corner counts as moved. What a prediction loses by being stored (percent with six
digits, degrees with four) is 0.01 pixel on a page of 10,000, and Label Studio's editor gives back
what it was given: after a submission and three edits of the texts every corner of three boxes was where it
had been, to the last digit. From one pixel on a crop can have another width, and the readers another text."""

WHOLE = 0.01
"""Pixels within which a coordinate is taken for a whole number: percent and back makes 301.9999 out of 302,
and the crop would lose a pixel."""

SAME_RECTANGLE = 1.5
"""Pixels by which the corners of a polygon may miss its smallest rectangle, which PaddleOCR finds after it
dropped the fractions of pixels; such a polygon is a detector's quad, and is cropped by its own corners."""

HALF_TURN = math.cos(math.radians(150))
"""Cosine of the angle from which two directions are about half a turn apart: within 30 degrees of it. A
person who turned a box by a quarter, for a line that runs up or down, is far from it."""

RELATION = "relation"
"""A result that joins two regions, and is none."""


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """One region of an annotation or prediction, as it stands; nothing is clamped, joined or cut.

    id: Label Studio's region id; empty where it has none.
    shape: what was drawn.
    points: (n, 2) float32, page pixels. A rectangle has its four corners clockwise from the text's
        own top-left; a polygon its points in the order of the clicks. None for other shapes and
        where a problem says why. Points may lie outside the page.
    labels: in order, without repetition.
    answers: one per TextArea that has a result here.
    choices: (from_name, choice) of every choice made for this region.
    score: 0 to 1 where a model gave one.
    meta: what the results hold under `meta`, merged.
    origin: Label Studio's word; it proves nothing, compare with the parent prediction.
    from_name, to_name: the tag that drew it, and the image that it is on.
    page_size: the size that Label Studio recorded for the page.
    item_index: the page's index in a task of several images.
    problems: what could not be read.
    results: the results that make up the region, as they came.
    """

    id: str
    shape: RegionShape
    points: npt.NDArray[np.float32] | None
    labels: tuple[str, ...] = ()
    answers: tuple[TextAnswer, ...] = ()
    choices: tuple[tuple[str, str], ...] = ()
    score: float | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    origin: str | None = None
    from_name: str = ""
    to_name: str = ""
    page_size: Size | None = None
    item_index: int | None = None
    problems: tuple[Problem, ...] = ()
    results: tuple[Result, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """Every string of every TextArea, in order."""
        return tuple(text for answer in self.answers for text in answer.texts)


def regions(result: object, page_size: Size | None = None) -> list[Region]:
    """Group the results of one annotation or prediction into regions.

    Args:
        result: the `result` of an annotation, a prediction or an interactive request.
        page_size: width and height of the upright page, which the percent are of; without it each
            region's own recorded size is taken.

    Returns:
        Regions in the order in which each first appears. Results without an id belong together
        where their geometry is the same. An item that is no result is a region of its own with
        the problem NOT_A_RESULT. Never raises.
    """
    if result is None:
        return []
    if not isinstance(result, list):
        return [_not_a_result(result)]
    groups: dict[object, list[object]] = {}
    for position, item in enumerate(result):
        if not isinstance(item, dict):
            groups[position] = [item]
        elif result_fields.name_in(item, "type") != RELATION:
            groups.setdefault(_key(item, position), []).append(item)
    found: list[Region] = []
    for items in groups.values():
        parts = [item for item in items if isinstance(item, dict)]
        if not parts:
            found.append(_not_a_result(items[0]))
        elif not _answers_for_the_task(parts):
            found.append(_region(parts, page_size))
    return found


def moved(before: Region, after: Region) -> bool:
    """Whether a corner of a region moved by `MOVED` pixels or more.

    Args:
        before: the region as it was predicted.
        after: the same region as a person left it.

    Returns:
        True as well where the two have not the same number of points, or one of them has none.
    """
    if before.points is None or after.points is None or before.points.shape != after.points.shape:
        return True
    return bool(np.abs(after.points - before.points).max() >= MOVED)


def is_turned_over(before: Region, after: Region) -> bool:
    """Whether a rectangle runs about the other way round than it was predicted.

    Label Studio's editor turns a rectangle by half a turn when a corner is dragged over the opposite one:
    the box looks as it should, and its text would be read upside down.

    Args:
        before: the region as it was predicted.
        after: the same region as a person left it.
    """
    first, second = _direction(before), _direction(after)
    return first is not None and second is not None and float(first @ second) <= HALF_TURN


def runs_to_the_left(region: Region) -> bool:
    """Whether the text of a rectangle would stand on its head: its own direction is about the page's left."""
    direction = _direction(region)
    return direction is not None and float(direction[0]) <= HALF_TURN


def turned_back(region: Region) -> Region:
    """The same rectangle with its text running the other way: the same place, in points and in results."""
    if region.points is None:
        return region
    results = tuple(_turned_back(result, region.page_size) for result in region.results)
    return replace(region, points=np.roll(region.points, 2, axis=0), results=results)


def region_quad(region: Region) -> Quad:
    """The quad that a rectangle or polygon is cropped by, for the readers and for the export alike.

    A rectangle's own corners; a polygon's smallest rectangle, as PaddleOCR crops it, but the four corners
    of a polygon that is a rectangle but for rounding, as a detector's quads are, stay as they are.

    Returns:
        (4, 2) float32, page pixels, clockwise from the text's own top-left corner; nothing is clamped.

    Raises:
        ValueError: the region has no points.
    """
    if region.points is None:
        raise ValueError("a region without points has no quad")
    whole = np.rint(region.points)
    points = np.where(np.abs(region.points - whole) < WHOLE, whole, region.points).astype(np.float32)
    if region.shape is RegionShape.RECTANGLE:
        return points
    smallest = geometry.minimum_area_quad(points)
    if len(points) == 4:
        own = geometry.own_order(points)
        if np.abs(own - smallest).max() <= SAME_RECTANGLE:
            return own
    return smallest


def _direction(region: Region) -> npt.NDArray[np.float64] | None:
    """The way in which a rectangle's text runs, of length 1; None for other shapes and where it has none."""
    if region.shape is not RegionShape.RECTANGLE or region.points is None:
        return None
    along = region.points[1].astype(np.float64) - region.points[0]
    length = float(np.hypot(*along))
    return along / length if length > 0 else None


def _turned_back(result: Result, page_size: Size | None) -> Result:
    """A result of a rectangle, turned about its middle by half a turn."""
    value = result_fields.value_of(result)
    numbers = result_fields.rectangle_in(value)
    if numbers is None or page_size is None:
        return result
    return {**result, "value": {**value, **percent.turned_back(numbers, *page_size)}}


def _key(item: Result, position: int) -> object:
    """What the results of one region have in common: the id, else page and geometry."""
    identity = result_fields.name_in(item, "id")
    if identity:
        return identity
    if not result_fields.has_geometry(item):
        return position
    return (
        result_fields.name_in(item, "to_name"),
        result_fields.index_in(item),
        result_fields.geometry_of(item),
    )


def _answers_for_the_task(parts: Sequence[Result]) -> bool:
    return all(
        result_fields.name_in(part, "type") in result_fields.ANSWERS and not result_fields.has_geometry(part)
        for part in parts
    )


def _region(parts: Sequence[Result], page_size: Size | None) -> Region:
    problems: list[Problem] = []
    meta = result_fields.meta_of(parts)
    drawn = _drawn(parts, problems)
    shape = result_fields.shape_of(drawn)
    recorded = result_fields.size_of((drawn, *parts))
    points = None
    if not result_fields.has_geometry(drawn):
        kind = ProblemKind.NO_GEOMETRY if result_fields.name_in(drawn, "type") else ProblemKind.NOT_A_RESULT
        problems.append(Problem(kind, result_fields.short_repr(drawn)))
    elif shape in (RegionShape.RECTANGLE, RegionShape.POLYGON):
        points = result_fields.points_of(shape, drawn, meta, page_size or recorded, problems)
    return Region(
        id=result_fields.name_in(drawn, "id"),
        shape=shape,
        points=points,
        labels=result_fields.labels_of(parts, problems),
        answers=result_fields.answers_of(parts, problems),
        choices=result_fields.choices_of(parts, problems),
        score=result_fields.score_of(parts),
        meta=meta,
        origin=result_fields.name_in(drawn, "origin") or None,
        from_name=result_fields.name_in(drawn, "from_name"),
        to_name=result_fields.name_in(drawn, "to_name"),
        page_size=recorded,
        item_index=result_fields.index_in(drawn),
        problems=tuple(problems),
        results=tuple(parts),
    )


def _drawn(parts: Sequence[Result], problems: list[Problem]) -> Result:
    """The result that holds the shape: a drawing tag's, else the first one with geometry."""
    shapes = [part for part in parts if result_fields.draws(part)]
    apart = {(result_fields.shape_of(part).value, result_fields.geometry_of(part)) for part in shapes}
    if len(apart) > 1:
        problems.append(Problem(ProblemKind.TWO_SHAPES, ", ".join(sorted(kind for kind, _ in apart))))
    return next(iter(shapes), None) or next(filter(result_fields.has_geometry, parts), parts[0])


def _not_a_result(item: object) -> Region:
    problem = Problem(ProblemKind.NOT_A_RESULT, result_fields.short_repr(item))
    return Region("", RegionShape.OTHER, None, problems=(problem,))

"""Reads the fields of one Label Studio result: its names, numbers, geometry, labels and text.

Results that people, imports and old configs made may hold anything: a number as a string, a text without a
list, a shape without points. These functions return what can be read, add a `Problem` for the rest, and
never raise. `regions` puts the results of a region together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from backend.label_studio import percent

Result: TypeAlias = Mapping[str, Any]
"""An object of the `result` list."""

Size: TypeAlias = tuple[int, int]
"""Width and height in pixels."""

MAX_COORDINATE = 1e6
"""Percent or pixels. Larger numbers are garbage; the limit keeps all arithmetic finite."""


class RegionShape(Enum):
    """The shape of a region."""

    RECTANGLE = "rectangle"
    POLYGON = "polygon"
    ELLIPSE = "ellipse"
    BRUSH = "brush"
    """A painted mask (brush, bitmask, magic wand)."""
    OTHER = "other"
    """Key points, vectors, spans of text, and whatever cannot be recognised."""


class ProblemKind(Enum):
    """Why something in a region cannot be read."""

    NOT_A_RESULT = "not a result"
    NO_GEOMETRY = "no geometry"
    BAD_GEOMETRY = "bad geometry"
    TOO_FEW_POINTS = "too few points"
    NO_PAGE_SIZE = "no page size"
    TWO_SHAPES = "two shapes under one id"
    BAD_LABELS = "bad labels"
    BAD_TEXT = "bad text"
    BAD_CHOICE = "bad choice"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that could not be read; `detail` is the beginning of it, or says more."""

    kind: ProblemKind
    detail: str = ""


@dataclass(frozen=True, slots=True)
class TextAnswer:
    """The text that one TextArea holds for a region, unchanged.

    texts: its strings, in order; several where a person added more than one.
    as_list: False where Label Studio stored one string, or null, instead of a list.
    """

    from_name: str
    texts: tuple[str, ...]
    as_list: bool = True


ANSWERS = frozenset(
    {"textarea", "choices", "taxonomy", "number", "rating", "datetime", "ranker", "pairwise", "chat"}
)
"""Types of results that belong to the whole task if they have no geometry."""

_TYPES = {
    f"{name}{suffix}": shape
    for name, shape in {
        "rectangle": RegionShape.RECTANGLE,
        "polygon": RegionShape.POLYGON,
        "ellipse": RegionShape.ELLIPSE,
        "brush": RegionShape.BRUSH,
        "bitmask": RegionShape.BRUSH,
        "keypoint": RegionShape.OTHER,
        "vector": RegionShape.OTHER,
    }.items()
    for suffix in ("", "labels")
}
_RECTANGLE = ("x", "y", "width", "height")
_GEOMETRY = frozenset({"x", "y", "points", "rle", "vertices", "imageDataURL", "start", "end"})


def draws(item: Result) -> bool:
    """Whether it is the result of a drawing tag, with geometry."""
    return name_in(item, "type") in _TYPES and has_geometry(item)


def has_geometry(item: Result) -> bool:
    """Whether its value says where on the image (or in the text) it is."""
    return not _GEOMETRY.isdisjoint(value_of(item))


def geometry_of(item: Result) -> str:
    """Its geometry as a string, to be compared."""
    value = value_of(item)
    return safe_repr([value.get(key) for key in (*_RECTANGLE, "rotation", "points", "radiusX", "radiusY")])


def shape_of(drawn: Result) -> RegionShape:
    """The shape, by the result's type; of a text or label without a drawing tag's result, by its geometry."""
    by_type = _TYPES.get(name_in(drawn, "type"))
    if by_type is not None:
        return by_type
    value = value_of(drawn)
    if "points" in value:
        return RegionShape.POLYGON
    if "rle" in value or "imageDataURL" in value:
        return RegionShape.BRUSH
    if "radiusX" in value:
        return RegionShape.ELLIPSE
    return RegionShape.RECTANGLE if "width" in value and "height" in value else RegionShape.OTHER


def points_of(
    shape: RegionShape, drawn: Result, meta: Result, size: Size | None, problems: list[Problem]
) -> npt.NDArray[np.float32] | None:
    """The corners of a rectangle or the points of a polygon, in page pixels.

    Args:
        shape: the shape of the region.
        drawn: the result that holds the geometry.
        meta: the region's meta, for the corner where the text begins.
        size: width and height of the upright page in pixels; None where nobody recorded it.
        problems: a problem is added here where None is returned.

    Returns:
        (n, 2) float32, page pixels, a rectangle clockwise from the text's own top-left; None where they
        cannot be read, or the shape is another.
    """
    value = value_of(drawn)
    numbers = rectangle_in(value) if shape is RegionShape.RECTANGLE else None
    pairs = _pairs_in(value.get("points")) if shape is RegionShape.POLYGON else None
    if numbers is None and pairs is None:
        problems.append(Problem(ProblemKind.BAD_GEOMETRY, short_repr(value)))
    elif pairs is not None and len(pairs) < 3:
        problems.append(Problem(ProblemKind.TOO_FEW_POINTS, f"{len(pairs)} of at least 3"))
    elif size is None:
        problems.append(Problem(ProblemKind.NO_PAGE_SIZE, "percent of an unknown size"))
    elif pairs is not None:
        return percent.polygon_points(pairs, *size)
    elif numbers is not None:
        return percent.rectangle_points(numbers, meta, *size)
    return None


def rectangle_in(value: Result) -> list[float] | None:
    """x, y, width and height in percent and rotation in degrees; None where one of them is no number."""
    numbers = [_number(value.get(key)) for key in _RECTANGLE]
    rotation = value.get("rotation")
    numbers.append(0.0 if rotation is None else _number(rotation))
    read = [number for number in numbers if number is not None]
    return read if len(read) == len(numbers) else None


def _pairs_in(points: object) -> list[list[float]] | None:
    if not isinstance(points, list) or not all(
        isinstance(point, list) and len(point) == 2 for point in points
    ):
        return None
    pairs = [[number for number in map(_number, point) if number is not None] for point in points]
    return pairs if all(len(pair) == 2 for pair in pairs) else None


def labels_of(items: Iterable[Result], problems: list[Problem]) -> tuple[str, ...]:
    """The labels of a region, in order, without repetition; what cannot be read is added to `problems`."""
    labels: list[str] = []
    for item in items:
        for key, given in value_of(item).items():
            if str(key).endswith("labels"):
                labels += _strings(given, ProblemKind.BAD_LABELS, problems)
    return tuple(dict.fromkeys(labels))


def answers_of(items: Iterable[Result], problems: list[Problem]) -> tuple[TextAnswer, ...]:
    """The texts of a region, one per TextArea result; what cannot be read is added to `problems`."""
    answers = []
    for item in items:
        if name_in(item, "type") == "textarea":
            given = value_of(item).get("text")
            texts = tuple(_strings(given, ProblemKind.BAD_TEXT, problems))
            answers.append(TextAnswer(name_in(item, "from_name"), texts, isinstance(given, list)))
    return tuple(answers)


def choices_of(items: Iterable[Result], problems: list[Problem]) -> tuple[tuple[str, str], ...]:
    """The choices for a region, as (name of the Choices tag, choice); see `labels_of` for `problems`."""
    return tuple(
        (name_in(item, "from_name"), choice)
        for item in items
        for choice in _strings(value_of(item).get("choices"), ProblemKind.BAD_CHOICE, problems)
    )


def _strings(given: object, kind: ProblemKind, problems: list[Problem]) -> list[str]:
    """The strings of a list, or a single string; null gives none, anything else is a problem."""
    listed = given if isinstance(given, list) else [] if given is None else [given]
    if any(not isinstance(string, str) for string in listed):
        problems.append(Problem(kind, short_repr(given)))
    return [string for string in listed if isinstance(string, str)]


def meta_of(items: Iterable[Result]) -> dict[str, Any]:
    """A region's meta; Label Studio merges the `meta` of its results."""
    merged: dict[str, Any] = {}
    for item in items:
        meta = item.get("meta")
        if isinstance(meta, dict):
            merged.update(meta)
    return merged


def value_of(item: Result) -> Result:
    """The result's `value`; empty where it is no object."""
    value = item.get("value")
    return value if isinstance(value, dict) else {}


def name_in(item: Result, key: str) -> str:
    """An id, type or name of the result; a number in place of a string counts as its digits."""
    name = item.get(key)
    return name if isinstance(name, str) else str(name) if isinstance(name, int) else ""


def index_in(item: Result) -> int | None:
    """The index of the page, in a task of several images."""
    index = item.get("item_index")
    return index if isinstance(index, int) and not isinstance(index, bool) and index >= 0 else None


def score_of(items: Iterable[Result]) -> float | None:
    """The first score that any of a region's results has."""
    return next((score for item in items if (score := _number(item.get("score"))) is not None), None)


def size_of(items: Iterable[Result]) -> Size | None:
    """The page's size, from the first of a region's results that records it."""
    for item in items:
        width, height = _number(item.get("original_width")), _number(item.get("original_height"))
        if width and height and width >= 1 and height >= 1:
            return round(width), round(height)
    return None


def _number(value: object) -> float | None:
    """A finite number of sensible size, also from a string; None otherwise."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) <= MAX_COORDINATE else None


def short_repr(value: object) -> str:
    """The beginning of a value's repr, for a message."""
    text = safe_repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"


def safe_repr(value: object) -> str:
    """A value's repr, also where it is nested too deep for Python's own."""
    try:
        return repr(value)
    except RecursionError:
        return f"a deeply nested {type(value).__name__}"

"""Converts page pixels to Label Studio's percent and back; no other module computes in percent.

Label Studio describes a rectangle by its first corner, its sides and a clockwise rotation about that
corner: x and width in percent of the page's width, y and height in percent of its height, also where the
rectangle is turned. A polygon is a list of points in percent. Pixels are page pixels, with the origin at
the top left of the upright page.

Label Studio keeps a side below zero, too: its editor stores one when a corner was dragged over its
neighbour, and its API checks none. Such a rectangle covers what it would cover with both sides turned
positive, and its text runs as its rotation says.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from backend.page import geometry
from backend.page.geometry import RotatedRectangle
from backend.page.lines import Quad

FIRST_CORNER = "first_corner"
"""Key in a rectangle's meta: the corner where the text begins, counted clockwise from the first one."""

OFF_PAGE_TOLERANCE = 0.1
"""A line may begin off the page by this share of its height, and is cut there. The other way, turning it
about another corner, makes Label Studio write its label upside down."""

MAX_UNSEEN_MOVE = 0.1
"""Pixels; nobody sees a corner that moves by so little."""


def polygon_value(quad: Quad, width: int, height: int) -> dict[str, Any]:
    """The four corners as a closed polygon; a corner outside the page is moved to its edge.

    Args:
        quad: (4, 2) float32, page pixels.
        width: of the page, pixels.
        height: of the page, pixels.

    Returns:
        `points` in percent, 0 to 100, and `closed`, as they go into a result's `value`.
    """
    return {"points": [[_percent(x, width), _percent(y, height)] for x, y in quad.tolist()], "closed": True}


def polygon_points(pairs: Sequence[Sequence[float]], width: int, height: int) -> npt.NDArray[np.float32]:
    """The points of a polygon in page pixels.

    Args:
        pairs: x and y in percent.
        width: of the page, pixels.
        height: of the page, pixels.

    Returns:
        (n, 2) float32, page pixels.
    """
    return (np.array(pairs) * [width / 100, height / 100]).astype(np.float32)


def rectangle_value(quad: Quad, width: int, height: int) -> tuple[dict[str, float], dict[str, int]]:
    """The smallest rectangle around a quad, with numbers that Label Studio accepts.

    A turned line that is longer than the page is wide would be wider than 100 percent. The same box
    may fit when it is turned about another of its corners; the meta then notes where its text begins.
    Where that fails too, the first corner is moved to the nearest point of the page, the opposite
    corner stays, and no side is longer than the page's own or shorter than a pixel. The form that
    moves the corners least is taken, except that a box that begins only a little off the page, as a
    detector's may at the edge, keeps its own first corner (`OFF_PAGE_TOLERANCE`).

    Args:
        quad: (4, 2) float32, page pixels, clockwise from the text's own top-left corner.
        width: of the page, pixels.
        height: of the page, pixels.

    Returns:
        A result's `value` (x, y, width, height in 0 to 100, rotation in [0, 360) degrees clockwise),
        and its `meta`: `FIRST_CORNER`, or nothing.
    """
    rectangle = geometry.rectangle_of(quad)
    corners = geometry.rectangle_corners(rectangle)

    def candidate(start: int) -> tuple[float, int, RotatedRectangle]:
        turned = np.roll(corners, -start, axis=0)
        cut = _cut(turned, (rectangle.angle + 90 * start) % 360, width, height)
        moved = float(np.abs(geometry.rectangle_corners(cut) - turned).max())
        return round(moved, 1), start, cut

    moved, start, cut = candidate(0)
    if moved > MAX_UNSEEN_MOVE:
        outside = float(np.abs(corners[0] - geometry.clamp(corners, width, height)[0]).max())
        fits = rectangle.width <= width and rectangle.height <= height
        if not (fits and outside <= OFF_PAGE_TOLERANCE * rectangle.height):
            candidates = [(moved, start, cut), *map(candidate, (1, 2, 3))]
            _, start, cut = min(candidates, key=lambda choice: choice[:2])
    value = {
        "x": _percent(cut.x, width),
        "y": _percent(cut.y, height),
        "width": _percent(cut.width, width),
        "height": _percent(cut.height, height),
        # 359.99999 is rounded to 360, which Label Studio refuses
        "rotation": round(cut.angle, 4) % 360,
    }
    return value, {FIRST_CORNER: 4 - start} if start else {}


def rectangle_points(
    numbers: Sequence[float], meta: Mapping[str, Any], width: int, height: int
) -> npt.NDArray[np.float32]:
    """The corners of a rectangle, (4, 2) page pixels, clockwise from the text's own top-left.

    Args:
        numbers: x, y, width, height in percent, and rotation in degrees clockwise.
        meta: the region's meta, which may have `FIRST_CORNER`.
        width: of the page, pixels.
        height: of the page, pixels.
    """
    x, y, along, across, rotation = numbers
    # turned in pixels: on a page that is not square, a turn in percent would skew the box
    corners = geometry.rectangle_corners(
        _with_positive_sides(
            RotatedRectangle(
                x * width / 100, y * height / 100, along * width / 100, across * height / 100, rotation % 360
            )
        )
    )
    start = meta.get(FIRST_CORNER)
    return np.roll(corners, -start, axis=0) if start in (1, 2, 3) else corners


def turned_back(numbers: Sequence[float], width: int, height: int) -> dict[str, float]:
    """The fields of a rectangle's value that cover the same place, turned by half a turn about its middle.

    Args:
        numbers: x, y, width, height in percent, and rotation in degrees clockwise.
        width: of the page, pixels.
        height: of the page, pixels.
    """
    corners = rectangle_points(numbers, {}, width, height).astype(np.float64)
    _, _, along, across, rotation = numbers
    return {
        "x": round(100 * float(corners[2, 0]) / width, 6),
        "y": round(100 * float(corners[2, 1]) / height, 6),
        "width": abs(along),
        "height": abs(across),
        "rotation": (rotation + 180) % 360,
    }


def _with_positive_sides(drawn: RotatedRectangle) -> RotatedRectangle:
    """The same place with sides that are not negative; the first corner moves, the direction stays."""
    turn = math.radians(drawn.angle)
    along, across = min(drawn.width, 0.0), min(drawn.height, 0.0)
    return RotatedRectangle(
        x=drawn.x + along * math.cos(turn) - across * math.sin(turn),
        y=drawn.y + along * math.sin(turn) + across * math.cos(turn),
        width=abs(drawn.width),
        height=abs(drawn.height),
        angle=drawn.angle,
    )


def _cut(corners: Quad, angle: float, width: int, height: int) -> RotatedRectangle:
    """The rectangle from the first corner, moved onto the page, to the third."""
    first = np.clip(np.asarray(corners[0], dtype=np.float64), 0, [width, height])
    diagonal = np.asarray(corners[2], dtype=np.float64) - first
    turn = math.radians(angle)
    along = float(diagonal @ [math.cos(turn), math.sin(turn)])
    across = float(diagonal @ [-math.sin(turn), math.cos(turn)])
    return RotatedRectangle(
        x=float(first[0]),
        y=float(first[1]),
        width=min(max(along, 1.0), float(width)),
        height=min(max(across, 1.0), float(height)),
        angle=angle,
    )


def _percent(pixels: float, side: int) -> float:
    """Percent of a side, limited to 0 to 100: Label Studio refuses 100.0000001."""
    return min(100.0, max(0.0, round(100 * pixels / side, 6)))

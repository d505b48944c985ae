"""Page pixels ↔ Label Studio's percent: the only place that reckons in percent.

Label Studio measures a rectangle by its first corner, its sides and a rotation about that corner,
x and width in percent of the page's width, y and height of its height, also where the rectangle is
turned. A polygon is a list of points in percent.
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
"""A rectangle's meta: at which of its corners, counted clockwise from its own first one, the text begins."""

SLACK = 0.1
"""Share of a line's height by which it may begin off the page and be cut there; turned about another
corner instead, Label Studio writes its label upside down."""

UNSEEN = 0.1
"""Pixels by which a corner may move without anyone noticing."""


def polygon_value(quad: Quad, width: int, height: int) -> dict[str, Any]:
    """The four corners as a closed polygon; a corner outside the page is moved to its edge."""
    return {"points": [[_percent(x, width), _percent(y, height)] for x, y in quad.tolist()], "closed": True}


def polygon_points(pairs: Sequence[Sequence[float]], width: int, height: int) -> npt.NDArray[np.float32]:
    """Points in percent, as page pixels, shape (n, 2)."""
    return (np.array(pairs) * [width / 100, height / 100]).astype(np.float32)


def rectangle_value(quad: Quad, width: int, height: int) -> tuple[dict[str, float], dict[str, int]]:
    """The smallest rectangle around a quad, with every number as Label Studio accepts it.

    A turned line that is longer than the page is wide would be wider than 100 percent; turned about
    another of its corners the same box can be said, and the meta then notes where its text begins.
    Where that fails too, the first corner is moved to the nearest point of the page, the opposite
    corner stays where it is, and no side is longer than the page's own or shorter than a pixel.
    Whatever moves the corners least is taken, but a box that begins only a little off the page, as
    a detector's may at the edge, keeps its own first corner (`SLACK`).

    Returns:
        x, y, width, height in 0 to 100 and rotation in [0, 360); and what goes under `meta`.
    """
    rectangle = geometry.rectangle_of(quad)
    corners = geometry.rectangle_corners(rectangle)
    choices: list[tuple[float, int, RotatedRectangle]] = []
    for start in range(4):
        turned = np.roll(corners, -start, axis=0)
        cut = _cut(turned, (rectangle.angle + 90 * start) % 360, width, height)
        moved = float(np.abs(geometry.rectangle_corners(cut) - turned).max())
        choices.append((round(moved, 1), start, cut))
    outside = float(np.abs(corners[0] - geometry.clamp(corners, width, height)[0]).max())
    fits = rectangle.width <= width and rectangle.height <= height
    keeps_its_corner = choices[0][0] <= UNSEEN or (fits and outside <= SLACK * rectangle.height)
    _, start, cut = choices[0] if keeps_its_corner else min(choices, key=lambda choice: choice[:2])
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
        meta: the region's meta, which may note at which corner the text begins.
        width: of the page in pixels.
        height: of the page in pixels.
    """
    x, y, along, across, rotation = numbers
    # turned in pixels: on a page that is not square, a turn in percent would skew the box
    corners = geometry.rectangle_corners(
        RotatedRectangle(
            x * width / 100, y * height / 100, along * width / 100, across * height / 100, rotation % 360
        )
    )
    start = meta.get(FIRST_CORNER)
    return np.roll(corners, -start, axis=0) if start in (1, 2, 3) else corners


def _cut(corners: Quad, angle: float, width: int, height: int) -> RotatedRectangle:
    """The rectangle from the first corner, moved onto the page, to the third."""
    first = np.clip(np.asarray(corners[0], dtype=np.float64), 0, [width, height])
    reach = np.asarray(corners[2], dtype=np.float64) - first
    turn = math.radians(angle)
    along = float(reach @ [math.cos(turn), math.sin(turn)])
    across = float(reach @ [-math.sin(turn), math.cos(turn)])
    return RotatedRectangle(
        x=float(first[0]),
        y=float(first[1]),
        width=min(max(along, 1.0), float(width)),
        height=min(max(across, 1.0), float(height)),
        angle=angle,
    )


def _percent(pixels: float, side: int) -> float:
    """Percent of a side, moved into 0 to 100: Label Studio refuses 100.0000001."""
    return min(100.0, max(0.0, round(100 * pixels / side, 6)))

"""Quad arithmetic: rectangles, corner order, clamping. Plain values in and out.

Everything is in page pixels with y downwards, so "clockwise" is as a person sees it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from backend.page.lines import Quad

Points: TypeAlias = npt.ArrayLike
"""Points as (x, y), page pixels, shape (n, 2): an array or nested lists."""

Floats: TypeAlias = npt.NDArray[np.float64]

TALL = 1.5
"""From this height / width on, PaddleOCR takes a box for a line that stands on its side."""


@dataclass(frozen=True, slots=True)
class RotatedRectangle:
    """A rectangle turned about one corner, as Label Studio means it, in page pixels.

    x, y: the text's own top-left corner, which is the point that it is turned about.
    width, height: along and across the text.
    angle: degrees clockwise, in [0, 360); a line that reads downwards has 90.
    """

    x: float
    y: float
    width: float
    height: float
    angle: float


def rectangle_of(quad: Quad) -> RotatedRectangle:
    """The smallest rectangle around a quad; its corner is the one nearest the text's own top-left.

    Args:
        quad: (4, 2), page pixels, clockwise from the text's own top-left corner.

    Raises:
        ValueError: a coordinate is not a finite number.
    """
    corners = _finite(quad)
    box = _clockwise(cv2.boxPoints(cv2.minAreaRect(corners.astype(np.float32))).astype(np.float64))
    box = _turned_to(box, corners)
    along, across = box[1] - box[0], box[3] - box[0]
    width, height = float(np.hypot(*along)), float(np.hypot(*across))
    # The longer side says the direction more exactly, and a line without width still has one.
    angle = np.arctan2(along[1], along[0]) if width >= height else np.arctan2(-across[0], across[1])
    degrees = float(np.degrees(angle)) % 360.0
    # -1e-15 % 360 is 360.0 in floating point, which Label Studio refuses.
    degrees = 0.0 if degrees >= 360.0 else degrees
    return RotatedRectangle(float(box[0, 0]), float(box[0, 1]), width, height, degrees)


def rectangle_corners(rectangle: RotatedRectangle) -> Quad:
    """The corners of a rectangle, (4, 2) float32, clockwise from the text's own top-left corner."""
    turn = np.radians(rectangle.angle)
    along = rectangle.width * np.array([np.cos(turn), np.sin(turn)])
    across = rectangle.height * np.array([-np.sin(turn), np.cos(turn)])
    corner = np.array([rectangle.x, rectangle.y])
    return np.array([corner, corner + along, corner + along + across, corner + across], dtype=np.float32)


def minimum_area_quad(points: Points) -> Quad:
    """The smallest rectangle around a polygon, exactly as PaddleOCR finds it before it crops.

    Like PaddleOCR it drops the fractions of pixels first; a coordinate within 0.01 of a whole
    number is taken for that number, because percent and back makes 302 out of 301.9999.

    Args:
        points: three or more points, page pixels, in any order.

    Returns:
        (4, 2) float32, clockwise from the top-left corner as PaddleOCR orders its boxes.

    Raises:
        ValueError: fewer than three points, or a coordinate that is not a finite number.
    """
    polygon = _finite(points)
    if len(polygon) < 3:
        raise ValueError(f"a polygon needs three points or more, this one has {len(polygon)}")
    whole = np.rint(polygon)
    pixels = np.trunc(np.where(np.abs(polygon - whole) < 0.01, whole, polygon)).astype(np.int32)
    return _paddle_order(cv2.boxPoints(cv2.minAreaRect(pixels)))


def own_order(points: Points) -> Quad:
    """Four corners clockwise from the text's own top-left, in whatever order they were clicked.

    As in PaddleOCR, the text is taken to run to the right, leaning up or down: of the two corners
    that lie furthest left the upper one comes first. A box that stands upright therefore begins at
    its upper left corner, and the policy for tall lines in `backend.page.crops` decides about it.

    Raises:
        ValueError: not four points, or a coordinate that is not a finite number.
    """
    corners = _finite(points)
    if len(corners) != 4:
        raise ValueError(f"a quad has four corners, this one has {len(corners)} points")
    box = _paddle_order(cv2.boxPoints(cv2.minAreaRect(corners.astype(np.float32))))
    return _turned_to(_clockwise(corners), box.astype(np.float64)).astype(np.float32)


def is_degenerate(quad: Quad, min_side: float = 3.0) -> bool:
    """A quad that no text can be cropped from.

    That is: a coordinate that is not a number, a side shorter than `min_side` pixels, next to no
    area, or corners that cross over or cave in.

    Args:
        quad: page pixels; any shape but (4, 2) is no quad.
        min_side: pixels.
    """
    corners = np.asarray(quad, dtype=np.float64)
    if corners.shape != (4, 2):
        return True
    # Plain floats: this is asked for every line, and on eight numbers numpy is five times slower.
    points: list[tuple[float, float]] = [(x, y) for x, y in corners.tolist()]
    if not all(math.isfinite(x) and math.isfinite(y) for x, y in points):
        return True
    sides = [(x2 - x1, y2 - y1) for (x1, y1), (x2, y2) in zip(points, points[1:] + points[:1], strict=True)]
    lengths = [math.hypot(*side) for side in sides]
    if min(lengths) < min_side:
        return True
    bends = [x1 * y2 - y1 * x2 for (x1, y1), (x2, y2) in zip(sides, sides[1:] + sides[:1], strict=True)]
    if not (min(bends) > 0 or max(bends) < 0):
        return True
    # All four sides can be long while the quad is a sliver: its thickness counts as well.
    area = (bends[0] + bends[2]) / 2
    return abs(area) < max(lengths) * min_side / 2


def crosses_itself(points: Points) -> bool:
    """Whether two sides of a polygon cross; sides that only touch do not.

    Args:
        points: (n, 2), in order; the last one is joined with the first.
    """
    begin = _finite(points)
    along = np.roll(begin, -1, axis=0) - begin
    to = begin[None, :] - begin[:, None]
    # of each side i and corner j: on which hand of the side the corner lies
    hand = along[:, None, 0] * to[:, :, 1] - along[:, None, 1] * to[:, :, 0]
    parted = hand * np.roll(hand, -1, axis=1) < 0
    return bool((parted & parted.T).any())


def rectangle_around(quads: Sequence[Quad], like: Quad) -> Quad:
    """The smallest rectangle around several quads, (4, 2) float32, page pixels.

    Args:
        quads: one or more.
        like: begins at the corner of its text that the rectangle is to begin at.
    """
    points = np.concatenate(quads).astype(np.float32)
    box = _clockwise(cv2.boxPoints(cv2.minAreaRect(points)).astype(np.float64))
    along, down = like[1] - like[0], like[3] - like[0]

    def runs_like(corners: Floats) -> float:
        side, other = corners[1] - corners[0], corners[3] - corners[0]
        return float(
            side @ along / np.linalg.norm(side) / np.linalg.norm(along)
            + other @ down / np.linalg.norm(other) / np.linalg.norm(down)
        )

    return max((np.roll(box, -start, axis=0) for start in range(4)), key=runs_like).astype(np.float32)


def median_height(quads: Sequence[Quad]) -> float:
    """The median of the shorter sides of quads, page pixels: how high the lines of a page are.

    Args:
        quads: one or more.
    """
    stacked = np.asarray(quads, dtype=np.float64)
    sides = np.linalg.norm(np.roll(stacked, -1, axis=1) - stacked, axis=2)
    return float(np.median(np.minimum(sides[:, 0] + sides[:, 2], sides[:, 1] + sides[:, 3]) / 2))


def quad_area(quad: Quad) -> float:
    """The area that a quad encloses, square pixels, whichever way round its corners run."""
    return abs(_signed_area(quad))


def runs_counter_clockwise(points: Points) -> bool:
    """Whether a polygon's points run counter-clockwise, as a person sees them; not where it has no area.

    Args:
        points: (n, 2), in order; the last one is joined with the first. A coordinate may be infinite;
            such a polygon has no direction.
    """
    return _signed_area(points) < 0


def overlap_area(first: Quad, second: Quad) -> float:
    """The area that two convex quads share, square pixels; 0 where they only touch."""
    shared, _ = cv2.intersectConvexConvex(first.astype(np.float32), second.astype(np.float32))
    return float(shared)


def intersection_over_union(first: Quad, second: Quad) -> float:
    """How much two convex quads are one: the area that they share, of the area that they cover together.

    Returns:
        0 for quads that share nothing, or have no area; 1 for the same quad.
    """
    shared = overlap_area(first, second)
    together = quad_area(first) + quad_area(second) - shared
    return shared / together if shared > 0 and together > 0 else 0.0


def share_on_page(quad: Quad, width: int, height: int) -> float:
    """Which share of a convex quad's area lies on the page, 0 to 1; 0 for a quad without area.

    Args:
        quad: page pixels; corners may lie anywhere.
        width: of the page in pixels.
        height: likewise.
    """
    xs, ys = quad.T.tolist()
    # nearly every line: the answer without reckoning
    if min(*xs, *ys) >= 0 and max(xs) <= width and max(ys) <= height:
        return 1.0
    area = quad_area(quad)
    return overlap_area(quad, page_corners(width, height)) / area if area > 0 else 0.0


def page_corners(width: int, height: int) -> Quad:
    """The quad that covers a whole page of this size in pixels."""
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)


def clamp(quad: Quad, width: int, height: int) -> Quad:
    """The quad with each corner moved into the page, x into [0, width] and y into [0, height]."""
    # np.clip looks up its bounds' types first, which takes ten times as long as eight comparisons
    moved: Quad = np.minimum(np.maximum(quad, 0), np.array([width, height])).astype(np.float32)
    return moved


def _signed_area(points: Points) -> float:
    """Half the shoelace sum: above 0 for points that run clockwise as seen; NaN where one is infinite."""
    # plain floats: nothing warns of infinity, and on eight numbers numpy is slower
    corners: list[tuple[float, float]] = [(x, y) for x, y in np.asarray(points, dtype=np.float64).tolist()]
    pairs = zip(corners, corners[1:] + corners[:1], strict=True)
    return sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairs) / 2


def _finite(points: Points) -> Floats:
    array = np.asarray(points, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != 2 or not np.isfinite(array).all():
        raise ValueError("points must be pairs of finite numbers")
    return array


def _clockwise(corners: Floats) -> Floats:
    """The corners clockwise around their middle, from any order."""
    middle = corners - corners.mean(axis=0)
    return corners[np.argsort(np.arctan2(middle[:, 1], middle[:, 0]), kind="stable")]


def _turned_to(corners: Floats, wanted: Floats) -> Floats:
    """The same corners, starting with the one that puts each nearest its wanted place."""
    turns = [np.roll(corners, -start, axis=0) for start in range(4)]
    return min(turns, key=lambda turned: float(((turned - wanted) ** 2).sum()))


def _paddle_order(box: npt.NDArray[Any]) -> Quad:
    """PaddleOCR's corner order: of the two left corners the upper one first, then clockwise."""
    left_to_right = sorted(box, key=lambda corner: float(corner[0]))
    left, right = left_to_right[:2], left_to_right[2:]
    # On equal heights the later of the two counts as the upper one, as in PaddleOCR.
    top_left, bottom_left = left if left[1][1] > left[0][1] else left[::-1]
    top_right, bottom_right = right if right[1][1] > right[0][1] else right[::-1]
    return np.array([top_left, top_right, bottom_right, bottom_left], dtype=np.float32)

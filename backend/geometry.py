"""Quad arithmetic: rectangles, corner order, clamping, reading order. Plain values in and out.

Everything is in page pixels with y downwards, so "clockwise" is as a person sees it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from backend.lines import Quad

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


def quad_of(rectangle: RotatedRectangle) -> Quad:
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
    its upper left corner, and the policy for tall lines in `backend.crops` decides about it.

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


def clamp(quad: Quad, width: int, height: int) -> Quad:
    """The quad with each corner moved into the page, x into [0, width] and y into [0, height]."""
    # np.clip looks up its bounds' types first, which takes ten times as long as eight comparisons
    moved: Quad = np.minimum(np.maximum(quad, 0), np.array([width, height])).astype(np.float32)
    return moved


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


def reading_order(quads: Sequence[Quad], right_to_left: bool = False) -> list[int]:
    """Indices of the quads in the order in which a person reads them.

    The page is first turned so that most of the text runs along x (skew, pages on their side).
    Lines that overlap in height make a row; rows go from top to bottom. Two columns are read one
    after the other only where both are plainly running text, so that tables and receipts are
    still read row by row.

    Args:
        quads: finite quads in any order; the result does not depend on theirs.
        right_to_left: rows, and columns, start on the right.
    """
    if not len(quads):
        return []
    boxes = _Boxes.of(np.asarray(quads, dtype=np.float64), right_to_left)
    return [int(index) for index in _read(boxes, np.lexsort((boxes.left, boxes.middle)))]


Indices: TypeAlias = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Boxes:
    """The quads on the page turned upright (and mirrored for right-to-left), one value per quad.

    middle: y of the centre; start, end: y of the middle of the left and the right edge.
    """

    left: Floats
    right: Floats
    middle: Floats
    start: Floats
    end: Floats
    height: Floats

    @classmethod
    def of(cls, quads: Floats, right_to_left: bool) -> _Boxes:
        """Turn the page by the direction in which most of its text runs."""
        across = _side(quads, 0, 3)
        # Tall boxes hold lines that read downwards, so they begin at their upper right corner.
        tall = across >= TALL * _side(quads, 0, 1)
        own = np.where(tall[:, None, None], np.roll(quads, -1, axis=1), quads)
        along = (own[:, 1] + own[:, 2] - own[:, 0] - own[:, 3]) / 2
        length = np.hypot(along[:, 0], along[:, 1])
        angle = np.degrees(np.arctan2(along[:, 1], along[:, 0]))
        quarter = np.rint(angle / 90) % 4
        most = max(range(4), key=lambda turn: float(length[quarter == turn].sum()))
        lean = (angle - 90 * most + 180) % 360 - 180
        skew = 90 * most + _weighted_median(lean[quarter == most], length[quarter == most])
        back = np.radians(-skew)
        turn = np.array([[np.cos(back), -np.sin(back)], [np.sin(back), np.cos(back)]])
        upright = quads @ turn.T
        if right_to_left:
            upright = upright * np.array([-1.0, 1.0])
        x, y = upright[:, :, 0], upright[:, :, 1]
        by_x = np.take_along_axis(y, np.argsort(x, axis=1, kind="stable"), axis=1)
        # A line that follows the page is as high as its own side; any other as its outline.
        follows = quarter == most
        height = np.where(follows, _side(own, 0, 3), np.ptp(y, axis=1))
        middle = y.mean(axis=1)
        start = np.where(follows, by_x[:, :2].mean(axis=1), middle)
        end = np.where(follows, by_x[:, 2:].mean(axis=1), middle)
        return cls(x.min(axis=1), x.max(axis=1), middle, start, end, height)


def _read(boxes: _Boxes, members: Indices) -> list[int]:
    """Row by row, but for two columns of running text, which are read one after the other."""
    rows = _rows(boxes, members)
    columns = _columns(boxes, rows)
    if columns is None:
        return [index for row in rows for index in row]
    first, last, gutter = columns
    above, below = [_flat(rows[:first]), _flat(rows[last:])]
    inside = _flat(rows[first:last])
    is_left = boxes.right[inside] <= gutter
    parts = [above, inside[is_left], inside[~is_left], below]
    return [index for part in parts if len(part) for index in _read(boxes, part)]


def _rows(boxes: _Boxes, members: Indices) -> list[list[int]]:
    """Lines that overlap in height, from left to right; the rows from top to bottom."""
    rows: list[list[int]] = []
    row_of: dict[int, int] = {}
    for index in sorted(members.tolist(), key=lambda i: (boxes.middle[i], boxes.left[i])):
        near = _beside(boxes, index, np.fromiter(row_of, dtype=np.intp, count=len(row_of)))
        for neighbour in near:
            row = rows[row_of[neighbour]]
            if not _over_or_under(boxes, index, np.array(row)).any():
                row.append(index)
                row_of[index] = row_of[neighbour]
                break
        else:
            row_of[index] = len(rows)
            rows.append([index])
    for row in rows:
        row.sort(key=lambda i: (boxes.left[i], boxes.middle[i]))
    return sorted(rows, key=lambda row: (float(np.mean(boxes.middle[row])), boxes.left[row[0]]))


def _beside(boxes: _Boxes, index: int, others: Indices) -> list[int]:
    """Those of the others that could stand in one row with a line, the nearest first."""
    is_right = boxes.left[others] + boxes.right[others] >= boxes.left[index] + boxes.right[index]
    # The edges that face each other are compared, so a lean that is left does not add up.
    theirs = np.where(is_right, boxes.start[others], boxes.end[others])
    own = np.where(is_right, boxes.end[index], boxes.start[index])
    small = np.minimum(boxes.height[others], boxes.height[index])
    large = np.maximum(boxes.height[others], boxes.height[index])
    apart = np.abs(theirs - own)
    overlap = np.minimum(small, (small + large) / 2 - apart)
    # A picture or a stamp three rows high belongs to the row of its centre, not to all three.
    fits = np.where(large <= 2.5 * small, overlap >= small / 2, apart < small / 2)
    gap = np.maximum(boxes.left[others], boxes.left[index]) - np.minimum(
        boxes.right[others], boxes.right[index]
    )
    nearest = np.lexsort((others, gap))
    return [int(i) for i in others[nearest][fits[nearest]]]


def _over_or_under(boxes: _Boxes, index: int, others: Indices) -> npt.NDArray[np.bool_]:
    shared = np.minimum(boxes.right[others], boxes.right[index]) - np.maximum(
        boxes.left[others], boxes.left[index]
    )
    narrow = np.minimum((boxes.right - boxes.left)[others], boxes.right[index] - boxes.left[index])
    return np.asarray(shared > narrow / 2)


def _columns(boxes: _Boxes, rows: list[list[int]]) -> tuple[int, int, float] | None:
    """The longest run of rows with a gutter between two columns of running text.

    Returns:
        The first row, the row after the last, and the x of the gutter; None without columns.
    """
    members = _flat(rows)
    if np.count_nonzero(_long(boxes, members)) < 8:
        return None
    row_of = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    margin = float(np.median(boxes.height[members])) / 2
    # Every gap between two neighbours of a row could be the gutter; a pixel more or less is the same one.
    wide = (np.diff(row_of) == 0) & (boxes.left[members][1:] - boxes.right[members][:-1] >= 2 * margin)
    best: tuple[int, int, float] | None = None
    for gutter in np.unique(np.rint((boxes.left[members][1:] + boxes.right[members][:-1])[wide] / 2)):
        crosses = (boxes.left[members] < gutter + margin) & (boxes.right[members] > gutter - margin)
        walls = [-1, *np.unique(row_of[crosses]).tolist(), len(rows)]
        for before, last in itertools.pairwise(walls):
            if best is not None and last - before - 1 <= best[1] - best[0]:
                continue
            inside = members[(row_of > before) & (row_of < last)]
            is_left = boxes.right[inside] <= gutter
            if _running_text(boxes, inside[is_left]) and _running_text(boxes, inside[~is_left]):
                best = before + 1, last, float(gutter)
    return best


def _running_text(boxes: _Boxes, members: Indices) -> bool:
    """Five lines or more, mostly long ones that fill their column; cells of a table do not."""
    if len(members) < 5:
        return False
    width = (boxes.right - boxes.left)[members]
    column = boxes.right[members].max() - boxes.left[members].min()
    return bool(np.mean(_long(boxes, members) & (width >= 0.85 * column)) >= 2 / 3)


def _long(boxes: _Boxes, members: Indices) -> npt.NDArray[np.bool_]:
    """Lines of some 25 letters or more: hardly a number or a name."""
    return np.asarray((boxes.right - boxes.left)[members] >= 12 * boxes.height[members])


def _flat(rows: list[list[int]]) -> Indices:
    return np.array([index for row in rows for index in row], dtype=np.intp)


def _side(quads: Floats, a: int, b: int) -> Floats:
    """Mean length of the side from corner a to b and of the one opposite."""
    opposite = {1: (3, 2), 3: (1, 2)}[b]
    there = quads[:, b] - quads[:, a]
    here = quads[:, opposite[1]] - quads[:, opposite[0]]
    lengths = (np.hypot(there[:, 0], there[:, 1]) + np.hypot(here[:, 0], here[:, 1])) / 2
    return np.asarray(lengths, dtype=np.float64)


def _weighted_median(values: Floats, weights: Floats) -> float:
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(reached, reached[-1] / 2)])

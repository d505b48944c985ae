"""Sorts the lines of a page into the order in which a person reads them, by their quads alone.

Everything is in page pixels with y downwards. The page is turned upright first. Then rows are found, and
columns where both sides are clearly running text.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from backend.page.geometry import TALL, Floats
from backend.page.lines import Quad

Indices: TypeAlias = npt.NDArray[np.intp]


def reading_order(quads: Sequence[Quad], right_to_left: bool = False) -> list[int]:
    """Indices of the quads in the order in which a person reads them.

    The page is first turned so that most of the text runs along x (skew, pages on their side).
    Lines that overlap in height make a row; rows go from top to bottom. Two columns are read one
    after the other only where both are clearly running text, so that tables and receipts are
    still read row by row.

    Args:
        quads: finite quads, page pixels, each (4, 2) clockwise from the text's own top-left corner;
            their order does not change the result.
        right_to_left: rows and columns start on the right.
    """
    if not len(quads):
        return []
    boxes = UprightBoxes.of(np.asarray(quads, dtype=np.float64), right_to_left)
    return [int(index) for index in _read(boxes, np.lexsort((boxes.left, boxes.middle)))]


@dataclass(frozen=True, slots=True)
class UprightBoxes:
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
    def of(cls, quads: Floats, right_to_left: bool) -> UprightBoxes:
        """Turn the page upright by the direction in which most of its text runs."""
        across = _side(quads, 0, 3)
        # Tall boxes hold lines that read downwards, so they begin at their upper right corner.
        tall = across >= TALL * _side(quads, 0, 1)
        text_quads = np.where(tall[:, None, None], np.roll(quads, -1, axis=1), quads)
        along = (text_quads[:, 1] + text_quads[:, 2] - text_quads[:, 0] - text_quads[:, 3]) / 2
        length = np.hypot(along[:, 0], along[:, 1])
        angle = np.degrees(np.arctan2(along[:, 1], along[:, 0]))
        quarter = np.rint(angle / 90) % 4
        main_quarter = max(range(4), key=lambda turn: float(length[quarter == turn].sum()))
        lean = (angle - 90 * main_quarter + 180) % 360 - 180
        follows = quarter == main_quarter
        skew = 90 * main_quarter + _weighted_median(lean[follows], length[follows])
        turn_back = np.radians(-skew)
        turn = np.array([[np.cos(turn_back), -np.sin(turn_back)], [np.sin(turn_back), np.cos(turn_back)]])
        upright = quads @ turn.T
        if right_to_left:
            upright = upright * np.array([-1.0, 1.0])
        x, y = upright[:, :, 0], upright[:, :, 1]
        by_x = np.take_along_axis(y, np.argsort(x, axis=1, kind="stable"), axis=1)
        # A line that runs with the page is as high as its own side; any other as its outline.
        height = np.where(follows, _side(text_quads, 0, 3), np.ptp(y, axis=1))
        middle = y.mean(axis=1)
        start = np.where(follows, by_x[:, :2].mean(axis=1), middle)
        end = np.where(follows, by_x[:, 2:].mean(axis=1), middle)
        return cls(x.min(axis=1), x.max(axis=1), middle, start, end, height)


def _read(boxes: UprightBoxes, members: Indices) -> list[int]:
    """Row by row, except two columns of running text, which are read one after the other."""
    rows = rows_of(boxes, members)
    columns = _columns(boxes, rows)
    if columns is None:
        return [index for row in rows for index in row]
    first, last, gutter = columns
    above, below = [_flat(rows[:first]), _flat(rows[last:])]
    inside = _flat(rows[first:last])
    is_left = boxes.right[inside] <= gutter
    parts = [above, inside[is_left], inside[~is_left], below]
    return [index for part in parts if len(part) for index in _read(boxes, part)]


def rows_of(boxes: UprightBoxes, members: Indices) -> list[list[int]]:
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


def _beside(boxes: UprightBoxes, index: int, others: Indices) -> list[int]:
    """Those of the other lines that could be in the same row as a line, the nearest first."""
    is_right = boxes.left[others] + boxes.right[others] >= boxes.left[index] + boxes.right[index]
    # Facing edges are compared, so that a remaining skew does not add up along the row.
    their_edge = np.where(is_right, boxes.start[others], boxes.end[others])
    this_edge = np.where(is_right, boxes.end[index], boxes.start[index])
    small = np.minimum(boxes.height[others], boxes.height[index])
    large = np.maximum(boxes.height[others], boxes.height[index])
    apart = np.abs(their_edge - this_edge)
    overlap = np.minimum(small, (small + large) / 2 - apart)
    # A picture or a stamp that is three rows high belongs to the row of its centre, not to all three.
    fits = np.where(large <= 2.5 * small, overlap >= small / 2, apart < small / 2)
    gap = np.maximum(boxes.left[others], boxes.left[index]) - np.minimum(
        boxes.right[others], boxes.right[index]
    )
    nearest = np.lexsort((others, gap))
    return [int(i) for i in others[nearest][fits[nearest]]]


def _over_or_under(boxes: UprightBoxes, index: int, others: Indices) -> npt.NDArray[np.bool_]:
    shared = np.minimum(boxes.right[others], boxes.right[index]) - np.maximum(
        boxes.left[others], boxes.left[index]
    )
    narrow = np.minimum((boxes.right - boxes.left)[others], boxes.right[index] - boxes.left[index])
    return np.asarray(shared > narrow / 2)


def _columns(boxes: UprightBoxes, rows: list[list[int]]) -> tuple[int, int, float] | None:
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
        crossing_rows = [-1, *np.unique(row_of[crosses]).tolist(), len(rows)]
        for before, last in itertools.pairwise(crossing_rows):
            if best is not None and last - before - 1 <= best[1] - best[0]:
                continue
            inside = members[(row_of > before) & (row_of < last)]
            is_left = boxes.right[inside] <= gutter
            if _running_text(boxes, inside[is_left]) and _running_text(boxes, inside[~is_left]):
                best = before + 1, last, float(gutter)
    return best


def _running_text(boxes: UprightBoxes, members: Indices) -> bool:
    """Five lines or more, most of them long and as wide as their column; cells of a table are not."""
    if len(members) < 5:
        return False
    width = (boxes.right - boxes.left)[members]
    column = boxes.right[members].max() - boxes.left[members].min()
    return bool(np.mean(_long(boxes, members) & (width >= 0.85 * column)) >= 2 / 3)


def _long(boxes: UprightBoxes, members: Indices) -> npt.NDArray[np.bool_]:
    """Lines of about 25 letters or more: too long for a number or a name."""
    return np.asarray((boxes.right - boxes.left)[members] >= 12 * boxes.height[members])


def _flat(rows: list[list[int]]) -> Indices:
    return np.array([index for row in rows for index in row], dtype=np.intp)


def _side(quads: Floats, a: int, b: int) -> Floats:
    """Mean length of the side from corner a to b and of the one opposite."""
    opposite = {1: (3, 2), 3: (1, 2)}[b]
    side = quads[:, b] - quads[:, a]
    opposite_side = quads[:, opposite[1]] - quads[:, opposite[0]]
    lengths = (np.hypot(side[:, 0], side[:, 1]) + np.hypot(opposite_side[:, 0], opposite_side[:, 1])) / 2
    return np.asarray(lengths, dtype=np.float64)


def _weighted_median(values: Floats, weights: Floats) -> float:
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(reached, reached[-1] / 2)])

"""Puts the pieces of justified lines together, and leaves out boxes that lie inside a line.

Where words stand far apart, a detector takes one line for several, and sometimes a gap for a line of its own.
Pieces are put together only where whole lines near by have the same two margins: cells of a table, prices of
a receipt and neighbouring columns stay as they are. Everything is in page pixels.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

import numpy as np

from backend.page import geometry
from backend.page.lines import Line
from backend.page.reading_order import UprightBoxes, rows_of
from backend.page.tiling import covered_share

_INSIDE: Final = 0.9
"""Share of a box; from here on it lies inside another one."""
_HIGH: Final = 1.6
"""Times the median height: a box higher than that is no line but a stamp or a block, and hides nothing."""
_WITNESSES: Final = 2
"""Whole lines with the same two margins."""
_NEAR: Final = 12.0
"""Heights of a line: how far away a whole line may stand to be a witness."""
_MARGIN: Final = 0.8
"""Heights of a line: how exactly margins agree."""
_WIDEST_GAP: Final = 3.0
"""Heights of a line: words of one line are not further apart."""
_ALIGNED: Final = 0.4
"""Heights of a line: how exactly the cells of a column stand below each other."""


def put_together(lines: Sequence[Line]) -> list[Line]:
    """The lines of a page with pieces of one line put together, in no particular order.

    Args:
        lines: with usable quads, clockwise from the text's own top-left corner.
    """
    whole = _without_inner(list(lines))
    if len(whole) < _WITNESSES + 2:
        return whole
    boxes = UprightBoxes.of(np.array([line.quad for line in whole], dtype=np.float64), False)
    rows = rows_of(boxes, np.arange(len(whole)))
    joined = [run for number in range(len(rows)) for run in _runs(boxes, rows, number)]
    if not joined:
        return whole
    used = {index for run in joined for index in run}
    put = [_one([whole[index] for index in run]) for run in joined]
    return _without_inner([*(line for index, line in enumerate(whole) if index not in used), *put])


def _without_inner(lines: list[Line]) -> list[Line]:
    """Leave out boxes inside a line; a box that is higher than a line hides nothing."""
    if len(lines) < 2:
        return lines
    quads = np.array([line.quad for line in lines])
    highest = _HIGH * geometry.median_height([line.quad for line in lines])
    low, high = quads.min(axis=1), quads.max(axis=1)
    areas = [geometry.quad_area(line.quad) for line in lines]

    def is_inside(index: int) -> bool:
        middle = (low[index] + high[index]) / 2
        around = ((low <= middle) & (high >= middle)).all(axis=1)
        return any(
            (areas[other], -other) > (areas[index], -index)
            and geometry.median_height([lines[other].quad]) <= highest
            and covered_share(lines[index].quad, [lines[other].quad]) >= _INSIDE
            for other in map(int, np.flatnonzero(around))
            if other != index
        )

    return [line for index, line in enumerate(lines) if not is_inside(index)]


def _runs(boxes: UprightBoxes, rows: list[list[int]], number: int) -> list[list[int]]:
    """The longest runs of neighbours in a row that are one line."""
    row, found, start = rows[number], [], 0
    while start < len(row) - 1:
        end = next(
            (
                end
                for end in range(len(row), start + 1, -1)
                if _is_one_line(boxes, rows, number, row[start:end])
            ),
            start,
        )
        if end > start:
            found.append(row[start:end])
        start = max(end, start + 1)
    return found


def _is_one_line(boxes: UprightBoxes, rows: list[list[int]], number: int, run: list[int]) -> bool:
    height = float(np.median(boxes.height[run]))
    gaps = boxes.left[run[1:]] - boxes.right[run[:-1]]
    if gaps.max() > _WIDEST_GAP * height:
        return False
    row = set(rows[number])
    agree = (
        (np.abs(boxes.left - boxes.left[run].min()) <= _MARGIN * height)
        & (np.abs(boxes.right - boxes.right[run].max()) <= _MARGIN * height)
        & (np.abs(boxes.middle - boxes.middle[run].mean()) <= _NEAR * height)
        & (np.abs(np.log(boxes.height / height)) <= np.log(1.5))
    )
    if sum(int(index) not in row for index in np.flatnonzero(agree)) < _WITNESSES:
        return False
    beside = [rows[other] for other in (number - 1, number + 1) if 0 <= other < len(rows)]
    cells = sum(
        any(_is_column(boxes, left, right, other, height) for other in beside)
        for left, right in itertools.pairwise(run)
    )
    return 2 * cells < len(run) - 1


def _is_column(boxes: UprightBoxes, left: int, right: int, other: list[int], height: float) -> bool:
    """Whether a gap goes on in another row, with text that begins, or ends, at the same place."""
    near = _ALIGNED * height
    begins = np.abs(boxes.left[other] - boxes.left[right]) <= near
    ends = np.abs(boxes.right[other] - boxes.right[left]) <= near
    return bool(begins.any() or ends.any())


def _one(pieces: Sequence[Line]) -> Line:
    longest = max(pieces, key=lambda piece: geometry.quad_area(piece.quad))
    around = geometry.rectangle_around([piece.quad for piece in pieces], longest.quad)
    return Line(around, min(piece.score for piece in pieces))

"""Searches a page in parts: windows that overlap, and the lines found in them put together again.

Everything is in page pixels. No line is cut at a seam and none is there twice: what two windows found at
the same place becomes one line, however it was cut.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from backend.page import geometry
from backend.page.lines import Line, Quad

_COVERED: Final = 0.6
"""Share of a cut piece; from here on, better pieces of other windows show the same text."""
_SAME: Final = 0.6
"""Share of the smaller of two pieces, within what both windows see; from here on they are one line."""
_CONTAINED: Final = 0.8
"""Share of a piece; from here on, nothing of it is missing in another one."""


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a page, whole pixels; right and bottom are the first ones outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def corners(self) -> Quad:
        """As a quad, (4, 2) float32, page pixels."""
        sides = self.left, self.top, self.right, self.bottom
        return np.array([sides[:2], (sides[2], sides[1]), sides[2:], (sides[0], sides[3])], dtype=np.float32)

    def shared(self, other: Window) -> Window | None:
        """What two windows both see; None where that is nothing."""
        both = Window(
            max(self.left, other.left),
            max(self.top, other.top),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        )
        return both if both.left < both.right and both.top < both.bottom else None


def windows(width: int, height: int, side: int, overlap: int) -> list[Window]:
    """Windows that cover a page, row by row; a single one where the page is no larger than `side`.

    Args:
        width: of the page, pixels.
        height: likewise.
        side: of a window, pixels; more than `overlap`.
        overlap: what two neighbours share at least, pixels; more than a line is high.
    """
    columns, rows = _spans(width, side, overlap), _spans(height, side, overlap)
    return [Window(left, top, right, bottom) for top, bottom in rows for left, right in columns]


def _spans(length: int, side: int, overlap: int) -> list[tuple[int, int]]:
    count = max(1, math.ceil((length - overlap) / (side - overlap)))
    side = min(side, length)
    starts = [round(number * (length - side) / max(1, count - 1)) for number in range(count)]
    return [(start, start + side) for start in starts]


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """A line as one window shows it.

    damage: 0 for a whole line, 1 where it runs on beyond the window, 2 where its letters are cut in height.
    """

    line: Line
    window: Window
    damage: int

    @property
    def quad(self) -> Quad:
        return self.line.quad

    def is_elsewhere(self, other: _Piece) -> bool:
        return self.window != other.window


def joined(
    parts: Iterable[tuple[Window, Sequence[Line]]], width: int, height: int, edge: float = 8.0
) -> list[Line]:
    """The lines of a page out of those of its windows.

    A piece that is cut at a seam gives way where another window shows the same place better. Pieces that
    lie on each other within what both windows see become one line.

    Args:
        parts: each window with its lines, page pixels.
        width: of the page, pixels.
        height: likewise.
        edge: a line that ends this near to a seam, in pixels, may run on beyond it.
    """
    pieces = [
        _Piece(line, window, _damage(line.quad, window, width, height, edge))
        for window, lines in parts
        for line in lines
    ]
    near = _Neighbours([piece.quad for piece in pieces])

    def is_shown_better(index: int) -> bool:
        piece = pieces[index]
        if not piece.damage:
            return False
        others = [pieces[other] for other in near(index)]
        better = [other.quad for other in others if other.is_elsewhere(piece) and other.damage < piece.damage]
        return covered_share(piece.quad, better) >= _COVERED

    left = [index for index in range(len(pieces)) if not is_shown_better(index)]
    groups = _groups(left, near, lambda one, other: _is_same(pieces[one], pieces[other]))
    return [_whole([pieces[index] for index in group]) for group in groups]


def with_missed(found: Sequence[Line], before: Sequence[Line]) -> list[Line]:
    """The lines of a second, closer search, and those of the first that it did not see.

    Args:
        found: by the second search.
        before: by the first one.
    """
    near = _Neighbours([line.quad for line in [*before, *found]])
    every = [*before, *found]
    missed = []
    for index, line in enumerate(before):
        around = [every[other].quad for other in near(index) if other >= len(before)]
        if covered_share(line.quad, around) < 1 - _CONTAINED:
            missed.append(line)
    return [*found, *missed]


def covered_share(quad: Quad, others: Sequence[Quad]) -> float:
    """Which share of a quad's area other quads cover together, 0 to 1, to about a hundredth."""
    if not others:
        return 0.0
    low, high = quad.min(axis=0), quad.max(axis=0)
    # fine enough for thin lines, and never more than some thousand points
    scale = min(8.0, 512.0 / max(1.0, float((high - low).max())))
    size = np.ceil((high - low) * scale).astype(int) + 1
    own, theirs = (np.zeros((size[1], size[0]), np.uint8) for _ in range(2))

    def drawn(corners: Quad) -> npt.NDArray[np.int32]:
        return np.asarray(np.rint((corners - low) * scale), dtype=np.int32)

    cv2.fillConvexPoly(own, drawn(quad), (1,))
    for other in others:
        cv2.fillConvexPoly(theirs, drawn(other), (1,))
    return float((own & theirs).sum() / max(1, int(own.sum())))


class _Neighbours:
    """Which quads' outlines touch; asked by index."""

    def __init__(self, quads: Sequence[Quad]) -> None:
        stacked = np.array(quads, dtype=np.float32).reshape(-1, 4, 2)
        self._low, self._high = stacked.min(axis=1), stacked.max(axis=1)

    def __call__(self, index: int) -> list[int]:
        touches = (self._low <= self._high[index]) & (self._high >= self._low[index])
        return [int(other) for other in np.flatnonzero(touches.all(axis=1)) if other != index]


def _damage(quad: Quad, window: Window, width: int, height: int, edge: float) -> int:
    (left, top), (right, bottom) = quad.min(axis=0).tolist(), quad.max(axis=0).tolist()
    beside = (window.left > 0 and left < window.left + edge) or (
        window.right < width and right > window.right - edge
    )
    above_or_below = (window.top > 0 and top < window.top + edge) or (
        window.bottom < height and bottom > window.bottom - edge
    )
    if right - left < bottom - top:
        beside, above_or_below = above_or_below, beside
    return 2 if above_or_below else int(beside)


def _is_same(one: _Piece, other: _Piece) -> bool:
    zone = one.window.shared(other.window) if one.is_elsewhere(other) else None
    if zone is None:
        return False
    both = geometry.overlap_area(one.quad, other.quad)
    if not both:
        return False
    seen = min(geometry.overlap_area(piece.quad, zone.corners) for piece in (one, other))
    return both >= _SAME * seen > 0


def _groups(
    members: Sequence[int], near: Callable[[int], list[int]], same: Callable[[int, int], bool]
) -> list[list[int]]:
    """Members that are the same, directly or through others, in the order of their first."""
    leader = {member: member for member in members}

    def first(member: int) -> int:
        while leader[member] != member:
            member = leader[member]
        return member

    for member in members:
        for other in near(member):
            if other > member and other in leader and first(other) != first(member) and same(member, other):
                one, two = sorted((first(member), first(other)))
                leader[two] = one
    ordered = sorted(members, key=lambda member: (first(member), member))
    return [list(group) for _, group in itertools.groupby(ordered, key=first)]


def _whole(pieces: Sequence[_Piece]) -> Line:
    """One line out of its pieces: the largest where it holds the others, else the rectangle around all."""
    largest = max(pieces, key=lambda piece: (geometry.quad_area(piece.quad), -piece.damage))
    if all(covered_share(piece.quad, [largest.quad]) >= _CONTAINED for piece in pieces):
        return largest.line
    corners = np.concatenate([piece.quad for piece in pieces]).astype(np.float32)
    around = geometry.own_order(cv2.boxPoints(cv2.minAreaRect(corners)))
    return Line(around, min(piece.line.score for piece in pieces))

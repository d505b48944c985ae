"""Pages searched in parts: every line once, none cut, whatever lay on a seam."""

from __future__ import annotations

import numpy as np
import pytest

from backend.page.lines import Line, Quad
from backend.page.tiling import Window, covered_share, joined, windows, with_missed


def box(left: float, top: float, right: float, bottom: float) -> Quad:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def outlines(lines: list[Line]) -> list[list[float]]:
    return sorted(np.round([*line.quad.min(axis=0), *line.quad.max(axis=0)], 2).tolist() for line in lines)


UPPER, LOWER = Window(0, 0, 300, 200), Window(0, 150, 300, 350)
LEFT, RIGHT = Window(0, 0, 200, 100), Window(150, 0, 350, 100)


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        pytest.param(100, 80, [(0, 0, 100, 80)], id="small enough for one"),
        pytest.param(90, 350, [(0, 0, 90, 200), (0, 150, 90, 350)], id="a tall strip"),
        pytest.param(
            300,
            300,
            [(0, 0, 200, 200), (100, 0, 300, 200), (0, 100, 200, 300), (100, 100, 300, 300)],
            id="evenly spread",
        ),
    ],
)
def test_windows_cover_the_page_and_overlap(
    width: int, height: int, expected: list[tuple[int, int, int, int]]
) -> None:
    made = windows(width, height, side=200, overlap=50)
    assert [(one.left, one.top, one.right, one.bottom) for one in made] == expected


@pytest.mark.parametrize(
    ("upper", "lower", "expected"),
    [
        pytest.param([box(10, 160, 90, 180)], [box(10, 160, 90, 180)], [[10, 160, 90, 180]], id="seen twice"),
        pytest.param(
            [box(10, 190, 90, 200)], [box(10, 190, 90, 215)], [[10, 190, 90, 215]], id="cut in the upper one"
        ),
        pytest.param(
            [box(10, 190, 290, 200)],
            [box(10, 190, 140, 215), box(160, 190, 290, 215)],
            [[10, 190, 140, 215], [160, 190, 290, 215]],
            id="cut through two columns, which stay apart",
        ),
        pytest.param(
            [box(10, 120, 90, 200)],
            [box(10, 150, 90, 230)],
            [[10, 120, 90, 230]],
            id="higher than the overlap",
        ),
        pytest.param(
            [box(10, 100, 90, 140)], [box(10, 210, 90, 240)], [[10, 100, 90, 140], [10, 210, 90, 240]],
            id="apart",
        ),
    ],
)  # fmt: skip
def test_a_seam_between_rows_cuts_no_line_and_doubles_none(
    upper: list[Quad], lower: list[Quad], expected: list[list[float]]
) -> None:
    parts = [(UPPER, [Line(quad) for quad in upper]), (LOWER, [Line(quad) for quad in lower])]
    assert outlines(joined(parts, 300, 350)) == expected
    assert outlines(joined(parts[::-1], 300, 350)) == expected


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        pytest.param(
            [box(10, 40, 200, 60)], [box(150, 40, 340, 60)], [[10, 40, 340, 60]], id="a line across the seam"
        ),
        pytest.param(
            [box(10, 40, 200, 60)],
            [box(150, 40, 170, 60), box(176, 40, 340, 60)],
            [[10, 40, 340, 60]],
            id="parted between words on one side",
        ),
        pytest.param(
            [box(10, 40, 185, 60)], [box(160, 40, 340, 60)], [[10, 40, 340, 60]], id="both end between words"
        ),
        pytest.param(
            [box(10, 40, 200, 60)],
            [box(150, 70, 340, 90)],
            [[10, 40, 200, 60], [150, 70, 340, 90]],
            id="neighbours of other rows",
        ),
    ],
)
def test_a_line_longer_than_a_window_becomes_one(
    left: list[Quad], right: list[Quad], expected: list[list[float]]
) -> None:
    parts = [(LEFT, [Line(quad) for quad in left]), (RIGHT, [Line(quad) for quad in right])]
    assert outlines(joined(parts, 350, 100)) == expected


def test_the_edge_of_the_page_is_no_seam() -> None:
    [line] = joined([(Window(0, 0, 300, 200), [Line(box(0, 0, 300, 200), 0.5)])], 300, 200)
    assert outlines([line]) == [[0, 0, 300, 200]]
    assert line.score == 0.5


def test_a_closer_search_loses_nothing_that_the_first_one_saw() -> None:
    first = [Line(box(0, 0, 500, 200)), Line(box(10, 300, 90, 320))]
    second = [Line(box(12, 302, 50, 318)), Line(box(52, 302, 88, 318)), Line(box(10, 330, 90, 350))]
    assert outlines(with_missed(second, first)) == sorted([[0, 0, 500, 200], *outlines(second)])


def test_how_much_of_a_quad_others_cover_together_counts_no_place_twice() -> None:
    line = box(0, 0, 100, 20)
    assert covered_share(line, []) == 0
    assert covered_share(line, [box(0, 0, 50, 20), box(0, 0, 50, 20)]) == pytest.approx(0.5, abs=0.02)
    assert covered_share(line, [box(0, 0, 50, 20), box(50, 0, 100, 20)]) == pytest.approx(1, abs=0.02)

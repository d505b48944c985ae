"""Rectangles, corner order, clamping and reading order."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Polygon

from backend.geometry import (
    RotatedRectangle,
    clamp,
    is_degenerate,
    minimum_area_quad,
    own_order,
    quad_of,
    reading_order,
    rectangle_of,
)
from tests.samples import Sample, all_samples

LINE = [[10, 20], [110, 20], [110, 40], [10, 40]]


def quad(points):
    return np.array(points, dtype=np.float32)


def overlap(one, other) -> float:
    """Intersection over union."""
    one, other = Polygon(one), Polygon(other)
    return one.intersection(other).area / one.union(other).area


@pytest.mark.parametrize(
    ("corners", "rectangle"),
    [
        pytest.param(LINE, (10, 20, 100, 20, 0), id="level"),
        pytest.param([[60, 5], [60, 105], [40, 105], [40, 5]], (60, 5, 100, 20, 90), id="reads downwards"),
        pytest.param([[110, 40], [10, 40], [10, 20], [110, 20]], (110, 40, 100, 20, 180), id="upside down"),
        pytest.param([[40, 105], [40, 5], [60, 5], [60, 105]], (40, 105, 100, 20, 270), id="reads upwards"),
        pytest.param([[0, 0], [20, 0], [20, 60], [0, 60]], (0, 0, 20, 60, 0), id="a lone digit stays level"),
        pytest.param([[0, 0], [80, 60], [68, 76], [-12, 16]], (0, 0, 100, 20, 36.8699), id="slanted"),
    ],
)
def test_a_rectangle_keeps_the_corner_at_which_the_text_begins(corners, rectangle):
    found = rectangle_of(quad(corners))
    assert (found.x, found.y, found.width, found.height, found.angle) == pytest.approx(rectangle, abs=1e-3)


def test_ten_thousand_rectangles_come_back_within_half_a_pixel():
    random = np.random.default_rng(20)
    for _ in range(10_000):
        width, height = random.uniform(3, 4000), random.uniform(3, 400)
        angle = random.choice([0.0, 90.0, 180.0, 270.0, random.uniform(0, 360)])
        there = RotatedRectangle(random.uniform(0, 8000), random.uniform(0, 8000), width, height, angle)
        corners = quad_of(there)
        back = rectangle_of(corners)
        assert np.abs(quad_of(back) - corners).max() <= 0.5
        assert 0 <= back.angle < 360


def test_the_rectangle_of_a_quad_seen_at_an_angle_covers_nearly_the_same_place():
    random = np.random.default_rng(3)
    for _ in range(2_000):
        width, height, angle = random.uniform([100, 20, 0], [900, 60, 360])
        shaken = quad_of(RotatedRectangle(500, 500, width, height, angle)) + random.uniform(
            -1.5, 1.5, (4, 2)
        ).astype(np.float32)
        found = quad_of(rectangle_of(shaken))
        assert overlap(found, shaken) >= 0.78
        # Each corner is still the one it was, so the text did not turn round.
        assert np.hypot(*(found - shaken).T).max() <= 12


def test_an_angle_a_hair_below_zero_is_not_360():
    hair = quad([[0, 100], [100, 100 - 1e-6], [100, 120], [0, 120]])
    assert 0 <= rectangle_of(hair).angle < 360


@pytest.mark.parametrize("start", range(4))
@pytest.mark.parametrize("step", [1, -1], ids=["clockwise", "the other way round"])
@pytest.mark.parametrize("angle", [0, 14, -14, 60, -60, 80])
def test_four_clicks_in_any_order_begin_at_the_text_s_own_corner(angle, step, start):
    wanted = quad_of(RotatedRectangle(400, 400, 300, 30, angle))
    clicked = [wanted[(start + step * i) % 4] for i in range(4)]
    assert own_order(clicked) == pytest.approx(wanted)


def test_clicks_that_cross_over_are_put_in_order():
    assert own_order([LINE[0], LINE[2], LINE[1], LINE[3]]).tolist() == LINE


def test_an_upright_box_begins_at_its_upper_left_corner():
    upright = [[40, 5], [60, 5], [60, 105], [40, 105]]
    assert own_order(upright[2:] + upright[:2]).tolist() == upright


def test_corners_seen_in_perspective_stay_where_they_are():
    seen = [[240, 320], [1070, 240], [1059, 326], [232, 406]]
    assert own_order(seen[1:] + seen[:1]).tolist() == seen


@pytest.mark.parametrize("count", [3, 5])
def test_own_order_takes_four_corners_only(count):
    with pytest.raises(ValueError, match=f"{count} points"):
        own_order([[i, i * i] for i in range(count)])


@pytest.mark.parametrize(
    ("points", "corners"),
    [
        pytest.param([[10, 20], [110, 20], [110, 40]], LINE, id="three points"),
        pytest.param([[10, 40], [60, 42], [110, 40], [110, 20], [10, 20]], None, id="five points"),
        pytest.param([[10.9, 20.9], [110.9, 20.2], [110.1, 40.7], [10.3, 40.1]], LINE, id="fractions"),
        pytest.param([[9.9999, 20], [110, 19.9999], [109.9999, 40], [10, 40]], LINE, id="nearly whole"),
    ],
)
def test_a_polygon_becomes_the_smallest_rectangle_around_it(points, corners):
    found = minimum_area_quad(points)
    if corners is None:
        assert found == pytest.approx(quad([[10, 20], [110, 20], [110, 42], [10, 42]]), abs=1e-3)
    else:
        assert found == pytest.approx(quad(corners), abs=1e-3)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([[1, 2], [3, 4]], "three points or more"),
        ([[1, 2], [3, 4], [5, math.nan]], "finite"),
        ([[1, 2], [3, 4], [5, math.inf]], "finite"),
        ([1, 2, 3], "pairs"),
    ],
)
def test_what_is_no_polygon_is_refused(points, message):
    with pytest.raises(ValueError, match=message):
        minimum_area_quad(points)


@pytest.mark.parametrize(
    ("corners", "degenerate"),
    [
        pytest.param(LINE, False, id="a line"),
        pytest.param([[0, 0], [3, 0], [3, 3], [0, 3]], False, id="just large enough"),
        pytest.param([[0, 0], [9, 0], [9, 2.9], [0, 2.9]], True, id="too flat"),
        pytest.param([[5, 5]] * 4, True, id="a point"),
        pytest.param([[0, 0], [50, 0], [100, 0], [50, 0]], True, id="no area"),
        pytest.param([[0, 0], [100, 0], [150, 1], [50, 1]], True, id="long sides, yet a sliver"),
        pytest.param([LINE[0], LINE[2], LINE[1], LINE[3]], True, id="crosses itself"),
        pytest.param([[0, 0], [50, 30], [100, 0], [50, 100]], True, id="caves in"),
        pytest.param([[0, 0], [math.nan, 0], [9, 9], [0, 9]], True, id="not a number"),
        pytest.param([[0, 0], [math.inf, 0], [9, 9], [0, 9]], True, id="infinite"),
        pytest.param(LINE[:3], True, id="three corners"),
        pytest.param([[240, 320], [1070, 240], [1059, 326], [232, 406]], False, id="perspective"),
    ],
)
def test_quads_without_room_for_text_are_degenerate(corners, degenerate):
    assert is_degenerate(quad(corners)) is degenerate


def test_the_smallest_side_can_be_chosen():
    assert is_degenerate(quad(LINE), min_side=21)
    assert not is_degenerate(quad(LINE), min_side=19)


def test_corners_beyond_the_page_move_to_its_edge():
    clamped = clamp(quad([[-5, 10], [205, -1], [200, 101], [0, 100]]), 200, 100)
    assert clamped.tolist() == [[0, 10], [200, 0], [200, 100], [0, 100]]
    assert clamped.dtype == np.float32


def inversions(order) -> int:
    return sum(a > b for i, a in enumerate(order) for b in order[i + 1 :])


def paddle_order(quads) -> list[int]:
    """PaddleOCR's order: by the first corner's y, then x where two are less than 10 px apart."""
    order = sorted(range(len(quads)), key=lambda i: (quads[i][0][1], quads[i][0][0]))
    for i in range(len(order) - 1):
        for j in range(i, -1, -1):
            here, there = quads[order[j]][0], quads[order[j + 1]][0]
            if not (abs(there[1] - here[1]) < 10 and there[0] < here[0]):
                break
            order[j], order[j + 1] = order[j + 1], order[j]
    return order


@pytest.mark.parametrize("page", [s for s in all_samples() if s.lines], ids=lambda page: page.path.name)
def test_sample_pages_are_read_in_their_true_order(page: Sample):
    quads = [minimum_area_quad(line["poly"]) for line in page.lines]
    shuffled = np.random.default_rng(7).permutation(len(quads))
    order = reading_order([quads[i] for i in shuffled])
    assert [shuffled[i] for i in order] == list(range(len(quads)))


def boxes(*rows, width=100, height=20):
    """Boxes of one size at the given (x, y), in their reading order."""
    return [quad([[x, y], [x + width, y], [x + width, y + height], [x, y + height]]) for x, y in rows]


def turned(quads, angle):
    spin = np.array(cv2.getRotationMatrix2D((500, 500), -angle, 1), dtype=np.float32)
    return [(q @ spin[:, :2].T + spin[:, 2]).astype(np.float32) for q in quads]


RECEIPT = boxes((0, 0), (300, 4), (0, 30), (300, 27), (0, 60), (300, 63), (0, 90), (300, 90))
BOOK = [
    *boxes((100, 0), width=500),
    *boxes(*[(0, 60 + 30 * i) for i in range(5)], width=330),
    *boxes(*[(370, 60 + 30 * i) for i in range(5)], width=330),
    *boxes((100, 260), width=500),
]


@pytest.mark.parametrize(
    ("quads", "right_to_left"),
    [
        pytest.param([], False, id="nothing"),
        pytest.param(boxes((5, 5)), False, id="one line"),
        pytest.param(RECEIPT, False, id="names and prices, row by row"),
        pytest.param(turned(RECEIPT, 5), False, id="names and prices, skewed"),
        pytest.param(turned(RECEIPT, 90), False, id="names and prices, page on its side"),
        pytest.param(turned(RECEIPT, 180), False, id="names and prices, page upside down"),
        pytest.param(BOOK, False, id="two columns between title and foot"),
        pytest.param(turned(BOOK, -3), False, id="two columns, skewed"),
        pytest.param(
            boxes((0, 0), (60, 1), (0, 9), (60, 10), width=50, height=8), False, id="very small print"
        ),
        pytest.param(
            [*boxes((0, 0)), *boxes((150, -10), width=200, height=40), *boxes((0, 40))],
            False,
            id="a large price",
        ),
        pytest.param(boxes((300, 0), (0, 3), (300, 30), (0, 27)), True, id="Arabic rows begin on the right"),
        pytest.param(
            [BOOK[0], *BOOK[6:11], *BOOK[1:6], BOOK[11]], True, id="Arabic columns begin on the right"
        ),
    ],
)
def test_lines_are_read_row_by_row(quads, right_to_left):
    shuffled = np.random.default_rng(1).permutation(len(quads))
    order = reading_order([quads[i] for i in shuffled], right_to_left)
    assert [shuffled[i] for i in order] == list(range(len(quads)))


def test_loose_boxes_over_one_another_are_two_rows():
    assert reading_order(boxes((20, 0), (0, 18), height=40)) == [0, 1]


def test_a_stamp_beside_three_rows_belongs_to_the_middle_one():
    page = [*boxes((200, 0), (200, 30)), *boxes((0, 5), height=70), *boxes((200, 60))]
    assert reading_order(page) == [0, 2, 1, 3]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    rows=st.integers(1, 12),
    cells=st.integers(1, 4),
    height=st.integers(8, 60),
    skew=st.floats(-4, 4),
)
def test_no_page_is_read_in_a_worse_order_than_paddleocr_s(seed, rows, cells, height, skew):
    random = np.random.default_rng(seed)
    true = [
        quad_of(
            RotatedRectangle(
                cell * 300 + random.uniform(0, 20),
                row * height * 1.3 + random.uniform(-0.1, 0.1) * height,
                random.uniform(40, 260),
                height * random.uniform(0.85, 1.15),
                0,
            )
        )
        for row in range(rows)
        for cell in range(cells)
    ]
    page = [np.rint(q) for q in turned(true, skew)]
    assert inversions(reading_order(page)) <= inversions(paddle_order(page))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 40), st.booleans())
def test_the_order_does_not_depend_on_the_order_asked_in(seed, count, right_to_left):
    random = np.random.default_rng(seed)
    quads = [
        quad_of(
            RotatedRectangle(*random.uniform(0, 1000, 2), *random.uniform(3, 300, 2), random.uniform(0, 360))
        )
        for _ in range(count)
    ]
    shuffled = random.permutation(count)
    first = reading_order(quads, right_to_left)
    again = [int(shuffled[i]) for i in reading_order([quads[i] for i in shuffled], right_to_left)]
    assert sorted(first) == list(range(count))
    assert again == first

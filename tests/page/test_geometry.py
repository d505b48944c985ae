"""Rectangles, corner order and clamping."""

from __future__ import annotations

import math

import numpy as np
import pytest
from shapely import Polygon

from backend.page.geometry import (
    RotatedRectangle,
    clamp,
    crosses_itself,
    intersection_over_union,
    is_degenerate,
    minimum_area_quad,
    overlap_area,
    own_order,
    page_corners,
    quad_area,
    rectangle_corners,
    rectangle_of,
    runs_counter_clockwise,
    share_on_page,
)

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
        corners = rectangle_corners(there)
        back = rectangle_of(corners)
        assert np.abs(rectangle_corners(back) - corners).max() <= 0.5
        assert 0 <= back.angle < 360


def test_the_rectangle_of_a_quad_seen_at_an_angle_covers_nearly_the_same_place():
    random = np.random.default_rng(3)
    for _ in range(2_000):
        width, height, angle = random.uniform([100, 20, 0], [900, 60, 360])
        shaken = rectangle_corners(RotatedRectangle(500, 500, width, height, angle)) + random.uniform(
            -1.5, 1.5, (4, 2)
        ).astype(np.float32)
        found = rectangle_corners(rectangle_of(shaken))
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
    wanted = rectangle_corners(RotatedRectangle(400, 400, 300, 30, angle))
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


@pytest.mark.parametrize(
    ("points", "crosses"),
    [
        pytest.param(LINE, False, id="a rectangle"),
        pytest.param([LINE[0], LINE[2], LINE[1], LINE[3]], True, id="a bow"),
        pytest.param([[0, 0], [50, 30], [100, 0], [50, 100]], False, id="caves in"),
        pytest.param([[0, 0], [100, 0], [50, 50]], False, id="a triangle"),
        pytest.param([[0, 0], [0, 0], [100, 0], [100, 50], [0, 50]], False, id="a point twice"),
        pytest.param([[0, 0], [100, 0], [100, 50], [50, 0], [0, 50]], False, id="a corner on a side"),
        pytest.param([[0, 0], [100, 0], [100, 50], [50, -1], [0, 50]], True, id="a corner beyond a side"),
    ],
)
def test_sides_that_cross_are_seen_and_those_that_touch_are_none(points, crosses):
    assert crosses_itself(points) is crosses


def test_the_smallest_side_can_be_chosen():
    assert is_degenerate(quad(LINE), min_side=21)
    assert not is_degenerate(quad(LINE), min_side=19)


def test_corners_beyond_the_page_move_to_its_edge():
    clamped = clamp(quad([[-5, 10], [205, -1], [200, 101], [0, 100]]), 200, 100)
    assert clamped.tolist() == [[0, 10], [200, 0], [200, 100], [0, 100]]
    assert clamped.dtype == np.float32


def square(x=0, y=0):
    return quad([[x, y], [x + 10, y], [x + 10, y + 10], [x, y + 10]])


@pytest.mark.parametrize(
    ("other", "shared", "union"),
    [
        pytest.param(square(), 100, 100, id="the same"),
        pytest.param(square()[::-1], 100, 100, id="the same, the other way round"),
        pytest.param(square(5), 50, 150, id="half of each"),
        pytest.param(square(5, 5), 25, 175, id="a quarter of each"),
        pytest.param([[2, 2], [4, 2], [4, 7], [2, 7]], 10, 100, id="inside"),
        pytest.param([[5, -5], [15, 5], [5, 15], [-5, 5]], 100, 200, id="a diamond around it"),
        pytest.param(square(10), 0, 200, id="side by side"),
        pytest.param(square(0, 30), 0, 200, id="apart"),
        pytest.param([[0, 5], [10, 5], [10, 5], [0, 5]], 0, 100, id="a line without height"),
    ],
)
def test_the_overlap_of_two_quads_and_its_share_of_both_together(other, shared, union):
    other = quad(other)
    for first, second in ((square(), other), (other, square())):
        assert overlap_area(first, second) == pytest.approx(shared, abs=1e-4)
        assert intersection_over_union(first, second) == pytest.approx(shared / union, abs=1e-6)


def test_two_quads_without_area_share_nothing():
    point = quad([[3, 3]] * 4)
    assert (quad_area(point), intersection_over_union(point, point)) == (0, 0)


@pytest.mark.parametrize(
    ("corners", "share"),
    [
        pytest.param(square(), 1, id="on the page"),
        pytest.param(page_corners(40, 30), 1, id="the whole page"),
        pytest.param(square(-5), 0.5, id="half over the left edge"),
        pytest.param(square(35, 25), 0.25, id="over the lower right corner"),
        pytest.param(square(50), 0, id="off the page"),
        pytest.param([[35, 35], [45, 35], [45, 35], [35, 35]], 0, id="no area"),
    ],
)
def test_how_much_of_a_quad_lies_on_a_page_of_40_by_30(corners, share):
    assert share_on_page(quad(corners), 40, 30) == pytest.approx(share, abs=1e-6)


@pytest.mark.parametrize(
    ("points", "back"),
    [
        pytest.param(LINE, False, id="clockwise as seen"),
        pytest.param(LINE[::-1], True, id="the other way"),
        pytest.param([[0, 0], [10, 0], [0, 10]], False, id="a triangle"),
        pytest.param([[0, 0], [5, 5], [10, 10]], False, id="no area"),
        pytest.param([[0, 0], [0, 10], [math.inf, 10], [math.inf, 0]], False, id="infinite"),
    ],
)
def test_which_way_round_points_run(points, back):
    assert runs_counter_clockwise(points) is back

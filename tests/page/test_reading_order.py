"""The order in which a person reads a page, held against the sample pages and PaddleOCR's order."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.page.geometry import RotatedRectangle, minimum_area_quad, rectangle_corners
from backend.page.reading_order import reading_order
from tests.parts.samples import Sample, all_samples

LINE = [[10, 20], [110, 20], [110, 40], [10, 40]]


def quad(points):
    return np.array(points, dtype=np.float32)


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
        rectangle_corners(
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
        rectangle_corners(
            RotatedRectangle(*random.uniform(0, 1000, 2), *random.uniform(3, 300, 2), random.uniform(0, 360))
        )
        for _ in range(count)
    ]
    shuffled = random.permutation(count)
    first = reading_order(quads, right_to_left)
    again = [int(shuffled[i]) for i in reading_order([quads[i] for i in shuffled], right_to_left)]
    assert sorted(first) == list(range(count))
    assert again == first

"""Pieces of justified lines become one line; cells, columns and prices stay apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from backend.page.line_pieces import put_together
from backend.page.lines import Line

Row = Sequence[tuple[float, float]]
"""Left and right of each box."""


def lines_of(rows: Sequence[Row], pitch: float = 40) -> list[Line]:
    """Boxes 20 high, row below row."""
    return [
        Line(
            np.array(
                [[left, top], [right, top], [right, top + 20], [left, top + 20]],
                np.float32,
            )
        )
        for top, row in ((10 + pitch * number, row) for number, row in enumerate(rows))
        for left, right in row
    ]


def rows_of(lines: Sequence[Line], pitch: float = 40) -> list[list[tuple[int, int]]]:
    rows: dict[int, list[tuple[int, int]]] = {}
    for line in lines:
        left, top = np.rint(line.quad.min(axis=0)).astype(int).tolist()
        right = round(float(line.quad[:, 0].max()))
        rows.setdefault(round((top - 10) / pitch), []).append((left, right))
    return [sorted(rows[number]) for number in sorted(rows)]


WHOLE: Row = [(50, 950)]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param(
            [WHOLE, [(50, 300), (335, 700), (730, 950)], WHOLE],
            [[(50, 950)], [(50, 950)], [(50, 950)]],
            id="a justified line between whole ones",
        ),
        pytest.param(
            [WHOLE, WHOLE, [(50, 300), (300, 330), (332, 950)], [(50, 400)]],
            [[(50, 950)], [(50, 950)], [(50, 950)], [(50, 400)]],
            id="a gap that became a box",
        ),
        pytest.param(
            [WHOLE, [(50, 300), (335, 600)], WHOLE],
            [[(50, 950)], [(50, 300), (335, 600)], [(50, 950)]],
            id="its right margin is another one",
        ),
        pytest.param(
            [WHOLE, [(50, 300), (335, 950)]],
            [[(50, 950)], [(50, 300), (335, 950)]],
            id="one whole line is too few",
        ),
        pytest.param(
            [WHOLE, [(50, 300), (400, 950)], WHOLE],
            [[(50, 950)], [(50, 300), (400, 950)], [(50, 950)]],
            id="a price, too far away for a word",
        ),
        pytest.param(
            [WHOLE, WHOLE, *[[(50, 300), (340, 600), (640, 950)]] * 3],
            [[(50, 950)], [(50, 950)], *[[(50, 300), (340, 600), (640, 950)]] * 3],
            id="a table as wide as the text above it",
        ),
        pytest.param(
            [WHOLE, WHOLE, *[[(50, 480), (520, 950)]] * 4],
            [[(50, 950)], [(50, 950)], *[[(50, 480), (520, 950)]] * 4],
            id="two columns below a heading of two lines",
        ),
        pytest.param(
            [[(50, 450), (520, 950)], [(50, 200), (225, 450), (520, 950)], [(50, 450), (520, 950)]],
            [[(50, 450), (520, 950)]] * 3,
            id="the left one of two columns",
        ),
    ],
)
def test_pieces_become_a_line_where_whole_lines_near_by_have_both_its_margins(
    rows: Sequence[Row], expected: list[list[tuple[int, int]]]
) -> None:
    assert rows_of(put_together(lines_of(rows))) == expected
    assert rows_of(put_together(lines_of(rows)[::-1])) == expected


def test_whole_lines_far_away_are_no_witnesses() -> None:
    rows = [[(50, 300), (335, 950)], *[[(50, 200)]] * 8, WHOLE, WHOLE]
    assert rows_of(put_together(lines_of(rows)))[0] == [(50, 300), (335, 950)]


@pytest.mark.parametrize("turned", [1, 2, 3])
def test_lines_of_a_turned_page_begin_at_their_own_top_left_when_put_together(turned: int) -> None:
    lines = lines_of([WHOLE, [(50, 300), (335, 700), (730, 950)], WHOLE])
    for _ in range(turned):
        lines = [Line(np.stack([1000 - line.quad[:, 1], line.quad[:, 0]], axis=1)) for line in lines]
    [line] = [line for line in put_together(lines) if not any(line is one for one in lines)]
    expected = np.array([[50, 50], [950, 50], [950, 70], [50, 70]], np.float32)
    for _ in range(turned):
        expected = np.stack([1000 - expected[:, 1], expected[:, 0]], axis=1)
    assert np.abs(line.quad - expected).max() < 0.01


def test_a_box_inside_a_line_goes_and_a_line_inside_a_stamp_stays() -> None:
    text = lines_of([WHOLE, WHOLE, WHOLE])
    inner = Line(np.array([[300, 12], [340, 12], [340, 28], [300, 28]], np.float32))
    stamp = Line(np.array([[40, 45], [960, 45], [960, 125], [40, 125]], np.float32))
    left = put_together([*text, inner, stamp])
    assert len(left) == 4
    assert not any(line is inner for line in left)


def test_a_page_of_one_line_or_none_stays_as_it_is() -> None:
    assert put_together([]) == []
    assert rows_of(put_together(lines_of([WHOLE]))) == [[(50, 950)]]

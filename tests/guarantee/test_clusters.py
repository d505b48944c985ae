"""The design effect: how much errors gather on pages."""

from __future__ import annotations

import pytest

from backend.guarantee.clusters import design_effect
from backend.guarantee.lots import Lot, LotKey, LotLine


def lot(pages: list[list[bool | None]]) -> Lot:
    lines = [
        LotLine(page, f"r{place}", 100 * page + place, 0.9, right)
        for page, row in enumerate(pages)
        for place, right in enumerate(row)
    ]
    return Lot(LotKey(3, "en", "v1"), tuple(lines), len(lines))


def test_where_whole_pages_are_wrong_a_page_is_worth_one_line() -> None:
    assert design_effect(lot([[False] * 10] * 2 + [[True] * 10] * 18)) == pytest.approx(10)


def test_where_every_page_has_the_same_share_nothing_gathers() -> None:
    assert design_effect(lot([[False] + [True] * 9] * 20)) == 1.0


def test_the_size_of_a_page_is_that_of_the_lot_and_not_of_the_sample() -> None:
    pages = [[right, right] + [None] * 8 for right in [False] * 5 + [True] * 45]
    assert design_effect(lot(pages)) == pytest.approx(10)


@pytest.mark.parametrize(
    "pages",
    [
        pytest.param([[None] * 10] * 20, id="no answers"),
        pytest.param([[False, None]] * 20, id="one answer on each page"),
        pytest.param([[False, False, True]] + [[True] * 3] * 30, id="two wrong lines, on one page by chance"),
    ],
)
def test_what_the_answers_cannot_show_is_not_said(pages: list[list[bool | None]]) -> None:
    assert design_effect(lot(pages)) == 1.0

"""The looks: what they show, and what looking again costs."""

from __future__ import annotations

import pytest

from backend.guarantee.bounds import allowed, chance_of_at_most, endless_rate
from backend.guarantee.looks import ALPHA, CONFIDENCE, LADDER, PART_ALPHA, looks
from tests.parts.look_errors import any_error, any_error_of_a_lot, worst_error


@pytest.mark.parametrize(("lines", "shown"), [(256, 0.02), (512, 0.01), (1024, 0.005)])
def test_without_a_wrong_line_the_ladder_shows_round_figures(lines: int, shown: float) -> None:
    assert shown * 0.98 < endless_rate(0, lines, ALPHA) <= shown


def test_all_looks_together_keep_the_confidence() -> None:
    """For whole lots exactly, and for their parts by adding up."""
    worst, _ = worst_error(LADDER, ALPHA, finest=10)
    assert 0.03 < worst <= 0.035
    assert 0.035 + len(LADDER) * PART_ALPHA <= 1 - CONFIDENCE + 1e-12


def test_looks_that_each_keep_95_percent_do_not_keep_it_together() -> None:
    assert any_error(0.3, LADDER, 0.05) > 0.15


def test_one_look_errs_as_often_as_it_may() -> None:
    assert any_error(endless_rate(3, 64, ALPHA), (64,), ALPHA) == pytest.approx(ALPHA, rel=1e-4)


@pytest.mark.parametrize("lot", [130, 257])
def test_finite_lots_keep_the_confidence_too(lot: int) -> None:
    sizes = looks(lot)
    assert max(any_error_of_a_lot(wrong, lot, sizes, ALPHA) for wrong in range(0, lot + 1, 3)) <= 0.035


@pytest.mark.parametrize("lot", [600, 2_000, 100_000])
def test_three_percent_wrong_are_never_shown_to_be_one(lot: int) -> None:
    """One in a thousand projects at most; by adding up the looks, so it holds whatever these share."""
    wrong, may = round(0.03 * lot), round(0.01 * lot)
    passes = [(allowed(size, lot, may, ALPHA), size) for size in looks(lot)]
    chances = [chance_of_at_most(most, size, wrong, lot) for most, size in passes if most >= 0]
    assert chances
    assert sum(chances) < 1e-6


@pytest.mark.parametrize(
    ("lot", "sizes"),
    [
        (0, []),
        (50, [50]),
        (64, [64]),
        (300, [64, 128, 256, 300]),
        (8192, list(LADDER)),
        (8193, list(LADDER)),
    ],
)
def test_a_lot_that_is_no_larger_than_the_ladder_is_looked_at_whole(lot: int, sizes: list[int]) -> None:
    assert looks(lot) == sizes

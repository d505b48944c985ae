"""The bootstrap over pages: what is drawn, what an interval says, and when there is none."""

from __future__ import annotations

import numpy as np
import pytest

from converters.evaluation.page_draws import (
    interval_of,
    page_numbers,
    ratio,
    sums_by_page,
    totals_of_draws,
)


def test_every_draw_has_as_many_pages_as_there_are():
    totals = totals_of_draws(np.ones((7, 1)), draws=500)
    assert totals.shape == (500, 1)
    assert set(totals[:, 0]) == {7.0}


def test_pages_are_drawn_with_replacement_and_each_as_often_as_the_others():
    drawn = totals_of_draws(np.eye(4), draws=20_000)
    # some draws miss a page, some have it several times
    assert (drawn.min(), drawn.max()) == (0.0, 4.0)
    assert drawn.mean(axis=0) == pytest.approx([1, 1, 1, 1], abs=0.03)
    # without a page: (3/4)^4 of the draws
    assert (drawn == 0).mean() == pytest.approx((3 / 4) ** 4, abs=0.01)


def test_the_same_seed_draws_the_same_pages_whatever_is_counted():
    counts = np.arange(12.0).reshape(6, 2)
    both = totals_of_draws(counts, draws=50)
    assert np.array_equal(both[:, :1], totals_of_draws(counts[:, :1], draws=50))
    assert not np.array_equal(both, totals_of_draws(counts, draws=50, seed=2))


def test_a_block_of_draws_is_no_longer_than_memory_allows_and_changes_nothing():
    # so many pages that the draws come in several blocks
    pages = 300_000
    totals = totals_of_draws(np.ones((pages, 1)), draws=9)
    assert totals[:, 0].tolist() == [pages] * 9


def test_lines_are_added_up_by_page_in_the_order_of_the_pages_names():
    numbers, pages = page_numbers(["b", "a", "b", ""])
    assert (numbers.tolist(), pages) == ([2, 1, 2, 0], 3)
    sums = sums_by_page(numbers, pages, np.array([[1.0], [10.0], [100.0], [1000.0]]))
    assert sums[:, 0].tolist() == [1000.0, 10.0, 101.0]


def test_the_interval_is_the_middle_95_percent():
    assert interval_of(np.arange(0, 1001) / 1000) == pytest.approx((0.025, 0.975))


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([0.0, 0.0, 0.0], id="no error anywhere"),
        pytest.param([0.3, 0.3], id="every draw is the same page"),
        pytest.param([float("nan")] * 3, id="nothing to count"),
    ],
)
def test_without_scatter_there_is_no_interval(values):
    assert interval_of(np.array(values)) is None


def test_a_draw_without_anything_to_count_is_left_out_of_the_interval():
    rates = ratio(np.array([1.0, 5.0, 2.0]), np.array([2.0, 0.0, 2.0]))
    assert rates.tolist()[::2] == [0.5, 1.0]
    assert np.isnan(rates[1])
    assert interval_of(rates) == pytest.approx((0.5125, 0.9875))

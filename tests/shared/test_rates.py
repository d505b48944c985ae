"""Shares and error rates with their intervals."""

from __future__ import annotations

import numpy as np
import pytest

from converters.report import html
from converters.report.html import NO_LINES, NOT_KNOWN
from converters.shared.rates import ErrorRate, Share


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [
        pytest.param(5, 10, 0.2366, 0.7634, id="half of ten"),
        pytest.param(0, 10, 0.0, 0.2775, id="none of ten is not nothing"),
        pytest.param(10, 10, 0.7225, 1.0, id="all of ten is not certain"),
        pytest.param(81, 263, 0.2553, 0.3662, id="Newcombe's example"),
        pytest.param(1, 29, 0.0061, 0.1718, id="Newcombe's small share"),
    ],
)
def test_a_share_has_wilsons_interval(hits, of, low, high):
    assert Share(hits, of).interval == pytest.approx((low, high), abs=1e-4)


def test_of_nothing_there_is_no_share_and_no_rate():
    assert (Share().value, Share().interval) == (None, None)
    assert (ErrorRate().value, ErrorRate().interval) == (None, None)
    assert html.share(Share()) == html.rate(ErrorRate()) == NO_LINES
    assert html.share(Share(), 3) == html.rate(ErrorRate(), 3) == NOT_KNOWN
    assert html.share(Share(0, 5)) == "0.0 %"


def test_an_error_rate_is_edits_over_characters_and_one_text_has_no_interval():
    rate = ErrorRate()
    rate.add("Счет 12", "Счёт 12")
    assert (rate.value, rate.interval, rate.exact) == (1 / 7, None, 0)
    rate.add("", "три")
    assert rate.value == 4 / 10
    assert rate.interval[0] < 0.4 < rate.interval[1]
    assert (rate.exact_lines.hits, rate.exact_lines.of) == (0, 2)


def test_intervals_hold_the_true_value_in_about_19_of_20_sets():
    numbers = np.random.default_rng(7)
    shares = rates = 0
    for _ in range(400):
        low, high = Share(int(numbers.binomial(150, 0.96)), 150).interval
        shares += low <= 0.96 <= high
        rate = ErrorRate()
        for length in numbers.integers(5, 60, 300):
            wrong = int(numbers.binomial(length, 0.05))
            rate.add("y" * wrong + "x" * int(length - wrong), "x" * int(length))
        low, high = rate.interval
        rates += low <= 0.05 <= high
    assert 0.92 <= shares / 400 <= 0.985
    assert 0.92 <= rates / 400 <= 0.985

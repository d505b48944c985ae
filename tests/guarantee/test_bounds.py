"""Exact bounds against published tables, and against fractions where a lot is small."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest

from backend.guarantee.bounds import (
    allowed,
    chance_of_at_most,
    endless_chance_of_at_most,
    endless_rate,
    least_wrong,
    most_wrong,
)


def lines_needed(target: float, wrong: int) -> int:
    """The smallest sample of an endless lot that shows the target at 95 %."""
    return next(size for size in range(wrong + 1, 3000) if endless_rate(wrong, size, 0.05) <= target)


@pytest.mark.parametrize(
    ("target", "sizes"),
    [
        (0.005, [598, 947, 1258, 1549, 1829, 2100]),
        (0.01, [299, 473, 628, 773, 913, 1049]),
        (0.02, [149, 236, 313, 386, 456, 523]),
        (0.03, [99, 157, 208, 257, 303, 348]),
        (0.05, [59, 93, 124, 153, 181, 208]),
    ],
)
def test_samples_have_the_sizes_of_the_tables_of_clopper_and_pearson(target: float, sizes: list[int]) -> None:
    assert [lines_needed(target, wrong) for wrong in range(6)] == sizes


@pytest.mark.parametrize(("lot", "size"), [(500, 316), (2000, 476), (10_000, 570)])
def test_a_small_lot_needs_fewer_lines(lot: int, size: int) -> None:
    """At most 0.5 % wrong, none found, 95 %."""
    assert allowed(size, lot, lot // 200, 0.05) == 0
    assert allowed(size - 1, lot, lot // 200, 0.05) == -1


def exact(seen: int, sample: int, wrong: int, lot: int) -> Fraction:
    ways = sum(comb(wrong, count) * comb(lot - wrong, sample - count) for count in range(seen + 1))
    return Fraction(ways, comb(lot, sample))


@pytest.mark.parametrize("lot", [1, 7, 12])
def test_chances_and_bounds_are_those_of_fractions(lot: int) -> None:
    error = Fraction(1, 20)
    for sample in range(1, lot + 1):
        for seen in range(sample + 1):
            possible = range(seen, lot - (sample - seen) + 1)
            for wrong in range(lot + 1):
                chance = exact(seen, sample, wrong, lot)
                assert chance_of_at_most(seen, sample, wrong, lot) == pytest.approx(float(chance), abs=1e-12)
            upper = max(wrong for wrong in possible if exact(seen, sample, wrong, lot) > error)
            lower = min(
                wrong for wrong in possible if not seen or 1 - exact(seen - 1, sample, wrong, lot) > error
            )
            assert most_wrong(seen, sample, lot, 0.05) == upper
            assert least_wrong(seen, sample, lot, 0.05) == lower
        for most in range(lot):
            passing = [seen for seen in range(sample + 1) if most_wrong(seen, sample, lot, 0.05) <= most]
            assert allowed(sample, lot, most, 0.05) == max(passing, default=-1)


@pytest.mark.parametrize(("seen", "sample", "wrong", "lot"), [(3, 512, 40, 4000), (0, 8192, 900, 20_000)])
def test_chances_of_large_lots_are_those_of_fractions(seen: int, sample: int, wrong: int, lot: int) -> None:
    assert chance_of_at_most(seen, sample, wrong, lot) == pytest.approx(
        float(exact(seen, sample, wrong, lot)), rel=1e-6
    )


@pytest.mark.parametrize("seen", [0, 3, 9, 10])
def test_a_binomial_tail_is_the_sum_of_its_terms(seen: int) -> None:
    terms = sum(comb(10, count) * 3**count * 7 ** (10 - count) for count in range(seen + 1)) / 10**10
    assert endless_chance_of_at_most(seen, 10, 0.3) == pytest.approx(terms, abs=1e-12)


def test_a_lot_seen_whole_has_no_doubt_left() -> None:
    assert most_wrong(3, 300, 300, 0.006) == least_wrong(3, 300, 300, 0.006) == 3


def test_the_bound_of_a_large_lot_is_that_of_an_endless_one() -> None:
    rate = most_wrong(2, 512, 1_000_000, 0.006) / 1_000_000
    assert rate == pytest.approx(endless_rate(2, 512, 0.006), rel=1e-3)

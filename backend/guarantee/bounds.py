"""Exact one-sided bounds: how many lines of a lot can be wrong, seen those of a sample.

The lot is finite, so the count of wrong lines in a sample is hypergeometric; of an endless lot it is
binomial, and the bound that of Clopper and Pearson (Biometrika 26, 1934).
"""

from __future__ import annotations

from functools import lru_cache
from math import exp, lgamma, log, log1p


def chance_of_at_most(seen: int, sample: int, wrong: int, lot: int) -> float:
    """The chance that a sample holds `seen` wrong lines or fewer.

    Args:
        seen: wrong lines in the sample.
        sample: lines drawn, without putting back.
        wrong: wrong lines in the lot.
        lot: lines in the lot.
    """
    least, most = max(0, sample - (lot - wrong)), min(sample, wrong)
    if seen < least:
        return 0.0
    if seen >= most:
        return 1.0
    term = exp(_ways(wrong, least) + _ways(lot - wrong, sample - least) - _ways(lot, sample))
    if term == 0.0:
        return _tail_by_logarithms(seen, sample, wrong, lot, least)
    total = term
    for count in range(least, seen):
        term *= (wrong - count) * (sample - count) / ((count + 1) * (lot - wrong - sample + count + 1))
        total += term
    return min(total, 1.0)


def _tail_by_logarithms(seen: int, sample: int, wrong: int, lot: int, least: int) -> float:
    """The same where the first term is too small for a float."""
    return min(
        sum(
            exp(_ways(wrong, count) + _ways(lot - wrong, sample - count) - _ways(lot, sample))
            for count in range(least, seen + 1)
        ),
        1.0,
    )


def _ways(total: int, chosen: int) -> float:
    """Logarithm of the ways to choose."""
    return lgamma(total + 1) - lgamma(chosen + 1) - lgamma(total - chosen + 1)


@lru_cache(4096)
def most_wrong(seen: int, sample: int, lot: int, error: float) -> int:
    """The largest number of wrong lines in the lot that the sample does not refuse: the upper bound.

    With a chance of at least 1 - `error` the lot has no more, whatever its true number is.
    """
    known_right = sample - seen
    low, high = seen, lot - known_right  # low is never refused; above high nothing is possible
    while low < high:
        middle = (low + high + 1) // 2
        if chance_of_at_most(seen, sample, middle, lot) > error:
            low = middle
        else:
            high = middle - 1
    return low


@lru_cache(4096)
def least_wrong(seen: int, sample: int, lot: int, error: float) -> int:
    """The smallest number of wrong lines in the lot that the sample does not refuse: the lower bound."""
    return lot - most_wrong(sample - seen, sample, lot, error)


@lru_cache(4096)
def allowed(sample: int, lot: int, most: int, error: float) -> int:
    """The most wrong lines in a sample that still show `most` or fewer in the lot; -1: not even none."""
    if most >= lot:
        return sample
    low, high = -1, sample
    while low < high:
        middle = (low + high + 1) // 2
        if most_wrong(middle, sample, lot, error) <= most:
            low = middle
        else:
            high = middle - 1
    return low


def endless_rate(seen: int, sample: int, error: float) -> float:
    """The upper bound of Clopper and Pearson: the rate of wrong lines in an endless lot, at most.

    Args:
        seen: wrong lines in the sample.
        sample: lines drawn.
        error: chance that the bound lies under the true rate, at most.
    """
    if seen >= sample:
        return 1.0
    low, high = seen / sample, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if binomial_at_most(seen, sample, middle) > error:
            low = middle
        else:
            high = middle
    return high


def binomial_at_most(seen: int, sample: int, rate: float) -> float:
    """The chance of `seen` wrong lines or fewer among `sample`, each wrong with the chance `rate`."""
    if rate <= 0:
        return 1.0
    if rate >= 1:
        return 1.0 if seen >= sample else 0.0
    return min(
        sum(
            exp(_ways(sample, count) + count * log(rate) + (sample - count) * log1p(-rate))
            for count in range(seen + 1)
        ),
        1.0,
    )

"""Exact one-sided bounds: how many lines of a lot can be wrong, seen those of a sample.

The lot is finite, so the count of wrong lines in a sample is hypergeometric; of an endless lot it is
binomial, and the bound that of Clopper and Pearson (Biometrika 26, 1934).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import exp, lgamma, log, log1p

_NEGLIGIBLE = 1e-18
"""Of a sum of chances: terms under this share of it change no digit."""


def chance_of_at_most(seen: int, sample: int, wrong: int, lot: int) -> float:
    """The chance that a sample holds `seen` wrong lines or fewer.

    Args:
        seen: wrong lines in the sample.
        sample: lines drawn, none twice.
        wrong: wrong lines in the lot.
        lot: lines in the lot.
    """
    least, most = max(0, sample - (lot - wrong)), min(sample, wrong)
    if seen < least:
        return 0.0
    if seen >= most:
        return 1.0
    ways = _ways(wrong, seen) + _ways(lot - wrong, sample - seen) - _ways(lot, sample)

    def rise(count: int) -> float:
        return (wrong - count) * (sample - count) / ((count + 1) * (lot - wrong - sample + count + 1))

    return _lower_tail(exp(ways), seen, least, most, rise)


def endless_chance_of_at_most(seen: int, sample: int, rate: float) -> float:
    """The same for an endless lot, in which a line is wrong with the chance `rate`."""
    if rate <= 0 or seen >= sample:
        return 1.0
    if rate >= 1 or seen < 0:
        return 0.0
    ways = _ways(sample, seen) + seen * log(rate) + (sample - seen) * log1p(-rate)

    def rise(count: int) -> float:
        return (sample - count) * rate / ((count + 1) * (1 - rate))

    return _lower_tail(exp(ways), seen, 0, sample, rise)


def _ways(total: int, chosen: int) -> float:
    """Logarithm of the ways to choose."""
    return lgamma(total + 1) - lgamma(chosen + 1) - lgamma(total - chosen + 1)


def _lower_tail(here: float, seen: int, least: int, most: int, rise: Callable[[int], float]) -> float:
    """The sum of the chances from `least` to `seen`, summed on the side where they fall.

    Args:
        here: the chance of `seen`.
        seen: the last count of the sum.
        least: the smallest count that is possible.
        most: the largest one.
        rise: the chance of a count + 1 over that of the count.
    """
    if rise(seen) < 1:  # past the likeliest count
        total, term, count = 0.0, here, seen
        while count < most:
            term *= rise(count)
            count += 1
            total += term
            if term <= total * _NEGLIGIBLE:
                break
        return max(0.0, 1.0 - total)
    total, term, count = here, here, seen
    while count > least:
        count -= 1
        term /= rise(count)
        total += term
        if term <= total * _NEGLIGIBLE:
            break
    return min(1.0, total)


@lru_cache(4096)
def most_wrong(seen: int, sample: int, lot: int, error: float) -> int:
    """The largest number of wrong lines in the lot that the sample does not refuse: the upper bound.

    Whatever the true number is, the chance that this lies under it is `error` at most.
    """
    low, high = seen, lot - (sample - seen)  # `seen` is never refused, and the right ones are known
    while low < high:
        middle = (low + high + 1) // 2
        if chance_of_at_most(seen, sample, middle, lot) > error:
            low = middle
        else:
            high = middle - 1
    return low


def least_wrong(seen: int, sample: int, lot: int, error: float) -> int:
    """The smallest number of wrong lines in the lot that the sample does not refuse: the lower bound."""
    return lot - most_wrong(sample - seen, sample, lot, error)


@lru_cache(65536)
def allowed(sample: int, lot: int, most: int, error: float) -> int:
    """The most wrong lines in a sample that still show `most` or fewer in the lot; -1: not even none."""
    if most >= lot:
        return sample
    # the chance grows with the count, and falls with the wrong lines of the lot: `most` + 1 is the nearest
    low, high = -1, sample
    while low < high:
        middle = (low + high + 1) // 2
        if chance_of_at_most(middle, sample, most + 1, lot) <= error:
            low = middle
        else:
            high = middle - 1
    return low


def endless_rate(seen: int, sample: int, error: float) -> float:
    """The upper bound for an endless lot, a share of wrong lines: Clopper and Pearson's."""
    if seen >= sample:
        return 1.0
    low, high = seen / sample, 1.0
    for _ in range(60):  # halves until a float has no digits left
        middle = (low + high) / 2
        if endless_chance_of_at_most(seen, sample, middle) > error:
            low = middle
        else:
            high = middle
    return high

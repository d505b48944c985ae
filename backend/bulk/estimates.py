"""From a sample of tasks to all of them: totals with their 95 % intervals; pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev

_Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that was reckoned from a sample; `low` and `high` are its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def exact(self) -> bool:
        """Nothing is left to chance."""
        return self.low == self.high

    @property
    def spread(self) -> float:
        """Half of the interval as a share of the number; 0 for none of nothing."""
        return (self.high - self.value) / self.value if self.value else 0.0


def total(sampled: Sequence[float], tasks: int) -> Figure:
    """The sum over all tasks, of which some were drawn by chance.

    The expansion estimator of simple random sampling without replacement, with Student's quantile and the
    finite population correction (Cochran, Sampling Techniques, 1977, section 2.6 to 2.8).

    Args:
        sampled: what each drawn task has.
        tasks: how many there are, drawn ones included.

    Returns:
        The sum; of one task in many, an interval from what was seen to anything (infinity).
    """
    seen = math.fsum(sampled)
    if len(sampled) >= tasks:
        return Figure(seen, seen, seen)
    if not sampled:
        return Figure(0.0, 0.0, math.inf)
    value = tasks * fmean(sampled)
    if len(sampled) == 1:
        return Figure(value, seen, math.inf)
    error = stdev(sampled) / math.sqrt(len(sampled)) * math.sqrt(1 - len(sampled) / tasks)
    half = _student(len(sampled) - 1) * error * tasks
    # what was counted is there whatever the others have
    return Figure(value, max(seen, value - half), value + half)


_FEW = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
"""Student's 97.5 % quantiles of 1 to 10 degrees of freedom."""


def _student(degrees: int) -> float:
    """The 97.5 % quantile of Student's distribution, within 0.001.

    Source: Abramowitz and Stegun, Handbook of Mathematical Functions, table 26.10 and formula 26.7.5.
    """
    if degrees <= len(_FEW):
        return _FEW[degrees - 1]
    first, second = (_Z**3 + _Z) / 4, (5 * _Z**5 + 16 * _Z**3 + 3 * _Z) / 96
    third = (3 * _Z**7 + 19 * _Z**5 + 17 * _Z**3 - 15 * _Z) / 384
    return _Z + first / degrees + second / degrees**2 + third / degrees**3

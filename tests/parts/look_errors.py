"""The chance that any of several looks at a growing sample errs, computed exactly.

The count of wrong lines is followed from look to look, and what a look gets wrong (its bound lies under the
truth) is taken out of it. Between two values that a bound can take, the chance falls with the true rate: more
wrong lines let fewer samples pass. So it is largest just over one of these values, and no other is tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import lgamma

import numpy as np
import numpy.typing as npt

from backend.guarantee.bounds import allowed, chance_of_at_most, endless_rate

Numbers = npt.NDArray[np.float64]

_LOGARITHMS: Numbers = np.array([lgamma(number + 1) for number in range(20_001)])
"""Of factorials."""


def any_error(rate: float, looks: Sequence[int], error: float) -> float:
    """The chance for an endless lot, in which a line is wrong with the chance `rate`."""
    alive, erred = np.array([1.0]), 0.0
    for before, size in pairwise((0, *looks)):
        alive = _together(alive, _binomial(size - before, rate))
        # a bound at the rate itself counts as an error, as one just under it does
        passes = int(np.searchsorted(np.cumsum(_binomial(size, rate)), error * (1 + 1e-7), side="right"))
        erred += float(alive[:passes].sum())
        alive[:passes] = 0
    return erred


def worst_error(looks: Sequence[int], error: float, finest: int) -> tuple[float, float]:
    """The largest chance for any rate, and that rate.

    Args:
        looks: sizes of the sample.
        error: chance of error of each look.
        finest: of larger looks only so many of the values that their bound can take are tried, evenly.
    """
    rates = [
        endless_rate(int(wrong), size, error)
        for size in looks
        for wrong in np.unique(np.linspace(0, size - 1, min(size, finest)).astype(int))
    ]
    return max((any_error(rate, looks, error), rate) for rate in rates)


def any_error_of_a_lot(wrong: int, lot: int, looks: Sequence[int], error: float) -> float:
    """The chance for a lot of so many lines, of which so many are wrong."""
    if wrong == 0:
        return 0.0
    alive, erred = {0: 1.0}, 0.0
    for before, size in pairwise((0, *looks)):
        step: dict[int, float] = {}
        for count, chance in alive.items():
            for more, likely in enumerate(_hypergeometric(size - before, wrong - count, lot - before)):
                step[count + more] = step.get(count + more, 0.0) + chance * float(likely)
        passes = allowed(size, lot, wrong - 1, error)
        erred += sum(chance for count, chance in step.items() if count <= passes)
        alive = {count: chance for count, chance in step.items() if count > passes and chance > 1e-15}
    return erred


def _binomial(lines: int, rate: float) -> Numbers:
    counts = np.arange(lines + 1)
    ways = _LOGARITHMS[lines] - _LOGARITHMS[counts] - _LOGARITHMS[lines - counts]
    return np.asarray(np.exp(ways + counts * np.log(rate) + (lines - counts) * np.log1p(-rate)))


def _hypergeometric(sample: int, wrong: int, lot: int) -> Numbers:
    most = min(sample, wrong)
    tails = [chance_of_at_most(count, sample, wrong, lot) for count in range(most + 1)]
    return np.diff(tails, prepend=0.0)


def _together(first: Numbers, second: Numbers) -> Numbers:
    """The chances of the sum of two counts."""
    length = len(first) + len(second) - 1
    if length < 512:
        return np.convolve(first, second)
    turned = np.fft.rfft(first, 2 * length) * np.fft.rfft(second, 2 * length)
    return np.asarray(np.fft.irfft(turned, 2 * length)[:length])

"""The bootstrap over pages: intervals for figures of lines that are alike because they are of one page; pure.

B. Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7 (1979), 1-26: figures
are computed anew on samples drawn with replacement, and the middle 95 % of them are the interval (percentile
method). What is drawn are pages, never lines: lines of a page share its print and its light. M. Bisani and
H. Ney, "Bootstrap estimates for confidence intervals in ASR performance evaluation", ICASSP 2004, I-409, do
so for error rates of speech, with the difference of two systems on the same sample (`paired`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

SEED = 1
_CELLS = 2_000_000
"""Numbers that are drawn at a time, 16 MB."""

_TAILS = (0.025, 0.975)


def totals_of_draws(sums: Numbers, draws: int, seed: int = SEED) -> Numbers:
    """Draw pages with replacement, as many as there are, and add up what each draw has.

    Args:
        sums: (pages, columns), what each page adds to each column; whole numbers, so that the result is
            exact and the same on every machine.
        draws: how many samples.
        seed: the same seed and number of pages give the same samples, whatever the columns.

    Returns:
        (draws, columns).
    """
    pages, columns = sums.shape
    random = np.random.default_rng(seed)
    totals = np.empty((draws, columns))
    step = max(1, _CELLS // max(1, pages))
    for start in range(0, draws, step):
        some = min(step, draws - start)
        # row r of the block counts in cells r * pages ... of one long count
        drawn = random.integers(0, pages, (some, pages), dtype=np.int32)
        drawn += (np.arange(some, dtype=np.int32) * pages)[:, np.newaxis]
        weights = np.bincount(drawn.ravel(), minlength=some * pages).reshape(some, pages)
        totals[start : start + some] = weights.astype(np.float64) @ sums
    return totals


def interval_of(values: Numbers) -> tuple[float, float] | None:
    """The middle 95 % of the figures of the draws.

    Args:
        values: (draws,); NaN for a draw without anything to count.

    Returns:
        None where nothing scatters, because then nothing is known of the scatter: a single page, no error
        on any page.
    """
    known = values[~np.isnan(values)]
    if not known.size or known.min() == known.max():
        return None
    low, high = np.quantile(known, _TAILS)
    return float(low), float(high)


def ratio(counts: Numbers, wholes: Numbers) -> Numbers:
    """One count over the other, draw by draw; NaN where there is nothing to count."""
    rates = np.full(counts.shape, np.nan)
    np.divide(counts, wholes, out=rates, where=wholes > 0)
    return rates


def page_numbers(pages: Sequence[str]) -> tuple[npt.NDArray[np.intp], int]:
    """For each line the number of its page, by the pages' names; and how many pages there are."""
    names, numbers = np.unique(np.asarray(pages, dtype=object), return_inverse=True)
    return numbers.reshape(-1), len(names)


def sums_by_page(numbers: npt.NDArray[np.intp], pages: int, counts: Numbers) -> Numbers:
    """Add up the counts of lines, (lines, columns), by page: (pages, columns)."""
    sums = np.zeros((pages, counts.shape[1]))
    np.add.at(sums, numbers, counts)
    return sums

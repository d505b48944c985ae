"""Whether one model is better than another: both on the same lines, resampled by page; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from converters.evaluation.line_results import LineResult
from converters.evaluation.page_draws import (
    SEED,
    interval_of,
    page_numbers,
    ratio,
    sums_by_page,
    totals_of_draws,
)

DRAWS = 10_000


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """The CER of two models on the same lines, and the 95 % interval of new minus old.

    pages, lines: on which both were measured.
    cer_old, cer_new: character error rates, 0.1 for 10 %.
    low, high: of the difference; below 0 the new model is better. Both are the difference itself where
        nothing scatters, as on a single page.
    """

    pages: int
    lines: int
    cer_old: float
    cer_new: float
    low: float
    high: float

    @property
    def difference(self) -> float:
        """CER of the new model minus CER of the old one; below 0 the new one is better."""
        return self.cer_new - self.cer_old

    def summary(self) -> dict[str, Any]:
        """For machines."""
        return {
            "pages": self.pages,
            "lines": self.lines,
            "cer_old": round(self.cer_old, 6),
            "cer_new": round(self.cer_new, 6),
            "difference": round(self.difference, 6),
            "interval": [round(self.low, 6), round(self.high, 6)],
        }


def paired_bootstrap(
    old: Sequence[LineResult], new: Sequence[LineResult], draws: int = DRAWS, seed: int = SEED
) -> PairedDifference:
    """Compare two models line by line, resampling pages.

    In each sample both models have the same pages, so that a hard page is hard for both (Bisani and Ney 2004;
    see `page_draws`). The same results give the same interval.

    Args:
        old: what the other model read.
        new: what the new model read of the same crops, in the same order.
        draws: samples.
        seed: of the samples.

    Raises:
        ValueError: they are not of the same lines, or of none with a text.
    """
    if [(line.page, line.crop, line.truth) for line in old] != [
        (line.page, line.crop, line.truth) for line in new
    ]:
        raise ValueError("the two models did not read the same lines in the same order")
    counts = np.array(
        [(len(one.truth), one.edits, other.edits) for one, other in zip(old, new, strict=True)],
        dtype=np.float64,
    ).reshape(-1, 3)
    characters, edits_old, edits_new = counts.sum(axis=0)
    if not characters:
        raise ValueError("no line has a text, so there is no rate to compare")
    numbers, pages = page_numbers([line.page for line in old])
    drawn = totals_of_draws(sums_by_page(numbers, pages, counts), draws, seed)
    cer_old, cer_new = float(edits_old / characters), float(edits_new / characters)
    ends = interval_of(ratio(drawn[:, 2] - drawn[:, 1], drawn[:, 0]))
    low, high = ends if ends is not None else (cer_new - cer_old, cer_new - cer_old)
    return PairedDifference(pages, len(old), cer_old, cer_new, low, high)

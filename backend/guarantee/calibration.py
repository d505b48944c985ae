"""The score of a lot set right by its audit: sigmoid(slope x logit(score) + shift)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

PRIOR_LINES: Final = 50
"""The shipped score is believed as if this many lines, spread as those of the lot, had borne it out."""

_EDGE: Final = 1e-6
"""Scores nearer to 0 and 1 are taken for this, where the logit has a value."""

_HOLD: Final = 1e-6
"""Keeps slope and shift where they are when all scores are equal, and the lines cannot tell them apart."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A score as it should be read in one lot. `slope` is never negative, so that the order stays."""

    slope: float
    shift: float

    def __call__(self, scores: Numbers) -> Numbers:
        """How likely texts with these scores are right; shape of `scores`."""
        return _sigmoid(self.slope * _logit(scores) + self.shift)


SHIPPED: Final = Calibration(1.0, 0.0)


def calibrated(scores: Numbers, audited: Numbers, right: npt.NDArray[np.bool_]) -> Calibration:
    """The likeliest slope and shift, seen the answers and the prior (maximum a posteriori).

    Args:
        scores: of all lines of the lot, shape (lines,); the prior is spread over them.
        audited: scores of the lines with an answer, shape (answers,).
        right: these answers, shape (answers,).
    """
    logits = np.concatenate([_logit(audited), _logit(scores)])
    truth = np.concatenate([right.astype(np.float64), np.clip(scores, _EDGE, 1 - _EDGE)])
    weights = np.concatenate([np.ones(len(audited)), np.full(len(scores), PRIOR_LINES / len(scores))])
    found = _newton(np.stack([logits, np.ones_like(logits)]), truth, weights, np.array([1.0, 0.0]))
    if found[0] < 0:  # the score is worse than none here: all lines alike
        shift = _newton(np.ones((1, len(logits))), truth, weights, np.array([0.0]))
        return Calibration(0.0, float(shift[0]))
    return Calibration(float(found[0]), float(found[1]))


def _newton(columns: Numbers, truth: Numbers, weights: Numbers, start: Numbers) -> Numbers:
    """Logistic regression by Newton's method with halved steps; it is convex, so it ends at the one optimum.

    Args:
        columns: shape (parameters, lines).
        truth: 0 to 1, shape (lines,).
        weights: shape (lines,).
        start: shape (parameters,); the values are held to them, softly.
    """

    def at(values: Numbers) -> Numbers:
        # no matrix product: its threads wait for each other on a busy machine
        return np.asarray((values[:, None] * columns).sum(axis=0))

    def loss(values: Numbers) -> float:
        there = at(values)
        misses = weights * (np.logaddexp(0, there) - truth * there)
        return float(misses.sum() + _HOLD * ((values - start) ** 2).sum())

    values = start
    for _ in range(100):
        likely = _sigmoid(at(values))
        slope = (columns * (weights * (likely - truth))).sum(axis=1) + 2 * _HOLD * (values - start)
        curved = columns * (weights * likely * (1 - likely))
        bend = (curved[:, None] * columns[None]).sum(axis=2) + 2 * _HOLD * np.eye(len(start))
        step = np.linalg.solve(bend, slope)
        before, share = loss(values), 1.0
        while loss(values - share * step) > before and share > 1e-6:
            share /= 2
        values = values - share * step
        if float(np.abs(step).max()) < 1e-6:
            break
    return values


def _logit(scores: Numbers) -> Numbers:
    inside = np.clip(scores, _EDGE, 1 - _EDGE)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def _sigmoid(values: Numbers) -> Numbers:
    return np.asarray(0.5 * (1 + np.tanh(values / 2)))

"""Fits the weights of the score.

One logistic function for agreed lines, and one for texts in dispute, of which at most one is right. Ridge
regression on standardised evidence, by Newton's method, with the sign of some weights fixed: a surer reader
or one more family never makes a text less likely. Lines of one page are never on both sides of a split. Every
case is fitted a second time without names and scores of its readers, so that an engine that nobody measured,
such as ERNIE, has weights too: those that a family without a score was seen to deserve.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from backend.text.probability import Case
from benchmarks.score.cases import LineCase

Floats = npt.NDArray[np.float64]

CASES: Final[tuple[Case, ...]] = ("agreed", "disputed")
DROPPED: Final = 0.05
"""Share of agreed lines, the least likely right ones, that go to a person all the same."""
RIDGE: Final = 3.0
"""Lines' worth of doubt about every weight."""
NEVER_NEGATIVE: Final = frozenset({"more families", "tesseract sure", "pp-ocr sure", "detector sure"})
NEVER_POSITIVE: Final = frozenset(
    {
        *("against", "blurred", "capital inside", "doubts", "edge mark", "faint", "foreign letters"),
        *("grainy", "house rule", "mixed words", "no text of the page", "rare signs", "saw nothing"),
        *("small print", "unsettled marks"),
    }
)
BY_HAND: Final = {
    "no text of the page": -6.0,
    "foreign letters": -3.0,
    "mixed words": -1.5,
    "doubts": -0.3,
    "other sure": 0.5,
    "unsettled marks": -0.3,
    "digits only": -0.3,
}
"""What the pages show too seldom to be fitted, or never, as an engine that is not on this machine. Digits
are drawn in
clean print here and read better than words; on real receipts lines of digits alone were the worse ones."""
MOST: Final = 5.0
"""No weight is larger: what was always right on these pages is not always right."""
LEAST_SPREAD: Final = 0.2
"""Evidence that hardly ever speaks is held back like that which does now and then."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """Weights for both cases."""

    weights: dict[Case, dict[str, float]]

    def probabilities(self, case: LineCase) -> list[float]:
        """How likely each text of a line is right, as the product would say it with these weights."""
        mine = self.weights[case.case]
        totals = (
            mine["bias"] + sum(mine[name] * value for name, value in option.evidence.items())
            for option in case.options
        )
        odds = [math.exp(min(30.0, max(-30.0, total))) for total in totals]
        return [each / (1 + sum(odds)) for each in odds]


def fit(cases: Sequence[LineCase], silent: Sequence[LineCase]) -> Fitted:
    """Fit both functions.

    Args:
        cases: lines under panels, with the readers' scores.
        silent: the same lines without.
    """
    return Fitted({case: _fitted([one for one in (*cases, *silent) if one.case == case]) for case in CASES})


@dataclass(frozen=True, slots=True)
class _Table:
    """One row for each text; rows of one line have one number.

    columns: (texts, evidence and bias), standardised.
    right: 1 where the text is right.
    line: numbers from 0 to lines - 1.
    """

    columns: Floats
    right: Floats
    line: npt.NDArray[np.int_]

    def chances(self, beta: Floats) -> Floats:
        odds = np.exp(np.clip(self.columns @ beta, -30, 30))
        return np.asarray(odds / (1 + np.bincount(self.line, odds)[self.line]))

    def per_line(self, worth: Floats) -> Floats:
        """The rows of each line, weighted and summed."""
        sums = np.zeros((int(self.line.max()) + 1, self.columns.shape[1]))
        np.add.at(sums, self.line, self.columns * worth[:, None])
        return sums


def _fitted(cases: Sequence[LineCase]) -> dict[str, float]:
    names = sorted(cases[0].options[0].evidence)
    rows = [(number, option) for number, case in enumerate(cases) for option in case.options]
    raw = np.array([[option.evidence[name] for name in names] for _, option in rows], np.float64)
    middle, spread = raw.mean(axis=0), raw.std(axis=0)
    spread = np.maximum(spread, LEAST_SPREAD)
    table = _Table(
        np.column_stack([(raw - middle) / spread, np.ones(len(rows))]),
        np.array([option.right for _, option in rows], np.float64),
        np.array([number for number, _ in rows]),
    )
    beta = np.array([BY_HAND.get(name, 0.0) for name in names] + [0.0]) * np.append(spread, 1.0)
    free = np.array([name not in BY_HAND for name in names] + [True])
    signs = np.array(
        [1 if name in NEVER_NEGATIVE else -1 if name in NEVER_POSITIVE else 0 for name in names] + [0]
    )
    beta = _newton(table, beta, free, signs, np.append(MOST * spread, np.inf))
    own = beta[:-1] / spread
    bias = float(beta[-1] - (own * middle).sum())
    return {"bias": bias, **{name: float(weight) for name, weight in zip(names, own, strict=True)}}


def _newton(
    table: _Table, beta: Floats, free: npt.NDArray[np.bool_], signs: npt.NDArray[np.int_], most: Floats
) -> Floats:
    """Minimise the penalised loss.

    The weight that is furthest beyond what is allowed (of the wrong sign, or too large) is set to the
    limit, and the rest fitted again, until there is none.
    """
    penalty = np.append(np.full(len(beta) - 1, RIDGE), 0.0)
    while True:
        for _ in range(60):
            said = table.chances(beta)
            slope = table.columns.T @ (said - table.right) + penalty * beta
            mean = table.per_line(said)
            curve = (
                (table.columns * said[:, None]).T @ table.columns - mean.T @ mean + np.diag(penalty + 1e-6)
            )
            step = np.zeros_like(beta)
            step[free] = np.linalg.solve(curve[np.ix_(free, free)], slope[free])
            beta = beta - step * min(1.0, 4 / np.abs(step).max(initial=1e-12))
            if np.abs(step).max() < 1e-8:
                break
        lowest, highest = np.where(signs > 0, 0.0, -most), np.where(signs < 0, 0.0, most)
        beyond = np.where(free, np.maximum(lowest - beta, beta - highest), 0.0)
        worst = int(np.argmax(beyond))
        if beyond[worst] <= 0:
            return beta
        free = free.copy()
        free[worst], beta[worst] = False, np.clip(beta[worst], lowest[worst], highest[worst])


def half_of(group: str) -> int:
    """0 or 1: the pages on which weights are fitted, and those on which they are tested."""
    return hashlib.sha256(group.encode()).digest()[0] % 2


def threshold_that_drops(scores: Iterable[float], share: float) -> float:
    """The score below which this share of lines lies; two digits."""
    return round(float(np.quantile(list(scores), share)), 2)


def write(path: Path, fitted: Fitted, threshold: float, provenance: dict[str, Any]) -> None:
    """Write the file that the product ships."""
    weights = {
        case: {name: round(weight, 4) for name, weight in own.items()} for case, own in fitted.weights.items()
    }
    decisive = json.dumps([weights, threshold], sort_keys=True)
    made = {
        "digest": hashlib.sha256(decisive.encode()).hexdigest()[:8],
        "threshold": threshold,
        "weights": weights,
        "provenance": provenance,
    }
    path.write_text(json.dumps(made, ensure_ascii=False, indent=1) + "\n", "utf-8")

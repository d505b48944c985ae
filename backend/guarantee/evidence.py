"""What the answers show at each look, for all agreed lines and for those with the highest scores alone."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np
import numpy.typing as npt

from backend.guarantee.looks import looks
from backend.guarantee.lots import Lot, drawn

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

COVERAGE: Final = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Shares of the lot, by score, for which the target is tried: the strictest first, all lines last."""


@dataclass(frozen=True, slots=True)
class Part:
    """The lines of a lot with a score of at least `threshold`, and those of a sample among them.

    threshold: the lowest score among them.
    lines: in the lot.
    sampled: in the sample.
    wrong: of these, typed otherwise than agreed.
    waiting: of these, without an answer.
    """

    threshold: float
    lines: int
    sampled: int
    wrong: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Look:
    """One sample of a lot.

    size: lines drawn.
    parts: in the order of `COVERAGE`, each once; the last is the whole lot.
    """

    size: int
    parts: tuple[Part, ...]


def evidence(lot: Lot) -> list[Look]:
    """What each look shows, the smallest first."""
    lines = drawn(lot, len(lot.lines))
    return looks_at(
        np.array([line.score for line in lines]),
        np.array([line.right is False for line in lines], dtype=bool),
        np.array([line.right is None for line in lines], dtype=bool),
    )


def looks_at(scores: Numbers, wrong: Flags, waiting: Flags) -> list[Look]:
    """The same for lines in the order of the draw.

    Args:
        scores: shape (lines,).
        wrong: typed otherwise than agreed, shape (lines,).
        waiting: without an answer, shape (lines,).
    """
    if not len(scores):
        return []
    best_first = np.sort(scores)[::-1]
    strictest_first = sorted({best_first[ceil(share * len(scores)) - 1] for share in COVERAGE}, reverse=True)
    sizes = looks(len(scores))
    last = np.array(sizes) - 1
    parts: list[list[Part]] = []
    for threshold in strictest_first:
        inside = scores >= threshold
        counts = (np.cumsum(flags)[last].tolist() for flags in (inside, inside & wrong, inside & waiting))
        lines = int(inside.sum())
        parts.append([Part(float(threshold), lines, *seen) for seen in zip(*counts, strict=True)])
    return [Look(size, row) for size, row in zip(sizes, zip(*parts, strict=True), strict=True)]

"""Exact match, CER and WER of a test set and of groups of its lines, with intervals by page; pure.

- Exact match: lines that were read letter for letter, of all lines.
- CER: wrong characters of all lines, of all approved characters (code points). Long lines weigh more, and it
  may exceed 100 %.
- WER: the same in words, which spaces part; of scripts that are written without spaces it says how many lines
  are right.

What is wrong is counted by `converters.shared.text_errors`, as in `twinread report`: after NFC, every space
plain; case and punctuation count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from converters.evaluation.groups import length_band, length_order
from converters.evaluation.line_results import LineResult
from converters.evaluation.page_draws import (
    SEED,
    Numbers,
    interval_of,
    page_numbers,
    ratio,
    sums_by_page,
    totals_of_draws,
)

DRAWS = 2_000
"""Samples for the interval of one figure; the difference of two models takes more."""

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Rate:
    """How many of how many.

    count: what is counted: exact lines, wrong characters, wrong words.
    of: all lines, characters or words.
    interval: 95 %, by page; None where nothing tells how pages scatter.
    """

    count: int
    of: int
    interval: Interval | None = None

    @property
    def value(self) -> float | None:
        """The rate, 0.1 for 10 %; None where there is nothing to count."""
        return self.count / self.of if self.of else None

    def summary(self) -> dict[str, Any]:
        """For machines; null where there is nothing to count, or no interval."""
        return {
            "value": None if self.value is None else round(self.value, 6),
            "interval": None if self.interval is None else [round(end, 6) for end in self.interval],
            "count": self.count,
            "of": self.of,
        }


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """The figures of some lines.

    name: of the group; empty for all lines.
    """

    name: str
    pages: int
    lines: int
    exact: Rate
    cer: Rate
    wer: Rate

    def summary(self) -> dict[str, Any]:
        """For machines."""
        return {
            "name": self.name,
            "pages": self.pages,
            "lines": self.lines,
            "exact": self.exact.summary(),
            "cer": self.cer.summary(),
            "wer": self.wer.summary(),
        }


@dataclass(frozen=True, slots=True)
class Figures:
    """All lines, and the groups of each kind of grouping, in the order in which they are shown."""

    all: GroupFigures
    groups: Mapping[str, Sequence[GroupFigures]]

    def summary(self) -> dict[str, Any]:
        """For machines."""
        return {
            "all": self.all.summary(),
            "groups": {by: [group.summary() for group in groups] for by, groups in self.groups.items()},
        }


GROUPINGS: Mapping[str, Callable[[LineResult], str]] = {
    "script": lambda line: line.script,
    "length": lambda line: length_band(line.truth),
    "language": lambda line: line.kind,
    "page": lambda line: line.page,
}
"""What lines are grouped by; a line without a name for it is in no group."""


def figures_of(results: Sequence[LineResult], draws: int = DRAWS, seed: int = SEED) -> Figures:
    """Count everything; the same results give the same figures.

    Args:
        results: at least one line.
        draws: samples for the intervals.
        seed: of the samples.
    """
    counts = np.array(
        [
            (line.exact, 1, line.edits, len(line.truth), line.word_edits, len(line.truth.split()))
            for line in results
        ],
        dtype=np.float64,
    )
    numbers, _ = page_numbers([line.page for line in results])
    names: list[tuple[str, str]] = [("", "")]
    members = [np.ones(len(results), dtype=bool)]
    for by, name_of in GROUPINGS.items():
        named = np.array([name_of(line) for line in results], dtype=object)
        for name in sorted(set(named) - {""}):
            names.append((by, name))
            members.append(named == name)
    made: dict[tuple[str, str], GroupFigures] = {}
    for key, inside in zip(names, members, strict=True):
        own, several = np.unique(numbers[inside]), counts[inside]
        totals = several.sum(axis=0)
        drawn: Numbers | None = None
        # of one page every draw is the same
        if len(own) > 1:
            drawn = totals_of_draws(
                sums_by_page(np.searchsorted(own, numbers[inside]), len(own), several), draws, seed
            )
        made[key] = _group(key[1], len(own), totals, drawn)
    groups: dict[str, list[GroupFigures]] = {by: [] for by in GROUPINGS}
    for (by, _), group in made.items():
        if by:
            groups[by].append(group)
    return Figures(made["", ""], {by: sorted(found, key=_order[by]) for by, found in groups.items()})


_order: Mapping[str, Callable[[GroupFigures], Any]] = {
    "script": lambda group: (-group.lines, group.name),
    "length": lambda group: length_order(group.name),
    "language": lambda group: (-group.lines, group.name),
    # the page that went worst first
    "page": lambda group: (-(group.cer.value or 0.0), group.name),
}


def _group(name: str, pages: int, totals: Numbers, drawn: Numbers | None) -> GroupFigures:
    def rate(column: int) -> Rate:
        interval = None if drawn is None else interval_of(ratio(drawn[:, column], drawn[:, column + 1]))
        return Rate(int(totals[column]), int(totals[column + 1]), interval)

    return GroupFigures(name, pages, int(totals[1]), rate(0), rate(2), rate(4))

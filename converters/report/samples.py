"""The few lines that a report shows with their crops, chosen from however many; pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from heapq import heappush, heappushpop
from typing import Any

from backend.page.lines import Quad, Reading
from converters.report.comparison import Decision


@dataclass(frozen=True, slots=True)
class SampleSizes:
    """How much is shown: lines per contact sheet, confusions, and crops beside each."""

    sheet: int = 24
    confusions: int = 24
    examples: int = 3


@dataclass(frozen=True, slots=True, eq=False)
class SampleLine:
    """A line that a report shows with its crop.

    predicted: the text that the person found filled in; empty for none.
    text: as approved; empty unless `decision` is APPROVED.
    weight: the share of the text that was changed, 0 to 1.
    data: the task's data, which names the image.
    """

    task: str
    region: str
    page: int
    quad: Quad
    predicted: str
    text: str
    readings: tuple[Reading, ...]
    agreed: bool
    decision: Decision
    weight: float
    data: Mapping[str, Any]


class HeaviestLines:
    """The few lines of greatest weight, of however many; between equal ones lots are drawn.

    Lots are drawn by hash: the same lines in every run, and no order of tasks is preferred.
    """

    def __init__(self, count: int) -> None:
        """Keep that many."""
        self._count = count
        self._offered = 0
        self._heap: list[tuple[float, str, int, SampleLine]] = []

    def add(self, line: SampleLine, weight: float = 0.0) -> None:
        """Offer a line.

        Args:
            line: a candidate.
            weight: how much it deserves to be shown, against the others.
        """
        self._offered += 1
        lot = _lot(f"{line.task} {line.page} {line.region} {line.quad.tolist()}")
        # lines without ids at one place of one page draw the same lot: there the earlier one wins
        entry = (weight, lot, -self._offered, line)
        if len(self._heap) < self._count:
            heappush(self._heap, entry)
        else:
            heappushpop(self._heap, entry)

    def __iter__(self) -> Iterator[SampleLine]:
        """Heaviest first."""
        return iter([line for *_, line in sorted(self._heap, reverse=True)])


def _lot(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]

"""The lines about which people disagree on sheets, and what their pages say of them since; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from backend.sheets.line_agreement import Disagreement
from backend.sheets.sheet_tasks import SheetLine
from backend.sheets.sheet_work import SheetWork
from backend.sheets.work_words import disagreement_figures, figures
from converters.report.comparison import ComparedTask, Decision
from converters.report.samples import SampleLine

SHOWN = 50
"""Lines that the page shows with their crops; the summary has all."""


@dataclass(slots=True)
class DisputedLine:
    """A line about which people disagree, and what became of it.

    disagreement: who says what.
    settled: what its page says of the line now, where a person decided it there; None while it is open.
    shown: the line for its picture; None where its page was not read.
    """

    disagreement: Disagreement
    settled: str | None = None
    shown: SampleLine | None = None

    @property
    def line(self) -> SheetLine:
        """The line as it was put on the sheet."""
        return self.disagreement.answers[0].line


class SheetLines:
    """The work on a project's sheets, and what its pages say of the lines that people disagree about."""

    def __init__(self, work: SheetWork) -> None:
        """Begin with the work on the sheets; the pages follow."""
        self.work = work
        self.disputed = [DisputedLine(each) for each in work.agreement.disagreements]
        self._of_task: dict[str, list[DisputedLine]] = {}
        for each in self.disputed:
            self._of_task.setdefault(str(each.line.key.task), []).append(each)

    def see(self, task: str, data: Mapping[str, Any], compared: ComparedTask | None) -> None:
        """Look at a page's task for lines that people disagree about.

        Args:
            task: its id.
            data: its data, which names the image.
            compared: its submitted work; None where there is none that counts.
        """
        for each in self._of_task.get(task, ()):
            each.shown = _sample(each.line, task, data)
            for line in compared.first.lines if compared is not None else ():
                if line.region == each.line.key.region and line.decision is not Decision.OPEN:
                    approved = line.decision is Decision.APPROVED
                    each.settled = f"“{line.text}”" if approved else line.decision.value

    @property
    def open(self) -> int:
        """Lines that nobody has settled in page review."""
        return sum(each.settled is None for each in self.disputed)

    def samples(self) -> list[SampleLine]:
        """The lines that the page shows with their crops."""
        return [each.shown for each in self.disputed[:SHOWN] if each.shown is not None]

    def summary(self) -> dict[str, Any]:
        """Everything, for machines."""
        listed = [
            {**disagreement_figures(each.disagreement), "page_says": each.settled} for each in self.disputed
        ]
        return {**figures(self.work), "disagreements": listed}


def _sample(line: SheetLine, task: str, data: Mapping[str, Any]) -> SampleLine:
    return SampleLine(
        task=task,
        region=line.key.region,
        page=line.page,
        quad=np.array(line.quad, dtype=np.float32),
        predicted=line.a,
        text="",
        readings=(),
        agreed=False,
        decision=Decision.OPEN,
        weight=0.0,
        data=data,
    )

"""What a report says of lines that were decided on sheets, beside page review; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from backend.page.lines import Quad, Reading
from backend.sheets.decisions import Decision as Answer
from backend.sheets.decisions import LineVerdict
from backend.sheets.line_agreement import Disagreement, LineAgreement
from backend.sheets.sheet_tasks import SheetLine
from backend.sheets.sheet_work import PersonOnSheets, SheetWork
from converters.report.comparison import ComparedTask, Decision
from converters.report.samples import SampleLine
from converters.shared.rates import Share

SHOWN = 50
"""Disagreements that the page shows with their crops; the summary has all."""

VERDICTS = {
    LineVerdict.FIRST: "A",
    LineVerdict.SECOND: "B",
    LineVerdict.TYPED: "typed",
    LineVerdict.ILLEGIBLE: "illegible",
    LineVerdict.NOT_TEXT: "not text",
}
"""What people say of a line, in words."""


@dataclass(slots=True)
class DisputedLine:
    """A line about which people disagree, and what became of it.

    disagreement: who says what.
    page: what the page says of the line since, where somebody submitted it; None while it is open.
    shown: the line for its picture; None where its page was not read.
    """

    disagreement: Disagreement
    page: str | None = None
    shown: SampleLine | None = None

    @property
    def line(self) -> SheetLine:
        """The line as it was put on the sheet."""
        return self.disagreement.answers[0].line


class SheetLines:
    """The work on a project's sheets, and what its pages say of the lines that people disagree about."""

    def __init__(self, work: SheetWork) -> None:
        """Begin with the sheets' work; the pages follow."""
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
            lines = compared.first.lines if compared is not None else ()
            for line in lines:
                if line.region == each.line.key.region and line.decision is not Decision.OPEN:
                    each.page = line.text if line.decision is Decision.APPROVED else line.decision.value

    def samples(self) -> list[SampleLine]:
        """The lines that the page shows with their crops."""
        return [each.shown for each in self.disputed[:SHOWN] if each.shown is not None]

    def summary(self) -> dict[str, Any]:
        """Everything, for machines."""
        work = self.work
        return {
            "sheets": work.sheets,
            "sheets_submitted": work.submitted,
            "lines": {accord.value: work.lines[accord] for accord in type_of_accord(work)},
            "answers": work.answers,
            "verdicts": {VERDICTS[verdict]: work.verdicts[verdict] for verdict in LineVerdict},
            "seconds_per_line_median": _rounded(work.seconds_per_line),
            "people": {user: person_summary(person) for user, person in sorted(work.people.items())},
            "agreement": agreement_summary(work.agreement),
            "disagreements": [_disputed_summary(each) for each in self.disputed],
            "problems": [{"sheet": sheet, "problem": problem} for sheet, problem in work.problems],
        }

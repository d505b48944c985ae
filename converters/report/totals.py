"""The sums of a report over one group of lines, and over two people's shared lines; pure.

- *Agreed* is a line that arrived ready because the readings say the same. It was right where a person
  approved its text letter for letter (NFC, plain spaces); illegible, not text, removed and every other
  text are wrong. Lines left open are not counted.
- Lines of a page that nobody reviewed as a whole (completed from sheets, or accepted unseen) tell how many
  agreed, and are in no other rate: whether the agreed ones are right, and which are missing, nobody knows.
- *Yield* is the share of the lines whose text was right that arrived ready: purity alone could be bought
  by agreeing on next to nothing.
- Detection is measured as people saw it: boxes marked as not text or removed are false, lines that they
  drew themselves were missed. Two boxes that a person joined count as one that is false.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import Any

from backend.page.lines import Verdict
from converters.report.comparison import ComparedAnnotation, ComparedLine, Decision, pairs_of
from converters.shared.rates import ErrorRate, Share

_LINES = {Decision.APPROVED, Decision.ILLEGIBLE, Decision.TEXTLESS}


@dataclass
class LineTotals:
    """The sums over one group of lines: all, one annotator's, one language's, one day's.

    lines: of the annotations, removed ones included, shapes that are no lines left out.
    unknown: lines whose prediction is not known, so that nothing can be compared.
    unseen: lines that nobody looked at.
    on_sheets: lines that were decided on sheets.
    unrated: lines of pages that nobody reviewed as a whole; they count in `agreed` alone.
    agreed: of the predicted lines that have a verdict.
    right: of the agreed lines that are decided.
    ready: agreed, of the lines whose text was right.
    found, kept: detection as people saw it: lines that were predicted, boxes that are lines.
    touched: lines at which a person changed anything.
    prefilled: the text that people found filled in, against the one that they approved. Its edits per
        line are what people had to type; a line that they drew had no text to be edited.
    seconds: of page review, by annotation, per line.
    doubtful_paces: the same, per line whose readings did not agree, whatever else was done to the page.
    """

    tasks: int = 0
    lines: int = 0
    unknown: int = 0
    open: int = 0
    illegible: int = 0
    unseen: int = 0
    on_sheets: int = 0
    unrated: int = 0
    agreed: Share = field(default_factory=Share)
    right: Share = field(default_factory=Share)
    ready: Share = field(default_factory=Share)
    found: Share = field(default_factory=Share)
    kept: Share = field(default_factory=Share)
    touched: Share = field(default_factory=Share)
    retyped: Share = field(default_factory=Share)
    prefilled: ErrorRate = field(default_factory=ErrorRate)
    seconds: float = 0.0
    timed_lines: int = 0
    paces: list[float] = field(default_factory=list)
    doubtful: int = 0
    doubtful_paces: list[float] = field(default_factory=list)

    def add(self, work: ComparedAnnotation) -> None:
        """Enter one person's work on one task."""
        self.tasks += 1
        lines = [line for line in work.lines if line.decision is not Decision.OUT]
        reviewed = work.made is None
        for line in lines:
            self._line(line, known=work.version is not None, reviewed=reviewed)
        if work.seconds is not None and lines and reviewed:
            self.seconds += work.seconds
            self.timed_lines += len(lines)
            self.paces.append(work.seconds / len(lines))
            if doubtful := sum(line.doubtful for line in lines):
                self.doubtful += doubtful
                self.doubtful_paces.append(work.seconds / doubtful)

    def _line(self, line: ComparedLine, *, known: bool, reviewed: bool) -> None:
        self.lines += 1
        self.unseen += line.decision is Decision.UNSEEN
        self.on_sheets += line.on_sheet
        self.open += line.decision is Decision.OPEN
        self.illegible += line.decision is Decision.ILLEGIBLE
        if not known:
            self.unknown += 1
            return
        if reviewed and line.decision is not Decision.OPEN:
            self.touched.add(line.touched)
        if line.drawn:
            if line.decision in _LINES:
                self.found.add(False)
            return
        if line.verdict is not None:
            self.agreed.add(line.verdict is Verdict.AGREED)
        if not reviewed:
            # nobody looked at the rest of the page: of the doubtful lines alone every rate would be another
            self.unrated += 1
            return
        if line.decision is Decision.OPEN:
            return
        is_line = line.decision in _LINES
        self.kept.add(is_line)
        if is_line:
            self.found.add(True)
        right = line.decision is Decision.APPROVED and line.predicted == line.text
        if line.verdict is Verdict.AGREED:
            self.right.add(right)
        if right and line.verdict is not None:
            self.ready.add(line.verdict is Verdict.AGREED)
        if line.decision is Decision.APPROVED and line.predicted is not None:
            self.prefilled.add(line.predicted, line.text)
            self.retyped.add(line.retyped)

    @property
    def hidden(self) -> int:
        """Lines of which no rate can be known: their prediction is not, or their page was not reviewed."""
        return self.unknown + self.unrated

    def __add__(self, other: LineTotals) -> LineTotals:
        return LineTotals(**{name: getattr(self, name) + getattr(other, name) for name in vars(self)})

    def summary(self) -> dict[str, Any]:
        """For machines; null where there is nothing to count or it is not known."""
        return {
            "tasks": self.tasks,
            "lines": self.lines,
            "lines_prediction_not_known": self.unknown,
            "lines_left_open": self.open,
            "lines_illegible": self.illegible,
            "lines_nobody_looked_at": self.unseen,
            "lines_decided_on_sheets": self.on_sheets,
            "lines_of_pages_not_reviewed": self.unrated,
            "agreed": self.agreed.summary(),
            "agreed_right": self.right.summary(),
            "right_and_agreed": self.ready.summary(),
            "detection_recall": self.found.summary(),
            "detection_precision": self.kept.summary(),
            "lines_touched": self.touched.summary(),
            "lines_retyped": self.retyped.summary(),
            "prefilled": self.prefilled.summary(),
            "edits_per_line": None
            if self.prefilled.edits_per_line is None
            else round(self.prefilled.edits_per_line, 4),
            "seconds": round(self.seconds, 1) if self.timed_lines else None,
            "seconds_per_line": round(self.seconds / self.timed_lines, 2) if self.timed_lines else None,
            "seconds_per_line_median": round(median(self.paces), 2) if self.paces else None,
            "lines_timed": self.timed_lines,
            "seconds_per_doubtful_line_median": round(median(self.doubtful_paces), 2)
            if self.doubtful_paces
            else None,
        }


@dataclass
class PairAgreement:
    """How far people agree where a task has several.

    same: of the lines that both approved, those with one text; `between` is one's CER against the other.
    decided: of the lines that both have, those with the same decision.
    alone: lines that only one of them has.
    """

    tasks: int = 0
    same: Share = field(default_factory=Share)
    decided: Share = field(default_factory=Share)
    between: ErrorRate = field(default_factory=ErrorRate)
    alone: int = 0

    def add(self, first: ComparedAnnotation, second: ComparedAnnotation) -> None:
        """Compare two people's work on one task.

        Args:
            first: one person's work, whose text stands for the right one in `between`.
            second: the other's.
        """
        pairs, alone = pairs_of(first, second)
        self.tasks += 1
        self.alone += alone
        for one, other in pairs:
            self.decided.add(one.decision is other.decision)
            if one.decision is other.decision is Decision.APPROVED:
                self.same.add(one.text == other.text)
                self.between.add(other.text, one.text)

    def summary(self) -> dict[str, Any]:
        """For machines."""
        return {
            "tasks": self.tasks,
            "same_text": self.same.summary(),
            "same_decision": self.decided.summary(),
            "between": self.between.summary(),
            "lines_of_one_alone": self.alone,
        }

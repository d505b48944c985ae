"""What the readings were worth, counted from the work of people: all that a report says; pure.

One pass over compared tasks; memory holds sums, the confusions that were seen, and a few lines to show.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import combinations
from typing import TYPE_CHECKING, Any

from rapidfuzz.distance import Levenshtein

from backend.page.lines import Verdict
from backend.sheets.made_annotations import Made
from backend.sheets.offered_texts import TextRules
from backend.text.differences import differences
from backend.text.house_style import TextStyle
from converters.report.comparison import ComparedLine, ComparedTask, Decision, compare
from converters.report.families import Worth
from converters.report.family_words import families_summary
from converters.report.samples import HeaviestLines, SampleLine, SampleSizes
from converters.report.sheet_lines import SheetLines
from converters.report.totals import LineTotals, PairAgreement
from converters.report.worth import AgreedWorth
from converters.reviewed.line_rules import Direction, Rules
from converters.reviewed.reasons import TaskReason
from converters.reviewed.tasks import as_task, task_name
from converters.shared.rates import ErrorRate

if TYPE_CHECKING:
    from converters.report.call_cost import CallCost

_DECIDED = {Decision.APPROVED, Decision.ILLEGIBLE, Decision.NOT_TEXT, Decision.REMOVED}

LONGEST_PIECE = 12
"""Characters of a confusion; longer ones are lines that were read quite differently."""


@dataclass(frozen=True, slots=True)
class Confusion:
    """One piece of text that was read as another; either may be empty."""

    read: str
    approved: str


class Report:
    """Everything a report says; feed it every item of a project or an export."""

    def __init__(
        self,
        sizes: SampleSizes | None = None,
        sheets: SheetLines | None = None,
        worth: AgreedWorth | None = None,
        call_cost: CallCost | None = None,
    ) -> None:
        """Begin with nothing counted.

        Args:
            sizes: how much is shown of what comes.
            sheets: the work on the project's sheets; None where it has none, or that is not known.
            worth: what audits say of the agreed lines; None where that is not known.
            call_cost: of the server on this project; None for an export file.
        """
        self.call_cost = call_cost
        self.worth = worth
        self.sizes = sizes or SampleSizes()
        self.sheets = sheets
        self.made: Counter[Made] = Counter()
        self.left_out: Counter[TaskReason] = Counter()
        self._seen: set[str] = set()
        self.all = LineTotals()
        self.annotators: dict[str, LineTotals] = {}
        self.languages: dict[str, LineTotals] = {}
        self.hours: dict[datetime, LineTotals] = {}
        self.undated = 0
        self.versions: Counter[str] = Counter()
        self.rates: dict[tuple[str, str], ErrorRate] = {}
        self.failed: Counter[tuple[str, str]] = Counter()
        self.families: dict[str, Worth] = {}
        self.directions: Counter[Direction] = Counter()
        self.people: dict[tuple[str, str], PairAgreement] = {}
        self.confusions: Counter[Confusion] = Counter()
        self.confused_by: Counter[tuple[Confusion, str]] = Counter()
        self.examples: dict[Confusion, HeaviestLines] = {}
        self.unlike = 0
        self.wrong = HeaviestLines(self.sizes.sheet)
        self.worst = HeaviestLines(self.sizes.sheet)
        self.random = HeaviestLines(self.sizes.sheet)

    def add(self, item: object, rules: Rules) -> None:
        """Enter whatever stands in a task's place; what is not counted is left out by its reason.

        Args:
            item: as an export or Label Studio's API has it.
            rules: what labels are called, and the labeling config where it is known.
        """
        task = as_task(item)
        if task is None:
            self.left_out[TaskReason.NOT_A_TASK] += 1
            return
        name = task_name(task)
        if name in self._seen:
            self.left_out[TaskReason.TWICE] += 1
            return
        self._seen.add(name)
        compared = compare(task, rules)
        if self.sheets is not None:
            self.sheets.see(name, task["data"], None if isinstance(compared, TaskReason) else compared)
        if self.worth is not None:
            self.worth.see(name, task["data"])
        if isinstance(compared, TaskReason):
            self.left_out[compared] += 1
        else:
            self._count(compared, task["data"])
            self._weigh(compared, TextRules(rules.language, rules.style).language_of(task), rules.style)

    @property
    def items_read(self) -> int:
        """Everything that was read: tasks with submitted work, and what was left out."""
        return self.all.tasks + self.left_out.total()

    @property
    def tasks_read(self) -> int:
        """Tasks, each once."""
        return self.items_read - self.left_out[TaskReason.NOT_A_TASK] - self.left_out[TaskReason.TWICE]

    def left_out_by_reason(self) -> list[tuple[TaskReason, int]]:
        """Why items are left out and how many, in the order in which the reasons are listed."""
        return [(why, self.left_out[why]) for why in TaskReason if self.left_out[why]]

    def _count(self, compared: ComparedTask, data: Mapping[str, Any]) -> None:
        first = compared.first
        self.all.add(first)
        self.languages.setdefault(first.language, LineTotals()).add(first)
        if first.when is None:
            self.undated += 1
        else:
            hour = first.when.astimezone(timezone.utc).replace(minute=0, second=0, microsecond=0)
            self.hours.setdefault(hour, LineTotals()).add(first)
        if first.version is not None:
            self.versions[first.version] += 1
        if first.made is not None:
            self.made[first.made] += 1
        for work in (first, *compared.others):
            if work.made is not None:
                # what people decided on sheets is counted there
                continue
            self.annotators.setdefault(work.user, LineTotals()).add(work)
        people = sorted((first, *compared.others), key=lambda work: work.user)
        for one, two in combinations(people, 2):
            self.people.setdefault((one.user, two.user), PairAgreement()).add(one, two)
        for line in first.lines:
            if line.direction is not None:
                self.directions[line.direction] += 1
            if first.made is None:
                self._readings(first.version or "", line)
            if line.predicted is not None:
                self._offer(compared.task, line, data)

    def _weigh(self, compared: ComparedTask, language: str, style: TextStyle) -> None:
        """Enter the lines that people decided, to learn what readers, pairs and other panels are worth."""
        first = compared.first
        of_version = self.families.setdefault(first.version or "", Worth())
        for line in first.lines:
            blind = self.worth is not None and self.worth.typed_blind(compared.task, line.region)
            reviewed = first.made is None
            if line.readings and line.decision in _DECIDED and (blind or reviewed):
                text = line.text if line.decision is Decision.APPROVED else None
                of_version.add(
                    line.readings, text, line.predicted, language, style, reviewed=reviewed, blind=blind
                )

    def _readings(self, version: str, line: ComparedLine) -> None:
        if line.decision is not Decision.APPROVED:
            return
        for reading in line.readings:
            rate = self.rates.setdefault((version, reading.reader), ErrorRate())
            if reading.failed:
                self.failed[version, reading.reader] += 1
            else:
                rate.add(reading.text, line.text)

    def _offer(self, task: str, line: ComparedLine, data: Mapping[str, Any]) -> None:
        """Offer a line to the sheets that it belongs on, and count what was confused in it."""
        agreed = line.verdict is Verdict.AGREED
        no_line = line.decision in (Decision.ILLEGIBLE, Decision.NOT_TEXT, Decision.REMOVED)
        wrong = agreed and (line.retyped or no_line)
        approved = line.decision is Decision.APPROVED
        if line.quad is None or not (approved or wrong):
            return
        predicted = line.predicted or ""
        share = Levenshtein.normalized_distance(predicted, line.text)
        sample = SampleLine(
            task=task,
            region=line.region,
            page=line.page,
            quad=line.quad,
            predicted=predicted,
            text=line.text,
            readings=line.readings,
            agreed=agreed,
            decision=line.decision,
            weight=share,
            data=data,
        )
        if wrong:
            # a wrong text first: of a box that was marked as no line nobody learns what was misread
            self.wrong.add(sample, share if approved else share - 1)
        elif approved and line.retyped:
            self.worst.add(sample, share)
        elif agreed and not line.touched:
            self.random.add(sample)
        if approved:
            self._confuse(line, sample)

    def _confuse(self, line: ComparedLine, sample: SampleLine) -> None:
        by = {reading.reader: reading.text for reading in line.readings if reading.text}
        if not line.readings:
            by = {"filled in": line.predicted or ""}
        seen: set[Confusion] = set()
        for reader, text in by.items():
            if text == line.text:
                continue
            for reason in differences(text, line.text):
                if max(len(reason.first), len(reason.second)) > LONGEST_PIECE:
                    self.unlike += 1
                    continue
                confusion = Confusion(reason.first, reason.second)
                self.confused_by[confusion, reader] += 1
                if confusion not in seen:
                    seen.add(confusion)
                    self.confusions[confusion] += 1
                    self.examples.setdefault(confusion, HeaviestLines(self.sizes.examples)).add(sample)

    def readers(self) -> dict[tuple[str, str], tuple[ErrorRate, int]]:
        """CER and failures of each reader, over every approved line that it read.

        By the version of the prediction that the work began with, empty where that is not known, and the
        reader's name.
        """
        return {key: (rate, self.failed[key]) for key, rate in sorted(self.rates.items(), key=lambda r: r[0])}

    def spared(self) -> dict[tuple[str, str], str]:
        """How many lines each reader was asked for that was spared at least a tenth of those others were.

        A reader that is asked when needed (READING_POLICY) has read the lines in doubt alone, which are the
        hard ones: its CER is not to be held against theirs. In words, by the keys of `readers`.
        """
        asked = {key: rate.lines + failed for key, (rate, failed) in self.readers().items()}
        most: dict[str, int] = {}
        for (version, _), lines in asked.items():
            most[version] = max(most.get(version, 0), lines)
        return {
            key: f"asked for {lines:,} of {most[key[0]]:,} lines only, likely those in doubt"
            for key, lines in asked.items()
            if 10 * lines <= 9 * most[key[0]]
        }

    def top_confusions(self) -> list[tuple[Confusion, int, dict[str, int]]]:
        """The most frequent confusions: in how many lines, and how often by which reader."""
        ordered = sorted(self.confusions.items(), key=lambda item: (-item[1], item[0].approved, item[0].read))
        by: dict[Confusion, dict[str, int]] = {}
        for (confusion, reader), count in sorted(self.confused_by.items(), key=lambda item: item[0][1]):
            by.setdefault(confusion, {})[reader] = count
        return [(confusion, count, by[confusion]) for confusion, count in ordered[: self.sizes.confusions]]

    def over_time(self) -> tuple[str, list[tuple[datetime, LineTotals]]]:
        """The work in steps of time, UTC, oldest first: by hour, day or week, as the span asks for."""
        if not self.hours:
            return "day", []
        span = max(self.hours) - min(self.hours)
        step = "hour" if span <= timedelta(days=2) else "day" if span <= timedelta(days=120) else "week"
        steps: dict[datetime, LineTotals] = {}
        for hour, totals in sorted(self.hours.items()):
            start = hour if step == "hour" else hour.replace(hour=0)
            if step == "week":
                start -= timedelta(days=start.weekday())
            steps[start] = steps[start] + totals if start in steps else totals
        return step, list(steps.items())

    def summary(self) -> dict[str, Any]:
        """Everything, for machines."""
        step, steps = self.over_time()
        return {
            "items_read": self.items_read,
            "tasks_read": self.tasks_read,
            "tasks_without_submitted_work": self.tasks_read - self.all.tasks,
            "tasks_that_came_before": self.left_out[TaskReason.TWICE],
            "items_that_are_no_task": self.left_out[TaskReason.NOT_A_TASK],
            "left_out": {why.value: count for why, count in self.left_out_by_reason()},
            "all": self.all.summary(),
            "readers": [
                {"version": version, "reader": reader, "failed": failed, **rate.summary()}
                for (version, reader), (rate, failed) in self.readers().items()
            ],
            "families": families_summary(self.families, self.call_cost),
            "versions": dict(sorted(self.versions.items())),
            "pages_nobody_reviewed": {why.value: self.made[why] for why in Made},
            "sheets": None if self.sheets is None else self.sheets.summary(),
            "agreed_lines_worth": None if self.worth is None else self.worth.summary(),
            "annotators": {user: totals.summary() for user, totals in sorted(self.annotators.items())},
            "languages": {name: totals.summary() for name, totals in sorted(self.languages.items())},
            "between_annotators": [
                {"annotators": list(pair), **people.summary()} for pair, people in sorted(self.people.items())
            ],
            "confusions": [
                {"read": confusion.read, "approved": confusion.approved, "lines": count, "by": by}
                for confusion, count, by in self.top_confusions()
            ],
            "read_quite_differently": self.unlike,
            "step": step,
            "boxes_turned": {why.value: self.directions[why] for why in Direction if self.directions[why]},
            "over_time": [{"from": start.isoformat(), **totals.summary()} for start, totals in steps],
            "tasks_without_time": self.undated,
        }

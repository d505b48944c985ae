"""What the readings were worth, counted from the work of people; pure.

One pass over compared tasks; memory holds sums, the confusions that were seen, and a few lines to show.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from heapq import heappush, heappushpop
from itertools import combinations
from typing import Any

from rapidfuzz.distance import Levenshtein

from backend.page.lines import Quad, Reading, Verdict
from backend.text.differences import differences
from converters.report.comparison import ComparedLine, ComparedTask, Fate, compare
from converters.report.rates import ErrorRate
from converters.report.tally import Tally, TwoPeople
from converters.reviewed.line_rules import Rules
from converters.reviewed.reasons import TaskReason
from converters.reviewed.tasks import as_task, task_name

LONGEST_PIECE = 12
"""Characters of a confusion; longer ones are lines that were read quite differently."""


@dataclass(frozen=True, slots=True, eq=False)
class SampleLine:
    """A line to be shown with its crop."""

    task: str
    region: str
    page: int
    quad: Quad
    predicted: str
    text: str
    readings: tuple[Reading, ...]
    agreed: bool
    fate: Fate
    weight: float
    data: Mapping[str, Any]
    """The task's data, which names the image."""


@dataclass(frozen=True, slots=True)
class Confusion:
    """One piece of text that was read as another; either may be empty."""

    read: str
    approved: str


class Best:
    """The few lines of greatest weight, of however many; between equal ones lots are drawn.

    Lots are drawn by hash: the same lines in every run, and no order of tasks is preferred.
    """

    def __init__(self, count: int) -> None:
        """Keep that many."""
        self._count = count
        self._offered = 0
        self._heap: list[tuple[float, str, int, SampleLine]] = []

    def add(self, shown: SampleLine, weight: float = 0.0) -> None:
        """Offer a line."""
        self._offered += 1
        lot = _draw(f"{shown.task} {shown.page} {shown.region} {shown.quad.tolist()}")
        # lines without ids at one place of one page draw the same lot: there the earlier one wins
        entry = (weight, lot, -self._offered, shown)
        if len(self._heap) < self._count:
            heappush(self._heap, entry)
        else:
            heappushpop(self._heap, entry)

    def __iter__(self) -> Iterator[SampleLine]:
        """Heaviest first."""
        return iter([shown for *_, shown in sorted(self._heap, reverse=True)])


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is shown: lines per contact sheet, confusions, and crops beside each."""

    sheet: int = 24
    confusions: int = 24
    examples: int = 3


class Report:
    """Everything a report says; feed it every item of a project or an export."""

    def __init__(self, sizes: Sizes | None = None) -> None:
        """Begin with nothing counted."""
        self.sizes = sizes or Sizes()
        self.left_out: Counter[TaskReason] = Counter()
        self._seen: set[str] = set()
        self.all = Tally()
        self.annotators: dict[str, Tally] = {}
        self.languages: dict[str, Tally] = {}
        self.hours: dict[datetime, Tally] = {}
        self.undated = 0
        self.versions: Counter[str] = Counter()
        self.rates: dict[tuple[str, str], ErrorRate] = {}
        self.failed: Counter[tuple[str, str]] = Counter()
        self.people: dict[tuple[str, str], TwoPeople] = {}
        self.confusions: Counter[Confusion] = Counter()
        self.confused_by: Counter[tuple[Confusion, str]] = Counter()
        self.examples: dict[Confusion, Best] = {}
        self.unlike = 0
        self.wrong = Best(self.sizes.sheet)
        self.worst = Best(self.sizes.sheet)
        self.random = Best(self.sizes.sheet)

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
        if isinstance(compared, TaskReason):
            self.left_out[compared] += 1
        else:
            self._count(compared, task["data"])

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
        self.all.annotation(first)
        self.languages.setdefault(first.language, Tally()).annotation(first)
        if first.when is None:
            self.undated += 1
        else:
            hour = first.when.astimezone(timezone.utc).replace(minute=0, second=0, microsecond=0)
            self.hours.setdefault(hour, Tally()).annotation(first)
        if first.version is not None:
            self.versions[first.version] += 1
        for work in (first, *compared.others):
            self.annotators.setdefault(work.user, Tally()).annotation(work)
        people = sorted((first, *compared.others), key=lambda work: work.user)
        for one, two in combinations(people, 2):
            self.people.setdefault((one.user, two.user), TwoPeople()).add(one, two)
        for line in first.lines:
            self._readings(first.version or "", line)
            if line.predicted is not None:
                self._show(compared.task, line, data)

    def _readings(self, version: str, line: ComparedLine) -> None:
        if line.fate is not Fate.APPROVED:
            return
        for said in line.readings:
            rate = self.rates.setdefault((version, said.reader), ErrorRate())
            if said.failed:
                self.failed[version, said.reader] += 1
            else:
                rate.add(said.text, line.text)

    def _show(self, task: str, line: ComparedLine, data: Mapping[str, Any]) -> None:
        agreed = line.verdict is Verdict.AGREED
        wrong = agreed and (line.retyped or line.fate in (Fate.ILLEGIBLE, Fate.NOT_TEXT, Fate.REMOVED))
        approved = line.fate is Fate.APPROVED
        if line.quad is None or not (approved or wrong):
            return
        said = line.predicted or ""
        share = Levenshtein.normalized_distance(said, line.text)
        shown = SampleLine(
            task,
            line.region,
            line.page,
            line.quad,
            said,
            line.text,
            line.readings,
            agreed,
            line.fate,
            share,
            data,
        )
        if wrong:
            # a wrong text first: of a box that was marked as no line nobody learns what was misread
            self.wrong.add(shown, share if approved else share - 1)
        elif approved and line.retyped:
            self.worst.add(shown, share)
        elif agreed and not line.touched:
            self.random.add(shown)
        if approved:
            self._confuse(line, shown)

    def _confuse(self, line: ComparedLine, shown: SampleLine) -> None:
        by = {said.reader: said.text for said in line.readings if said.text}
        if not line.readings:
            by = {"filled in": line.predicted or ""}
        seen: set[Confusion] = set()
        for reader, said in by.items():
            if said == line.text:
                continue
            for reason in differences(said, line.text):
                if max(len(reason.first), len(reason.second)) > LONGEST_PIECE:
                    self.unlike += 1
                    continue
                confusion = Confusion(reason.first, reason.second)
                self.confused_by[confusion, reader] += 1
                if confusion not in seen:
                    seen.add(confusion)
                    self.confusions[confusion] += 1
                    self.examples.setdefault(confusion, Best(self.sizes.examples)).add(shown)

    def readers(self) -> dict[tuple[str, str], tuple[ErrorRate, int]]:
        """CER and failures of each reader, over every approved line that it read.

        By the version of the prediction that the work began with, empty where that is not known, and the
        reader's name.
        """
        return {key: (rate, self.failed[key]) for key, rate in sorted(self.rates.items(), key=lambda r: r[0])}

    def top_confusions(self) -> list[tuple[Confusion, int, dict[str, int]]]:
        """The most frequent confusions: in how many lines, and how often by which reader."""
        ordered = sorted(self.confusions.items(), key=lambda item: (-item[1], item[0].approved, item[0].read))
        by: dict[Confusion, dict[str, int]] = {}
        for (confusion, reader), count in sorted(self.confused_by.items(), key=lambda item: item[0][1]):
            by.setdefault(confusion, {})[reader] = count
        return [(confusion, count, by[confusion]) for confusion, count in ordered[: self.sizes.confusions]]

    def over_time(self) -> tuple[str, list[tuple[datetime, Tally]]]:
        """The work in steps of time, UTC, oldest first: by hour, day or week, as the span asks for."""
        if not self.hours:
            return "day", []
        span = max(self.hours) - min(self.hours)
        step = "hour" if span <= timedelta(days=2) else "day" if span <= timedelta(days=120) else "week"
        steps: dict[datetime, Tally] = {}
        for hour, tally in sorted(self.hours.items()):
            start = hour if step == "hour" else hour.replace(hour=0)
            if step == "week":
                start -= timedelta(days=start.weekday())
            steps[start] = steps[start] + tally if start in steps else tally
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
            "versions": dict(sorted(self.versions.items())),
            "annotators": {user: tally.summary() for user, tally in sorted(self.annotators.items())},
            "languages": {name: tally.summary() for name, tally in sorted(self.languages.items())},
            "between_annotators": [
                {"annotators": list(pair), **people.summary()} for pair, people in sorted(self.people.items())
            ],
            "confusions": [
                {"read": confusion.read, "approved": confusion.approved, "lines": count, "by": by}
                for confusion, count, by in self.top_confusions()
            ],
            "read_quite_differently": self.unlike,
            "step": step,
            "over_time": [{"from": start.isoformat(), **tally.summary()} for start, tally in steps],
            "tasks_without_time": self.undated,
        }


def _draw(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]

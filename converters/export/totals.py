"""The totals of an export: what was read, what was exported, what was left out and why; they add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from backend.sheets.made_annotations import Looked, Made
from converters.export.guarantee import Guarantee
from converters.export.layouts.layout import is_ignored, is_written
from converters.export.page_records import PageRecord
from converters.export.write_page import PageOptions
from converters.reviewed.line_rules import Direction
from converters.reviewed.reasons import AnnotationReason, LeftOutReason, TaskReason
from converters.reviewed.region_text import Change

EXPORTED = "exported"
STAR = 'reads "*", which PaddleOCR takes for an ignore mark'
MOST_PROBLEMS = 20


@dataclass
class ExportTotals:
    """Counts at every level; the keys are reasons in words, or `EXPORTED`.

    tasks: every task that was read.
    annotations: every annotation of those tasks.
    recognition, detection: every region of the annotations that count; for detection "exported" is a
        region with its text, "ignored: ..." one written as `###`.
    changes: what bringing texts into their written form did, by text.
    directions: boxes of exported lines that were turned over, and what became of them.
    looked: exported lines by where a person looked at them; where nobody did, the readings agree.
    made: pages with exported lines of which nobody saw the whole, by why they count as approved.
    sheet_seconds: what each exported line took that was decided on a sheet, where that was measured.
    rows: by label file.
    pages_taken_over: pages whose files are those of an earlier export.
    pages_without_rows: pages that no label file has.
    pages_without_group: pages whose task does not say which others they belong to (`--split-by`).
    difference: added, changed and removed rows, where there was a dataset to compare with (`compared`).
    tasks_not_read: tasks that had not changed, whose pages were taken over unread.
    problems: pages without image: key and sentence, the first ones.
    newest_change: when a task was changed last, as Label Studio has it.
    largest_group: pages that had to stay in one part at most.
    missing_files: label files that the split asks for and that have no row.
    guarantee: what audits say of the lines that nobody looked at; None where that is not known.
    """

    tasks: Counter[str] = field(default_factory=Counter)
    annotations: Counter[str] = field(default_factory=Counter)
    recognition: Counter[str] = field(default_factory=Counter)
    detection: Counter[str] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)
    directions: Counter[str] = field(default_factory=Counter)
    looked: Counter[Looked] = field(default_factory=Counter)
    made: Counter[Made] = field(default_factory=Counter)
    sheet_seconds: list[float] = field(default_factory=list)
    rows: Counter[str] = field(default_factory=Counter)
    difference: Counter[str] = field(default_factory=Counter)
    pages: int = 0
    pages_taken_over: int = 0
    pages_without_rows: int = 0
    pages_without_group: int = 0
    compared: bool = False
    tasks_not_read: int = 0
    pages_without_image: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)
    newest_change: str = ""
    largest_group: int = 0
    missing_files: list[str] = field(default_factory=list)
    guarantee: Guarantee | None = None

    @property
    def regions(self) -> int:
        """Regions seen, in recognition as in detection."""
        return self.recognition.total()

    def task(self, why: TaskReason | None, others: tuple[AnnotationReason, ...], counts: bool) -> None:
        """Enter a task and its annotations.

        Args:
            why: it exports nothing; None where an annotation of it counts.
            others: why each of its other annotations does not count.
            counts: one of its annotations does.
        """
        self.tasks[why.value if why else EXPORTED] += 1
        self.annotations.update(other.value for other in others)
        self.annotations[EXPORTED] += counts

    def page(self, record: PageRecord, *, taken_over: bool, unreachable: str | None = None) -> None:
        """Enter a page and its regions.

        Args:
            record: the page.
            taken_over: its files are those of an earlier export.
            unreachable: why they are, where its image could not be had.
        """
        self.pages += 1
        self.pages_taken_over += taken_over
        self.pages_without_rows += not _rows(record)
        self.pages_without_group += record.group is None
        problem = record.problem
        if unreachable is not None:
            problem = f"{unreachable} The page stays as an earlier export made it."
        if problem is not None:
            self.pages_without_image += 1
            if len(self.problems) < MOST_PROBLEMS:
                self.problems.append((record.key, problem))
        exported = [line for line in record.lines if line.why is None]
        if record.made is not None and exported:
            self.made[Made(record.made)] += 1
        if self.guarantee is not None:
            self.guarantee.add(record)
        self.looked.update(Looked(line.looked) for line in exported)
        self.sheet_seconds += [
            line.decided.seconds for line in exported if line.decided and line.decided.seconds is not None
        ]
        for line in record.lines:
            why = LeftOutReason[line.why] if line.why else None
            self.recognition[EXPORTED if why is None else why.words] += 1
            if why is not None and not is_written(why):
                self.detection[f"out: {why.words}"] += 1
            elif is_ignored(why, line.text):
                self.detection[f"ignored: {why.words if why else STAR}"] += 1
            else:
                self.detection[EXPORTED] += 1
            self.changes.update(Change[name].value for name in line.changes)
            if line.direction is not None:
                self.directions[Direction[line.direction].value] += 1

    def compare(self, old: PageRecord | None, new: PageRecord | None) -> None:
        """Enter what became of the rows of one page.

        Args:
            old: the page in the dataset before; None where it has none.
            new: the page in this one; None likewise.
        """
        self.compared = True
        before, after = _rows(old), _rows(new)
        self.difference["added"] += len(after.keys() - before.keys())
        self.difference["removed"] += len(before.keys() - after.keys())
        self.difference["changed"] += sum(
            before[name] != after[name] for name in before.keys() & after.keys()
        )

    @property
    def looked_note(self) -> str | None:
        """How many exported lines nobody looked at, in a sentence; None where somebody saw every page."""
        if not self.made.total():
            return None
        ways = [
            f"{self.made[why]:,} {words}"
            for why, words in (
                (Made.SHEETS, "were completed from sheets alone"),
                (Made.ACCEPTED, "were accepted because their readings agree"),
            )
            if self.made[why]
        ]
        on_sheets = self.looked[Looked.SHEET]
        pace = f" (in {median(self.sheet_seconds):.1f} s, the middle one)" if self.sheet_seconds else ""
        decided = f" {on_sheets:,} were decided on sheets{pace}." if on_sheets else ""
        return (
            f"Nobody looked at {self.looked[Looked.NOBODY]:,} of {self.looked.total():,} exported lines, nor "
            f"at their {self.made.total():,} pages as a whole: {' and '.join(ways)}.{decided}"
        )

    def summary(self, options: PageOptions) -> dict[str, Any]:
        """Everything, for machines; every table in the order of its counts."""
        return {
            "tasks": {"read": self.tasks.total(), **_ordered(self.tasks)},
            "tasks_not_read_again": self.tasks_not_read,
            "annotations": {"seen": self.annotations.total(), **_ordered(self.annotations)},
            "pages": self.pages,
            "pages_without_rows": self.pages_without_rows,
            "pages_without_image": self.pages_without_image,
            "problems": [{"page": key, "problem": sentence} for key, sentence in self.problems],
            "regions": self.regions,
            **({"recognition": _ordered(self.recognition)} if options.recognition else {}),
            **({"detection": _ordered(self.detection)} if options.detection else {}),
            "texts_changed": _ordered(self.changes),
            "boxes_turned": _ordered(self.directions),
            "lines_by_look": {where.value: self.looked[where] for where in Looked},
            "pages_nobody_looked_at": {why.value: self.made[why] for why in Made},
            "seconds_per_line_on_sheets_median": round(median(self.sheet_seconds), 2)
            if self.sheet_seconds
            else None,
            "rows": dict(sorted(self.rows.items())),
            "largest_group": self.largest_group,
            "missing_files": self.missing_files,
            "newest_change": self.newest_change,
            **(self.guarantee.summary() if self.guarantee is not None else {}),
        }


def _rows(record: PageRecord | None) -> dict[str, object]:
    """A page's rows by their image, with all that they say."""
    if record is None:
        return {}
    rows: dict[str, object] = {
        line.crop: (line.text, line.crop_sha256) for line in record.lines if line.why is None and line.crop
    }
    if record.image is not None:
        regions = [(line.points, line.text, line.why is None) for line in record.lines if line.points]
        rows[record.image] = (record.file_sha256, regions)
    return rows


def _ordered(counts: Counter[str]) -> dict[str, int]:
    found = sorted(counts.items(), key=lambda item: (item[0] != EXPORTED, -item[1], item[0]))
    return {name: count for name, count in found if count}

"""How far a project is: its pages and lines by state, who reviewed, how fast; for `twinread status`.

Pure but for `collect`, which reads the tasks a page at a time, so that memory stays flat.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from statistics import median

from backend.label_studio.annotations import (
    Json,
    is_cancelled,
    latest,
    listed_annotations,
    moment_of,
    newest_prediction,
    predictions_of,
    submitted_annotations,
    user_of,
)
from backend.label_studio.client import LabelStudio
from backend.label_studio.labeling_config import LabelingConfig
from backend.label_studio.regions import regions
from backend.label_studio.second_reading import texts_of_work
from backend.sheets.doubtful_lines import is_doubtful
from backend.sheets.made_annotations import Looked, Made, looked_at, made_in


class PageStage(Enum):
    """Where a page is on its way; the first that fits."""

    REVIEWED = "reviewed"
    """Somebody submitted it."""
    FROM_SHEETS = "from sheets"
    """Its doubtful lines were decided on sheets; nobody looked at the page."""
    ACCEPTED = "accepted"
    """Its readings agree, and the lead accepted it; nobody looked at the page."""
    SKIPPED = "skipped"
    """Everybody who opened it passed it over."""
    DOUBTFUL = "doubtful"
    """Read, with a line that a person must decide."""
    AGREED = "agreed"
    """Read, and every line alike twice."""
    UNREAD = "unread"
    """No prediction is stored for it."""


@dataclass
class Person:
    """What one annotator submitted.

    seconds: of each page, as Label Studio's editor measured them.
    """

    pages: int = 0
    lines: int = 0
    seconds: list[float] = field(default_factory=list)
    first: datetime | None = None
    last: datetime | None = None

    @property
    def seconds_per_page(self) -> float | None:
        """The median; None where none was measured."""
        return median(self.seconds) if self.seconds else None

    @property
    def lines_per_hour(self) -> float | None:
        """Of the time that the editor measured; None where none was."""
        spent = sum(self.seconds)
        return self.lines * 3600 / spent if spent else None


@dataclass
class Status:
    """The state of a project.

    pages, lines: how many are in each state; lines of unread pages are not known.
    undecided: lines of reviewed pages that still want a decision: left for later, or called right in a second
        reading that is not there or beside another text that was typed.
    on_sheets: lines of pages that count as approved that people decided on sheets alone.
    unseen: lines of such pages that nobody looked at.
    stages: of each task that was read or submitted.
    drafts: pages that somebody began and has not submitted.
    versions: how many pages have a prediction of each version.
    people: by user id.
    """

    pages: Counter[PageStage] = field(default_factory=Counter)
    lines: Counter[PageStage] = field(default_factory=Counter)
    undecided: int = 0
    on_sheets: int = 0
    unseen: int = 0
    stages: dict[int, PageStage] = field(default_factory=dict)
    drafts: int = 0
    versions: Counter[str] = field(default_factory=Counter)
    people: dict[int, Person] = field(default_factory=dict)

    @property
    def unopened(self) -> int:
        """Pages that count as approved, and that nobody looked at as a whole."""
        return self.pages[PageStage.FROM_SHEETS] + self.pages[PageStage.ACCEPTED]

    @property
    def seconds_left(self) -> float | None:
        """Work that is left on pages that were read, at the median pace of all; None without a pace."""
        paces = [second for person in self.people.values() for second in person.seconds]
        waiting = self.pages[PageStage.DOUBTFUL] + self.pages[PageStage.AGREED]
        return waiting * median(paces) if paces else None


def collect(api: LabelStudio, project: int, config: LabelingConfig) -> Status:
    """Look at every task of a project.

    Args:
        api: Label Studio.
        project: its number.
        config: its labeling config.

    Raises:
        LabelStudioFailed: Label Studio is out of reach, or refused.
    """
    return status_of(api.tasks(project), config)


def status_of(tasks: Iterable[Json], config: LabelingConfig) -> Status:
    """Count tasks.

    Args:
        tasks: as Label Studio's API gives them, with annotations and predictions.
        config: the project's, which says what the labels mean.
    """
    status = Status()
    for task in tasks:
        predictions = predictions_of(task)
        status.versions.update({str(made.get("model_version") or "") for made in predictions})
        status.drafts += bool(task.get("drafts"))
        submitted = submitted_annotations(task)
        newest = newest_prediction(predictions)
        if (last := latest(submitted)) is not None:
            work = list(texts_of_work(task, last, config))
            why = made_in(last)
            stage = PageStage.REVIEWED if why is None else _UNOPENED[why]
            status.pages[stage] += 1
            status.lines[stage] += len(work)
            status.undecided += sum(is_doubtful(region, config) and not texts for region, texts in work)
            looked = Counter(looked_at(region, why) for region, _ in work)
            status.on_sheets += looked[Looked.SHEET]
            status.unseen += looked[Looked.NOBODY]
            # what people decided on sheets is counted there
            for made in submitted:
                if made_in(made) is None:
                    _credit(status, made)
            status.stages[int(task["id"])] = stage
        elif any(isinstance(made, Mapping) and is_cancelled(made) for made in listed_annotations(task) or []):
            status.pages[PageStage.SKIPPED] += 1
        elif newest is not None:
            found = regions(newest["result"])
            doubtful = sum(is_doubtful(region, config) for region in found)
            stage = PageStage.DOUBTFUL if doubtful else PageStage.AGREED
            status.pages[stage] += 1
            status.stages[int(task["id"])] = stage
            status.lines[PageStage.DOUBTFUL] += doubtful
            status.lines[PageStage.AGREED] += len(found) - doubtful
        else:
            status.pages[PageStage.UNREAD] += 1
    return status


_UNOPENED = {Made.SHEETS: PageStage.FROM_SHEETS, Made.ACCEPTED: PageStage.ACCEPTED}


def _credit(status: Status, made: Json) -> None:
    author = user_of(made)
    if not author.isdecimal():
        return
    person = status.people.setdefault(int(author), Person())
    person.pages += 1
    person.lines += len(regions(made["result"]))
    spent = made.get("lead_time")
    if isinstance(spent, (int, float)) and spent > 0:
        person.seconds.append(float(spent))
    moment = moment_of(made.get("created_at"))
    if moment is not None:
        person.first = min(person.first or moment, moment)
        person.last = max(person.last or moment, moment)

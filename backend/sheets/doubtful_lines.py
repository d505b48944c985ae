"""The doubtful lines of a page, as a sheet takes them: from what is stored in Label Studio; pure.

A line is taken from the prediction that the page would be filled with: the newest one of the version that the
project chose. Pages that people are at work on, or have done, keep their lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from backend.label_studio.annotations import (
    Json,
    is_cancelled,
    listed_annotations,
    newest_prediction,
    predictions_of,
    submitted_annotations,
)
from backend.label_studio.labeling_config import NO_PAGE, LabelingConfig
from backend.label_studio.region_notes import readings_in
from backend.label_studio.regions import Region, region_quad, regions
from backend.label_studio.result_fields import Size
from backend.page.geometry import intersection_over_union
from backend.page.lines import Quad, Verdict
from backend.pipeline.version import REREAD
from backend.sheets.offered_texts import TextRules, offered_texts
from backend.sheets.sheet_tasks import LineKey, SheetLine

SAME_PLACE = 0.9
"""From this IoU on (0 to 1) a line lies where it lay: below it the strip that a person saw is another one."""


class PageWork(Enum):
    """What people have done with a page; the first that fits."""

    SUBMITTED = "submitted"
    SKIPPED = "skipped"
    """Everybody who opened it passed it over."""
    BEGUN = "begun"
    """Somebody has a draft of it."""
    NONE = "none"
    """Nobody has touched it: its lines can go onto sheets."""


@dataclass(frozen=True, slots=True)
class DoubtfulLine:
    """A doubtful line of a page.

    line: as it is put on a sheet.
    size: width and height of the upright page, pixels.
    explanation: what annotators see of it in page review: its readings, and why it is doubtful.
    """

    line: SheetLine
    size: Size
    explanation: str


@dataclass(frozen=True, slots=True)
class PageLines:
    """A page by its lines.

    task: its id.
    work: what people have done with it.
    score: of the prediction, 0 to 1, the lower the sooner a person should look; None where it has none.
    doubtful: lines that a person must decide, in the order of the page; also of a page that people work on.
    sure: how many lines need no decision.
    unshown: ids of doubtful regions that no strip can show (no box, or no size of the page).
    prediction: the id of the prediction that they were taken from; None for a page that was not read.
    """

    task: int
    work: PageWork
    score: float | None = None
    doubtful: tuple[DoubtfulLine, ...] = ()
    sure: int = 0
    unshown: tuple[str, ...] = ()
    prediction: int | None = None

    @property
    def agreed_share(self) -> float:
        """Share of lines that need no decision, 0 to 1; 1 for a page without lines."""
        total = self.sure + len(self.doubtful) + len(self.unshown)
        return self.sure / total if total else 1.0

    @property
    def urgency(self) -> tuple[float, int]:
        """Sorts the most doubtful page first, as Label Studio's own stream does."""
        return (self.agreed_share if self.score is None else self.score, self.task)


def page_prediction(task: Json, version: str) -> Json | None:
    """The prediction that a page is filled with; None where it was not read.

    Args:
        task: of the page project, with its predictions.
        version: the model version that the project chose. Where it is none of stored predictions, such as
            a backend that is asked for each page, the newest prediction counts that is no re-read.
    """
    made = predictions_of(task)
    chosen = [each for each in made if version and each.get("model_version") == version]
    read = [each for each in made if not str(each.get("model_version") or "").startswith(REREAD)]
    return newest_prediction(chosen or read)


def is_doubtful(region: Region, config: LabelingConfig) -> bool:
    """The line still wants a person: by its label, or, where no label says so, because it has no text."""
    labels = config.labels_of(region.from_name)
    if labels.has_check_label:
        return labels.check in region.labels
    return not any(text.strip() for text in region.texts)


def is_agreed(region: Region, config: LabelingConfig) -> bool:
    """Whether a line was read alike twice, and says so in every way in which it can.

    A line that was imported is none, nor one whose label is not the project's for ready lines (any more).
    """
    stored = readings_in(region)
    labels = config.labels_of(region.from_name)
    return (
        stored is not None
        and stored.verdict is Verdict.AGREED
        and set(region.labels) <= {labels.text}
        and any(text.strip() for text in region.texts)
        and region.points is not None
        and not region.problems
    )


def page_lines(
    task: Json, project: int, config: LabelingConfig, version: str, rules: TextRules, *, begun: bool = False
) -> PageLines:
    """Look at one page.

    Args:
        task: of the page project, as Label Studio's API gives it, with annotations and predictions.
        project: the id of the page project.
        config: the page project's, which says what the labels mean.
        version: the model version that the project chose.
        rules: how readings become texts.
        begun: somebody has a draft of it; a task itself shows the drafts of the key's user alone.
    """
    number = int(task["id"])
    work = _work_on(task, begun=begun)
    made = page_prediction(task, version)
    if made is None:
        return PageLines(number, work)
    doubtful: list[DoubtfulLine] = []
    unshown: list[str] = []
    sure = 0
    language = rules.language_of(task)
    for region in regions(made["result"]):
        if not is_doubtful(region, config):
            sure += 1
            continue
        found = _line(region, number, project, made, config, language, rules)
        if found is None:
            unshown.append(region.id)
        else:
            doubtful.append(found)
    score = made.get("score")
    return PageLines(
        task=number,
        work=work,
        score=float(score) if isinstance(score, (int, float)) else None,
        doubtful=tuple(doubtful),
        sure=sure,
        unshown=tuple(unshown),
        prediction=int(made["id"]),
    )


def is_same_line(stored: SheetLine, now: SheetLine) -> bool:
    """Whether an answer about a line as it stood on a sheet holds for the line as it is now.

    Both are lines with one key. The texts must be the same, and the place, so that the strip that a person
    saw shows the text that was decided.
    """
    if (stored.a, stored.b, stored.page) != (now.a, now.b, now.page):
        return False
    return stored.quad == now.quad or intersection_over_union(quad_of(stored), quad_of(now)) >= SAME_PLACE


def quad_of(line: SheetLine) -> Quad:
    """The corners of a line, (4, 2) float32, page pixels, clockwise from the text's own top-left."""
    return np.array(line.quad, dtype=np.float32)


def _work_on(task: Json, *, begun: bool) -> PageWork:
    if submitted_annotations(task):
        return PageWork.SUBMITTED
    listed = listed_annotations(task)
    # what cannot be read is somebody's work, too
    if listed is None or any(isinstance(made, Mapping) and not is_cancelled(made) for made in listed):
        return PageWork.SUBMITTED
    if begun or task.get("drafts"):
        return PageWork.BEGUN
    return PageWork.SKIPPED if listed else PageWork.NONE


def _line(
    region: Region,
    task: int,
    project: int,
    made: Json,
    config: LabelingConfig,
    language: str,
    rules: TextRules,
) -> DoubtfulLine | None:
    """One doubtful line; None where no strip can show it."""
    page = config.page_of(region)
    if region.points is None or region.page_size is None or not region.id or page == NO_PAGE:
        return None
    first, second = offered_texts(region, language, rules.style)
    line = SheetLine(
        key=LineKey(project, task, region.id),
        a=first,
        b=second,
        page=page,
        prediction=int(made["id"]),
        model_version=str(made.get("model_version") or ""),
        quad=corners_of(region_quad(region)),
    )
    explanation = region.meta.get("text")
    return DoubtfulLine(line, region.page_size, explanation if isinstance(explanation, str) else "")


def corners_of(quad: Quad) -> tuple[tuple[float, float], ...]:
    """The corners of a quad as a sheet has them: to a hundredth of a pixel, as Label Studio's percent are."""
    points: Sequence[Sequence[float]] = np.round(quad.astype(np.float64), 2).tolist()
    return tuple((x, y) for x, y in points)

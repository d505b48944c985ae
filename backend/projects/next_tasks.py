"""Orders the pages of a project that wait by what they teach, where Label Studio's stream follows; `next`.

Label Studio 1.23 with "Uncertainty sampling" serves the task whose prediction has the lowest score, among
predictions of the version that fills pages; tasks without such a prediction come last. So the order is
written as scores of those predictions: between 0 and 1, evenly, first to last. Nothing else is written. A
prediction keeps its version, so Label Studio does not ask the backend again, which would bring the score
back. Such a score is no share of agreed lines any more, but that can be counted again from the prediction's
lines: `--undo`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from backend.errors import LabelStudioFailed, ProjectError
from backend.label_studio.annotations import Json, is_cancelled, listed_annotations, predictions_of
from backend.label_studio.client import LabelStudio
from backend.label_studio.labeling_config import LabelingConfig
from backend.pipeline.version import is_model_version
from backend.projects.project_fields import SAMPLING
from backend.projects.teaching_order import Place
from backend.projects.teaching_pages import ApprovedWork, WaitingPage, waiting_page

FOLLOWED = "Uncertainty sampling"
"""The one way of sampling that looks at scores."""

SAME_SCORE = 1e-9
"""Scores that differ by less are not written."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A stored prediction and the score that it has; None for none."""

    prediction: int
    score: float | None


@dataclass
class ProjectPages:
    """The tasks of a project, by whether they can be ordered.

    waiting: read, and begun by nobody.
    scores: of the predictions that fill pages, by task; also of pages that do not wait.
    shares: the share of agreed lines, by task, of every page with lines.
    reviewed, skipped, begun: pages that people have done, passed over, or have a draft of; they keep their
        scores.
    empty: pages on which no line was found; they keep their scores, too: 1 for a blank one, 0 for one that
        somebody has to look at.
    unread: pages without a prediction of the version that fills pages.
    """

    waiting: list[WaitingPage] = field(default_factory=list)
    scores: dict[int, list[Scored]] = field(default_factory=dict)
    shares: dict[int, float] = field(default_factory=dict)
    approved: ApprovedWork = field(default_factory=ApprovedWork)
    reviewed: int = 0
    skipped: int = 0
    begun: int = 0
    empty: int = 0
    unread: int = 0


@dataclass(frozen=True, slots=True)
class NewScore:
    """A score to be written."""

    task: int
    prediction: int
    score: float


def prediction_version(project: Json) -> str:
    """The version of the predictions that fill a project's pages, and whose scores order them.

    Args:
        project: as Label Studio shows it.

    Raises:
        ProjectError: no stored predictions fill pages, or they are not twinread's.
    """
    chosen = str(project.get("model_version") or "")
    number = project["id"]
    if is_model_version(chosen):
        return chosen
    what = (
        f"filled by '{chosen}', which is no version of twinread's predictions"
        if chosen
        else "filled by no predictions"
    )
    raise ProjectError(
        f"The pages of project {number} are {what}, so Label Studio would follow no order that is written "
        f"to their scores. Run `twinread preannotate --project {number}`, and where somebody chose other "
        f"predictions `twinread setup-project --project {number} --update predictions`."
    )


def not_followed(project: Json) -> str:
    """Why Label Studio would not follow the order of scores, with the cure; empty where it does."""
    sampling = str(project.get("sampling") or "")
    if sampling == FOLLOWED:
        return ""
    number = project["id"]
    return (
        f"Task sampling of project {number} is '{sampling}', which looks at no scores: people would get "
        f"pages in another order. Run `twinread setup-project --project {number} --update {SAMPLING}` first."
    )


def remarks(project: Json) -> list[str]:
    """What else decides about the order in which people get pages."""
    several = int(project.get("maximum_annotations") or 1)
    if several < 2:
        return []
    return [
        f"Each page is wanted {several} times: Label Studio serves pages that somebody has done before it "
        "follows this order."
    ]


def project_pages(
    tasks: Iterable[Json], begun: frozenset[int], config: LabelingConfig, version: str
) -> ProjectPages:
    """Sort the tasks of a project.

    Args:
        tasks: as Label Studio's API gives them, with annotations and predictions.
        begun: the tasks that somebody has a draft of.
        config: the project's, which says what the labels mean.
        version: of the predictions that fill pages.
    """
    pages = ProjectPages()
    for task in tasks:
        number = int(task["id"])
        made = [each for each in predictions_of(task) if each.get("model_version") == version]
        page = waiting_page(number, made[-1]["result"], config) if made else None
        if made:
            pages.scores[number] = [Scored(int(each["id"]), _score(each)) for each in made]
        if page is not None:
            pages.shares[number] = page.agreed_share
        if pages.approved.add(task, config):
            pages.reviewed += 1
        elif any(isinstance(each, dict) and is_cancelled(each) for each in listed_annotations(task) or []):
            pages.skipped += 1
        elif number in begun or task.get("drafts"):
            pages.begun += 1
        elif page is not None:
            pages.waiting.append(page)
        elif made:
            pages.empty += 1
        else:
            pages.unread += 1
    return pages


def read_project(api: LabelStudio, project: int, config: LabelingConfig, version: str) -> ProjectPages:
    """Look at every task of a project, a hundred at a time.

    Raises:
        LabelStudioFailed: Label Studio is out of reach, or refused.
    """
    begun = frozenset(int(task["id"]) for task in api.tasks(project, fields="task_only", begun=True))
    return project_pages(api.tasks(project), begun, config, version)


def scores_of(order: Sequence[Place], pages: ProjectPages) -> list[NewScore]:
    """The scores that put pages into an order, the last page first; none where they stand in it already.

    They lie between 0 and 1 and are neither, so that a page on which nothing was found (0) still comes
    before them, and a blank one (1) after. From the last page on, because an order that is cut off in the
    middle of being written still begins with the least agreed pages.
    """
    numbers = [each.score for place in order for each in pages.scores[place.page.task]]
    known = [score for score in numbers if score is not None and 0 < score < 1]
    if len(known) == len(numbers) == len(order) and all(
        one < other for one, other in itertools.pairwise(known)
    ):
        return []
    wanted = {
        place.page.task: round(number / (len(order) + 1), 7) for number, place in enumerate(order, start=1)
    }
    return _changed(wanted, pages)


def shares_of(pages: ProjectPages) -> list[NewScore]:
    """The scores that make every prediction's score its share of agreed lines again."""
    return _changed(pages.shares, pages)


def write_scores(api: LabelStudio, scores: Sequence[NewScore]) -> Iterator[NewScore | None]:
    """Write scores.

    Yields:
        What was written; None for a prediction that somebody deleted meanwhile.

    Raises:
        LabelStudioFailed: Label Studio is out of reach, or refused.
    """
    for new in scores:
        yield new if _is_written(api, new) else None


def _is_written(api: LabelStudio, new: NewScore) -> bool:
    try:
        api.score_prediction(new.prediction, new.score)
    except LabelStudioFailed as error:
        if error.facts.get("status") != httpx.codes.NOT_FOUND:
            raise
        return False
    return True


def _changed(wanted: dict[int, float], pages: ProjectPages) -> list[NewScore]:
    last_first = sorted(wanted.items(), key=lambda item: (-item[1], item[0]))
    return [
        NewScore(task, stored.prediction, score)
        for task, score in last_first
        for stored in pages.scores[task]
        if stored.score is None or abs(stored.score - score) > SAME_SCORE
    ]


def _score(prediction: Json) -> float | None:
    score: Any = prediction.get("score")
    return float(score) if isinstance(score, (int, float)) else None

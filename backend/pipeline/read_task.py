"""One task of Label Studio in, its prediction out: what every driver calls, whatever it answers to.

    pages_of     the pages that a task's data names
    read_page    one page with the engines: fetched, decoded, searched, read, and demanded to be whole
    read_task    both, and the prediction of it

A driver that reads many tasks at once (HTTP, bulk work) brings its own way to read a page, such as a
queue; the rules of what makes a prediction stay here.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from typing import Any

from backend.errors import (
    BadRequest,
    Late,
    OperatorError,
    OutOfMemory,
    ReaderUnavailable,
    Stopping,
    TwinreadError,
    UnexpectedFailure,
    is_out_of_memory,
    shortened,
)
from backend.label_studio import explanations, predictions
from backend.label_studio.labeling_config import LabelingConfig
from backend.label_studio.message_language import MessageLanguage
from backend.page import image_files
from backend.page.lines import Page, ReadPage
from backend.pipeline.annotate import annotate_page
from backend.pipeline.engines import Engines
from backend.text.languages import LONGEST_NAME
from backend.tickets import Urgency

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wording:
    """Languages: of pages that do not name their own, and of explanations for annotators."""

    page_language: str
    message_language: MessageLanguage


@dataclass(frozen=True, slots=True)
class TaskPage:
    """One page of a Label Studio task.

    task: the task's id; None where the caller gave none.
    reference: the image as the task's data names it.
    language: of the page, as the task or the settings name it.
    """

    task: int | None
    reference: str
    language: str

    @property
    def name(self) -> str:
        """How messages call its task."""
        return task_name(self.task)

    @property
    def key(self) -> tuple[int | None, str, bytes]:
        """Equal for the same page, and small, as it is kept: a reference may be a whole image in itself."""
        return self.task, self.language, sha256(self.reference.encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True, slots=True)
class Prediction:
    """One task's answer as Label Studio stores it.

    task: the task's id; None where the caller gave none.
    result: the regions as Label Studio's JSON, lines in doubt first.
    score: share of agreed lines, 0 to 1.
    model_version: what made it; the same as `/setup` said when its pages were read.
    notes: what people must know of its pages, in English, for the log and the status; annotators find
        the same with the lines, in their language.
    """

    task: int | None
    result: tuple[Mapping[str, Any], ...]
    score: float
    model_version: str
    notes: tuple[str, ...] = ()

    def answer(self) -> dict[str, Any]:
        """The object that stands for it in an answer of `/predict`."""
        return {"result": list(self.result), "score": self.score, "model_version": self.model_version}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a task has no prediction (yet)."""

    task: int | None
    error: TwinreadError


def task_name(task: int | None) -> str:
    """How messages call a task."""
    return f"task {task}" if task is not None else "the task"


def task_id(task: Mapping[str, Any]) -> int | None:
    """The id of a task as Label Studio sends it; None where there is none."""
    number = task.get("id")
    return number if isinstance(number, int) else None


def pages_of(task: Mapping[str, Any], config: LabelingConfig, wording: Wording) -> list[TaskPage]:
    """The pages of a task, in order; at least one.

    Args:
        task: as Label Studio sends it, with `id` and `data`.
        config: which field of the data names the image.
        wording: the language of pages whose task does not name one in the field `language`.

    Raises:
        BadRequest: the data names no image, or a language under a name that none has.
    """
    data = task.get("data")
    if not isinstance(data, Mapping):
        data = {}
    language = data.get("language") or wording.page_language
    if not isinstance(language, str) or len(language) > LONGEST_NAME:
        named = shortened(language) if isinstance(language, str) else type(language).__name__
        raise BadRequest(
            f"The task's field 'language' holds no name of a language ({named!r}), which has up to "
            f"{LONGEST_NAME} characters: give an ISO 639 code such as ru, or take the field out."
        )
    return [TaskPage(task_id(task), reference, language) for reference in config.references(data)]


@contextmanager
def open_page(engines: Engines, page: TaskPage, *, urgency: Urgency | None = None) -> Iterator[Page]:
    """Fetch and decode the image of a page, which counts as open until the block ends.

    Args:
        engines: give the source of images, and the limits of their size.
        page: whose image.
        urgency: whether an annotator waits, now or later; None for bulk work.

    Yields:
        The upright page, RGB, uint8.

    Raises:
        TwinreadError: it cannot be had, or is no image.
    """
    data = engines.source.fetch(page.reference, task_id=page.task)
    memory = engines.memory
    found = image_files.header(data, max_pixels=engines.max_page_pixels)
    with memory.open.hold(found.open_pixels, urgency):
        yield image_files.decode(
            data,
            max_pixels=engines.max_page_pixels,
            max_scans=engines.max_jpeg_scans,
            budget=memory.decoding,
            urgency=urgency,
        )


def read_page(engines: Engines, page: TaskPage, *, urgency: Urgency | None = None) -> ReadPage:
    """Find and read every line of a page.

    Args:
        engines: lent to the caller for as long as this takes.
        page: which one.
        urgency: whether an annotator waits, now or later; None for bulk work.

    Returns:
        The lines with their readings, under the version of these engines.

    Raises:
        TwinreadError: the image cannot be had, the page cannot be searched, or readers had no answer.
    """
    with (
        open_page(engines, page, urgency=urgency) as opened,
        engines.lend(page.language) as panel,
    ):
        read = annotate_page(opened, engines.detector, panel, urgency=urgency)
    _demand_answers(read)
    return replace(read, model_version=engines.model_version)


def read_task(
    engines: Engines,
    task: Mapping[str, Any],
    config: LabelingConfig,
    wording: Wording,
    *,
    read: Callable[[TaskPage], ReadPage] | None = None,
) -> Prediction | Failure:
    """Read all pages of a task and write the prediction.

    A task of several pages is whole or not at all: half of it would look finished.

    Args:
        engines: lent to the caller for as long as this takes.
        task: as Label Studio sends it, with `id` and `data`.
        config: tag and label names.
        wording: languages.
        read: how the driver reads a page; None reads it here and now. Raises `TwinreadError`.

    Returns:
        The prediction, or why there is none; whatever goes wrong stays with this task.
    """
    try:
        pages = _whole(pages_of(task, config, wording), read or partial(read_page, engines))
        return prediction_of(task_id(task), pages, config, wording)
    except TwinreadError as error:
        return Failure(task_id(task), error)
    except Exception as error:  # noqa: BLE001 - a library's failure over one task must not reach its neighbours
        return Failure(task_id(task), unexpected(task_name(task_id(task)), error))


def prediction_of(
    task: int | None, pages: Sequence[ReadPage], config: LabelingConfig, wording: Wording
) -> Prediction:
    """The prediction of a task whose pages were read.

    Args:
        task: the task's id.
        pages: all of them, in order.
        config: tag and label names.
        wording: the language of explanations.

    Raises:
        Late: the engines were replaced between two of its pages.
    """
    versions = {page.model_version for page in pages}
    if len(versions) > 1:
        raise Late("Its pages were read by two models, because the model was replaced meanwhile; ask again.")
    written = predictions.prediction_of_pages(
        pages, config, model_version=versions.pop(), message_language=wording.message_language
    )
    return Prediction(
        task, tuple(written["result"]), written["score"], written["model_version"], _notes(pages)
    )


def _notes(pages: Sequence[ReadPage]) -> tuple[str, ...]:
    """The notes of the pages as sentences; of several pages each says which."""
    return tuple(
        f"{f'page {number}: ' if len(pages) > 1 else ''}{note}."
        for number, page in enumerate(pages, start=1)
        for note in explanations.page_notes(page.notes, "en")
    )


def unexpected(name: str, error: BaseException) -> OperatorError:
    """What may be said of an error that is not ours; the rest is logged.

    Args:
        name: how messages call what failed.
        error: of a library, or a mistake of ours.
    """
    if is_out_of_memory(error):
        log.error("%s: not enough memory (%s)", name, type(error).__name__)
        return OutOfMemory(
            "There was not enough memory to read it; ask again, and if it stays so give twinread more memory "
            "or lower MAX_DECODING_PIXELS."
        )
    log.error("%s: unexpected failure", name, exc_info=error)
    kind = type(error).__name__
    return UnexpectedFailure(f"Unexpected failure ({kind}); the log of the backend says more.")


def _whole(pages: Sequence[TaskPage], read: Callable[[TaskPage], ReadPage]) -> list[ReadPage]:
    """Every page, read; raises what most needs mending where one is not."""
    outcomes = [_attempt(page, read) for page in pages]
    failures = [outcome for outcome in outcomes if isinstance(outcome, TwinreadError)]
    if failures:
        # a page that can be mended is what people must know of, not one that only takes its time
        raise min(failures, key=lambda error: isinstance(error, (Late, Stopping)))
    return [outcome for outcome in outcomes if isinstance(outcome, ReadPage)]


def _attempt(page: TaskPage, read: Callable[[TaskPage], ReadPage]) -> ReadPage | TwinreadError:
    try:
        return read(page)
    except TwinreadError as error:
        return error


def _demand_answers(page: ReadPage) -> None:
    """Refuse a page that would look finished although its readers had no answer.

    Label Studio never asks again for what it has stored. An error that is one line's own fault stays
    with its line; one that may pass, or that a reader gives for every line, is the whole page's. A reader
    that is asked for doubtful lines alone is not judged by a few of them.

    Raises:
        ReaderUnavailable: the reason of the first such reading.
    """
    said = [reading for line in page.lines for reading in line.readings]
    passing = [reading for reading in said if reading.retryable]
    answering = {reading.reader for reading in said if not reading.failed}
    # those that went beyond the first reader; it alone sees blank crops
    asked_for = sum(len(line.readings) > 1 for line in page.lines)
    times = Counter(reading.reader for reading in said)
    mute = [
        reading
        for reading in said
        if reading.failed and reading.reader not in answering and times[reading.reader] >= asked_for
    ]
    if passing or (mute and len(page.lines) > 1):
        first = (passing or mute)[0]
        raise ReaderUnavailable(
            f"{len(passing or mute)} of {len(said)} readings had no answer; the first: {first.error} "
            "What was read is kept; ask again when that is mended.",
            lasting=any(reading.lasting for reading in said),
        )

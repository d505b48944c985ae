"""What Ray's workers do of a bulk run: one stage finds the lines of a task's pages, the next one reads them.

A row of Ray Data is one task. What goes wrong with a task travels in its row; a worker that cannot work at
all, because its models or its version are not those of the run, sends the reason in the place of an outcome.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import metadata
from typing import Any, TypeAlias

import ray

from backend.bulk.job import BulkWork, Outcome
from backend.errors import SettingsWrong, StoreFailed, TwinreadError
from backend.page.lines import ReadPage
from backend.pipeline.assembly import engines, promoted_model
from backend.pipeline.engines import EngineLoader, Engines
from backend.pipeline.found_lines import FoundLines
from backend.pipeline.malloc import give_large_blocks_back
from backend.pipeline.metrics import Metrics
from backend.pipeline.page_reading import Given
from backend.pipeline.read_task import (
    Failure,
    TaskPage,
    open_page,
    pages_of,
    read_page,
    read_task,
    task_id,
    unexpected,
)
from backend.readers.budget import Spender
from backend.readers.store.health import BEGUN_ANEW
from backend.settings import logs
from backend.settings.settings import Settings
from backend.tickets import Asker, asking_for

CARRIED_BYTES = 64 * 2**20
"""Of one task, image files of so many bytes go from stage to stage; what is beyond is fetched twice."""

LOADING_S = 3600.0
"""The longest that a worker's models may take to load, seconds."""

Rows: TypeAlias = Mapping[str, Any]
"""A batch of rows as Ray Data hands it over: column to values."""


@dataclass(frozen=True, slots=True)
class RunJob:
    """What every worker of a run is given; it goes to them sealed.

    settings: those of the driver, as values, with the worker's share of cores and of calls.
    work: whose tasks.
    version: the model version that every worker must have.
    budget: says whether a call of the server may be made; None: always.
    only_node: the one that may read, as its store is a file on it; empty where all may.
    """

    settings: Settings = field(repr=False)
    work: BulkWork = field(repr=False)
    version: str
    budget: Spender | None = None
    only_node: str = ""


class Sealed:
    """A value that goes to workers, and that nobody sees on the way.

    Ray Data shows what its stages are given, to its dashboard and in logs of events: it takes dataclasses
    apart for that, whatever the `repr` of their fields is.
    """

    def __init__(self, job: RunJob) -> None:
        self._job = job

    def open(self) -> RunJob:
        """What is in it."""
        return self._job


@dataclass(frozen=True, slots=True)
class CannotWork:
    """In the place of an outcome: why the worker that had the task can do nothing for the run."""

    error: TwinreadError


@dataclass(frozen=True, slots=True)
class FoundPage:
    """A page that was searched.

    lines: what was found.
    content: its image file; None where it is to be fetched once more.
    """

    lines: FoundLines
    content: bytes | None


Found: TypeAlias = "dict[tuple[int | None, str, bytes], FoundPage | TwinreadError]"
"""What was found on the pages of a task, by `TaskPage.key`."""


@dataclass(frozen=True, slots=True)
class Installed:
    """What a node has: the version of twinread, and the model version that it would write."""

    twinread: str
    version: str


def unpacked(data: bytes) -> Any:
    """What another process of this run has pickled."""
    return pickle.loads(data)  # noqa: S301


def installed(settings: Settings) -> Installed | TwinreadError:
    """What the node on which this is called has; nothing is loaded.

    Args:
        settings: of the run.
    """
    try:
        found = engines(settings, Metrics(), promoted_model(settings), detect=False, read=False)
    except TwinreadError as error:
        return error
    found.close()
    return Installed(metadata.version("twinread"), found.model_version)


class FindStage:
    """Fetches, decodes and searches the pages of tasks; Ray Data calls it from several threads.

    Args:
        sealed: the job of the run.
    """

    def __init__(self, sealed: Sealed) -> None:
        job = sealed.open()
        self._worker = _Worker(job, detect=True)
        self._work = job.work

    def __call__(self, rows: Rows) -> dict[str, list[Any]]:
        """Put what was found beside each task."""
        return {
            "number": list(rows["number"]),
            "task": list(rows["task"]),
            "found": [pickle.dumps(self._find(unpacked(task))) for task in rows["task"]],
        }

    def _find(self, task: Mapping[str, Any]) -> Found | CannotWork:
        try:
            with self._worker.lend() as lent:
                return self._pages(lent, task)
        except _Refused as refused:
            return CannotWork(refused.error)

    def _pages(self, lent: Engines, task: Mapping[str, Any]) -> Found:
        try:
            pages = pages_of(task, self._work.config, self._work.wording)
        except TwinreadError:
            # the next stage finds out the same, and says so
            return {}
        found: Found = {}
        carried = 0
        for page in pages:
            found[page.key] = one = _searched(lent, page)
            if isinstance(one, FoundPage) and one.content is not None:
                carried += len(one.content)
                if carried > CARRIED_BYTES:
                    found[page.key] = replace(one, content=None)
        return found


class ReadStage:
    """Reads the lines that were found and writes the predictions; Ray Data calls it from several threads.

    Args:
        sealed: the job of the run.
    """

    def __init__(self, sealed: Sealed) -> None:
        job = sealed.open()
        self._worker = _Worker(job, detect=False)
        self._work = job.work

    def __call__(self, rows: Rows) -> dict[str, list[Any]]:
        """Put what became of it in the place of each task."""
        outcomes = [
            self._outcome(unpacked(task), unpacked(found))
            for task, found in zip(rows["task"], rows["found"], strict=True)
        ]
        return {"number": list(rows["number"]), "outcome": list(map(pickle.dumps, outcomes))}

    def _outcome(self, task: Mapping[str, Any], found: Found | CannotWork) -> Outcome | CannotWork:
        if isinstance(found, CannotWork):
            return found
        work = self._work
        try:
            with self._worker.lend() as lent, asking_for(Asker(str(work.project), task_id(task))):
                problem = lent.problem()
                if problem not in (None, BEGUN_ANEW):
                    # what is read now might be paid for again
                    return Failure(task_id(task), StoreFailed(f"Readings cannot be kept: {problem}"))
                read = partial(_read, lent, found)
                return read_task(lent, task, work.config, work.wording, read=read)
        except _Refused as refused:
            return CannotWork(refused.error)


class _Refused(Exception):
    """This worker cannot work for the run."""

    def __init__(self, error: TwinreadError) -> None:
        super().__init__(str(error))
        self.error = error


class _Worker:
    """The engines of one worker, which load in the background and come back when they fail; thread-safe."""

    def __init__(self, job: RunJob, *, detect: bool) -> None:
        logs.configure(job.settings.log_level)
        give_large_blocks_back()
        self._job = job
        self._alone = not detect and bool(job.only_node)
        self._loader = EngineLoader(partial(_engines, job, detect))

    @contextmanager
    def lend(self) -> Iterator[Engines]:
        """The engines, until the block ends.

        Raises:
            _Refused: they cannot be loaded, or are not those of the run.
        """
        node = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
        if self._alone and ray.get_runtime_context().get_node_id() != self._job.only_node:
            raise _Refused(needs_postgresql())
        try:
            self._loader.engines(LOADING_S)
        except TwinreadError as error:
            raise _Refused(type(error)(f"A worker on the node {node} cannot read: {error}")) from error
        with self._loader.lend() as lent:
            if lent.model_version != self._job.version:
                raise _Refused(other_version(node, lent.model_version, self._job.version))
            yield lent


def _engines(job: RunJob, detect: bool) -> Engines:
    promoted = promoted_model(job.settings)
    return engines(job.settings, Metrics(), promoted, job.budget, detect=detect, read=not detect)


def needs_postgresql() -> SettingsWrong:
    """Why a store in a file does not do for several nodes."""
    return SettingsWrong(
        "The cluster has several nodes, and the store of readings is a file on one of them, so that others "
        "would pay for the same readings again. Set STORE_URL to a PostgreSQL database that all nodes reach, "
        "such as postgresql://user@host/twinread."
    )


def other_version(node: str, there: str, version: str) -> SettingsWrong:
    """Why a node may not read for the run."""
    return SettingsWrong(
        f"The node {node} would make predictions of the version '{there}', and this run makes "
        f"'{version}'. Install the same twinread, libraries and models on every node, and start again.",
        node=node,
        there=there,
        version=version,
    )


def _searched(lent: Engines, page: TaskPage) -> FoundPage | TwinreadError:
    """What was found on a page, or why nothing can be."""
    try:
        content = lent.source.fetch(page.reference, task_id=page.task)
        with open_page(replace(lent, source=Given(content)), page) as opened:
            return FoundPage(FoundLines.on(opened, lent.detector), content)
    except TwinreadError as error:
        return error
    except Exception as error:  # noqa: BLE001 - a library's failure over one page must not reach its neighbours
        return unexpected(page.name, error)


def _read(lent: Engines, found: Found, page: TaskPage) -> ReadPage:
    """A page whose lines were found elsewhere; raises why it could not be searched, and as `read_page`."""
    one = found[page.key]
    if isinstance(one, TwinreadError):
        raise one
    source = lent.source if one.content is None else Given(one.content)
    return read_page(replace(lent, source=source, detector=one.lines), page)

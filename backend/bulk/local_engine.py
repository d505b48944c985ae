"""The built-in engine: this process reads, with the pipeline that the backend has.

So many pages are in hand at once that the slowest part is never without work; those whose lines are read by a
server wait for it most of the time. How many may be open is the pixel budget's to say, so that memory stays
bounded whatever waits.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any

from backend.bulk.job import BulkWork, Outcome
from backend.cores import cores
from backend.errors import StoreFailed, TwinreadError
from backend.fetching.download_queue import DownloadLimits
from backend.pipeline.assembly import engines, promoted_model
from backend.pipeline.malloc import give_large_blocks_back
from backend.pipeline.read_task import Failure, task_id
from backend.pipeline.service import Service, ServiceOptions
from backend.readers.budget import Spender
from backend.readers.store.health import BEGUN_ANEW
from backend.settings.settings import Settings

LOADING_S = 3600.0
"""The longest that models may take to load: the first time they are downloaded, seconds."""

CALLS_OF_A_PAGE = 4
"""Calls to a server that a page of few lines waits for: two lines in two prompts."""

KEPT_PAGES = 16
"""Pages that are kept when they are done: nobody asks for them again."""


class LocalEngine:
    """A `BulkEngine` over a service of its own."""

    def __init__(self, service: Service, work: BulkWork, in_hand: int) -> None:
        """Begin; the engines of the service must have been loaded.

        Args:
            service: reads; closed with this engine.
            work: whose tasks.
            in_hand: tasks that are begun before the first of them is done.
        """
        self.model_version = service.model_version
        self._service = service
        self._work = work
        self._in_hand = in_hand
        self._closing = threading.Lock()
        self._closed = False

    def read(self, tasks: Iterable[Mapping[str, Any]]) -> Iterator[Outcome]:
        """As `BulkEngine.read`."""
        done: SimpleQueue[Future[Outcome]] = SimpleQueue()
        waiting, begun = iter(tasks), 0
        more = True
        while more or begun:
            while more and begun < self._in_hand:
                task = next(waiting, None)
                more = task is not None
                if task is not None:
                    begun += 1
                    self._begin(task).add_done_callback(done.put)
            if begun:
                yield done.get().result()
                begun -= 1

    def close(self) -> None:
        """As `BulkEngine.close`; a second call waits for the end of the first."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._service.close()

    def _begin(self, task: Mapping[str, Any]) -> Future[Outcome]:
        work, problem = self._work, self._service.engines().problem()
        if problem not in (None, BEGUN_ANEW):
            # what is read now might be paid for again
            unkept: Future[Outcome] = Future()
            unkept.set_result(Failure(task_id(task), StoreFailed(f"Readings cannot be kept: {problem}")))
            return unkept
        return self._service.begin(task, work.config, work.wording, project=str(work.project))


def local_engine(settings: Settings, work: BulkWork, budget: Spender | None = None) -> LocalEngine:
    """Load the engines that the settings name, which are those of a backend with the same settings.

    A model that is promoted while the run goes on does not take over: one run makes one version.

    Args:
        settings: of this process.
        work: whose tasks are read.
        budget: says whether a call of the ERNIE server may be made; None: always.

    Raises:
        TwinreadError: why they cannot be loaded.
    """
    give_large_blocks_back()
    promoted = promoted_model(settings)
    workers = pages_at_once(settings)
    options = ServiceOptions(
        workers,
        kept_pages=KEPT_PAGES,
        downloads=DownloadLimits(settings.downloads_at_once, settings.downloads_per_host),
    )
    service = Service(lambda metrics: engines(settings, metrics, promoted, budget), options)
    try:
        service.engines(LOADING_S)
    except TwinreadError:
        service.close()
        raise
    return LocalEngine(service, work, in_hand=workers + settings.downloads_at_once)


def pages_at_once(settings: Settings) -> int:
    """How many pages are in hand: so many that the cores and the server of the settings are always busy."""
    asked = settings.ernie_concurrency // CALLS_OF_A_PAGE if settings.ernie_base_url is not None else 0
    return max(settings.page_workers, 2 * cores() + asked)

"""The engine for clusters: Ray Data finds lines in one stage and reads them in the next, on all machines.

    tasks ──▶ FindStage: fetched, decoded, searched ──▶ ReadStage: read, judged, written ──▶ this process

Tasks go to the cluster in portions, so that the memory of this process does not grow with the project. Of a
portion each task is a row and a block of its own: a worker that is lost takes no finished task with it, and what
it had in hand goes into the next portion. Results are given out here, in one process, each task once.
"""

from __future__ import annotations

import logging
import pickle
import threading
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping
from itertools import chain
from queue import Empty, Full, Queue
from typing import Any, TypeAlias

import ray
import ray.data

from backend.bulk import ray_cluster
from backend.bulk.job import BulkWork, Outcome
from backend.bulk.ray_budget import ClusterBudget
from backend.bulk.ray_cluster import Actors, Places
from backend.bulk.ray_stages import CannotWork, FindStage, ReadStage, RunJob
from backend.errors import ClusterFailed, UnexpectedFailure
from backend.pipeline.read_task import Failure, task_id
from backend.readers.budget import Limits
from backend.readers.prices import Prices
from backend.settings.settings import Settings

log = logging.getLogger(__name__)

Task: TypeAlias = Mapping[str, Any]

PORTION = 10_000
"""Tasks that go to the cluster together. Between two portions models are loaded anew: half a minute of an hour."""

PORTION_BYTES = 256 * 2**20
"""Most that the data of a portion's tasks take; only whole images in them come near."""

TRIES = 3
"""How often a task is given to workers that are lost over it before it counts as failed, and how many portions
in a row may bring nothing."""

SILENT_S = 60.0
"""After so long without a result the log says how the cluster is, seconds."""

_Came: TypeAlias = "tuple[int, Outcome | CannotWork] | Exception | None"
"""A row and its outcome; the error that ended a portion; None at its end."""


class RayEngine:
    """A `BulkEngine` over a Ray cluster.

    budget: what was spent by all workers together; None where nothing is limited.
    """

    def __init__(
        self,
        settings: Settings,
        work: BulkWork,
        *,
        address: str = "",
        limits: Limits | None = None,
        prices: Prices | None = None,
        portion: int = PORTION,
    ) -> None:
        """Join the cluster, and ask every node what it would read with.

        Args:
            settings: go to the workers as values, secrets included, and into no log.
            work: whose tasks.
            address: of the cluster's head, such as `auto`; empty to start one on this machine.
            limits: of what all workers may spend together; None for none.
            prices: of the server; needed for a limit of costs.
            portion: tasks that go to the cluster together.

        Raises:
            ClusterFailed: there is no cluster, or a node of it has no twinread.
            SettingsWrong: nodes would write different versions, or have no store in common.
            TwinreadError: why a node cannot read.
        """
        self._settings = settings
        self._work = work
        self._portion = portion
        self._closed = threading.Event()
        self.budget: ClusterBudget | None = None
        ray_cluster.join(address)
        try:
            found = ray_cluster.nodes()
            ray_cluster.check_store(settings, found)
            self.model_version = ray_cluster.version_of(settings, found)
            if limits is not None and limits.any:
                longest_s = settings.ernie_page_timeout_s + settings.ernie_timeout_s
                self.budget = ClusterBudget(limits, prices or Prices(), longest_s)
        except BaseException:
            ray.shutdown()
            raise

    def read(self, tasks: Iterable[Task]) -> Iterator[Outcome]:
        """As `BulkEngine.read`.

        Raises:
            ClusterFailed: the cluster does no work any more.
            TwinreadError: a worker cannot work for this run, and says why.
        """
        waiting, again = iter(tasks), list[Task]()
        lost: Counter[int | None] = Counter()
        barren = 0
        while not self._closed.is_set() and (portion := self._next(chain(again, waiting))):
            left = yield from self._read_portion(portion)
            if self._closed.is_set():
                return
            barren = barren + 1 if len(left) == len(portion) else 0
            lost.update(map(task_id, left))
            again = [task for task in left if lost[task_id(task)] < TRIES]
            for task in left:
                if lost[task_id(task)] >= TRIES:
                    yield Failure(task_id(task), _died())
            if left:
                log.warning("%d tasks were with workers that were lost; they are read again.", len(again))
            if barren == TRIES:
                raise ClusterFailed(
                    f"The Ray cluster has lost every worker {TRIES} times without one result. What was read "
                    "is kept; see Ray's own logs on its nodes, and start again."
                )

    def close(self) -> None:
        """As `BulkEngine.close`; tasks in hand are given up, and the next run takes them up."""
        self._closed.set()
        ray.shutdown()

    def _next(self, tasks: Iterator[Task]) -> list[bytes]:
        """The next portion, pickled."""
        portion: list[bytes] = []
        size = 0
        while len(portion) < self._portion and size < PORTION_BYTES:
            task = next(tasks, None)
            if task is None:
                break
            portion.append(pickle.dumps({"id": task.get("id"), "data": task.get("data")}))
            size += len(portion[-1])
        return portion

    def _read_portion(self, portion: list[bytes]) -> Generator[Outcome, None, list[Task]]:
        """Read tasks, and give out what becomes of each.

        Returns:
            Those of which nothing has become, because workers were lost.
        """
        left = dict(enumerate(portion))
        came: Queue[_Came] = Queue(64)
        stop = threading.Event()
        puller = threading.Thread(
            target=_pull, args=(self._dataset(portion), came, stop), name="ray-results", daemon=True
        )
        puller.start()
        try:
            while (one := self._take(came)) is not None:
                if isinstance(one, Exception):
                    log.warning("A portion was broken off by Ray (%s).", type(one).__name__)
                    log.debug("Ray's error", exc_info=one)
                    break
                row, outcome = one
                if isinstance(outcome, CannotWork):
                    raise outcome.error
                if left.pop(row, None) is not None:
                    yield outcome
        finally:
            stop.set()
        return [pickle.loads(task) for task in left.values()]

    def _take(self, came: Queue[_Came]) -> _Came:
        """What comes next; None at the end, and when the engine is closed."""
        silent_s = 0.0
        while not self._closed.is_set():
            try:
                return came.get(timeout=1.0)
            except Empty:
                silent_s += 1.0
                if silent_s % SILENT_S == 0:
                    free = ray.available_resources().get("CPU", 0.0)
                    log.warning(
                        "Nothing has come from the Ray cluster for %d s; %g of its %g CPUs are free.",
                        silent_s, free, ray.cluster_resources().get("CPU", 0.0),
                    )  # fmt: skip
        return None

    def _dataset(self, portion: list[bytes]) -> ray.data.Dataset:
        """What Ray Data is to do with a portion; it begins when the first row is asked for."""
        found = ray_cluster.nodes()
        only = ray_cluster.check_store(self._settings, found)
        layout = ray_cluster.layout(self._settings, found)
        settings = self._settings.model_copy(
            update={"cpu_threads": layout.cores, "ernie_concurrency": layout.calls}
        )
        job = RunJob(settings, self._work, self.model_version, self.budget, only)
        rows = [{"row": number, "task": task} for number, task in enumerate(portion)]
        dataset = ray.data.from_items(rows, override_num_blocks=len(rows))
        return _stage(_stage(dataset, FindStage, job, layout.finding), ReadStage, job, layout.reading)


def _stage(
    dataset: ray.data.Dataset, stage: type[FindStage] | type[ReadStage], job: RunJob, actors: Actors
) -> ray.data.Dataset:
    pool = ray.data.ActorPoolStrategy(
        size=len(actors.nodes),
        max_tasks_in_flight_per_actor=actors.at_once + actors.ahead,
        max_concurrent_calls_per_actor=actors.at_once,
        enable_true_multi_threading=True,
    )
    return dataset.map_batches(
        stage,
        batch_size=1,
        compute=pool,
        num_cpus=actors.cpus,
        num_gpus=actors.gpus or None,
        fn_constructor_args=(job,),
        ray_remote_args_fn=Places(actors),
    )


def _pull(dataset: ray.data.Dataset, came: Queue[_Came], stop: threading.Event) -> None:
    """Run a portion, in a thread of its own, and hand over each row; Ray waits while nobody takes them."""

    def put(one: _Came) -> bool:
        while not stop.is_set():
            try:
                came.put(one, timeout=0.5)
            except Full:
                continue
            return True
        return False

    try:
        for row in dataset.iter_rows():
            if not put((int(row["row"]), pickle.loads(row["outcome"]))):
                return
    except Exception as error:  # noqa: BLE001 - Ray's errors have no class in common; the reader of the queue judges
        put(error)
    else:
        put(None)


def _died() -> UnexpectedFailure:
    return UnexpectedFailure(
        f"The workers that had this task were lost {TRIES} times. Look at its image: it may take more memory "
        "than a worker has."
    )

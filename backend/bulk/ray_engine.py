"""The engine for clusters: Ray Data finds lines in one stage and reads them in the next, on all machines.

Tasks go to the cluster one by one as there is room, so that the memory of this process does not grow with
the project. Results are given out here, in one process, each task once: what a lost worker had in hand is
read again.
"""

from __future__ import annotations

import logging
import pickle
import threading
from collections import Counter, deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from backend.bulk import ray_cluster, ray_membership
from backend.bulk.job import BulkWork, Outcome
from backend.bulk.ray_budget import ClusterBudget
from backend.bulk.ray_stages import CannotWork, RunJob, unpacked
from backend.bulk.ray_stream import RayStream, Silence
from backend.errors import ClusterFailed, TwinreadError, UnexpectedFailure
from backend.pipeline.read_task import Failure, task_id
from backend.readers.budget import Budget, Limits
from backend.settings.settings import Settings

log = logging.getLogger(__name__)

Task: TypeAlias = Mapping[str, Any]

TRIES = 3
"""How often a task is given to workers that are lost over it before it counts as failed, and how many passes
in a row may bring nothing."""

LOOK_S = 1.0
"""How often it is looked at whether the engine was closed, seconds."""

SILENT_S = 60
"""After so long without a result the log says how the cluster is, seconds."""

NODE_LOST_S = 20
"""After so long without a result it is looked at whether a node was lost, seconds."""

OVERTAKEN = 4
"""A task is lost, or very slow, when so many times more tasks were begun since than are in hand at once."""


class RayEngine:
    """A `BulkEngine` over a Ray cluster."""

    def __init__(
        self,
        settings: Settings,
        work: BulkWork,
        budget: Budget | None = None,
        *,
        address: str = "auto",
    ) -> None:
        """Join the cluster, and ask every node what it would read with.

        Args:
            settings: go to the workers as values, secrets included, and into no log.
            work: whose tasks.
            budget: what all workers may spend together; None: anything. A `ClusterBudget` says later what
                they have spent.
            address: of the cluster's head, such as `10.0.0.1:6379`; `auto` for that of this machine.

        Raises:
            ClusterFailed: there is no cluster, or a node of it has no twinread.
            SettingsWrong: nodes would write different versions, or have no store in common.
            TwinreadError: why a node cannot read.
        """
        self._settings = settings
        self._work = work
        self._closed = threading.Event()
        self._in_use = threading.Lock()
        ray_membership.join(address)
        try:
            found = ray_cluster.nodes()
            ray_cluster.check_store(settings, found)
            self.model_version = ray_cluster.version_of(settings, found)
            longest_s = settings.ernie_page_timeout_s + settings.ernie_timeout_s
            self._budget = budget if isinstance(budget, ClusterBudget) else _on_cluster(budget)
            self._spender = self._budget.open(longest_s)
        except BaseException:
            ray_membership.leave()
            raise

    def read(self, tasks: Iterable[Task]) -> Iterator[Outcome]:
        """As `BulkEngine.read`."""
        with self._in_use:
            yield from self._read(tasks)

    def close(self) -> None:
        """As `BulkEngine.close`; what is in hand is given up, and the next run takes it up.

        The cluster goes on, without our workers. While somebody reads it is not left: a call after the end
        of the reading does that.
        """
        self._closed.set()
        if self._in_use.acquire(blocking=False):
            self._budget.close()
            ray_membership.leave()
            self._in_use.release()

    def _read(self, tasks: Iterable[Task]) -> Iterator[Outcome]:
        supply = _Supply(tasks)
        lost: Counter[bytes] = Counter()
        barren = 0
        while not self._closed.is_set() and (first := supply.take()) is not None:
            try:
                stream = self._stream()
            except TwinreadError as error:
                yield _failure(first, error)
                continue
            supply.give_back([first])
            number, left, why = yield from self._follow(stream, supply)
            if self._closed.is_set():
                return
            barren = barren + 1 if len(left) == number else 0
            if barren == TRIES:
                why = _no_result()
            lost.update(left)
            given_up = [task for task in left if why is not None or lost[task] == TRIES]
            for task in given_up:
                yield _failure(task, why or _died())
            if again := [task for task in left if task not in given_up]:
                log.error("%d tasks were with workers that were lost; they are read again.", len(again))
                supply.give_back(again)

    def _stream(self) -> RayStream:
        """A pass over the cluster as it is now."""
        found = ray_cluster.nodes()
        only = ray_cluster.check_store(self._settings, found)
        layout = ray_cluster.layout(self._settings, found)
        settings = self._settings.model_copy(
            update={"cpu_threads": layout.cores, "ernie_concurrency": layout.calls}
        )
        return RayStream(layout, RunJob(settings, self._work, self.model_version, self._spender, only))

    def _follow(
        self, stream: RayStream, supply: _Supply
    ) -> Generator[Outcome, None, tuple[int, list[bytes], TwinreadError | None]]:
        """Give tasks to a pass and give out what becomes of them, until none is left or workers were lost.

        Returns:
            How many were given to it, those of which nothing has become, and why the run cannot go on.
        """
        in_hand: dict[int, bytes] = {}
        number, silent, ended = 0, 0, False
        try:
            while not self._closed.is_set():
                while not ended and len(in_hand) < stream.room:
                    task = supply.take()
                    if task is None or _losing(in_hand, number, stream.room):
                        supply.give_back([task] if task is not None else [])
                        stream.end()
                        ended = True
                        break
                    in_hand[number] = task
                    stream.put(number, task)
                    number += 1
                came = stream.take(LOOK_S)
                if came is None:
                    break
                if isinstance(came, Silence):
                    silent += 1
                    _say_silence(silent)
                    if silent >= NODE_LOST_S and not ended and stream.lost_node:
                        stream.end()
                        ended = True
                    continue
                silent = 0
                if isinstance(came, Exception):
                    log.error("Ray broke the work off (%s).", type(came).__name__)
                    log.debug("Ray's error", exc_info=came)
                    break
                done, outcome = came
                if isinstance(outcome, CannotWork):
                    return number, [*in_hand.values()], outcome.error
                if in_hand.pop(done, None) is not None:
                    yield outcome
        finally:
            stream.close()
        return number, [*in_hand.values()], None


class _Supply:
    """Tasks to be read, pickled; those that were given back come first."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._tasks = iter(tasks)
        self._again: deque[bytes] = deque()

    def take(self) -> bytes | None:
        """The next one; None at the end."""
        if self._again:
            return self._again.popleft()
        task = next(self._tasks, None)
        return None if task is None else pickle.dumps({"id": task.get("id"), "data": task.get("data")})

    def give_back(self, tasks: Iterable[bytes]) -> None:
        """Let tasks come first."""
        self._again.extendleft(tasks)


def _on_cluster(budget: Budget | None) -> ClusterBudget:
    return ClusterBudget(Limits()) if budget is None else ClusterBudget(budget.limits, budget.prices)


def _losing(in_hand: Mapping[int, bytes], number: int, room: int) -> bool:
    """Whether so many tasks seem to be lost that too few are left to keep the workers at work."""
    return sum(number - begun > OVERTAKEN * room for begun in in_hand) > room // 4


def _say_silence(silent: int) -> None:
    if silent % SILENT_S == 0:
        log.error("Nothing has come from the Ray cluster for %d s; %s.", silent, ray_cluster.cpus())


def _failure(task: bytes, error: TwinreadError) -> Failure:
    return Failure(task_id(unpacked(task)), error)


def _died() -> UnexpectedFailure:
    return UnexpectedFailure(
        f"The workers that had this task were lost {TRIES} times. Look at its image: it may take more memory "
        "than a worker has."
    )


def _no_result() -> ClusterFailed:
    return ClusterFailed(
        f"The Ray cluster has lost every worker {TRIES} times without one result. What was read is kept; see "
        "Ray's own logs on its nodes, and start again."
    )

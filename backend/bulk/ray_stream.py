"""One pass of tasks through Ray Data, fed from this process as there is room, for as long as nobody ends it.

    put ──queue──▶ feed ──▶ FindStage ──▶ ReadStage ──▶ take

Each task is a row and a block of its own: a worker that is lost takes no finished task with it. What it had
in hand never comes back, and is known by that when the pass has ended.
"""

from __future__ import annotations

import threading
import uuid
import warnings
from collections.abc import Iterator
from contextlib import suppress
from enum import Enum
from queue import Empty, Full
from queue import Queue as ThreadQueue
from typing import Any, TypeAlias

import ray
import ray.data
from ray.util.queue import Queue
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from backend.bulk.job import Outcome
from backend.bulk.ray_cluster import Actors, Layout, Places, end_actors, nodes
from backend.bulk.ray_stages import CannotWork, FindStage, ReadStage, RunJob, Sealed, unpacked

ENDING_S = 10.0
"""How long a pass that is given up may take to end by itself, seconds."""

AHEAD = 64
"""Outcomes that wait in this process to be taken; then Ray Data waits, too."""


class Silence(Enum):
    """Nothing came in the time that was given."""

    NOTHING_CAME = "nothing came"


Came: TypeAlias = "tuple[int, Outcome | CannotWork] | Exception | Silence | None"
"""A task's number and its outcome; the error that broke the pass off; None at its end."""


class RayStream:
    """One pass; `put` and `take` belong to one thread.

    room: tasks that it should have in hand, so that no actor waits for one.
    """

    def __init__(self, layout: Layout, job: RunJob) -> None:
        """Begin: actors are placed and load their models.

        Args:
            layout: how many of what.
            job: what every worker is given.
        """
        self.room = layout.room
        self._name = f"twinread-{uuid.uuid4().hex}"
        self._nodes = {*layout.finding.nodes, *layout.reading.nodes}
        # on this node: with it everything would end anyway
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self._tasks = Queue(actor_options={"num_cpus": 0, "scheduling_strategy": here})
        self._came: ThreadQueue[Came] = ThreadQueue(AHEAD)
        self._stop = threading.Event()
        with warnings.catch_warnings():
            # of arguments for actors that have no other name yet in this version of Ray
            warnings.simplefilter("ignore")
            once = ray.data.from_items([{"pass": 0}], override_num_blocks=1)
            fed = once.map_batches(
                _feed,  # type: ignore[arg-type]
                fn_args=(self._tasks,),
                batch_size=1,
                num_cpus=0,
                ray_remote_args_fn=_Here(here),
            )
            found = _stage(fed, FindStage, job, layout.finding, self._name)
            read = _stage(found, ReadStage, job, layout.reading, self._name)
        self._pulling = threading.Thread(target=self._pull, args=(read,), name="ray-results", daemon=True)
        self._pulling.start()

    def put(self, number: int, task: bytes) -> None:
        """Hand over a task, pickled, under a number of its own."""
        self._tasks.put((number, task))

    def end(self) -> None:
        """No further task comes; the pass ends when those in hand are done."""
        self._tasks.put(None)

    def take(self, wait_s: float) -> Came:
        """What comes next.

        Args:
            wait_s: the longest to wait for it, seconds.
        """
        try:
            return self._came.get(timeout=wait_s)
        except Empty:
            return Silence.NOTHING_CAME

    @property
    def lost_node(self) -> bool:
        """Whether a node has gone on which it began."""
        return not self._nodes <= {node.name for node in nodes()}

    def close(self) -> None:
        """Give up what is in hand; its actors have ended then, and their cores are free for the next pass."""
        self._stop.set()
        # where the cluster is gone, they have ended anyway
        with suppress(ray.exceptions.RaySystemError):
            self._tasks.shutdown(force=True)
            # while it goes on, it replaces actors that end
            self._pulling.join(ENDING_S)
            end_actors(self._name)
        self._pulling.join(ENDING_S)

    def _pull(self, dataset: ray.data.Dataset) -> None:
        """Run the pass, in a thread of its own."""
        try:
            for row in dataset.iter_rows():
                if not self._put((int(row["number"]), unpacked(row["outcome"]))):
                    return
        except Exception as error:  # noqa: BLE001 - Ray's errors have no class in common; who takes it judges
            self._put(error)
        else:
            self._put(None)

    def _put(self, one: Came) -> bool:
        while not self._stop.is_set():
            try:
                self._came.put(one, timeout=0.5)
            except Full:
                continue
            return True
        return False


class _Here:
    """Arguments of the task that feeds: were it begun anew, it would not know what it has given already."""

    def __init__(self, here: NodeAffinitySchedulingStrategy) -> None:
        self._here = here

    def __call__(self) -> dict[str, Any]:
        return {"max_retries": 0, "scheduling_strategy": self._here}


def _feed(_: Any, tasks: Queue) -> Iterator[dict[str, list[Any]]]:
    """Rows of tasks, as they are put; a task of Ray that goes on until the end is put."""
    while (one := tasks.get()) is not None:
        number, task = one
        yield {"number": [number], "task": [task]}


def _stage(
    dataset: ray.data.Dataset,
    stage: type[FindStage] | type[ReadStage],
    job: RunJob,
    actors: Actors,
    name: str,
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
        fn_constructor_args=(Sealed(job),),
        ray_remote_args_fn=Places(actors, name),
    )

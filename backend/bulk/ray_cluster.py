"""A Ray cluster as a bulk run sees it: its nodes, and how work is laid out on them."""

from __future__ import annotations

import itertools
import logging
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import ray
from ray.util import list_named_actors
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from backend.bulk.ray_stages import Installed, installed, needs_postgresql, other_version
from backend.errors import ClusterFailed, SettingsWrong, TwinreadError
from backend.pipeline.reader_kind import ReaderSetup
from backend.pipeline.reader_kinds import kinds
from backend.settings.settings import Settings

log = logging.getLogger(__name__)

LARGEST_GROUP = 8
"""Cores of one group: each has two processes with models of their own, some hundred MB each."""

CALLS_OF_A_PAGE = 4
"""Calls to a server that a page of few lines waits for: two lines in two prompts."""

MOST_IN_HAND = 900
"""Tasks in hand at most, on any cluster: those that a service fails wait for another try, and of these there
may be a thousand."""

ASKING_S = 300.0
"""How long a node may take to say what it has, seconds; it imports all engines for that."""


@dataclass(frozen=True, slots=True)
class Node:
    """A machine of the cluster that can work.

    name: its id in Ray.
    address: for people.
    """

    name: str
    address: str
    cpus: int
    gpus: int


@dataclass(frozen=True, slots=True)
class Actors:
    """The actors of one stage.

    nodes: one for each actor, where it begins.
    cpus, gpus: that each reserves; a stage is idle while it waits for the other one, so both stages of a
        group of cores may use all of them.
    at_once: tasks in the work of each.
    ahead: tasks more that each has at hand.
    """

    nodes: tuple[str, ...]
    cpus: float
    gpus: float
    at_once: int
    ahead: int


@dataclass(frozen=True, slots=True)
class Layout:
    """How many of what, and where.

    finding, reading: the actors of both stages.
    cores: what the engine of each may use.
    calls: in flight to the server, of each reading actor: together never more than ERNIE_CONCURRENCY.
    """

    finding: Actors
    reading: Actors
    cores: int
    calls: int

    @property
    def room(self) -> int:
        """Tasks in hand with which no actor is without work; a failing server fails no more than these."""
        stages = (self.finding, self.reading)
        return min(MOST_IN_HAND, sum(len(one.nodes) * (one.at_once + one.ahead) for one in stages))


def nodes() -> list[Node]:
    """The machines that can work now.

    Raises:
        ClusterFailed: there is none.
    """
    found = [
        Node(
            str(node["NodeID"]),
            str(node["NodeManagerAddress"]),
            int(node["Resources"].get("CPU", 0)),
            int(node["Resources"].get("GPU", 0)),
        )
        for node in ray.nodes()  # type: ignore[no-untyped-call]
        if node["Alive"]
    ]
    working = sorted((node for node in found if node.cpus), key=lambda node: node.name)
    if not working:
        raise ClusterFailed("No node of the Ray cluster has a CPU, so that nobody can work; add workers.")
    # the models of one run must all be of one kind
    return [node for node in working if node.gpus] or working


def cpus() -> str:
    """How many are free, for people."""
    free = ray.available_resources().get("CPU", 0.0)  # type: ignore[no-untyped-call]
    there = ray.cluster_resources().get("CPU", 0.0)  # type: ignore[no-untyped-call]
    return f"{free:g} of its {there:g} CPUs are free"


def check_store(settings: Settings, found: Sequence[Node]) -> str:
    """Whether every node may read.

    Returns:
        The id of the only node that may, as the store is a file on it; empty where all may.

    Raises:
        SettingsWrong: there are several nodes, and the store is a file.
    """
    if settings.store_address.startswith("postgresql"):
        return ""
    if len(found) > 1:
        raise needs_postgresql()
    return found[0].name


def version_of(settings: Settings, found: Sequence[Node]) -> str:
    """The model version that all nodes would write.

    Args:
        settings: of the run.
        found: all nodes.

    Raises:
        SettingsWrong: two nodes would write different ones, or have different twinreads.
        ClusterFailed: a node has no twinread, or does not answer.
        TwinreadError: why a node cannot read.
    """
    asked = {node: _ask(settings, node) for node in found}
    said = {node: _answer(node, reference) for node, reference in asked.items()}
    first = said[found[0]]
    for node, there in said.items():
        if there.version != first.version:
            raise other_version(node.address, there.version, first.version)
        if there.twinread != first.twinread:
            raise SettingsWrong(
                f"The node {node.address} has twinread {there.twinread}, and {found[0].address} has "
                f"{first.twinread}. Install the same on every node, and start again."
            )
    return first.version


def layout(settings: Settings, found: Sequence[Node]) -> Layout:
    """How many actors of each stage, and where.

    Each GPU, or each group of cores, has one actor that finds and one that reads; their shares of the limit
    of calls are equal. Every node has both stages, so that whatever node is lost, the others go on.

    Args:
        settings: of the run.
        found: all nodes.
    """
    gpus = any(node.gpus for node in found)
    size = _group(settings, found)
    groups = [node.gpus if gpus else max(1, node.cpus // size) for node in found]
    # one of each node before the second of any
    places = [
        node.name
        for turn in range(max(groups))
        for node, number in zip(found, groups, strict=True)
        if turn < number
    ]
    readers = places[: settings.ernie_concurrency]
    share = settings.ernie_concurrency // len(readers)
    served = any(
        not kind.local and kind.demanded() for kind in kinds(ReaderSetup(settings, load=False)).values()
    )
    cpus = _halves(size, mostly_finding=served and not settings.readers)
    gpu = 0.5 if gpus else 0.0
    waiting = share // CALLS_OF_A_PAGE if served else 0
    at_once = max(settings.page_workers, 2 * size + waiting)
    return Layout(
        Actors(tuple(places), cpus[0], gpu, 2 * size, size),
        Actors(tuple(readers), cpus[1], gpu, at_once, 2 * size),
        size,
        share,
    )


def _group(settings: Settings, found: Sequence[Node]) -> int:
    """Cores of a group, which fits on every node."""
    smallest = min(max(1, node.cpus // max(1, node.gpus)) for node in found)
    if "cpu_threads" in settings.model_fields_set:
        return min(settings.cpu_threads, smallest)
    return smallest // -(-smallest // LARGEST_GROUP)


def _halves(size: int, *, mostly_finding: bool) -> tuple[float, float]:
    """What the two actors of a group reserve of its cores; Ray takes whole cores, or less than one."""
    if size == 1:
        return 0.5, 0.5
    reading = 1 if mostly_finding else size // 2
    return size - reading, reading


class Places:
    """Gives each actor of a stage its name and the node where it begins, in turns; Ray Data asks it for each.

    Args:
        actors: of the stage.
        name: what the names of its actors begin with.
    """

    def __init__(self, actors: Actors, name: str) -> None:
        self._turns = itertools.cycle(actors.nodes)
        self._name = name

    def __call__(self) -> dict[str, Any]:
        """Arguments of one actor. One that is lost is not waited for: its tasks are done again elsewhere."""
        return {
            "name": f"{self._name}-{uuid.uuid4().hex}",
            "scheduling_strategy": NodeAffinitySchedulingStrategy(next(self._turns), soft=True),
            "max_restarts": 0,
            "max_task_retries": 0,
        }


def end_actors(name: str) -> None:
    """End the actors of this process whose names begin so, at once, whatever they do.

    Ray ends actors that nobody refers to. Where a node was lost, its own bookkeeping of the objects that were
    on it may refer to an actor for ever, and the cores that it holds would never come to another one.
    """
    for one in list_named_actors():
        if one.startswith(name):
            # it may have ended by itself
            with suppress(ValueError):
                ray.kill(ray.get_actor(one))


def _ask(settings: Settings, node: Node) -> Any:
    there = NodeAffinitySchedulingStrategy(node.name, soft=False)
    gpus = 0.01 if node.gpus else 0
    remote = ray.remote(installed).options(
        num_cpus=0, num_gpus=gpus, max_retries=0, scheduling_strategy=there
    )
    return remote.remote(settings)


def _answer(node: Node, reference: Any) -> Installed:
    try:
        said: Installed | TwinreadError = ray.get(reference, timeout=ASKING_S)
    except Exception as error:  # Ray hands on whatever its worker raised, as a class made for it
        log.debug("the node %s cannot say what it has", node.address, exc_info=error)
        raise ClusterFailed(
            f"The node {node.address} cannot say what it would read with ({type(error).__name__}). Install "
            "the same twinread there as here, in the Python that runs Ray, and start again."
        ) from error
    if isinstance(said, TwinreadError):
        raise type(said)(f"The node {node.address} cannot read: {said}") from said
    return said

"""`--engine ray` on a real cluster of two nodes, one of which is killed while it works."""

from __future__ import annotations

import base64
import json
import pickle
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from backend.bulk.job import BulkWork, Outcome
from backend.bulk.ray_budget import ClusterBudget
from backend.bulk.ray_cluster import Node, check_store, layout
from backend.bulk.ray_engine import RayEngine
from backend.bulk.ray_membership import join
from backend.bulk.ray_stages import CannotWork, ReadStage, RunJob, Sealed
from backend.errors import BudgetSpent, SettingsWrong
from backend.label_studio.labeling_config import LabelingConfig
from backend.pipeline.assembly import engines
from backend.pipeline.metrics import Metrics
from backend.pipeline.read_task import Failure, Prediction, Wording, read_task
from backend.readers.budget import Ask, Limits
from backend.readers.usage import Usage
from backend.settings.settings import Settings, load
from tests.parts.drawn_pages import drawn_page, file_of
from tests.parts.ernie_stand_in import Asked, Say, StandIn, fingerprint
from tests.parts.postgres import postgres
from tests.parts.ray_cluster import RayCluster, ray_cluster
from tests.parts.samples import sample
from tests.parts.scripted import CONFIG

pytestmark = [
    pytest.mark.xdist_group("ray"),
    pytest.mark.timeout(600),
    # Ray warns of itself
    pytest.mark.filterwarnings("ignore"),
]

HEAD, SECOND = "127.0.0.2", "127.0.0.3"
LIMIT = 4
"""Calls in flight, over all nodes."""
KEY, TOKEN, PASSWORD = (f"{name}-that-nobody-may-see" for name in ("key", "token", "password"))
SECRETS = (KEY, TOKEN, PASSWORD)
DRAWN = 20
"""Pages that no other task has, so that each of their lines is asked for by one task alone."""


def inline(file: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(file).decode()


def some_tasks() -> list[dict[str, Any]]:
    """Two demo pages, a picture that is none, a task without one, and drawn pages."""
    demo = [sample(name).path.read_bytes() for name in ("syn_067", "syn_100")]
    drawn = [file_of(drawn_page([f"Invoice {page}", f"Total {page * 7}"])[0]) for page in range(DRAWN)]
    images = [*map(inline, [*demo, b"no picture", *drawn]), ""]
    return [{"id": number, "data": {"image": image}} for number, image in enumerate(images, start=1)]


def what_is_seen(asked: Asked) -> Say:
    """An answer that hangs on every pixel of the crop."""
    return Say(f"line {int(fingerprint(asked), 16) % 1000}")


def as_stored(outcome: Outcome) -> str:
    """What Label Studio would be given, or why there is nothing."""
    return str(outcome.error) if isinstance(outcome, Failure) else json.dumps(outcome.answer())


@dataclass(frozen=True)
class KilledRun:
    """What came of a run during which one of two nodes was killed.

    again: outcomes of tasks that came more than once.
    asked: how often the server was asked for a crop with a prompt.
    seen: command lines and environments of the cluster's processes while they worked.
    """

    settings: Settings
    work: BulkWork
    version: str
    outcomes: Mapping[int | None, Outcome]
    again: int
    highest: int
    asked: Counter[tuple[str, str]]
    seen: str
    logs: str
    cluster: RayCluster


@pytest.fixture(scope="module")
def killed_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KilledRun]:
    with (
        postgres() as url,
        StandIn(what_is_seen, latency_s=0.4, key=KEY).running() as ernie,
        ray_cluster(HEAD, cpus=1) as cluster,
    ):
        cluster.add(SECOND, cpus=1)
        settings = load(
            _env_file=None,
            ernie_base_url=ernie.base_url,
            witness="off",
            ernie_model=ernie.model,
            ernie_api_key=KEY,
            ernie_concurrency=LIMIT,
            store_url=url.replace("@", f":{PASSWORD}@"),
            label_studio_api_key=TOKEN,
            reading_claim_s=2,
            cache_dir=tmp_path_factory.mktemp("cache"),
            detection_model="PP-OCRv5_mobile_det",
            model_source="packages",
        )
        work = BulkWork(3, LabelingConfig.parse(CONFIG, settings.label_names), Wording("en", "en"))
        engine = RayEngine(settings, work, address=cluster.address)
        outcomes: dict[int | None, Outcome] = {}
        again, seen = 0, ""
        try:
            for outcome in engine.read(some_tasks()):
                again += outcome.task in outcomes
                outcomes[outcome.task] = outcome
                if len(outcomes) == 4 and not seen:
                    seen = cluster.seen_from_outside
                    cluster.kill(SECOND)
        finally:
            engine.close()
        asked = Counter((fingerprint(asked), asked.prompt) for asked in ernie.asked)
        yield KilledRun(
            settings, work, engine.model_version, outcomes, again, ernie.highest_in_flight, asked, seen,
            cluster.logs, cluster,
        )  # fmt: skip


def test_a_node_that_is_killed_loses_no_task_and_doubles_none(killed_run: KilledRun) -> None:
    tasks = [task["id"] for task in some_tasks()]
    assert (sorted(killed_run.outcomes, key=str), killed_run.again) == (sorted(tasks, key=str), 0)


def test_nothing_is_paid_twice_beyond_the_calls_of_the_killed_node(killed_run: KilledRun) -> None:
    assert set(killed_run.asked.values()) <= {1, 2}
    assert sum(killed_run.asked.values()) - len(killed_run.asked) <= LIMIT // 2


def test_all_workers_together_keep_to_the_limit_of_calls(killed_run: KilledRun) -> None:
    assert 1 < killed_run.highest <= LIMIT


def test_the_predictions_are_those_of_one_machine_byte_for_byte(
    killed_run: KilledRun, tmp_path: Path
) -> None:
    # a store of its own: every line is asked for anew
    with StandIn(what_is_seen, key=KEY).running() as ernie:
        alone = killed_run.settings.model_copy(
            update={"store_url": "", "cache_dir": tmp_path, "ernie_base_url": ernie.base_url}
        )
        here = engines(alone, Metrics())
        try:
            work = killed_run.work
            expected = {task["id"]: read_task(here, task, work.config, work.wording) for task in some_tasks()}
        finally:
            here.close()
    assert here.model_version == killed_run.version
    assert {task: as_stored(killed_run.outcomes[task]) for task in expected} == {
        task: as_stored(outcome) for task, outcome in expected.items()
    }
    assert sum(isinstance(outcome, Prediction) for outcome in expected.values()) == DRAWN + 2


def test_no_secret_is_in_files_of_the_cluster_nor_in_sight_of_other_users(killed_run: KilledRun) -> None:
    assert "FindStage" in killed_run.logs
    assert "FindStage" in killed_run.seen
    assert "RAY_USAGE_STATS_ENABLED" in killed_run.seen
    assert [secret for secret in SECRETS if secret in killed_run.logs + killed_run.seen] == []


def test_the_cluster_is_not_left_under_whoever_reads(killed_run: KilledRun) -> None:
    import ray

    engine = RayEngine(killed_run.settings, killed_run.work, address=killed_run.cluster.address)
    reading = engine.read(some_tasks())
    next(reading)
    engine.close()
    assert ray.is_initialized()
    assert len(list(reading)) < DRAWN
    engine.close()
    assert not ray.is_initialized()
    engine.close()


@pytest.fixture(scope="module")
def joined(killed_run: KilledRun) -> Iterator[KilledRun]:
    """The cluster of one node that is left, joined by this process."""
    import ray

    join(killed_run.cluster.address)
    yield killed_run
    ray.shutdown()


def test_programs_that_join_the_cluster_see_no_settings(joined: KilledRun) -> None:
    import ray

    stats = ray.get_actor("datasets_stats_actor", namespace="_dataset_stats_actor")
    shown = ray.get(stats.__ray_call__.remote(lambda actor: repr(actor.dataset_metadatas)))
    assert "_fn_constructor_args" in shown
    assert "label_studio_url" not in shown


def test_a_worker_of_another_version_reads_nothing_and_names_both(joined: KilledRun) -> None:
    job = RunJob(joined.settings, joined.work, "ERNIE x2 for English (of the driver) 00000000")
    stage = ReadStage(Sealed(job))
    row = {"number": [1], "task": [pickle.dumps({"id": 1, "data": {}})], "found": [pickle.dumps({})]}
    outcome = pickle.loads(stage(row)["outcome"][0])
    assert isinstance(outcome, CannotWork)
    assert isinstance(outcome.error, SettingsWrong)
    assert joined.version in str(outcome.error)
    assert "(of the driver)" in str(outcome.error)


def test_a_limit_holds_for_all_workers_together(joined: KilledRun) -> None:
    budget = ClusterBudget(Limits(max_calls=2))
    spender = budget.open(longest_s=60)
    # as it goes to workers
    one, other = (pickle.loads(pickle.dumps(spender)) for _ in range(2))
    ask = Ask("reader", words=40, width=100, height=30, max_tokens=20)
    first, second = one.reserve(ask), other.reserve(ask)
    assert one.reserve(ask) is None
    one.settle(first, Usage(calls=1, input_tokens=30))
    other.settle(second, Usage(calls=1, input_tokens=40))
    with pytest.raises(BudgetSpent, match="limit of 2 calls"):
        other.reserve(ask)
    assert (budget.spent.calls, budget.spent.input_tokens) == (2, 70)
    assert "limit of 2 calls" in str(budget.exhausted)


def test_what_a_lost_worker_reserved_counts_as_spent(joined: KilledRun) -> None:
    spender = ClusterBudget(Limits(max_calls=1)).open(longest_s=0)
    ask = Ask("reader", words=40, width=100, height=30, max_tokens=20)
    assert spender.reserve(ask) is not None
    with pytest.raises(BudgetSpent):
        spender.reserve(ask)


def test_without_limits_workers_ask_nobody_and_are_counted(joined: KilledRun) -> None:
    budget = ClusterBudget(Limits())
    spender = budget.open(longest_s=60)
    grant = spender.reserve(Ask("reader", words=40, width=100, height=30, max_tokens=20))
    assert grant is not None
    spender.settle(grant, Usage(calls=1, input_tokens=30))
    assert budget.spent.calls == 1


FOUR = Settings(ernie_base_url="http://ernie/v1", ernie_model="m", ernie_concurrency=64)  # type: ignore[arg-type]


def node(number: int, cpus: int, gpus: int = 0) -> Node:
    return Node(f"node{number}", f"10.0.0.{number}", cpus, gpus)


@pytest.mark.parametrize(
    ("found", "settings", "actors", "cores", "calls", "reserved"),
    [
        pytest.param([node(1, 1), node(2, 1)], FOUR, (2, 2), 1, 32, (0.5, 0.5), id="two single cores"),
        pytest.param([node(1, 4)], FOUR, (1, 1), 4, 64, (3, 1), id="one group of four cores"),
        pytest.param([node(1, 16), node(2, 16)], FOUR, (4, 4), 8, 16, (7, 1), id="groups of eight"),
        pytest.param(
            [node(1, 16), node(2, 16)],
            FOUR.model_copy(update={"ernie_concurrency": 3}),
            (4, 3), 8, 1, (7, 1), id="no more readers than calls",
        ),
        pytest.param([node(1, 8)], Settings(), (1, 1), 8, 64, (4, 4), id="local readers need cores, too"),
        pytest.param([node(1, 8, 2)], FOUR, (2, 2), 4, 32, (3, 1), id="a group for each GPU"),
    ],
)  # fmt: skip
def test_how_a_run_is_laid_out(
    found: list[Node],
    settings: Settings,
    actors: tuple[int, int],
    cores: int,
    calls: int,
    reserved: tuple[float, float],
) -> None:
    made = layout(settings, found)
    assert (len(made.finding.nodes), len(made.reading.nodes)) == actors
    assert (made.cores, made.calls) == (cores, calls)
    assert (made.finding.cpus, made.reading.cpus) == reserved
    assert made.finding.gpus == (0.5 if found[0].gpus else 0)
    # every node has both stages, as far as there are so many
    assert set(made.finding.nodes) == {one.name for one in found}
    assert set(made.reading.nodes) == {one.name for one in found[: len(made.reading.nodes)]}


def test_several_nodes_need_a_store_that_all_of_them_reach() -> None:
    alone, two = [node(1, 8)], [node(1, 8), node(2, 8)]
    postgresql = FOUR.model_copy(update={"store_url": "postgresql://user@host/twinread"})
    assert check_store(FOUR, alone) == "node1"
    assert check_store(postgresql, two) == ""
    with pytest.raises(SettingsWrong, match="Set STORE_URL to a PostgreSQL database"):
        check_store(FOUR, two)

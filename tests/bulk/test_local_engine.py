"""The built-in engine: every task once, no more in hand than wanted, and nothing read that cannot be kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from backend.bulk.job import BulkWork
from backend.bulk.local_engine import LocalEngine, pages_at_once
from backend.errors import BadRequest, ImageUnreachable, ReaderUnavailable, Stopping, StoreFailed
from backend.label_studio.labeling_config import LabelingConfig
from backend.page.lines import Reading
from backend.pipeline.engines import Engines
from backend.pipeline.read_task import Failure, Prediction, Wording
from backend.pipeline.service import Service, ServiceOptions
from backend.settings.settings import Settings
from tests.parts.scripted import CONFIG, ScriptedReader, scripted_engines, scripted_service

IN_HAND = 3


def engine_over(engines: Engines, config: str = CONFIG) -> LocalEngine:
    service = Service(lambda _: engines, ServiceOptions(page_workers=2))
    service.engines(timeout_s=10)
    return LocalEngine(service, BulkWork(3, LabelingConfig.parse(config), Wording("ru", "en")), IN_HAND)


def tasks(*references: str) -> list[dict[str, Any]]:
    return [{"id": number, "data": {"image": name}} for number, name in enumerate(references, 1)]


def outcomes(engines: Engines, rows: Sequence[Mapping[str, Any]], config: str = CONFIG) -> dict[int, Any]:
    """What became of each task: the version of its prediction, or the kind of its failure."""
    engine = engine_over(engines, config)
    try:
        came = list(engine.read(rows))
    finally:
        engine.close()
    assert len(came) == len(rows), "each task comes once"
    return {
        int(one.task or 0): type(one.error) if isinstance(one, Failure) else one.model_version for one in came
    }


def test_every_task_comes_once_whatever_becomes_of_it() -> None:
    rows = [*tasks("/page-1", "/lost", "/page-2"), {"id": 4, "data": {"text": "no image"}}]
    assert outcomes(scripted_engines(), rows) == {
        1: "scripted-1",
        2: ImageUnreachable,
        3: "scripted-1",
        4: BadRequest,
    }


def test_a_task_of_several_pages_is_whole_or_not_at_all() -> None:
    config = CONFIG.replace('value="$image"', 'valueList="$pages"')
    rows = [
        {"id": 1, "data": {"pages": ["/page-1", "/page-2", "/page-1"]}},
        {"id": 2, "data": {"pages": ["/page-3", "/lost"]}},
    ]
    assert outcomes(scripted_engines(), rows, config) == {1: "scripted-1", 2: ImageUnreachable}


def test_no_more_tasks_are_in_hand_than_wanted() -> None:
    taken: list[int] = []
    most = 0

    def listed() -> Iterator[dict[str, Any]]:
        nonlocal most
        for row in tasks(*[f"/page-{number}" for number in range(20)]):
            taken.append(row["id"])
            most = max(most, len(taken) - ended)
            yield row

    ended = 0
    engine = engine_over(scripted_engines())
    for _ in engine.read(listed()):
        ended += 1
    engine.close()
    assert ended == 20
    # one more is in the hand of whoever looks at the outcome
    assert most <= IN_HAND + 1


def test_an_engine_that_is_closed_ends_what_is_in_hand() -> None:
    gate = threading.Event()
    engine = engine_over(scripted_engines(readers=[ScriptedReader("one", gate=gate), ScriptedReader("two")]))
    ending = threading.Thread(target=engine.close)
    came = engine.read(tasks("/page-1", "/page-2", "/page-3"))
    begun = threading.Timer(0.3, ending.start)
    begun.start()
    ended = list(came)
    gate.set()
    begun.join()
    ending.join()
    assert [type(one.error) for one in ended if isinstance(one, Failure)] == [Stopping] * 3


def test_nothing_is_read_while_readings_cannot_be_kept() -> None:
    readers = [ScriptedReader("one"), ScriptedReader("two")]
    engines = replace(scripted_engines(readers=readers), problem=lambda: "The disk is full.")
    assert outcomes(engines, tasks("/page-1", "/page-2")) == {1: StoreFailed, 2: StoreFailed}
    assert [reader.asked for reader in readers] == [0, 0]


@pytest.mark.parametrize("lasting", [True, False], ids=["a refused key", "a server that is down"])
def test_a_task_tells_whether_a_person_must_act_before_its_reader_answers(lasting: bool) -> None:
    refused = Reading("one", error="no", retryable=True, lasting=lasting)
    engine = engine_over(scripted_engines(readers=[ScriptedReader("one", refused), ScriptedReader("two")]))
    (outcome,) = engine.read(tasks("/page-1"))
    engine.close()
    assert isinstance(outcome, Failure)
    assert isinstance(outcome.error, ReaderUnavailable)
    assert outcome.error.facts["lasting"] is lasting


def test_predictions_are_those_of_the_service() -> None:
    service = scripted_service()
    work = BulkWork(3, LabelingConfig.parse(CONFIG), Wording("ru", "en"))
    engine = LocalEngine(service, work, IN_HAND)
    (made,) = engine.read(tasks("/page-1"))
    (asked,) = service.predict(tasks("/page-1"), work.config, work.wording, deadline_s=10)
    engine.close()
    assert isinstance(made, Prediction)
    assert made == asked


def test_a_server_that_reads_keeps_more_pages_in_hand() -> None:
    alone = Settings(_env_file=None, page_workers=1)  # type: ignore[call-arg]
    served = Settings(  # type: ignore[call-arg]
        _env_file=None,
        page_workers=1,
        ernie_base_url="http://ernie:8180/v1",
        ernie_model="m",
        ernie_concurrency=64,
    )
    assert pages_at_once(served) == pages_at_once(alone) + 16

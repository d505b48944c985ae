"""The driver of a run, over an engine and a storer that do as they are told."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from backend.bulk.counts import Counts
from backend.bulk.job import Outcome
from backend.bulk.patience import Patience
from backend.bulk.run import STREAK, Around, BulkRun
from backend.bulk.uploads import Stored
from backend.errors import (
    BadImage,
    BudgetSpent,
    DetectorFailed,
    ImageUnreachable,
    LabelStudioFailed,
    ReaderUnavailable,
    StoreFailed,
    TwinreadError,
)
from backend.pipeline.read_task import Failure, Prediction
from backend.readers.stored import ReadingStore

VERSION = "Scripted x2 for Russian (a model) 1f3a9c07"
IN_HAND = 8
AWAY = ReaderUnavailable("ERNIE does not answer.")
REFUSED = ReaderUnavailable("ERNIE refuses the key.", lasting=True)


def read(task: int) -> Prediction:
    """One agreed line and one that is not."""
    return Prediction(task, ({"id": "a"}, {"id": "a"}, {"id": "b"}), 0.5, VERSION)


class ScriptedEngine:
    """Reads task by task, some in hand; `say` gives the failure of a task at its turn, or None.

    tried: how often each task was read.
    """

    model_version = VERSION

    def __init__(self, say: Callable[[int, int], TwinreadError | None] = lambda task, turn: None) -> None:
        self.say = say
        self.tried: Counter[int] = Counter()
        self.most_in_hand = 0

    def read(self, tasks: Iterable[Mapping[str, Any]]) -> Iterator[Outcome]:
        waiting, in_hand = iter(tasks), []
        while True:
            while len(in_hand) < IN_HAND and (row := next(waiting, None)) is not None:
                in_hand.append(int(row["id"]))
            self.most_in_hand = max(self.most_in_hand, len(in_hand))
            if not in_hand:
                return
            # the last one first: no order is promised
            task = in_hand.pop()
            self.tried[task] += 1
            error = self.say(task, self.tried[task])
            yield Failure(task, error) if error else read(task)

    def close(self) -> None: ...


class ScriptedStorer:
    """Keeps what it stores; raises what it is told to, one error a call."""

    def __init__(self, *errors: TwinreadError) -> None:
        self.errors = list(errors)
        self.batches: list[list[int]] = []

    def store(self, predictions: Sequence[Prediction]) -> Stored:
        if self.errors:
            raise self.errors.pop(0)
        tasks = [made.task for made in predictions if made.task is not None]
        self.batches.append(tasks)
        return Stored(tuple(tasks))

    @property
    def stored(self) -> list[int]:
        return sorted(task for batch in self.batches for task in batch)


class Run:
    """A run over so many tasks, and what was said meanwhile."""

    def __init__(
        self,
        tasks: int,
        engine: ScriptedEngine,
        store: ReadingStore,
        *,
        storer: ScriptedStorer | None = None,
        pauses: Sequence[float] = (0.0,) * 4,
        answers: bool = True,
        gone: Sequence[int] = (),
        spent: Callable[[], str | None] = lambda: None,
    ) -> None:
        self.said: list[str] = []
        self.first: list[bool] = []
        self.stop = threading.Event()
        self.counts = Counts(tasks)
        self.storer = storer or ScriptedStorer()
        self.rows = iter([{"id": task, "data": {}} for task in range(1, tasks + 1)])
        around = Around(
            answers=lambda: answers,
            exists=lambda task: task not in gone,
            budget_spent=spent,
            failed_tasks=store,
            first_stored=lambda: self.first.append(True),
        )
        patience = Patience(self.said.append, self.stop, pauses)
        self.run = BulkRun(engine, 3, self.counts, patience, around)

    def go(self) -> Run:
        self.run.run(self.rows, self.storer)
        counts = self.counts
        known = counts.stored + counts.already + counts.gone + len(counts.failed) + len(counts.dropped)
        assert known + counts.left == counts.total
        return self


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ReadingStore]:
    kept = ReadingStore(f"sqlite:///{tmp_path / 'readings.sqlite3'}")
    yield kept
    kept.close()


def test_all_tasks_are_read_and_stored_once_each(store: ReadingStore) -> None:
    run = Run(50, ScriptedEngine(), store).go()
    assert run.storer.stored == list(range(1, 51))
    assert run.counts.stored == 50
    assert run.counts.agreed_share == 0.5
    assert run.counts.lines == 100
    assert run.first == [True]
    assert run.run.failure is None


def test_a_failure_of_its_own_is_named_remembered_and_forgotten_when_it_is_read(store: ReadingStore) -> None:
    broken = ScriptedEngine(lambda task, turn: BadImage("No image.") if task == 4 else None)
    run = Run(9, broken, store).go()
    assert run.counts.failed == {4: "No image."}
    assert store.failed(3) == {4: "No image."}
    assert broken.tried[4] == 1
    assert run.storer.stored == [1, 2, 3, 5, 6, 7, 8, 9]

    Run(9, ScriptedEngine(), store).go()
    assert store.failed(3) == {}


def test_a_service_that_comes_back_costs_no_task(store: ReadingStore) -> None:
    # it is away for the first thirty readings
    turns = iter(range(30))
    engine = ScriptedEngine(lambda task, turn: AWAY if next(turns, None) is not None else None)
    run = Run(40, engine, store).go()
    assert run.storer.stored == list(range(1, 41))
    assert run.counts.failed == {}
    assert set(run.said) == {"ERNIE does not answer. Trying again in 0 s."}
    assert run.run.failure is None


def test_a_service_that_stays_away_ends_the_run_and_fails_no_task(store: ReadingStore) -> None:
    engine = ScriptedEngine(lambda task, turn: AWAY)
    run = Run(1000, engine, store).go()
    assert run.run.failure is AWAY
    assert run.counts.failed == {}
    assert run.counts.left == 1000
    assert len(engine.tried) <= STREAK + IN_HAND, "not every task is tried in vain"
    assert len(run.said) == 4


@pytest.mark.parametrize(
    "error",
    [REFUSED, LabelStudioFailed("The key is refused.", status=401)],
    ids=["ERNIE's key", "Label Studio's key"],
)
def test_what_a_person_must_mend_ends_the_run_at_once(store: ReadingStore, error: TwinreadError) -> None:
    engine = ScriptedEngine(lambda task, turn: error if task > 20 else None)
    run = Run(1000, engine, store).go()
    assert run.run.failure is error
    assert run.said == []
    assert run.counts.failed == {}
    assert engine.tried.total() <= 20 + IN_HAND
    assert run.storer.stored == sorted(task for task in engine.tried if task <= 20)


def test_a_few_pages_that_nobody_answers_for_have_failed_where_the_others_are_read(
    store: ReadingStore,
) -> None:
    engine = ScriptedEngine(lambda task, turn: AWAY if task in (7, 8) else None)
    run = Run(200, engine, store).go()
    assert run.counts.failed == {7: str(AWAY), 8: str(AWAY)}
    assert run.run.failure is None
    assert run.storer.stored == [task for task in range(1, 201) if task not in (7, 8)]


def test_a_strange_failure_is_tried_once_more_and_then_its_own(store: ReadingStore) -> None:
    odd = DetectorFailed("The page could not be searched.")
    engine = ScriptedEngine(lambda task, turn: odd if task == 7 or (task == 9 and turn == 1) else None)
    run = Run(20, engine, store).go()
    assert run.counts.failed == {7: "The page could not be searched."}
    assert engine.tried[7] == 2
    assert run.storer.stored == [task for task in range(1, 21) if task != 7]


def test_images_that_nobody_sends_are_their_tasks_own_failure_however_many(store: ReadingStore) -> None:
    dead = ImageUnreachable("The host is gone.")
    engine = ScriptedEngine(lambda task, turn: dead if task > 10 else None)
    run = Run(60, engine, store).go()
    assert sorted(run.counts.failed) == list(range(11, 61))
    assert run.run.failure is None


def test_images_that_do_not_come_while_label_studio_is_away_are_nobodys_failure(store: ReadingStore) -> None:
    dead = ImageUnreachable("Label Studio does not send it.")
    run = Run(60, ScriptedEngine(lambda task, turn: dead), store, answers=False).go()
    assert run.counts.failed == {}
    assert run.run.failure is dead


def test_an_image_that_is_not_there_is_not_asked_for_again(store: ReadingStore) -> None:
    engine = ScriptedEngine(lambda task, turn: ImageUnreachable("404", status=404) if task == 2 else None)
    run = Run(3, engine, store).go()
    assert run.counts.failed == {2: "404"}
    assert engine.tried[2] == 1


def test_a_task_that_was_deleted_meanwhile_is_no_failure(store: ReadingStore) -> None:
    engine = ScriptedEngine(lambda task, turn: BadImage("No image.") if task == 2 else None)
    run = Run(3, engine, store, gone=[2]).go()
    assert (run.counts.failed, run.counts.gone) == ({}, 1)
    assert store.failed(3) == {}


def test_a_spent_budget_ends_the_run_and_leaves_the_rest(store: ReadingStore) -> None:
    engine = ScriptedEngine(lambda task, turn: AWAY if engine.tried.total() > 30 else None)
    limit = "The limit of 30 calls is reached."
    run = Run(100, engine, store, spent=lambda: limit if engine.tried.total() > 30 else None).go()
    assert isinstance(run.run.failure, BudgetSpent)
    assert str(run.run.failure) == limit
    assert run.counts.stored == 30
    assert run.counts.left == 70
    assert run.counts.failed == {}


def test_a_person_who_stops_a_run_keeps_what_was_read(store: ReadingStore) -> None:
    def say(task: int, turn: int) -> None:
        if engine.tried.total() == 20:
            run.stop.set()

    engine = ScriptedEngine(say)
    run = Run(1000, engine, store)
    run.go()
    assert run.run.stopped
    assert run.counts.stored == len(engine.tried)
    assert run.counts.left == 1000 - len(engine.tried)
    assert len(engine.tried) <= 20 + IN_HAND


def test_label_studio_that_is_away_gets_the_same_batch_again(store: ReadingStore) -> None:
    away = LabelStudioFailed("Label Studio does not answer.", passing=True)
    storer = ScriptedStorer(away, away)
    run = Run(30, ScriptedEngine(), store, storer=storer).go()
    assert storer.stored == list(range(1, 31))
    assert run.said == ["Label Studio does not answer. Trying again in 0 s."] * 2
    assert run.run.failure is None


def test_label_studio_that_refuses_predictions_ends_the_run(store: ReadingStore) -> None:
    refused = LabelStudioFailed("It refused.", status=403)
    run = Run(30, ScriptedEngine(), store, storer=ScriptedStorer(refused)).go()
    assert run.run.failure is refused
    assert run.counts.stored == 0


def test_a_listing_that_breaks_ends_the_run_with_its_reason(store: ReadingStore) -> None:
    def rows() -> Iterator[dict[str, Any]]:
        yield {"id": 1, "data": {}}
        raise LabelStudioFailed("Label Studio does not answer.", passing=True)

    run = Run(2, ScriptedEngine(), store)
    run.rows = rows()
    run.go()
    assert str(run.run.failure) == "Label Studio does not answer."
    assert run.storer.stored == [1]


def test_a_store_that_cannot_be_written_does_not_end_a_run(tmp_path: Path) -> None:
    class Broken:
        def note_failed(self, project: int, version: str, reasons: Mapping[int, str]) -> None:
            raise StoreFailed("The disk is full.")

        def mended(self, project: int, tasks: Iterable[int]) -> None:
            raise StoreFailed("The disk is full.")

    engine = ScriptedEngine(lambda task, turn: BadImage("No image.") if task == 2 else None)
    run = Run(3, engine, Broken()).go()  # type: ignore[arg-type]
    assert run.counts.failed == {2: "No image."}
    assert run.storer.stored == [1, 3]
    assert any("The disk is full." in sentence for sentence in run.said)

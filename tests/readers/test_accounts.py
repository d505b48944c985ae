"""The account in the store: right after kills, after failures of the database, and with several twinreads."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from backend.errors import StoreFailed
from backend.page.lines import Reading
from backend.readers.stored import Keeper, ReadingStore, StoredReader
from backend.readers.usage import Spending, Usage, UsageRow
from backend.tickets import Asker, asking_for, present_asker
from tests.parts.ernie_stand_in import Say, StandIn
from tests.parts.postgres import postgres_url
from tests.readers.test_stored import HandReader, crop, read_by, sqlite_url, until, url

__all__ = ["postgres_url", "sqlite_url", "url"]

ROOT = Path(__file__).resolve().parents[2]
FRIDAY, SATURDAY = date(2026, 11, 27), date(2026, 11, 28)
ONE = Usage(1, 0, 300, 256, 20, 0.5)


def row(day: date, project: str, usage: Usage, reader: str = "ernie:plain@1") -> UsageRow:
    return UsageRow(day, project, reader, usage)


@pytest.fixture
def store(url: str) -> Iterator[ReadingStore]:
    with closing(ReadingStore(url)) as store:
        yield store


# What the store gives back


def test_what_two_twinreads_took_adds_up_by_day_project_and_reader(store: ReadingStore, url: str) -> None:
    store.put(sums=[row(FRIDAY, "3", ONE), row(SATURDAY, "3", ONE + ONE), row(FRIDAY, "", ONE)])
    with closing(ReadingStore(url)) as other:
        other.put(sums=[row(SATURDAY, "3", ONE), row(SATURDAY, "4", ONE, "ernie:characters@1")])

    assert store.usage() == [
        row(FRIDAY, "", ONE),
        row(FRIDAY, "3", ONE),
        row(SATURDAY, "3", Usage(3, 0, 900, 768, 60, 1.5)),
        row(SATURDAY, "4", ONE, "ernie:characters@1"),
    ]
    assert store.usage("3", SATURDAY) == [row(SATURDAY, "3", Usage(3, 0, 900, 768, 60, 1.5))]
    assert store.usage("") == [row(FRIDAY, "", ONE)]
    assert store.usage("5") == []
    assert store.spending("3", SATURDAY) == [
        Spending("3", "ernie:plain@1", Usage(3, 0, 900, 768, 60, 1.5), Usage(4, 0, 1200, 1024, 80, 2.0))
    ]
    assert store.spending("", SATURDAY) == [Spending("", "ernie:plain@1", Usage(), ONE)]


def test_sums_that_are_written_again_or_late_change_nothing(store: ReadingStore) -> None:
    for sums in (ONE, ONE + ONE, ONE + ONE, ONE):
        store.put(sums=[row(FRIDAY, "3", sums)])
    assert store.usage() == [row(FRIDAY, "3", ONE + ONE)]


def test_more_tokens_than_fit_into_32_bits_are_counted(store: ReadingStore, url: str) -> None:
    huge = Usage(5, 0, 6_000_000_000, 0, 6_000_000_000, 1e6)
    store.put(sums=[row(FRIDAY, "3", huge)])
    with closing(ReadingStore(url)) as other:
        other.put(sums=[row(FRIDAY, "3", huge)])
    assert store.usage() == [row(FRIDAY, "3", huge + huge)]


def test_tasks_that_failed_are_kept_until_they_are_mended(store: ReadingStore) -> None:
    store.note_failed(3, "twinread 1", {7: "No image.", 8: "Счёт\0 \ud800!"})
    store.note_failed(4, "twinread 1", {7: "of another project"})
    store.note_failed(3, "twinread 2", {7: "Still no image."})
    store.note_failed(3, "twinread 2", {})
    assert store.failed(3) == {7: "Still no image.", 8: "Счёт !"}

    store.mended(3, [7, 99])
    assert store.failed(3) == {8: "Счёт !"}
    assert store.failed(4) == {7: "of another project"}
    assert store.failed(5) == {}


FORMAT_2 = """
CREATE TABLE readings (crop VARCHAR(64) NOT NULL, reader TEXT NOT NULL, text TEXT NOT NULL, score FLOAT,
    read_at FLOAT NOT NULL, PRIMARY KEY (crop, reader));
CREATE TABLE claims (crop VARCHAR(64) NOT NULL, reader TEXT NOT NULL, owner VARCHAR(32) NOT NULL,
    expires_at FLOAT NOT NULL, PRIMARY KEY (crop, reader));
CREATE TABLE readers (reader TEXT NOT NULL, used_at FLOAT NOT NULL, PRIMARY KEY (reader));
CREATE TABLE store_format (number INTEGER NOT NULL);
INSERT INTO store_format VALUES (2);
INSERT INTO readings VALUES ('a1', 'ernie', 'Счёт', NULL, 1);
INSERT INTO claims VALUES ('a2', 'ernie', 'another', 9999999999);
INSERT INTO readers VALUES ('ernie', 1)
"""
"""As twinread made it before stores kept an account."""


def test_a_store_without_an_account_gets_one_and_its_programs_go_on(url: str) -> None:
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(exist_ok=True)
    with engine.begin() as connection:
        for statement in FORMAT_2.split(";"):
            connection.execute(sa.text(statement))

    with closing(ReadingStore(url)) as store:
        assert store.get_many(["a1"], "ernie") == {"a1": Reading("ernie", "Счёт")}
        assert store.elsewhere(["a2"], "ernie") == ({}, {"a2"})
        assert store.usage() == [] and store.failed(3) == {}
        store.put(sums=[row(FRIDAY, "3", ONE)])
        assert store.usage() == [row(FRIDAY, "3", ONE)]
    with engine.connect() as connection:
        # they refuse every other number
        assert connection.execute(sa.text("SELECT number FROM store_format")).all() == [(2,)]
    engine.dispose()


# What a keeper keeps


def kept(url: str) -> tuple[int, int]:
    """Readings, and calls in the account."""
    with closing(ReadingStore(url)) as store:
        return store.count(), sum(one.usage.calls for one in store.usage())


def test_a_reading_and_its_call_are_kept_together(url: str) -> None:
    with closing(ReadingStore(url)) as store:
        keeper = Keeper(store)
        settled: list[tuple[int, int]] = []
        for number in range(20):
            keeper.note("3", "first", ONE)
            done = lambda _: settled.append(kept(url))  # noqa: E731
            keeper.keep(f"a{number}", read_by("first", "12"), done, claimed=True)
        until(lambda: len(settled) == 20)
        keeper.close()
    # whoever sees a reading finds its call, at any moment
    assert all(readings <= calls for readings, calls in settled)
    assert settled[-1] == (20, 20)


def test_a_call_that_no_reading_came_of_is_kept_soon(url: str) -> None:
    with closing(ReadingStore(url)) as store:
        keeper = Keeper(store)
        keeper.note("3", "first", ONE)
        until(lambda: kept(url) == (0, 1))
        keeper.note("3", "first", ONE)
        keeper.close()
    assert kept(url) == (0, 2)


class Forgetful(ReadingStore):
    """Writes, and does not hear that it worked, so many times: the connection broke behind the commit."""

    times = 1

    def put(self, *rows: tuple[str, Reading], ended: Any = (), sums: Sequence[UsageRow] = ()) -> None:
        super().put(*rows, ended=ended, sums=sums)
        if self.times:
            self.times -= 1
            raise StoreFailed("The store of readings cannot be used: it went away.")


def test_what_was_written_without_anybody_hearing_of_it_is_counted_once(url: str) -> None:
    with closing(Forgetful(url)) as store:
        keeper = Keeper(store)
        for number in range(5):
            keeper.note("3", "first", ONE)
            keeper.keep(f"a{number}", read_by("first", "12"), lambda _: None, claimed=True)
        until(lambda: store.times == 0 and keeper.problem is None)
        keeper.close()
    assert kept(url) == (5, 5)


class Down(ReadingStore):
    """Cannot be written while it is down."""

    down = True

    def put(self, *rows: tuple[str, Reading], ended: Any = (), sums: Sequence[UsageRow] = ()) -> None:
        if self.down:
            raise StoreFailed("The store of readings cannot be used: its disk is full or failing; make room.")
        super().put(*rows, ended=ended, sums=sums)


def test_what_was_taken_while_the_store_failed_is_in_the_account_afterwards(url: str) -> None:
    with closing(Down(url)) as store:
        keeper = Keeper(store)
        for number in range(5):
            keeper.note("3", "first", ONE)
            keeper.keep(f"a{number}", read_by("first", "12"), lambda _: None, claimed=False)
        until(lambda: keeper.problem is not None)
        assert kept(url) == (0, 0)
        store.down = False
        until(lambda: keeper.problem is None)
        keeper.close()
    assert kept(url) == (5, 5)


class WhoAsks(HandReader):
    """Remembers for whom it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.askers: list[Asker] = []

    def submit(self, *args: Any, **options: Any) -> Any:
        self.askers.append(present_asker())
        return super().submit(*args, **options)


def test_a_line_that_another_twinread_gave_up_is_charged_to_the_project_that_waits_for_it(url: str) -> None:
    with closing(ReadingStore(url)) as one, closing(ReadingStore(url)) as two:
        first, second = Keeper(one), Keeper(two)
        elsewhere, here = HandReader(), WhoAsks()
        StoredReader(elsewhere, first, paid=True).submit([crop(1), crop(2)])
        stored = StoredReader(here, second, paid=True)
        for number, project in ((1, "3"), (2, "4")):
            with asking_for(Asker(project)):
                stored.submit([crop(number)])
        assert here.askers == []
        first.close()
        until(lambda: len(here.asked) == 2)
        assert {asker.project for asker in here.askers} == {"3", "4"}
        for _, _, future in here.asked:
            future.set_result(read_by("by-hand", "12"))
        second.close()


PAYING = """
import sys
import numpy as np
from backend.readers.ernie.reader import ErnieOptions, ErnieReader, ErnieServer
from backend.readers.ernie.prompts import prompts
from backend.readers.stored import Keeper, ReadingStore, StoredReader
from backend.tickets import Asker, asking_for
keeper = Keeper(ReadingStore(sys.argv[1]), claim_s=2)
server = ErnieServer(ErnieOptions(sys.argv[2], "ernie-stand-in", concurrency=4), ledger=keeper)
reader = StoredReader(ErnieReader(server, prompts()[0]), keeper, paid=True)
crops = [np.full((8, 40 + number, 3), int(sys.argv[3]), np.uint8) for number in range(60)]
with asking_for(Asker(sys.argv[3])):
    futures = reader.submit(crops)
for future in futures:
    print(future.result().text, flush=True)
server.close()
keeper.close()
"""
"""Asks for 60 lines, four at once; the number of the project is the grey of the lines."""


def test_two_processes_share_an_account_and_a_kill_costs_it_the_calls_in_flight(url: str) -> None:
    with StandIn(lambda asked: Say("Счёт 12"), latency_s=0.05).running() as ernie:
        pair = [
            subprocess.Popen(
                [sys.executable, "-c", PAYING, url, ernie.base_url, project],
                cwd=ROOT, stdout=subprocess.PIPE, text=True,
            )
            for project in ("3", "4")
        ]  # fmt: skip
        assert pair[0].stdout is not None
        for _ in range(20):
            pair[0].stdout.readline()
        pair[0].kill()
        pair[0].communicate()
        pair[1].communicate(timeout=60)
        assert pair[1].returncode == 0
        until(lambda: ernie.in_flight == 0)

        with closing(ReadingStore(url)) as store:
            taken = {one.project: one.usage for one in store.usage()}
            readings = store.count()
        bill = ernie.bill
    assert taken["4"].calls == 60
    # the four calls in flight
    lost = bill["calls"] - taken["3"].calls - taken["4"].calls
    assert 0 <= lost <= 4
    assert 20 <= readings - 60 <= taken["3"].calls < 60
    if not lost:
        assert taken["3"].input_tokens + taken["4"].input_tokens == bill["prompt_tokens"]
    assert taken["4"].seconds >= 60 * 0.05

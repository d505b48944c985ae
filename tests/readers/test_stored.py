"""Readings that were paid for stay, on real SQLite files and a real PostgreSQL server."""

from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import sqlalchemy as sa

from backend.errors import SettingsWrong, StoreFailed
from backend.page.lines import Pixels, Reading, picture_digest
from backend.readers.ernie.prompts import prompts
from backend.readers.ernie.reader import ErnieOptions, ErnieReader, ErnieServer
from backend.readers.stored import Keeper, ReadingStore, StoredReader
from tests.parts.ernie_stand_in import Asked, Say, StandIn, ernie_stand_in, fingerprint
from tests.parts.postgres import postgres_url
from tests.parts.relay import Relay, relay

__all__ = ["ernie_stand_in", "postgres_url"]

ROOT = Path(__file__).resolve().parents[2]


def crop(number: int) -> Pixels:
    return np.full((8, 40, 3), number % 256, np.uint8) + np.arange(40, dtype=np.uint8)[:, None] * (
        number // 256
    )


def read_by(reader: str, text: str = "", score: float | None = None) -> Reading:
    return Reading(reader, text, score)


class HandReader:
    """A reader whose answers the test gives by hand."""

    def __init__(self, identity: str = "by-hand", answer: Callable[[Pixels], Reading] | None = None) -> None:
        self.identity = identity
        self.answer = answer
        self.asked: list[tuple[Pixels, bool, Future[Reading]]] = []
        self.hurried: list[Future[Reading]] = []

    def submit(self, crops: Sequence[Pixels], *, urgent: bool = False) -> list[Future[Reading]]:
        futures: list[Future[Reading]] = [Future() for _ in crops]
        self.asked += [(crop, urgent, future) for crop, future in zip(crops, futures, strict=True)]
        if self.answer is not None:
            for crop_, future in zip(crops, futures, strict=True):
                future.set_result(self.answer(crop_))
        return futures

    def hurry(self, futures: Sequence[Future[Reading]]) -> None:
        self.hurried += futures


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'кэш' / 'readings.sqlite3'}"
    address: str = request.getfixturevalue("postgres_url")
    engine = sa.create_engine(address.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(
            sa.text("DROP TABLE IF EXISTS readings, claims, readers, usage, failed_tasks, store_format")
        )
    engine.dispose()
    return address


@pytest.fixture
def store(url: str) -> Iterator[ReadingStore]:
    store = ReadingStore(url)
    yield store
    store.close()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'readings.sqlite3'}"


TEXTS = [
    pytest.param("Счёт № 12", None, id="text"),
    pytest.param("", None, id="no text is an answer that was paid for"),
    pytest.param("½ Iтем 日本語 «a» 'b' \"c\" \\ %s :x", 0.25, id="marks that mean something to SQL"),
]


@pytest.mark.parametrize(("text", "score"), TEXTS)
def test_what_was_kept_comes_back_as_it_was(store: ReadingStore, text: str, score: float | None) -> None:
    store.put(("a1", read_by("first", text, score)))

    assert store.get_many(["a1", "b2"], "first") == {"a1": Reading("first", text, score)}
    assert store.get_many(["a1"], "second") == {}


def test_an_error_is_not_kept_because_it_must_be_asked_again(store: ReadingStore) -> None:
    store.put(("a1", Reading("first", error="no answer in 60 s")), ("a2", read_by("first", "12")))

    assert list(store.get_many(["a1", "a2"], "first")) == ["a2"]


def test_the_first_reading_of_a_crop_stays_when_a_replica_paid_for_another(store: ReadingStore) -> None:
    store.put(("a1", read_by("first", "12")))
    store.put(("a1", read_by("first", "13")), ("a2", read_by("first", "14")))

    found = store.get_many(["a1", "a2"], "first")
    assert {digest: reading.text for digest, reading in found.items()} == {"a1": "12", "a2": "14"}
    assert store.count() == 2


def test_a_page_of_many_thousand_lines_is_looked_up_whole(store: ReadingStore) -> None:
    digests = [f"{number:064x}" for number in range(3000)]
    store.put(*[(digest, read_by("first", digest[-4:])) for digest in digests])

    found = store.get_many(digests, "first")
    assert [found[digest].text for digest in digests] == [digest[-4:] for digest in digests]


def test_a_character_that_no_database_takes_costs_no_neighbour_its_place(store: ReadingStore) -> None:
    store.put(("a1", read_by("first", "1\0\udc80")), ("a2", read_by("first", "2")))

    assert {d: r.text for d, r in store.get_many(["a1", "a2"], "first").items()} == {"a1": "1", "a2": "2"}


def test_sixteen_threads_that_open_read_and_write_at_once_all_succeed(url: str) -> None:
    store = ReadingStore(url)

    def work(worker: int) -> int:
        for number in range(20):
            store.put(
                (f"{worker}-{number}", read_by("first", str(number))), ("shared", read_by("first", "same"))
            )
        return len(store.get_many([f"{worker}-{number}" for number in range(20)], "first"))

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(work, range(16))) == [20] * 16
    assert store.count() == 16 * 20 + 1
    store.close()


OPENING = """
import sys
from backend.page.lines import Reading
from backend.readers.stored import ReadingStore
store = ReadingStore(sys.argv[1])
for number in range(50):
    store.put((f"{sys.argv[2]}-{number}", Reading("first", "12")))
"""


def test_processes_write_beside_each_other(sqlite_url: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", OPENING, sqlite_url, str(number)],
            cwd=ROOT, stderr=subprocess.PIPE, text=True,
        )
        for number in range(2)
    ]  # fmt: skip
    errors = [process.communicate()[1] for process in processes]

    assert errors == [""] * 2
    store = ReadingStore(sqlite_url)
    assert store.count() == 2 * 50
    store.close()


@pytest.mark.parametrize("attempt", range(5))
def test_all_who_open_a_new_database_at_the_same_moment_begin(url: str, attempt: int) -> None:
    start = threading.Barrier(12)

    def begin(worker: int) -> None:
        start.wait()
        store = ReadingStore(url)
        store.put((str(worker), read_by("first", "12")))
        store.close()

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(begin, range(12)))
    store = ReadingStore(url)
    assert store.count() == 12
    store.close()


def test_sqlite_writes_ahead_so_that_readers_never_wait(sqlite_url: str, tmp_path: Path) -> None:
    ReadingStore(sqlite_url).close()

    connection = sqlite3.connect(tmp_path / "readings.sqlite3")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param("no address", id="no URL"),
        pytest.param("mysql://user:geheim@host/base", id="unknown kind"),
        pytest.param("sqlite://", id="memory keeps nothing"),
    ],
)
def test_an_address_that_cannot_keep_readings_is_refused_with_the_setting_named(bad: str) -> None:
    with pytest.raises(SettingsWrong, match="STORE_URL") as caught:
        ReadingStore(bad)
    assert "geheim" not in str(caught.value)


def test_an_unreachable_postgresql_is_one_sentence_without_its_password() -> None:
    with pytest.raises(StoreFailed, match="cannot be reached") as caught:
        ReadingStore("postgresql://user:geheim@127.0.0.1:1/base")
    assert "geheim" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        pytest.param(("postgres", "nowhere"), "no database of that name", id="no such database"),
        pytest.param(("postgres@", "nobody@"), "refused user or password", id="no such user"),
    ],
)
def test_a_postgresql_that_refuses_says_why(
    postgres_url: str, change: tuple[str, str], sentence: str
) -> None:
    head, _, tail = postgres_url.rpartition("//")
    wrong = (
        head + "//" + (tail.replace(*change) if "@" in change[0] else tail.rpartition("/")[0] + "/nowhere")
    )
    with pytest.raises(StoreFailed, match=sentence):
        ReadingStore(wrong)


FULL_DISK = """
import resource, signal, sys
from backend.errors import StoreFailed
from backend.page.lines import Reading
from backend.readers.stored import ReadingStore
store = ReadingStore(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
try:
    store.put(*((str(number), Reading("first", "x" * 1000)) for number in range(500)))
except StoreFailed as error:
    print(error)
"""


def test_a_disk_without_room_is_one_sentence(sqlite_url: str) -> None:
    command = [sys.executable, "-c", FULL_DISK, sqlite_url]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    assert answer.stdout == "The store of readings cannot be used: its disk is full or failing; make room.\n"


def test_a_read_only_database_is_read_and_says_why_it_does_not_keep(sqlite_url: str) -> None:
    store = ReadingStore(sqlite_url)
    store.put(("a1", read_by("first", "12")))
    store.close()
    path = sqlite_url.removeprefix("sqlite:///")
    shut = ReadingStore(f"sqlite:///file:{path}?mode=ro&uri=true")

    assert shut.get_many(["a1"], "first")["a1"].text == "12"
    with pytest.raises(StoreFailed, match="read-only"):
        shut.put(("a2", read_by("first", "13")))
    shut.close()


def test_a_locked_database_is_one_sentence_without_its_path(sqlite_url: str, tmp_path: Path) -> None:
    store = ReadingStore(sqlite_url, busy_timeout_s=0.1)
    other = sqlite3.connect(tmp_path / "readings.sqlite3")
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreFailed, match="keeps it locked") as caught:
        store.put(("a1", read_by("first", "12")))
    other.rollback()
    other.close()
    assert str(tmp_path) not in str(caught.value)
    store.put(("a1", read_by("first", "12")))
    assert store.count() == 1
    store.close()


@pytest.mark.parametrize(
    ("prepare", "sentence"),
    [
        pytest.param(lambda path: path.write_bytes(b"not a database at all" * 100), "damaged", id="damaged"),
        pytest.param(lambda path: path.mkdir(), "cannot be opened", id="a folder"),
    ],
)
def test_a_file_that_is_no_database_is_one_sentence_without_its_path(
    sqlite_url: str, tmp_path: Path, prepare: Callable[[Path], None], sentence: str
) -> None:
    prepare(tmp_path / "readings.sqlite3")

    with pytest.raises(StoreFailed, match=sentence) as caught:
        ReadingStore(sqlite_url)
    assert str(tmp_path) not in str(caught.value)


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreFailed, match="cannot be opened"):
        ReadingStore(f"sqlite:///{tmp_path / 'file' / 'readings.sqlite3'}")


# A reader with a store in front of it


class Hand(NamedTuple):
    reader: HandReader
    stored: StoredReader
    store: ReadingStore
    keeper: Keeper


@pytest.fixture
def hand(sqlite_url: str) -> Iterator[Hand]:
    reader, store = HandReader(), ReadingStore(sqlite_url, busy_timeout_s=0.1)
    keeper = Keeper(store)
    yield Hand(reader, StoredReader(reader, keeper), store, keeper)
    keeper.close()
    store.close()


def test_what_is_kept_is_not_asked_again(hand: Hand) -> None:
    reader, stored, store, _ = hand
    store.put(
        (picture_digest(crop(1)), read_by("by-hand", "12")), (picture_digest(crop(3)), read_by("by-hand", ""))
    )

    futures = stored.submit([crop(1), crop(2), crop(3)])
    reader.asked[0][2].set_result(read_by("by-hand", "13", 0.5))

    assert [future.result(10) for future in futures] == [
        Reading("by-hand", "12"),
        Reading("by-hand", "13", 0.5),
        Reading("by-hand", ""),
    ]
    assert len(reader.asked) == 1
    assert store.count() == 3
    assert stored.identity == "by-hand"


def test_the_same_crop_twice_at_once_is_paid_for_once(
    hand: Hand,
) -> None:
    reader, stored, *_ = hand

    futures = stored.submit([crop(1), crop(1)]) + stored.submit([crop(1)])
    assert len(reader.asked) == 1
    reader.asked[0][2].set_result(read_by("by-hand", "12"))

    assert [future.result(10).text for future in futures] == ["12", "12", "12"]


def test_an_error_reaches_all_who_wait_and_is_asked_again_later(
    hand: Hand,
) -> None:
    reader, stored, store, _ = hand

    futures = stored.submit([crop(1)]) + stored.submit([crop(1)])
    reader.asked[0][2].set_result(Reading("by-hand", error="no answer"))
    assert [future.result(10).error for future in futures] == ["no answer", "no answer"]

    stored.submit([crop(1)])
    assert len(reader.asked) == 2
    assert store.count() == 0
    reader.asked[1][2].set_result(read_by("by-hand", "12"))


def test_an_annotator_who_joins_bulk_work_lets_it_go_first(
    hand: Hand,
) -> None:
    reader, stored, *_ = hand

    stored.submit([crop(1), crop(2)])
    stored.submit([crop(2), crop(3)], urgent=True)

    assert [urgent for _, urgent, _ in reader.asked] == [False, False, True]
    assert reader.hurried == [reader.asked[1][2]]
    for _, _, future in reader.asked:
        future.set_result(read_by("by-hand", "12"))


def test_of_an_opened_page_the_reader_hears_of_what_it_has_not_answered(
    hand: Hand,
) -> None:
    reader, stored, *_ = hand
    page, other = stored.submit([crop(1), crop(2), crop(3)]), stored.submit([crop(4)])
    reader.asked[0][2].set_result(read_by("by-hand", "12"))
    page[0].result(10)

    stored.hurry(page)

    assert reader.hurried == [future for _, _, future in reader.asked[1:3]]
    for _, _, future in reader.asked[1:]:
        future.set_result(read_by("by-hand", "12"))
    assert [future.result(10).text for future in [*page, *other]] == ["12"] * 4


def test_a_reading_is_in_the_store_before_anyone_sees_it(
    hand: Hand,
) -> None:
    reader, stored, store, keeper = hand
    seen: list[int] = []

    for number in range(20):
        (future,) = stored.submit([crop(number)])
        future.add_done_callback(lambda _: seen.append(store.count()))
        reader.asked[-1][2].set_result(read_by("by-hand", str(number)))
        future.result(10)
    keeper.close()

    assert seen == list(range(1, 21))


def until(so: Callable[[], object], limit_s: float = 20) -> None:
    """Wait for what a thread or a process will have done."""
    end = time.monotonic() + limit_s
    while not so():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_locked_store_is_told_once_and_what_was_read_meanwhile_is_written_later(
    hand: Hand, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reader, stored, store, keeper = hand
    reader.answer = lambda _: read_by("by-hand", "12")
    other = sqlite3.connect(tmp_path / "readings.sqlite3")
    other.execute("BEGIN IMMEDIATE")

    assert [stored.submit([crop(number)])[0].result(10).text for number in range(3)] == ["12"] * 3
    assert "locked" in (keeper.problem or "") and "3 readings wait in memory" in (keeper.problem or "")
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    # what waits in memory is not asked for again
    assert stored.submit([crop(1)])[0].result(10).text == "12"
    assert len(reader.asked) == 3

    other.rollback()
    other.close()
    until(lambda: keeper.problem is None)
    assert store.count() == 3


def test_a_deleted_store_is_told_and_begun_anew_with_what_is_read_from_then_on(
    hand: Hand, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reader, stored, _, keeper = hand
    reader.answer = lambda _: read_by("by-hand", "12")
    stored.submit([crop(1)])[0].result(10)
    for path in tmp_path.iterdir():
        path.unlink()

    # by itself, though nobody asks for anything
    until(lambda: "was deleted or replaced" in (keeper.problem or ""))
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert stored.submit([crop(2)])[0].result(10).text == "12"
    with sqlite3.connect(tmp_path / "readings.sqlite3") as there:
        assert there.execute("SELECT text FROM readings").fetchall() == [("12",)]
    there.close()


def test_a_store_whose_file_became_a_folder_still_lets_the_reader_read_and_is_mended_without_a_restart(
    hand: Hand, tmp_path: Path
) -> None:
    reader, stored, store, keeper = hand
    reader.answer = lambda _: read_by("by-hand", "12")
    for path in tmp_path.iterdir():
        path.unlink()
    (tmp_path / "readings.sqlite3").mkdir()

    assert stored.submit([crop(1)])[0].result(10).text == "12"
    assert "cannot be opened" in (keeper.problem or "")

    (tmp_path / "readings.sqlite3").rmdir()
    until(lambda: "cannot be opened" not in (keeper.problem or ""))
    assert store.count() == 1


def test_a_store_that_breaks_its_contract_lets_nobody_wait_for_ever(
    sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    class Breaking(ReadingStore):
        def put(self, *rows: tuple[str, Reading], **further: Any) -> None:
            raise ZeroDivisionError("in /secret/place")

    store = Breaking(sqlite_url)
    keeper = Keeper(store)
    stored = StoredReader(HandReader(answer=lambda _: read_by("by-hand", "12")), keeper)
    # the second shows that the first did not end the writer
    assert [stored.submit([crop(number)])[0].result(10).text for number in range(2)] == ["12", "12"]
    assert (keeper.problem or "").startswith("The store of readings failed (ZeroDivisionError).")
    assert "secret" not in (keeper.problem or "")
    keeper.close()
    store.close()


def test_a_reading_that_arrives_after_the_end_is_kept_and_seen(hand: Hand) -> None:
    reader, stored, store, keeper = hand
    (future,) = stored.submit([crop(1)])

    keeper.close()
    reader.asked[0][2].set_result(read_by("by-hand", "12"))

    assert future.result(10).text == "12"
    assert store.count() == 1


def test_one_thread_keeps_the_readings_of_four_hundred_readers(hand: Hand) -> None:
    keeper = hand.keeper
    before = threading.active_count()
    readers = [
        StoredReader(HandReader(f"reader {number}", lambda _: read_by("by-hand", "12")), keeper)
        for number in range(400)
    ]
    for reader in readers:
        reader.submit([crop(1)])[0].result(10)
    assert threading.active_count() == before


FULL_FOR_A_WHILE = """
import resource, signal, sys, time
from backend.page.lines import Reading
from backend.readers.ernie.prompts import prompts
from backend.readers.ernie.reader import ErnieOptions, ErnieReader, ErnieServer
from backend.readers.stored import Keeper, ReadingStore
store = ReadingStore(sys.argv[1])
keeper = Keeper(store)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, hard))
seen = []
for number in range(200):
    keeper.keep(str(number), Reading("first", "x" * 1000), seen.append, claimed=False)
while len(seen) < 200:
    time.sleep(0.02)
print(keeper.problem)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
while keeper.problem:
    time.sleep(0.02)
print(store.count())
keeper.close()
"""


def test_a_full_disk_loses_nothing_once_there_is_room_again(sqlite_url: str) -> None:
    command = [sys.executable, "-c", FULL_FOR_A_WHILE, sqlite_url]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    problem, kept = done.stdout.splitlines()
    assert "its disk is full or failing; make room" in problem
    assert kept == "200"
    assert done.stderr.count("its disk is full") == 1


@pytest.fixture
def line_to_postgres(postgres_url: str) -> Iterator[Relay]:
    port = int(postgres_url.rpartition(":")[2].partition("/")[0])
    with relay(port) as line:
        yield line


def test_a_postgresql_that_hangs_costs_one_page_its_time_limit_and_the_others_nothing(
    postgres_url: str, line_to_postgres: Relay, caplog: pytest.LogCaptureFixture
) -> None:
    port = postgres_url.rpartition(":")[2].partition("/")[0]
    address = postgres_url.replace(f":{port}/", f":{line_to_postgres.port}/")
    reader = HandReader("hang", lambda _: read_by("hang", "12"))
    store = ReadingStore(address, answer_limit_s=0.5)
    keeper = Keeper(store)
    stored = StoredReader(reader, keeper, paid=True)
    before = store.count()
    line_to_postgres.silent.set()

    assert [stored.submit([crop(number)])[0].result(10).text for number in range(50)] == ["12"] * 50
    assert "does not answer within 0.5 s (STORE_TIMEOUT_S)" in (keeper.problem or "")
    # the pool's connections are in use, and new ones hang, too
    assert [record.levelno for record in caplog.records] == [logging.ERROR]

    line_to_postgres.silent.clear()
    until(lambda: keeper.problem is None)
    assert store.count() == before + 50
    keeper.close()
    store.close()


def test_a_postgresql_that_was_started_anew_is_not_noticed(
    postgres_url: str, line_to_postgres: Relay
) -> None:
    port = postgres_url.rpartition(":")[2].partition("/")[0]
    store = ReadingStore(postgres_url.replace(f":{port}/", f":{line_to_postgres.port}/"))
    store.count()
    line_to_postgres.cut()

    assert store.count() >= 0
    store.close()


class BrokenReader(HandReader):
    """Breaks its contract: `submit` raises, or a future does."""

    def __init__(self, at_once: bool) -> None:
        super().__init__()
        self.at_once = at_once

    def submit(self, crops: Sequence[Pixels], *, urgent: bool = False) -> list[Future[Reading]]:
        if self.at_once:
            raise OSError("no more threads")
        futures: list[Future[Reading]] = [Future() for _ in crops]
        for future in futures:
            future.set_exception(OSError("engine died"))
        return futures


def test_a_reader_that_breaks_its_contract_lets_nobody_wait_for_ever(sqlite_url: str) -> None:
    store = ReadingStore(sqlite_url)
    keeper = Keeper(store)
    raising = StoredReader(BrokenReader(at_once=True), keeper)
    for _ in range(2):
        with pytest.raises(OSError, match="no more threads"):
            raising.submit([crop(1)])
    failing = StoredReader(BrokenReader(at_once=False), keeper)

    assert "OSError" in (failing.submit([crop(1)])[0].result(10).error or "")
    keeper.close()
    store.close()


def test_sixteen_threads_asking_for_the_same_lines_pay_for_each_once(sqlite_url: str) -> None:
    store = ReadingStore(sqlite_url)
    lock = threading.Lock()
    paid: list[str] = []

    def answer(pixels: Pixels) -> Reading:
        with lock:
            paid.append(picture_digest(pixels))
        return read_by("by-hand", picture_digest(pixels)[:8])

    keeper = Keeper(store)
    stored = StoredReader(HandReader(answer=answer), keeper)
    crops = [crop(number) for number in range(40)]

    def work(worker: int) -> list[str]:
        turned = crops[worker:] + crops[:worker]
        texts = [future.result(30).text for future in stored.submit(turned)]
        return texts[len(crops) - worker :] + texts[: len(crops) - worker]

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(work, range(16)))

    assert answers == [[picture_digest(pixels)[:8] for pixels in crops]] * 16
    assert len(paid) == len(set(paid)) == 40
    keeper.close()
    store.close()


PAYING = """
import sys
import numpy as np
from backend.readers.ernie.reader import ErnieOptions, ErnieReader, ErnieServer
from backend.readers.ernie.prompts import prompts
from backend.readers.ernie.prompts import prompts
from backend.readers.ernie.reader import ErnieOptions, ErnieReader, ErnieServer
from backend.readers.stored import Keeper, ReadingStore, StoredReader
keeper = Keeper(ReadingStore(sys.argv[1]), claim_s=2)
server = ErnieServer(ErnieOptions(sys.argv[2], "ernie-stand-in", concurrency=4), ledger=keeper)
reader = StoredReader(ErnieReader(server, prompts()[0]), keeper, paid=True)
crops = [np.full((8, 40 + number, 3), number, np.uint8) for number in range(80)]
for future in reader.submit(crops):
    print(future.result().text, flush=True)
"""


def test_after_a_kill_only_what_was_in_flight_is_paid_for_again(
    sqlite_url: str, ernie_stand_in: StandIn
) -> None:
    ernie_stand_in.latency_s = 0.05
    ernie_stand_in.brain = lambda asked: Say(fingerprint(asked))
    command = [sys.executable, "-c", PAYING, sqlite_url, ernie_stand_in.base_url]

    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        seen = [process.stdout.readline().strip() for _ in range(20)]
        process.kill()
    while ernie_stand_in.in_flight:
        time.sleep(0.01)
    paid = ernie_stand_in.calls
    store = ReadingStore(sqlite_url)
    kept = store.count()
    store.close()
    assert 20 <= kept <= paid <= kept + 4 < 80

    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)

    texts = again.stdout.split()
    assert texts[:20] == seen
    assert len(set(texts)) == 80
    assert ernie_stand_in.calls - paid == 80 - kept


class SlowDisk(ReadingStore):
    """A store that takes longer to write than a server to answer."""

    def put(self, *rows: Any, **more: Any) -> None:
        time.sleep(0.05)
        super().put(*rows, **more)


def test_an_answer_takes_room_in_the_limit_of_calls_until_it_is_written(
    sqlite_url: str, ernie_stand_in: StandIn
) -> None:
    store = SlowDisk(sqlite_url)
    keeper = Keeper(store)
    server = ErnieServer(
        ErnieOptions(ernie_stand_in.base_url, "ernie-stand-in", concurrency=4), ledger=keeper
    )
    unwritten: list[int] = []

    def count(asked: Asked) -> Say:
        unwritten.append(asked.number - store.count())
        return Say(fingerprint(asked))

    ernie_stand_in.brain = count
    reader = StoredReader(ErnieReader(server, prompts()[0]), keeper, paid=True)
    texts = {future.result(30).text for future in reader.submit([crop(number) for number in range(40)])}
    server.close()
    keeper.close()
    store.close()

    assert len(texts) == len(unwritten) == 40
    # this is what a kill at any moment would lose
    assert max(unwritten) == 4

"""Several twinreads on one store: what is paid for is asked for once, whoever is killed."""

from __future__ import annotations

import base64
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from backend.page.lines import Reading
from backend.readers.stored import Keeper, ReadingStore, StoredReader
from tests.parts.backend_process import RunningBackend, backend_process
from tests.parts.drawn_pages import drawn_page, file_of
from tests.parts.ernie_stand_in import Say, StandIn, fingerprint
from tests.parts.postgres import postgres_url
from tests.parts.scripted import CONFIG
from tests.readers.test_stored import HandReader, crop, read_by, sqlite_url, until, url

__all__ = ["postgres_url", "sqlite_url", "url"]

ROOT = Path(__file__).resolve().parents[2]


def paid_twice(ernie: StandIn) -> int:
    """Calls beyond one for each crop and prompt."""
    asked = Counter((fingerprint(asked), asked.prompt) for asked in ernie.asked)
    return sum(asked.values()) - len(asked)


# Two replicas in one process, each with connections of its own


class Replica:
    """A reader, the store in front of it, and their keeper."""

    def __init__(
        self, url: str, *, paid: bool = True, claim_s: float = 20, urgent_wait_s: float = 20
    ) -> None:
        self.reader = HandReader()
        self.store = ReadingStore(url)
        self.keeper = Keeper(self.store, claim_s=claim_s, urgent_wait_s=urgent_wait_s)
        self.stored = StoredReader(self.reader, self.keeper, paid=paid)

    def answer(self, *texts: str) -> None:
        for text, (_, _, future) in zip(texts, self.reader.asked, strict=True):
            future.set_result(read_by("by-hand", text))

    def close(self) -> None:
        self.keeper.close()
        self.store.close()


@pytest.fixture
def replica(url: str) -> Iterator[Callable[..., Replica]]:
    made: list[Replica] = []

    def begin(**options: Any) -> Replica:
        made.append(Replica(url, **options))
        return made[-1]

    yield begin
    for one in made:
        one.close()


def test_what_one_replica_is_asked_for_the_other_waits_for(replica: Callable[..., Replica]) -> None:
    one, two = replica(), replica()
    first = one.stored.submit([crop(1), crop(2)])
    second = two.stored.submit([crop(2), crop(3)])
    assert [len(one.reader.asked), len(two.reader.asked)] == [2, 1]

    two.answer("3")
    one.answer("1", "2")

    assert [future.result(20).text for future in first] == ["1", "2"]
    assert [future.result(20).text for future in second] == ["2", "3"]


def test_a_reading_that_failed_is_asked_for_by_the_one_who_waited(replica: Callable[..., Replica]) -> None:
    one, two = replica(), replica()
    (first,) = one.stored.submit([crop(1)])
    (second,) = two.stored.submit([crop(1)])

    one.reader.asked[0][2].set_result(Reading("by-hand", error="no answer"))
    assert first.result(20).failed
    until(lambda: two.reader.asked)
    two.answer("12")

    assert second.result(20).text == "12"


def test_what_a_replica_had_to_leave_at_its_end_is_free_at_once(replica: Callable[..., Replica]) -> None:
    one, two = replica(claim_s=600), replica()
    one.stored.submit([crop(1)])
    two.stored.submit([crop(1)])
    one.keeper.close()

    until(lambda: two.reader.asked)
    two.answer("12")


def test_claims_are_held_for_as_long_as_a_call_takes(replica: Callable[..., Replica]) -> None:
    one, two = replica(claim_s=1), replica(claim_s=1)
    one.stored.submit([crop(1)])
    (second,) = two.stored.submit([crop(1)])
    # more than a claim lasts without being renewed
    with pytest.raises(TimeoutError):
        second.result(2.5)
    assert not two.reader.asked
    one.answer("12")
    assert second.result(20).text == "12"


def test_an_annotator_does_not_wait_for_ever_for_another_replica_s_call(
    replica: Callable[..., Replica],
) -> None:
    one, two = replica(), replica(urgent_wait_s=0.2)
    one.stored.submit([crop(1)])
    (box,) = two.stored.submit([crop(1)], urgent=True)

    until(lambda: two.reader.asked)
    assert [urgent for _, urgent, _ in two.reader.asked] == [True]
    two.answer("12")
    assert box.result(20).text == "12"
    one.answer("12")


def test_a_page_that_is_opened_while_it_waits_for_another_replica_is_an_annotator_s(
    replica: Callable[..., Replica],
) -> None:
    one, two = replica(), replica(urgent_wait_s=0.2)
    one.stored.submit([crop(1)])
    page = two.stored.submit([crop(1)])
    two.stored.hurry(page)

    until(lambda: two.reader.asked)
    assert [urgent for _, urgent, _ in two.reader.asked] == [True]
    two.answer("12")
    one.answer("12")


def test_what_this_machine_reads_itself_is_not_waited_for(replica: Callable[..., Replica]) -> None:
    one, two = replica(paid=False), replica(paid=False)
    one.stored.submit([crop(1)])
    two.stored.submit([crop(1)])
    assert [len(one.reader.asked), len(two.reader.asked)] == [1, 1]
    one.answer("12")
    two.answer("12")


def test_a_replica_that_waits_is_let_go_when_it_is_stopped(replica: Callable[..., Replica]) -> None:
    one, two = replica(), replica()
    one.stored.submit([crop(1)])
    (second,) = two.stored.submit([crop(1)])
    two.keeper.close()
    assert "stops" in (second.result(20).error or "")
    one.answer("12")


# Two processes


PAYING = """
import sys
import numpy as np
from backend.readers.ernie.reader import ErnieOptions, ErnieReader, ErnieServer
from backend.readers.ernie.prompts import prompts
from backend.readers.stored import Keeper, ReadingStore, StoredReader
keeper = Keeper(ReadingStore(sys.argv[1]), claim_s=2)
server = ErnieServer(ErnieOptions(sys.argv[2], "ernie-stand-in", concurrency=4), ledger=keeper)
readers = [StoredReader(ErnieReader(server, prompt), keeper, paid=True) for prompt in prompts()]
print("begun", flush=True)
for width in sys.stdin:
    futures = []
    for page in range(20):
        crops = [np.full((8, int(width) + line, 3), 10 * page, np.uint8) for line in range(2)]
        futures += [future for reader in readers for future in reader.submit(crops)]
    print(*(future.result().text for future in futures), flush=True)
keeper.close()
"""
"""Asks for 20 pages of two lines, with two prompts: 80 readings for each width of lines that it is given."""


def test_two_replicas_asked_for_the_same_pages_at_once_pay_once_and_one_goes_on_when_the_other_is_killed(
    url: str,
) -> None:
    with StandIn(lambda asked: Say(fingerprint(asked)), latency_s=0.05).running() as ernie:
        pair = [
            subprocess.Popen(
                [sys.executable, "-c", PAYING, url, ernie.base_url],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )
            for _ in range(2)
        ]  # fmt: skip
        assert [said_by(process) for process in pair] == [["begun"]] * 2
        for process in pair:
            ask(process, "40")
        texts = [said_by(process) for process in pair]
        assert texts[0] == texts[1]
        assert len(texts[0]) == ernie.calls == 80
        assert paid_twice(ernie) == 0

        for process in pair:
            ask(process, "60")
        until(lambda: ernie.calls > 100)
        pair[0].kill()
        pair[0].communicate()
        assert len(said_by(pair[1])) == 80
        # its four calls in flight
        assert paid_twice(ernie) <= 4
        pair[1].communicate()
        assert pair[1].returncode == 0


def ask(process: subprocess.Popen[str], width: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{width}\n")
    process.stdin.flush()


def said_by(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    return process.stdout.readline().split()


# Two real backends


def pages(first: int, number: int, *above: str) -> list[dict[str, Any]]:
    """Tasks with pages that nobody asked for before, each with its number on the last line."""
    files = [
        file_of(drawn_page([*above, f"Page {page}"], (480, 240))[0]) for page in range(first, first + number)
    ]
    return [
        {"id": at, "data": {"image": f"data:image/png;base64,{base64.b64encode(content).decode()}"}}
        for at, content in enumerate(files, first)
    ]


@pytest.fixture(scope="module")
def ernie() -> Iterator[StandIn]:
    with StandIn(lambda asked: Say("Invoice 12"), latency_s=0.1).running() as stand_in:
        yield stand_in


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, ernie: StandIn) -> Iterator[list[RunningBackend]]:
    """Two `twinread serve` on one SQLite file."""
    folder = tmp_path_factory.mktemp("replicas")
    settings = {
        "ernie_base_url": ernie.base_url,
        "witness": "off",
        "ernie_model": ernie.model,
        "ocr_language": "en",
        "store_url": f"sqlite:///{folder / 'store' / 'readings.sqlite3'}",
        "ernie_input_price": "2",
        "ernie_cached_input_price": "0.5",
        "ernie_output_price": "6",
        "currency": "EUR",
    }
    with (
        backend_process(folder / "one", **settings) as one,
        backend_process(folder / "two", **settings) as two,
    ):
        yield [one, two]


def store_of(two: Sequence[RunningBackend]) -> Path:
    return two[0].folder.parent / "store" / "readings.sqlite3"


def test_two_backends_asked_for_the_same_pages_at_once_pay_once(
    two: list[RunningBackend], ernie: StandIn
) -> None:
    tasks = pages(0, 20, "Invoice")
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda backend: backend.predict(tasks, CONFIG), two))
    assert [[bool(result["result"]) for result in answer] for answer in answers] == [[True] * 20] * 2
    assert ernie.calls > 0
    assert paid_twice(ernie) == 0


def test_what_two_backends_took_is_in_one_account_and_each_counts_its_own_calls(
    two: list[RunningBackend], ernie: StandIn
) -> None:
    before = Counter(ernie.bill)
    for project, backend in enumerate(two, 7):
        assert backend.predict(pages(10 * project, 2), CONFIG, project=project)[0]["result"]
    bill = ernie.bill - before
    assert bill["calls"] == 2 * 2 * 2, "two backends, two pages each, two prompts"

    entries = [one for one in two[0].status()["spending"] if one["project"] in ("7", "8")]
    assert [(one["project"], one["total"]["calls"]) for one in entries] == [("7", 2)] * 2 + [("8", 2)] * 2
    assert [one["today"] for one in entries] == [one["total"] for one in entries]
    for name, of in (
        ("input_tokens", "prompt_tokens"),
        ("cached_tokens",) * 2,
        ("output_tokens", "completion_tokens"),
    ):
        assert sum(one["total"][name] for one in entries) == bill[of]
    cost = sum(one["total"]["cost"] for one in entries)
    fresh, cached = bill["prompt_tokens"] - bill["cached_tokens"], bill["cached_tokens"]
    assert cost == pytest.approx((2 * fresh + 0.5 * cached + 6 * bill["completion_tokens"]) / 1e6)

    whole = sum(one["total"]["calls"] for one in two[0].status()["spending"])
    counted = sum(
        backend.metric(f'twinread_calls_total{{reader="{reader}"}}')
        for backend in two
        for reader in {one["reader"] for one in entries}
    )
    assert whole == counted == ernie.bill["calls"]
    for kind, number in (
        ("input", ernie.bill["prompt_tokens"] - ernie.bill["cached_tokens"]),
        ("cached", ernie.bill["cached_tokens"]),
        ("output", ernie.bill["completion_tokens"]),
    ):
        assert number == sum(
            backend.metric(f'twinread_tokens_total{{kind="{kind}",reader="{reader}"}}')
            for backend in two
            for reader in {one["reader"] for one in entries}
        )


def test_only_their_owner_may_read_store_and_cache(two: list[RunningBackend]) -> None:
    store = store_of(two)
    found = [store.parent, *sorted(store.parent.iterdir()), *(backend.folder / "cache" for backend in two)]
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in found}
    assert modes == {
        "store": "0o700",
        "readings.sqlite3": "0o600",
        "readings.sqlite3-shm": "0o600",
        "readings.sqlite3-wal": "0o600",
        "cache": "0o700",
    }


def test_a_locked_store_costs_a_backend_s_page_nothing_and_its_readings_are_kept_later(
    two: list[RunningBackend],
) -> None:
    backend, path = two[0], store_of(two)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        (before,) = other.execute("SELECT count(*) FROM readings").fetchone()
        other.execute("BEGIN IMMEDIATE")
        (result,) = backend.predict(pages(100, 1), CONFIG)
        assert result["result"]
        assert "locked" in backend.status()["store_problem"]
        other.rollback()
        backend.wait_until(lambda: backend.status()["store_problem"] is None, "it is mended")
        (after,) = other.execute("SELECT count(*) FROM readings").fetchone()
    assert after > before


def test_a_store_that_is_deleted_while_a_backend_runs_is_told_and_begun_anew(
    two: list[RunningBackend], ernie: StandIn
) -> None:
    path = store_of(two)
    for file in path.parent.iterdir():
        file.unlink()
    for backend in two:
        backend.wait_until(
            lambda backend=backend: "was deleted" in (backend.status()["store_problem"] or ""), "it is told"
        )
        assert backend.log.count("was deleted or replaced") == 1
    (result,) = two[0].predict(pages(200, 1), CONFIG)
    assert result["result"]
    calls = ernie.calls
    assert two[1].predict(pages(200, 1), CONFIG)[0]["result"] == result["result"]
    assert ernie.calls == calls
    assert oct(path.stat().st_mode & 0o777) == "0o600"

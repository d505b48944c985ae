"""Readers that share a store look into it together, for one page and for pages that come at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from backend.errors import StoreFailed
from backend.page.lines import Reading, picture_digest
from backend.readers.store.readings import Key
from backend.readers.stored import Keeper, ReadingStore, StoredReader, submit_together
from tests.parts.postgres import postgres_url
from tests.readers.test_stored import BrokenReader, HandReader, crop, read_by, sqlite_url, until, url

__all__ = ["postgres_url", "sqlite_url", "url"]


class WatchedStore(ReadingStore):
    """Counts how often it was looked into; the first look at claims can be held up, or fail."""

    def __init__(self, url: str, *, fails: bool = False) -> None:
        super().__init__(url)
        self.finds = 0
        self.claims: list[list[Key]] = []
        self.go_on = threading.Event()
        self.go_on.set()
        self.fails = fails

    def find(self, keys: Iterable[Key]) -> dict[Key, Reading]:
        self.finds += 1
        return super().find(keys)

    def claim_all(self, keys: Iterable[Key], for_s: float) -> tuple[dict[Key, Reading], frozenset[Key]]:
        self.claims.append(list(keys))
        self.go_on.wait(30)
        if self.fails:
            raise StoreFailed("The store cannot be written.")
        return super().claim_all(self.claims[-1], for_s)


class Shared:
    """A store, its keeper, and paid readers in front of it."""

    def __init__(self, url: str, **how: Any) -> None:
        self.store = WatchedStore(url, **how)
        self.keeper = Keeper(self.store)

    def reader(self, identity: str) -> tuple[HandReader, StoredReader]:
        behind = HandReader(identity)
        return behind, StoredReader(behind, self.keeper, paid=True)

    def close(self) -> None:
        self.keeper.close()
        self.store.close()


@pytest.fixture
def shared(url: str) -> Iterator[Callable[..., Shared]]:
    made: list[Shared] = []

    def begin(**how: Any) -> Shared:
        made.append(Shared(url, **how))
        return made[-1]

    yield begin
    for one in made:
        one.close()


def test_all_readers_of_a_page_cost_one_look(shared: Callable[..., Shared]) -> None:
    one = shared()
    one.store.put((picture_digest(crop(1)), read_by("plain", "12")))
    (plain, first), (characters, second) = one.reader("plain"), one.reader("characters")

    said_first, said_second = submit_together(
        [(first, [crop(1), crop(2)]), (second, [crop(1), crop(2)])], urgent=True
    )

    assert (one.store.finds, len(one.store.claims)) == (1, 1)
    assert [(len(plain.asked), len(characters.asked))] == [(1, 2)], "what is kept is not asked again"
    assert {urgent for _, urgent, _ in characters.asked} == {True}
    plain.asked[0][2].set_result(read_by("plain", "13"))
    for number, (_, _, future) in enumerate(characters.asked):
        future.set_result(read_by("characters", f"c{number}"))
    assert [future.result(10).text for future in said_first] == ["12", "13"]
    assert [future.result(10).text for future in said_second] == ["c0", "c1"]


def test_pages_that_come_while_one_is_looked_up_are_looked_up_together(
    shared: Callable[..., Shared],
) -> None:
    one = shared()
    behind, stored = one.reader("plain")
    one.store.go_on.clear()
    with ThreadPoolExecutor(5) as pool:
        first = pool.submit(stored.submit, [crop(0)])
        until(lambda: one.store.claims)
        others = [pool.submit(stored.submit, [crop(number)]) for number in range(1, 5)]
        until(lambda: len(one.keeper._lookups._waiting) == 4)
        one.store.go_on.set()
        pages = [future.result(30) for future in (first, *others)]

    assert [len(keys) for keys in one.store.claims] == [1, 4]
    assert len(behind.asked) == 5
    for pixels, _, future in behind.asked:
        future.set_result(read_by("plain", picture_digest(pixels)))
    assert [said.result(10).text for (said,) in pages] == [picture_digest(crop(n)) for n in range(5)]


def test_two_who_want_the_same_crop_in_one_look_pay_for_it_once(shared: Callable[..., Shared]) -> None:
    one = shared()
    # of one reader before and after its engines were loaded anew
    (old, before), (new, after), (_, busy) = (one.reader(name) for name in ("plain", "plain", "busy"))
    one.store.go_on.clear()
    with ThreadPoolExecutor(3) as pool:
        pool.submit(busy.submit, [crop(0)])
        until(lambda: one.store.claims)
        both = [pool.submit(reader.submit, [crop(1)]) for reader in (before, after)]
        until(lambda: len(one.keeper._lookups._waiting) == 2)
        one.store.go_on.set()
        said = [future.result(30)[0] for future in both]

    assert len(old.asked) + len(new.asked) == 1
    ((_, _, asked),) = old.asked + new.asked
    asked.set_result(read_by("plain", "12"))
    assert [future.result(30).text for future in said] == ["12", "12"]


def test_while_the_store_fails_every_reader_reads_and_the_store_is_tried_once(
    shared: Callable[..., Shared],
) -> None:
    one = shared(fails=True)
    (plain, first), (characters, second) = one.reader("plain"), one.reader("characters")

    submit_together([(first, [crop(1)]), (second, [crop(1)])])
    submit_together([(first, [crop(2)]), (second, [crop(2)])])

    assert (len(plain.asked), len(characters.asked), len(one.store.claims)) == (2, 2, 1)


def test_a_reader_that_breaks_leaves_nobody_waiting_and_the_one_before_it_alone(
    shared: Callable[..., Shared],
) -> None:
    one = shared()
    well, first = one.reader("plain")
    broken = StoredReader(BrokenReader(at_once=True), one.keeper, paid=True)
    _, last = one.reader("last")

    with pytest.raises(OSError, match="no more threads"):
        submit_together([(first, [crop(1)]), (broken, [crop(1)]), (last, [crop(1)])])

    (joined,) = first.submit([crop(1)])
    well.asked[0][2].set_result(read_by("plain", "12"))
    assert joined.result(10).text == "12"
    assert len(well.asked) == 1, "what it was asked for goes on"

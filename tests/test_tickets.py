"""Who goes first, and that no ticket is lost or served twice, whatever happens to it meanwhile."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import Stopping
from backend.tickets import Asker, TicketQueue, Urgency, asking_for

Queue = TicketQueue[str, str]
CLOSED = Stopping("closed")


def bulk(queue: Queue, *words: str) -> list[Future[str]]:
    return [queue.submit(word) for word in words]


def opened(queue: Queue, *words: str) -> list[Future[str]]:
    """As many lines as one person asks for together."""
    return [queue.submit(word, urgent=True, among=len(words)) for word in words]


def served(queue: Queue, most: int = 1) -> list[list[str]]:
    """What is taken, call by call, until nothing waits."""
    calls = []
    while taken := queue.take(most, wait=False):
        calls.append([ticket.item for ticket in taken])
    return calls


def hurried_bulk(queue: Queue) -> None:
    futures = bulk(queue, "a", "b", "c", "d")
    queue.hurry([futures[2], futures[1]])


def hurried_behind_fewer(queue: Queue) -> None:
    page = bulk(queue, "a", "b")
    opened(queue, "box")
    queue.hurry(page)


def hurried_of_an_opened_page(queue: Queue) -> None:
    page = opened(queue, "a", "b", "c")
    queue.hurry(page[1:2])


def hurried_again_with_more(queue: Queue) -> None:
    box = opened(queue, "box")
    page = bulk(queue, "a", "b")
    queue.hurry([*page, *box])


def hurried_from_two_ranks(queue: Queue) -> None:
    page = opened(queue, "a", "b", "more", "more")
    others = bulk(queue, "c", "d")
    for future in page[2:]:
        future.cancel()
    queue.hurry([others[0], page[0]])


def hurried_when_taken(queue: Queue) -> None:
    futures = bulk(queue, "a", "b", "c")
    queue.take()
    queue.hurry([*futures[:1], *futures[2:]])


def cancelled(queue: Queue) -> None:
    futures = bulk(queue, "a", "b", "c", "d")
    assert futures[0].cancel()
    assert futures[2].cancel()


def ended(queue: Queue) -> None:
    futures = bulk(queue, "a", "b", "c")
    queue.end(futures[:2], CLOSED)
    assert [future.done() for future in futures] == [True, True, False]


@pytest.mark.parametrize(
    ("prepare", "calls"),
    [
        pytest.param(lambda q: bulk(q, "a", "b", "c"), [["a", "b"], ["c"]], id="bulk work as it came"),
        pytest.param(
            lambda q: (bulk(q, "a"), opened(q, "u")), [["u"], ["a"]], id="urgent first, and never with bulk"
        ),
        pytest.param(
            lambda q: (opened(q, "a", "b", "c"), opened(q, "box")),
            [["box"], ["a", "b"], ["c"]],
            id="of urgent ones a few before many",
        ),
        pytest.param(
            lambda q: (opened(q, "a1", "a2"), opened(q, "b1", "b2")),
            [["a1", "a2"], ["b1", "b2"]],
            id="of equals the first come",
        ),
        pytest.param(hurried_bulk, [["c", "b"], ["a", "d"]], id="hurried ones before other bulk work"),
        pytest.param(hurried_behind_fewer, [["box"], ["a", "b"]], id="hurried ones are as many as they are"),
        pytest.param(hurried_of_an_opened_page, [["b"], ["a", "c"]], id="one of an opened page is hurried"),
        pytest.param(hurried_from_two_ranks, [["c", "a"], ["b"], ["d"]], id="hurried ones as they are named"),
        pytest.param(hurried_again_with_more, [["box"], ["a", "b"]], id="nobody is put back by a hurry"),
        pytest.param(hurried_when_taken, [["c"], ["b"]], id="what was taken does not come again"),
        pytest.param(cancelled, [["b", "d"]], id="cancelled ones are passed over and keep no place"),
        pytest.param(ended, [["c"]], id="ended ones are gone"),
    ],
)
def test_who_is_taken_together_and_in_which_order(
    prepare: Callable[[Queue], object], calls: list[list[str]]
) -> None:
    queue = Queue()
    prepare(queue)
    waiting = sum(map(len, calls))
    assert queue.waiting == waiting
    assert served(queue, most=2) == calls
    assert queue.waiting == 0


def asked_by(queue: Queue, project: str, request: str, *words: str, **more: Any) -> list[Future[str]]:
    with asking_for(Asker(project, request)):
        return [queue.submit(word, **more) for word in words]


def two_projects(queue: Queue) -> None:
    asked_by(queue, "A", "1", "a1", "a2", "a3", "a4")
    asked_by(queue, "B", "2", "b1", "b2")


def two_requests_of_a_project(queue: Queue) -> None:
    asked_by(queue, "A", "1", "a1", "a2", "a3")
    asked_by(queue, "A", "2", "short1", "short2")
    asked_by(queue, "B", "3", "b1", "b2", "b3")


def projects_that_open_pages(queue: Queue) -> None:
    asked_by(queue, "A", "1", "a1", "a2", "a3", urgent=True)
    asked_by(queue, "B", "2", "b1", urgent=True)
    asked_by(queue, "B", "3", "bulk")


def one_comes_later(queue: Queue) -> None:
    asked_by(queue, "A", "1", "a1", "a2", "a3")
    assert [ticket.item for ticket in queue.take()] == ["a1"]
    asked_by(queue, "B", "2", "b1")


def handed_over(queue: Queue) -> None:
    *_, last = asked_by(queue, "A", "1", "a1", "a2", "a3", "a4")
    with asking_for(Asker("A", "2")):
        queue.hand_over(last)


@pytest.mark.parametrize(
    ("prepare", "order"),
    [
        pytest.param(two_projects, "a1 b1 a2 b2 a3 a4", id="projects take turns"),
        pytest.param(
            two_requests_of_a_project,
            "a1 b1 short1 b2 a2 b3 short2 a3",
            id="and so do the requests of one, which has no more turns for that",
        ),
        pytest.param(projects_that_open_pages, "a1 b1 a2 a3 bulk", id="urgent ones among themselves"),
        pytest.param(one_comes_later, "a2 b1 a3", id="who comes later is next but one"),
        pytest.param(handed_over, "a1 a4 a2 a3", id="one that a short request wants takes its turn"),
    ],
)
def test_whose_turn_it_is(prepare: Callable[[Queue], object], order: str) -> None:
    queue = Queue()
    prepare(queue)
    assert " ".join(item for taken in served(queue) for item in taken) == order


def test_a_lane_that_must_wait_keeps_no_other_lane_of_the_same_request() -> None:
    queue = Queue()
    asked_by(queue, "A", "1", "slow 1", "slow 2", lane="slow")
    asked_by(queue, "A", "1", "quick 1", "quick 2", lane="quick")
    quick = [queue.take(wait=False, may=lambda word: "slow" not in word) for _ in range(3)]
    assert [[ticket.item for ticket in taken] for taken in quick] == [["quick 1"], ["quick 2"], []]
    assert served(queue) == [["slow 1"], ["slow 2"]]


def test_who_leaves_bulk_work_to_others_takes_it_once_it_is_hurried() -> None:
    queue = Queue()
    futures = bulk(queue, "a", "b")
    assert queue.take(urgent=True, wait=False) == []
    queue.hurry(futures[1:])
    assert [ticket.item for ticket in queue.take(urgent=True, wait=False)] == ["b"]
    assert [ticket.item for ticket in queue.take(wait=False)] == ["a"]


@pytest.mark.parametrize(
    "on_error",
    [pytest.param(None, id="as an exception"), pytest.param(str, id="as a result that stands for it")],
)
def test_close_ends_what_waits_and_what_comes_later_but_not_what_was_taken(
    on_error: Callable[[Exception], str] | None,
) -> None:
    queue = Queue()
    taken, waits, cancelled = (queue.submit(word, on_error=on_error) for word in ("taken", "waits", "no"))
    (ticket,) = queue.take()
    assert cancelled.cancel()

    queue.close(CLOSED)
    queue.close(Stopping("closed again"))

    assert queue.take() == []
    for future in (waits, queue.submit("late", on_error=on_error)):
        if on_error is None:
            assert future.exception(0) is CLOSED
        else:
            assert future.result(0) == "closed"
    assert not taken.done()
    ticket.future.set_result("done")
    assert taken.result(0) == "done"


@pytest.mark.parametrize(
    "wake",
    [
        pytest.param(lambda queue, _: opened(queue, "u"), id="by an urgent ticket"),
        pytest.param(lambda queue, future: queue.hurry([future]), id="by a ticket that is hurried"),
        pytest.param(lambda queue, _: queue.close(CLOSED), id="by the end"),
    ],
)
def test_who_waits_to_take_is_woken(wake: Callable[[Queue, Future[str]], object]) -> None:
    queue = Queue()
    (future,) = bulk(queue, "a")
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(queue.take, urgent=True)
        # so that it most likely waits by then; what is asserted holds in either case
        time.sleep(0.05)
        wake(queue, future)
        assert len(waits.result(20)) <= 1


def test_a_helper_is_sent_for_each_ticket_and_for_none_that_is_refused() -> None:
    sent: list[None] = []
    queue = Queue(lambda: sent.append(None))
    bulk(queue, "a", "b")
    queue.close(CLOSED)
    bulk(queue, "c")
    assert len(sent) == 2


@dataclass
class Expected:
    """A ticket as a reader of the docstrings would keep it."""

    future: Future[str]
    rank: float
    came: int
    state: str = "waits"


class Model:
    """A queue beside a list in which everything is looked for by hand."""

    def __init__(self) -> None:
        self.queue = Queue()
        self.tickets: list[Expected] = []
        self.came = 0
        self.closed = False

    def waiting(self) -> list[Expected]:
        found = [ticket for ticket in self.tickets if ticket.state == "waits"]
        return sorted(found, key=lambda ticket: (ticket.rank, ticket.came))

    def submit(self, urgent: bool, among: int) -> None:
        future = self.queue.submit(str(len(self.tickets)), urgent=urgent, among=among)
        self.came += 1
        state = "ended" if self.closed else "waits"
        self.tickets.append(Expected(future, among if urgent else math.inf, self.came, state))

    def take(self, most: int, urgent: bool) -> None:
        taken = self.queue.take(most, urgent=urgent, wait=False)
        first = [ticket for ticket in self.waiting() if ticket.rank < math.inf or not urgent]
        expected = [ticket for ticket in first if ticket.rank == first[0].rank][:most]
        assert [ticket.future for ticket in taken] == [ticket.future for ticket in expected]
        for ticket in expected:
            ticket.state = "taken"

    def hurry(self, numbers: Sequence[int]) -> None:
        chosen = [self.tickets[number] for number in numbers if number < len(self.tickets)]
        self.queue.hurry([ticket.future for ticket in chosen])
        for ticket in chosen:
            if ticket.state == "waits" and ticket.rank > len(chosen):
                self.came += 1
                ticket.rank, ticket.came = len(chosen), self.came

    def cancel(self, number: int) -> None:
        if number < len(self.tickets):
            ticket = self.tickets[number]
            assert ticket.future.cancel() is (ticket.state in ("waits", "cancelled"))
            if ticket.state == "waits":
                ticket.state = "cancelled"

    def close(self) -> None:
        self.queue.close(CLOSED)
        self.closed = True
        for ticket in self.waiting():
            ticket.state = "ended"

    def check(self) -> None:
        assert self.queue.waiting == len(self.waiting())
        for ticket in self.tickets:
            assert ticket.future.running() is (ticket.state == "taken")
            assert ticket.future.cancelled() is (ticket.state == "cancelled")
            assert ticket.future.done() is (ticket.state in ("cancelled", "ended"))


NUMBERS = st.integers(0, 11)
STEPS = st.one_of(
    st.tuples(st.just("submit"), st.booleans(), st.integers(1, 4)),
    st.tuples(st.just("submit"), st.booleans(), st.integers(1, 4)),
    st.tuples(st.just("take"), st.integers(0, 3), st.booleans()),
    st.tuples(st.just("hurry"), st.lists(NUMBERS, unique=True, max_size=4)),
    st.tuples(st.just("cancel"), NUMBERS),
    st.just(("close",)),
)


@given(st.lists(STEPS, max_size=40))
def test_in_whatever_order_things_happen_no_ticket_is_lost_taken_twice_or_out_of_turn(
    steps: list[tuple[object, ...]],
) -> None:
    model = Model()
    for name, *arguments in steps:
        getattr(model, str(name))(*arguments)
        model.check()
    while model.waiting():
        model.take(3, False)
    model.close()
    model.check()


def test_threads_that_all_use_it_at_once_serve_every_ticket_once() -> None:
    queue = TicketQueue[int, int]()
    done: list[list[int]] = [[] for _ in range(6)]

    def serve(worker: int) -> None:
        while tickets := queue.take(3, urgent=worker == 0):
            for ticket in tickets:
                done[worker].append(ticket.item)
                ticket.future.set_result(ticket.item)

    def ask(asker: int) -> list[Future[int]]:
        futures = [
            queue.submit(asker * 1000 + number, urgent=number % 3 == 0, among=asker + 1)
            for number in range(300)
        ]
        queue.hurry(futures[asker::2])
        for future in futures[::7]:
            future.cancel()
        return futures

    threads = [threading.Thread(target=serve, args=(worker,)) for worker in range(len(done))]
    for thread in threads:
        thread.start()
    with ThreadPoolExecutor(8) as askers:
        futures = [future for asked in askers.map(ask, range(8)) for future in asked]
    results = [future.result(60) for future in futures if not future.cancelled()]
    queue.close(CLOSED)
    for thread in threads:
        thread.join(60)

    assert sorted(item for items in done for item in items) == sorted(results)
    assert len(results) >= 8 * 257


def test_urgency_that_comes_later_reaches_what_began_before_and_after_it() -> None:
    urgency = Urgency()
    acted: list[str] = []
    urgency.when_hurried(lambda: acted.append("before"))
    assert (urgency.urgent, acted) == (False, [])

    urgency.hurry()
    urgency.hurry()
    urgency.when_hurried(lambda: acted.append("after"))

    assert (urgency.urgent, acted) == (True, ["before", "after"])


def test_what_is_urgent_from_the_start_says_so_at_once() -> None:
    acted: list[str] = []
    urgency = Urgency(urgent=True)
    urgency.when_hurried(lambda: acted.append("at once"))
    assert (urgency.urgent, acted) == (True, ["at once"])

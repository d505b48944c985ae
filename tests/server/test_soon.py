"""What webhooks name is worked on once, soon, and whatever comes of it the next is, too."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from backend.server.soon import MOST_NOTED, Soon

LIMIT_S = 30


def soon(
    work: Callable[[int], bool], wait_s: float = 0.0, rest_s: Callable[[float], float] = lambda taken: 0.0
) -> Soon[int]:
    return Soon("test", work, wait_s, rest_s)


def test_what_is_noted_several_times_before_it_is_due_is_done_once() -> None:
    done: queue.Queue[int] = queue.Queue()
    works = soon(lambda key: bool(done.put(key)), wait_s=0.2)
    for key in (1, 1, 2, 1):
        works.note(key)
    assert sorted(done.get(timeout=LIMIT_S) for _ in range(2)) == [1, 2]
    works.note(3)
    assert done.get(timeout=LIMIT_S) == 3


def test_what_is_noted_during_the_work_is_done_once_more() -> None:
    begun, go_on = queue.Queue[int](), threading.Event()

    def work(key: int) -> bool:
        begun.put(key)
        return not go_on.wait(LIMIT_S)

    works = soon(work)
    works.note(1)
    assert begun.get(timeout=LIMIT_S) == 1
    works.note(1)
    works.note(1)
    go_on.set()
    assert begun.get(timeout=LIMIT_S) == 1
    works.note(2)
    assert begun.get(timeout=LIMIT_S) == 2


def test_a_thing_rests_after_its_work_and_others_do_not() -> None:
    done: queue.Queue[int] = queue.Queue()
    works = soon(lambda key: bool(done.put(key)), rest_s=lambda taken: LIMIT_S * 10)
    works.note(1)
    assert done.get(timeout=LIMIT_S) == 1
    works.note(1)
    works.note(2)
    assert done.get(timeout=LIMIT_S) == 2
    assert done.empty()


def test_work_that_could_not_be_done_is_done_again_and_one_that_fails_ends_nothing() -> None:
    done: queue.Queue[int] = queue.Queue()
    tries = iter([True, False])

    def work(key: int) -> bool:
        done.put(key)
        if key == 2:
            raise ValueError(key)
        return next(tries)

    works = soon(work)
    works.note(2)
    works.note(1)
    assert [done.get(timeout=LIMIT_S) for _ in range(3)] == [2, 1, 1]


def test_no_more_things_wait_than_memory_is_meant_for() -> None:
    done: queue.Queue[int] = queue.Queue()
    works = soon(lambda key: bool(done.put(key)), wait_s=2.0)
    for key in range(MOST_NOTED + 10):
        works.note(key)
    seen = {done.get(timeout=LIMIT_S) for _ in range(MOST_NOTED)}
    works.note(-1)
    assert done.get(timeout=LIMIT_S) == -1
    assert seen == set(range(MOST_NOTED))

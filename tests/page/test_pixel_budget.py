"""Who may decode when: pixels are held in turn, annotators first, and a page larger than the budget alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from backend.page.pixel_budget import PageMemory, PixelBudget
from backend.tickets import Urgency


def wait_until(so: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not so():
        assert time.monotonic() < end, "not so after 60 s"
        time.sleep(0.005)


class Turns:
    """Threads that ask a budget, each until it is let go, and the order in which they had their turn."""

    def __init__(self, budget: PixelBudget) -> None:
        self.budget = budget
        self.began: list[str] = []
        self._leave: dict[str, threading.Event] = {}

    def ask(self, name: str, pixels: int, urgency: Urgency | None = None) -> None:
        """Ask in a thread; comes back when it has its turn or waits."""
        self._leave[name] = threading.Event()
        before = self.budget.waiting

        def work() -> None:
            with self.budget.hold(pixels, urgency):
                self.began.append(name)
                self._leave[name].wait()

        threading.Thread(target=work, daemon=True).start()
        wait_until(lambda: name in self.began or self.budget.waiting > before)

    def leave(self, name: str) -> None:
        self._leave[name].set()

    def end(self) -> None:
        for event in self._leave.values():
            event.set()


@contextmanager
def turns(budget: PixelBudget) -> Iterator[Turns]:
    made = Turns(budget)
    try:
        yield made
    finally:
        made.end()


def test_no_more_pixels_are_held_than_the_budget_has() -> None:
    with turns(PixelBudget(100)) as asked:
        asked.ask("a", 60)
        asked.ask("b", 40)
        asked.ask("c", 1)
        assert (asked.began, asked.budget.held, asked.budget.waiting) == (["a", "b"], 100, 1)
        asked.leave("b")
        wait_until(lambda: asked.began == ["a", "b", "c"])


def test_a_page_larger_than_the_budget_goes_alone() -> None:
    with turns(PixelBudget(100)) as asked:
        asked.ask("small", 10)
        asked.ask("huge", 250)
        assert asked.began == ["small"]
        asked.leave("small")
        wait_until(lambda: asked.began == ["small", "huge"])
        asked.ask("next", 1)
        assert asked.budget.waiting == 1


def test_small_pages_do_not_overtake_a_large_one_that_waits() -> None:
    with turns(PixelBudget(100)) as asked:
        asked.ask("first", 60)
        asked.ask("large", 90)
        asked.ask("small", 10)
        assert asked.began == ["first"]


def _hurried_from_the_start() -> tuple[Urgency, Callable[[], None]]:
    return Urgency(urgent=True), lambda: None


def _hurried_while_it_waits() -> tuple[Urgency, Callable[[], None]]:
    urgency = Urgency()
    return urgency, urgency.hurry


@pytest.mark.parametrize("way", [_hurried_from_the_start, _hurried_while_it_waits])
def test_a_page_that_an_annotator_waits_for_goes_before_bulk_work(way) -> None:
    urgency, hurry = way()
    with turns(PixelBudget(100)) as asked:
        asked.ask("first", 100)
        asked.ask("bulk", 100)
        asked.ask("opened", 100, urgency)
        hurry()
        asked.leave("first")
        wait_until(lambda: len(asked.began) == 2)
        assert asked.began == ["first", "opened"]


def test_what_fails_gives_its_pixels_back() -> None:
    budget = PixelBudget(100)
    with pytest.raises(ValueError, match="broken"), budget.hold(100):
        raise ValueError("broken")
    assert budget.held == 0


def test_bulk_pages_that_wait_for_their_readers_leave_room_for_an_annotator() -> None:
    memory = PageMemory.of(100)
    with turns(memory.open) as asked:
        asked.ask("bulk", 200)
        asked.ask("more bulk", 10)
        asked.ask("opened", 90, Urgency(urgent=True))
        assert asked.began == ["bulk", "opened"]
        # neither keeps another page from being decoded
        assert memory.decoding.held == 0

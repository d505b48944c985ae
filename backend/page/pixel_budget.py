"""How many pixels of images may be in memory at once, in the whole process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from backend.tickets import Urgency

OPEN_PAGES = 3
"""Times as many pixels are open as in decode: they hold three bytes each, while readers answer; those in
decode hold seven or eight."""


class PixelBudget:
    """Pixels that are held at once; who asks for more waits for its turn; thread-safe.

    Those for whom an annotator waits go before bulk work, and else as they came: a large page is not
    overtaken by small ones for ever. One that is larger than the budget goes alone.

    Args:
        most: pixels at once.
        for_urgent: of these, pixels that bulk work leaves free.
    """

    def __init__(self, most: int, for_urgent: int = 0) -> None:
        self.most = most
        self._for_urgent = for_urgent
        self._changed = threading.Condition()
        self._waiting: list[Urgency] = []
        self._held: list[int] = []

    @property
    def held(self) -> int:
        """Pixels held now."""
        with self._changed:
            return sum(self._held)

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        with self._changed:
            return len(self._waiting)

    @contextmanager
    def hold(self, pixels: int, urgency: Urgency | None = None) -> Iterator[None]:
        """Wait until so many pixels are free, and hold them until the block ends.

        Args:
            pixels: of the image, by its header.
            urgency: whether an annotator waits, now or later; None for bulk work.
        """
        self._take(pixels, urgency or Urgency())
        try:
            yield
        finally:
            with self._changed:
                self._held.remove(pixels)
                self._changed.notify_all()

    def _take(self, pixels: int, urgency: Urgency) -> None:
        # one object for each turn, though two turns may share one urgency
        turn = Urgency()
        urgency.when_hurried(turn.hurry)
        turn.when_hurried(self._look_again)
        with self._changed:
            self._waiting.append(turn)
            try:
                self._changed.wait_for(lambda: self._next() is turn and self._fits(pixels, turn))
                self._held.append(pixels)
            finally:
                self._waiting.remove(turn)
                self._changed.notify_all()

    def _look_again(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _next(self) -> Urgency:
        return next((turn for turn in self._waiting if turn.urgent), self._waiting[0])

    def _fits(self, pixels: int, turn: Urgency) -> bool:
        most = self.most if turn.urgent else self.most - self._for_urgent
        return not self._held or sum(self._held) + pixels <= most


@dataclass(frozen=True, slots=True)
class PageMemory:
    """The two budgets of a process: a page that waits for its readers keeps no other one from being decoded.

    decoding: pages that are being decoded, each for a second or two.
    open: decoded pages, for as long as they are searched and read.
    """

    decoding: PixelBudget
    open: PixelBudget

    @classmethod
    def of(cls, pixels: int) -> PageMemory:
        """For so many pixels in decode; three times as many are open, a third of them for annotators only."""
        return cls(PixelBudget(pixels), PixelBudget(OPEN_PAGES * pixels, pixels))

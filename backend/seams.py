"""What can be swapped: who finds lines, who reads them, who gives the bytes of a page.

Everything that drives the pipeline is written against these three protocols; a new detector, reader or
source of images implements one of them, and no caller changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Protocol

from backend.page.lines import Detected, Page, Pixels, Reading
from backend.tickets import Urgency


class LineDetector(Protocol):
    """Finds the text lines of a page."""

    @property
    def identity(self) -> str:
        """Names model, engine and every parameter that can change the lines."""
        ...

    def detect(self, page: Page, *, urgency: Urgency | None = None) -> Detected:
        """Find lines, in no promised order, in page pixels.

        Args:
            page: an upright page.
            urgency: whether an annotator waits, now or later; None for bulk work.

        Raises:
            DetectorFailed: the page could not be searched.
        """
        ...


class LineReader(Protocol):
    """Reads line crops, in batches and in its own threads."""

    @property
    def identity(self) -> str:
        """Names engine, model, prompt or rendering, and parameters: all that can change a reading."""
        ...

    def submit(self, crops: Sequence[Pixels], *, urgent: bool = False) -> list[Future[Reading]]:
        """Ask for a reading of each crop, in order; urgent ones first, and of those a few before many.

        Returns at once. Each future ends with a `Reading` (a text, "no text", or an error), never
        with an exception, whatever happens to its neighbours.

        Args:
            crops: RGB, uint8, shape (height, width, 3) each.
            urgent: an annotator waits; go ahead of bulk work.
        """
        ...

    def hurry(self, futures: Sequence[Future[Reading]]) -> None:
        """Let readings that wait as bulk work go ahead: an annotator has come to need them.

        Args:
            futures: of this reader's `submit`; those that do not wait any longer are passed over.
        """
        ...


class PageSource(Protocol):
    """Gives the bytes behind a task's image reference."""

    def fetch(self, reference: str, *, task_id: int | None) -> bytes:
        """Fetch an image file.

        Args:
            reference: as the task's data has it.
            task_id: the task, by which Label Studio resolves cloud storage.

        Raises:
            ImageRefused: the reference may not be followed.
            BadImage: the file breaks a limit.
            ImageUnreachable: nobody gave it.
        """
        ...


class ServedSource(PageSource, Protocol):
    """A source with servers behind it, which may be slow: who downloads for many must know which one."""

    def at_hand(self, reference: str, *, task_id: int | None) -> bool:
        """Whether `fetch` needs no server for an image; arguments as there."""
        ...

    def host(self, reference: str) -> str:
        """Whom `fetch` asks for an image; empty for Label Studio.

        Args:
            reference: as the task's data has it.
        """
        ...

"""One page in, its lines with two readings each out: the whole idea, on two small seams.

`LineDetector` finds lines, `LineReader` reads crops; the functions here compose them with the pure
rooms `geometry` and `verdicts` and know nothing of Label Studio, HTTP or model files.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Protocol

from backend import geometry, verdicts
from backend.lines import Line, Page, Pixels, Quad, Reading, ReadLine, ReadPage


class LineDetector(Protocol):
    """Finds the text lines of a page."""

    @property
    def identity(self) -> str:
        """Names model, engine and every parameter that can change the lines."""
        ...

    def detect(self, page: Page, *, urgent: bool = False) -> list[Line]:
        """Find lines, in no promised order, in page pixels.

        Args:
            page: an upright page.
            urgent: an annotator waits; go ahead of bulk work.

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
        """Ask for a reading of each crop, in order.

        Returns at once. Each future ends with a `Reading` (a text, "no text", or an error), never
        with an exception, whatever happens to its neighbours.
        """
        ...

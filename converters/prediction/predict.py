"""Reads pages and line crops with one model; one reading a line, so nothing is agreed or disputed.

A page goes the way it goes in the backend: the same detector, the same pieces of lines put together, the same
reading order, the same crops.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backend.label_studio.explanations import page_notes
from backend.page.crops import TallLines
from backend.page.lines import Page, Pixels, Quad, Reading
from backend.pipeline.annotate import Panel, Policy, annotate_page
from backend.seams import LineDetector, LineReader


@dataclass(frozen=True, slots=True, eq=False)
class PredictedLine:
    """One line, as the model read it.

    quad: (4, 2) float32, page pixels, clockwise from the text's own top-left corner; None for a line crop,
        which is a line from edge to edge.
    text: empty where the model saw none.
    score: the model's confidence, 0 to 1; 0 where there is no text.
    error: one sentence that says why the line was not read; None where it was.
    """

    quad: Quad | None
    text: str
    score: float
    error: str | None = None

    @classmethod
    def of(cls, reading: Reading, quad: Quad | None = None) -> PredictedLine:
        """What a reader said of a crop."""
        return cls(quad, reading.text, reading.score or 0.0, reading.error)


@dataclass(frozen=True, slots=True, eq=False)
class PredictedPage:
    """The lines of a page, in reading order, and what is to be known of the page, as sentences."""

    lines: tuple[PredictedLine, ...]
    notes: tuple[str, ...] = ()


def predict_page(
    page: Page, detector: LineDetector, reader: LineReader, language: str, tall_lines: TallLines = "auto"
) -> PredictedPage:
    """Find the lines of a page and read them.

    Args:
        page: an upright page.
        detector: finds lines.
        reader: reads them.
        language: of the page; decides whether it is read from the right.
        tall_lines: the crop policy for lines that are taller than wide.

    Raises:
        DetectorFailed: the page could not be searched.
    """
    panel = Panel((reader,), language, Policy((reader.identity,), 1), tall_lines)
    read = annotate_page(page, detector, panel)
    lines = [PredictedLine.of(line.readings[0], line.line.quad) for line in read.lines]
    return PredictedPage(tuple(lines), tuple(page_notes(read.notes, "en")))


def predict_crops(crops: Sequence[Pixels], reader: LineReader) -> list[PredictedLine]:
    """Read line crops, as they are.

    Args:
        crops: RGB, uint8, shape (height, width, 3) each.
        reader: reads them.

    Returns:
        One line per crop, in the same order.
    """
    return [PredictedLine.of(future.result()) for future in reader.submit(crops)]

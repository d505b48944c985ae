"""Notices a page that lies on its head by its readings, where no classifier could say.

A reader that tells how sure it is (Tesseract, PaddleOCR) is unsure on nearly every line of such a page. Few
upright pages are like that, so a handful of lines is read again the other way round, and that decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import wait
from functools import partial
from typing import Final

from backend.page import crops
from backend.page.crops import TallLines
from backend.page.lines import Line, Page, ReadLine
from backend.page.turned_pages import LEAST_VOTERS, Direction, the_other_way_round
from backend.pipeline.asking import NO_LIMIT, TimeLimit
from backend.seams import LineReader
from backend.tickets import Urgency

UNSURE: Final = 0.5
"""Mean confidence below which a page is doubted. Tesseract, whose confidence is that of its lowest word,
gave 15 upside-down pages 0 to 0.33, and three of four pages that were drawn and spoiled 0.5 and more."""
SURE: Final = 0.5
"""Mean confidence of the lines read the other way round that turns the page: 10 of the 15 reached it, 9 of
them with 0.58 and more; lines on their head stay below 0.2."""
BETTER_BY: Final = 0.2
TRIED: Final = 5
"""Lines that are read again, the longest ones."""


def read_on_its_head(
    page: Page,
    read: Sequence[ReadLine],
    readers: Sequence[LineReader],
    tall_lines: TallLines,
    *,
    urgency: Urgency | None = None,
    limit: TimeLimit = NO_LIMIT,
) -> Direction | None:
    """The lines of a page the other way round, where they are read better so; None where they are not.

    Args:
        page: an upright page.
        read: its lines, each with the readings of `readers`, in their order.
        readers: who read them; the first one that tells how sure it is decides.
        tall_lines: the crop policy for lines that are taller than wide.
        urgency: whether an annotator waits, now or later; None for bulk work.
        limit: when readers must have answered.
    """
    for number, reader in enumerate(readers):
        scores = {
            index: line.readings[number].score or 0.0
            for index, line in enumerate(read)
            if len(line.readings) > number and line.readings[number].score is not None
        }
        if len(scores) < LEAST_VOTERS:
            continue
        if _mean([*scores.values()]) >= UNSURE:
            return None
        around = the_other_way_round([line.line for line in read], tall_lines)
        tried = sorted(scores, key=lambda index: -_length(read[index].line))[:TRIED]
        quads = [around.lines[index].quad for index in tried]
        cuts = [crops.crop_line(page.pixels, quad, tall_lines) for quad in quads]
        urgency = urgency or Urgency()
        futures = reader.submit(cuts, urgent=urgency.urgent)
        urgency.when_hurried(partial(reader.hurry, futures))
        wait(futures, limit.left_s)
        again = [limit.reading(reader, future).score or 0.0 for future in futures]
        enough = max(SURE, _mean([scores[index] for index in tried]) + BETTER_BY)
        return around if _mean(again) >= enough else None
    return None


def _length(line: Line) -> float:
    return float(max(abs(line.quad[1] - line.quad[0]).max(), abs(line.quad[3] - line.quad[0]).max()))


def _mean(scores: Sequence[float]) -> float:
    return sum(scores) / len(scores)

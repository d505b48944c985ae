"""What a page's regions come to in a detection file; pure.

A region is written with its text where the text is approved, as `###` where there is text that is not
exported, and not at all where there is none. See `paddleocr.label_rows` for what the rows do not carry.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from backend.page.lines import Quad
from converters.paddleocr.label_rows import IGNORE_MARKS, RowRegion, detection_row
from converters.reviewed.reasons import InDetection, LeftOutReason
from converters.reviewed.region_text import folder_of

Layout = Literal["paddleocr", "ppocrlabel"]
"""How a dataset's files are called and arranged."""


def is_written(why: LeftOutReason | None) -> bool:
    """Whether a region with this reason (None: approved) has a place in the detection file."""
    return why is None or why.in_detection is InDetection.IGNORED


def is_ignored(why: LeftOutReason | None, text: str) -> bool:
    """Whether PaddleOCR will ignore the region; it takes a line that reads "*" for an ignore mark, too."""
    return why is not None or text in IGNORE_MARKS


def page_row(
    image: str, regions: Sequence[tuple[Sequence[Sequence[float]], str, LeftOutReason | None]]
) -> str | None:
    """A page's row with its line end, or None for a page without regions, which PaddleOCR would drop.

    Args:
        image: the page's path, relative to the dataset.
        regions: points, text and reason of every region, in order.
    """
    written = [
        RowRegion(text, tuple((float(x), float(y)) for x, y in points), ignored=is_ignored(why, text))
        for points, text, why in regions
        if is_written(why)
    ]
    return detection_row(image, written) if written else None


def corners(points: np.ndarray | None, quad: Quad | None, layout: Layout) -> list[list[float]]:
    """The points that the file gets: all of a polygon, or its quad for PPOCRLabel.

    PPOCRLabel crops quads alone and stops a page at the first polygon of five points.
    """
    chosen = quad if layout == "ppocrlabel" else points
    return [] if chosen is None else chosen.astype(np.float64).round(3).tolist()


def page_name(task: str, number: int, pages: int) -> str:
    """A page's name: its task's id, and its number where the task has several pages."""
    return task if pages <= 1 and number == 0 else f"{task}_p{number + 1}"


def page_image(name: str, task: str, suffix: str, layout: Layout) -> str:
    """Where a page's image lies in the dataset; PPOCRLabel wants all images beside its `Label.txt`."""
    return f"{name}.{suffix}" if layout == "ppocrlabel" else f"{folder_of('pages', task)}/{name}.{suffix}"

"""The crops that a report shows: each page fetched and decoded once, small pictures as data URLs.

A line that cannot be shown has a sentence in its picture's place.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from itertools import groupby

import cv2
import numpy as np

from backend import images
from backend.crops import TallLines, crop_line
from backend.errors import BadImage, BadRequest, ImageRefused, ImageUnreachable
from backend.labeling_config import LabelingConfig
from backend.lines import Pixels
from converters import tasks
from converters.pages import PageSource
from converters.report import Shown
from converters.report_page import Picture

HEIGHT = 96
WIDTH = 1200
"""Pixels; a larger crop is made smaller, so that the page stays light on a phone."""


def crops_of(
    lines: Iterable[Shown],
    source: PageSource,
    config: LabelingConfig | None,
    *,
    image_field: str | None = None,
    tall_lines: TallLines = "auto",
    max_pixels: int,
    done: Callable[[int], None] = lambda count: None,
) -> dict[int, Picture | str]:
    """Cut out the lines that a report shows.

    Args:
        lines: what is shown.
        source: gives the images.
        config: names the field of the image, where it is known.
        image_field: names it, too, and wins.
        tall_lines: as the readers saw them.
        max_pixels: of a page.
        done: told how many more lines are done.

    Returns:
        By `id` of each line: its picture, or a sentence why there is none.

    Raises:
        OperatorError: Label Studio refuses our key, or settings lack.
    """
    made: dict[int, Picture | str] = {}
    ordered = sorted(lines, key=lambda line: (line.task, line.page))
    for _, group in groupby(ordered, key=lambda line: (line.task, line.page)):
        here = list(group)
        page, problem = _page(here[0], source, config, image_field, max_pixels)
        for line in here:
            made[id(line)] = problem if page is None else _crop(page, line, tall_lines)
        done(len(here))
    return made


def _page(
    line: Shown, source: PageSource, config: LabelingConfig | None, field: str | None, max_pixels: int
) -> tuple[Pixels | None, str]:
    try:
        references = tasks.references_of(line.data, config, field)
        if line.page >= len(references):
            return None, "The task has no such page."
        task = int(line.task) if line.task.isdecimal() else None
        data = source.fetch(references[line.page], task_id=task)
        return images.decode(data, max_pixels=max_pixels).pixels, ""
    except (ImageRefused, ImageUnreachable, BadImage, BadRequest) as error:
        return None, str(error)


def _crop(page: Pixels, line: Shown, tall_lines: TallLines) -> Picture | str:
    try:
        crop = crop_line(page, line.quad, tall_lines)
    except ValueError as error:
        return f"The line cannot be cut out: {error}."
    height, width = crop.shape[:2]
    scale = min(HEIGHT / height, WIDTH / width, 1.0)
    if scale < 1:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        crop = cv2.resize(crop, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    url = "data:image/jpeg;base64," + base64.b64encode(images.encode(crop, "jpeg", 82)).decode("ascii")
    return Picture(url, crop.shape[1], crop.shape[0])

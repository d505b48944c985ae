"""A dataset that the real exporter wrote: pages of drawn lines that people approved after two readings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from converters.export.run import ExportOptions
from converters.export.write_page import PageOptions
from tests.parts import exported
from tests.parts.drawn_pages import file_of, font
from tests.parts.reviewed_tasks import Pictures
from tests.parts.reviewed_work import RULES, Work, task

SIZE = (600, 400)


def drawn(lines: Sequence[Work]) -> tuple[bytes, list[Work]]:
    """A page as PNG with what people approved of each line, and the lines with boxes around their ink."""
    image = Image.new("RGB", SIZE, "white")
    draw = ImageDraw.Draw(image)
    boxed = []
    for row, work in enumerate(lines):
        place = (12, 12 + 40 * row)
        draw.text(place, work.text, font=font(20), fill="black")
        left, top, right, bottom = draw.textbbox(place, work.text, font=font(20))
        corners = [(left - 3, top - 3), (right + 3, top - 3), (right + 3, bottom + 3), (left - 3, bottom + 3)]
        boxed.append(replace(work, quad=np.array(corners, dtype=np.float32)))
    return file_of(image), boxed


def drawn_dataset(
    out: Path, pages: Sequence[Sequence[Work]], *, ratio: tuple[float, float, float] = (0.5, 0.25, 0.25)
) -> Path:
    """Draw pages, let people approve them, and export them.

    Args:
        out: the dataset's folder.
        pages: their lines; what is drawn is what people approved.
        ratio: of train, val and test.
    """
    files, tasks = {}, []
    for number, lines in enumerate(pages, start=1):
        image = f"/page/{number}.png"
        files[image], boxed = drawn(lines)
        tasks.append(task(number, boxed, size=SIZE, image=image))
    options = ExportOptions(RULES, PageOptions(format="recognition"), ratio, jobs=1)
    exported.run(out, tasks, options, Pictures(files))
    return out

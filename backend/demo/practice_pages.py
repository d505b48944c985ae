"""Pages drawn for practice: lines of text whose truth is known, in fonts of this machine.

They are easy pages, black on light paper. What is learned on them says that the way from reviewed pages to a
model works, and nothing about photographs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.errors import SettingsWrong
from backend.page.lines import Pixels
from backend.rendering.fonts import fonts_with
from backend.rendering.lines import rendered_line
from backend.rendering.texts import sample_texts

WIDTH = 760
"""Of a page in pixels."""

MARGIN = 40
"""Around the lines, pixels."""

LEADING = 1.7
"""From one line to the next, in heights of a line."""

PAPERS = ((255, 255, 255), (250, 247, 238), (238, 241, 245), (246, 238, 228))
"""Colours of paper, RGB."""


@dataclass(frozen=True, slots=True)
class PracticeLine:
    """A line of a practice page, and the box of its picture: left, top, right, bottom in page pixels."""

    text: str
    box: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class PracticePage:
    """A drawn page: (height, width, 3) RGB uint8, and its lines from the top."""

    name: str
    pixels: Pixels
    lines: tuple[PracticeLine, ...]


def practice_pages(language: str, count: int, lines: int) -> Iterator[PracticePage]:
    """Draw pages; the same arguments give the same pages on a machine with the same fonts.

    Args:
        language: of the texts.
        count: pages.
        lines: on each page.

    Raises:
        SettingsWrong: no font of this machine has the letters of the language.
    """
    texts = sample_texts(language, count * lines, seed=1)
    fonts = fonts_with("".join(texts))
    if not fonts:
        raise SettingsWrong(
            f"No font on this machine has the letters of '{language}', so no page can be drawn. "
            "Install fonts, such as the Debian package fonts-dejavu-core.",
            language=language,
        )
    for number in range(count):
        shown = texts[number * lines : (number + 1) * lines]
        yield _page(f"practice_{number + 1:03}.png", shown, fonts[number % len(fonts)], number)


def _page(name: str, texts: Sequence[str], font: Path, number: int) -> PracticePage:
    """One page in one font; size of letters and paper change from page to page."""
    chance = np.random.default_rng(number)
    height = int(chance.integers(26, 40))
    paper = np.array(PAPERS[number % len(PAPERS)], np.float32)
    step = round(height * LEADING)
    pixels = np.full((2 * MARGIN + step * len(texts), WIDTH, 3), paper, np.float32)
    lines = []
    for row, text in enumerate(texts):
        picture = rendered_line(text, font, height=height)[:, : WIDTH - 2 * MARGIN]
        left, top = MARGIN + int(chance.integers(0, 12)), MARGIN + row * step
        right, bottom = left + picture.shape[1], top + picture.shape[0]
        # ink darkens the paper
        pixels[top:bottom, left:right] *= picture.astype(np.float32) / 255
        lines.append(PracticeLine(text, (left, top, right, bottom)))
    pixels += chance.normal(0, 6, (*pixels.shape[:2], 1))
    return PracticePage(name, np.clip(pixels, 0, 255).astype(np.uint8), tuple(lines))

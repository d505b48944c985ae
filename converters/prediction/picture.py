"""Draws what was read: on the left the page with the lines, on the right their texts at the same places.

Each text is drawn as the reader saw its crop and laid into its quad, so slanted and turned lines stand as on
the page. A column of Chinese or Japanese is set downwards, letter by letter. A text for which this machine
has no font is not drawn, because boxes in place of letters would look like a wrong reading.
"""

from __future__ import annotations

import colorsys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import regex

from backend.page.crops import TallLines
from backend.page.geometry import TALL
from backend.page.lines import Page, Pixels, Quad
from backend.rendering.fonts import font_with
from backend.rendering.lines import rendered_line, why_not_rendered
from converters.prediction.predict import PredictedLine

LONGEST: Final = 3000
"""Pixels of a page's longer side in the picture; a larger page is made smaller."""
SHORTEST: Final = 800
"""The same at least: a smaller page is made larger, so that its texts can be read."""
MOST_ENLARGED: Final = 8.0
WIDEST_LINE: Final = 30_000
"""Pixels up to which a line crop is made larger; a JPEG ends at 65,535."""
_FILLED: Final = 0.25
"""Share of a line's colour in the area of its box."""
_LEAST_HEIGHT: Final = 24
"""Pixels at which a text is drawn at least, before it is made as small as its box."""
_DOWNWARDS: Final = regex.compile(r"(?=.*\p{Lo})[\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{P}\p{N}\s]+")
"""Texts that are set letter below letter in a tall box; digits alone stand in it on their side."""


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """A finished picture.

    pixels: RGB, uint8, shape (height, width, 3).
    undrawn: texts that are not in it, because no font here has their letters or Pillow cannot lay them out.
    """

    pixels: Pixels
    undrawn: tuple[str, ...] = ()


class Fonts:
    """Fonts of this machine for texts; each set of letters is looked for once."""

    def __init__(self) -> None:
        self._found: dict[frozenset[str], Path | None] = {}

    def for_texts(self, texts: Sequence[str]) -> dict[str, Path | None]:
        """A font for each text: one for all of them where there is one, else one for each."""
        together = self._with("".join(texts))
        if together is not None:
            return dict.fromkeys(texts, together)
        return {text: self._with(text) for text in texts}

    def _with(self, characters: str) -> Path | None:
        key = frozenset(characters)
        if key not in self._found:
            self._found[key] = font_with(sorted(key))
        return self._found[key]


def page_picture(
    page: Page, lines: Sequence[PredictedLine], fonts: Fonts, tall_lines: TallLines = "auto"
) -> Drawing:
    """Draw a page and its texts side by side.

    Args:
        page: upright.
        lines: with quads in page pixels.
        fonts: for the texts.
        tall_lines: how crops were turned that are taller than wide.
    """
    scale = _scale(page.width, page.height)
    size = max(1, round(page.width * scale)), max(1, round(page.height * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    left = np.asarray(cv2.resize(page.pixels, size, interpolation=how), dtype=np.uint8)
    right = np.full_like(left, 255)
    with_quad = [(line, line.quad * scale) for line in lines if line.quad is not None]
    drawable = fonts.for_texts([line.text for line, _ in with_quad if _can_be_set(line.text)])
    undrawn = []
    filled = left.copy()
    for number, (_, quad) in enumerate(with_quad):
        cv2.fillPoly(filled, [_corners(quad)], _colour(number))
    left = np.asarray(cv2.addWeighted(left, 1 - _FILLED, filled, _FILLED, 0), dtype=np.uint8)
    for number, (line, quad) in enumerate(with_quad):
        font = drawable.get(line.text)
        if font is not None:
            place = _upright(quad) if _DOWNWARDS.fullmatch(line.text) else quad
            _lay(right, _set(line.text, font, _size(place), tall_lines), place)
        elif line.text:
            undrawn.append(line.text)
        for side in (left, right):
            _outline(side, quad, _colour(number))
    between = np.full((size[1], 2, 3), 200, np.uint8)
    return Drawing(np.hstack([left, between, right]), tuple(undrawn))


def line_picture(crop: Pixels, line: PredictedLine, fonts: Fonts) -> Drawing:
    """Draw a line crop with its text below it."""
    scale = max(1.0, min(48 / crop.shape[0], WIDEST_LINE / crop.shape[1]))
    height, width = round(crop.shape[0] * scale), max(1, round(crop.shape[1] * scale))
    above = np.asarray(cv2.resize(crop, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    font = fonts.for_texts([line.text])[line.text] if _can_be_set(line.text) else None
    below = _fitted(line.text, font, width, height) if font else np.full_like(above, 255)
    return Drawing(np.vstack([above, below]), (line.text,) if line.text and font is None else ())


def _can_be_set(text: str) -> bool:
    return bool(text) and why_not_rendered(text) is None


def _scale(width: int, height: int) -> float:
    longer = max(width, height)
    if longer > LONGEST:
        return LONGEST / longer
    return min(MOST_ENLARGED, max(1.0, SHORTEST / longer))


def _size(quad: npt.NDArray[np.float32]) -> tuple[int, int]:
    """Width and height of a box, pixels, each the longer of two opposite sides."""
    sides = np.linalg.norm(quad - np.roll(quad, -1, axis=0), axis=1)
    return max(1, round(float(max(sides[0], sides[2])))), max(1, round(float(max(sides[1], sides[3]))))


def _upright(quad: Quad) -> Quad:
    """The quad of a column with its corners as for upright text, where it was read from the side."""
    across, down = quad[1] - quad[0]
    if abs(down) <= abs(across):
        return quad
    return np.roll(quad, 1 if down > 0 else -1, axis=0)


def _set(text: str, font: Path, size: tuple[int, int], tall_lines: TallLines) -> Pixels:
    """A text as it fills a box of a size, in the way in which its crop was read.

    Returns:
        RGB, uint8, shape (height, width, 3), black on white.
    """
    width, height = size
    turned = tall_lines != "never" and height >= TALL * width
    if not turned or len(regex.findall(r"\X", text)) < 2:
        return _fitted(text, font, width, height)
    if _DOWNWARDS.fullmatch(text):
        return _downwards(text, font, width, height)
    # a crop was given a quarter turn to the left, and is turned back here
    return np.ascontiguousarray(np.rot90(_fitted(text, font, height, width), -1))


def _downwards(text: str, font: Path, width: int, height: int) -> Pixels:
    letters = [letter for letter in regex.findall(r"\X", text) if not letter.isspace()]
    edges = np.linspace(0, height, len(letters) + 1).round().astype(int).tolist()
    column = np.full((height, width, 3), 255, np.uint8)
    for letter, top, bottom in zip(letters, edges[:-1], edges[1:], strict=True):
        if bottom > top:
            column[top:bottom] = _fitted(letter, font, width, bottom - top, centred=True)
    return column


def _fitted(text: str, font: Path, width: int, height: int, *, centred: bool = False) -> Pixels:
    """A text of a height, squeezed where it is too wide, on white of the whole width."""
    line = rendered_line(text, font, height=max(height, _LEAST_HEIGHT))
    natural = max(1, round(line.shape[1] * height / line.shape[0]))
    taken = min(natural, width)
    fitted = np.full((height, width, 3), 255, np.uint8)
    rest = width - taken
    start = rest // 2 if centred else rest if _runs_to_the_left(text) else 0
    fitted[:, start : start + taken] = cv2.resize(line, (taken, height), interpolation=cv2.INTER_AREA)
    return fitted


def _runs_to_the_left(text: str) -> bool:
    """Whether its first letter that has a direction runs from right to left."""
    ways = (unicodedata.bidirectional(character) for character in text)
    return next((way for way in ways if way in ("L", "R", "AL")), "L") != "L"


def _lay(canvas: Pixels, picture: Pixels, quad: npt.NDArray[np.float32]) -> None:
    """Lay a picture into a quad of a canvas; the darker of both stays, as ink does."""
    height, width = picture.shape[:2]
    left, top = np.floor(quad.min(axis=0)).astype(int).tolist()
    right, bottom = np.ceil(quad.max(axis=0)).astype(int).tolist()
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    there = (quad - np.array([left, top])).astype(np.float32)
    laid = cv2.warpPerspective(
        picture,
        cv2.getPerspectiveTransform(corners, there),
        (max(1, right - left), max(1, bottom - top)),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(255, 255, 255),
    )
    on = canvas[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    part = laid[max(0, -top) :, max(0, -left) :][: on.shape[0], : on.shape[1]]
    np.minimum(on[: part.shape[0], : part.shape[1]], part, out=on[: part.shape[0], : part.shape[1]])


def _outline(canvas: Pixels, quad: Quad, colour: tuple[int, int, int]) -> None:
    """The box, and a dot where its text begins."""
    thick = max(1, round(max(canvas.shape[:2]) / 1200))
    corners = _corners(quad)
    cv2.polylines(canvas, [corners], isClosed=True, color=colour, thickness=thick, lineType=cv2.LINE_AA)
    start = (int(corners[0][0]), int(corners[0][1]))
    cv2.circle(canvas, start, 3 * thick, colour, thickness=-1, lineType=cv2.LINE_AA)


def _corners(quad: Quad) -> npt.NDArray[np.int32]:
    return np.rint(quad).astype(np.int32)


def _colour(number: int) -> tuple[int, int, int]:
    """A colour that can be told from its neighbours', dark enough on white."""
    red, green, blue = colorsys.hsv_to_rgb(number * 0.381966 % 1.0, 0.85, 0.75)
    return round(255 * red), round(255 * green), round(255 * blue)

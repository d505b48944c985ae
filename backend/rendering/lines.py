"""A text as a picture of a line, as readers get lines cut out of pages."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from fontTools import unicodedata as unicode_scripts  # type: ignore[import-untyped]
from PIL import Image, ImageDraw, ImageFilter, ImageFont, features

from backend.errors import OperatorError
from backend.page.lines import Pixels

_ABOVE: Final = 0.75
_BELOW: Final = 0.22
"""What a line of Latin or Cyrillic letters takes above and below its baseline, as shares of the font's size;
a text without a long letter stands in its line as on a page, and is not blown up."""
_MARGIN: Final = 0.15
"""Ground above, below and beside the letters, as a share of their height: as detected lines have it."""
_TRIAL: Final = 100
"""Font size at which a text is measured, pixels."""
_JOINED: Final = frozenset({"Mong", "Phag"})
"""Scripts whose letters join, and that have neither marks nor a direction of their own to know them by."""


class NotRendered(OperatorError):
    """A text cannot be rendered as people write it, so it is not rendered at all."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What varies between the lines of real pages.

    ink, ground: colours, 0 to 255.
    sharpness: the height at which the line is drawn, as a share of the height asked for.
    margin: of ground, as a share of the letters' height.
    slant: pixels to the right for each pixel up.
    blur: radius, pixels of the finished line.
    noise: standard deviation, levels.
    """

    ink: tuple[int, int, int] = (0, 0, 0)
    ground: tuple[int, int, int] = (255, 255, 255)
    sharpness: float = 1.0
    margin: float = _MARGIN
    slant: float = 0.0
    blur: float = 0.0
    noise: float = 0.0


def rendered_line(text: str, font: Path, *, height: int = 48, seed: int = 0, clean: bool = True) -> Pixels:
    """Render a text as a line cut out of a page.

    The letters take about three quarters of the height, as in detected lines. The same arguments give the
    same pixels on one machine.

    Args:
        text: in reading order, also where it runs from right to left.
        font: a file that has its letters: `fonts.font_with`.
        height: of the line, pixels.
        seed: chooses colours, size, slant, blur and noise where `clean` is False; without effect otherwise.
        clean: black on white and sharp.

    Returns:
        RGB, uint8, shape (height, width, 3); a text without ink gives a square of ground.

    Raises:
        NotRendered: its letters join or run from right to left, and Pillow has no raqm to lay them out.
    """
    why = why_not_rendered(text)
    if why is not None:
        raise NotRendered(why, text=text)
    random = np.random.default_rng(seed)
    look = _Look() if clean else _some_look(random)
    drawn = _slanted(_drawn(text, font, max(8, round(height * look.sharpness)), look), look)
    width = max(1, round(drawn.width * height / drawn.height))
    line = drawn.resize((width, height), Image.Resampling.BICUBIC)
    if look.blur:
        line = line.filter(ImageFilter.GaussianBlur(look.blur))
    pixels = np.asarray(line)
    if look.noise:
        pixels = np.clip(pixels + random.normal(0, look.noise, pixels.shape), 0, 255)
    return np.array(pixels, dtype=np.uint8)


def why_not_rendered(text: str) -> str | None:
    """Why a text cannot be rendered as people write it on this machine; None where it can."""
    if _has_raqm() or not needs_layout(text):
        return None
    return (
        "Letters that join, carry marks or run from right to left are laid out by Pillow's raqm, which does "
        "not work here, so such lines would look wrong; apt-get install libfribidi0"
    )


def needs_layout(text: str) -> bool:
    """Whether the picture of a text is more than its letters from left to right, one beside the other."""
    return any(
        unicodedata.bidirectional(character) in {"R", "AL"}
        or unicodedata.category(character).startswith("M")
        or unicode_scripts.script(character) in _JOINED
        for character in unicodedata.normalize("NFC", text)
    )


@cache
def _has_raqm() -> bool:
    return bool(features.check("raqm"))


def _some_look(random: np.random.Generator) -> _Look:
    """A look as scans and photographs have it; one line in eight is light on dark."""
    paper = random.uniform(205, 255)
    ground = paper - random.uniform(0, 18, 3)
    ink = random.uniform(0, 90) + random.uniform(0, 30, 3)
    if random.random() < 1 / 8:
        ground, ink = 255 - ground, 255 - ink
    return _Look(
        ink=_colour(ink),
        ground=_colour(ground),
        sharpness=float(random.uniform(0.55, 1.0)),
        margin=float(random.uniform(0.05, 0.25)),
        slant=float(random.normal(0, 0.06)),
        blur=float(random.uniform(0, 0.9)),
        noise=float(random.uniform(0, 9)),
    )


def _colour(levels: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> tuple[int, int, int]:
    red, green, blue = (int(level) for level in np.clip(levels, 0, 255))
    return red, green, blue


def _drawn(text: str, font: Path, height: int, look: _Look) -> Image.Image:
    """The text in its colours, `height` pixels high or a little less."""
    trial = ImageFont.truetype(str(font), _TRIAL)
    _, top, _, bottom = trial.getbbox(text, anchor="ls")
    # letters with marks above or tails below are higher than a line of Latin ones
    above, below = max(_ABOVE, -top / _TRIAL), max(_BELOW, bottom / _TRIAL)
    size = height / ((above + below) * (1 + 2 * look.margin))
    sized = ImageFont.truetype(str(font), size)
    left, top, right, bottom = sized.getbbox(text, anchor="ls")
    side = round((above + below) * size * look.margin)
    width = round(right - left) + 2 * side if right > left else height
    picture = Image.new("RGB", (width, height), look.ground)
    place = (side - left, side + above * size)
    ImageDraw.Draw(picture).text(place, text, font=sized, fill=look.ink, anchor="ls")
    return picture


def _slanted(picture: Image.Image, look: _Look) -> Image.Image:
    """The picture with its letters slanted, wider by as much."""
    reach = abs(look.slant) * picture.height
    if not reach:
        return picture
    wider = (picture.width + round(reach), picture.height)
    start = -look.slant * picture.height if look.slant > 0 else 0.0
    # of the finished picture's point (x, y) the source is (x + slant * y + start, y)
    across = (1, look.slant, start, 0, 1, 0)
    return picture.transform(
        wider, Image.Transform.AFFINE, across, Image.Resampling.BICUBIC, fillcolor=look.ground
    )

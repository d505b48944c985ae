"""A line as a strip: HTML in which the browser cuts the line out of its page's own image; pure.

An SVG shows a part of the page (`viewBox`), turned so that the text is level. There are no crop files, and
what a person sees are the pixels of the page. Above and below lies some of the page, dimmed, between it and
the line an orange rule.

The line stands as the readers saw it (`backend.page.crops`): a tall box gets a quarter turn, unless its text
is written downwards (Chinese, Japanese, Korean) or is a single character; that stands upright.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import regex

from backend.page.crops import LONE_CHARACTER_HEIGHT
from backend.page.geometry import TALL, Floats
from backend.page.lines import Quad

LINE_HEIGHT = 40
"""Screen pixels of a line's height: its letters stand about as high as those of the readings under it."""

AROUND = 0.45
"""Of the page above and below the line, in heights of the line: the next lines are seen, not read."""

ENDS = 0.6
"""Of the page before and after the line, and of a long line twice where it is parted, in its heights."""

LONGEST = 32
"""Times as long as high; a longer line stands in several strips under each other, or it would be too small to
be read where the window is 1280 pixels wide."""

UPRIGHT_HEIGHT = 420
"""Screen pixels of a strip that stands upright: it and its readings fit in a window 720 pixels high."""

TALLEST = 11
"""Times as high as wide; a longer upright line stands in several strips, from right to left as it is read."""

_WRITTEN_DOWNWARDS = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Bopomofo}\p{Hangul}]")
_RULE = "#ef6c00"


@dataclass(frozen=True, slots=True)
class PageImage:
    """The image of a page as the browser can fetch it.

    address: of the image, as the annotator's browser may open it.
    width, height: of the upright page, pixels.
    """

    address: str
    width: int
    height: int


def strip(page: PageImage, quad: Quad, texts: Sequence[str], missing: str) -> str:
    """The line of a page as HTML; only the page's own image is fetched.

    Args:
        page: its image.
        quad: (4, 2), page pixels, clockwise from the text's own top-left corner.
        texts: what the line was read as; they say whether a tall line is written downwards.
        missing: stands in the strip's place where the image cannot be shown.
    """
    corners = np.asarray(quad, dtype=np.float64)
    width, height = _size(corners)
    if height >= TALL * width:
        if _stands(texts, height / width):
            return _strips("line upright", _upright(page, corners), page, missing)
        # as the crop that the readers saw: a quarter turn to the left
        corners = np.roll(corners, -1, axis=0)
    return _strips("line", _level(page, corners), page, missing)


def _strips(kind: str, strips: Sequence[str], page: PageImage, missing: str) -> str:
    # an SVG has no words for an image that is not there: an HTML image over it has, and shows nothing else
    inline = page.address.startswith("data:")
    alt = "" if inline else f'<img class="missing" src="{escape(page.address)}" alt="{escape(missing)}"/>'
    return f'<div class="{kind}">{"".join(strips)}{alt}</div>'


def _stands(texts: Sequence[str], ratio: float) -> bool:
    """Whether a tall line is shown as it stands: its text runs downwards, or is one narrow character."""
    said = [text for text in texts if text]
    if any(_WRITTEN_DOWNWARDS.search(text) for text in said):
        return True
    lone = bool(said) and all(len(regex.findall(r"\X", text)) == 1 for text in said)
    return lone and ratio < LONE_CHARACTER_HEIGHT


def _level(page: PageImage, corners: Floats) -> list[str]:
    """The line turned level, a long one in several strips under each other."""
    width, height = _size(corners)
    parts = math.ceil(width / height / LONGEST)
    strips = []
    for part in range(parts):
        start, length = part / parts * width - ENDS * height, width / parts + 2 * ENDS * height
        view = (start, -AROUND * height, length, (1 + 2 * AROUND) * height)
        edges = f"M{_n(start)} 0h{_n(length)}M{_n(start)} {_n(height)}h{_n(length)}"
        dim = (
            f"M{_n(start)} {_n(view[1])}h{_n(length)}v{_n(AROUND * height)}h-{_n(length)}z"
            f"M{_n(start)} {_n(height)}h{_n(length)}v{_n(AROUND * height)}h-{_n(length)}z"
        )
        strips.append(
            _svg(page, corners, view, dim, edges, f"width:min(100%,{length / height * LINE_HEIGHT:.0f}px)")
        )
    return strips


def _upright(page: PageImage, corners: Floats) -> list[str]:
    """The line as it stands, a long one in several strips beside each other."""
    width, height = _size(corners)
    parts = math.ceil(height / width / TALLEST)
    strips = []
    for part in range(parts):
        start, length = part / parts * height - ENDS * width, height / parts + 2 * ENDS * width
        view = (-AROUND * width, start, (1 + 2 * AROUND) * width, length)
        edges = f"M0 {_n(start)}v{_n(length)}M{_n(width)} {_n(start)}v{_n(length)}"
        dim = (
            f"M{_n(view[0])} {_n(start)}v{_n(length)}h{_n(AROUND * width)}v-{_n(length)}z"
            f"M{_n(width)} {_n(start)}v{_n(length)}h{_n(AROUND * width)}v-{_n(length)}z"
        )
        tall = min(UPRIGHT_HEIGHT, length / width * LINE_HEIGHT)
        strips.append(_svg(page, corners, view, dim, edges, f"height:{tall:.0f}px"))
    return strips


def _svg(
    page: PageImage, corners: Floats, view: tuple[float, float, float, float], dim: str, edges: str, size: str
) -> str:
    """One strip, in units of page pixels, from the line's own top-left corner along and across its text."""
    width, height = _size(corners)
    # Label Studio takes a `data:` address out of `href`, as it would from a link
    href = "xlink:href" if page.address.startswith("data:") else "href"
    angle = math.degrees(math.atan2(*(corners[1] + corners[2] - corners[0] - corners[3])[::-1]))
    x, y = corners.mean(axis=0)
    # read from the right: the line's middle to 0, turned level, and its corner to 0
    turn = f"translate({_n(width / 2)} {_n(height / 2)}) rotate({-angle:.3f}) translate({_n(-x)} {_n(-y)})"
    return (
        f'<svg class="strip" viewBox="{" ".join(map(_n, view))}" style="{size}">'
        f'<image {href}="{escape(page.address)}" width="{page.width}" height="{page.height}" '
        f'transform="{turn}"/>'
        f'<path fill="#888" fill-opacity=".28" d="{dim}"/>'
        f'<path fill="none" stroke="{_RULE}" stroke-width="1.5" vector-effect="non-scaling-stroke" '
        f'd="{edges}"/></svg>'
    )


def _size(corners: Floats) -> tuple[float, float]:
    """Along and across the text: the mean of the two sides, one pixel at least."""
    top_left, top_right, bottom_right, bottom_left = corners
    along = np.hypot(*(top_right - top_left)) + np.hypot(*(bottom_right - bottom_left))
    across = np.hypot(*(bottom_left - top_left)) + np.hypot(*(bottom_right - top_right))
    return max(float(along) / 2, 1.0), max(float(across) / 2, 1.0)


def _n(value: float) -> str:
    """A tenth of a pixel is more than anybody sees, and a sheet has hundreds of numbers."""
    return f"{value:.1f}".removesuffix(".0")

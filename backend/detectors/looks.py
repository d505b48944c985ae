"""How closely a page is looked at: one look for most, parts for long ones, a second look at small print.

Pure: sizes in, sizes out. "Network pixels" are those of the picture that the model sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LEAST_SIDE: Final = 256
LEAST_SCALE: Final = 0.4
"""Network pixels, and network pixels per page pixel. A page that would become narrower and smaller than this
is a long strip: it is searched in parts."""
OVERLAP: Final = 160
"""Network pixels that two neighbouring parts share: more than the highest line of running text."""
EDGE: Final = 8.0
"""Network pixels. A line that ends this near to a seam may run on beyond it."""
SMALL_PRINT: Final = 12.0
"""Network pixels. Where the median line is lower, a second look finds more. The lowest medians of 75 whole
pages (documents, receipts, books) are 13.1, 13.4 and 14.1; those of pages with missing lines 10 and less."""
LARGE_PRINT: Final = 80.0
"""Network pixels. Where the median line of a strip is higher, its lines fall apart into words."""
GOOD_PRINT: Final = 20.0
"""Network pixels: how high the median line of a second look is to be."""
CLOSER_FOR_NOTHING: Final = 3.0
"""How many times closer a page is looked at again where nothing was found."""
MOST_PIXELS: Final = 4000 * 4000
"""Network pixels of all parts together: what bounds the time for a page."""
_WORTH_IT: Final = 1.15
"""A second look that is closer by less than this shows the same."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a page is given to the model in parts.

    scale: network pixels per page pixel, at most 1.
    side: of a part, page pixels.
    overlap: of two parts, page pixels.
    """

    scale: float
    side: int
    overlap: int


def at_scale(width: int, height: int, scale: float, most_side: int) -> Look:
    """A look at this scale, or at the closest one that `MOST_PIXELS` and full size allow.

    Args:
        width: of the page, pixels.
        height: likewise.
        scale: network pixels per page pixel.
        most_side: largest side of a part, network pixels.
    """
    scale = min(1.0, scale, (MOST_PIXELS / (width * height)) ** 0.5)
    overlap = min(OVERLAP, most_side // 2)
    return Look(scale, max(2, int(most_side / scale)), max(1, int(overlap / scale)))


def look_at_strip(width: int, height: int, scale: float, limit: int, most_side: int) -> Look | None:
    """How a page that is too long for one look is searched; None for any other page.

    Its parts are seen as large as a sheet of paper of the same width would be.

    Args:
        width: of the page, pixels.
        height: likewise.
        scale: of the usual look, network pixels per page pixel.
        limit: longest side of the usual look, network pixels.
        most_side: largest side of a part, network pixels.
    """
    short = min(width, height)
    if scale >= LEAST_SCALE or short * scale >= LEAST_SIDE:
        return None
    return at_scale(width, height, limit / (1.4 * short), most_side)


def wider_look(width: int, height: int, scale: float, median: float | None, most_side: int) -> Look | None:
    """A look at a strip from further away, where its letters are too large; None where they are not.

    Args:
        width: of the page, pixels.
        height: likewise.
        scale: of the look before, network pixels per page pixel.
        median: height of the median line, page pixels; None where no line was found.
        most_side: largest side of a part, network pixels.
    """
    if median is None or median * scale <= LARGE_PRINT:
        return None
    return at_scale(width, height, LARGE_PRINT / 2 / median, most_side)


def second_look(width: int, height: int, scale: float, median: float | None, most_side: int) -> Look | None:
    """A closer look where the print is small or nothing was found; None where the first one is enough.

    Args:
        width: of the page, pixels.
        height: likewise.
        scale: of the first look, network pixels per page pixel.
        median: height of the median line, page pixels; None where no line was found.
        most_side: largest side of a part, network pixels.
    """
    if median is not None and median * scale >= SMALL_PRINT:
        return None
    closer = CLOSER_FOR_NOTHING * scale if median is None else GOOD_PRINT / median
    look = at_scale(width, height, closer, most_side)
    return look if look.scale >= _WORTH_IT * scale else None

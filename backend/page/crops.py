"""Cuts a line out of its page, and says whether a crop is blank; pure functions on pixels.

Readers, interactive assist and export all use this one crop. It equals PaddleOCR's own crop, so that
a model is trained on the same kind of picture as it reads later.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

import cv2
import numpy as np
import numpy.typing as npt

from backend.page.geometry import TALL, is_degenerate
from backend.page.lines import Pixels, Quad

TallLines: TypeAlias = Literal["auto", "never", "always"]
"""What happens to a crop that is `TALL` times as high as wide, or more. "auto": a quarter turn, unless it
shows a single character; "never": it stays; "always": a quarter turn, whatever it shows (as in PaddleOCR)."""

MAX_SIDE = 32_766
"""Pixels; OpenCV warps no picture with a longer side."""

SMALL_PAGE = 1_000_000
"""Pixels; around a smaller page a quad may be as large as that."""

LARGE = 1_500_000
"""Pixels. A larger crop holds no line but a page or a part of one (A3 at 600 dpi has lines of 1.5 million),
and the fit of its shading would take 160 bytes for each."""

_Part: TypeAlias = tuple[int, int, int, int]
"""Left, top, right and bottom within a crop, pixels."""

LONE_CHARACTER_HEIGHT = 4.0
"""Height over width. A box higher than that holds a line, not one narrow character with some margin."""

LONE_CHARACTER_SHARE = 0.8
"""Share of the ink in one connected piece: all of "1", nearly all of "i", less for two letters."""


def crop_line(pixels: Pixels, quad: Quad, tall_lines: TallLines = "auto") -> Pixels:
    """Cut a line out of its page and straighten it, as PaddleOCR's `get_rotate_crop_image` does.

    The perspective warp is bicubic and repeats the page's edge outside the page. PaddleOCR takes a
    crop that is `TALL` times as high as wide, or more, for a line that reads downwards, and gives it
    a quarter turn to the left. "auto" does not turn a single narrow character ("1", "I"): a box less
    than four times as high as wide, in which one connected piece holds four fifths of the ink.
    A short word of joined letters (Arabic, Devanagari, handwriting) that reads downwards looks
    the same; "always" turns that too.

    Args:
        pixels: the page, RGB, uint8, shape (height, width, 3).
        quad: (4, 2) float32, page pixels, clockwise from the text's own top-left corner.
        tall_lines: see `TallLines`.

    Returns:
        RGB, uint8, shape (height, width, 3), C-contiguous; width and height are the longer of the two
        opposite sides of the quad.

    Raises:
        ValueError: nothing can be cropped from this quad (PaddleOCR returns the whole page there),
            it lies off the page or far beyond its edges, or `tall_lines` is none of the three.
    """
    if tall_lines not in get_args(TallLines):
        raise ValueError(f"tall_lines must be auto, never or always, not {tall_lines!r}")
    corners = _checked(pixels, quad)
    crop = _window(pixels, corners)
    if crop is None:
        crop = _straightened(pixels, corners)
    height, width = crop.shape[:2]
    tall = tall_lines != "never" and height / width >= TALL
    if tall and not (tall_lines == "auto" and _shows_lone_character(crop)):
        crop = np.rot90(crop)
    return np.ascontiguousarray(crop)


def crop_middle(pixels: Pixels, quad: Quad, times: float, *, turn_tall: bool) -> Pixels:
    """The middle of a line, without the cost of cutting out all of it.

    Args:
        pixels: the page, RGB, uint8, shape (height, width, 3).
        quad: (4, 2) float32, page pixels, clockwise from the text's own top-left corner.
        times: how many times as long as high the piece is; of a shorter line it is all.
        turn_tall: a crop that is `TALL` times as high as wide gets a quarter turn, as with "always";
            without it stays, as with "never".

    Returns:
        What lies in the middle of the crop that `crop_line` gives, with as much left out on both sides.

    Raises:
        ValueError: as for `crop_line`.
    """
    corners = _checked(pixels, quad)
    width, height = _size(corners)
    tall = turn_tall and height / width >= TALL
    along, across = (height, width) if tall else (width, height)
    spare = max(0, along - int(across * times)) // 2
    part = (0, spare, width, height - spare) if tall else (spare, 0, width - spare, height)
    crop = _window(pixels, corners)
    crop = (
        _straightened(pixels, corners, part) if crop is None else crop[part[1] : part[3], part[0] : part[2]]
    )
    return np.ascontiguousarray(np.rot90(crop) if tall else crop)


def _checked(pixels: Pixels, quad: Quad) -> Quad:
    """The quad as float32; ValueError where nothing can be cropped from it."""
    corners = np.asarray(quad, dtype=np.float32)
    if is_degenerate(corners):
        raise ValueError("the quad is too thin or crosses itself, so no text can be cropped from it")
    page_height, page_width = pixels.shape[:2]
    xs, ys = corners.T.tolist()
    if max(xs) <= 0 or max(ys) <= 0 or min(xs) >= page_width or min(ys) >= page_height:
        raise ValueError("the quad lies off the page, so there is nothing to crop")
    # Also keeps one wrong coordinate from asking for gigabytes of repeated edge.
    within_width = -page_width <= min(xs) and max(xs) <= 2 * page_width
    if not within_width or min(ys) < -page_height or max(ys) > 2 * page_height:
        raise ValueError("the quad reaches beyond the page by more than the page's own size")
    return corners


def _window(pixels: Pixels, corners: Quad) -> Pixels | None:
    """The part of the page within an upright box of whole pixels: the warp's result, without its cost.

    None for any other quad.
    """
    if (corners % 1).any():
        return None
    left, top, right, bottom = map(int, (*corners[0], *corners[2]))
    upright = [[left, top], [right, top], [right, bottom], [left, bottom]]
    on_page = 0 <= left < right <= pixels.shape[1] and 0 <= top < bottom <= pixels.shape[0]
    if not on_page or corners.tolist() != upright:
        return None
    window: Pixels = pixels[top:bottom, left:right].copy()
    return window


def _straightened(pixels: Pixels, corners: Quad, part: _Part | None = None) -> Pixels:
    """The warp's result, or a part of it, which costs as much less as it is smaller."""
    width, height = _size(corners)
    if max(width, height, *pixels.shape[:2]) > MAX_SIDE:
        raise ValueError(f"page or quad is longer than the {MAX_SIDE} pixels that can be cropped")
    if width * height > 2 * max(pixels.shape[0] * pixels.shape[1], SMALL_PAGE):
        raise ValueError("the quad is much larger than the page, so it is no line of it")
    upright = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    turn = cv2.getPerspectiveTransform(corners, upright)
    if part is not None:
        left, top, right, bottom = part
        turn = np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1]], dtype=np.float64) @ turn
        width, height = right - left, bottom - top
    return cv2.warpPerspective(
        pixels, turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    ).astype(np.uint8, copy=False)


def _size(corners: Quad) -> tuple[int, int]:
    """Width and height of a quad's crop, pixels."""
    top_left, top_right, bottom_right, bottom_left = corners
    width = _longer(top_right - top_left, bottom_right - bottom_left)
    return width, _longer(bottom_left - top_left, bottom_right - top_right)


def is_blank(crop: Pixels) -> bool:
    """Whether a crop shows nothing at all; False in doubt, so that no text is missed.

    Gentle shading (a quadratic surface per channel) is subtracted. The residue of a blank crop stays
    within the noise of the crop itself, and within 32 of 255 levels, however noisy it is.

    Args:
        crop: RGB, uint8, shape (height, width, 3).
    """
    height, width = crop.shape[:2]
    if height * width > LARGE:
        scale = (LARGE / (height * width)) ** 0.5
        width, height = max(1, int(width * scale)), max(1, int(height * scale))
        crop = np.asarray(cv2.resize(crop, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    if width >= 100:
        # The fit below is slow, and most lines show their ink clearly. In a blank crop residues within 32
        # levels differ by 64 at most, and a quadratic surface rises by 40 at most over four pixels.
        soft = cv2.blur(crop, (3, 3)).astype(np.int16)
        if int(np.abs(soft[:, 4:] - soft[:, :-4]).max()) > 64 + 40:
            return False
    sharp = crop.reshape(-1, 3).astype(np.float64)
    # A little blur reduces sensor and JPEG noise to a third, but not the stroke of a letter.
    smooth = cv2.GaussianBlur(crop.astype(np.float64), (0, 0), 0.8).reshape(-1, 3)
    # Most pixels of a line are background or the inside of a stroke, so their grain measures the noise.
    grain = float(np.median(np.abs(sharp - smooth).max(axis=1)))
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].reshape(2, -1)
    surface = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y])
    shading = np.linalg.pinv(surface @ surface.T) @ (surface @ smooth)
    residue = np.abs(smooth - surface.T @ shading)
    # Measured on flat crops with noise of every strength: the highest value stays below 3.3 grains.
    return bool(residue.max() <= np.clip(3.3 * grain, 12, 32))


def ground_colour(crop: npt.NDArray[Any]) -> tuple[float, ...]:
    """The colour that a line stands on: the median of the crop's outermost pixels.

    Args:
        crop: uint8, shape (height, width) or (height, width, 3).

    Returns:
        One level per channel, 0 to 255; halves are possible.
    """
    edge = np.concatenate([crop[0], crop[-1], crop[:, 0], crop[:, -1]])
    return tuple(float(level) for level in np.atleast_1d(np.median(edge, axis=0)))


def _longer(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> int:
    """Whole pixels of the longer one; in float32 like PaddleOCR, or sizes would differ by one."""
    return int(max(np.linalg.norm(first), np.linalg.norm(second)))


def _shows_lone_character(crop: Pixels) -> bool:
    height, width = crop.shape[:2]
    if height >= LONE_CHARACTER_HEIGHT * width:
        return False
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    _, ink = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    frame = np.concatenate([ink[0], ink[-1], ink[:, 0], ink[:, -1]])
    if frame.mean() > 0.5:
        # The frame is background: dark ink on light paper.
        ink = 1 - ink
    _, _, pieces, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    areas = pieces[1:, cv2.CC_STAT_AREA]
    return bool(areas.size and areas.max() >= LONE_CHARACTER_SHARE * areas.sum())

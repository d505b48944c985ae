"""Pillow's images, of every kind of pixel, as pages in RGB.

They are converted a strip at a time: the whole image in each of the forms between would take two to four
times the memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from backend.page.lines import Pixels

WHITE, BLACK, GREY = 255, 0, 128
STRIP = 250_000
"""Pixels that are converted at a time."""


def two_pictures(image: Image.Image) -> bool:
    """Whether what is read may be another picture than what a browser shows; by the header alone."""
    return image.mode.startswith("I;16") or image.has_transparency_data


def read_and_shown(image: Image.Image, browser: bool = True) -> tuple[Pixels, Pixels | None]:
    """The image in RGB as it is read, and as a browser shows it where that is another picture.

    Args:
        image: loaded.
        browser: browsers show such files; without, the second one is None.
    """
    if image.mode.startswith("I;16"):
        # A scan of 12 bits fills the lowest sixteenth only, and is all but black in a browser.
        bits = max(12, max(int(np.asarray(strip).max()) for _, strip in _strips(image)).bit_length())
        shown = _grey(image, np.float32, 0, 65535) if browser and bits < 16 else None
        return _grey(image, np.float32, 0, 2**bits - 1), shown
    if image.mode in {"I", "F"}:
        # Pillow's own conversion cuts at 255, which is all white
        ranges = [_range(strip) for _, strip in _strips(image)]
        darkest, lightest = min(low for low, _ in ranges), max(high for _, high in ranges)
        return _grey(image, np.float64, darkest, lightest), None
    if not image.has_transparency_data:
        pixels = _empty(image)
        for top, strip in _strips(image):
            _put(pixels, top, strip if strip.mode == "RGB" else strip.convert("RGB"))
        return pixels, None
    most = max(int(_alpha(strip).max()) for _, strip in _strips(image))
    # Where nothing at all is opaque, alpha was never written (some scanners' 32 bits).
    if most == 0:
        pixels = _empty(image)
        for top, strip in _strips(image):
            _put(pixels, top, strip.convert("RGBA").convert("RGB"))
        return pixels, _laid(image, WHITE) if browser else None
    ground = _ground(image, most)
    return _laid(image, ground), _laid(image, WHITE) if browser and ground != WHITE else None


def _strips(image: Image.Image, around: int = 0) -> Iterator[tuple[int, Image.Image]]:
    """Where a strip of rows begins, and the strip, with so many more rows above and below as there are."""
    width, height = image.size
    rows = max(1, STRIP // width)
    for top in range(0, height, rows):
        box = (0, max(0, top - around), width, min(height, top + rows + around))
        yield top, image.crop(box)


def _empty(image: Image.Image) -> Pixels:
    return np.empty((image.height, image.width, 3), dtype=np.uint8)


def _put(pixels: Pixels, top: int, strip: Image.Image) -> None:
    pixels[top : top + strip.height] = np.asarray(strip, dtype=np.uint8)


def _range(strip: Image.Image) -> tuple[float, float]:
    values = np.nan_to_num(np.asarray(strip).astype(np.float64))
    return float(values.min()), float(values.max())


def _grey(image: Image.Image, kind: type[np.floating[Any]], darkest: float, lightest: float) -> Pixels:
    """Numbers scaled to 8 bits of grey, in RGB."""
    pixels = _empty(image)
    for top, strip in _strips(image):
        values: npt.NDArray[Any] = np.nan_to_num(np.asarray(strip).astype(kind))
        scaled = (values - darkest) * (255 / max(lightest - darkest, 1e-9))
        pixels[top : top + strip.height] = np.rint(scaled).astype(np.uint8)[:, :, np.newaxis]
    return pixels


def _alpha(strip: Image.Image) -> npt.NDArray[np.uint8]:
    return np.asarray(strip.convert("RGBA").getchannel("A"), dtype=np.uint8)


def _laid(image: Image.Image, ground: int) -> Pixels:
    """The image on a grey ground; Label Studio's is 253 of 255, white."""
    pixels = _empty(image)
    for top, strip in _strips(image):
        layered = strip.convert("RGBA")
        flat = Image.new("RGB", layered.size, (ground, ground, ground))
        flat.paste(layered, mask=layered.getchannel("A"))
        _put(pixels, top, flat)
    return pixels


def _ground(image: Image.Image, most_opaque: int) -> int:
    """The ground from which most of the ink stands out: white, black, or grey for ink of both.

    Only ink that touches the ground counts; what lies inside a photograph has its own ground.
    """
    seen = dict.fromkeys((WHITE, BLACK, GREY), 0)
    for top, strip in _strips(image, around=1):
        layered = strip.convert("RGBA")
        luminance = np.asarray(layered.convert("L"))
        ink = (np.asarray(layered.getchannel("A")) >= most_opaque / 2).astype(np.uint8)
        bare = np.uint8(1) - ink
        touching = (ink & cv2.dilate(bare, np.ones((3, 3), np.uint8)).astype(np.uint8)) > 0
        # the rows around belong to the strips above and below
        first = 1 if top else 0
        own = slice(first, first + min(max(1, STRIP // image.width), image.height - top))
        edge = luminance[own][touching[own]].astype(np.int16)
        for ground in seen:
            # Ink this near the ground cannot be told from it.
            seen[ground] += int(np.count_nonzero(np.abs(edge - ground) >= 64))
    # Grey halves the contrast, so it must show a tenth more of the ink.
    return max(seen, key=lambda ground: seen[ground] * (9 if ground == GREY else 10))

"""The pixels of ordinary JPEG files, decoded three times as fast as by Pillow; of odd files nothing.

Both decode by libjpeg-turbo with the same transform and upsampling, so their pixels are equal, which
`tests/page/test_jpeg_pixels.py` compares. Whatever libjpeg warns of is an odd file here: Pillow, and the
checks around it, then decide whether it is whole.
"""

from __future__ import annotations

import simplejpeg

from backend.page.lines import Pixels

MODES = {"RGB", "L"}
"""Of Pillow's. Other colours (CMYK) are turned into RGB by rounding that differs by one level."""


def ordinary_pixels(jpeg: bytes, mode: str, size: tuple[int, int]) -> Pixels | None:
    """Decode the first picture of a JPEG file of which nothing is missing and nothing is odd.

    Args:
        jpeg: the file as it is, with its end.
        mode: of its pixels, as Pillow read it from the header.
        size: width and height that were checked; nothing is allocated for another size.

    Returns:
        RGB, uint8, shape (height, width, 3), not turned; None where Pillow is to decide.

    Raises:
        MemoryError: there is none for the pixels.
    """
    if mode not in MODES:
        return None
    try:
        height, width, _, _ = simplejpeg.decode_jpeg_header(jpeg)
        if (width, height) != size:
            return None
        # without `strict` half a file passes as a whole one
        pixels: Pixels = simplejpeg.decode_jpeg(jpeg, "RGB", strict=True)
    except ValueError:
        return None
    return pixels

"""Rows that an image file promises and does not hold, where Pillow leaves them black and says nothing."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from PIL import Image, TiffImagePlugin

CHUNK = 1 << 20
"""Bytes that are unpacked at a time; nobody keeps them."""

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Channels of a PNG by its type of colour."""

PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Of an interlaced PNG: the first column and row of each pass, and the steps."""

FAX = {"group3", "group4", "tiff_ccitt"}
IMAGE_WIDTH, IMAGE_LENGTH, STRIP_BYTES = 256, 257, 279


def check_tiles(image: TiffImagePlugin.TiffImageFile) -> None:
    """Before a TIFF is loaded: its parts reach its right and lower edge, and a fax has a bit for each row.

    Raises:
        ValueError: they do not.
    """
    boxes = [tile.extents for tile in image.tile if tile.extents]
    # the tags' own size: an image that will be turned has its sides exchanged already
    width, height = image.tag_v2[IMAGE_WIDTH], image.tag_v2[IMAGE_LENGTH]
    right, bottom = (max((box[side] for box in boxes), default=0) for side in (2, 3))
    if boxes and (right < width or bottom < height):
        raise ValueError("its strips or tiles end before its edge")
    if image.info.get("compression") in FAX:
        held = sum(image.tag_v2.get(STRIP_BYTES, ()))
        if held and 8 * held < height:
            raise ValueError("it has less than a bit for a row")


def check_png(image: Image.Image, data: bytes) -> None:
    """After a PNG is loaded: where its last row is black, that its data hold all rows.

    Raises:
        ValueError: they do not.
    """
    width, height, bits, colour, interlaced = struct.unpack_from(">IIBBxxB", data, 16)
    last = image.crop((0, height - 1, width, height))
    extremes = last.getextrema()
    levels = extremes if isinstance(extremes[0], tuple) else (extremes,)
    if not interlaced and any(most for _, most in levels):
        return
    channels = CHANNELS.get(colour, 1)
    passes = PASSES if interlaced else ((0, 0, 1, 1),)
    needed = 0
    for left, top, across, down in passes:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            needed += rows * (1 + -(-columns * channels * bits // 8))
    unpacked = zlib.decompressobj()
    held = 0
    for part in _image_data(data):
        rest = part
        while rest and held < needed:
            held += len(unpacked.decompress(rest, CHUNK))
            rest = unpacked.unconsumed_tail
    if held < needed:
        raise ValueError(f"its data hold {held} of {needed} bytes")


def _image_data(png: bytes) -> Iterator[bytes]:
    at = 8
    while at + 8 <= len(png):
        length, name = struct.unpack_from(">I4s", png, at)
        if name == b"IDAT":
            yield png[at + 8 : at + 8 + length]
        at += 12 + length

"""Small files that claim to be large images, or hold less than they claim."""

from __future__ import annotations

import base64
import re
import struct
import zlib

GREY, RGB, RGBA = 0, 2, 6
CHANNELS = {GREY: 1, RGB: 3, RGBA: 4}


def png(width: int, height: int, *, bits: int = 8, colour: int = RGB, rows: int | None = None) -> bytes:
    """A black (or wholly transparent) PNG, a thousandth of its pixels in size.

    Args:
        width: of the image, pixels.
        height: of the image, pixels.
        bits: of a channel.
        colour: PNG's type of colour.
        rows: that the data hold; None for all.
    """
    packer = zlib.compressobj(9)
    row = bytes(1 + (width * CHANNELS[colour] * bits + 7) // 8)
    packed = b"".join(packer.compress(row) for _ in range(height if rows is None else rows)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def with_size(jpeg: bytes, width: int, height: int) -> bytes:
    """A JPEG whose header says another size."""
    at = next(at for at in range(len(jpeg)) if jpeg[at] == 0xFF and jpeg[at + 1] in (0xC0, 0xC2))
    return jpeg[: at + 5] + struct.pack(">HH", height, width) + jpeg[at + 9 :]


def with_scans(jpeg: bytes, count: int) -> bytes:
    """A progressive JPEG with one of its scans again and again: the last bits of each block's mean."""
    (again,) = [scan for scan in re.findall(rb"\xff\xda(?:[^\xff]|\xff\0)*", jpeg) if _last_of_means(scan)]
    return jpeg[:-2] + again * count + jpeg[-2:]


def _last_of_means(scan: bytes) -> bool:
    first, _, bits = scan[5 + 2 * scan[4] :][:3]
    return first == 0 and bits >> 4 > 0


def inline(file: bytes) -> str:
    """The file as a reference of a task."""
    return "data:image/png;base64," + base64.b64encode(file).decode("ascii")

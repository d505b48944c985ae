"""Which way up a browser shows an image file: its EXIF orientation, read exactly as Chromium reads it.

Label Studio's coordinates are those of the picture in the browser, so a tag counts here where it counts
there, and only there: libraries that read EXIF also take other types of number, other places in the file and
other spellings, and would turn pages that no browser turns. `tests/end_to_end/test_orientation.py` compares
every rule with a real Chromium.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from backend.page.jpeg_segments import segments_before_pixels

ORIENTATION, INNER_DIRECTORY = 0x0112, 0x8769
SHORT, LONG = 3, 4
UPRIGHT = 1

EXIF = b"Exif\0"
"""How a JPEG's EXIF begins; one byte follows, usually a second zero, that nobody looks at."""

APP1 = 0xE1


def orientation(data: bytes, format: str) -> int:
    """The EXIF orientation by which Chromium turns an image, 1 to 8; 1 leaves it as it is stored.

    Args:
        data: the image file, at least up to its pixels.
        format: as `image_files` names it. Only JPEG and PNG have an orientation: Chromium reads none in
            WebP, and shows no TIFF.
    """
    exif = {"JPEG": _exif_of_jpeg, "PNG": _exif_of_png}.get(format, _nothing)(data)
    return _in_directories(exif) or UPRIGHT


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """The same JPEG with one plain orientation tag, which every program reads alike, and no other EXIF.

    Args:
        jpeg: the image file; its pixels are kept bit by bit.
        orientation: 1 to 8.
    """
    tag = struct.pack("<HHIHH", ORIENTATION, SHORT, 1, orientation, 0)
    exif = EXIF + b"\0" + b"II*\0" + struct.pack("<IH", 8, 1) + tag + bytes(4)
    kept = [jpeg[start:end] for marker, start, end in segments_before_pixels(jpeg) if marker != APP1]
    # behind the last segment lie the pixels
    last = max((end for _, _, end in segments_before_pixels(jpeg)), default=2)
    plain = struct.pack(">BBH", 0xFF, APP1, len(exif) + 2) + exif
    return jpeg[:2] + plain + b"".join(kept) + jpeg[last:]


def _nothing(data: bytes) -> bytes:
    return b""


def _exif_of_jpeg(data: bytes) -> bytes:
    """The first EXIF before the pixels; Chromium looks at no other, whatever this one holds."""
    for marker, start, end in segments_before_pixels(data):
        content = data[start + 4 : end]
        if marker == APP1 and content.startswith(EXIF) and len(content) > len(EXIF) + 1:
            return content[len(EXIF) + 1 :]
    return b""


def _exif_of_png(data: bytes) -> bytes:
    """The first eXIf chunk before the pixels, whatever it holds."""
    at = 8
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        if name == b"IDAT":
            break
        if name == b"eXIf":
            return data[at + 8 : at + 8 + length]
        at += 12 + length
    return b""


def _in_directories(exif: bytes) -> int | None:
    """The first usable tag in the main directory and, where that points to it, in the inner one."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None or len(exif) < 8:
        return None
    (offset,) = struct.unpack_from(order + "I", exif, 4)
    inner_seen = False
    for tag, value in _entries(exif, order, offset):
        if tag == ORIENTATION:
            return value
        if tag == INNER_DIRECTORY and not inner_seen:
            inner_seen = True
            for inner_tag, inner_value in _entries(exif, order, value):
                if inner_tag == ORIENTATION:
                    return inner_value
    return None


def _entries(exif: bytes, order: str, offset: int) -> Iterator[tuple[int, int]]:
    """The usable tags of one directory, in its order: orientations 1 to 8 and offsets of the inner directory.

    An orientation is one SHORT and an offset one LONG. A directory that says more entries than there are
    is read as far as it is whole.
    """
    if offset + 2 > len(exif):
        return
    (count,) = struct.unpack_from(order + "H", exif, offset)
    for at in range(offset + 2, min(offset + 2 + 12 * count, len(exif) - 11), 12):
        tag, kind, many = struct.unpack_from(order + "HHI", exif, at)
        if (tag, kind, many) == (ORIENTATION, SHORT, 1):
            (value,) = struct.unpack_from(order + "H", exif, at + 8)
            if 1 <= value <= 8:
                yield tag, value
        elif (tag, kind, many) == (INNER_DIRECTORY, LONG, 1):
            yield tag, struct.unpack_from(order + "I", exif, at + 8)[0]

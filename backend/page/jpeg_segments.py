"""The segments of a JPEG file: where each begins and ends."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from itertools import takewhile

START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
BARE_MARKERS = {0x01, *range(0xD0, 0xD9)}
"""Markers that no length follows."""
_AFTER_SCAN = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")


def segments(jpeg: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start, and where the next one begins: for a scan, behind its data; nothing behind the end.

    Bytes between two segments are passed over.
    """
    at = 2
    while True:
        at = jpeg.find(b"\xff", at)
        while at >= 0 and jpeg[at + 1 : at + 2] == b"\xff":
            at += 1
        if at < 0 or at + 2 > len(jpeg):
            return
        marker = jpeg[at + 1]
        if marker == END_OF_IMAGE:
            yield marker, at, at + 2
            return
        if marker == 0 or marker in BARE_MARKERS:
            at += 2
            continue
        if at + 4 > len(jpeg):
            return
        (length,) = struct.unpack_from(">H", jpeg, at + 2)
        after = at + 2 + length
        if marker == START_OF_SCAN:
            found = _AFTER_SCAN.search(jpeg, after)
            after = found.start() if found else len(jpeg)
        yield marker, at, after
        at = after


def segments_before_pixels(jpeg: bytes) -> Iterator[tuple[int, int, int]]:
    """The same, up to the first scan."""
    return takewhile(lambda one: one[0] not in (START_OF_SCAN, END_OF_IMAGE), segments(jpeg))

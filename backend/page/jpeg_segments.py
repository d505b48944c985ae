"""The segments of a JPEG file: where each begins and ends."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
BARE_MARKERS = {0x01, *range(0xD0, 0xD9)}
"""Markers that no length follows."""
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""A marker that ends a scan; where it may begin with more than one FF, the search takes ten times as long."""


def segments(jpeg: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start, and where the next one begins: for a scan, behind its data; nothing behind the end.

    Bytes between two segments are passed over.
    """
    return _segments(jpeg, before_pixels=False)


def segments_before_pixels(jpeg: bytes) -> Iterator[tuple[int, int, int]]:
    """The same, up to the first scan; its data are not looked through."""
    return _segments(jpeg, before_pixels=True)


def _segments(jpeg: bytes, *, before_pixels: bool) -> Iterator[tuple[int, int, int]]:
    at = 2
    while True:
        at = jpeg.find(b"\xff", at)
        while at >= 0 and jpeg[at + 1 : at + 2] == b"\xff":
            at += 1
        if at < 0 or at + 2 > len(jpeg):
            return
        marker = jpeg[at + 1]
        if before_pixels and marker in (START_OF_SCAN, END_OF_IMAGE):
            return
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
            after = _behind_scan(jpeg, after)
        yield marker, at, after
        at = after


def _behind_scan(jpeg: bytes, begin: int) -> int:
    """Where the next marker stands, the FFs that fill up before it included; the end where there is none."""
    found = _AFTER_SCAN.search(jpeg, begin)
    if found is None:
        return len(jpeg)
    at = found.start()
    while at > begin and jpeg[at - 1] == 0xFF:
        at -= 1
    return at

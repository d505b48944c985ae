"""What a JPEG file's segments say before it is decoded: how many scans, and whether they are whole.

libjpeg fills what is missing with grey and only warns, of which Pillow says nothing; so a file whose header
says more than its data hold, or whose data end too early before a well-formed end, would pass as whole.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TypeAlias

from backend.errors import BadImage
from backend.page.jpeg_segments import END_OF_IMAGE, START_OF_SCAN, segments
from backend.page.limits import MAX_JPEG_SCANS

PROGRESSIVE = 0xC2
FRAMES = {0xC0: 2, 0xC1: 2, PROGRESSIVE: 1}
"""Headers of frames that are Huffman-coded, and the fewest bits of a block in its first scan: in sequential
ones a code for its mean and one for the end of the block, in progressive ones for the mean alone."""

RESTART_INTERVAL = 0xDD
_RESTARTS = re.compile(rb"\xff[\xd0-\xd7]")
_PADDING = bytes((89 * number) % 251 for number in range(1, 65))
"""No marker, and as codes or bits nothing that repeats."""

_Component: TypeAlias = tuple[int, int]
"""Horizontal and vertical sampling."""


@dataclass(frozen=True, slots=True)
class _Frame:
    progressive: bool
    bits: int
    width: int
    height: int
    components: dict[int, _Component]


@dataclass(frozen=True, slots=True)
class Checked:
    """The first picture of a JPEG file, in two forms of which one or the other shows where data are missing.

    once: for a file of one scan: without its end marker, so that the decoder asks for more data instead of
        taking grey for them. For one of several scans, which is read up to that marker first, as it is.
    padded: of several scans: with bytes behind each scan that nobody reads, unless the scan is too short; the
        pixels then change. None for one scan.
    """

    once: bytes
    padded: bytes | None


def checked(jpeg: bytes, max_scans: int = MAX_JPEG_SCANS) -> Checked:
    """Look through the segments of a JPEG file.

    Args:
        jpeg: the file.
        max_scans: scans at most.

    Raises:
        BadImage: it has more scans.
        ValueError: it has fewer data than its size needs, or lacks a component.
    """
    frame: _Frame | None = None
    missing: set[int] = set()
    restarts = 0
    ends: list[int] = []
    end = len(jpeg)
    for marker, at, after in segments(jpeg):
        if marker == END_OF_IMAGE:
            end = at
        elif marker in FRAMES and frame is None:
            frame = _frame(marker, jpeg, at)
            missing = set(frame.components)
        elif marker == START_OF_SCAN:
            ends.append(after)
            if len(ends) > max_scans:
                raise BadImage(
                    f"This JPEG image is stored in more than {max_scans} scans (MAX_JPEG_SCANS), each as "
                    "costly as an image of its own. Save it again as a usual JPEG or PNG.",
                    format="JPEG",
                    limit="scans",
                )
            if frame is not None:
                missing -= _whole_scan(frame, jpeg, at, after, restarts)
        elif marker == RESTART_INTERVAL and after <= len(jpeg):
            (restarts,) = struct.unpack_from(">H", jpeg, at + 4)
    if missing:
        raise ValueError(f"no scan holds the components {sorted(missing)}")
    if len(ends) > 1 or frame is None or frame.progressive:
        starts = [0, *ends]
        parts = [jpeg[start:stop] for start, stop in zip(starts, [*ends, len(jpeg)], strict=True)]
        return Checked(jpeg, _PADDING.join(parts))
    # longer than what libjpeg looks ahead (8 bytes), too short for more than a block or two
    return Checked(jpeg if end == len(jpeg) else jpeg[:end] + bytes(8), None)


def _frame(marker: int, jpeg: bytes, at: int) -> _Frame:
    height, width, count = struct.unpack_from(">HHB", jpeg, at + 5)
    components = {}
    for number in range(count):
        name, sampling = struct.unpack_from("BB", jpeg, at + 10 + 3 * number)
        if not (1 <= sampling >> 4 <= 4 and 1 <= sampling & 15 <= 4):
            raise ValueError(f"a component is sampled {sampling:#x}")
        components[name] = (sampling >> 4, sampling & 15)
    return _Frame(marker == PROGRESSIVE, FRAMES[marker], width, height, components)


def _whole_scan(frame: _Frame, jpeg: bytes, at: int, after: int, restarts: int) -> set[int]:
    """The components that a scan begins; ValueError where it cannot hold their blocks."""
    length, count = struct.unpack_from(">HB", jpeg, at + 2)
    names = {jpeg[at + 5 + 2 * number] for number in range(count)}
    first, _, bits_before = struct.unpack_from("BBB", jpeg, at + 5 + 2 * count)
    if not names or not names <= set(frame.components):
        return set()
    units, blocks = _units_and_blocks(frame, names)
    begin = at + 2 + length
    if restarts and len(_RESTARTS.findall(jpeg, begin, after)) < -(-units // restarts) - 1:
        raise ValueError("a scan has fewer restarts than its size needs")
    if first or bits_before >> 4:
        return set()
    if blocks * frame.bits > 8 * (after - begin):
        raise ValueError(f"{after - begin} bytes cannot hold {frame.width} x {frame.height} pixels")
    return names


def _units_and_blocks(frame: _Frame, names: set[int]) -> tuple[int, int]:
    """Units that a scan of these components is coded in, and its blocks of 8 x 8 samples."""
    widest = max(across for across, _ in frame.components.values())
    highest = max(down for _, down in frame.components.values())
    if len(names) == 1:
        across, down = frame.components[next(iter(names))]
        columns, rows = -(-frame.width * across // widest), -(-frame.height * down // highest)
        blocks = -(-columns // 8) * -(-rows // 8)
        return blocks, blocks
    units = -(-frame.width // (8 * widest)) * -(-frame.height // (8 * highest))
    return units, units * sum(across * down for across, down in (frame.components[name] for name in names))

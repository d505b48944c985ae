"""What an image file holds beside the page that is read: further pages, pictures or frames, counted."""

from __future__ import annotations

import io
import struct

from PIL import GifImagePlugin, ImageFile, JpegImagePlugin

from backend.page.lines import Reason, ReasonKind

TIFF_KIND, TIFF_COPY_OR_MASK = 254, 0b101
"""TIFF's tag for the kind of a page, and the bits that say that it is none of its own."""
MPO_ENTRIES = 0xB002
"""The tag that lists the pictures of a JPEG file, as Pillow gives it."""
MOST_COUNTED = 10_000
"""Pages of a file that are counted."""


def more_than_one(data: bytes, name: str, image: ImageFile.ImageFile) -> tuple[Reason, ...]:
    """A note where a file holds more pages, pictures or frames than the one that was opened.

    Args:
        data: the whole file.
        name: of its format.
        image: the opened one; of a file with frames it is left at any of them.
    """
    if name == "TIFF":
        kind, many = ReasonKind.MORE_PAGES, _pages(data)
    elif name == "JPEG":
        kind, many = ReasonKind.MORE_PAGES, _pictures(data)
    else:
        # to count a GIF's frames its image is left at the last one
        fresh = GifImagePlugin.GifImageFile(io.BytesIO(data)) if name == "GIF" else image
        kind, many = ReasonKind.MORE_FRAMES, _frames(fresh)
    return (Reason(kind, str(many)),) if many > 1 else ()


def _pages(tiff: bytes) -> int:
    """Pages of a TIFF, at most `MOST_COUNTED`; a smaller copy of a page, or a mask, is none.

    Its directories are walked here, because Pillow opens each page and fails over those that it cannot read.
    """
    order = "<" if tiff.startswith(b"II") else ">"
    large = b"+" in tiff[2:4]
    counts, offsets, entry_size = ("Q", "Q", 20) if large else ("H", "I", 12)
    (at,) = struct.unpack_from(order + offsets, tiff, 8 if large else 4)
    walked: set[int] = set()
    pages = 0
    while at and at not in walked and pages < MOST_COUNTED:
        walked.add(at)
        try:
            (entries,) = struct.unpack_from(order + counts, tiff, at)
            at += struct.calcsize(order + counts)
            # of all tags the kind of page has the lowest number, so it comes first
            tag, kind = struct.unpack_from(f"{order}H{10 if large else 6}xI", tiff, at)
            pages += not (tag == TIFF_KIND and kind & TIFF_COPY_OR_MASK)
            (at,) = struct.unpack_from(order + offsets, tiff, at + entries * entry_size)
        except struct.error:
            break
    return pages


def _pictures(jpeg: bytes) -> int:
    """Pictures of a JPEG file (MPO) that people may have to see: not previews, depth or brightness maps."""
    image = JpegImagePlugin.jpeg_factory(io.BytesIO(jpeg))
    kinds = [entry["Attribute"]["MPType"] for entry in getattr(image, "mpinfo", {}).get(MPO_ENTRIES, [])]
    size = image.size
    pictures = 1
    for number, kind in enumerate(kinds[1:], start=1):
        # what has no kind is a map of brightness when it is smaller than the picture
        undefined = kind == "Undefined" and _size_of(image, number) == size
        pictures += undefined or kind.startswith("Multi-Frame")
    return pictures


def _size_of(image: ImageFile.ImageFile, number: int) -> tuple[int, int] | None:
    try:
        image.seek(number)
    except Exception:  # noqa: BLE001 - Pillow raises whatever it trips over, and no program shows such a picture
        return None
    return image.size


def _frames(image: ImageFile.ImageFile) -> int:
    """Frames of a picture; the still one for programs that cannot move does not count."""
    try:
        return int(getattr(image, "n_frames", 1)) - bool(getattr(image, "default_image", False))
    except Exception:  # noqa: BLE001 - as above; a further frame begins, whatever is wrong with it
        return image.tell() + 2

"""Which way up PaddleOCR opens an image file, and how to write one that a browser shows the same way up.

PaddleOCR and PPOCRLabel decode with OpenCV, which takes EXIF tags that a browser does not take, and the
other way round. Corners in a label file then belong to another picture than the one on the screen.
"""

from __future__ import annotations

import cv2
import numpy as np

from backend.page import image_files
from backend.page.lines import Page
from backend.page.orientation import UPRIGHT, orientation, with_orientation

_TAG_DIRECTORIES = (b"II*\0", b"MM\0*")
"""How every directory of EXIF tags begins; without one OpenCV turns nothing."""


def paddle_orientation(data: bytes) -> int:
    """The EXIF orientation by which PaddleOCR's decoder turns an image, 1 to 8.

    It is found by looking: the file is decoded with and without its turn.

    Args:
        data: the image file, which Pillow has decoded whole: JPEG, PNG or WebP. What OpenCV cannot open
            counts as not turned, and so does a TIFF.
    """
    # OpenCV's libtiff is years old, and what it makes of a TIFF matters nowhere: pages of one become PNG
    if image_files.format_of(data) == "TIFF" or not any(begin in data for begin in _TAG_DIRECTORIES):
        return UPRIGHT
    content = np.frombuffer(data, dtype=np.uint8)
    stored = cv2.imdecode(content, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    turned = cv2.imdecode(content, cv2.IMREAD_COLOR)
    if stored is None or turned is None:
        return UPRIGHT
    pixels = np.asarray(stored, dtype=np.uint8)
    turns = (way for way in range(UPRIGHT, 9) if np.array_equal(image_files.turned(pixels, way), turned))
    return next(turns, UPRIGHT)


def opened_alike(data: bytes, format: str, page: Page) -> tuple[bytes, Page] | None:
    """A file that a browser shows as PaddleOCR opens the given one; None where it does so already.

    Args:
        data: the image file.
        format: as `image_files` names it.
        page: the file as a browser shows it.

    Returns:
        A JPEG of the same pixels with one plain tag, or a PNG; and its page.
    """
    shown, opened = orientation(data, format), paddle_orientation(data)
    if format == "TIFF" or shown == opened:
        return None
    other = Page(image_files.turned(image_files.turned_back(page.pixels, shown), opened), page.notes)
    if format == "JPEG":
        return with_orientation(data, opened), other
    return image_files.encode(other.pixels, "png"), other

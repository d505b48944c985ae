"""The images of label files, opened as PaddleOCR opens them, but for what a foreign dataset could do.

Names are followed as PaddleOCR follows them, also out of the folder, which is said of the row: what such a
file holds is shown nowhere. It is opened only when it is a regular file within the limits of MAX_IMAGE_BYTES,
MAX_PAGE_PIXELS and MAX_JPEG_SCANS (their defaults), and by OpenCV only when Pillow has decoded it whole.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.markup import escape

from backend.cores import cores
from backend.errors import BadImage
from backend.outputs import printable
from backend.page import image_files
from backend.page.limits import MAX_DECODING_PIXELS, MAX_PAGE_PIXELS
from backend.page.lines import Pixels
from backend.page.pixel_budget import PixelBudget
from converters.paddleocr.findings import Picture, PictureState
from converters.paddleocr.image_names import found_by_end
from converters.paddleocr.row_check import images_of
from converters.shared.image_bytes import read_image
from converters.shared.progress import progress

MOST_SIDE = 2**20
"""Pixels; OpenCV decodes no longer side."""

OLD_CODECS = re.compile(
    rb"\0\0\0\x0cjP|\xff\x4f\xff\x51|\x76\x2f\x31\x01|P[1-7]\s|P[Ff]\s|#\?R|\x59\xa6\x6a\x95"
)
"""JPEG 2000, OpenEXR, PNM, PFM, Radiance HDR and Sun raster: only OpenCV would decode them, whose wheel
(PaddleX pins its version) has years-old codecs with known holes. Foreign bytes never reach those."""


def pictures_of(
    folder: Path, rows: Sequence[bytes], name: str, console: Console | None
) -> Mapping[str, Picture]:
    """Open every image of a label file, each once.

    Args:
        folder: what image names are relative to.
        rows: the file's lines.
        name: the file's, for the bar.
        console: where progress is shown; None shows none.
    """
    names = sorted({image for row in rows for image in images_of(row)})
    # joined as PaddleOCR joins: an absolute name wins, an empty one is the folder
    paths = [image if image.startswith("http") else os.path.join(folder, image) for image in names]  # noqa: PTH118
    with ThreadPoolExecutor(cores()) as pool:
        budget = PixelBudget(MAX_DECODING_PIXELS)
        looked = pool.map(partial(_looked, folder, budget), names, paths, chunksize=1)
        if console is None:
            return dict(zip(names, looked, strict=True))
        with progress(console) as bars:
            bar = bars.add_task(escape(printable(f"Opening the images of {name}")), total=len(names))
            found = {}
            for image, picture in zip(names, looked, strict=True):
                found[image] = picture
                bars.advance(bar)
            return found


def _looked(folder: Path, budget: PixelBudget, image: str, path: str) -> Picture:
    """The image of a row; of one that is missing, why, where that can be seen."""
    picture = look_at(path, budget)
    if picture.state is PictureState.GOOD and not Path(path).resolve().is_relative_to(folder.resolve()):
        return replace(picture, outside=True)
    if picture.state is not PictureState.MISSING or found_by_end(image, folder) is None:
        return picture
    return Picture(PictureState.BACKSLASH if "\\" in image else PictureState.ELSEWHERE)


def look_at(path: str, budget: PixelBudget | None = None) -> Picture:
    """Open an image the way PaddleOCR does, but first with the decoder that reads pages.

    Args:
        path: its place; a web address is not followed.
        budget: of pixels, where several are opened at once.
    """
    if path.startswith(("http://", "https://")):
        return Picture(PictureState.REMOTE)
    # os.path.exists, as PaddleOCR asks: false for a name that no file can have, too
    if not os.path.exists(path):  # noqa: PTH110
        return Picture(PictureState.MISSING)
    try:
        content = read_image(Path(path))
    except OSError as error:
        if error.errno == errno.EFBIG:
            return Picture(PictureState.TOO_LARGE)
        # a device or a pipe has no end, or waits for ever
        endless = error.errno == errno.EINVAL and not Path(path).is_dir()
        return Picture(PictureState.ENDLESS if endless else PictureState.NOT_A_FILE)
    if not content:
        return Picture(PictureState.EMPTY)
    if OLD_CODECS.match(content):
        return Picture(PictureState.UNTRUSTED)
    try:
        found = image_files.header(content, max_pixels=MAX_PAGE_PIXELS, max_side=MOST_SIDE)
    except BadImage as error:
        return Picture(PictureState.TOO_LARGE if "limit" in error.facts else PictureState.UNDECODABLE)
    # as many large ones at once as there are cores would fill the memory
    with nullcontext() if budget is None else budget.hold(found.decoding_pixels):
        try:
            pixels = opened(content)
        except BadImage as error:
            return Picture(PictureState.TOO_LARGE if "limit" in error.facts else PictureState.DAMAGED)
        except cv2.error:
            return Picture(PictureState.REFUSED)
        if pixels is None:
            return Picture(PictureState.UNDECODABLE)
        height, width = pixels.shape[:2]
        salt = f"{width}x{height}".encode()[:16]
        digest = hashlib.blake2b(pixels.data, digest_size=16, salt=salt).hexdigest()
    return Picture(PictureState.GOOD, width, height, digest)


def opened(content: bytes) -> Pixels | None:
    """The pixels of an image as PaddleOCR's decoder gives them, in RGB; None where it gives none.

    That decoder is OpenCV's, so it gets only what Pillow has decoded whole before, and no TIFF: of one the
    pixels are Pillow's.

    Args:
        content: the file.

    Raises:
        BadImage: Pillow decodes no whole image of it, or it breaks a limit.
        OutOfMemory: there was no memory for it.
    """
    page = image_files.decode(content, max_side=MOST_SIDE)
    if image_files.format_of(content) == "TIFF":
        return page.pixels
    del page
    pixels = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_COLOR)
    return None if pixels is None else cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)

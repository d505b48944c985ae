"""The images of label files, opened as PaddleOCR opens them."""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from threading import Lock

import cv2
import numpy as np
from rich.console import Console
from rich.markup import escape

from backend.cores import cores
from backend.outputs import printable
from backend.page.image_files import OPENERS
from converters.paddleocr.findings import Picture, PictureState
from converters.paddleocr.image_names import found_by_end
from converters.paddleocr.row_check import images_of
from converters.shared.progress import progress

MAX_BYTES = 100 * 1024**2
MAX_PIXELS = 200_000_000
"""The largest image that is opened: the defaults of MAX_IMAGE_BYTES and MAX_PAGE_PIXELS, as for reading."""

LARGE_PIXELS = 20_000_000
"""Images with more pixels are opened one at a time."""

_ONE_LARGE = Lock()
_TEXT_HEADERS = (
    re.compile(rb"P[1-6]\s+(?:#[^\n]*\n\s*)*(\d+)\s+(\d+)"),
    re.compile(rb"#\?R.{0,4096}?[-+]Y (\d+) [-+]X (\d+)", re.DOTALL),
)
"""PNM and Radiance HDR, which OpenCV decodes and twinread itself does not: width and height as digits."""

_BINARY_HEADERS = (
    re.compile(rb".{0,4096}?\xff\x4f\xff\x51....(.{4})(.{4})", re.DOTALL),
    re.compile(rb"\x59\xa6\x6a\x95(.{4})(.{4})", re.DOTALL),
)
"""JPEG 2000 and Sun raster, likewise: as big-endian numbers."""


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
        looked = pool.map(partial(_looked, folder), names, paths, chunksize=1)
        if console is None:
            return dict(zip(names, looked, strict=True))
        with progress(console) as bars:
            bar = bars.add_task(escape(printable(f"Opening the images of {name}")), total=len(names))
            found = {}
            for image, picture in zip(names, looked, strict=True):
                found[image] = picture
                bars.advance(bar)
            return found


def _looked(folder: Path, image: str, path: str) -> Picture:
    """The image of a row; of one that is missing, why, where that can be seen."""
    picture = look_at(path)
    if picture.state is not PictureState.MISSING or found_by_end(image, folder) is None:
        return picture
    return Picture(PictureState.BACKSLASH if "\\" in image else PictureState.ELSEWHERE)


def look_at(path: str) -> Picture:
    """Open an image with the decoder that PaddleOCR uses, the way it does.

    Args:
        path: its place; a web address is not followed.
    """
    if path.startswith(("http://", "https://")):
        return Picture(PictureState.REMOTE)
    # os.path.exists, as PaddleOCR asks: false for a name that no file can have, too
    if not os.path.exists(path):  # noqa: PTH110
        return Picture(PictureState.MISSING)
    try:
        about = Path(path).stat()
        # a device or a pipe has no end, or waits for ever
        if not (stat.S_ISREG(about.st_mode) or stat.S_ISDIR(about.st_mode)):
            return Picture(PictureState.ENDLESS)
        if about.st_size > MAX_BYTES:
            return Picture(PictureState.TOO_LARGE)
        content = Path(path).read_bytes()
    except OSError:
        return Picture(PictureState.NOT_A_FILE)
    if not content:
        return Picture(PictureState.EMPTY)
    claimed = claimed_pixels(content)
    if claimed > MAX_PIXELS:
        return Picture(PictureState.TOO_LARGE)
    # as many large ones at once as there are cores would fill the memory
    with _ONE_LARGE if claimed > LARGE_PIXELS else nullcontext():
        try:
            pixels = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_COLOR)
        except cv2.error:
            return Picture(PictureState.REFUSED)
        if pixels is None:
            return Picture(PictureState.UNDECODABLE)
        height, width = pixels.shape[:2]
        salt = f"{width}x{height}".encode()[:16]
        digest = hashlib.blake2b(np.ascontiguousarray(pixels).data, digest_size=16, salt=salt).hexdigest()
    return Picture(PictureState.GOOD, width, height, digest)


def claimed_pixels(content: bytes) -> int:
    """Width times height as the file's header says; 0 where it says nothing that can be read."""
    for pattern in _TEXT_HEADERS:
        if found := pattern.match(content):
            return int(found[1][:9]) * int(found[2][:9])
    if not content.startswith((b"\xff\xd8", b"\x89PNG")):
        for pattern in _BINARY_HEADERS:
            if found := pattern.match(content):
                return int.from_bytes(found[1], "big") * int.from_bytes(found[2], "big")
    for signature, opener in OPENERS.values():
        if signature.match(content):
            try:
                width, height = opener(io.BytesIO(content)).size
            except Exception:  # noqa: BLE001  (Pillow's parsers raise anything; the decoder then says why)
                return 0
            return int(width) * int(height)
    return 0

"""The images of label files, opened as PaddleOCR opens them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console

from backend.cores import cores
from converters.check.findings import Picture, PictureState
from converters.check.row_check import images_of
from converters.shared.progress import progress


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
        looked = pool.map(look_at, paths, chunksize=1)
        if console is None:
            return dict(zip(names, looked, strict=True))
        with progress(console) as bars:
            bar = bars.add_task(f"Opening the images of {name}", total=len(names))
            found = {}
            for image, picture in zip(names, looked, strict=True):
                found[image] = picture
                bars.advance(bar)
            return found


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
        content = Path(path).read_bytes()
    except OSError:
        return Picture(PictureState.NOT_A_FILE)
    if not content:
        return Picture(PictureState.EMPTY)
    try:
        pixels = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return Picture(PictureState.REFUSED)
    if pixels is None:
        return Picture(PictureState.UNDECODABLE)
    height, width = pixels.shape[:2]
    digest = hashlib.blake2b(
        pixels.tobytes(), digest_size=16, salt=f"{width}x{height}".encode()[:16]
    ).hexdigest()
    return Picture(PictureState.GOOD, width, height, digest)

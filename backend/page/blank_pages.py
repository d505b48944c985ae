"""Says whether a whole page is blank, so that "nothing there" and "nothing found" stay apart; pure."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from backend.page.crops import is_blank
from backend.page.lines import Pixels

_PART: Final = 512
"""Pixels: the side of the parts that are judged one by one. The shading of a page is gentle in each."""
_LONGEST: Final = 1200
"""Pixels. A larger page is judged at this size, where its print still shows: for a blank page every part
must be looked at, which takes up to a second here."""
_LEVELS: Final = 12
"""Of 255: what no crop shows that differs by no more."""


def is_blank_page(pixels: Pixels) -> bool:
    """Whether a page shows nothing at all, by the test that crops are judged by; False in doubt.

    Args:
        pixels: RGB, uint8, shape (height, width, 3).
    """
    scale = _LONGEST / max(pixels.shape[:2])
    if scale < 1:
        size = [max(1, round(side * scale)) for side in pixels.shape[1::-1]]
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    height, width = pixels.shape[:2]
    parts = (
        pixels[top : top + _PART, left : left + _PART]
        for top in range(0, height, _PART)
        for left in range(0, width, _PART)
    )
    # the test for crops lets 12 levels pass anywhere, so a part that has no more needs no fit
    return all(int(part.max()) - int(part.min()) <= _LEVELS or is_blank(part) for part in parts)

"""How much of a crop's length is covered with ink: room for so many characters, whatever a reader says."""

from __future__ import annotations

import numpy as np

from backend.page.lines import Pixels

_LEAST_CONTRAST = 32.0
"""Levels of 255 by which ink differs from its ground at least."""
_RULE_SHARE = 0.6
"""A row of pixels with more ink than this is a rule under the text or the frame of a table."""


def ink_length(crop: Pixels) -> int:
    """Measure how much of a line's length is covered with ink.

    Gaps between words do not count, nor do rules along the line.

    Args:
        crop: RGB, uint8, shape (height, width, 3); the text runs along the longer side.

    Returns:
        The number of columns (rows, in a tall crop) with ink in them, pixels.
    """
    levels = crop.mean(axis=2)
    if levels.shape[0] > levels.shape[1]:
        levels = levels.T
    if levels.size == 0:
        return 0
    contrast = np.abs(levels - np.median(levels))
    ink = contrast > max(_LEAST_CONTRAST, 0.5 * float(np.percentile(contrast, 99)))
    ink = ink[ink.mean(axis=1) <= _RULE_SHARE]
    return int(ink.any(axis=0).sum())

"""Says whether people can see a line that was read, where a browser shows another picture than was read."""

from __future__ import annotations

import numpy as np

from backend.page.lines import Pixels

JUDGEABLE = 40
"""Levels of brightness, of 255, between ink and ground; text with less cannot be judged on a screen."""

LUMINANCE = np.array([0.299, 0.587, 0.114])
"""What red, green and blue add to brightness."""


def contrast(crop: Pixels) -> int:
    """Levels of brightness between the darkest and the lightest hundredth of a crop.

    Args:
        crop: RGB, uint8, shape (height, width, 3).
    """
    darkest, lightest = np.percentile(crop @ LUMINANCE, [1, 99])
    return int(lightest - darkest)


def unseen(shown: Pixels, read: Pixels) -> bool:
    """Whether a line was read with a contrast that its reviewer does not have.

    Args:
        shown: the line's crop from the picture on the screen; RGB, uint8, shape (height, width, 3).
        read: the crop that was read, of the same shape.
    """
    on_screen = contrast(shown)
    # a line that is faint in its file is as faint for the readers, and they say so by their readings
    return on_screen < JUDGEABLE and contrast(read) > 2 * on_screen

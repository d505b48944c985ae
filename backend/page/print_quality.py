"""How well a line is printed and photographed, in three numbers: what a person sees at once of a crop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backend.page.lines import Pixels


@dataclass(frozen=True, slots=True)
class PrintQuality:
    """The looks of a crop; shares, 0 to 1.

    contrast: between its darkest and its lightest parts, of all levels.
    sharpness: the steepest steps from a pixel to the next, of the contrast; low where it is blurred.
    grain: what is left of single pixels beside their neighbours, of the contrast; high where it is noisy.
    """

    contrast: float
    sharpness: float
    grain: float


def print_quality(crop: Pixels) -> PrintQuality:
    """Measure a crop.

    Args:
        crop: RGB, uint8, shape (height, width, 3).
    """
    levels = crop.mean(axis=2)
    if min(levels.shape) < 3:
        return PrintQuality(0.0, 0.0, 0.0)
    dark, light = np.percentile(levels, (1, 99))
    contrast = max(float(light - dark), 1.0)
    steps = np.abs(np.diff(levels, axis=1))
    middle = levels[:, 1:-1]
    beside = (levels[:, :-2] + levels[:, 2:]) / 2
    return PrintQuality(
        contrast=contrast / 255,
        sharpness=min(1.0, float(np.percentile(steps, 98)) / contrast),
        grain=min(1.0, float(np.median(np.abs(middle - beside))) / contrast),
    )

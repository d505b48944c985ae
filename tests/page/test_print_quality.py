"""How well a line is printed, in numbers."""

from __future__ import annotations

import numpy as np
import pytest

from backend.page.print_quality import PrintQuality, print_quality


def stripes(dark=0, light=255, soft=0, noise=0.0):
    """A crop of upright strokes, eight pixels wide; `soft` pixels of slope at each edge."""
    row = np.where(np.arange(160) // 8 % 2, float(light), float(dark))
    if soft:
        row = np.convolve(np.pad(row, soft, mode="edge"), np.full(2 * soft + 1, 1 / (2 * soft + 1)), "valid")
    pixels = np.repeat(np.repeat(row[None, :, None], 32, axis=0), 3, axis=2)
    grain = np.random.default_rng(1).normal(0, 1, (32, 160, 1)) * noise
    return np.clip(pixels + grain, 0, 255).astype(np.uint8)


def test_black_on_white_has_all_contrast_and_no_grain():
    assert print_quality(stripes()) == PrintQuality(contrast=1.0, sharpness=1.0, grain=0.0)


@pytest.mark.parametrize(
    ("name", "crop", "lower"),
    [
        pytest.param("contrast", stripes(100, 150), True, id="faint"),
        pytest.param("sharpness", stripes(soft=3), True, id="blurred"),
        pytest.param("grain", stripes(noise=20), False, id="noisy"),
    ],
)
def test_each_damage_shows_in_its_number(name, crop, lower):
    good, bad = getattr(print_quality(stripes()), name), getattr(print_quality(crop), name)
    assert bad < 0.5 * good if lower else bad > good + 0.02


@pytest.mark.parametrize("size", [(1, 1, 3), (2, 500, 3), (500, 2, 3)])
def test_a_crop_of_a_pixel_or_two_has_no_quality(size):
    assert print_quality(np.zeros(size, np.uint8)) == PrintQuality(0.0, 0.0, 0.0)


def test_one_colour_is_no_contrast():
    measured = print_quality(np.full((30, 200, 3), 200, np.uint8))
    assert (measured.sharpness, measured.grain) == (0.0, 0.0)
    assert measured.contrast < 0.01

"""Blank pages: "nothing there" and "nothing found" stay apart."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from backend.page.blank_pages import is_blank_page
from tests.parts.drawn_pages import font

WHITE = np.full((900, 700, 3), 255, np.uint8)
GREY = np.linspace(150, 250, 900)[:, None, None] * np.ones((1, 700, 3))
PAPER = np.random.default_rng(1).normal(GREY, 2).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "pixels",
    [
        pytest.param(WHITE, id="white"),
        pytest.param(np.zeros_like(WHITE), id="black"),
        pytest.param(PAPER, id="noisy paper in uneven light"),
        pytest.param(np.full((1, 1, 3), 7, np.uint8), id="one pixel"),
        pytest.param(np.full((5000, 3, 3), 7, np.uint8), id="a hair"),
    ],
)
def test_a_page_without_a_mark_is_blank(pixels: np.ndarray) -> None:
    assert is_blank_page(pixels)


@pytest.mark.parametrize("letters", [9, 30])
@pytest.mark.parametrize("size", [(700, 900), (253, 14400), (4000, 3000)], ids=str)
def test_a_page_with_one_word_is_not(size: tuple[int, int], letters: int) -> None:
    page = Image.new("RGB", size, "white")
    ImageDraw.Draw(page).text((size[0] // 2, size[1] - 60), "итого", font=font(letters), fill="black")
    assert not is_blank_page(np.asarray(page))

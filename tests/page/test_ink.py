"""How much of a line's length is covered with ink."""

from __future__ import annotations

import numpy as np
import pytest

from backend.page.ink import ink_length


def drawn(*strokes, size=(40, 200), ground=255, ink=0):
    """A crop with black boxes, each (first column, columns, first row, rows)."""
    crop = np.full((*size, 3), ground, np.uint8)
    for x, width, y, height in strokes:
        crop[y : y + height, x : x + width] = ink
    return crop


@pytest.mark.parametrize(
    ("crop", "length"),
    [
        pytest.param(drawn(), 0, id="blank"),
        pytest.param(drawn((10, 20, 5, 30), (60, 30, 5, 30)), 50, id="two words without their gap"),
        pytest.param(drawn((10, 50, 5, 30), ground=0, ink=255), 50, id="light on dark"),
        pytest.param(drawn((10, 50, 5, 30), (0, 200, 36, 2)), 50, id="a rule under the line"),
        pytest.param(np.rot90(drawn((10, 50, 5, 30))), 50, id="a tall line"),
        pytest.param(drawn((10, 50, 5, 30), ink=240), 0, id="too pale to be ink"),
        pytest.param(np.zeros((0, 0, 3), np.uint8), 0, id="no crop"),
    ],
)
def test_columns_with_ink_are_counted(crop, length):
    assert ink_length(crop) == length

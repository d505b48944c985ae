"""How closely a page is looked at: sizes in, sizes out."""

from __future__ import annotations

import pytest

from backend.detectors.looks import look_at_strip, second_look


@pytest.mark.parametrize(
    ("size", "scale"),
    [
        pytest.param((2480, 3508), 0.456, id="a scan"),
        pytest.param((800, 3200), 0.5, id="a receipt"),
        pytest.param((1200, 48), 0.8, id="one line"),
        pytest.param((640, 480), 1.0, id="not reduced"),
    ],
)
def test_an_ordinary_page_is_searched_in_one_look(size: tuple[int, int], scale: float) -> None:
    assert look_at_strip(*size, scale, 960, 1600) is None


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        pytest.param((253, 14400), 1.0, id="253 wide: at full size"),
        pytest.param((14400, 253), 1.0, id="or high"),
        pytest.param((2000, 20_000), 960 / 2800, id="as a sheet of its width"),
    ],
)
def test_a_long_strip_is_searched_in_parts(size: tuple[int, int], expected: float) -> None:
    look = look_at_strip(*size, 1600 / max(size), 960, 1600)
    assert look is not None
    assert look.scale == pytest.approx(expected)
    assert look.side * look.scale <= 1600


@pytest.mark.parametrize(
    ("median", "expected"),
    [
        pytest.param(40.0, None, id="20 network pixels high: enough"),
        pytest.param(24.0, None, id="just enough"),
        pytest.param(20.0, 1.0, id="too small: lines of 20 network pixels"),
        pytest.param(None, 1.0, id="nothing found"),
    ],
)
def test_small_print_is_looked_at_again(median: float | None, expected: float | None) -> None:
    look = second_look(2000, 1500, 0.5, median, 1600)
    assert (look.scale if look else None) == expected


def test_no_page_is_looked_at_without_an_end() -> None:
    look = second_look(20_000, 20_000, 0.08, 30.0, 1600)
    assert look is not None
    assert (20_000 * look.scale) ** 2 <= 4000 * 4000 * 1.01


def test_a_page_at_full_size_is_not_looked_at_again() -> None:
    assert second_look(900, 900, 1.0, 8.0, 1600) is None

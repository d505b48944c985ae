"""Texts stand in the picture where their lines stand on the page, the way round they stand there."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from backend.page.lines import Page, Pixels
from converters.prediction.picture import LONGEST, Drawing, Fonts, line_picture, page_picture
from converters.prediction.predict import PredictedLine

WIDE = [[100, 100], [500, 100], [500, 150], [100, 150]]
TALL = [[100, 100], [150, 100], [150, 500], [100, 500]]
FROM_THE_SIDE = [[150, 100], [150, 500], [100, 500], [100, 100]]


def drawn(text: str, quad: list[list[int]], size: tuple[int, int] = (800, 600), **how: object) -> Drawing:
    page = Page(np.full((size[1], size[0], 3), 255, np.uint8))
    line = PredictedLine(np.array(quad, np.float32), text, 0.9)
    return page_picture(page, [line], Fonts(), **how)  # type: ignore[arg-type]


def ink(pixels: Pixels) -> npt.NDArray[np.bool_]:
    """Where the right half has letters, which alone are black."""
    half = pixels[:, (pixels.shape[1] - 2) // 2 + 2 :]
    return np.asarray(half.max(axis=2) < 90)


def box_of(mask: npt.NDArray[np.bool_]) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])


@pytest.mark.parametrize(
    ("text", "quad"),
    [
        pytest.param("Счёт № 5 от 12.03.2026", WIDE, id="along the page"),
        pytest.param("Счёт", [[500, 40], [700, 40], [700, 90], [500, 90]], id="far to the right"),
        pytest.param("Адрес: г. Тверь", TALL, id="down the page"),
        pytest.param("春眠不觉晓", TALL, id="a column"),
        pytest.param("Ανοιχτά όλο το 24ωρο", [[100, 100], [490, 170], [480, 220], [90, 150]], id="slanted"),
    ],
)
def test_a_text_stands_within_its_box_and_nowhere_else(text: str, quad: list[list[int]]) -> None:
    left, top, right, bottom = box_of(ink(drawn(text, quad).pixels))

    xs, ys = zip(*quad, strict=True)
    assert min(xs) - 3 <= left < right <= max(xs) + 3
    assert min(ys) - 3 <= top < bottom <= max(ys) + 3


def test_a_turned_line_is_drawn_turned_and_a_column_letter_by_letter() -> None:
    straight = ink(drawn("LLLLLLLL", [[100, 100], [500, 100], [500, 150], [100, 150]]).pixels)[
        100:150, 100:500
    ]
    turned = ink(drawn("LLLLLLLL", TALL).pixels)[100:500, 100:150]
    # read after a quarter turn to the left, so drawn with a quarter turn to the right
    same = np.mean(np.rot90(straight, -1) == turned)
    assert same > 0.97

    column = ink(drawn("一一一一一", TALL).pixels)[100:500, 100:150]
    rows = np.flatnonzero(np.diff(column.any(axis=1).astype(int)) == 1)
    assert len(rows) == 5
    width = box_of(column)
    assert width[2] - width[0] > 20


def test_a_column_that_was_read_from_the_side_stands_upright_too() -> None:
    one, other = drawn("春眠不觉晓", TALL), drawn("春眠不觉晓", FROM_THE_SIDE)

    assert np.mean(ink(one.pixels) != ink(other.pixels)) < 0.002


def test_with_tall_lines_never_a_tall_box_is_read_as_it_stands() -> None:
    upright = box_of(ink(drawn("LLLLLLLL", TALL, tall_lines="never").pixels))

    assert upright[2] - upright[0] > 30
    assert upright[3] - upright[1] > 200


def test_a_text_from_right_to_left_ends_at_the_left() -> None:
    left, _, right, _ = box_of(ink(drawn("שלום", WIDE).pixels))

    assert left > 250
    assert right > 480


def test_letters_that_no_font_has_are_not_drawn_and_are_named() -> None:
    private = "\ue123\ue124"
    picture = drawn(private, WIDE)

    assert picture.undrawn == (private,)
    assert not ink(picture.pixels)[110:140, 110:490].any()


def test_other_lines_of_such_a_page_are_drawn_each_in_a_font_that_has_its_letters() -> None:
    page = Page(np.full((600, 800, 3), 255, np.uint8))
    texts = ("\ue123", "Счёт", "春眠")
    places = [np.array(WIDE, np.float32) + np.array([0, 100 * row], np.float32) for row in range(3)]
    lines = [PredictedLine(place, text, 0.9) for place, text in zip(places, texts, strict=True)]

    picture = page_picture(page, lines, Fonts())

    assert picture.undrawn == ("\ue123",)
    assert [bool(ink(picture.pixels)[top : top + 40, 105:495].any()) for top in (105, 205, 305)] == [
        False,
        True,
        True,
    ]


def test_the_left_half_is_the_page_with_its_boxes() -> None:
    picture = drawn("Счёт", WIDE).pixels

    assert picture.shape == (600, 2 * 800 + 2, 3)
    assert picture[10, 10].tolist() == [255, 255, 255]
    assert picture[125, 300].tolist() != [255, 255, 255]


def test_a_huge_page_is_made_smaller_and_a_tiny_one_larger() -> None:
    assert drawn("Счёт", WIDE, size=(6000, 400)).pixels.shape[1] == 2 * LONGEST + 2
    assert drawn("a", [[5, 5], [30, 5], [30, 20], [5, 20]], size=(40, 30)).pixels.shape[:2] == (240, 642)


def test_a_box_that_reaches_beyond_the_page_is_cut_off_at_its_edge() -> None:
    for quad in (
        [[-50, -20], [200, -20], [200, 30], [-50, 30]],
        [[700, 580], [900, 580], [900, 640], [700, 640]],
    ):
        assert drawn("Счёт № 5", quad).undrawn == ()


def test_a_line_crop_has_its_text_below_it() -> None:
    crop = np.full((30, 300, 3), 200, np.uint8)

    picture = line_picture(crop, PredictedLine(None, "Счёт № 5", 0.9), Fonts())

    assert picture.pixels.shape == (96, 480, 3)
    assert (picture.pixels[:48] == 200).all()
    assert (picture.pixels[48:] < 90).any()


def test_a_crop_that_is_very_long_and_low_still_fits_a_jpeg() -> None:
    long = np.full((8, 32_000, 3), 255, np.uint8)

    assert line_picture(long, PredictedLine(None, "Счёт", 0.9), Fonts()).pixels.shape == (16, 32_000, 3)

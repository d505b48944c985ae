"""Which lines nobody can judge on the screen although they were read."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from backend.page.image_files import decode
from backend.page.lines import ReasonKind
from backend.page.visibility import contrast, unseen
from tests.page.test_image_files import saved, writing

ON_PAPER = writing((0, 0, 0), ground=(255, 255, 255, 255))


def grey_of(bits: int) -> bytes:
    """Black on paper in the lowest bits of a PNG of 16."""
    grey = np.asarray(ON_PAPER.convert("L")).astype(np.float64) * ((2**bits - 1) / 255)
    return saved(Image.fromarray(grey.astype(np.uint16)), "PNG")


CLEAR_WHITE = writing((0, 0, 0), ground=(255, 255, 255, 0))
FAINT = writing((250, 250, 250), ground=(255, 255, 255, 255))


@pytest.mark.parametrize(
    ("data", "hidden"),
    [
        pytest.param(saved(ON_PAPER, "PNG"), False, id="black on white paper"),
        pytest.param(saved(writing((0, 0, 0)), "PNG"), False, id="black on nothing"),
        pytest.param(saved(writing((128, 128, 128)), "PNG"), False, id="grey on nothing"),
        pytest.param(saved(writing((255, 255, 255)), "PNG"), True, id="white on nothing"),
        pytest.param(saved(writing((255, 240, 80)), "PNG"), True, id="yellow on nothing"),
        pytest.param(saved(writing((255, 255, 255)), "GIF"), True, id="GIF"),
        pytest.param(saved(writing((255, 255, 255)), "WEBP", lossless=True), True, id="WebP"),
        pytest.param(saved(CLEAR_WHITE, "PNG"), False, id="black on white that is clear"),
        pytest.param(grey_of(12), True, id="12 bits in 16"),
        pytest.param(grey_of(13), True, id="13 bits in 16"),
        pytest.param(grey_of(14), False, id="14 bits in 16: dim, and still to be seen"),
        pytest.param(grey_of(16), False, id="16 bits"),
        pytest.param(saved(FAINT, "PNG"), False, id="as faint for the readers"),
    ],
)
def test_a_line_is_unseen_where_only_the_readers_have_contrast(data: bytes, hidden: bool) -> None:
    page = decode(data, max_pixels=100_000)
    on_screen = page.pixels if page.shown is None else page.shown
    assert on_screen.shape == page.pixels.shape
    assert unseen(on_screen, page.pixels) is hidden


def test_a_picture_whose_alpha_was_never_written_is_read_and_its_reviewer_sees_nothing() -> None:
    hidden = ON_PAPER.copy()
    hidden.putalpha(0)
    page = decode(saved(hidden, "PNG"), max_pixels=100_000)
    assert page.shown is not None
    assert (contrast(page.shown), contrast(page.pixels)) == (0, 255)


def test_what_is_shown_is_turned_like_what_is_read() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    page = decode(saved(writing((255, 255, 255)), "PNG", exif=exif), max_pixels=100_000)
    assert page.shown is not None
    assert page.shown.shape == page.pixels.shape == (200, 40, 3)


def test_a_tiff_notes_that_browsers_do_not_show_it() -> None:
    file = io.BytesIO()
    ON_PAPER.save(file, "TIFF")
    (note,) = decode(file.getvalue(), max_pixels=100_000).notes
    assert (note.kind, note.first) == (ReasonKind.NOT_SHOWN, "TIFF")

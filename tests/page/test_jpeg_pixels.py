"""JPEG pages by the fast decoder: the pixels that Pillow gives, and only of whole files."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, JpegImagePlugin

from backend.errors import BadImage
from backend.page.image_files import decode
from backend.page.jpeg_pixels import ordinary_pixels
from backend.page.lines import Pixels
from tests.page.test_missing_parts import WAYS
from tests.parts.hostile_images import with_size

ROOT = Path(__file__).resolve().parents[2]
REAL = sorted(path for folder in ("demo", "tests/data") for path in (ROOT / folder).rglob("*.jp*g"))

SIZES = [(1, 1), (5, 7), (8, 8), (33, 17), (101, 100), (400, 299)]
"""Width and height: parts of blocks at every edge."""
SAMPLINGS = {
    "4:4:4": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    "4:2:2": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    "4:2:0": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    "4:4:0": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_440,
    "4:1:1": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_411,
}


def picture(width: int, height: int) -> Pixels:
    """Colours that change softly and in steps, so that every rounding shows."""
    random = np.random.default_rng(width * height)
    coarse = random.integers(0, 256, (height // 5 + 2, width // 5 + 2, 3), dtype=np.uint8)
    soft = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    soft[height // 2 :: 3] = 255 - soft[height // 2 :: 3]
    return soft


def jpeg(pixels: Pixels, mode: str = "RGB", **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, "JPEG", **options)
    return file.getvalue()


def by_pillow(data: bytes) -> tuple[str, Pixels]:
    """Mode and pixels."""
    image = JpegImagePlugin.JpegImageFile(io.BytesIO(data))
    return image.mode, np.asarray(image.convert("RGB"))


def by_us(data: bytes) -> Pixels | None:
    image = JpegImagePlugin.JpegImageFile(io.BytesIO(data))
    return ordinary_pixels(data, image.mode, image.size)


def test_every_real_page_has_the_pixels_that_pillow_gives():
    assert len(REAL) >= 20
    for path in REAL:
        data = path.read_bytes()
        assert np.array_equal(by_us(data), by_pillow(data)[1]), path.name


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"quality": 15},
        {"quality": 100},
        {"optimize": True},
        {"progressive": True},
        {"progressive": True, "subsampling": 0},
        {"restart_marker_rows": 1},
        {"restart_marker_blocks": 3},
        {"progressive": True, "restart_marker_blocks": 2},
        {"keep_rgb": True},
        {"mode": "L"},
        {"mode": "L", "progressive": True},
        {"icc_profile": b"a profile that nobody applies"},
        {"dpi": (300, 300), "comment": b"scanned"},
    ],
    ids=str,
)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_every_way_of_saving_gives_the_pixels_that_pillow_gives(size, options):
    data = jpeg(picture(*size), **options)
    assert np.array_equal(by_us(data), by_pillow(data)[1])


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_colour_of_every_resolution_gives_the_pixels_that_pillow_gives(size, sampling):
    written, data = cv2.imencode(
        ".jpg", picture(*size), [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, SAMPLINGS[sampling]]
    )
    assert written
    assert np.array_equal(by_us(data.tobytes()), by_pillow(data.tobytes())[1])


def odd(name: str) -> bytes:
    whole = jpeg(picture(400, 299))
    return {
        "CMYK": jpeg(picture(400, 299), "CMYK"),
        "cut": whole[: len(whole) // 2],
        "cut and closed": whole[: len(whole) // 2] + b"\xff\xd9",
        "without its end": whole[:-2],
        "higher than its data": with_size(whole, 400, 320),
        "zeros from the middle on": whole[: len(whole) // 2] + bytes(len(whole) // 2),
        "bytes between two segments": whole[:20] + b"\0\0\0" + whole[20:],
    }[name]


@pytest.mark.parametrize(
    ("name", "a_page"),
    [
        ("CMYK", True),
        ("cut", False),
        ("cut and closed", False),
        ("without its end", False),
        ("higher than its data", False),
        ("zeros from the middle on", False),
        ("bytes between two segments", True),
    ],
)
def test_of_an_odd_file_pillow_and_the_checks_decide(name, a_page):
    data = odd(name)
    assert by_us(data) is None
    if a_page:
        assert np.array_equal(decode(data).pixels, by_pillow(data)[1])
    else:
        with pytest.raises(BadImage, match="ends too early"):
            decode(data)


def test_nothing_is_decoded_of_another_size_than_the_one_that_was_checked():
    data = jpeg(picture(400, 299))
    assert ordinary_pixels(data, "RGB", (400, 299)) is not None
    assert ordinary_pixels(data, "RGB", (299, 400)) is None


SMALL = [jpeg(picture(60, 40), **options) for options in WAYS.values()] + [jpeg(picture(60, 40), "L")]


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(SMALL),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7)), min_size=1, max_size=3),
    st.booleans(),
)
def test_of_a_damaged_file_come_the_pixels_that_pillow_gives_or_none(data, flips, early):
    damaged = bytearray(data)
    for where, bit in flips:
        # headers are short, so half of the trials flip bits there alone
        damaged[2 + int(where * ((650 if early else len(data)) - 2))] ^= 1 << bit
    try:
        page = decode(bytes(damaged))
    except BadImage:
        return
    assert np.array_equal(page.pixels, by_pillow(bytes(damaged))[1])

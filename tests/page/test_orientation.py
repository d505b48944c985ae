"""Which way up each encoding of an orientation is read: as Chromium 156 showed it.

`tests/end_to_end/test_orientation.py` holds the same table against the Chromium of the machine.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from backend.page.image_files import decode
from backend.page.orientation import orientation, with_orientation
from tests.parts.exif_encodings import encodings

# Pillow reads the resolution from the same EXIF, and warns where it is damaged
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

CORNERS = {
    ("red", "green", "blue"): 1,
    ("green", "red", "sand"): 2,
    ("sand", "blue", "green"): 3,
    ("blue", "sand", "red"): 4,
    ("red", "blue", "green"): 5,
    ("blue", "red", "sand"): 6,
    ("sand", "green", "blue"): 7,
    ("green", "sand", "red"): 8,
}
"""Orientations of the picture of `exif_encodings` by its corners: top left, top right, bottom left."""

LUMINANCES = {"blue": 23, "red": 60, "green": 94, "sand": 201}

TURNED = {
    "JPEG 2": 2,
    "JPEG 2 big-endian": 2,
    "JPEG 3": 3,
    "JPEG 3 big-endian": 3,
    "JPEG 4": 4,
    "JPEG 4 big-endian": 4,
    "JPEG 5": 5,
    "JPEG 5 big-endian": 5,
    "JPEG 6": 6,
    "JPEG 6 big-endian": 6,
    "JPEG 7": 7,
    "JPEG 7 big-endian": 7,
    "JPEG 8": 8,
    "JPEG 8 big-endian": 8,
    "JPEG SHORT with rubbish behind it": 6,
    "JPEG SHORT with rubbish behind it, big-endian": 6,
    "JPEG directory at 9": 6,
    "JPEG directory at 10": 6,
    "JPEG directory at 100": 6,
    "JPEG directory at 5000": 6,
    "JPEG 2 entries said": 6,
    "JPEG 5 entries said": 6,
    "JPEG 65535 entries said": 6,
    "JPEG tag behind others": 6,
    "JPEG tags out of order": 6,
    "JPEG behind an unknown type": 6,
    "JPEG behind a tag out of bounds": 6,
    "JPEG tag twice, 6 then 3": 6,
    "JPEG tag twice, 3 then 6": 3,
    "JPEG tag twice, 0 then 6": 6,
    "JPEG tag twice, 6 then 0": 6,
    "JPEG tag twice, LONG 3 then SHORT 6": 6,
    "JPEG tag twice, SHORT 6 then LONG 3": 6,
    "JPEG no next directory": 6,
    "JPEG cut in the next directory's offset": 6,
    "JPEG inner 3": 3,
    "JPEG inner 3 then 6": 3,
    "JPEG 6 then inner 3": 6,
    "JPEG 0 then inner 3": 3,
    "JPEG inner 0 then 6": 6,
    "JPEG pointer to 0 then 6": 6,
    "JPEG pointer to 8 then 6": 6,
    "JPEG pointer to 9999 then 6": 6,
    "JPEG pointer to 4294967295 then 6": 6,
    "JPEG Exif and one zero then EXIF 6": 6,
    "JPEG prefix Exif 00 ff": 6,
    "JPEG prefix Exif 00 ff big-endian": 6,
    "JPEG prefix Exif 00 01": 6,
    "JPEG prefix Exif 00 20": 6,
    "JPEG XMP then EXIF 3": 3,
    "JPEG EXIF 3 then XMP": 3,
    "JPEG EXIF 6 then 3": 6,
    "JPEG EXIF 3 then 6": 3,
    "JPEG EXIF 6 then without the tag": 6,
    "JPEG EXIF 6 then rubbish": 6,
    "JPEG empty APP1 then EXIF 6": 6,
    "JPEG empty EXIF then EXIF 6": 6,
    "JPEG Exif 00 ff 3 then 6": 3,
    "JPEG comment then EXIF 6": 6,
    "JPEG ICC then EXIF 6": 6,
    "JPEG fill bytes before EXIF 6": 6,
    "JPEG zeros before EXIF 6": 6,
    "JPEG EXIF before JFIF": 6,
    "JPEG EXIF behind the tables": 6,
    "JPEG EXIF behind the size": 6,
    "JPEG EXIF just before the scan": 6,
    "JPEG progressive 6": 6,
    "JPEG grey 6": 6,
    "JPEG long EXIF 6": 6,
    "PNG 2": 2,
    "PNG 3": 3,
    "PNG 4": 4,
    "PNG 5": 5,
    "PNG 6": 6,
    "PNG 7": 7,
    "PNG 8": 8,
    "PNG 6 big-endian": 6,
    "PNG 3 before and 6 after the pixels": 3,
    "PNG twice, 6 then 3": 6,
    "PNG twice, 3 then 6": 3,
    "PNG 3 in the inner directory": 3,
    "PNG no next directory": 6,
    "PNG 6 before the palette": 6,
    "PNG 6 behind the palette": 6,
    "PNG 6 that moves": 6,
    "PNG 6 of 16 bits": 6,
}
"""Every encoding that Chromium turns; it shows all others as they are stored."""


def turned_by_chromium(name: str) -> int:
    return TURNED.get(name, 1)


def shown_orientation(pixels: npt.NDArray[np.uint8]) -> int:
    """How the picture of `exif_encodings` was turned, by its corners.

    Args:
        pixels: RGB.
    """
    grey = pixels @ np.array([0.299, 0.587, 0.114])
    corners = (grey[2:8, 2:8], grey[2:8, -8:-2], grey[-8:-2, 2:8])
    inks = [min(LUMINANCES, key=lambda ink: abs(LUMINANCES[ink] - corner.mean())) for corner in corners]
    return CORNERS[inks[0], inks[1], inks[2]]


@pytest.mark.parametrize("name", encodings())
def test_a_page_is_turned_exactly_as_chromium_turns_it(name: str) -> None:
    page = decode(encodings()[name], max_pixels=10_000)
    turned = turned_by_chromium(name)
    assert shown_orientation(page.pixels) == turned
    assert (page.width, page.height) == ((48, 32) if turned < 5 else (32, 48))


def test_the_table_names_encodings_that_there_are() -> None:
    assert set(TURNED) <= set(encodings())
    assert len(encodings()) >= 250


@pytest.mark.parametrize("name", [name for name in encodings() if name.startswith("JPEG")])
@pytest.mark.parametrize("value", [1, 6])
def test_a_jpeg_with_one_plain_tag_is_turned_alike_by_every_program(name: str, value: int) -> None:
    plain = with_orientation(encodings()[name], value)
    by_opencv = cv2.imdecode(np.frombuffer(plain, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
    assert orientation(plain, "JPEG") == value
    assert shown_orientation(decode(plain, max_pixels=10_000).pixels) == value
    assert shown_orientation(by_opencv) == value


def test_a_plain_tag_costs_no_pixel() -> None:
    turned, stored = encodings()["JPEG 6"], encodings()["JPEG 1"]
    before, after = decode(stored, max_pixels=10_000), decode(with_orientation(turned, 1), max_pixels=10_000)
    assert (before.pixels == after.pixels).all()

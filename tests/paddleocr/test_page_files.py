"""Which way up PaddleOCR opens a file, and what is never given to its decoder."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from converters.paddleocr.page_files import paddle_orientation


def stored(format: str, orientation: int) -> bytes:
    tags = Image.Exif()
    tags[0x0112] = orientation
    file = io.BytesIO()
    Image.effect_noise((60, 40), 90).convert("RGB").save(file, format, exif=tags)
    return file.getvalue()


@pytest.mark.parametrize(
    ("format", "turned"),
    [
        pytest.param("JPEG", 6, id="a JPEG is turned by its tag"),
        pytest.param("TIFF", 1, id="a TIFF never reaches OpenCV's old codec, which would turn it"),
    ],
)
def test_a_file_is_opened_by_opencv_unless_it_is_a_tiff(format: str, turned: int) -> None:
    assert paddle_orientation(stored(format, 6)) == turned

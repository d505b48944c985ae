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


def test_a_jpeg_is_turned_by_its_tag() -> None:
    assert paddle_orientation(stored("JPEG", 6)) == 6


def test_a_tiff_never_reaches_the_old_codec_of_opencv(capfd: pytest.CaptureFixture[str]) -> None:
    # of a cut file that codec complains on the process's own stderr
    assert paddle_orientation(stored("TIFF", 6)[:-40]) == 1
    assert capfd.readouterr().err == ""

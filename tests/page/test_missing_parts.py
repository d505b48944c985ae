"""Files that hold less than they say: never a page with a part filled in, nor the memory of such a page."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from backend.errors import BadImage, OutOfMemory, is_out_of_memory
from backend.page.image_files import decode
from tests.parts import hostile_images
from tests.parts.hostile_images import with_scans, with_size

WIDTH, HEIGHT = 600, 400


def written() -> Image.Image:
    """A page with noise where its lines are, and a white margin."""
    page = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    page[40:360:20, 40:560] = np.random.default_rng(0).integers(0, 255, (16, 520, 3))
    return Image.fromarray(page)


def jpeg(picture: Image.Image | None = None, **options: object) -> bytes:
    file = io.BytesIO()
    (picture or written()).save(file, "JPEG", quality=80, **options)
    return file.getvalue()


WAYS = {
    "baseline": {},
    "baseline with restarts": {"restart_marker_rows": 1},
    "whole colour": {"subsampling": 0},
    "progressive": {"progressive": True},
    "progressive with restarts": {"progressive": True, "restart_marker_rows": 1},
    "progressive in whole colour": {"progressive": True, "subsampling": 0},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [(14_000, 5_000), (600, 800), (600, 432)], ids=str)
def test_a_jpeg_whose_header_lies_about_its_size_is_refused(way, size):
    with pytest.raises(BadImage, match="ends too early"):
        decode(with_size(jpeg(**WAYS[way]), *size))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_a_jpeg_that_was_cut_and_closed_with_an_end_is_refused(way, share):
    whole = jpeg(**WAYS[way])
    with pytest.raises(BadImage, match="ends too early"):
        decode(whole[: int(len(whole) * share)] + b"\xff\xd9")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("more", [b"", bytes(100), b"trailer of a camera"], ids=["nothing", "zeros", "words"])
def test_a_whole_jpeg_is_read_whatever_follows_its_end(way, more):
    assert decode(jpeg(**WAYS[way]) + more).height == HEIGHT


def test_a_jpeg_of_1159_bytes_costs_no_memory_of_14000_by_14000():
    small = with_size(jpeg(Image.new("RGB", (20, 20)), qtables="web_high"), 14_000, 14_000)
    assert len(small) < 1159
    with pytest.raises(BadImage, match="ends too early"):
        decode(small, max_pixels=200_000_000)


def test_the_scans_of_a_jpeg_are_bounded():
    progressive = jpeg(progressive=True)
    assert decode(with_scans(progressive, 20)).height == HEIGHT
    with pytest.raises(BadImage, match=r"more than 50 scans \(MAX_JPEG_SCANS\)"):
        decode(with_scans(progressive, 60))
    assert decode(with_scans(progressive, 60), max_scans=80).height == HEIGHT


@pytest.mark.parametrize("rows", [0, 1, 200, 399])
def test_a_png_whose_data_end_before_its_last_row_is_refused(rows):
    with pytest.raises(BadImage, match="ends too early"):
        decode(hostile_images.png(600, 400, rows=rows))


@pytest.mark.parametrize("colour", [hostile_images.GREY, hostile_images.RGB, hostile_images.RGBA])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_whole_black_png_is_read_however_well_it_packs(colour, bits):
    assert decode(hostile_images.png(2_000, 1_000, bits=bits, colour=colour)).height == 1_000


def test_a_blank_page_of_one_bit_a_pixel_is_a_page_although_it_packs_a_thousandfold():
    data = hostile_images.png(7_000, 9_900, bits=1, colour=hostile_images.GREY)
    assert len(data) < 7_000 * 9_900 / 1000
    assert decode(data).width == 7_000


def test_a_tiff_that_lacks_its_last_strips_is_refused():
    file = io.BytesIO()
    written().save(file, "TIFF")
    data = bytearray(file.getvalue())
    # ImageLength says twice the rows that its strips have
    at = data.index((257).to_bytes(2, "little") + b"\x04\0\x01\0\0\0") + 8
    data[at : at + 2] = (2 * HEIGHT).to_bytes(2, "little")
    with pytest.raises(BadImage, match="ends too early"):
        decode(bytes(data))


MEASURED = """
import sys
import numpy as np
from backend.page.image_files import decode
from tests.parts import hostile_images as make
from PIL import Image
import io
def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
def tiff():
    file = io.BytesIO()
    Image.new("F", (5_000, 4_000), 0.5).save(file, "TIFF", compression="tiff_adobe_deflate")
    return file.getvalue()
files = [make.png(5_000, 4_000, bits=1, colour=make.GREY), make.png(5_000, 4_000),
         make.png(5_000, 4_000, colour=make.RGBA), make.png(5_000, 4_000, bits=16, colour=make.GREY), tiff()]
decode(make.png(50, 40))
for data in files:
    open("/proc/self/clear_refs", "w").write("5")
    before = peak()
    page = decode(data)
    print((peak() - before) * 1024 / 20_000_000)
    del page
"""


def test_decoding_takes_eight_bytes_a_pixel_and_eleven_where_a_browser_shows_another_picture():
    told = subprocess.run([sys.executable, "-c", MEASURED], capture_output=True, text=True, check=True)
    one_bit, colour, transparent, deep, numbers = map(float, told.stdout.split())
    assert max(one_bit, colour, numbers) < 8.5
    # two pictures are kept of these
    assert max(transparent, deep) < 11.5


SHORT = """
import resource, sys
from backend.errors import TwinreadError
from backend.page.image_files import decode
data = open(sys.argv[1], "rb").read()
used = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmSize")) * 1024
resource.setrlimit(resource.RLIMIT_AS, (used + 60_000_000, -1))
try:
    decode(data)
except TwinreadError as error:
    print(type(error).__name__, error.status, error)
"""


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "progressive JPEG", "WebP", "TIFF", "GIF"])
def test_where_memory_is_short_an_image_is_not_told_to_be_damaged(tmp_path, kind):
    file = tmp_path / "page"
    picture = Image.new("RGB", (6_000, 5_000))
    if kind == "PNG":
        file.write_bytes(hostile_images.png(6_000, 5_000))
    elif kind == "TIFF":
        picture.save(file, "TIFF", compression="tiff_lzw")
    elif kind == "GIF":
        Image.new("P", (6_000, 5_000)).save(file, "GIF")
    else:
        picture.save(file, kind.split()[-1].upper(), **({"progressive": True} if " " in kind else {}))
    told = subprocess.run(
        [sys.executable, "-c", SHORT, str(file)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert told.stdout.startswith("OutOfMemory 503 There was not enough memory"), told.stdout


@pytest.mark.parametrize(
    ("error", "so"),
    [
        pytest.param(MemoryError(), True, id="Python"),
        pytest.param(OSError("out of memory error when reading image file"), True, id="Pillow"),
        pytest.param(RuntimeError("std::bad_alloc"), True, id="Paddle"),
        pytest.param(RuntimeError("Failed to allocate memory for requested buffer"), True, id="onnxruntime"),
        pytest.param(ValueError("a scan ends too early"), False, id="another"),
        pytest.param(BadImage("out of memory"), False, id="a sentence of ours"),
        pytest.param(OutOfMemory("There was not enough memory"), False, id="told already"),
    ],
)
def test_what_libraries_say_where_memory_is_short_is_understood(error, so):
    assert is_out_of_memory(error) == so

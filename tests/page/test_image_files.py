"""Image files of every kind to upright pages, and refusals by one sentence."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageDraw, ImageFont

from backend.errors import BadImage
from backend.page.image_files import PILLOW_PIXELS, decode, encode, header
from backend.page.lines import Page, Pixels, Reason, ReasonKind
from tests.parts.exif import stored
from tests.parts.samples import all_samples, sample

MOST = 30_000_000


def saved(image: Image.Image, format: str, **options) -> bytes:
    file = io.BytesIO()
    # Pillow leaves settings of a format on the image that it saved.
    image.copy().save(file, format, **options)
    return file.getvalue()


def photograph() -> Image.Image:
    """60 x 40, red at the top left, green at the top right, blue at the bottom left, else sand."""
    picture = Image.new("RGB", (60, 40), (220, 200, 160))
    for corner, colour in (((0, 0), (200, 0, 0)), ((40, 0), (0, 160, 0)), ((0, 24), (0, 0, 200))):
        picture.paste(colour, (*corner, corner[0] + 20, corner[1] + 16))
    return picture


def writing(ink, size=(200, 40), ground=(0, 0, 0, 0)) -> Image.Image:
    picture = Image.new("RGBA", size, ground)
    ImageDraw.Draw(picture).text((10, 4), "Total 12", (*ink, 255), font=ImageFont.load_default(24))
    return picture


def opened(data: bytes) -> Page:
    return decode(data, max_pixels=MOST)


def looks_like(page: Page, picture: Image.Image, within: int) -> bool:
    expected = np.asarray(picture.convert("RGB")).astype(int)
    return page.pixels.shape == expected.shape and int(np.abs(page.pixels - expected).mean()) <= within


def another() -> list[Image.Image]:
    """A second frame or page that must not be shown."""
    return [PHOTOGRAPH.rotate(90)]


PHOTOGRAPH = photograph()

FILES = {
    "PNG": saved(PHOTOGRAPH, "PNG"),
    "PNG of a palette": saved(PHOTOGRAPH.quantize(16), "PNG"),
    "PNG that moves": saved(PHOTOGRAPH, "PNG", save_all=True, append_images=another()),
    "JPEG": saved(PHOTOGRAPH, "JPEG", quality=95),
    "progressive JPEG": saved(PHOTOGRAPH, "JPEG", quality=95, progressive=True),
    "JPEG of two pictures": saved(PHOTOGRAPH, "MPO", quality=95, save_all=True, append_images=another()),
    "WebP": saved(PHOTOGRAPH, "WEBP", quality=95),
    "lossless WebP": saved(PHOTOGRAPH, "WEBP", lossless=True),
    "WebP that moves": saved(PHOTOGRAPH, "WEBP", lossless=True, save_all=True, append_images=another()),
    "BMP": saved(PHOTOGRAPH, "BMP"),
    "BMP of a palette": saved(PHOTOGRAPH.quantize(16), "BMP"),
    "GIF": saved(PHOTOGRAPH, "GIF"),
    "GIF that moves": saved(PHOTOGRAPH, "GIF", save_all=True, append_images=another()),
    "TIFF": saved(PHOTOGRAPH, "TIFF"),
    "TIFF with LZW": saved(PHOTOGRAPH, "TIFF", compression="tiff_lzw"),
    "TIFF with JPEG": saved(PHOTOGRAPH, "TIFF", compression="jpeg"),
    "TIFF of two pages": saved(PHOTOGRAPH, "TIFF", save_all=True, append_images=another()),
}


@pytest.mark.parametrize("data", FILES.values(), ids=FILES)
def test_every_kind_of_file_becomes_the_same_page(data):
    page = opened(data)
    assert looks_like(page, PHOTOGRAPH, within=6)
    assert page.pixels.dtype == np.uint8
    assert page.pixels.flags.c_contiguous
    assert (page.width, page.height) == (60, 40)


MORE = {
    "PNG that moves": (ReasonKind.MORE_FRAMES, "2"),
    "JPEG of two pictures": (ReasonKind.MORE_PAGES, "2"),
    "WebP that moves": (ReasonKind.MORE_FRAMES, "2"),
    "GIF that moves": (ReasonKind.MORE_FRAMES, "2"),
    "TIFF of two pages": (ReasonKind.MORE_PAGES, "2"),
}
"""Files that hold more than the page that is read."""


def further(page: Page) -> list[Reason]:
    return [note for note in page.notes if note.kind in (ReasonKind.MORE_PAGES, ReasonKind.MORE_FRAMES)]


@pytest.mark.parametrize("name", FILES)
def test_a_page_notes_what_else_its_file_holds(name):
    notes = [(note.kind, note.first) for note in further(opened(FILES[name]))]
    assert notes == ([MORE[name]] if name in MORE else [])


def pages(*pictures: Image.Image, format: str = "TIFF", **options) -> bytes:
    first, *others = pictures
    return saved(first, format, save_all=True, append_images=others, **options)


def copy_of_a_page() -> Image.Image:
    """A small copy that scanners put behind a page, marked as such."""
    small = PHOTOGRAPH.resize((30, 20))
    small.encoderinfo = {"tiffinfo": {254: 1}}
    return small


def preview() -> Image.Image:
    return PHOTOGRAPH.resize((30, 20))


TWO_PAGES = pages(PHOTOGRAPH, *another())


@pytest.mark.parametrize(
    ("data", "count"),
    [
        pytest.param(pages(PHOTOGRAPH, *another() * 11), "12", id="TIFF of twelve pages"),
        pytest.param(pages(PHOTOGRAPH, *another(), big_tiff=True), "2", id="BigTIFF"),
        pytest.param(pages(PHOTOGRAPH, copy_of_a_page()), None, id="TIFF with a small copy of its page"),
        pytest.param(pages(PHOTOGRAPH, copy_of_a_page(), *another()), "2", id="a copy, then a page"),
        pytest.param(TWO_PAGES[:-60], "2", id="TIFF whose second page is cut"),
        pytest.param(pages(PHOTOGRAPH, preview(), format="MPO"), None, id="JPEG with a smaller preview"),
        pytest.param(
            pages(*[PHOTOGRAPH.rotate(36 * turn) for turn in range(10)], format="GIF"),
            "10",
            id="GIF of ten frames",
        ),
    ],
)
def test_pages_are_counted_and_copies_of_a_page_are_not(data, count):
    page = opened(data)
    assert looks_like(page, PHOTOGRAPH, within=6)
    assert [note.first for note in further(page)] == ([count] if count else [])


def test_a_tiff_whose_pages_go_round_in_a_circle_is_counted_once():
    end = TWO_PAGES.rindex(struct.pack("<I", 0))
    first = struct.unpack_from("<I", TWO_PAGES, 4)
    assert opened(TWO_PAGES[:end] + struct.pack("<I", *first) + TWO_PAGES[end + 4 :]).notes[0].first == "2"


def test_of_a_png_that_moves_the_frame_is_read_that_a_browser_shows():
    # its first picture is for programs that cannot move
    still, *frames = [PHOTOGRAPH.rotate(180), PHOTOGRAPH, *another()]
    page = opened(pages(still, *frames, format="PNG", default_image=True))
    assert looks_like(page, PHOTOGRAPH, within=0)
    assert [note.first for note in page.notes] == ["2"]


@pytest.mark.parametrize("page", all_samples(), ids=lambda page: page.path.name)
def test_sample_pages_have_the_size_that_a_browser_shows(page):
    found = opened(page.path.read_bytes())
    assert (found.width, found.height) == (page.width, page.height)


def test_a_digest_names_the_pixels_whatever_the_file():
    as_png, as_bmp = opened(FILES["PNG"]), opened(FILES["BMP"])
    assert as_png.digest == as_bmp.digest
    assert as_png.digest != opened(saved(PHOTOGRAPH.rotate(90), "PNG")).digest


GREY = PHOTOGRAPH.convert("L")
SIXTEEN = Image.fromarray(np.asarray(GREY).astype(np.uint16) * 257)
TWELVE = Image.fromarray(np.asarray(GREY).astype(np.uint16) * 16)
CMYK = PHOTOGRAPH.convert("CMYK")


@pytest.mark.parametrize(
    ("data", "expected", "within"),
    [
        pytest.param(saved(GREY, "PNG"), GREY, 0, id="grey"),
        pytest.param(saved(GREY.convert("1"), "PNG"), GREY.convert("1"), 0, id="1 bit PNG"),
        pytest.param(saved(GREY.convert("1"), "TIFF", compression="group4"), GREY.convert("1"), 0, id="fax"),
        pytest.param(saved(SIXTEEN, "PNG"), GREY, 0, id="16 bit PNG"),
        pytest.param(saved(SIXTEEN, "TIFF"), GREY, 0, id="16 bit TIFF"),
        pytest.param(saved(TWELVE, "TIFF"), GREY, 2, id="12 bits in 16"),
        pytest.param(
            saved(CMYK, "JPEG", quality=95), PHOTOGRAPH, 6, id="CMYK JPEG with Adobe's inverted inks"
        ),
        pytest.param(saved(CMYK, "TIFF"), PHOTOGRAPH, 6, id="CMYK TIFF"),
        pytest.param(saved(PHOTOGRAPH.convert("YCbCr"), "TIFF"), PHOTOGRAPH, 3, id="YCbCr TIFF"),
        pytest.param(saved(PHOTOGRAPH.convert("RGBA"), "PNG"), PHOTOGRAPH, 0, id="opaque RGBA"),
        pytest.param(saved(GREY.convert("LA"), "PNG"), GREY, 0, id="opaque grey with alpha"),
        pytest.param(saved(PHOTOGRAPH.convert("RGBA"), "TIFF"), PHOTOGRAPH, 0, id="opaque RGBA TIFF"),
    ],
)
def test_every_way_to_store_colour_is_shown_right(data, expected, within):
    assert looks_like(opened(data), expected, within)


@pytest.mark.parametrize("mode", ["I", "F"])
def test_numbers_of_32_bits_are_stretched_from_darkest_to_lightest(mode):
    heights = np.linspace(-1000, 70_000, 60).astype(np.int32 if mode == "I" else np.float32)
    page = opened(saved(Image.fromarray(np.tile(heights, (40, 1))), "TIFF"))
    assert page.pixels[0, 0].tolist() == [0, 0, 0]
    assert page.pixels[0, -1].tolist() == [255, 255, 255]
    assert page.pixels[0, 30, 0] == 130


def turned_file(orientation: int, format: str) -> bytes:
    """The photograph stored so that this EXIF orientation brings it upright."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    options = {"quality": 95} if format == "JPEG" else {}
    return saved(stored(PHOTOGRAPH, orientation), format, exif=exif, **options)


# of WebP and of odd encodings: test_orientation.py
@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_eight_exif_orientations_give_the_same_upright_page(orientation, format):
    page = opened(turned_file(orientation, format))
    assert looks_like(page, PHOTOGRAPH, within=6)
    red, green, blue = page.pixels[4, 4], page.pixels[4, 55], page.pixels[35, 4]
    assert [int(colour.argmax()) for colour in (red, green, blue)] == [0, 1, 2]
    assert page.pixels.flags.c_contiguous


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_exif_orientation_that_does_not_exist_turns_nothing(orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    assert looks_like(opened(saved(PHOTOGRAPH, "PNG", exif=exif)), PHOTOGRAPH, within=0)


def test_unreadable_exif_leaves_the_image_as_it_is_stored():
    assert looks_like(opened(saved(PHOTOGRAPH, "JPEG", quality=95, exif=b"Exif\0\0rubbish")), PHOTOGRAPH, 6)


def test_xmp_does_not_turn_an_image_because_browsers_do_not():
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    assert looks_like(opened(saved(PHOTOGRAPH, "JPEG", quality=95, xmp=xmp)), PHOTOGRAPH, 6)


def contrast(page: Page) -> int:
    grey = page.pixels.astype(int).mean(axis=2)
    return int(grey.max() - grey.min())


@pytest.mark.parametrize("format", ["PNG", "WEBP", "GIF", "TIFF"])
@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        pytest.param((0, 0, 0), 255, id="black"),
        pytest.param((90, 40, 20), 255, id="brown"),
        pytest.param((255, 255, 255), 0, id="white"),
        pytest.param((255, 240, 80), 0, id="yellow"),
        pytest.param((128, 128, 128), 255, id="grey"),
    ],
)
def test_text_on_nothing_is_laid_on_the_ground_that_shows_it(ink, ground, format):
    page = opened(saved(writing(ink), format, **({"lossless": True} if format == "WEBP" else {})))
    assert page.pixels[0, 0].tolist() == [ground] * 3
    assert contrast(page) >= 100


def test_black_and_white_text_on_the_same_nothing_are_both_seen():
    both = Image.new("RGBA", (200, 80))
    both.paste(writing((0, 0, 0)), (0, 0))
    both.paste(writing((255, 255, 255)), (0, 40))
    page = opened(saved(both, "PNG"))
    halves = (page.pixels[:40], page.pixels[40:])
    assert [contrast(Page(half)) >= 100 for half in halves] == [True, True]


def test_a_faint_watermark_is_judged_by_its_own_ink():
    faint = writing((255, 255, 255))
    faint.putalpha(faint.getchannel("A").point(lambda alpha: alpha // 3))
    assert contrast(opened(saved(faint, "PNG"))) >= 70


def test_a_white_caption_beside_a_dark_photograph_is_seen_as_well():
    page = Image.new("RGBA", (300, 200))
    page.paste((30, 30, 30, 255), (0, 0, 120, 120))
    for row in range(4):
        page.paste(writing((255, 255, 255), (170, 40)), (130, 40 * row))
    shown = opened(saved(page, "PNG"))
    assert contrast(Page(shown.pixels[:, 130:])) >= 100
    assert contrast(Page(shown.pixels[:, :125])) >= 90


def test_a_few_white_specks_do_not_take_contrast_from_black_text():
    text = writing((0, 0, 0))
    text.paste((255, 255, 255, 255), (190, 30, 193, 33))
    assert opened(saved(text, "PNG")).pixels[0, 0].tolist() == [255, 255, 255]


def test_a_photograph_with_soft_edges_keeps_its_colours_inside():
    soft = PHOTOGRAPH.convert("RGBA")
    alpha = Image.new("L", soft.size, 100)
    alpha.paste(255, (6, 6, 54, 34))
    soft.putalpha(alpha)
    inside = (slice(6, 34), slice(6, 54))
    assert (opened(saved(soft, "PNG")).pixels[inside] == np.asarray(PHOTOGRAPH)[inside]).all()


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(PHOTOGRAPH.quantize(16), id="palette"),
        pytest.param(PHOTOGRAPH.convert("L"), id="grey"),
        pytest.param(PHOTOGRAPH, id="colour"),
    ],
)
def test_one_colour_named_as_transparent_is_transparent(picture):
    corner = picture.getpixel((59, 39))
    page = opened(saved(picture, "PNG", transparency=corner))
    assert page.pixels[39, 59].tolist() in ([255] * 3, [0] * 3)


def test_an_alpha_that_was_never_written_hides_nothing():
    hidden = PHOTOGRAPH.convert("RGBA")
    hidden.putalpha(0)
    assert looks_like(opened(saved(hidden, "TIFF")), PHOTOGRAPH, within=0)


@pytest.mark.parametrize("size", [(6000, 4000), (40, 30), (1, 1)], ids=str)
def test_large_and_tiny_images_are_read(size):
    page = opened(saved(Image.new("RGB", size, (250, 250, 250)), "PNG"))
    assert (page.width, page.height) == size


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be so large."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def grown(data: bytes, at: int, layout: str, *sizes: int) -> bytes:
    """The file with other sizes written into its header."""
    return data[:at] + struct.pack(layout, *sizes) + data[at + struct.calcsize(layout) :]


def gif_frame_beyond_its_screen() -> bytes:
    """The screen is 60 x 40; the first frame claims 65,535 x 65,535."""
    at = FILES["GIF"].index(b"\x2c\0\0\0\0") + 5
    return grown(FILES["GIF"], at, "<HH", 65_535, 65_535)


@pytest.mark.parametrize(
    ("data", "sizes"),
    [
        pytest.param(bomb(100_000, 100_000), "100000 x 100000", id="PNG"),
        pytest.param(grown(FILES["BMP"], 18, "<ii", 30_000, 30_000), "30000 x 30000", id="BMP"),
        pytest.param(grown(FILES["GIF"], 6, "<HH", 60_000, 60_000), "60000 x 60000", id="GIF"),
        pytest.param(
            grown(FILES["JPEG"], FILES["JPEG"].index(b"\xff\xc0") + 5, ">HH", 50_000, 50_000),
            "50000 x 50000",
            id="JPEG",
        ),
        pytest.param(gif_frame_beyond_its_screen(), None, id="GIF frame"),
        pytest.param(
            saved(Image.new("1", (10_000, 4_000)), "TIFF", compression="group4"), "10000 x 4000", id="TIFF"
        ),
        pytest.param(grown(FILES["WebP"], 26, "<HH", 16_383, 16_383), "16383 x 16383", id="lossy WebP"),
        pytest.param(
            grown(FILES["lossless WebP"], 21, "<I", 0x0FFFFFFF), "16384 x 16384", id="lossless WebP"
        ),
        pytest.param(
            grown(FILES["WebP that moves"], 24, "<HBHB", 60_000, 0, 60_000, 0),
            "60001 x 60001",
            id="moving WebP",
        ),
    ],
)
def test_a_decompression_bomb_is_refused_by_its_header(data, sizes):
    with pytest.raises(BadImage, match="30,000,000 pixels") as refused:
        opened(data)
    assert len(data) < 10_000
    assert sizes is None or sizes in str(refused.value)


@pytest.mark.parametrize("size", [(60, 40), (16_383, 3), (257, 300)], ids=str)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lossless": True},
        {"xmp": b"<x:xmpmeta/>"},
    ],
    ids=["lossy", "lossless", "extended"],
)
def test_the_size_in_a_webp_header_is_understood(options, size):
    data = saved(Image.new("RGB", size), "WEBP", **options)
    width, height = size
    assert decode(data, max_pixels=width * height, max_side=max(size)).width == width
    with pytest.raises(BadImage, match=f"{width} x {height} pixels"):
        decode(data, max_pixels=width * height - 1)


def test_a_side_that_is_too_long_is_refused():
    strip = saved(Image.new("1", (40_000, 4)), "PNG")
    with pytest.raises(BadImage, match="32,766 on a side"):
        opened(strip)
    with pytest.raises(BadImage, match="30 on a side"):
        decode(FILES["PNG"], max_pixels=MOST, max_side=30)
    assert decode(FILES["PNG"], max_pixels=60 * 40, max_side=60).width == 60


def test_more_pixels_than_pillow_s_own_limit_can_be_allowed_without_a_warning():
    large = saved(Image.new("1", (10_000, 9_500)), "PNG")
    assert decode(large, max_pixels=100_000_000).height == 9_500 > PILLOW_PIXELS / 10_000


@pytest.mark.parametrize("data", FILES.values(), ids=FILES)
def test_a_file_that_was_cut_is_refused_or_whole_but_never_half(data):
    ends = {*range(0, len(data), max(1, len(data) // 40)), *range(len(data) - 8, len(data))}
    outcomes = [digest_or_none(data[:end]) for end in ends]
    assert set(outcomes) <= {None, opened(data).digest}
    assert outcomes.count(None) >= 15


def digest_or_none(data: bytes) -> str | None:
    try:
        return opened(data).digest
    except BadImage:
        return None


@pytest.mark.parametrize("name", ["syn_007", "syn_051", "syn_001", "eurotext", "rudoc_10"])
def test_a_real_page_of_which_half_arrived_is_refused_as_damaged(name):
    data = sample(name).path.read_bytes()
    with pytest.raises(BadImage, match="damaged, ends too early"):
        opened(data[: len(data) // 2])


def test_no_single_wrong_bit_in_the_pixels_of_a_png_goes_unseen():
    data = FILES["PNG"]
    start, end = data.index(b"IDAT") + 4, data.index(b"IEND") - 4
    for at in range(start, end):
        wrong = data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :]
        assert digest_or_none(wrong) is None, at


@pytest.mark.parametrize("name", ["syn_007", "syn_051"])
@pytest.mark.parametrize("progressive", [False, True], ids=["baseline", "progressive"])
def test_a_jpeg_whose_second_half_is_zeros_is_refused(name, progressive):
    # A download that was given its full size beforehand and then broke off.
    picture = Image.open(sample(name).path)
    data = saved(picture, "JPEG", progressive=progressive)
    with pytest.raises(BadImage, match="damaged, ends too early"):
        opened(data[: len(data) // 2] + bytes(len(data) // 2))


def test_cut_files_are_still_refused_once_paddleocr_is_loaded():
    # A library that sets Pillow's switch for cut files would make half pages look whole.
    seen = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore",
            "-c",
            "import paddleocr, PIL.Image, PIL.ImageFile, backend.page.image_files;"
            "print(PIL.ImageFile.LOAD_TRUNCATED_IMAGES, PIL.Image.MAX_IMAGE_PIXELS)",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert seen.stdout.split() == ["False", str(PILLOW_PIXELS)]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"%PDF-1.7\n%abc", r"a PDF file.*pdftoppm.*<Image valueList>", id="PDF"),
        pytest.param(
            b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg">', "an SVG drawing", id="SVG"
        ),
        pytest.param(b"\xef\xbb\xbf<!-- x --><svg>", "an SVG drawing", id="SVG after a mark and a comment"),
        pytest.param(b"<!DOCTYPE html><title>Log in</title>", "an HTML page", id="HTML"),
        pytest.param(b"\0\0\0\x1cftypavif\0\0\0\0", "an AVIF image", id="AVIF"),
        pytest.param(b"\0\0\0\x18ftypheic\0\0\0\0", "a HEIC image", id="HEIC"),
        pytest.param(b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 image", id="JPEG 2000"),
        pytest.param(b"8BPS\0\x01", "a Photoshop file", id="Photoshop"),
        pytest.param(b"PK\x03\x04", "a ZIP archive or an Office document", id="ZIP"),
        pytest.param(b"hello", "not an image known here", id="text"),
        pytest.param(bytes(1000), "not an image known here", id="zeros"),
        pytest.param(
            saved(PHOTOGRAPH, "PPM"), "not an image known here", id="a format that Pillow could read"
        ),
        pytest.param(b"\x89PNG\r\n\x1a\n", "PNG image is damaged", id="PNG without anything"),
        pytest.param(b"BMW and other cars", "BMP image is damaged", id="text that begins like a BMP"),
    ],
)
def test_what_is_no_image_is_refused_by_name(data, message):
    with pytest.raises(BadImage, match=message):
        opened(data)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(
        [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFFaaaaWEBP", b"BM", b"GIF89a", b"II*\0", b"MM\0*"]
    ),
    st.binary(max_size=400),
)
def test_random_bytes_raise_bad_image_and_nothing_else(start, rest):
    with pytest.raises(BadImage) as refused:
        opened(start + rest)
    assert "\n" not in str(refused.value)


@settings(max_examples=600, deadline=None)
@given(
    st.sampled_from(sorted(FILES)),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7)), min_size=1, max_size=12),
    st.booleans(),
)
def test_flipped_bits_give_a_page_or_bad_image_and_nothing_else(name, flips, early):
    data = bytearray(FILES[name])
    for where, bit in flips:
        # Headers are short, so half of the trials flip bits there alone.
        data[int(where * (min(200, len(data)) if early else len(data)))] ^= 1 << bit
    try:
        page = decode(bytes(data), max_pixels=1_000_000)
    except BadImage:
        return
    assert page.pixels.ndim == 3
    assert page.pixels.size <= 3_000_000


def test_a_png_of_a_crop_keeps_every_pixel_and_a_jpeg_nearly():
    crop = opened(FILES["PNG"]).pixels
    as_png, as_jpeg = encode(crop, "png"), encode(crop, "jpeg")
    assert as_png.startswith(b"\x89PNG")
    assert as_jpeg.startswith(b"\xff\xd8\xff")
    assert (opened(as_png).pixels == crop).all()
    assert np.abs(opened(as_jpeg).pixels.astype(int) - crop).mean() <= 6
    assert encode(crop, "png") == as_png
    assert encode(crop, "jpeg") == as_jpeg


def noise(*shape: int) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize(
    "crop",
    [
        pytest.param(np.zeros((1, 1, 3), np.uint8), id="one black pixel"),
        pytest.param(np.full((3, 2, 3), 255, np.uint8), id="white"),
        pytest.param(noise(1, 700, 3), id="one row"),
        pytest.param(noise(700, 1, 3), id="one column"),
        pytest.param(noise(48, 3000, 3), id="a long line of noise, that no packing shortens"),
        pytest.param(noise(60, 80, 3)[::2, ::2], id="every other pixel of a page"),
        pytest.param(noise(80, 60, 3).transpose(1, 0, 2), id="lying across memory"),
    ],
)
def test_every_decoder_finds_in_a_png_the_pixels_that_went_in(crop):
    data = encode(crop, "png")
    with Image.open(io.BytesIO(data)) as image:
        assert (image.mode, image.size, image.info) == ("RGB", (crop.shape[1], crop.shape[0]), {})
        assert np.array_equal(np.asarray(image), crop)
        with Image.open(io.BytesIO(data)) as again:
            # compares the checksums
            again.verify()
    read = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(read[:, :, ::-1], crop)
    assert np.array_equal(opened(data).pixels, crop)


@pytest.mark.parametrize("name", ["syn_001", "syn_007"], ids=["a receipt", "a photograph"])
def test_a_png_is_at_most_a_quarter_larger_than_the_one_of_pillow(name):
    page = opened(sample(name).path.read_bytes()).pixels
    assert len(encode(page, "png")) <= 1.25 * len(saved(Image.fromarray(page), "PNG", compress_level=1))


def test_quality_is_honoured():
    crop = opened(sample("syn_007").path.read_bytes()).pixels
    assert len(encode(crop, "jpeg", 30)) < len(encode(crop, "jpeg", 95)) / 2


def test_red_print_keeps_its_edges_in_a_jpeg():
    stripes = np.full((32, 32, 3), 255, np.uint8)
    stripes[:, ::2] = (255, 0, 0)
    back = opened(encode(stripes, "jpeg")).pixels
    # With halved colour, red would be a dark 165 and white pink.
    assert back[:, ::2, 0].mean() > 230


def test_a_crop_is_written_as_png_or_jpeg_only():
    with pytest.raises(ValueError, match="webp"):
        encode(opened(FILES["PNG"]).pixels, "webp")


@pytest.mark.parametrize(
    ("kind", "pixels"),
    [
        pytest.param("JPEG", 2_400, id="8 bytes for each of 60 x 40 pixels"),
        pytest.param("progressive JPEG", 4_200, id="14 bytes, since libjpeg keeps all scans"),
        pytest.param("JPEG of two pictures", 2_400, id="the second one is not decoded"),
        pytest.param("WebP", 4_800, id="16 bytes"),
        pytest.param("PNG", 2_400, id="as a plain JPEG"),
    ],
)
def test_what_takes_more_memory_to_decode_counts_as_more_pixels(kind, pixels):
    assert header(FILES[kind], max_pixels=MOST).decoding_pixels == pixels

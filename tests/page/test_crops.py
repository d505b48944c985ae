"""The one crop, held against PaddleOCR's own; blank crops; digests."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from paddlex.inference.pipelines.components.common.crop_image_regions import CropByPolys
from PIL import Image, ImageDraw, ImageFont

from backend.page.crops import crop_line, crop_middle, is_blank
from backend.page.geometry import RotatedRectangle, minimum_area_quad, own_order, rectangle_corners
from backend.page.image_files import decode, encode
from backend.page.lines import picture_digest
from tests.parts.samples import all_samples, sample

PADDLE = CropByPolys()


def pixels_of(name):
    return decode(sample(name).path.read_bytes(), max_pixels=10_000_000).pixels


def quad(points):
    return np.array(points, dtype=np.float32)


def writing(text, size=40, margin=8, ink=0, ground=255):
    """The text with so much ground around its ink, as RGB pixels."""
    mask = Image.new("L", (2 * size * len(text), 2 * size))
    ImageDraw.Draw(mask).text((size // 2, size // 4), text, 255, font=ImageFont.load_default(size))
    mask = np.pad(np.array(mask.crop(mask.getbbox())), margin) / 255
    return np.rint(ground + (ink - ground) * mask).astype(np.uint8)[..., None].repeat(3, axis=2)


def whole(pixels):
    height, width = pixels.shape[:2]
    return quad([[0, 0], [width, 0], [width, height], [0, height]])


def framed(pixels):
    """The pixels in the middle of a larger white page, and the quad around them."""
    height, width = pixels.shape[:2]
    page = np.full((height + 40, width + 40, 3), 255, np.uint8)
    page[20 : 20 + height, 20 : 20 + width] = pixels
    return page, whole(pixels) + 20


@pytest.mark.parametrize("page", [s for s in all_samples() if s.lines], ids=lambda page: page.path.name)
def test_every_sample_line_is_cropped_as_paddleocr_crops_it(page):
    pixels = decode(page.path.read_bytes(), max_pixels=10_000_000).pixels
    for line in page.lines:
        polygon = np.array(line["poly"])
        theirs = PADDLE.get_minarea_rect_crop(pixels, polygon)
        ours = crop_line(pixels, minimum_area_quad(polygon))
        assert ours.shape == theirs.shape
        assert np.abs(ours.astype(int) - theirs).max() <= 1
        assert ours.flags.c_contiguous
        assert ours.dtype == np.uint8


def test_random_quads_are_cropped_as_paddleocr_crops_them():
    pixels = pixels_of("syn_015")
    random = np.random.default_rng(11)
    for _ in range(300):
        turned = rectangle_corners(
            RotatedRectangle(*random.uniform([100, 100, 20, 10, 0], [900, 1300, 500, 60, 360]))
        )
        seen = (turned + random.uniform(-2, 2, (4, 2))).astype(np.float32)
        theirs = PADDLE.get_rotate_crop_image(pixels, seen)
        ours = crop_line(pixels, seen, "always")
        assert ours.shape == theirs.shape
        assert np.abs(ours.astype(int) - theirs).max() <= 1


def test_upright_boxes_of_whole_pixels_are_cropped_to_the_bit_as_paddleocr_crops_them():
    random = np.random.default_rng(4)
    pixels = random.integers(0, 256, (90, 300, 3), np.uint8)
    boxes = [(0, 0, 300, 90), (0, 0, 3, 3), (297, 87, 300, 90), (10, 0, 290, 90)]
    for _ in range(300):
        left, top = random.integers(0, [290, 80])
        boxes.append((left, top, *random.integers([left + 3, top + 3], [301, 91])))
    for left, top, right, bottom in boxes:
        box = quad([[left, top], [right, top], [right, bottom], [left, bottom]])
        ours = crop_line(pixels, box, "always")
        assert (ours == PADDLE.get_rotate_crop_image(pixels, box)).all()
        assert not np.shares_memory(ours, pixels)


def test_polygons_with_fractions_are_cropped_as_paddleocr_crops_them():
    pixels = pixels_of("syn_068")
    random = np.random.default_rng(5)
    for _ in range(200):
        around = np.sort(random.uniform(0, 2 * np.pi, random.integers(5, 12)))
        outline = np.stack([120 * np.cos(around), 60 * np.sin(around)], axis=1)
        polygon = np.round(random.uniform([100, 100], [800, 500]) + outline, 1)
        ours = crop_line(pixels, minimum_area_quad(polygon), "always")
        theirs = PADDLE.get_minarea_rect_crop(pixels, polygon)
        assert ours.shape == theirs.shape
        assert np.abs(ours.astype(int) - theirs).max() <= 1


def test_the_order_of_clicks_does_not_change_the_crop():
    pixels = pixels_of("syn_009")
    corners = sample("syn_009").lines[0]["poly"]
    first = picture_digest(crop_line(pixels, own_order(corners)))
    for clicked in (corners[::-1], corners[2:] + corners[:2]):
        assert picture_digest(crop_line(pixels, own_order(clicked))) == first


def test_a_rectangle_turned_by_90_shows_its_text_upright():
    text = writing("Total 12")
    page, around = framed(np.ascontiguousarray(np.rot90(text, -1)))
    crop = crop_line(page, np.roll(around, -1, axis=0))
    # PaddleOCR's corners name pixels, so a side that faces backwards begins one pixel outside.
    assert np.abs(crop[1:].astype(int) - text[:-1]).max() <= 1


@pytest.mark.parametrize(
    ("around", "turn_tall", "size"),
    [
        pytest.param([[100, 200], [900, 200], [900, 240], [100, 240]], False, (40, 160), id="whole pixels"),
        pytest.param([[100.5, 200], [905, 200], [905, 240], [100.5, 240]], False, (40, 160), id="fractions"),
        pytest.param([[100, 200], [893, 304], [888, 344], [95, 240]], False, (40, 161), id="tilted"),
        pytest.param([[300, 100], [340, 100], [340, 901], [300, 901]], True, (40, 161), id="reads downwards"),
        pytest.param(
            [[300, 100], [338, 103], [278, 903], [240, 900]], True, (38, 152), id="tilted, downwards"
        ),
        pytest.param([[300, 100], [340, 100], [340, 900], [300, 900]], False, (800, 40), id="stays tall"),
        pytest.param(
            [[100, 200], [220, 200], [220, 240], [100, 240]], False, (40, 120), id="short: all of it"
        ),
    ],
)
def test_the_middle_of_a_line_is_what_the_whole_crop_has_in_its_middle(around, turn_tall, size):
    pixels = pixels_of("syn_015")
    all_of_it = crop_line(pixels, quad(around), "always" if turn_tall else "never")
    middle = crop_middle(pixels, quad(around), 4.0, turn_tall=turn_tall)
    assert middle.shape[:2] == size
    spare = (all_of_it.shape[1] - size[1]) // 2
    expected = all_of_it[:, spare : spare + size[1]]
    # OpenCV rounds places to 1/32 of a pixel, and from another corner now and then to the next one
    assert np.abs(middle.astype(int) - expected).max() <= 8
    assert (middle == expected).mean() > 0.9
    assert middle.flags.c_contiguous
    assert not np.shares_memory(middle, pixels)


@pytest.mark.parametrize(
    ("shown", "tall_lines", "is_turned"),
    [
        pytest.param("reads downwards", "auto", True, id="auto turns a line"),
        pytest.param("reads downwards", "always", True, id="always turns a line"),
        pytest.param("reads downwards", "never", False, id="never leaves a line standing"),
        pytest.param("1", "auto", False, id="auto leaves a lone 1 standing"),
        pytest.param("I", "auto", False, id="auto leaves a lone I standing"),
        pytest.param("i", "auto", False, id="auto leaves a letter and its dot standing"),
        pytest.param("1", "always", True, id="always turns a lone 1, as PaddleOCR does"),
        pytest.param("1", "never", False, id="never leaves a lone 1 standing"),
    ],
)
def test_the_policy_for_tall_lines(shown, tall_lines, is_turned):
    text = np.rot90(writing("Total 12"), -1) if shown == "reads downwards" else writing(shown, margin=4)
    page, around = framed(np.ascontiguousarray(text))
    height, width = text.shape[:2]
    assert height >= 1.5 * width
    crop = crop_line(page, around, tall_lines)
    assert crop.shape[:2] == ((width, height) if is_turned else (height, width))
    assert np.abs(crop.astype(int) - (np.rot90(text) if is_turned else text)).max() <= 1
    assert crop.flags.c_contiguous


@pytest.mark.parametrize("dark", [False, True], ids=["black on white", "white on black"])
@pytest.mark.parametrize("text", ["12", "100", "15.90", "to", "IOU"])
def test_short_words_that_read_downwards_are_turned_under_auto(text, dark):
    upright = writing(text, ink=255 if dark else 0, ground=0 if dark else 255)
    upright = upright[6:-6]
    standing = np.ascontiguousarray(np.rot90(upright, -1))
    assert standing.shape[0] >= 1.5 * standing.shape[1]
    assert crop_line(standing, whole(standing)).shape == upright.shape


@pytest.mark.parametrize("dark", [False, True], ids=["black on white", "white on black"])
@pytest.mark.parametrize("size", [14, 24, 60])
@pytest.mark.parametrize("character", "1Iilj")
def test_lone_narrow_characters_are_not_turned_under_auto(character, size, dark):
    text = writing(character, size, size // 8, ink=255 if dark else 0, ground=0 if dark else 255)
    assert text.shape[0] >= 1.5 * text.shape[1]
    assert crop_line(text, whole(text)).shape == text.shape


def test_one_stroke_four_times_as_high_as_wide_is_a_line():
    stroke = np.full((100, 22, 3), 255, np.uint8)
    stroke[6:94, 6:16] = 0
    assert crop_line(stroke, whole(stroke)).shape == (22, 100, 3)
    assert crop_line(stroke[:84], whole(stroke[:84])).shape == (84, 22, 3)


@pytest.mark.parametrize(
    ("corners", "message"),
    [
        pytest.param([[5, 5], [5, 5], [5, 25], [5, 25]], "too thin", id="no width"),
        pytest.param([[5, 5], [95, 5], [95, 5], [5, 5]], "too thin", id="no height"),
        pytest.param([[5, 5], [95, 5], [95, 7], [5, 7]], "too thin", id="two pixels high"),
        pytest.param([[5, 5], [95, 25], [95, 5], [5, 25]], "crosses", id="crosses itself"),
        pytest.param([[5, 5], [math.nan, 5], [95, 25], [5, 25]], "too thin", id="not a number"),
        pytest.param([[-40, 5], [-5, 5], [-5, 25], [-40, 25]], "off the page", id="left of the page"),
        pytest.param([[5, 50], [95, 50], [95, 70], [5, 70]], "off the page", id="below the page"),
        pytest.param([[5, 5], [1e6, 5], [1e6, 25], [5, 25]], "beyond the page", id="a million pixels long"),
    ],
)
def test_a_quad_without_a_crop_is_refused(corners, message):
    page = np.full((50, 100, 3), 255, np.uint8)
    with pytest.raises(ValueError, match=message):
        crop_line(page, quad(corners))


def test_an_unknown_policy_is_refused():
    with pytest.raises(ValueError, match="sometimes"):
        crop_line(np.zeros((50, 100, 3), np.uint8), quad([[0, 0], [9, 0], [9, 9], [0, 9]]), "sometimes")


def test_a_box_over_the_edge_repeats_the_edge_instead_of_showing_black():
    page = np.full((50, 100, 3), 200, np.uint8)
    crop = crop_line(page, quad([[-10, 10], [50, 10], [50, 30], [-10, 30]]))
    assert crop.shape == (20, 60, 3)
    assert (crop == 200).all()


def test_a_page_as_wide_as_pages_may_be_can_be_cropped_at_its_far_end():
    page = np.zeros((12, 32_766, 3), np.uint8)
    page[:, 32_700:] = 255
    assert (crop_line(page, quad([[32_710, 1], [32_760, 1], [32_760, 11], [32_710, 11]])) == 255).all()
    with pytest.raises(ValueError, match="32766"):
        crop_line(np.zeros((12, 32_767, 3), np.uint8), quad([[10, 1], [60, 1.5], [60, 11], [10, 11]]))


@pytest.mark.parametrize("page", [s for s in all_samples() if s.lines], ids=lambda page: page.path.name)
def test_no_line_with_text_is_blank(page):
    pixels = decode(page.path.read_bytes(), max_pixels=10_000_000).pixels
    for line in page.lines:
        assert not is_blank(crop_line(pixels, minimum_area_quad(line["poly"]))), line["text"]


def test_places_without_text_on_the_empty_pages_are_blank():
    white = pixels_of("syn_069")
    assert is_blank(white)
    table = pixels_of("syn_071").astype(int)
    # The table's own lines are ink; everywhere else there is nothing.
    ink = (table.max(axis=2) < 128).nonzero()
    top, left = ink[0].min(), ink[1].min()
    above, beside = table[: top - 4], table[:, : left - 4]
    for place in (above, beside):
        assert place.size
        assert is_blank(place.astype(np.uint8))


def shaded(height, width, noise, shade, ground=220, seed=0):
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    grey = ground - shade * (x**2 + y) / 2 + np.random.default_rng(seed).normal(0, noise, (height, width))
    return np.clip(grey, 0, 255).astype(np.uint8)[..., None].repeat(3, axis=2)


@pytest.mark.parametrize("quality", [40, 75, 95])
@pytest.mark.parametrize("shade", [0, 60], ids=["even light", "shaded"])
@pytest.mark.parametrize("noise", [0, 2, 5])
@pytest.mark.parametrize("size", [(20, 60), (32, 400), (64, 1000)], ids=str)
def test_paper_with_noise_and_shade_is_blank(size, noise, shade, quality):
    paper = encode(shaded(*size, noise, shade), "jpeg", quality)
    assert is_blank(decode(paper, max_pixels=10**6).pixels)


@pytest.mark.parametrize(
    ("text", "ink"),
    [
        pytest.param(".", 0, id="a full stop"),
        pytest.param("-", 90, id="a grey dash"),
        pytest.param("Total 15.90", 190, id="faint print on paper of 220"),
        pytest.param("Total 15.90", 255, id="white on light grey"),
    ],
)
@pytest.mark.parametrize("noise", [0, 4])
def test_the_faintest_mark_is_not_blank(text, ink, noise):
    line = writing(text, 24, 10, ink=ink, ground=220).astype(int)
    line += np.random.default_rng(0).normal(0, noise, line.shape).astype(int)
    assert not is_blank(np.clip(line, 0, 255).astype(np.uint8))


def test_a_crop_too_noisy_to_judge_is_not_called_blank():
    assert not is_blank(shaded(32, 400, noise=40, shade=0, ground=128))


def test_coloured_text_as_bright_as_its_ground_is_not_blank():
    line = writing("Total", 24, 10).astype(float) / 255
    red, green = np.array([150.0, 60, 60]), np.array([40.0, 110, 40])
    assert not is_blank((line * red + (1 - line) * green).astype(np.uint8))


def test_digests_tell_pictures_apart_by_pixels_and_by_shape():
    crop = writing("12")
    assert picture_digest(crop) == picture_digest(crop.copy())
    assert picture_digest(crop) == picture_digest(np.asfortranarray(crop))
    changed = crop.copy()
    changed[0, 0, 0] ^= 1
    flat = np.zeros((2, 6, 3), np.uint8)
    digests = [picture_digest(p) for p in (crop, changed, flat, flat.reshape(6, 2, 3), flat.reshape(3, 4, 3))]
    assert len(set(digests)) == len(digests)
    assert all(len(digest) == 64 and set(digest) <= set("0123456789abcdef") for digest in digests)


def test_a_crop_as_large_as_a_page_is_judged_with_little_memory():
    program = (
        "import numpy as np\n"
        "from backend.page.crops import is_blank\n"
        "page = np.full((4000, 5000, 3), 255, np.uint8)\n"
        "peak = lambda: next(int(l.split()[1]) for l in open('/proc/self/status') if l.startswith('VmHWM'))\n"
        "before = peak()\n"
        "print(is_blank(page), (peak() - before) // 1024)\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    blank, megabytes = told.stdout.split()
    assert blank == "True"
    # 160 bytes for each of 20 million pixels would be 3,200
    assert int(megabytes) < 500


def test_text_on_a_crop_as_large_as_a_page_is_seen():
    page = Image.new("RGB", (4000, 3000), "white")
    ImageDraw.Draw(page).text((1900, 1500), "12", font=ImageFont.load_default(40), fill="black")
    assert not is_blank(np.asarray(page))


def test_a_quad_that_is_much_larger_than_its_page_is_no_line():
    page = np.zeros((1000, 2000, 3), np.uint8)
    around = np.array([[-1999, -999], [3999, -999], [3999, 1999], [-1999, 1999]], np.float32)
    with pytest.raises(ValueError, match="much larger than the page"):
        crop_line(page, around)

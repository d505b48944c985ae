"""Which way up a real Chromium shows every encoding of an orientation, against what is read here."""

from __future__ import annotations

import base64
import io
import random

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from backend.page.image_files import decode
from tests.page.test_orientation import shown_orientation, turned_by_chromium
from tests.parts.exif_encodings import PREFIX, Entry, directory, encodings, jpeg, picture, segment, tiff

# Pillow reads the resolution from the same EXIF, and warns where it is damaged
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

SHOWN = """async ([kind, data]) => {
  const image = new Image();
  image.src = `data:image/${kind};base64,${data}`;
  try { await image.decode() } catch { return null }
  const canvas = document.createElement('canvas');
  canvas.width = image.naturalWidth; canvas.height = image.naturalHeight;
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const {data: levels} = context.getImageData(0, 0, canvas.width, canvas.height);
  return [canvas.width, canvas.height, [...levels]]
}"""


def shown(page: Page, kind: str, data: bytes) -> npt.NDArray[np.uint8] | None:
    """The picture as the browser draws it, RGB; None where it shows none."""
    drawn = page.evaluate(SHOWN, [kind, base64.b64encode(data).decode()])
    if drawn is None:
        return None
    width, height, levels = drawn
    return np.array(levels, np.uint8).reshape(height, width, 4)[:, :, :3]


@pytest.fixture
def page(chromium: Browser) -> Page:
    page: Page = chromium.new_page()
    page.goto("about:blank")
    return page


def test_the_table_of_orientations_is_what_chromium_shows(page: Page) -> None:
    table = {name: turned_by_chromium(name) for name in encodings()}
    seen = {
        name: shown_orientation(pixels)
        for name, data in encodings().items()
        if (pixels := shown(page, name.split()[0].lower(), data)) is not None
    }
    assert seen == table


def test_exif_with_any_wrong_byte_is_read_as_chromium_reads_it(page: Page) -> None:
    # seeded: the same files in every run
    chance = random.Random(9)
    inner = tiff(Entry(38, 4, 1, 0x8769), Entry(6), behind=directory(Entry(3)))
    wrong = []
    turned = 0
    for number in range(400):
        exif = bytearray(PREFIX + chance.choice([tiff(Entry(6)), tiff(Entry(6), order=">"), inner]))
        for _ in range(chance.choice([1, 1, 2, 3])):
            exif[chance.randrange(len(exif))] = chance.choice([0, 1, 2, 3, 4, 6, 8, 0x12, 0xFF])
        data = jpeg(segment(bytes(exif)))
        pixels = shown(page, "jpeg", data)
        assert pixels is not None
        turned += shown_orientation(pixels) != 1
        if shown_orientation(pixels) != shown_orientation(decode(data, max_pixels=10_000).pixels):
            wrong.append((number, bytes(exif)))
    assert wrong == []
    assert 50 <= turned <= 350


STILL, FIRST, LAST = picture().rotate(180), picture(), picture().rotate(90, expand=False)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        pytest.param("GIF", {}, id="GIF"),
        pytest.param("WEBP", {"lossless": True}, id="WebP"),
        pytest.param("PNG", {}, id="PNG"),
        pytest.param("PNG", {"default_image": True}, id="PNG whose still picture is not shown"),
    ],
)
def test_of_a_moving_picture_the_frame_is_read_that_stands_on_the_screen_first(
    page: Page, kind: str, options: dict[str, bool]
) -> None:
    file = io.BytesIO()
    first, *others = [STILL, FIRST, LAST] if options.get("default_image") else [FIRST, LAST]
    first.save(file, kind, save_all=True, append_images=others, duration=60_000, **options)
    address = f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"
    page.set_content(f'<img style="display: block" src="{address}">')
    page.wait_for_function("() => document.images[0].complete")
    seen = Image.open(io.BytesIO(page.locator("img").screenshot())).convert("RGB")
    ours = decode(file.getvalue(), max_pixels=10_000)
    assert np.abs(np.asarray(seen).astype(int) - ours.pixels).mean() < 3
    assert [note.first for note in ours.notes] == ["2"]

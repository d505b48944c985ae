"""What stands on the screen of pictures with 16 bits or transparency, against what the decoder says of it."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from playwright.sync_api import Browser

from backend.label_studio.default_config import default_config
from backend.page.image_files import decode
from tests.end_to_end.browser import Editor, Stage
from tests.page.test_image_files import saved, writing
from tests.parts.label_studio import LABEL_STUDIO

INKS = {"black": (0, 0, 0), "white": (255, 255, 255), "yellow": (255, 240, 80), "grey": (128, 128, 128)}


def sixteen_bits(image: Image.Image, times: int) -> bytes:
    """A PNG of 16 bits, grey or colour with alpha, whose levels are the image's times so many."""
    values = np.asarray(image).astype(np.uint16) * times
    if values.ndim == 3:
        values[:, :, 3] = np.asarray(image)[:, :, 3].astype(np.uint16) * 257
        values = values[:, :, [2, 1, 0, 3]]
    return cv2.imencode(".png", values)[1].tobytes()


ON_PAPER = writing((0, 0, 0), ground=(255, 255, 255, 255)).convert("L")
PICTURES = {
    **{f"png {name} ink on nothing": saved(writing(ink), "PNG") for name, ink in INKS.items()},
    **{f"gif {name} ink on nothing": saved(writing(ink), "GIF") for name, ink in INKS.items()},
    "webp white ink on nothing": saved(writing(INKS["white"]), "WEBP", lossless=True),
    "png of a palette, white ink on nothing": saved(writing(INKS["white"]).quantize(8), "PNG"),
    "png of grey, white ink on nothing": saved(writing(INKS["white"]).convert("LA"), "PNG"),
    "png, alpha never written": saved(writing(INKS["black"], ground=(255, 255, 255, 0)), "PNG"),
    "png of 16 bits": sixteen_bits(ON_PAPER, 257),
    "png of 14 bits in 16": sixteen_bits(ON_PAPER, 64),
    "png of 12 bits in 16": sixteen_bits(ON_PAPER, 16),
    "png of 16 bits, white ink on nothing": sixteen_bits(writing(INKS["white"]), 257),
}


@pytest.mark.parametrize("name", PICTURES)
def test_the_decoder_knows_what_the_browser_shows(chromium: Browser, name: str) -> None:
    data = PICTURES[name]
    kind = name.split()[0].rstrip(",")
    page = chromium.new_page()
    address = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    page.set_content(f'<body style="background: #fff"><img style="display: block" src="{address}">')
    page.wait_for_function("() => document.images[0].complete && document.images[0].naturalWidth")
    seen = rgb(page.locator("img").screenshot())
    page.close()
    read = decode(data, max_pixels=100_000)
    known = read.pixels if read.shown is None else read.shown
    assert np.abs(seen.astype(int) - known).max() <= 3


@LABEL_STUDIO
def test_label_studio_lays_transparent_pictures_on_white(
    stage: Stage, editor: Editor, tmp_path: Path
) -> None:
    Image.new("RGBA", (600, 400)).save(tmp_path / "clear.png")
    api = stage.label_studio.api()
    project = int(api.create_project(title="unseen", label_config=default_config())["id"])
    (upload,) = api.upload_files(project, [tmp_path / "clear.png"])
    (task,) = api.import_tasks(project, [{"data": {"image": upload.address}}])
    editor.page.emulate_media(color_scheme="dark")
    editor.open_task(project, task)
    left, top = (int(place) for place in editor.at(300, 200))
    assert rgb(editor.page.screenshot())[top, left].min() >= 250


def rgb(screenshot: bytes) -> npt.NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(screenshot)).convert("RGB"))

"""Pages drawn for tests: lines of text at known places, in a font that has Cyrillic letters."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache

from PIL import Image, ImageDraw, ImageFont

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in page pixels."""


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype("DejaVuSans.ttf", size)


def drawn_page(
    texts: Sequence[str], size: tuple[int, int] = (480, 200), letters: int = 28
) -> tuple[Image.Image, list[Box]]:
    """A white page with these lines in black, from the top left, and the ink's box of each."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    boxes = []
    for number, text in enumerate(texts):
        place = (letters, letters + number * letters * 2)
        draw.text(place, text, font=font(letters), fill="black")
        boxes.append(draw.textbbox(place, text, font=font(letters)))
    return image, boxes


def file_of(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """The image as a file's bytes."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()

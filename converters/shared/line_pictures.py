"""Crops inside an HTML page: small pictures as data URLs, and texts with what differs marked."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import cv2
import numpy as np
from markupsafe import Markup, escape
from rapidfuzz.distance import Levenshtein

from backend.page import image_files
from backend.page.lines import Pixels

HEIGHT = 96
WIDTH = 1200
"""Pixels; a larger crop is made smaller, so that the page stays light on a phone."""


@dataclass(frozen=True, slots=True)
class CropImage:
    """A crop as a data URL, with its size in pixels."""

    url: str
    width: int
    height: int


def crop_image(crop: Pixels) -> CropImage:
    """A crop as a page shows it.

    Args:
        crop: RGB, uint8, shape (height, width, 3).
    """
    height, width = crop.shape[:2]
    scale = min(HEIGHT / height, WIDTH / width, 1.0)
    if scale < 1:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        crop = cv2.resize(crop, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    url = "data:image/jpeg;base64," + base64.b64encode(image_files.encode(crop, "jpeg", 82)).decode("ascii")
    return CropImage(url, crop.shape[1], crop.shape[0])


def differing(text: str, other: str) -> Markup:
    """A text with the parts marked that the other one does not have."""
    parts = Markup("")
    for piece in Levenshtein.opcodes(text, other):
        part = text[piece.src_start : piece.src_end]
        if part:
            parts += escape(part) if piece.tag == "equal" else Markup("<mark>{}</mark>").format(part)
        elif piece.tag == "insert":
            parts += Markup('<mark class="gap" title="something is missing here"></mark>')
    return parts

"""What can stand behind the stand-in: real OCR, or the truth with errors planted in it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import tesserocr
from PIL import Image

from backend.page.lines import Pixels
from tests.parts.ernie_stand_in import Asked, Say

TESSDATA = ("/usr/share/tesseract-ocr/*/tessdata", "/usr/share/tessdata")


class Tesseract:
    """Reads the picture as it was sent; for the second prompt a larger, black-and-white rendering."""

    def __init__(self, language: str = "rus+eng") -> None:
        folders = [path for pattern in TESSDATA for path in Path("/").glob(pattern[1:])]
        if not folders:
            raise LookupError(
                "Tesseract's language data is missing: install tesseract-ocr and tesseract-ocr-rus"
            )
        self._settings = (str(folders[-1]), language)
        self._local = threading.local()

    def __call__(self, asked: Asked) -> Say:
        if asked.picture is None:
            return Say("ready")
        if not hasattr(self._local, "engine"):
            path, language = self._settings
            self._local.engine = tesserocr.PyTessBaseAPI(
                path=path, lang=language, psm=tesserocr.PSM.SINGLE_LINE, oem=tesserocr.OEM.LSTM_ONLY
            )
        if int(asked.picture.max()) - int(asked.picture.min()) < 16:
            return Say("###")  # in single-line mode Tesseract makes a letter of anything
        picture = rendered_anew(asked.picture) if asked.second else asked.picture
        engine = self._local.engine
        engine.SetImage(Image.fromarray(picture))
        return Say(engine.GetUTF8Text().strip() or "###")


def rendered_anew(picture: Pixels) -> Pixels:
    """Half as large again and black on white, as far as one threshold can tell them apart."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    large = cv2.resize(grey, None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC)
    _, black = cv2.threshold(large, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return cv2.cvtColor(black, cv2.COLOR_GRAY2RGB)


@dataclass(frozen=True, slots=True)
class Planted:
    """One true line and what each prompt makes of it."""

    truth: str
    first: str
    second: str


class Truth:
    """Knows the text of every crop it was given, and answers for the one most like the picture.

    error_rates: share of the lines that the first and the second prompt misread. The misread lines
    are chosen by a hash, exactly round(rate * lines) of them, and never the same for both prompts
    while that can be helped; a misreading swaps, drops or doubles one letter.
    """

    def __init__(
        self,
        lines: Sequence[tuple[Pixels, str]],
        error_rates: tuple[float, float] = (0.0, 0.0),
        seed: str = "",
    ) -> None:
        self._shapes = np.stack([shape_of(crop) for crop, _ in lines])
        count = len(lines)
        order = sorted(range(count), key=lambda at: _hash(f"{seed}:{at}:{lines[at][1]}"))
        second = set(order[: round(error_rates[1] * count)])
        first = set(order[::-1][: round(error_rates[0] * count)])
        self.planted = [
            Planted(
                text, misread(text, 1) if at in first else text, misread(text, 2) if at in second else text
            )
            for at, (_, text) in enumerate(lines)
        ]

    def __call__(self, asked: Asked) -> Say:
        if asked.picture is None:
            return Say("ready")
        line = self.line_of(asked.picture)
        return Say((line.second if asked.second else line.first) or "###")

    def line_of(self, picture: Pixels) -> Planted:
        """The line most like a picture."""
        distances = np.abs(self._shapes - shape_of(picture)).mean(axis=1)
        return self.planted[int(distances.argmin())]


def misread(text: str, kind: int) -> str:
    """The text with one letter wrong: another one (kind 1) or a doubled one (kind 2)."""
    if not text:
        return "|"
    at = _hash(text) % len(text)
    if kind == 2:
        return text[:at] + text[at] * 2 + text[at + 1 :] if text[at] != " " else text[:at] + text[at + 1 :]
    return text[:at] + ("ж" if text[at] != "ж" else "х") + text[at + 1 :]


def shape_of(picture: Pixels) -> npt.NDArray[np.float32]:
    """A picture's ink without margin, colours and size: 24 x 320 greys and how wide it is, flat."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    edge = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    ink = np.abs(grey - np.median(edge))
    ink /= max(float(ink.max()), 1.0)
    rows, columns = np.where((ink > 0.4).any(axis=1))[0], np.where((ink > 0.4).any(axis=0))[0]
    if rows.size and columns.size:
        ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = ink.shape
    small = cv2.resize(ink, (320, 24), interpolation=cv2.INTER_AREA)
    # how wide the line is weighs as much as a fifth of its picture
    wide = np.full(1536, min(width / height, 40.0) / 40.0, np.float32)
    return np.concatenate([small.ravel(), wide])


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")

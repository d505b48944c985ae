"""Pages written for a test: known lines at known places, in any script, and readers who know them.

Chromium sets the type, so that Arabic is joined and Thai is stacked as on a real page.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from playwright.sync_api import Browser

from backend.page import crops, image_files
from backend.page.lines import Quad
from tests.parts.ernie_brains import shape_of
from tests.parts.ernie_stand_in import Asked, Outcome, Say

WIDTH, HEIGHT = 1000, 640
FONTS = "'DejaVu Sans', 'Loma', 'WenQuanYi Micro Hei'"


@dataclass(frozen=True)
class Written:
    """One line, and what the two readings make of it.

    second: None reads it as the first does; "" sees no text.
    turned: degrees clockwise.
    """

    text: str
    first: str | None = None
    second: str | None = None
    turned: float = 0

    @property
    def readings(self) -> tuple[str, str]:
        first = self.text if self.first is None else self.first
        return first, first if self.second is None else self.second


@dataclass(frozen=True)
class WrittenPage:
    """An image file and the true quad of each of its lines, page pixels."""

    path: Path
    lines: tuple[Written, ...]
    quads: tuple[Quad, ...]

    def quad_of(self, text: str) -> Quad:
        return next(quad for line, quad in zip(self.lines, self.quads, strict=True) if line.text == text)


def write(
    browser: Browser, path: Path, lines: Sequence[Written], language: str = "ru", height: int = HEIGHT
) -> WrittenPage:
    """Set the lines under each other and take their picture."""
    right_to_left = language in {"ar", "fa", "he"}
    rows = "".join(
        f"<div class=line style='top:{50 + 84 * number}px; transform:rotate({line.turned}deg)'>"
        f"{escape(line.text)}</div>"
        for number, line in enumerate(lines)
    )
    side = "right:60px" if right_to_left else "left:60px"
    page = browser.new_page(viewport={"width": WIDTH, "height": height})
    page.set_content(
        f"<html lang={language} dir={'rtl' if right_to_left else 'ltr'}><style>body{{background:#fff}}"
        f".line{{position:absolute;{side};font:34px/46px {FONTS};white-space:pre;transform-origin:0 0}}"
        f"</style>{rows}</html>"
    )
    places = page.evaluate(
        "() => [...document.querySelectorAll('.line')]"
        ".map(line => [line.offsetLeft, line.offsetTop, line.offsetWidth, line.offsetHeight])"
    )
    page.screenshot(path=path)
    page.close()
    quads = [_quad(*place, line.turned) for place, line in zip(places, lines, strict=True)]
    return WrittenPage(path, tuple(lines), tuple(quads))


def _quad(x: float, y: float, width: float, height: float, turned: float) -> Quad:
    turn = np.deg2rad(turned)
    along, down = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
    corner = np.array([x, y])
    corners = [corner, corner + along * width, corner + along * width + down * height, corner + down * height]
    return np.array(corners, np.float32)


@dataclass
class Readers:
    """A brain for the stand-in that knows every line of every written page.

    instead: what it does in place of answering, while a test wants that.
    """

    instead: Outcome | None = None
    _shapes: list[npt.NDArray[np.float32]] = field(default_factory=list)
    _readings: list[tuple[str, str]] = field(default_factory=list)
    _known: dict[str, tuple[str, str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def learn(self, page: WrittenPage) -> WrittenPage:
        pixels = image_files.decode(page.path.read_bytes(), max_pixels=10**8).pixels
        with self._lock:
            for line, quad in zip(page.lines, page.quads, strict=True):
                # readings are kept by their crop: what one test is answered, the next one is answered, too
                before = self._known.setdefault(line.text, line.readings)
                assert before == line.readings, (
                    f"another test has {line.text!r} read otherwise: write another"
                )
                self._shapes.append(shape_of(crops.crop_line(pixels, quad, "auto")))
                self._readings.append(line.readings)
        return page

    def __call__(self, asked: Asked) -> Outcome:
        if asked.picture is None:
            return Say("ready")
        if self.instead is not None:
            return self.instead
        grey = cv2.cvtColor(asked.picture, cv2.COLOR_RGB2GRAY)
        if int(grey.max()) - int(grey.min()) < 12:
            return Say("###")
        shape = shape_of(asked.picture)
        with self._lock:
            distances = [float(np.abs(known - shape).mean()) for known in self._shapes]
            readings = self._readings[int(np.argmin(distances))]
        return Say(readings[asked.second] or "###")

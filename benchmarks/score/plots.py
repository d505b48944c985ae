"""The plots of the documentation: what the score says against what is so, and precision against yield."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from backend.rendering.fonts import fonts_with
from benchmarks.score.figures import Judged, calibration

_SIZE: Final = 900, 620
_FIELD: Final = 90, 60, 860, 540
"""Left, top, right, bottom of where values lie, pixels."""
_INK, _FAINT = (40, 40, 40), (215, 215, 215)
_SERIES: Final = ((47, 127, 208), (217, 112, 42), (60, 150, 80))

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class _Axes:
    """The ranges of both axes, and what stands beside them."""

    title: str
    across: str
    up: str
    left: float = 0.0
    right: float = 1.0
    low: float = 0.0
    high: float = 1.0

    def place(self, x: float, y: float) -> tuple[float, float]:
        left, top, right, bottom = _FIELD
        return (
            left + (x - self.left) / (self.right - self.left) * (right - left),
            bottom - (y - self.low) / (self.high - self.low) * (bottom - top),
        )


def draw(judged: Sequence[Judged], folder: Path) -> None:
    """Write `score-calibration.png` and `score-precision.png`."""
    agreed = [one for one in judged if one.case.case == "agreed"]
    axes = _Axes(
        "What the score says, and what is so (held-out pages)",
        "said: right with a probability of",
        "so: right",
    )
    curves = {
        "all lines, now": _points([one.said for one in judged], [one.right for one in judged]),
        "agreed lines, now": _points([one.said for one in agreed], [one.right for one in agreed]),
        "all lines, the former score": _points(
            [one.formerly for one in judged], [one.formerly_right for one in judged]
        ),
    }
    _plot(axes, curves, diagonal=True).save(folder / "score-calibration.png")
    title = "How many right lines at what price (held-out pages)"
    axes = _Axes(title, "yield: right lines taken, of those that can be had",
                
                 "precision", 0.3, 1.0, 0.7, 1.0)  # fmt: skip
    possible = sum(one.possible for one in judged)
    curves = {
        "now": _precision([one.said for one in judged], [one.right for one in judged], possible),
        "the former score": _precision(
            [one.formerly for one in judged], [one.formerly_right for one in judged], possible
        ),
    }
    _plot(axes, curves, dots=False).save(folder / "score-precision.png")


def _points(scores: Sequence[float], right: Sequence[bool]) -> Points:
    return [(said, so) for said, so, _ in calibration(scores, right)]


def _precision(scores: Sequence[float], right: Sequence[bool], possible: int) -> Points:
    order = np.argsort(-np.array(scores), kind="stable")
    found = np.cumsum(np.array(right)[order])
    places = range(50, len(order), max(1, len(order) // 200))
    return [(float(found[place] / possible), float(found[place] / (place + 1))) for place in places]


def _plot(
    axes: _Axes, curves: dict[str, Points], *, dots: bool = True, diagonal: bool = False
) -> Image.Image:
    picture = Image.new("RGB", _SIZE, (255, 255, 255))
    pen = ImageDraw.Draw(picture)
    path = str(fonts_with("Precision 0123456789%")[0])
    small, large = ImageFont.truetype(path, 17), ImageFont.truetype(path, 20)
    left, top, right, bottom = _FIELD
    pen.text((left, 20), axes.title, font=large, fill=_INK)
    for share in np.linspace(0, 1, 6):
        x, y = axes.left + share * (axes.right - axes.left), axes.low + share * (axes.high - axes.low)
        across, up = axes.place(x, y)
        pen.line((left, up, right, up), fill=_FAINT)
        pen.line((across, top, across, bottom), fill=_FAINT)
        pen.text((across, bottom + 8), f"{100 * x:.0f} %", font=small, fill=_INK, anchor="ma")
        pen.text((left - 8, up), f"{100 * y:.0f} %", font=small, fill=_INK, anchor="rm")
    pen.text(((left + right) / 2, bottom + 36), axes.across, font=small, fill=_INK, anchor="ma")
    pen.text((left + 6, top - 4), axes.up, font=small, fill=_INK, anchor="ls")
    if diagonal:
        pen.line((*axes.place(0, 0), *axes.place(1, 1)), fill=(150, 150, 150), width=2)
    for number, (name, points) in enumerate(curves.items()):
        colour = _SERIES[number]
        inside = [
            axes.place(x, y) for x, y in points if axes.left <= x <= axes.right and axes.low <= y <= axes.high
        ]
        pen.line(inside, fill=colour, width=3)
        for x, y in inside if dots else ():
            pen.ellipse((x - 5, y - 5, x + 5, y + 5), fill=colour)
        row = bottom - 20 - 26 * number
        begins = left + 20 if not diagonal else left + 400
        pen.line((begins, row, begins + 30, row), fill=colour, width=4)
        pen.text((begins + 40, row), name, font=small, fill=_INK, anchor="lm")
    return picture

"""Curves on HTML pages: values in, places on a small canvas out; `plot.svg.j2` writes those as SVG. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import ClassVar

from converters.shared.rates import Interval

WIDTH, HEIGHT = 360, 184
"""Units of the canvas: about the pixels that a phone has for it, so that its text is legible there."""
LEFT, RIGHT, BOTTOM = 48, WIDTH - 20, HEIGHT - 32
"""Edges of the field that values lie in; beside and under it stand the axes' labels."""
TOP, TOP_UNDER_LEGEND = 8, 24

SERIES = ("#2f7fd0", "#d9702a")
"""Told apart in both modes and by people who see few colours."""

MOST_STEPS = 4
"""Steps between an axis's labelled values, where the values do not straddle one more."""
LABEL_WIDTH = 52
"""What a date takes on the axis with some air; labels that would stand closer are left out."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One curve: a value for each moment or step, with its interval where there is one."""

    name: str
    values: Sequence[float | None]
    intervals: Sequence[Interval | None]


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled place on an axis; `under` is the label's second line."""

    at: float
    label: str
    under: str = ""


@dataclass(frozen=True, slots=True)
class Dot:
    """A value's place, and what it says in words."""

    x: float
    y: float
    says: str


@dataclass(frozen=True, slots=True)
class DrawnCurve:
    """A curve as paths of SVG (`M`, `L`, `Z`); a gap in the values is a gap in the paths."""

    name: str
    colour: str
    line: str
    band: str
    dots: Sequence[Dot]


@dataclass(frozen=True, slots=True)
class Plot:
    """Curves ready to be written; places are units of the canvas, from its top left corner."""

    width: ClassVar = WIDTH
    height: ClassVar = HEIGHT
    left: ClassVar = LEFT
    right: ClassVar = RIGHT
    bottom: ClassVar = BOTTOM
    title: str
    across: Sequence[Tick]
    upright: Sequence[Tick]
    curves: Sequence[DrawnCurve]


def plot(title: str, moments: Sequence[datetime], curves: Sequence[Curve], *, percent: bool) -> Plot:
    """Place curves over time.

    Args:
        title: what is drawn, for those who cannot see it.
        moments: when, oldest first, two or more.
        curves: one or two, with a value for each moment; None leaves a gap. One value at least is known.
        percent: values are shares.
    """
    span = (moments[-1] - moments[0]).total_seconds()
    by_hour = any(moment.hour for moment in moments)
    across = [LEFT + (RIGHT - LEFT) * (moment - moments[0]).total_seconds() / span for moment in moments]
    when = [_date(moment, by_hour=by_hour) for moment in moments]
    said = [" ".join(words) for words in when]
    return _placed(title, across, _labelled(across, when), said, curves, percent=percent)


def plot_steps(title: str, steps: Sequence[int], curves: Sequence[Curve], *, percent: bool) -> Plot:
    """Place curves over the steps of a training.

    Args:
        title: what is drawn, for those who cannot see it.
        steps: which, rising, one or more; the axis begins at 0.
        curves: as for `plot`.
        percent: values are shares.
    """
    levels = _levels([0.0, float(steps[-1])])
    across = [LEFT + (RIGHT - LEFT) * step / levels[-1] for step in steps]
    ticks = [Tick(LEFT + (RIGHT - LEFT) * level / levels[-1], _plain(level)) for level in levels]
    said = [f"step {step:,}" for step in steps]
    return _placed(title, across, ticks, said, curves, percent=percent)


def _placed(
    title: str,
    across: Sequence[float],
    ticks: Sequence[Tick],
    said: Sequence[str],
    curves: Sequence[Curve],
    *,
    percent: bool,
) -> Plot:
    top = TOP_UNDER_LEGEND if len(curves) > 1 else TOP
    label = _percent if percent else _plain
    levels = _levels([value for curve in curves for value in _seen(curve)])
    low, high = levels[0], levels[-1]

    def y_of(value: float) -> float:
        return BOTTOM - (BOTTOM - top) * (value - low) / (high - low)

    return Plot(
        title,
        ticks,
        [Tick(y_of(level), label(level)) for level in levels],
        [
            _drawn(curve, colour, across, y_of, said, label)
            for curve, colour in zip(curves, SERIES, strict=False)
        ],
    )


def _seen(curve: Curve) -> Iterator[float]:
    for value, interval in zip(curve.values, curve.intervals, strict=True):
        if value is not None:
            yield from (value, *(interval or ()))


def _levels(values: Sequence[float]) -> list[float]:
    """The round values that an axis shows, from one at or under the least to one at or over the largest."""
    low, high = max(min(values), 0), max(values)
    if low == high:
        low, high = low * 0.9, high * 1.1 or 0.01
    rough = (high - low) / MOST_STEPS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power > rough * (1 - 1e-9))
    # a hair's breadth over a round value, as sums of binary fractions are, asks for no further step
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, last + 1)]


def _date(moment: datetime, *, by_hour: bool) -> tuple[str, str]:
    """A moment as the axis has it, and the day or year that it is a part of."""
    day = f"{moment.day} {moment:%b}"
    return (f"{moment:%H:%M}", day) if by_hour else (day, f"{moment.year}")


def _labelled(across: Sequence[float], when: Sequence[tuple[str, str]]) -> list[Tick]:
    """The dates that have room, the newest always; a day or year is said where it begins."""
    chosen: list[int] = []
    for number in reversed(range(len(across))):
        if not chosen or across[chosen[-1]] - across[number] >= LABEL_WIDTH:
            chosen.append(number)
    ticks, said = [], ""
    for number in reversed(chosen):
        label, part_of = when[number]
        ticks.append(Tick(across[number], label, part_of if part_of != said else ""))
        said = part_of
    return ticks


def _drawn(
    curve: Curve,
    colour: str,
    across: Sequence[float],
    y_of: Callable[[float], float],
    when: Sequence[str],
    label: Callable[[float], str],
) -> DrawnCurve:
    points = list(zip(across, curve.values, curve.intervals, when, strict=True))
    line, band = "", ""
    for known, run in groupby(points, key=lambda point: point[1] is not None):
        if known:
            line += _path([(x, y_of(value)) for x, value, _, _ in run if value is not None])
    for known, run in groupby(points, key=lambda point: point[1] is not None and point[2] is not None):
        if known:
            edges = [(x, y_of(pair[0]), y_of(pair[1])) for x, _, pair, _ in run if pair is not None]
            if len(edges) == 1:  # a moment alone: a bar, for a band without width cannot be seen
                ((x, lowest, highest),) = edges
                edges = [(x - 2, lowest, highest), (x + 2, lowest, highest)]
            outline = [(x, highest) for x, _, highest in edges]
            band += _path([*outline, *((x, lowest) for x, lowest, _ in reversed(edges))]) + "Z"
    dots = [
        Dot(x, y_of(value), _says(moment, value, pair, label))
        for x, value, pair, moment in points
        if value is not None
    ]
    return DrawnCurve(curve.name, colour, line, band, dots)


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _says(moment: str, value: float, pair: Interval | None, label: Callable[[float], str]) -> str:
    between = f" ({label(pair[0])} to {label(pair[1])})" if pair else ""
    return f"{moment}: {label(value)}{between}"


def _percent(value: float) -> str:
    return f"{_plain(100 * value)} %"


def _plain(value: float) -> str:
    return f"{value:,.3g}" if abs(value) < 100 else f"{value:,.0f}"

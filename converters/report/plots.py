"""The report's curves, as SVG that takes its colours from the page around it."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import matplotlib
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from converters.report.rates import Interval

INK, GRID = "#010203", "#040506"
"""Stand-ins that become the page's own colours, so that a dark page has light axes."""

SERIES = ("#2f7fd0", "#d9702a")
"""Told apart in both modes and by people who see few colours."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One curve: a value for each moment, with its interval where there is one."""

    name: str
    values: Sequence[float | None]
    intervals: Sequence[Interval | None]


def plot(
    title: str, moments: Sequence[datetime], curves: Sequence[Curve], *, percent: bool, name: str
) -> str:
    """Draw curves over time.

    Args:
        title: what is drawn, for those who cannot see it.
        moments: when, oldest first.
        curves: up to two, with a value for each moment; None leaves a gap.
        percent: values are shares.
        name: tells this plot's parts from another's on the same page.

    Returns:
        An `<svg>` element without a fixed size.
    """
    settings: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": name,
        "font.size": 9,
        "font.family": "sans-serif",
    }
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(5.0, 2.4), layout="constrained")
        axes = figure.add_subplot()
        for curve, colour in zip(curves, SERIES, strict=False):
            values = [math.nan if value is None else value for value in curve.values]
            axes.plot(moments, values, "o-", ms=3.5, lw=1.8, color=colour, label=curve.name)  # type: ignore[arg-type]
            bands = [(math.nan, math.nan) if band is None else band for band in curve.intervals]
            axes.fill_between(
                moments,  # type: ignore[arg-type]
                [low for low, _ in bands],
                [high for _, high in bands],
                color=colour,
                alpha=0.16,
                lw=0,
            )
        # no more than there are steps: between two days nobody counted hours
        steps = max(1, min(3, len(moments) - 1))
        locator = AutoDateLocator(minticks=steps, maxticks=6)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
        axes.yaxis.set_major_locator(MaxNLocator(4))
        if percent:
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
        axes.set_ylim(bottom=max(axes.get_ylim()[0], 0), top=min(axes.get_ylim()[1], 1) if percent else None)
        axes.grid(axis="y", color=GRID, lw=0.8)
        axes.tick_params(colors=INK, length=0)
        axes.xaxis.get_offset_text().set_color(INK)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.spines["bottom"].set_color(GRID)
        if len(curves) > 1:
            axes.legend(frameon=False, labelcolor=INK, loc="lower left", bbox_to_anchor=(0, 1), ncols=2,
                        borderaxespad=0, handlelength=1.2)  # fmt: skip
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _inline(file.getvalue(), title, name)


def _inline(svg: str, title: str, name: str) -> str:
    """The SVG as a part of a page: its size and colours are the page's, its names its own."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)
    svg = svg.replace(INK, "var(--muted)").replace(GRID, "var(--line)")
    # matplotlib's text has no colour of its own where it was black
    return svg.replace("<svg", f'<svg role="img" aria-label="{title}"', 1)

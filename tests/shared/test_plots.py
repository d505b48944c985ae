"""Curves: where things land on a canvas of 360 by 184, whose field is 48..340 by 8..152."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest

from converters.shared.plots import Curve, Plot, plot, plot_steps
from converters.shared.templating import template

MONDAY = datetime(2026, 9, 28)


def days(*numbers: int) -> list[datetime]:
    return [MONDAY + timedelta(days=number) for number in numbers]


def plotted(values, intervals=None, moments=None, *, percent=True) -> Plot:
    curve = Curve("right", values, intervals or [None] * len(values))
    return plot("Lines", moments or days(*range(len(values))), [curve], percent=percent)


def svg_of(drawn: Plot) -> str:
    return str(template("plot.svg.j2").module.drawn(drawn))


def test_a_value_lands_at_its_moment_and_height():
    drawn = plotted([0, 0.5, 1])
    (curve,) = drawn.curves

    assert curve.line == "M48.0 152.0L194.0 80.0L340.0 8.0"
    assert [(tick.at, tick.label) for tick in drawn.upright] == [
        (152, "0 %"),
        (116, "25 %"),
        (80, "50 %"),
        (44, "75 %"),
        (8, "100 %"),
    ]
    assert [(tick.at, tick.label, tick.under) for tick in drawn.across] == [
        (48, "28 Sep", "2026"),
        (194, "29 Sep", ""),
        (340, "30 Sep", ""),
    ]
    svg = svg_of(drawn)
    assert 'd="M48.0 152.0L194.0 80.0L340.0 8.0"' in svg
    assert re.search(r'<circle cx="194\.0" cy="80\.0"[^>]*><title>right, 29 Sep 2026: 50 %</title>', svg)
    assert re.search(r'<text x="40" y="84\.0" text-anchor="end">50 %</text>', svg)


def test_moments_stand_apart_as_their_times_do():
    (curve,) = plotted([0, 0, 1], moments=days(0, 1, 4)).curves
    assert [dot.x for dot in curve.dots] == [48, 48 + 292 / 4, 340]


def test_a_gap_in_the_values_is_a_gap_in_line_and_band():
    (curve,) = plotted([0, 1, None, 1, 0], [(0, 1), (0, 1), None, (0, 1), (0, 1)]).curves
    assert curve.line == "M48.0 152.0L121.0 8.0M267.0 8.0L340.0 152.0"
    assert curve.band == (
        "M48.0 8.0L121.0 8.0L121.0 152.0L48.0 152.0Z"  # there along the upper edge, back along the lower one
        "M267.0 8.0L340.0 8.0L340.0 152.0L267.0 152.0Z"
    )
    assert [dot.x for dot in curve.dots] == [48, 121, 267, 340]


def test_the_interval_of_a_moment_alone_is_seen():
    (curve,) = plotted([1, None, 0], [None, None, (0, 0.5)]).curves
    assert curve.band == "M338.0 80.0L342.0 80.0L342.0 152.0L338.0 152.0Z"


@pytest.mark.parametrize(
    ("values", "intervals", "percent", "labels"),
    [
        pytest.param([0.6, 0.97], None, True, ["60 %", "70 %", "80 %", "90 %", "100 %"], id="shares"),
        pytest.param([0.3, 0.7], [(0.1, 0.5), None], True, ["0 %", "20 %", "40 %", "60 %", "80 %"],
                     id="intervals have room, too"),
        pytest.param([0.004, 0.011], None, True, ["0.4 %", "0.6 %", "0.8 %", "1 %", "1.2 %"],
                     id="small rates"),
        pytest.param([0.5, 1.4], None, True, ["50 %", "75 %", "100 %", "125 %", "150 %"],
                     id="an error rate above 100 % is not cut"),
        pytest.param([3, 1200], None, False, ["0", "500", "1,000", "1,500"], id="seconds"),
        pytest.param([5, 5], None, False, ["4.5", "4.75", "5", "5.25", "5.5"], id="one value all the time"),
        pytest.param([0, 0], None, True, ["0 %", "0.25 %", "0.5 %", "0.75 %", "1 %"], id="nothing but zero"),
    ],
)  # fmt: skip
def test_an_axis_has_round_values_around_all_that_is_drawn(values, intervals, percent, labels):
    drawn = plotted(values, intervals, percent=percent)
    assert [tick.label for tick in drawn.upright] == labels
    (curve,) = drawn.curves
    for _, y in re.findall(r"([\d.]+) ([\d.]+)", curve.line + curve.band):
        assert 8 <= float(y) <= 152


@pytest.mark.parametrize(
    ("moments", "labels"),
    [
        pytest.param(
            [datetime(2026, 9, 28, 22) + timedelta(hours=hour) for hour in range(5)],
            ["22:00/28 Sep", "23:00", "00:00/29 Sep", "01:00", "02:00"],
            id="hours, with the day where it begins",
        ),
        pytest.param(
            [datetime(2026, 12, 21) + timedelta(weeks=week) for week in range(3)],
            ["21 Dec/2026", "28 Dec", "4 Jan/2027"],
            id="weeks, with the year where it begins",
        ),
        pytest.param(
            days(*range(11)),
            ["28 Sep/2026", "30 Sep", "2 Oct", "4 Oct", "6 Oct", "8 Oct"],
            id="as many as have room, the newest always",
        ),
        pytest.param(days(0, 99, 100), ["28 Sep/2026", "6 Jan/2027"], id="close ones are left out"),
    ],
)
def test_dates_have_room_and_say_their_day_or_year_once(moments, labels):
    ticks = plotted([1] * len(moments), moments=moments).across
    assert ["/".join(filter(None, (tick.label, tick.under))) for tick in ticks] == labels


def test_two_curves_have_a_legend_and_no_name_is_markup():
    nasty = '<b>&"right'
    curves = [Curve("ready", [0, 1], [None, None]), Curve(nasty, [1, 1], [None, None])]
    drawn = plot(nasty, days(0, 1), curves, percent=True)
    svg = svg_of(drawn)

    assert "<b>" not in svg
    assert 'aria-label="&lt;b&gt;&amp;&#34;right"' in svg
    assert re.findall(r'<text x="\d+" y="13">([^<]*)</text>', svg) == ["ready", "&lt;b&gt;&amp;&#34;right"]
    assert len({curve.colour for curve in drawn.curves}) == 2
    # under the legend
    assert drawn.curves[0].line == "M48.0 152.0L340.0 24.0"


def test_one_curve_needs_no_legend():
    assert 'y="13"' not in svg_of(plotted([0, 1]))


def test_steps_of_a_training_begin_at_0_and_end_at_a_round_number():
    (curve,) = (
        drawn := plot_steps("Loss", [10, 20, 40], [Curve("loss", [160, 74, 0], [None] * 3)], percent=False)
    ).curves
    assert [(tick.at, tick.label) for tick in drawn.across] == [
        (48, "0"), (121, "10"), (194, "20"), (267, "30"), (340, "40"),
    ]  # fmt: skip
    assert [dot.x for dot in curve.dots] == [121, 194, 340]
    assert curve.dots[0].says == "step 10: 160"
    assert curve.dots[2].y == 152


def test_one_step_alone_is_drawn():
    (curve,) = plot_steps("Loss", [1], [Curve("loss", [218.0], [None])], percent=False).curves
    assert [dot.says for dot in curve.dots] == ["step 1: 218"]

"""A strip shows the line level, in its own direction and at a size one can read, from the page's own image.

What the browser makes of it is looked at in `tests/end_to_end/test_sheets.py`; here its geometry is reckoned.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import numpy as np
import pytest

from backend.sheets.strips import LINE_HEIGHT, LONGEST, UPRIGHT_HEIGHT, PageImage, strip

PAGE = PageImage("/data/upload/1/page.png", 1000, 1400)
GONE = "The image cannot be shown."
LEVEL = ((100, 200), (500, 200), (500, 240), (100, 240))


def strips(quad: Sequence[Sequence[float]], *texts: str, page: PageImage = PAGE) -> list[Element]:
    """The SVGs of a line, in the order in which they are read."""
    return fromstring(strip(page, np.array(quad, np.float32), texts, GONE)).findall("svg")


def placed(svg: Element, x: float, y: float) -> tuple[float, float]:
    """Where a place of the page comes to lie in a strip, in the strip's units."""
    image = svg.find("image")
    assert image is not None
    numbers = [float(number) for number in re.findall(r"-?[\d.]+", image.attrib["transform"])]
    (to_x, to_y), angle, (from_x, from_y) = numbers[:2], np.deg2rad(numbers[2]), numbers[3:]
    x, y = x + from_x, y + from_y
    turned = x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)
    return turned[0] + to_x, turned[1] + to_y


def view(svg: Element) -> list[float]:
    return [float(number) for number in svg.attrib["viewBox"].split()]


def turned(quad: Any, degrees: float) -> Any:
    turn = np.deg2rad(degrees)
    matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    middle = np.mean(quad, axis=0)
    return (np.array(quad) - middle) @ matrix + middle


@pytest.mark.parametrize("degrees", [0, 4, -12, 90, 180, 270])
def test_a_line_lies_level_and_begins_at_the_left_however_it_lies_on_the_page(degrees: float) -> None:
    quad = turned(LEVEL, degrees)
    (svg,) = strips(quad, "Накладная № 1047")
    corners = [placed(svg, x, y) for x, y in quad]
    assert np.allclose(corners, [(0, 0), (400, 0), (400, 40), (0, 40)], atol=0.2)
    x, y, width, height = view(svg)
    assert (x, y, x + width, y + height) == (-24, -18, 424, 58)


def test_a_line_is_as_high_on_the_screen_as_its_readings() -> None:
    for factor in (0.25, 1, 6):
        (svg,) = strips(np.array(LEVEL) * factor, "текст")
        _, _, width, height = view(svg)
        shown = float(re.findall(r"(\d+)px", svg.attrib["style"])[0])
        assert shown * height / width == pytest.approx(LINE_HEIGHT * 1.9, abs=1)
        assert svg.attrib["style"].startswith("width:min(100%,")


def test_a_long_line_stands_in_several_strips_that_leave_nothing_out() -> None:
    quad = ((10, 10), (1910, 10), (1910, 30), (10, 30))
    parts = strips(quad, "слово " * 60)
    assert len(parts) == 3
    ends = [(view(svg)[0], view(svg)[0] + view(svg)[2]) for svg in parts]
    assert ends[0][0] < 0
    assert ends[-1][1] > 1900
    for (_, end), (start, _) in (ends[:2], ends[1:]):
        # a letter that is parted by an edge is whole in one of the two
        assert end - start >= 20
    # at the width of a window of 1280 pixels the line is still 36 pixels high
    assert max(width for _, _, width, _ in map(view, parts)) / 20 * 36 < 1260
    assert len(strips(((0, 0), (LONGEST * 10, 0), (LONGEST * 10, 10), (0, 10)))) == 1


TALL = ((100, 100), (140, 100), (140, 500), (100, 500))


@pytest.mark.parametrize(
    ("quad", "texts", "upright"),
    [
        pytest.param(TALL, ("春天的雨", "春天的面"), True, id="Chinese is written downwards"),
        pytest.param(TALL, ("はるの", ""), True, id="one reader saw Japanese"),
        pytest.param(TALL, ("Russian Grammar", "Russian Gramnar"), False, id="the spine of a book"),
        pytest.param(TALL, (), False, id="nothing was read"),
        pytest.param(((0, 0), (40, 0), (40, 80), (0, 80)), ("1", "l"), True, id="one narrow character"),
        pytest.param(TALL, ("1", "l"), False, id="too tall for one character"),
        pytest.param(((0, 0), (40, 0), (40, 50), (0, 50)), ("12", "17"), False, id="not tall"),
        pytest.param(turned(LEVEL, 90), ("春天的雨下了一整夜",), False, id="Chinese that lies on its side"),
    ],
)
def test_a_tall_line_stands_only_where_its_text_does(quad: Any, texts: Sequence[str], upright: bool) -> None:
    assert ('class="line upright"' in strip(PAGE, np.array(quad, np.float32), texts, GONE)) is upright


def test_a_tall_line_on_its_side_is_turned_as_the_readers_saw_it() -> None:
    (svg,) = strips(TALL, "Russian Grammar")
    # the text runs downwards: its top lies at the right of the page
    assert np.allclose([placed(svg, *corner) for corner in TALL], [(0, 40), (0, 0), (400, 0), (400, 40)])


def test_an_upright_line_keeps_its_direction_and_fits_on_the_screen() -> None:
    (svg,) = strips(TALL, "春天的雨下了")
    assert np.allclose([placed(svg, *corner) for corner in TALL], [(0, 0), (40, 0), (40, 400), (0, 400)])
    columns = strips(((100, 100), (140, 100), (140, 1100), (100, 1100)), "很长的一行竖排文字")
    assert len(columns) == 3
    heights = [float(re.findall(r"height:(\d+)px", each.attrib["style"])[0]) for each in columns]
    assert max(heights) <= UPRIGHT_HEIGHT
    assert view(columns[0])[1] < 0
    assert view(columns[-1])[1] + view(columns[-1])[3] > 1000


def test_a_flat_quad_is_no_division_by_nothing() -> None:
    (svg,) = strips(((5, 5), (5, 5), (5, 5), (5, 5)), "x")
    assert all(np.isfinite(view(svg)))


def test_the_address_of_a_page_cannot_end_its_attribute() -> None:
    hostile = PageImage('/a.png"/><script>alert(1)</script>&', 10, 10)
    (svg,) = strips(LEVEL, "x", page=hostile)
    image = svg.find("image")
    assert image is not None
    assert image.attrib["href"] == hostile.address
    assert [child.tag for child in svg] == ["image", "path", "path"]

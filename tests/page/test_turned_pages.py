"""Which way the lines of a page stand: a vote, and quads that begin at the text's own top left."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from backend.page.crops import TallLines
from backend.page.lines import Line, Pixels, Quad
from backend.page.turned_pages import Direction, direction, the_other_way_round

LONG, SHORT = (300, 20), (24, 20)


def upside_down(crops: Sequence[Pixels]) -> list[float]:
    """A judge that knows: the lines of these tests have a thick bar under them."""
    return [float(crop[: len(crop) // 2].mean() < crop[len(crop) // 2 :].mean()) for crop in crops]


def page(boxes: Sequence[tuple[int, int]], turned: int) -> tuple[Pixels, list[Line], list[Quad]]:
    """A page of lines, turned clockwise; boxes as a detector gives them, and their true quads."""
    pixels = np.full((700, 700, 3), 255, np.uint8)
    true = []
    for number, (width, height) in enumerate(boxes):
        left, top = 40, 40 + 60 * number
        cv2.rectangle(pixels, (left + 2, top + 13), (left + width - 2, top + 18), (0, 0, 0), -1)
        true.append([[left, top], [left + width, top], [left + width, top + height], [left, top + height]])
    quads = np.array(true, np.float32)
    for _ in range(turned // 90):
        pixels = np.rot90(pixels, -1)
        quads = np.stack([700 - quads[..., 1], quads[..., 0]], axis=-1)
    lines = []
    for quad in quads:
        (left, top), (right, bottom) = quad.min(axis=0), quad.max(axis=0)
        lines.append(Line(np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)))
    return np.ascontiguousarray(pixels), lines, list(quads)


def quads_of(found: Direction) -> list[list[list[float]]]:
    return [line.quad.tolist() for line in found.lines]


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_every_quad_begins_at_the_texts_own_top_left(turned: int) -> None:
    pixels, lines, true = page([LONG, LONG, SHORT, LONG, LONG], turned)
    found = direction(pixels, lines, upside_down)
    assert found.turned == turned
    assert quads_of(found) == [quad.tolist() for quad in true]


def test_three_lines_are_too_few_to_turn_a_page() -> None:
    pixels, lines, _ = page([LONG, SHORT, LONG, LONG], 180)
    found = direction(pixels, lines, upside_down)
    assert found.turned is None
    assert quads_of(found) == [line.quad.tolist() for line in lines]


@pytest.mark.parametrize(
    "judge",
    [
        pytest.param(lambda crops: [0.73] * len(crops), id="unsure"),
        pytest.param(lambda crops: [0.95] * len(crops), id="the same whichever way the line stands"),
    ],
)
def test_a_judge_that_sees_no_direction_turns_nothing(judge) -> None:
    pixels, lines, _ = page([LONG] * 6, 0)
    found = direction(pixels, lines, judge)
    assert found.turned is None
    assert quads_of(found) == [line.quad.tolist() for line in lines]


def test_headings_that_read_upwards_are_turned_to_the_right_on_an_upright_page() -> None:
    pixels, lines, true = page([LONG] * 9, 0)
    upwards, its_lines, its_true = page([(120, 20)] * 4, 270)
    # below each other on their own page, beside each other on this one
    pixels[560:, 40:680] = upwards[540:680, :640]
    moved = [Line(line.quad + np.float32([40, 20])) for line in its_lines]
    found = direction(pixels, [*lines, *moved], upside_down)
    assert found.turned == 0
    assert quads_of(found) == [
        quad.tolist() for quad in [*true, *(quad + np.float32([40, 20]) for quad in its_true)]
    ]


class CountingJudge:
    """Says of the lines, in the order in which they come, what it was given; keeps how many came at once."""

    def __init__(self, said: Sequence[float]) -> None:
        self.asked: list[int] = []
        self._said = list(said)

    def __call__(self, crops: Sequence[Pixels]) -> list[float]:
        begin = sum(self.asked)
        self.asked.append(len(crops))
        return self._said[begin : begin + len(crops)]


@pytest.mark.parametrize(
    ("said", "asked", "turned"),
    [
        pytest.param([0.01] * 8 + [0.9] * 2, [8], 0, id="eight upright ones decide"),
        # of the eight alone 0.125; all ten come to 0.25, which says nothing
        pytest.param([1.0] + [0.0] * 7 + [1.0, 0.5], [8, 2], None, id="one of eight differs"),
        pytest.param([0.5] + [0.0] * 9, [8, 2], 0, id="one of eight is unsure, and all ten are upright"),
        pytest.param([0.0] + [1.0] * 9 + [0.0] * 10, [8, 2, 10], 180, id="on its head, seen both ways round"),
        pytest.param([0.99] * 8 + [0.01] * 8, [8, 8], 180, id="eight on their head decide, seen both ways"),
    ],
)
def test_lines_of_one_mind_spare_the_others_and_without_one_all_are_asked(said, asked, turned) -> None:
    pixels, lines, _ = page([LONG] * 10, 0)
    judge = CountingJudge(said)
    assert direction(pixels, lines, judge).turned == turned
    assert judge.asked == asked


@pytest.mark.parametrize("tall_lines", ["auto", "never"])
def test_text_in_columns_has_no_vote_where_tall_lines_stay_as_they_are(tall_lines: TallLines) -> None:
    pixels, lines, _ = page([LONG] * 5, 270)
    assert direction(pixels, lines, upside_down, tall_lines).turned == (270 if tall_lines == "auto" else None)


@pytest.mark.parametrize("turned", [180, 270])
def test_a_page_known_to_stand_the_other_way_round_is_turned_without_a_vote(turned: int) -> None:
    _, lines, true = page([LONG, SHORT, LONG], turned)
    found = the_other_way_round(lines)
    assert found.turned == turned
    assert quads_of(found) == [quad.tolist() for quad in true]

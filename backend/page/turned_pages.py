"""Pages that lie on their head or on a side: which way their lines stand, and quads that begin accordingly.

A box does not say where its text begins, so detectors take all text for upright, and the policy for tall
lines takes sideways text to read downwards. Here the lines of a page vote on that. Pure: who judges a crop
is passed in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Literal, TypeAlias

import numpy as np

from backend.page import crops
from backend.page.crops import TallLines
from backend.page.lines import Line, Pixels

UpsideDown: TypeAlias = Callable[[Sequence[Pixels]], Sequence[float]]
"""Of the middle of each line, RGB uint8 (height, width, 3), how likely it stands on its head, 0 to 1."""

LEAST_VOTERS: Final = 4
"""Lines; with fewer, a sign of two lines in a script that the classifier never saw would be turned."""
MOST_VOTERS: Final = 16
"""Lines; the longest ones. More cost time and say the same."""
FIRST_VOTERS: Final = 8
"""Lines that are asked first, the longest ones; the rest only where these are not of one mind."""
OF_ONE_MIND: Final = 0.05
"""Mean likelihood of the other way up to which the first voters decide. The rest would have to come to 0.35
for another outcome. On 126 pictures, each turned four ways, none has one."""
JUDGED: Final = 4.0
"""Length over height of the piece in the middle of a line that its judge sees."""
SURE: Final = 0.8
"""Mean likelihood of one way that a vote needs; of the other way at most the rest. On 69 sample pages and
the same pages turned, upright ones come to 0.73 at most."""
_LONG: Final = 2.0
"""Length over height, from which on a box shows which way its text runs."""

_Vote: TypeAlias = Literal["upright", "on its head", "unknown"]


@dataclass(frozen=True, slots=True)
class Direction:
    """Which way the text of a page stands, and its lines accordingly.

    lines: in the order given; their quads begin at the text's own top left.
    turned: degrees clockwise in which most of the text stands: 0, 90, 180, 270; None where nobody can say.
    """

    lines: tuple[Line, ...]
    turned: int | None


def rolled(line: Line, degrees: int) -> Line:
    """The line with a quad that begins where text does that stands turned by so much.

    Args:
        line: with a quad as for upright text.
        degrees: clockwise, 0, 90, 180 or 270.
    """
    return replace(line, quad=np.ascontiguousarray(np.roll(line.quad, -(degrees // 90), axis=0)))


def direction(
    pixels: Pixels, lines: Sequence[Line], upside_down: UpsideDown, tall_lines: TallLines = "auto"
) -> Direction:
    """Let the lines of a page vote on the way they stand.

    Lines that run across the page and lines that run down it vote apart, so that a table may have headings
    that read upwards. Short boxes follow the direction in which most of the text runs.

    Args:
        pixels: the page, RGB, uint8, shape (height, width, 3).
        lines: with quads as for upright text, page pixels.
        upside_down: the judge of crops.
        tall_lines: the crop policy for lines that are taller than wide; with "never" those have no vote.
    """
    across, down = _across_and_down(lines, tall_lines)
    sideways = _is_sideways(lines, across, down)
    if not sideways:
        # a lone "1" is tall, and is not turned
        down = [index for index in down if _is_turned(pixels, lines[index], tall_lines)]
    flat, steep = (
        _vote(
            [
                partial(crops.crop_middle, pixels, lines[index].quad, JUDGED, turn_tall=down_the_page)
                for index in group[:MOST_VOTERS]
            ],
            upside_down,
            sideways,
        )
        for group, down_the_page in ((across, False), (down, True))
    )
    turned: int | None
    if sideways:
        turned = {"upright": 90, "on its head": 270}.get(steep)
    else:
        turned = {"upright": 0, "on its head": 180}.get(flat)
    degrees = dict.fromkeys(range(len(lines)), turned or 0)
    if sideways or flat == "on its head":
        degrees |= dict.fromkeys(across, 180 if flat == "on its head" else 0)
    if steep == "on its head":
        degrees |= dict.fromkeys(down, 270)
    elif steep == "upright":
        degrees |= dict.fromkeys(down, 90 if sideways else 0)
    return Direction(tuple(rolled(line, degrees[index]) for index, line in enumerate(lines)), turned)


def the_other_way_round(lines: Sequence[Line], tall_lines: TallLines = "auto") -> Direction:
    """The lines of a page whose text stands on its head when it is read as boxes suggest.

    Args:
        lines: with quads as for upright text, page pixels.
        tall_lines: the crop policy for lines that are taller than wide.
    """
    across, down = _across_and_down(lines, tall_lines)
    turned = 270 if _is_sideways(lines, across, down) else 180
    degrees = dict.fromkeys(range(len(lines)), turned)
    if turned == 270:
        degrees |= dict.fromkeys(across, 0)
    return Direction(tuple(rolled(line, degrees[index]) for index, line in enumerate(lines)), turned)


def _across_and_down(lines: Sequence[Line], tall_lines: TallLines) -> tuple[list[int], list[int]]:
    """Indices of the lines that run across the page, and of those that run down it; the longest first."""
    longest = sorted(range(len(lines)), key=lambda index: -max(_sides(lines[index])))
    across = [index for index in longest if _runs_across(lines[index])]
    down = [index for index in longest if _runs_down(lines[index])] if tall_lines != "never" else []
    return across, down


def _is_sideways(lines: Sequence[Line], across: Sequence[int], down: Sequence[int]) -> bool:
    """Whether most text runs down the page."""
    return sum(_sides(lines[index])[1] for index in down) > sum(_sides(lines[index])[0] for index in across)


def _vote(voters: Sequence[Callable[[], Pixels]], upside_down: UpsideDown, both_ways: bool) -> _Vote:
    """What the lines say together.

    Args:
        voters: of each of the longest lines what cuts its middle out.
        upside_down: the judge.
        both_ways: lines that are found upright are looked at the other way round as well; without it that
            is saved, because nothing will be turned.
    """
    if len(voters) < LEAST_VOTERS:
        return "unknown"
    cuts, as_is = _asked(voters, upside_down)
    if 1 - SURE <= as_is <= SURE:
        return "unknown"
    if as_is < SURE and not both_ways:
        return "upright"
    # a judge that says the same of both has seen no direction
    around = float(np.mean(upside_down([np.ascontiguousarray(np.rot90(cut, 2)) for cut in cuts])))
    if as_is > SURE:
        return "on its head" if around < 1 - SURE else "unknown"
    return "upright" if around > SURE else "unknown"


def _asked(voters: Sequence[Callable[[], Pixels]], upside_down: UpsideDown) -> tuple[list[Pixels], float]:
    """The lines that were asked, and how likely they stand on their head, as a mean."""
    cuts = [voter() for voter in voters[:FIRST_VOTERS]]
    said = [*upside_down(cuts)]
    if not OF_ONE_MIND < float(np.mean(said)) < 1 - OF_ONE_MIND or len(voters) <= FIRST_VOTERS:
        return cuts, float(np.mean(said))
    rest = [voter() for voter in voters[FIRST_VOTERS:]]
    return cuts + rest, float(np.mean([*said, *upside_down(rest)]))


def _is_turned(pixels: Pixels, line: Line, tall_lines: TallLines) -> bool:
    cut = crops.crop_line(pixels, line.quad, tall_lines)
    height, width = cut.shape[:2]
    return bool(width >= height)


def _runs_across(line: Line) -> bool:
    width, height = _sides(line)
    return width >= _LONG * height


def _runs_down(line: Line) -> bool:
    width, height = _sides(line)
    return height >= _LONG * width


def _sides(line: Line) -> tuple[float, float]:
    """Width and height of the box as for upright text, page pixels."""
    across, down = line.quad[1] - line.quad[0], line.quad[3] - line.quad[0]
    return float(np.hypot(*across)), float(np.hypot(*down))

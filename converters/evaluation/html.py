"""An evaluation as one HTML page: it works without a network, on a phone, and in dark mode.

Nothing is fetched: style and crops are inside. A figure that is not known is a dash, and never looks like
0 %.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from backend.errors import BadImage, BadRequest
from converters.evaluation import words
from converters.evaluation.figures import GROUPINGS, GroupFigures
from converters.evaluation.forgetting import sentences
from converters.evaluation.judged import Judged
from converters.evaluation.line_results import LineResult, pixels_of
from converters.evaluation.rows import PartLines
from converters.paddleocr.dictionaries import character_name
from converters.shared.line_pictures import CropImage, crop_image, differing
from converters.shared.templating import template

WORST = 48
LOST = 24
CONFUSIONS = 30
CHARACTERS = 60
PAGES = 40
"""How much of each is shown; the JSON has all."""

_TITLES = {"script": "By script", "length": "By length", "language": "By language", "page": "By page"}


def page(judged: Judged, lines: PartLines) -> str:
    """Write an evaluation as HTML; the same evaluation gives the same text.

    Args:
        judged: what was found.
        lines: of the part, with the files of their crops.
    """
    found = judged.evaluation
    worst = found.worst(WORST)
    lost = {one.name: one.lost[:LOST] for one in judged.comparisons}
    shown = [*worst, *(new for pairs in lost.values() for _, new in pairs)]
    filled = template(
        "evaluation.html.j2",
        percent=words.percent,
        interval=words.interval,
        named=character_name,
        script=words.script,
    )
    return filled.render(
        judged=judged,
        found=found,
        all=found.figures.all,
        tables=list(_tables(found.figures.groups)),
        crops=_crops(shown, lines),
        worst=worst,
        wrong=sum(not line.exact for line in found.results),
        lost=lost,
        confusions=found.confusions[:CONFUSIONS],
        characters=[one for one in found.characters if one.wrong][:CHARACTERS],
        different=len(found.characters),
        forgetting=sentences(judged.forgetting, found.language) if judged.forgetting is not None else [],
        differing=differing,
        words=words,
    )


def _tables(
    groups: Mapping[str, Sequence[GroupFigures]],
) -> Iterator[tuple[str, Sequence[GroupFigures], int]]:
    """Title, rows and how many more there are of each grouping that parts the lines."""
    for by in GROUPINGS:
        if groups[by]:
            yield _TITLES[by], groups[by][:PAGES], max(0, len(groups[by]) - PAGES)


def _crops(shown: Sequence[LineResult], lines: PartLines) -> dict[str, CropImage | str]:
    """By the crop's name its picture, or why there is none."""
    paths = {line.crop: line.path for line in lines.lines}
    return {line.crop: _crop(paths[line.crop], line.crop) for line in shown}


def _crop(path: Path, crop: str) -> CropImage | str:
    try:
        return crop_image(pixels_of(path, crop))
    except (BadImage, BadRequest) as error:
        # it was removed after it was read; the figures stand without its picture
        return str(error)

"""The crops that a report shows: each page fetched and decoded once, small pictures as data URLs.

A line that cannot be shown has a sentence in its picture's place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

from backend.errors import BadImage, BadRequest, ImageRefused, ImageUnreachable, OperatorError, OutOfMemory
from backend.label_studio.labeling_config import LabelingConfig
from backend.page import image_files
from backend.page.crops import TallLines, crop_line
from backend.page.limits import MAX_DECODING_PIXELS, MAX_JPEG_SCANS, MAX_PAGE_PIXELS
from backend.page.lines import Pixels
from backend.page.pixel_budget import PixelBudget
from backend.seams import PageSource
from converters.report.samples import SampleLine
from converters.reviewed.line_rules import references_of
from converters.shared.line_pictures import CropImage, crop_image

AT_ONCE = 4
"""Pages that are fetched at a time."""


def crops_of(
    lines: Iterable[SampleLine],
    source: PageSource,
    config: LabelingConfig | None,
    *,
    image_field: str | None = None,
    tall_lines: TallLines = "auto",
    max_pixels: int = MAX_PAGE_PIXELS,
    max_scans: int = MAX_JPEG_SCANS,
    max_decoding_pixels: int = MAX_DECODING_PIXELS,
    done: Callable[[int], None] = lambda count: None,
) -> dict[int, CropImage | str]:
    """Cut out the lines that a report shows.

    Args:
        lines: what is shown.
        source: gives the images.
        config: names the field of the image, where it is known.
        image_field: names it, too, and wins.
        tall_lines: as the readers saw them.
        max_pixels: of a page.
        max_scans: of a page's JPEG.
        max_decoding_pixels: of all pages at once.
        done: called with how many more lines are done.

    Returns:
        By `id` of each line: its picture, or a sentence why there is none.
    """
    ordered = sorted(lines, key=lambda line: (line.task, line.page))
    groups = [list(group) for _, group in groupby(ordered, key=lambda line: (line.task, line.page))]
    lost: list[str] = []
    budget = PixelBudget(max_decoding_pixels)

    def cut(group: list[SampleLine]) -> list[CropImage | str]:
        if lost:
            return [lost[0]] * len(group)
        try:
            data = _file(group[0], source, config, image_field)
            found = image_files.header(data, max_pixels=max_pixels)
            with budget.hold(found.decoding_pixels):
                page = image_files.decode(data, max_pixels=max_pixels, max_scans=max_scans).pixels
                return [_crop(page, line, tall_lines) for line in group]
        except (ImageRefused, ImageUnreachable, BadImage, BadRequest, OutOfMemory) as error:
            return [str(error)] * len(group)
        except OperatorError as error:
            # no key, or Label Studio is out of reach: the numbers stand without pictures, and asking
            # for each page would take minutes
            lost.append(str(error))
            return [str(error)] * len(group)

    made: dict[int, CropImage | str] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for group, pictures in zip(groups, pool.map(cut, groups), strict=True):
            made |= {id(line): picture for line, picture in zip(group, pictures, strict=True)}
            done(len(group))
    return made


def _file(line: SampleLine, source: PageSource, config: LabelingConfig | None, field: str | None) -> bytes:
    references = references_of(line.data, config, field)
    reference = references[line.page] if 0 <= line.page < len(references) else None
    if reference is None:
        raise BadRequest("The task has no image for this page.")
    task = int(line.task) if line.task.isdecimal() else None
    return source.fetch(reference, task_id=task)


def _crop(page: Pixels, line: SampleLine, tall_lines: TallLines) -> CropImage | str:
    try:
        crop = crop_line(page, line.quad, tall_lines)
    except ValueError as error:
        return f"The line cannot be cut out: {error}."
    return crop_image(crop)

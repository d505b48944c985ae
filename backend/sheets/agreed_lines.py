"""The agreed lines of a page, from which audit lines are drawn; pure.

Whatever people did with the page does not change them: an audit speaks about what the readers made, and a
sample from which people take lines as they work would flatter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from backend.guarantee.draws import draw_number
from backend.label_studio.annotations import Json
from backend.label_studio.labeling_config import NO_PAGE, LabelingConfig
from backend.label_studio.line_results import storable
from backend.label_studio.regions import Region, region_quad, regions
from backend.label_studio.result_fields import Size
from backend.sheets.doubtful_lines import corners_of, is_agreed, page_prediction
from backend.sheets.offered_texts import TextRules
from backend.sheets.page_images import browser_addresses
from backend.sheets.sheet_tasks import LineKey, SheetLine
from backend.text.cleaning import visible_text


@dataclass(frozen=True, slots=True)
class AgreedLine:
    """A line that was read alike.

    line: as it is put on a sheet: without a text.
    text: that the readers agree on; never a part of a sheet.
    score: how likely it is right, 0 to 1, as the prediction has it.
    draw: its number by chance (`backend.guarantee.draws`).
    size: width and height of the upright page, pixels; None where no strip can show the line.
    """

    line: SheetLine
    text: str
    score: float
    draw: int
    size: Size | None


@dataclass(frozen=True, slots=True)
class AgreedPage:
    """A page that was read, by its agreed lines.

    task: its id.
    language: its code.
    version: the model version of the prediction that it is filled with.
    lines: the agreed ones, in the order of the page.
    read: all its lines with text, agreed or not.
    images: the addresses of its images; empty for one that no browser can show.
    """

    task: int
    language: str
    version: str
    lines: tuple[AgreedLine, ...]
    read: int
    images: tuple[str, ...] = ()


def agreed_lines(
    task: Json, project: int, config: LabelingConfig, version: str, rules: TextRules
) -> AgreedPage | None:
    """The agreed lines of one page; None where it was not read.

    Args:
        task: of the page project, as Label Studio's API gives it, with predictions.
        project: the id of the page project.
        config: the page project's.
        version: the model version that the project chose.
        rules: how readings become texts.
    """
    made = page_prediction(task, version)
    if made is None:
        return None
    images = browser_addresses(config, task.get("data"))
    found = regions(made["result"])
    lines = (
        _line(region, int(task["id"]), project, made, config, images)
        for region in found
        if is_agreed(region, config)
    )
    return AgreedPage(
        task=int(task["id"]),
        language=rules.language_of(task),
        version=str(made.get("model_version") or ""),
        lines=tuple(lines),
        read=sum(any(text.strip() for text in region.texts) for region in found),
        images=images,
    )


def agreed_pages(
    tasks: Iterable[Json], project: int, config: LabelingConfig, version: str, rules: TextRules
) -> Iterable[AgreedPage]:
    """The pages among some tasks that were read, each by its agreed lines; arguments as `agreed_lines`."""
    pages = (agreed_lines(task, project, config, version, rules) for task in tasks)
    return (page for page in pages if page is not None)


def _line(
    region: Region, task: int, project: int, made: Json, config: LabelingConfig, images: Sequence[str]
) -> AgreedLine:
    page, version = config.page_of(region), str(made.get("model_version") or "")
    is_shown = bool(region.id) and page != NO_PAGE and page < len(images) and bool(images[page])
    line = SheetLine(
        key=LineKey(project, task, region.id),
        a="",
        b="",
        page=page,
        prediction=int(made["id"]),
        model_version=version,
        quad=corners_of(region_quad(region)),
        audit=True,
    )
    return AgreedLine(
        line=line,
        text=agreed_text(region),
        score=region.score if region.score is not None else 0.0,
        draw=draw_number(project, task, region.id, version),
        size=region.page_size if is_shown else None,
    )


def agreed_text(region: Region) -> str:
    """What the readers agree on, as it stands in the prediction."""
    return storable(visible_text(" ".join(region.texts))).strip()

"""What a report is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backend.label_studio.config_tags import LabelNames
from backend.page.crops import TallLines
from backend.page.limits import MAX_DECODING_PIXELS, MAX_JPEG_SCANS, MAX_PAGE_PIXELS
from backend.text.house_style import TextStyle


@dataclass(frozen=True, slots=True)
class ReportSpec:
    """What a report is made of and how.

    title: what it is about.
    names: what labels are called.
    people: annotators' names by id, where they are known.
    from_file: the tasks come from an export file, most of which leave predictions out.
    image_field: the field of the tasks' data that names the image; None where the config or the data say.
    tall_lines: as the readers saw them.
    max_pixels: of a page.
    max_scans: of a page's JPEG.
    max_decoding_pixels: of pages at once.
    language: of pages whose task names none.
    style: which marks of readings are written by the house rule.
    """

    title: str
    names: LabelNames
    people: Mapping[str, str]
    from_file: bool
    image_field: str | None = None
    tall_lines: TallLines = "auto"
    max_pixels: int = MAX_PAGE_PIXELS
    max_scans: int = MAX_JPEG_SCANS
    max_decoding_pixels: int = MAX_DECODING_PIXELS
    language: str = "en"
    style: TextStyle = "house"

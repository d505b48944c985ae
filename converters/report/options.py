"""What a report is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backend.label_studio.config_tags import LabelNames
from backend.page.crops import TallLines


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
    """

    title: str
    names: LabelNames
    people: Mapping[str, str]
    from_file: bool
    image_field: str | None = None
    tall_lines: TallLines = "auto"
    max_pixels: int = 200_000_000

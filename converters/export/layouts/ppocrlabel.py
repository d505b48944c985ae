"""A folder that PPOCRLabel opens, where people look at pages and go on with the work; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from backend.page.lines import Quad
from converters.export.layouts import Format
from converters.export.layouts.layout import LabelRow, Points, detection_row, recognition_rows
from converters.export.page_records import PageRecord
from converters.export.split import Part
from converters.paddleocr import label_rows


class PPOCRLabelLayout:
    """`Label.txt` beside its pages, `rec_gt.txt` over `crop_img/`, and `fileState.txt`.

    `fileState.txt` says of every page that somebody has looked at it. What `PaddleOCRLayout` does not
    carry, this one does not carry either, nor:

    - the part of a page: PPOCRLabel knows no split;
    - the points of a polygon but for the four corners of its quad: PPOCRLabel crops quads alone, and stops
      a page at the first polygon of five points.
    """

    title = "PPOCRLabel"
    files = frozenset({"Label.txt", "rec_gt.txt", "fileState.txt"})
    folders = frozenset({"crop_img"})
    refused_formats: Mapping[Format, str] = {
        "recognition": "PPOCRLabel opens pages, and --format recognition writes none."
    }
    folder_in_rows = True

    def crop_folder(self, task: str) -> str:
        """One for all crops."""
        return "crop_img"

    def page_image(self, page: str, task: str, suffix: str) -> str:
        """Beside `Label.txt`, where PPOCRLabel wants all images."""
        return f"{page}.{suffix}"

    def points(self, outline: Points | None, quad: Quad | None) -> Points | None:
        """The four corners."""
        return quad

    def rows(self, page: PageRecord, dataset: str) -> Iterator[LabelRow]:
        """In one file of each kind; pages are named from the folder above."""
        yield from recognition_rows(page, "rec_gt.txt")
        if page.image is not None:
            image = f"{dataset}/{page.image}"
            yield LabelRow("fileState.txt", image, label_rows.file_state_row(image), trains=False)
            yield from detection_row(page, "Label.txt", image)

    def needed_files(self, parts: Sequence[Part], *, recognition: bool, detection: bool) -> list[str]:
        """None: a split is made where the folder is trained on."""
        return []

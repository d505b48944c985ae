"""What a layout is, and the rows that layouts have in common; pure.

Every layout writes a region with its text where the text is approved, as `###` where there is text that is
not exported, and not at all where there is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from backend.page.lines import Quad
from converters.export.layouts import Format
from converters.export.page_records import LineRecord, PageRecord
from converters.export.split import Part
from converters.paddleocr import label_rows
from converters.paddleocr.label_rows import IGNORE_MARKS, RowRegion
from converters.reviewed.reasons import InDetection, LeftOutReason

Points = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One row of a label file.

    file: the label file's name.
    image: the crop or the page, as the row names it.
    content: the row, with its line end.
    line: the line that the crop shows; None for a row of a whole page.
    trains: it is training data, which is counted and has a row in the manifest.
    """

    file: str
    image: str
    content: str
    line: LineRecord | None = None
    trains: bool = True


class Layout(Protocol):
    """How a dataset's files are called and arranged, and what their rows hold.

    The docstring of each layout lists what it does not carry; the manifest has all of that.

    title: what people call it.
    files, folders: everything it may write into a dataset's folder, by name; the next export replaces it.
    refused_formats: what of `--format` it cannot hold, and why, as a sentence.
    folder_in_rows: rows name their images with the dataset's own folder before them.
    """

    title: str
    files: frozenset[str]
    folders: frozenset[str]
    refused_formats: Mapping[Format, str]
    folder_in_rows: bool

    def crop_folder(self, task: str) -> str:
        """The folder of a task's crops, as a path in the dataset."""
        ...

    def page_image(self, page: str, task: str, suffix: str) -> str:
        """Where a page's image lies in the dataset.

        Args:
            page: the page's name, unique in the project.
            task: the id of its task.
            suffix: "png" or "jpg".
        """
        ...

    def points(self, outline: Points | None, quad: Quad | None) -> Points | None:
        """The points that a region's row gets.

        Args:
            outline: the shape as it was drawn, (n, 2) float32, page pixels; None where it has none.
            quad: the four corners that it is cropped by, (4, 2) float32, page pixels; None likewise.
        """
        ...

    def rows(self, page: PageRecord, dataset: str) -> Iterator[LabelRow]:
        """The rows of a page: one for each of its crops, one for the page if it is written.

        Args:
            page: with its part.
            dataset: the name of the dataset's folder.

        Raises:
            RowRefused: PaddleOCR would drop, cut or change a row.
        """
        ...

    def needed_files(self, parts: Sequence[Part], *, recognition: bool, detection: bool) -> list[str]:
        """The label files that a training needs; PaddleOCR fails on an empty one.

        Args:
            parts: those that the split asks for.
            recognition: crops are written.
            detection: pages are written.
        """
        ...


def recognition_rows(page: PageRecord, file: str) -> Iterator[LabelRow]:
    """A row for each crop of a page.

    Args:
        page: the page.
        file: the label file.

    Raises:
        RowRefused: PaddleOCR would drop, cut or change a row.
    """
    for line in page.lines:
        if line.why is None and line.crop is not None:
            yield LabelRow(file, line.crop, label_rows.recognition_row(line.crop, line.text), line)


def detection_row(page: PageRecord, file: str, image: str) -> Iterator[LabelRow]:
    """The row of a page with its regions; none for a page without regions, which PaddleOCR would drop.

    Args:
        page: the page.
        file: the label file.
        image: the page's image, as the row names it.

    Raises:
        RowRefused: PaddleOCR would drop, ignore or fail on the page or one of its regions.
    """
    regions = []
    for line in page.lines:
        why = LeftOutReason[line.why] if line.why else None
        if line.points and is_written(why):
            points = tuple((float(x), float(y)) for x, y in line.points)
            regions.append(RowRegion(line.text, points, ignored=is_ignored(why, line.text)))
    if regions:
        yield LabelRow(file, image, label_rows.detection_row(image, regions))


def is_written(why: LeftOutReason | None) -> bool:
    """Whether a region with this reason (None: approved) has a place in the row of its page."""
    return why is None or why.in_detection is InDetection.IGNORED


def is_ignored(why: LeftOutReason | None, text: str) -> bool:
    """Whether PaddleOCR will ignore the region; it takes a line that reads "*" for an ignore mark, too."""
    return why is not None or text in IGNORE_MARKS

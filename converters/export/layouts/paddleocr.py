"""Label files as PaddleOCR's trainer wants them: one for each part of the split; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from backend.page.lines import Quad
from converters.export.layouts import Format
from converters.export.layouts.layout import LabelRow, Points, detection_row, recognition_rows
from converters.export.page_records import PageRecord
from converters.export.split import Part
from converters.reviewed.region_text import folder_of


class PaddleOCRLayout:
    """`rec_gt_{train,val,test}.txt` over `crops/`, `det_gt_{train,val,test}.txt` over `pages/`.

    A row of a crop has its image and its text, a row of a page its image and the points and text of each
    region. It does not carry:

    - of a page: its task, key, number, size, language, group and state, the reference and the hashes of its
      image, the problem of an image that could not be had, and why it is in its part;
    - of an approved line: its author, when that was, the readings, and the model version of the prediction;
      where somebody looked at it, who decided it on a sheet, and who accepted what nobody looked at;
    - of a region: its id and labels, the raw text and the changes that brought it into its written form, and
      why it is ignored;
    - of a crop: its page, quad and direction, its hash and fingerprint.
    """

    title = "PaddleOCR"
    files = frozenset(f"{kind}_gt_{part.value}.txt" for kind in ("rec", "det") for part in Part)
    folders = frozenset({"crops", "pages"})
    refused_formats: Mapping[Format, str] = {}
    folder_in_rows = False

    def crop_folder(self, task: str) -> str:
        """A folder for each thousand tasks."""
        return folder_of("crops", task)

    def page_image(self, page: str, task: str, suffix: str) -> str:
        """In a folder for each thousand tasks."""
        return f"{folder_of('pages', task)}/{page}.{suffix}"

    def points(self, outline: Points | None, quad: Quad | None) -> Points | None:
        """All points of the shape."""
        return outline

    def rows(self, page: PageRecord, dataset: str) -> Iterator[LabelRow]:
        """In the files of the page's part."""
        yield from recognition_rows(page, f"rec_gt_{page.part}.txt")
        if page.image is not None:
            yield from detection_row(page, f"det_gt_{page.part}.txt", page.image)

    def needed_files(self, parts: Sequence[Part], *, recognition: bool, detection: bool) -> list[str]:
        """One for each part that the split asks for, of each kind that is written."""
        kinds = [*(["rec"] if recognition else []), *(["det"] if detection else [])]
        return [f"{kind}_gt_{part.value}.txt" for kind in kinds for part in parts]

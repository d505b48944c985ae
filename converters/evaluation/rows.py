"""The lines of one part of a dataset, with the pages that they are of: what a model is judged by."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backend.errors import BadRequest, SettingsWrong
from backend.outputs import printable
from backend.page.image_files import OPENERS
from backend.text.cleaning import plain_text
from backend.text.languages import language_code
from converters.evaluation.groups import script_of_line
from converters.evaluation.line_results import LabelledLine
from converters.paddleocr import label_rows
from converters.paddleocr.row_faults import RowRefused
from converters.shared.image_bytes import read_image
from converters.shared.manifest import MANIFEST, ManifestLine, manifest_lines


@dataclass(frozen=True, slots=True)
class PartLines:
    """One part of a dataset.

    part: train, val or test.
    file: its label file.
    lines: in the order of the file.
    labelled: every character that people approved, in any part.
    notes: what a reader of the figures must know, as sentences.
    """

    part: str
    file: str
    lines: tuple[LabelledLine, ...]
    labelled: frozenset[str]
    notes: tuple[str, ...] = ()

    @property
    def pages(self) -> frozenset[str]:
        """The keys of the pages that are known."""
        return frozenset(line.page for line in self.lines if line.page)


def read_part(dataset: Path, part: str) -> PartLines:
    """Read a part of a dataset that `twinread export` wrote, or of any with PaddleOCR's label files.

    Args:
        dataset: its folder.
        part: train, val or test.

    Raises:
        BadRequest: there is no such part, a row is none, or a crop is missing.
    """
    name = f"rec_gt_{part}.txt"
    if not dataset.is_dir():
        raise BadRequest(f"{dataset} is no folder. Pass the folder into which the dataset was exported.")
    if not (dataset / name).is_file():
        raise BadRequest(_no_part(dataset, part))
    rows = list(_rows(dataset / name))
    if not rows:
        raise BadRequest(
            f"{name} has no row, so there is nothing to judge a model by. {_other_parts(dataset, part)}"
        )
    origins, notes = _origins(dataset, name)
    missing = [row.image for row in rows if not (dataset / row.image).is_file()]
    if missing:
        raise BadRequest(
            f"{len(missing):,} of the {len(rows):,} crops of {name} are not in the dataset, the first is "
            f"{printable(missing[0])}. Figures of the rest would be of other lines; export the dataset again."
        )
    unknown = sum(row.image not in origins for row in rows) if origins else 0
    if unknown:
        notes.append(
            f"Of {unknown:,} of the {len(rows):,} lines {MANIFEST} does not say the page; they are counted "
            "as of one page. Export the dataset again."
        )
    lines = tuple(_line(dataset, row, origins.get(row.image)) for row in rows)
    labelled = {
        char for path in dataset.glob("rec_gt*.txt") for row in _rows(path) for char in plain_text(row.text)
    }
    return PartLines(part, name, lines, frozenset(labelled), tuple(notes))


def _line(dataset: Path, row: label_rows.RecognitionRow, origin: ManifestLine | None) -> LabelledLine:
    truth = plain_text(row.text)
    return LabelledLine(
        page=origin.page if origin else "",
        crop=row.image,
        path=dataset / row.image,
        truth=truth,
        script=script_of_line(truth),
        kind=_language(origin.language) if origin else "",
        width=_width(dataset / row.image, row.image),
        predicted=origin.predicted if origin else None,
        readings=origin.readings if origin else (),
    )


def _language(name: str) -> str:
    """The code of a page's language; a name that nobody knows stays as it is."""
    try:
        return language_code(name) if name else ""
    except SettingsWrong:
        return name


def _rows(path: Path) -> Iterator[label_rows.RecognitionRow]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadRequest(f"The label file {path} cannot be read: {error.strerror}.") from error
    for number, row in label_rows.parse_rows(content, label_rows.parse_recognition_row):
        if isinstance(row, RowRefused):
            raise BadRequest(
                f"Row {number} of {path.name} is none that PaddleOCR reads: {row} `twinread check` lists "
                "all of them."
            )
        yield row


def _origins(dataset: Path, file: str) -> tuple[dict[str, ManifestLine], list[str]]:
    """Where each row of a label file is from, by its image, and what is not known."""
    path = dataset / MANIFEST
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}, [
            f"The dataset has no {MANIFEST}, so nobody knows which lines are of one page: there are no "
            "intervals, and no model can be promoted by it. Export it with `twinread export`."
        ]
    except OSError as error:
        raise BadRequest(f"{path} cannot be read: {error.strerror}.") from error
    try:
        return {line.image: line for line in manifest_lines(content) if line.file == file}, []
    except ValueError as error:
        raise BadRequest(f"{path} is damaged: {error}. Export the dataset again.") from error


def _width(path: Path, crop: str) -> int:
    """By the file's header alone; the pixels are decoded when they are read."""
    try:
        content = read_image(path)
    except OSError as error:
        raise BadRequest(f"The crop {printable(crop)} cannot be read: {error.strerror}.") from error
    for signature, opener in OPENERS.values():
        if signature.match(content):
            try:
                return int(opener(io.BytesIO(content)).size[0])
            except Exception as error:  # Pillow's parsers raise whatever they trip over
                raise _no_image(crop) from error
    raise _no_image(crop)


def _no_image(crop: str) -> BadRequest:
    return BadRequest(f"The crop {printable(crop)} is no image that can be read; export the dataset again.")


def _no_part(dataset: Path, part: str) -> str:
    sentence = f"{dataset} has no rec_gt_{part}.txt: its split put no page with lines into {part!r}."
    return f"{sentence} {_other_parts(dataset, part)}"


def _other_parts(dataset: Path, part: str) -> str:
    there = [
        path.stem.removeprefix("rec_gt_")
        for path in sorted(dataset.glob("rec_gt_*.txt"))
        if path.stem != f"rec_gt_{part}" and path.stat().st_size
    ]
    named = f"pass --part with one that has lines ({', '.join(there)}), or export" if there else "Export"
    return f"{named[0].upper()}{named[1:]} again with a split that has the part, such as --split 8:1:1."

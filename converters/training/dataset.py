"""An exported dataset as a run takes it: the rows to train on and for evaluation, and those that cannot be.

Nothing of PaddleOCR's silence is left to it: an image that is missing or broken makes its loader put another
row in its place, or hang where there is no other. So each row is looked at here, and its image opened, before
a trainer starts.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Literal, TypeAlias

from rich.console import Console

from backend.errors import BadRequest, ProjectError
from converters.paddleocr.findings import Finding, Picture, PictureState
from converters.paddleocr.images import pictures_of
from converters.paddleocr.label_rows import RecognitionRow, parse_recognition_row, parse_rows
from converters.paddleocr.row_faults import RowRefused, image_fault, text_fault
from converters.shared.manifest import MANIFEST, manifest_lines
from converters.training.text_order import as_seen, right_to_left, turns_text

ListName: TypeAlias = Literal["train", "val"]
PARTS: tuple[ListName, ...] = ("train", "val")


class Why(Enum):
    """Why a row, or a line that is too long, is not trained on: in words, and what to do."""

    NO_ROW = "the row cannot be read", "Mend it in the file, or export again."
    TEXT = "PaddleOCR would change or drop the text", "Correct the text in Label Studio and export again."
    IMAGE = "the image cannot be used", "Export again."
    RIGHT_TO_LEFT = (
        "the text runs from right to left, and the base model reads from left to right",
        "Start from arabic_PP-OCRv5_mobile_rec (--base); letters that it lacks are added.",
    )
    LONG_WORD = (
        "a word is longer than the network can learn, and words are not cut",
        "Draw the line in Label Studio as two regions, if it can be parted.",
    )
    NO_FIT = (
        "the line is too long for training, and its text does not fit what its crop shows",
        "Look whether the region shows the whole text and no more, and export again.",
    )
    NO_ALIGNER = (
        "the line is too long for training, and no recogniser is at hand that finds where to cut it",
        "Start from a base model that is exported to ONNX (--base).",
    )
    LOST = "PaddleOCR would not train on it", "twinread check says more."

    def __init__(self, words: str, cure: str) -> None:
        self.words = words
        self.cure = cure


@dataclass(frozen=True, slots=True)
class LeftOutRow:
    """A row that is not trained on.

    line: its number in the label file, from 1.
    detail: what exactly is wrong, where there is more to say.
    """

    file: str
    line: int
    image: str
    text: str
    why: Why
    detail: str = ""


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """A row that can be trained on, if its text is not too long.

    line: its number in the label file, from 1.
    image: its name in the label file.
    path: the full path of the image.
    text: what the crop says, in NFC with plain spaces, in the order of the picture.
    page: the key of the page that it was cut from, as in the dataset's manifest.
    picture: what opening the image came to.
    changed: the text is not written as in the label file.
    """

    file: str
    line: int
    image: str
    path: Path
    text: str
    page: str
    picture: Picture
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a dataset has for a run.

    lists: the rows of each list, in the order of its file.
    counts: rows that each label file has in all.
    digest: hex SHA-256 of the manifest, or of the label files where there is none.
    exported_at: the newest change that the export knows of; empty where it does not say.
    """

    folder: Path
    lists: Mapping[ListName, tuple[DatasetRow, ...]]
    left_out: tuple[LeftOutRow, ...]
    counts: Mapping[ListName, int]
    digest: str
    exported_at: str

    @property
    def texts(self) -> list[str]:
        """What all rows say, for the dictionary."""
        return [row.text for part in PARTS for row in self.lists[part]]


class NothingToTrain(ProjectError):
    """A list has no row that can be used; PaddleOCR would hang, or report success after training nothing."""


def read_dataset(folder: Path, *, model_name: str, console: Console | None = None) -> Dataset:
    """Read a dataset's recognition rows and open every image, each once.

    Args:
        folder: as `twinread export` writes it, with `rec_gt_train.txt` and `rec_gt_val.txt`.
        model_name: PaddleOCR's name of the base model, which decides about text from right to left.
        console: where progress is shown; None shows none.

    Raises:
        BadRequest: it is no such folder.
        NothingToTrain: a list has no row that can be used.
    """
    root = folder.resolve()
    files = {part: root / f"rec_gt_{part}.txt" for part in PARTS}
    contents = {part: _content(folder, path) for part, path in files.items()}
    if image_fault(str(root)):
        raise BadRequest(
            f"The path {str(root)!r} holds a tab or a line break, which PaddleOCR's lists cannot name. Move "
            "the dataset to another folder."
        )
    pages = _pages(root)
    lists: dict[ListName, tuple[DatasetRow, ...]] = {}
    left_out: list[LeftOutRow] = []
    counts: dict[ListName, int] = {}
    for part, path in files.items():
        rows: list[DatasetRow] = []
        parsed = list(parse_rows(contents[part], parse_recognition_row))
        pictures = pictures_of(root, _named(parsed), path.name, console)
        counts[part] = len(parsed)
        for line, row in parsed:
            judged = _judged(row, line, path, pictures, pages, turns=turns_text(model_name))
            if isinstance(judged, LeftOutRow):
                left_out.append(judged)
            else:
                rows.append(judged)
        lists[part] = tuple(rows)
    found = Dataset(root, lists, tuple(left_out), counts, _digest(root, contents), _exported_at(root))
    for part in PARTS:
        refuse_if_empty(part, len(lists[part]), counts[part], found.left_out)
    return found


def refuse_if_empty(part: ListName, usable: int, rows: int, left_out: Sequence[LeftOutRow]) -> None:
    """Stop a run whose list would be empty.

    Args:
        part: the list.
        usable: rows that it would have.
        rows: that its label file has in all.
        left_out: the rows that are not trained on, of both lists.

    Raises:
        NothingToTrain: it would be.
    """
    if usable:
        return
    file = f"rec_gt_{part}.txt"
    purpose = "train on" if part == "train" else "evaluate on"
    lost = [row for row in left_out if row.file == file]
    if not lost:
        raise NothingToTrain(
            f"{file} has no row to {purpose}; approve more pages, or give this part more of them when you "
            "export (--split 8:1:1).",
            rows=rows,
        )
    (why, count), *_ = Counter(row.why for row in lost).most_common(1)
    first = next(row for row in lost if row.why is why)
    detail = f": {first.detail}" if first.detail else ""
    raise NothingToTrain(
        f"None of the {rows:,} rows of {file} can be used to {purpose}; of {count:,} {why.words} "
        f"({file}:{first.line} {first.image}{detail}). {why.cure}",
        rows=rows,
        why=why.name,
    )


def _content(folder: Path, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        if not folder.is_dir():
            raise BadRequest(f"There is no folder {folder}; name one that twinread export wrote.") from error
        raise BadRequest(
            f"{folder} has no {path.name}: a run needs rows to train on, and others to tell which of its "
            "models is the best. Export with a share for both (twinread export --split 8:1:1).",
            missing=path.name,
        ) from error
    except OSError as error:
        raise BadRequest(f"The label file {path} cannot be read: {error.strerror}.") from error


def _named(parsed: Sequence[tuple[int, RecognitionRow | RowRefused]]) -> list[bytes]:
    """The rows that name an image, as `pictures_of` takes them."""
    return [f"{row.image}\t".encode() for _, row in parsed if isinstance(row, RecognitionRow)]


def _judged(
    row: RecognitionRow | RowRefused,
    line: int,
    path: Path,
    pictures: Mapping[str, Picture],
    pages: Mapping[str, str],
    *,
    turns: bool,
) -> DatasetRow | LeftOutRow:
    file = path.name
    if isinstance(row, RowRefused):
        return LeftOutRow(file, line, str(row.facts["image"]), "", Why.NO_ROW, f"it {row.fault.what}")
    text = _plain(row.text)
    fault = text_fault(text)
    if fault:
        detail = f"it {fault[0].what}"
        return LeftOutRow(file, line, row.image, row.text, Why.TEXT, detail)
    picture = pictures[row.image]
    if picture.state is not PictureState.GOOD:
        finding = picture.state.finding or Finding.BROKEN_IMAGE
        return LeftOutRow(file, line, row.image, row.text, Why.IMAGE, finding.title)
    if right_to_left(text) and not turns:
        return LeftOutRow(file, line, row.image, row.text, Why.RIGHT_TO_LEFT)
    image = path.parent / row.image
    page = pages.get(row.image, row.image)
    return DatasetRow(file, line, row.image, image, as_seen(text), page, picture, text != row.text)


def _plain(text: str) -> str:
    """A text as PaddleOCR deletes nothing from it: composed, with plain spaces, and none at its edges."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(" " if unicodedata.category(char) == "Zs" else char for char in composed).strip(" ")


def _pages(root: Path) -> dict[str, str]:
    """The key of the page that each crop was cut from; a crop of another origin counts as its own page."""
    try:
        content = (root / MANIFEST).read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise BadRequest(f"The manifest {root / MANIFEST} cannot be read: {error.strerror}.") from error
    try:
        return {line.image: line.page for line in manifest_lines(content)}
    except ValueError as error:
        raise BadRequest(
            f"{MANIFEST} is not as twinread export writes it, so nobody can say which pages are trained on: "
            f"{error}. Export again."
        ) from error


def _digest(root: Path, contents: Mapping[ListName, bytes]) -> str:
    try:
        return hashlib.sha256((root / MANIFEST).read_bytes()).hexdigest()
    except OSError:
        return hashlib.sha256(b"".join(contents[part] for part in PARTS)).hexdigest()


def _exported_at(root: Path) -> str:
    try:
        summary = json.loads((root / "summary.json").read_text("utf-8"))
    except (OSError, ValueError):
        return ""
    return str(summary.get("newest_change") or "") if isinstance(summary, dict) else ""

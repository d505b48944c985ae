"""The lists that a run trains and evaluates on: every row kept, cut into pieces, or left out with its reason.

    LISTS/train.txt, val.txt   what PaddleOCR reads: full path<TAB>text
    LISTS/rows.jsonl           where each of their rows comes from
    LISTS/left_out.jsonl       each row of the dataset that is in neither, its place and why
    PIECES/train, val          the pieces of long lines

Images are named by their full paths, so that neither the folder from which the trainer is started nor a name
that begins with "[" changes what is read.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from backend.cores import cores
from backend.errors import BadRequest, OperatorError
from backend.outputs import write_file
from converters.paddleocr.dictionaries import Dictionary
from converters.paddleocr.findings import Outcome, Picture
from converters.paddleocr.label_rows import recognition_row
from converters.paddleocr.row_check import check_recognition_row
from converters.paddleocr.row_faults import RowRefused, image_fault
from converters.paddleocr.training_config import RecognitionRules
from converters.shared.progress import progress
from converters.training.alignment import Aligner
from converters.training.dataset import (
    PARTS,
    Dataset,
    DatasetRow,
    LeftOutRow,
    ListName,
    Why,
    refuse_if_empty,
)
from converters.training.dictionary import ExtendedDictionary
from converters.training.line_cuts import fits
from converters.training.pieces import PieceFile, cut_row

RULES = RecognitionRules()
"""Of every run: PP-OCRv5's recogniser configs, whose limits are those of its network and no setting's."""


@dataclass(frozen=True, slots=True)
class ListCounts:
    """What became of the rows of one label file; kept, cut and left out add up to all.

    rows: that the label file has.
    kept: in the list as they are.
    changed: of those and of the cut ones, with a text that is not written as in the label file.
    cut: long lines of which pieces are in the list.
    pieces: of those.
    left_out: how many for which reason.
    """

    rows: int
    kept: int
    changed: int
    cut: int
    pieces: int
    left_out: Mapping[Why, int]

    @property
    def written(self) -> int:
        """Rows of the list."""
        return self.kept + self.pieces

    def summary(self) -> dict[str, Any]:
        """For machines."""
        return {
            "rows": self.rows,
            "kept": self.kept,
            "changed": self.changed,
            "cut": self.cut,
            "pieces": self.pieces,
            "left_out": {why.name.lower(): count for why, count in self.left_out.items()},
            "written": self.written,
        }


@dataclass(frozen=True, slots=True)
class ComposedRows:
    """The lists of a run.

    train, val: their files.
    counts: of each.
    left_out: the rows that are in neither list, in the order of their files.
    pages: the keys of the pages that are trained on or decide which model is the best, sorted.
    """

    train: Path
    val: Path
    counts: Mapping[ListName, ListCounts]
    left_out: tuple[LeftOutRow, ...]
    pages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Written:
    """A row of a list."""

    row: DatasetRow
    image: Path
    text: str
    picture: Picture
    piece: tuple[int, int] | None = None
    columns: tuple[int, int] | None = None


def long_rows(dataset: Dataset) -> int:
    """How many rows are too long for training as they stand; without any no aligner is needed."""
    return sum(not fits(row.text, RULES) for part in PARTS for row in dataset.lists[part])


def compose_rows(
    dataset: Dataset,
    dictionary: ExtendedDictionary,
    aligner: Aligner | None,
    *,
    lists: Path,
    pieces: Path,
    console: Console | None = None,
) -> ComposedRows:
    """Write the lists of a run, and the pieces of lines that are too long for training.

    Args:
        dataset: as `read_dataset` gives it.
        dictionary: that the run trains with.
        aligner: finds where the characters of long lines stand; None leaves those lines out.
        lists: a folder for the lists; files in it are replaced.
        pieces: a folder for the pieces; what is in it is deleted.
        console: where progress is shown; None shows none.

    Raises:
        BadRequest: the folder's path cannot be named in a list.
        NothingToTrain: a list would be empty.
        OperatorError: a file cannot be written.
    """
    lists, pieces = lists.resolve(), pieces.resolve()
    if image_fault(str(pieces)):
        raise BadRequest(
            f"The path {str(pieces)!r} holds a tab or a line break, which PaddleOCR's lists cannot name. "
            "Choose another --out."
        )
    shutil.rmtree(pieces, ignore_errors=True)
    left_out = list(dataset.left_out)
    counts: dict[ListName, ListCounts] = {}
    written: dict[ListName, list[_Written]] = {}
    for part in PARTS:
        with _writing(pieces):
            lists.mkdir(parents=True, exist_ok=True)
            (pieces / part).mkdir(parents=True, exist_ok=True)
            rows_of_part = dataset.lists[part]
            results = _results(part, rows_of_part, dictionary.as_trained, aligner, pieces / part, console)
        written[part] = [row for result in results if not isinstance(result, LeftOutRow) for row in result]
        left_out += [result for result in results if isinstance(result, LeftOutRow)]
        here = [row for row in left_out if row.file == f"rec_gt_{part}.txt"]
        whole = [row for row in written[part] if row.piece is None]
        parted = [row for row in written[part] if row.piece is not None]
        lines = {row.row.line: row.row.changed for row in written[part]}
        counts[part] = ListCounts(
            rows=dataset.counts[part],
            kept=len(whole),
            changed=sum(lines.values()),
            cut=len({row.row.line for row in parted}),
            pieces=len(parted),
            left_out=Counter(row.why for row in here),
        )
        refuse_if_empty(part, counts[part].written, dataset.counts[part], here)
    for part, rows in written.items():
        write_file(lists / f"{part}.txt", "".join(recognition_row(str(row.image), row.text) for row in rows))
    in_order = sorted(left_out, key=lambda row: (row.file, row.line))
    write_file(
        lists / "rows.jsonl", "".join(_json(_origin(part, row)) for part in PARTS for row in written[part])
    )
    write_file(lists / "left_out.jsonl", "".join(_json(_loss(row)) for row in in_order))
    pages = sorted({row.row.page for rows in written.values() for row in rows})
    return ComposedRows(lists / "train.txt", lists / "val.txt", counts, tuple(in_order), tuple(pages))


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OperatorError(
            f"The pieces of long lines cannot be written into {folder} ({error.strerror or error}). Make "
            "room or the folder writable, or choose another --out."
        ) from error


def _results(
    part: ListName,
    rows: Sequence[DatasetRow],
    dictionary: Dictionary,
    aligner: Aligner | None,
    folder: Path,
    console: Console | None,
) -> list[list[_Written] | LeftOutRow]:
    """What becomes of each row, in order; lines are cut in as many threads as there are cores."""
    work = partial(_result, dictionary=dictionary, aligner=aligner, folder=folder, training=part == "train")
    with ThreadPoolExecutor(cores()) as pool:
        found = pool.map(work, rows)
        if console is None:
            return list(found)
        return list(_shown(found, len(rows), part, console))


def _shown(
    found: Iterator[list[_Written] | LeftOutRow], total: int, part: ListName, console: Console
) -> Iterator[list[_Written] | LeftOutRow]:
    with progress(console) as bars:
        bar = bars.add_task(f"Composing the list {part}", total=total)
        for result in found:
            yield result
            bars.advance(bar)


def _result(
    row: DatasetRow, *, dictionary: Dictionary, aligner: Aligner | None, folder: Path, training: bool
) -> list[_Written] | LeftOutRow:
    if fits(row.text, RULES):
        made = [_Written(row, row.path, row.text, row.picture)]
    else:
        cut = cut_row(row, RULES, aligner, folder)
        if isinstance(cut, LeftOutRow):
            return cut
        made = [_piece(row, piece, number, len(cut)) for number, piece in enumerate(cut, start=1)]
    for one in made:
        lost = _loss_in_paddleocr(one, dictionary, training=training)
        if lost:
            for piece in made if made[0].piece else []:
                piece.image.unlink(missing_ok=True)
            return LeftOutRow(row.file, row.line, row.image, row.text, Why.LOST, lost)
    return made


def _piece(row: DatasetRow, piece: PieceFile, number: int, of: int) -> _Written:
    return _Written(row, piece.path, piece.text, piece.picture, (number, of), (piece.left, piece.right))


def _loss_in_paddleocr(row: _Written, dictionary: Dictionary, *, training: bool) -> str:
    """What PaddleOCR would do with a row beside training it as it stands, in words; empty for nothing."""
    try:
        content = recognition_row(str(row.image), row.text).encode()
    except RowRefused as refused:
        return f"{row.text!r} {refused.fault.what}"
    checked = check_recognition_row(
        content, row.row.line, RULES, dictionary, lambda _: row.picture, training=training
    )
    if checked.outcome is Outcome.KEPT:
        return ""
    heaviest = max(checked.findings, key=lambda finding: finding.weight)
    return f"{checked.outcome.value}: {heaviest.title}"


def _origin(part: ListName, row: _Written) -> dict[str, Any]:
    return {
        "list": part,
        "image": str(row.image),
        "text": row.text,
        "file": row.row.file,
        "line": row.row.line,
        "from": row.row.image,
        "page": row.row.page,
        **({"piece": list(row.piece)} if row.piece else {}),
        **({"columns": list(row.columns)} if row.columns else {}),
    }


def _loss(row: LeftOutRow) -> dict[str, Any]:
    return {
        "file": row.file,
        "line": row.line,
        "image": row.image,
        "text": row.text,
        "why": row.why.name.lower(),
        "words": row.why.words,
        **({"detail": row.detail} if row.detail else {}),
    }


def _json(row: Mapping[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"

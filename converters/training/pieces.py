"""Long lines as pieces: a line is laid along its crop and cut between words; each piece becomes a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.errors import BadImage
from backend.page import image_files
from converters.paddleocr import images
from converters.paddleocr.findings import Finding, Picture, PictureState
from converters.paddleocr.training_config import RecognitionRules
from converters.shared.image_bytes import read_image
from converters.training.alignment import Aligner
from converters.training.dataset import DatasetRow, LeftOutRow, Why
from converters.training.line_cuts import LongWord, cut_line, cut_text


@dataclass(frozen=True, slots=True)
class PieceFile:
    """One piece of a line, as a file.

    left, right: its columns in the line's crop, right excluded, pixels.
    """

    path: Path
    text: str
    left: int
    right: int
    height: int

    @property
    def picture(self) -> Picture:
        """The piece as PaddleOCR's decoder sees it."""
        return Picture(PictureState.GOOD, self.right - self.left, self.height)


def cut_row(
    row: DatasetRow, rules: RecognitionRules, aligner: Aligner | None, folder: Path
) -> tuple[PieceFile, ...] | LeftOutRow:
    """Cut a line that is too long for training.

    Args:
        row: the line.
        rules: of the training.
        aligner: finds where its characters stand; None where there is none.
        folder: pieces are written there, as NUMBER-PIECE.png, NUMBER being the row's in its file.

    Returns:
        The pieces from left to right; or the row left out, with the reason.

    Raises:
        OSError: a piece cannot be written.
    """

    def left_out(why: Why, detail: str = "") -> LeftOutRow:
        return LeftOutRow(row.file, row.line, row.image, row.text, why, detail)

    parts = cut_text(row.text, rules)
    if isinstance(parts, LongWord):
        return left_out(Why.LONG_WORD, parts.word)
    if aligner is None:
        return left_out(Why.NO_ALIGNER)
    try:
        pixels = images.opened(read_image(row.path))
    except OSError:
        return left_out(Why.IMAGE, Finding.NOT_A_FILE.title)
    except BadImage:
        return left_out(Why.IMAGE, Finding.DAMAGED_IMAGE.title)
    if pixels is None:
        return left_out(Why.IMAGE, Finding.BROKEN_IMAGE.title)
    places = aligner.align(pixels, row.text)
    pieces = None if places is None else cut_line(pixels, parts, places)
    if pieces is None:
        return left_out(Why.NO_FIT)
    written = []
    for number, piece in enumerate(pieces, start=1):
        path = folder / f"{row.line:06}-{number}.png"
        path.write_bytes(image_files.encode(np.ascontiguousarray(pixels[:, piece.left : piece.right]), "png"))
        written.append(PieceFile(path, piece.text, piece.left, piece.right, pixels.shape[0]))
    return tuple(written)

"""One line of a test set, read: the noun of an evaluation, and how a reader comes to read them all."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from backend.errors import BadRequest, ReaderUnavailable
from backend.page import image_files
from backend.page.limits import MAX_DECODING_PIXELS
from backend.page.lines import Pixels, Reading
from backend.seams import LineReader
from backend.text.cleaning import plain_text
from converters.shared.image_bytes import read_image
from converters.shared.text_errors import character_edits, word_edits

AT_ONCE = 64
"""Crops that are in memory at a time."""


@dataclass(frozen=True, slots=True)
class LabelledLine:
    """One row of a label file that is read to judge a model.

    page: the key of its page; empty where the dataset does not say.
    crop: as the row names it.
    path: the crop's file.
    truth: the approved text, in plain form.
    script: of the text's letters.
    kind: the language of the page, where the dataset says; else empty.
    width: of the crop, pixels.
    predicted: the text that people found filled in; None where that is not known.
    readings: what the readers had said before people decided.
    """

    page: str
    crop: str
    path: Path
    truth: str
    script: str = ""
    kind: str = ""
    width: int = 0
    predicted: str | None = None
    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True)
class LineResult:
    """One line: what people approved, and what a model read.

    page, crop, script, kind, width: as in `LabelledLine`.
    truth, read: in plain form; an empty `read` is a line on which the model saw no text.
    """

    page: str
    crop: str
    truth: str
    read: str
    script: str = ""
    kind: str = ""
    width: int = 0

    @property
    def exact(self) -> bool:
        """Whether it was read letter for letter."""
        return self.read == self.truth

    @property
    def edits(self) -> int:
        """Wrong characters: put in, left out, or replaced."""
        return character_edits(self.read, self.truth)

    @property
    def word_edits(self) -> int:
        """Wrong words: put in, left out, or replaced."""
        return word_edits(self.read, self.truth)


def result_of(row: LabelledLine, text: str) -> LineResult:
    """The result of a row that was read as this text."""
    return LineResult(row.page, row.crop, row.truth, plain_text(text), row.script, row.kind, row.width)


def read_rows(
    reader: LineReader, rows: Sequence[LabelledLine], done: Callable[[int], None] = lambda count: None
) -> list[LineResult]:
    """Read every row; one result each, in order.

    Args:
        reader: reads the crops.
        rows: what is read.
        done: called with how many more are read.

    Raises:
        ReaderUnavailable: the reader gave no answer for a line; nothing is known then, and no figure is true.
        BadImage: a crop cannot be decoded.
        BadRequest: a crop's file cannot be read.
    """
    crops = ((row.crop, pixels_of(row.path, row.crop)) for row in rows)
    return [result_of(row, text) for row, text in zip(rows, read_crops(reader, crops, done), strict=True)]


def read_crops(
    reader: LineReader,
    crops: Iterable[tuple[str, Pixels]],
    done: Callable[[int], None] = lambda count: None,
) -> Iterator[str]:
    """Read crops; one text each, in order.

    Args:
        reader: reads them.
        crops: the name of each, for messages, and its pixels.
        done: called with how many more are read.

    Raises:
        ReaderUnavailable: the reader gave no answer for one.
    """
    waiting: deque[tuple[list[str], list[Future[Reading]]]] = deque()
    left = iter(crops)
    while True:
        some = _some(left)
        if some:
            waiting.append(([name for name, _ in some], reader.submit([crop for _, crop in some])))
        # the next crops are decoded while the model reads the ones before
        if len(waiting) > 1 or not some:
            if not waiting:
                return
            names, futures = waiting.popleft()
            yield from [_text(name, future.result()) for name, future in zip(names, futures, strict=True)]
            done(len(names))


def _some(left: Iterator[tuple[str, Pixels]]) -> list[tuple[str, Pixels]]:
    """The next crops: `AT_ONCE`, or fewer where they are as large as pages."""
    some: list[tuple[str, Pixels]] = []
    pixels = 0
    for name, crop in islice(left, AT_ONCE):
        some.append((name, crop))
        pixels += crop.shape[0] * crop.shape[1]
        if pixels >= MAX_DECODING_PIXELS:
            break
    return some


def pixels_of(path: Path, crop: str) -> Pixels:
    """The pixels of a crop.

    Args:
        path: its file.
        crop: its name in the dataset, for messages.

    Raises:
        BadImage: it cannot be decoded.
        BadRequest: the file cannot be read.
    """
    try:
        content = read_image(path)
    except OSError as error:
        raise BadRequest(
            f"The crop {crop} cannot be read ({error.strerror}); export the dataset again."
        ) from error
    return image_files.decode(content).pixels


def _text(crop: str, reading: Reading) -> str:
    if reading.error is not None:
        raise ReaderUnavailable(
            f"{reading.reader} could not read {crop}: {reading.error} A model cannot be judged on lines "
            "for which it gave no answer, so nothing was evaluated.",
            crop=crop,
        )
    return reading.text

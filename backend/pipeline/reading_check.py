"""Lets local readers read rendered lines: a reader that loads without an error may still read nonsense.

A recogniser that was exported with another dictionary, or trained to nothing, loads as well as any other
and answers with letters and scores. What it is worth shows on lines whose text is known.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from typing import Final

from rapidfuzz.distance import Levenshtein

from backend.errors import OperatorError
from backend.page.lines import Pixels, Reading
from backend.rendering.fonts import font_package, font_with
from backend.rendering.lines import rendered_line, why_not_rendered
from backend.rendering.texts import sample_texts
from backend.seams import LineReader
from backend.text import languages
from backend.text.cleaning import visible_text

log = logging.getLogger(__name__)

LINES: Final = 5
"""Rendered lines that each reader reads; together they take well under a second."""

MAX_CER: Final = 0.5
"""Above this character error rate, and with no line right, a reader is of no use for the language.

Measured in 15 languages, 60 lines each: Tesseract and PP-OCRv5_mobile_rec have 0 to 4 %, and 19 % in their
worst five lines; a recogniser whose dictionary is mixed up or shifted by one has 97 % and more. One look of
Tesseract at Arabic has 41 %: it gives no text for every second short line, and has the others right.
"""

TIMEOUT_S: Final = 60.0
"""How long the readers may take together, seconds."""

_CURE: Final = (
    "Export your own model again with the dictionary that it was trained with; install others again, or name "
    "other readers in READERS."
)


class NotTried(OperatorError):
    """Nothing could be rendered for the readers, so it is not known what they are worth."""


@dataclass(frozen=True, slots=True)
class ReadingCheck:
    """What a reader made of rendered lines.

    reader: its identity.
    lines: how many it was given.
    right: how many it read without a fault; spaces do not count.
    cer: edits over characters, all lines together; a line that it failed at is one without text.
    worst: text and reading of the line with the largest share of faults.
    error: of the first line that it failed at; None where it answered each.
    """

    reader: str
    lines: int
    right: int
    cer: float
    worst: tuple[str, str]
    error: str | None = None

    @property
    def useless(self) -> bool:
        """Whether it cannot be relied on at all: it failed, or most of what it reads is wrong."""
        return self.error is not None or (self.cer > MAX_CER and not self.right)

    @property
    def sentence(self) -> str:
        """What came of it, for people, such as `X misreads clean print: ...`; without a full stop."""
        if self.error is not None:
            return f"{self.reader} failed at rendered lines: {self.error}"
        if not self.useless:
            return f"{self.reader} read {self.right} of {self.lines} rendered lines right"
        truth, read = self.worst
        return (
            f"{self.reader} misreads clean print: none of {self.lines} rendered lines right, "
            f"'{truth}' was read as '{read}'"
        )


def check_reading(
    readers: Sequence[LineReader], language: str, *, count: int = LINES, seed: int = 0
) -> list[ReadingCheck]:
    """Let each reader read the same lines, in black on white and in the clearest font of this machine.

    Args:
        readers: loaded ones on this machine. ERNIE is not among them: its calls cost money, and the doctor
            gives it one line in its own way.
        language: any name of it.
        count: how many lines.
        seed: chooses them.

    Returns:
        One result per reader, in order.

    Raises:
        NotTried: no font of this machine has the letters, or Pillow cannot lay them out; says what to do.
        SettingsWrong: no such language.
    """
    if not readers:
        return []
    texts, crops = _rendered(language, count, seed)
    # all are asked before one is waited for
    asked = [(reader, reader.submit(crops)) for reader in readers]
    end = time.monotonic() + TIMEOUT_S
    return [
        _checked(reader.identity, texts, [_reading(reader, future, end) for future in futures])
        for reader, futures in asked
    ]


def misreading(readers: Sequence[LineReader], language: str) -> str | None:
    """Say which readers are of no use for a language, and what to do.

    Args:
        readers: as for `check_reading`.
        language: any name of it.

    Returns:
        None where every reader is of use, and where nothing could be rendered for them, which is logged.
    """
    try:
        checks = check_reading(readers, language)
    except NotTried as error:
        log.info("The readers were not tried on rendered lines: %s", error)
        return None
    return misreading_of(checks)


def misreading_of(checks: Sequence[ReadingCheck]) -> str | None:
    """What is wrong with readers, and what to do; None where all are of use."""
    useless = [check.sentence for check in checks if check.useless]
    return f"{'; '.join(useless)}. {_CURE}" if useless else None


def _rendered(language: str, count: int, seed: int) -> tuple[list[str], list[Pixels]]:
    """Texts in a language, and their pictures."""
    # a dictionary that does not fit may have the digits right, and a font of one script may have none
    texts = sample_texts(language, count, seed, words_only=True)
    font = font_with(texts)
    why = (
        f"no font with {languages.english_name(language)} letters on this machine; "
        f"apt-get install {font_package(language)}"
        if font is None
        else why_not_rendered("".join(texts))
    )
    if font is None or why is not None:
        raise NotTried(str(why), language=language)
    return texts, [rendered_line(text, font) for text in texts]


def _reading(reader: LineReader, future: Future[Reading], end: float) -> Reading:
    """What came by a time of `time.monotonic`."""
    try:
        return future.result(max(0.0, end - time.monotonic()))
    except FutureTimeout:
        return Reading(reader.identity, error=f"no reading came in {TIMEOUT_S:g} s")


def _checked(reader: str, texts: Sequence[str], readings: Sequence[Reading]) -> ReadingCheck:
    """Compare what was read with what was rendered; pure."""
    edits = [
        Levenshtein.distance(_compared(text), _compared(reading.text))
        for text, reading in zip(texts, readings, strict=True)
    ]
    lengths = [len(_compared(text)) for text in texts]
    worst = max(range(len(texts)), key=lambda number: edits[number] / lengths[number])
    return ReadingCheck(
        reader=reader,
        lines=len(texts),
        right=sum(not edit for edit in edits),
        cer=sum(edits) / sum(lengths),
        worst=(texts[worst], visible_text(readings[worst].text)),
        error=next((reading.error for reading in readings if reading.failed), None),
    )


def _compared(text: str) -> str:
    """The text without spaces: scripts and readers differ in where they set them."""
    return visible_text(text).replace(" ", "")

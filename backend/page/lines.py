"""The nouns of the whole house: page, line, crop, reading, verdict.

One unit everywhere: page pixels, float, origin at the top left of the *upright* page (turned by
its EXIF tag, as a browser shows it). Label Studio's percent exists only in `backend.label_studio.percent`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Pixels: TypeAlias = npt.NDArray[np.uint8]
"""RGB, uint8, shape (height, width, 3), C-contiguous."""

Quad: TypeAlias = npt.NDArray[np.float32]
"""Four corners, float32, shape (4, 2) as (x, y), page pixels, clockwise from the text's own top-left."""


def picture_digest(pixels: Pixels) -> str:
    """Hex SHA-256 of shape and bytes: the same for the same picture, whatever made it."""
    digest = hashlib.sha256(repr(tuple(map(int, pixels.shape))).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Page:
    """One upright image of a task.

    pixels: RGB, uint8, shape (height, width, 3).
    """

    pixels: Pixels

    @cached_property
    def digest(self) -> str:
        """What names the page in logs and manifests; reckoned when it is first asked for."""
        return picture_digest(self.pixels)

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One text line on a page.

    quad: (4, 2) float32, page pixels, clockwise from the text's own top-left corner.
    score: how sure the detector is that this is text, 0 to 1.
    """

    quad: Quad
    score: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Detected:
    """What a detector found on one page.

    lines: in no promised order.
    dropped: how many candidates were no usable quads and were left out.
    """

    lines: tuple[Line, ...]
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reader said of one crop: a text, "no text" (empty, no error), or an error.

    reader: the reader's identity, as in `LineReader.identity`.
    text: the words as the reader gave them, cleaned of wrapping only; empty for "no text".
    score: the reader's own confidence, 0 to 1, where it has one.
    error: one sentence why there is no answer; "nothing there" and "could not look" differ here.
    retryable: with an error, whether asking again later may give an answer (server down, too busy, timeout)
        or not (answer cut by length, refused).
    """

    reader: str
    text: str = ""
    score: float | None = None
    error: str | None = None
    retryable: bool = False

    @property
    def failed(self) -> bool:
        """The reader could not look."""
        return self.error is not None

    @property
    def no_text(self) -> bool:
        """The reader looked and found nothing."""
        return self.error is None and not self.text


class Verdict(Enum):
    """What the readings of one line are worth together."""

    AGREED = "agreed"
    DISPUTED = "disputed"
    NO_TEXT = "no text"
    UNREAD = "unread"


class ReasonKind(Enum):
    """Why a line is not agreed, or what was settled on the way; `label_studio.explanations` words it."""

    LOOK_ALIKE = "look-alike"
    """Letters of two scripts that look the same: `first` against `second`."""
    DIFFERENT = "different"
    """The readings say different things: `first` against `second`."""
    SPACING = "spacing"
    CASE = "case"
    PUNCTUATION = "punctuation"
    ONLY_ONE_SAW_TEXT = "only one saw text"
    READER_FAILED = "reader failed"
    """`first` is the reader, `second` its one-sentence error."""
    ONE_READER = "one reader"
    """Only one reading was made, so nothing confirms it."""
    NO_READER = "no reader"
    """No installed reader writes the page's script; `first`: the language, `second`: what would read it."""
    TOO_LONG = "too long for its width"
    REPEATS = "repeats itself"
    ECHO = "echo of the prompt"
    REFUSAL = "refusal"
    WRONG_SCRIPT = "wrong script"
    MIXED_SCRIPT = "mixed scripts in one word"
    DIGITS_ONLY = "digits only"
    """Agreed, but without a language to correct it; a note, not a doubt."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason behind a verdict, with the pieces of text that it is about.

    first, second: the differing pieces of the first and the second reading (or as the kind says).
    """

    kind: ReasonKind
    first: str = ""
    second: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What several readings of one line come to.

    text: what to write or pre-fill; NFC, plain spaces; empty when nothing was read.
    score: how sure, 0 to 1.
    reasons: why it is not agreed, most telling first.
    """

    verdict: Verdict
    text: str
    score: float
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ReadLine:
    """A line with everything that was said of it; nothing is thrown away."""

    line: Line
    readings: tuple[Reading, ...]
    judgement: Judgement


@dataclass(frozen=True, slots=True, eq=False)
class ReadPage:
    """A page's lines in reading order, with what they were read by.

    width, height: of the upright page, pixels.
    dropped: how many candidates were left out as degenerate.
    model_version: of the engines that read it; empty where nothing is predicted from it.
    """

    width: int
    height: int
    lines: Sequence[ReadLine]
    dropped: int = 0
    model_version: str = ""

    @property
    def score(self) -> float:
        """Share of agreed lines, 0 to 1; 1 for a page without text: nothing to do there."""
        if not self.lines:
            return 1.0
        agreed = sum(line.judgement.verdict is Verdict.AGREED for line in self.lines)
        return agreed / len(self.lines)

"""The data classes that every package shares: page, line, reading, judgement, and what they hold.

One unit everywhere: page pixels, float, origin at the top left of the *upright* page (turned by
its EXIF tag, as a browser shows it). Label Studio's percent exists only in `backend.label_studio.percent`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
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
    """Hex SHA-256 of shape and bytes: equal pictures have equal digests, whatever file they came from."""
    digest = hashlib.sha256(repr(tuple(map(int, pixels.shape))).encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Page:
    """One upright image of a task.

    pixels: RGB, uint8, shape (height, width, 3).
    notes: what people must know of the page; kinds of `PAGE_NOTES`.
    shown: the picture that a browser shows instead, of the same shape; None where it shows the same.
    """

    pixels: Pixels
    notes: tuple[Reason, ...] = ()
    shown: Pixels | None = None

    @cached_property
    def digest(self) -> str:
        """Identifies the page in logs and manifests; computed at first use."""
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

    lines: in no particular order.
    dropped: number of candidates that were left out: their quads cannot be used, or there were too many.
    turned: degrees clockwise in which most of the text stands, 0, 90, 180 or 270, which the quads follow;
        None where nobody looked, or could say.
    """

    lines: tuple[Line, ...]
    dropped: int = 0
    turned: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """One reader's result for one crop: a text, "no text" (empty, no error), or an error.

    reader: the reader's identity, as in `LineReader.identity`.
    text: the text as the reader gave it. A vision model's may be wrapped in quotes or markup, which
        `annotate` takes off when all readings of the line are there. Empty for "no text".
    score: the reader's own confidence, 0 to 1; None where it gives none.
    error: one sentence that says why there is no text; None where the reader worked, also for "no text".
    retryable: with an error, whether the same request may work later (server down, too busy, timeout)
        or not (answer cut by length, refused).
    lasting: with `retryable`, that no request of this reader will work until a person has changed something,
        such as a key that was refused.
    """

    reader: str
    text: str = ""
    score: float | None = None
    error: str | None = None
    retryable: bool = False
    lasting: bool = field(default=False, repr=False)

    @property
    def failed(self) -> bool:
        """The reader did not work, so nothing is known about the crop."""
        return self.error is not None

    @property
    def no_text(self) -> bool:
        """The reader worked and found no text."""
        return self.error is None and not self.text


class Verdict(Enum):
    """The result of comparing the readings of one line."""

    AGREED = "agreed"
    """Enough readers read the same, and no guard found a doubt."""
    DISPUTED = "disputed"
    """The readings differ, or a guard found a doubt: a person decides."""
    NO_TEXT = "no text"
    """Every reader worked, and none found text."""
    UNREAD = "unread"
    """No reader was asked, or none gave a text and at least one of them failed."""


class ReasonKind(Enum):
    """Why a line is not agreed, what was corrected in it, or what is to be known of its whole page.

    `label_studio.explanations` words them.
    """

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
    """Only one reader read the line, so nothing confirms its text."""
    ONE_FAMILY = "one family"
    """Agreed, but by engines that can share an error; `first`: the family. A remark, not a doubt."""
    WEAK_EVIDENCE = "weak evidence"
    """Enough readings say the same, but it is right with a probability of `first` % only."""
    DISSENT = "dissent"
    """Enough readings say the same, and `first`, which the reader `second` read, is not it."""
    NO_READER = "no reader"
    """No installed reader writes the page's script; `first`: the language, `second`: readers that could."""
    TOO_LONG = "too long for its width"
    TOO_SHORT = "too short for its ink"
    SAME_EVERYWHERE = "the same on the whole page"
    """Every line of the page reads `first`."""
    REPEATS = "repeats itself"
    ECHO = "echo of the prompt"
    REFUSAL = "refusal"
    MARKUP = "markup"
    """What a vision model put around or into the text, in every reading of it: `first`."""
    WRONG_SCRIPT = "wrong script"
    MIXED_SCRIPT = "mixed scripts in one word"
    LOOK_ALIKE_ADDRESS = "address in look-alikes"
    """`first` is a web address whose ending is written in letters that only look Latin."""
    LETTER_AMONG_DIGITS = "letter among digits"
    """`first` holds a letter that looks like a digit, where a digit is likelier."""
    BROKEN_NUMBER = "broken number"
    """`first` is a number with a space where none belongs, or that ends in a dash."""
    EDGE_MARK = "mark at an edge"
    """`first` at the beginning or the end of the text is likelier a frame or a speck than a sign."""
    HOUSE_STYLE = "house style"
    """Readings differ in a mark, or the house rule wants another: `first` as read, `second` as written."""
    DIGITS_ONLY = "digits only"
    """Agreed, but no word confirms a line of digits; a remark, not a doubt."""
    UNSEEN = "not seen on the screen"
    """A browser shows the line with so little contrast that nobody can judge it; a doubt."""
    MORE_PAGES = "more pages in the file"
    """Of the page: the file holds `first` pages or pictures, of which only the first was read."""
    MORE_FRAMES = "more frames in the file"
    """Of the page: a moving picture of `first` frames, of which only the first was read."""
    TURNED = "turned page"
    """Of the page: its text stands `first` degrees clockwise from upright, and was read so."""
    NOTHING_FOUND = "nothing found"
    """Of the page: no line was found, although the page is not blank."""
    NOT_SHOWN = "not shown by browsers"
    """Of the page: its file is of the format `first`, which most browsers cannot show."""


PAGE_NOTES = frozenset(
    {
        ReasonKind.MORE_PAGES,
        ReasonKind.MORE_FRAMES,
        ReasonKind.TURNED,
        ReasonKind.NOTHING_FOUND,
        ReasonKind.NOT_SHOWN,
    }
)
"""Kinds that say something of the whole page: they go with every line, and make no line doubtful."""


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
    """Several readings of one line, combined.

    text: the text of an agreed line, or the likelier one to pre-fill; NFC, plain spaces; empty when
        nothing was read.
    score: the probability that the text is right, 0 to 1; lines are sorted by it.
    reasons: why the line is not agreed, the most important first; or remarks on an agreed one; then the
        notes of its page.
    """

    verdict: Verdict
    text: str
    score: float
    reasons: tuple[Reason, ...] = ()

    def noted(self, notes: Sequence[Reason]) -> Judgement:
        """The same judgement, which tells the notes of its page as well."""
        return replace(self, reasons=(*self.reasons, *notes))

    def doubted(self, doubt: Reason) -> Judgement:
        """The judgement with one more doubt, so that a person looks at the line whatever its readings say.

        An agreed line becomes disputed, its text kept and its score halved: below every agreed line.
        """
        if self.verdict is not Verdict.AGREED:
            return replace(self, reasons=(*self.reasons, doubt))
        return Judgement(Verdict.DISPUTED, self.text, self.score / 2, (doubt, *self.reasons))


@dataclass(frozen=True, slots=True, eq=False)
class ReadLine:
    """A line, all its readings, and the judgement on them."""

    line: Line
    readings: tuple[Reading, ...]
    judgement: Judgement


@dataclass(frozen=True, slots=True, eq=False)
class ReadPage:
    """The lines of a page with their readings.

    width, height: of the upright page, pixels.
    lines: in reading order.
    dropped: number of the detector's candidates that were left out because their quads cannot be used.
    model_version: of the engines that read it; empty where nothing is predicted from it.
    notes: what people must know of the page; kinds of `PAGE_NOTES`. The judgements of its lines have
        them too.
    """

    width: int
    height: int
    lines: Sequence[ReadLine]
    dropped: int = 0
    model_version: str = ""
    notes: tuple[Reason, ...] = ()

    @property
    def score(self) -> float:
        """Share of agreed lines, 0 to 1.

        A page without lines has 1, because there is nothing to do; with a note 0, so that it is opened.
        """
        if not self.lines:
            return 0.0 if self.notes else 1.0
        agreed = sum(line.judgement.verdict is Verdict.AGREED for line in self.lines)
        return agreed / len(self.lines)

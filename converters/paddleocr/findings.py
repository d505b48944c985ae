"""What can be found about a row or a label file, and what becomes of it; the nouns of the check, pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Literal, TypeAlias

from converters.paddleocr.label_files import Kind

Part: TypeAlias = Literal["train", "val", "test", ""]
"""What a label file is for, by its name; empty where it does not say."""


class Outcome(Enum):
    """What becomes of a row, from good to bad."""

    KEPT = "kept"
    """Trained as it stands."""
    ALTERED = "altered"
    """Trained, but not on what the row says."""
    AT_RISK = "at risk"
    """Lost in some epochs or on some machines: what happens is drawn at random, or lies on the network."""
    UNLEARNED = "not learned"
    """Loaded in every epoch, and nothing is learned from it: its CTC loss is 0. Nothing is said."""
    DROPPED = "dropped"
    """A neighbour is trained in its place, and nothing is said."""
    REPLACED = "replaced"
    """A neighbour is trained in its place, and an error is logged."""

    @property
    def rank(self) -> int:
        """Its place in the order from good to bad."""
        return list(Outcome).index(self)


LOST = frozenset({Outcome.DROPPED, Outcome.REPLACED})
"""The outcomes of rows that are never trained."""


def worse(first: Outcome, second: Outcome) -> Outcome:
    """The worse of two outcomes."""
    return max(first, second, key=lambda outcome: outcome.rank)


class Weight(IntEnum):
    """How much a finding matters."""

    DOUBT = 0
    """The row is trained as it stands, but look at it."""
    CHANGE = 1
    """The row is trained on something else."""
    LOSS = 2
    """The row is lost, always or now and then."""


class Finding(Enum):
    """What was found about a row: how much it matters, and what to do; worded for a terminal."""

    NOT_UTF8 = Weight.LOSS, "not UTF-8", "save the file as UTF-8"
    BLANK_LINE = Weight.LOSS, "blank line", "delete it; PaddleOCR trains a neighbour in its place"
    RUN_TOGETHER = (
        Weight.LOSS,
        "two rows run together",
        "begin a new line before the second image's name",
    )
    LINE_ENDS = (
        Weight.LOSS,
        "rows with line ends that PaddleOCR does not know",
        "save the file with LF (Unix) line ends; it has CR, U+2028 or the like",
    )
    NO_LABEL = Weight.LOSS, "no tab, so no label", "write image<TAB>label, or delete the line"
    BYTE_ORDER_MARK = Weight.LOSS, "byte order mark before the name", "save the file without one"
    MISSING_IMAGE = Weight.LOSS, "image is missing", "add the file, or correct its path"
    BACKSLASH = Weight.LOSS, "image's name has backslashes", 'write "/"; only Windows takes "\\" for it'
    ELSEWHERE = (
        Weight.LOSS,
        "image lies in another folder than its name says",
        "correct the names, or rename the folder back, or pass --data-dir",
    )
    NOT_A_FILE = Weight.LOSS, "image cannot be opened", "make it a readable file"
    ENDLESS_IMAGE = (
        Weight.LOSS,
        "image is a device or a pipe",
        "name a file; PaddleOCR would wait for its end",
    )
    TOO_LARGE = (
        Weight.LOSS,
        "image too large to be looked at",
        "make it smaller than 100 MiB and 80 megapixels, and a JPEG of 50 scans at most",
    )
    EMPTY_IMAGE = Weight.LOSS, "image has zero bytes", "export it again"
    BROKEN_IMAGE = Weight.LOSS, "image cannot be decoded", "export it again, as PNG or JPEG"
    DAMAGED_IMAGE = (
        Weight.LOSS,
        "image is damaged or not whole",
        "export it again; PaddleOCR may train on the part that is there",
    )
    UNTRUSTED_IMAGE = (
        Weight.LOSS,
        "image in a format that is not opened here",
        "save it as PNG or JPEG; OpenCV would open it with old codecs",
    )
    OUTSIDE_IMAGE = (
        Weight.DOUBT,
        "image lies outside of the set's folder",
        "copy it in, or pass --data-dir; on another machine it is missing",
    )
    REMOTE_IMAGE = Weight.LOSS, "image is a web address", "download it; PaddleOCR would do so in every epoch"
    LISTED_IMAGE = Weight.DOUBT, "name begins with '['", "rename it; PaddleOCR may read a list of images"
    SLIVER = Weight.LOSS, "image is a sliver", "leave it out; joining it with a neighbour fails"

    EMPTY_TEXT = Weight.LOSS, "no text", "leave the row out"
    TOO_LONG = Weight.LOSS, "text too long", "raise Global.max_text_length (--fix writes it)"
    UNLEARNABLE = (
        Weight.LOSS,
        "more characters than the network can learn in a line",
        "cut the line between words into shorter ones; no setting of the config helps",
    )
    ALL_OUTSIDE = Weight.LOSS, "no character of the dictionary", "extend the dictionary (--fix writes one)"
    SOME_OUTSIDE = Weight.CHANGE, "characters outside the dictionary", "extend the dictionary (--fix) or edit"
    CUT_AT_TAB = Weight.CHANGE, "cut at a second tab", "write a space instead of the tab"
    DECOMPOSED = Weight.DOUBT, "decomposed letters", "normalise the text to NFC"
    LINE_BREAK = Weight.DOUBT, "line break inside the text", "write a space instead"
    EDGE_BLANKS = Weight.DOUBT, "blanks at the edges", "they are trained; remove them unless they are meant"
    HASHES = Weight.DOUBT, "### as text", "it is trained as three characters; leave the row out"
    MIXED_SCRIPTS = Weight.DOUBT, "Latin and Cyrillic in one word", "look for letters that only look right"
    SQUEEZED = (
        Weight.DOUBT,
        "squeezed to under half its width",
        "cut the line between words into shorter ones",
    )
    FEW_STEPS = (
        Weight.DOUBT,
        "more characters than the model has steps",
        "check the crop: it may show a part of its text only",
    )
    TALL = Weight.DOUBT, "taller than wide, with several characters", "turn the crop; PaddleOCR does not"
    TWICE = Weight.DOUBT, "same picture, same text", "one of them is enough"
    CONTRADICTION = Weight.DOUBT, "same picture, another text", "one of the texts is wrong"
    LEAK = Weight.DOUBT, "same picture in another part", "keep it in one part, or the score flatters"

    BAD_JSON = Weight.LOSS, "label is not a JSON list", "write JSON with double quotes"
    BAD_REGION = Weight.LOSS, "region without points or transcription", "give each region both"
    BAD_POINTS = Weight.LOSS, "points that are not pairs of numbers", "write [[x, y], ...]"
    NO_REGIONS = Weight.LOSS, "page without regions", "leave it out; PaddleOCR cannot train on empty pages"
    FEW_POINTS = Weight.LOSS, "no polygon with four points", "write the last corner of a triangle twice"
    INFINITE = Weight.LOSS, "infinite coordinate", "correct it; its page and neighbours fail now and then"
    NOT_A_NUMBER = Weight.CHANGE, "coordinate is not a number", "correct it; the region is ignored"
    STAR = Weight.DOUBT, "* as text is an ignore mark", "write ### if it is meant, or another text"
    NO_AREA = Weight.DOUBT, "region without area", "draw it again; PaddleOCR ignores it in training"
    OUTSIDE_PAGE = Weight.DOUBT, "region over the edge of the page", "PaddleOCR clips it"

    def __init__(self, weight: Weight, title: str, remedy: str) -> None:
        self.weight = weight
        self.title = title
        self.remedy = remedy


class PictureState(Enum):
    """What opening an image came to, and what PaddleOCR makes of its row."""

    GOOD = None, Outcome.KEPT
    MISSING = Finding.MISSING_IMAGE, Outcome.REPLACED
    BACKSLASH = Finding.BACKSLASH, Outcome.REPLACED
    ELSEWHERE = Finding.ELSEWHERE, Outcome.REPLACED
    """Missing where the row says, and there by the end of its name."""
    NOT_A_FILE = Finding.NOT_A_FILE, Outcome.REPLACED
    ENDLESS = Finding.ENDLESS_IMAGE, Outcome.REPLACED
    TOO_LARGE = Finding.TOO_LARGE, Outcome.AT_RISK
    """Nobody looked: PaddleOCR may take it, or run out of memory."""
    DAMAGED = Finding.DAMAGED_IMAGE, Outcome.AT_RISK
    """Nobody looked further: PaddleOCR's decoder may fill what is missing with grey."""
    UNTRUSTED = Finding.UNTRUSTED_IMAGE, Outcome.AT_RISK
    """Nobody looked, as its decoder is not to be trusted with it."""
    EMPTY = Finding.EMPTY_IMAGE, Outcome.REPLACED
    UNDECODABLE = Finding.BROKEN_IMAGE, Outcome.DROPPED
    REFUSED = Finding.BROKEN_IMAGE, Outcome.REPLACED
    """The decoder fails instead of saying that it cannot: more pixels than it takes."""
    REMOTE = Finding.REMOTE_IMAGE, Outcome.AT_RISK

    def __init__(self, finding: Finding | None, outcome: Outcome) -> None:
        self.finding = finding
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class Picture:
    """An image as PaddleOCR's decoder sees it.

    width, height: pixels, turned by its EXIF tag; 0 where it could not be decoded.
    digest: names the decoded pixels; empty where there are none.
    outside: of the folder that names are relative to.
    """

    state: PictureState
    width: int = 0
    height: int = 0
    digest: str = ""
    outside: bool = False


OpenPicture: TypeAlias = Callable[[str], Picture]
"""Opens the image of a row, by its name in the label file."""


@dataclass(frozen=True, slots=True)
class RowCheck:
    """What becomes of one row.

    line: its number in the file, from 1.
    image: its image's name as PaddleOCR reads it; empty where there is none.
    text: the label as the row gives it, with all its fields.
    trained: recognition: the text that is trained, None for none.
    regions: detection: transcription and "ignored" of each region that reaches the training.
    outside: recognition: the characters that the dictionary lacks.
    infects: the row also makes good rows fail, whenever training draws it as their neighbour.
    four_points: detection: a page whose regions may be pasted into others.
    """

    line: int
    image: str
    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    text: str = ""
    trained: str | None = None
    regions: tuple[tuple[str, bool], ...] = ()
    outside: tuple[str, ...] = ()
    picture: Picture | None = None
    infects: bool = False
    four_points: bool = False


@dataclass(frozen=True, slots=True)
class ListProblem:
    """Something about a label file as a whole.

    stops: PaddleOCR would hang, fail or train nothing.
    loses: it is why rows are not trained.
    """

    sentence: str
    stops: bool
    loses: bool = False


@dataclass(frozen=True, slots=True)
class FileCheck:
    """One label file, row by row.

    part: what its name says it is for; empty where it says nothing, which counts as training.
    """

    name: str
    kind: Kind
    part: Part
    rows: tuple[RowCheck, ...]
    problems: tuple[ListProblem, ...] = ()

    @property
    def outcomes(self) -> Counter[Outcome]:
        """How many rows come to what."""
        return Counter(row.outcome for row in self.rows)

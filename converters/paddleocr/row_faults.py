"""What PaddleOCR would silently make of a text or an image's name in a label file; pure."""

from __future__ import annotations

import re
import unicodedata
from enum import Enum
from functools import lru_cache

from backend.errors import ProjectError

IGNORED = "###"
"""The transcription of a detection region that PaddleOCR neither learns as text nor as background."""

LINE_BREAKS = "\n\r\v\f\x1c-\x1e\x85\u2028\u2029"
"""What str.splitlines takes for the end of a line, to stand between the brackets of a pattern."""

_BREAK = re.compile(f"[{LINE_BREAKS}]")
SURROGATES = re.compile("[\ud800-\udfff]")
"""Halves of characters, which no file can hold."""


class Fault(Enum):
    """Why a row cannot be written or read: what is wrong, and what PaddleOCR would make of it."""

    TAB = "has a tab", "PaddleOCR ends the label there and trains on what comes before."
    LINE_BREAK = "has a line break", "The rest would become a row of its own, or be deleted from the label."
    CONTROL = "has a control or invisible character", "PaddleOCR deletes it from the label and says nothing."
    SURROGATE = "has half of a character", "It cannot be written as UTF-8."
    NO_CHARACTER = (
        "has what is no character",
        "It stands where one could not be read or written; a model would learn to write it.",
    )
    DECOMPOSED = "has decomposed letters", "PaddleOCR deletes their accents: 'й' would train as 'и'."
    ODD_SPACE = "has a space that is not the plain one", "PaddleOCR deletes it, which joins two words."
    EMPTY = "is empty", "PaddleOCR drops the row and says nothing."
    IGNORE_MARK = "is an ignore mark", "As a label it says something else than the annotator meant."
    LISTED_IMAGE = "begins with '['", "PaddleOCR reads the name as a list of images and draws one at random."
    REMOTE_IMAGE = "is a web address", "PaddleOCR would download it in every epoch."
    NAME_EDGE = "begins with a space or a byte order mark", "PaddleOCR looks for a file with that very name."
    NO_TAB = "has no tab between image and label", "PaddleOCR puts a neighbour in its place."
    MORE_TABS = (
        "has more than one tab",
        "PaddleOCR ends the label at the second and trains on what comes before.",
    )
    RUN_TOGETHER = "holds two rows that run together", "PaddleOCR takes both for one and loses the second."
    LINE_ENDS = (
        "holds several rows, which end with CR alone, U+2028 or the like",
        "PaddleOCR takes them for one row and loses all but the first.",
    )
    NOT_UTF8 = "is not UTF-8", "PaddleOCR puts a neighbour in its place."
    NOT_JSON = "is not the JSON list that PaddleOCR expects", "PaddleOCR puts a neighbour in its place."
    NO_REGIONS = "has no region", "PaddleOCR drops pages without regions and says nothing."
    FEW_POINTS = "has fewer than three points", "It encloses nothing."
    NOT_FINITE = (
        "has a coordinate that is not a finite number",
        "PaddleOCR ignores the region, or fails on it.",
    )

    def __init__(self, what: str, why: str) -> None:
        self.what = what
        self.why = why


class RowRefused(ProjectError):
    """A row that PaddleOCR would silently mangle, or that is no row.

    Attributes:
        fault: what is wrong.
        facts: `image`, `subject` and `text` as the message names them.
    """

    def __init__(
        self, fault: Fault, image: str, subject: str, text: str, remedy: str, where: str = ""
    ) -> None:
        """Word the refusal.

        Args:
            fault: what is wrong.
            image: of the row; empty where it has none.
            subject: which part of the row is wrong, in words.
            text: what stands there.
            remedy: what to do, a sentence.
            where: where in the text, in words that follow the fault's.
        """
        quoted = text if len(text) <= 60 else text[:57] + "..."
        super().__init__(
            f"{image or 'a row'}: the {subject} {quoted!r} {fault.what}{where}.\n{fault.why}\n{remedy}",
            image=image,
            subject=subject,
            text=text,
        )
        self.fault = fault


def text_fault(text: str) -> tuple[Fault, int] | None:
    """What PaddleOCR's recognition training would silently mangle in a text, and at which character.

    The position counts from 0. None when nothing is wrong; dictionary and length are not looked at here.
    """
    if not text:
        return Fault.EMPTY, 0
    if text == IGNORED:
        return Fault.IGNORE_MARK, 0
    for position, char in enumerate(text):
        fault = _character_fault(char)
        if fault is not None:
            return fault, position
    composed = unicodedata.normalize("NFC", text)
    if composed != text:
        pairs = zip(text, composed, strict=False)
        return Fault.DECOMPOSED, next((i for i, (a, b) in enumerate(pairs) if a != b), len(composed))
    return None


def is_no_character(char: str) -> bool:
    """Whether it is U+FFFD, which stands for what could not be read, or one that Unicode keeps unused."""
    code = ord(char)
    return code == 0xFFFD or 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE


@lru_cache(4096)
def _character_fault(char: str) -> Fault | None:
    category = unicodedata.category(char)
    if char == "\t":
        return Fault.TAB
    if _BREAK.match(char):
        return Fault.LINE_BREAK
    if category == "Zs" and char != " ":
        return Fault.ODD_SPACE
    if category == "Cs":
        return Fault.SURROGATE
    if is_no_character(char):
        return Fault.NO_CHARACTER
    # joiners shape letters in Persian and Indic writing; all else of Cf is invisible for good
    if category == "Cc" or (category == "Cf" and char not in "\u200c\u200d"):
        return Fault.CONTROL
    return None


_IMAGE_AT_END = re.compile(r"(?i)\.(png|jpe?g|bmp|webp|gif|tiff?)$")


def several_rows(row: str) -> Fault | None:
    """Whether a row is several, of which each but the first begins inside the label of the one before.

    Args:
        row: without its line end, fields parted by tabs.
    """
    within = [field for field in row.split("\t")[1:-1] if _IMAGE_AT_END.search(field)]
    if not within:
        return None
    return Fault.LINE_ENDS if any(_BREAK.search(field) for field in within) else Fault.RUN_TOGETHER


def image_fault(image: str) -> Fault | None:
    """What PaddleOCR would silently make of an image's name in a label file."""
    if not image:
        return Fault.EMPTY
    if image[0] in " \ufeff":
        return Fault.NAME_EDGE
    if image[0] == "[":
        return Fault.LISTED_IMAGE
    if image.startswith(("http://", "https://")):
        return Fault.REMOTE_IMAGE
    if "\t" in image:
        return Fault.TAB
    if _BREAK.search(image):
        return Fault.LINE_BREAK
    if SURROGATES.search(image):
        return Fault.SURROGATE
    return None

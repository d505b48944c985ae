"""Why a task, an annotation or a region is not exported: every reason there is, in one place; pure.

Each level is counted apart, and each adds up: tasks read = exported + left out, annotations seen =
counted + not counted, regions seen = exported + left out.
"""

from __future__ import annotations

from enum import Enum


class InDetection(Enum):
    """What becomes of a region in the detection files when its text is not exported."""

    IGNORED = "ignored"
    """It is written as `###`: neither text nor background to PaddleOCR."""
    OUT = "out"
    """It is not written, so it is background."""


class TaskReason(Enum):
    """Why a task exports nothing."""

    NOT_A_TASK = "is no task"
    TWICE = "came before, under the same id"
    NOT_ANNOTATED = "nobody has annotated it"
    ONLY_PREDICTIONS = "only predicted, nobody has submitted it"
    ONLY_DRAFTS = "only a draft, nobody has submitted it"
    CANCELLED = "skipped by its annotator"
    NOT_READABLE = "its annotations cannot be read"
    NOT_GROUND_TRUTH = "no annotation is marked as ground truth"
    NOT_BY_USER = "not annotated by that user"


class AnnotationReason(Enum):
    """Why an annotation does not count."""

    CANCELLED = "skipped by its annotator"
    NOT_READABLE = "cannot be read"
    NOT_GROUND_TRUTH = "not marked as ground truth"
    NOT_BY_USER = "by another user"
    OLDER = "a later one of the same task counts"
    SECOND_OPINION = "compared with the one that counts"


class LeftOutReason(Enum):
    """Why a region is out of recognition, and what that makes of it in detection."""

    UNDECIDED = "left undecided", InDetection.IGNORED
    LATER = "left for later", InDetection.IGNORED
    NO_SECOND_READING = "'B is right', and there is no reading B", InDetection.IGNORED
    TYPED_BESIDE_SECOND = "'B is right', and another text was typed", InDetection.IGNORED
    ILLEGIBLE = "illegible", InDetection.IGNORED
    NOT_TEXT = "not text", InDetection.OUT
    NO_TEXT = "without a text", InDetection.IGNORED
    BLANK = "a text of blanks alone", InDetection.IGNORED
    SEVERAL_TEXTS = "several texts", InDetection.IGNORED
    BAD_TEXT = "a text that is no string", InDetection.IGNORED
    TAB = "a tab in the text", InDetection.IGNORED
    LINE_BREAK = "a line break in the text", InDetection.IGNORED
    CONTROL = "a control or invisible character in the text", InDetection.IGNORED
    ODD_SPACE = "an odd space in the text", InDetection.IGNORED
    SURROGATE = "half a character in the text", InDetection.IGNORED
    NO_CHARACTER = "what is no character (U+FFFD) in the text", InDetection.IGNORED
    IGNORE_MARK = "the text ###", InDetection.IGNORED
    UNCONFIRMED = "no second annotator looked", InDetection.IGNORED
    CONTRADICTED = "annotators disagree", InDetection.IGNORED
    NO_CLAIM = "nobody looked at them, and no claim holds", InDetection.IGNORED
    NOT_OF_A_LOT = "nobody looked at them, and the audit is of another reading", InDetection.IGNORED
    LOW_SCORE = "nobody looked at them, and their score is under the claim's", InDetection.IGNORED
    AUDITED_WRONG = "nobody looked at their page, and the audit found them wrong", InDetection.IGNORED
    TOO_FEW_UNSEEN = "nobody looked at them, and they are too few for the claim", InDetection.IGNORED
    OTHER_LABEL = "another label", InDetection.IGNORED
    NOT_A_LINE = "another label, without a text", InDetection.OUT
    ELLIPSE = "an ellipse", InDetection.OUT
    BRUSH = "a painted area", InDetection.OUT
    OTHER_SHAPE = "neither rectangle nor polygon", InDetection.OUT
    TWO_SHAPES = "two shapes under one id", InDetection.OUT
    BAD_GEOMETRY = "a shape that cannot be read", InDetection.OUT
    BAD_LABELS = "labels that cannot be read", InDetection.OUT
    NOT_A_RESULT = "no result of Label Studio", InDetection.OUT
    TOO_FEW_POINTS = "fewer than three points", InDetection.OUT
    TOO_SMALL = "too small to hold text", InDetection.OUT
    OFF_PAGE = "half of it or more off the page", InDetection.OUT
    OTHER_PAGE = "drawn on a picture of another shape", InDetection.OUT
    NO_SUCH_IMAGE = "on none of the images, or nobody can tell on which", InDetection.OUT
    NO_SUCH_PAGE = "on a page that the task does not have", InDetection.OUT
    NO_IMAGE = "the task names no image", InDetection.OUT
    IMAGE_FAILED = "the image could not be had", InDetection.OUT

    def __init__(self, words: str, in_detection: InDetection) -> None:
        self.words = words
        self.in_detection = in_detection

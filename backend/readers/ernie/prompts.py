"""What a vision model is asked, and how a crop is laid out for it.

Two readings are worth something only when their errors differ. A model that follows instructions is
asked in two unlike ways about the same picture, so that a server's prefix cache serves the second
one; a model that knows one prompt only (PaddleOCR-VL: "OCR:") sees two unlike pictures instead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from backend.page.crops import ground_colour
from backend.page.lines import Pixels

PromptStyle: TypeAlias = Literal["instructions", "ocr"]

LONGEST_SIDE = 4096
"""Pixels; enlarging stops here, where servers begin to shrink."""
WIDEST_RATIO = 100
"""Long side by short side; vision models refuse 200, and their own rounding may add to it."""
TALLEST_LINE = 192
"""Pixels; a line needs no more, and every further row is paid for as tokens."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """One way to ask for a line.

    name: short, for logs and the reader's identity.
    text: the words that follow the picture.
    line_height: to how many pixels a lower line is enlarged.
    border: width of the margin in the line's own ground colour, pixels.
    grey: send the picture without colours.
    """

    name: str
    text: str
    line_height: int = 64
    border: int = 24
    grey: bool = False


_PLAIN = (
    "The picture shows one line of {text}. Transcribe it. "
    "Answer with the transcription alone: no explanation, no translation, no quotation marks, "
    "no Markdown, HTML or LaTeX. Keep spelling, capitals, punctuation and digits as they are written. "
    "If the picture holds no text, answer ###"
)
_CHARACTERS = (
    "Copy the characters in this image from the beginning of the line to its end, one after the other. "
    "{script} Do not guess words: misspelt, cut-off or unusual ones are copied the way they look, and "
    "nothing is corrected, completed, translated or put into other letters. Separate words by one "
    "space. Return only the copied characters as plain text on one line, without markup. "
    "When not a single character can be seen, return ###"
)


def prompts(style: PromptStyle = "instructions", language: str = "") -> tuple[Prompt, Prompt]:
    """The two ways to ask.

    Args:
        style: "instructions" for models that follow them, "ocr" for models that know one prompt only.
        language: English name of the language the pages are in ("Russian"); empty when unknown.
    """
    if style == "ocr":
        return Prompt("ocr", "OCR:"), Prompt("ocr-large", "OCR:", line_height=96, border=40, grey=True)
    text = f"{language} text" if language else "text"
    script = (
        f"They are written in the script of {language}, with digits and signs; "
        "foreign words keep their own letters."
        if language
        else "Decide by the whole line which script they belong to, and stay in it."
    )
    return Prompt("plain", _PLAIN.format(text=text)), Prompt("characters", _CHARACTERS.format(script=script))


def lay_out(crop: Pixels, prompt: Prompt) -> Pixels:
    """Bring a crop to the size that vision models read, with a margin in its own ground colour.

    Args:
        crop: RGB, uint8, shape (height, width, 3), neither side 0.
        prompt: names line height, border and colours.

    Returns:
        RGB, uint8; the shorter side of the text holds `line_height` pixels where `LONGEST_SIDE`
        allows, and no side is more than `WIDEST_RATIO` times the other.
    """
    height, width = crop.shape[:2]
    short, long = min(height, width), max(height, width)
    scale = 1.0
    if short < prompt.line_height:
        scale = max(1.0, min(prompt.line_height / short, LONGEST_SIDE / long))
    elif short > TALLEST_LINE:
        scale = TALLEST_LINE / short
    picture: npt.NDArray[Any] = crop
    if scale != 1.0:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        picture = cv2.resize(crop, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    height, width = picture.shape[:2]
    needed = math.ceil((max(height, width) + 2 * prompt.border) / WIDEST_RATIO)
    vertical = max(prompt.border, math.ceil((needed - height) / 2))
    horizontal = max(prompt.border, math.ceil((needed - width) / 2))
    ground = [int(level) for level in ground_colour(crop)]
    laid = cv2.copyMakeBorder(
        picture, vertical, vertical, horizontal, horizontal, cv2.BORDER_CONSTANT, value=ground
    )
    if prompt.grey:
        laid = cv2.cvtColor(cv2.cvtColor(laid, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return np.ascontiguousarray(laid, dtype=np.uint8)


def most_tokens(crop: Pixels) -> int:
    """How many tokens a line of this shape can need at most.

    A narrow letter is about a third as wide as the line is high; a letter outside the tokenizer's
    common words takes up to three tokens. A reading that is longer runs in circles, and is cut.
    """
    height, width = crop.shape[:2]
    letters: float = 3 * max(height, width) / max(1, min(height, width))
    return min(1024, 48 + math.ceil(3 * letters))

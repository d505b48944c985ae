"""Lines that run from right to left, in the order in which a recogniser sees them; pure.

A recogniser's steps run from left to right across a crop, so a label must, too. Of PP-OCR's recognisers those
for Arabic writing are trained so, and PaddleOCR turns what they say by Unicode's bidirectional algorithm; it
tells them by the model's name alone. All others would read such a line backwards.
"""

from __future__ import annotations

import unicodedata

from bidi.algorithm import get_display  # type: ignore[import-untyped]

_TURNED = "arabic_"


def turns_text(model_name: str) -> bool:
    """Whether PaddleOCR turns what a model of this name reads."""
    return model_name.startswith(_TURNED)


def right_to_left(text: str) -> bool:
    """Whether a text has a letter that is written from right to left."""
    return any(unicodedata.bidirectional(char) in ("R", "AL") for char in text)


def as_seen(text: str) -> str:
    """A text in the order of the picture, from left to right."""
    return str(get_display(text)) if right_to_left(text) else text

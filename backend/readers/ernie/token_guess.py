"""What a call will take in tokens, by the size of its picture: a guess where no server has told yet.

A server's own count is always better: guesses are for a forecast before the first call, and to carry what was
measured on some lines over to lines of another length.
"""

from __future__ import annotations

import math
from typing import Final

from backend.page.lines import Pixels
from backend.readers.ernie.prompts import Prompt, lay_out

PATCH: Final = 28
"""Side of the square of pixels that is one token for ERNIE 4.5 VL: patches of 14, of which 2 x 2 are joined
(`patch_size` and `spatial_conv_size` of the model's own config)."""
LETTERS_A_TOKEN: Final = 4.2
"""Of English, as prompts are."""
READ_A_TOKEN: Final = 2.5
"""Letters of a token of what is read: less than in English, because lines are in any language."""
AROUND: Final = 12
"""Tokens of the chat's template around picture and words."""


def guess(crop: Pixels, prompt: Prompt) -> tuple[int, int]:
    """Tokens of one call.

    Args:
        crop: RGB, uint8, shape (height, width, 3).
        prompt: that it is read with.

    Returns:
        Input and output tokens.
    """
    height, width = lay_out(crop, prompt).shape[:2]
    picture = max(1, round(height / PATCH)) * max(1, round(width / PATCH))
    words = math.ceil(len(prompt.text) / LETTERS_A_TOKEN)
    # a letter is about half as wide as its line is high
    letters = 2 * max(crop.shape[:2]) / max(1, min(crop.shape[:2]))
    return picture + words + AROUND, 1 + math.ceil(letters / READ_A_TOKEN)

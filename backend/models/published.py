"""PaddleOCR's names of its recognisers, and which of them a foreign name ends in.

Who trains a model elsewhere gives it a name of their own, such as `georgian_PP-OCRv6_small_rec`. PaddleOCR
loads a model under its own names alone, so such a model is loaded under the name of its base.
"""

from __future__ import annotations

import re
from typing import Final

from backend.errors import SettingsWrong

_V5_FAMILIES: Final = "arabic cyrillic devanagari el en eslav korean latin ta te th"
_V3_FAMILIES: Final = "arabic chinese_cht cyrillic devanagari en japan ka korean latin ta te"

RECOGNISERS: Final = (
    "PP-OCRv6_medium_rec",
    "PP-OCRv6_small_rec",
    "PP-OCRv6_tiny_rec",
    "PP-OCRv5_server_rec",
    "PP-OCRv5_mobile_rec",
    *(f"{family}_PP-OCRv5_mobile_rec" for family in _V5_FAMILIES.split()),
    "PP-OCRv4_server_rec",
    "PP-OCRv4_server_rec_doc",
    "PP-OCRv4_mobile_rec",
    "en_PP-OCRv4_mobile_rec",
    "ch_SVTRv2_rec",
    "ch_RepSVTR_rec",
    "PP-OCRv3_mobile_rec",
    *(f"{family}_PP-OCRv3_mobile_rec" for family in _V3_FAMILIES.split()),
)
"""Those of PaddleX 3.7; importing PaddleX for its list takes seconds, so a test compares them."""

_SAID: Final = re.compile("|".join(re.escape(name) for name in sorted(RECOGNISERS, key=len, reverse=True)))


def base_of(name: str) -> str:
    """The name under which PaddleOCR loads a model that bears this one.

    Args:
        name: as inference.yml says it (Global.model_name).

    Returns:
        The longest of PaddleOCR's names that it ends in; else the only one that it holds; else the name
        itself, which is a detector's, or one that PaddleOCR refuses.

    Raises:
        SettingsWrong: it holds several names and ends in none, so nobody knows what it was trained from.
    """
    ends = [known for known in RECOGNISERS if name.endswith(known)]
    if ends:
        return max(ends, key=len)
    held = sorted(set(_SAID.findall(name)))
    if len(held) > 1:
        raise SettingsWrong(
            f"inference.yml names the model {name!r}, which holds several of PaddleOCR's names "
            f"({', '.join(held)}), so nobody knows under which one it loads. Let the name end in that of the "
            "model that the training began with (Global.model_name).",
            model=name,
            held=held,
        )
    return held[0] if held else name

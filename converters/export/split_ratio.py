"""The ratio of train, val and test, in whatever notation people write it; pure."""

from __future__ import annotations

import math
import re
import unicodedata

from backend.errors import BadRequest

_SEPARATORS = re.compile(r"[\s:/;,|∶]+")
_DASHED = re.compile(r"(?<=[\d%])\s*[-–—]\s*(?=[\d.])")
_DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d)")


def parse_ratio(text: str) -> tuple[float, float, float]:
    """Read a ratio of train, val and test in any notation.

    8:1:1, 80/10/10, 80-10-10, "0.8, 0.1, 0.1", 90%/10%, 0,8:0,1:0,1 (a comma between digits is a decimal
    comma where something else separates the numbers). Two numbers leave nothing for the test part, one
    that is the whole (1, 100%) nothing for either.

    Returns:
        Shares that sum to 1.

    Raises:
        BadRequest: it is not one to three numbers of which the first is above zero, or shares and
            percentages that leave open where the rest goes.
    """
    plain = unicodedata.normalize("NFKC", text).strip().strip("()[]")
    plain = _DASHED.sub(":", plain)
    between = _SEPARATORS.findall(_DECIMAL_COMMA.sub("", plain).strip())
    if "." not in plain and between and not any("," in mark for mark in between):
        plain = _DECIMAL_COMMA.sub(".", plain)
    pieces = [piece for piece in _SEPARATORS.split(plain.replace("%", " ")) if piece]
    try:
        numbers = [float(piece) for piece in pieces]
    except ValueError:
        numbers = []
    sound = 1 <= len(numbers) <= 3 and all(math.isfinite(n) and n >= 0 for n in numbers) and numbers[0] > 0
    if not sound:
        raise BadRequest(
            f"The split {text!r} is not a ratio of train, val and test. Without training pages nothing can "
            "be learned. Write it like 8:1:1, 80/10/10 or 0.8,0.1,0.1.",
            ratio=text,
        )
    total = sum(numbers)
    if len(numbers) < 3 and _leaves_open(numbers, percent="%" in plain):
        raise BadRequest(
            f"The split {text!r} leaves open where the rest of the pages goes. Name all three parts, such as "
            "80:10:10, or two that are the whole, such as 90:10.",
            ratio=text,
        )
    train, val, test = (*(number / total for number in numbers), 0.0, 0.0)[:3]
    return train, val, test


def _leaves_open(numbers: list[float], *, percent: bool) -> bool:
    """Fewer than three numbers that are shares of a whole, and are not the whole."""
    total = sum(numbers)
    wholes = [100.0] if percent else [1.0, 100.0]
    shares = percent or total < 1 or len(numbers) == 1
    return shares and not any(math.isclose(total, whole, rel_tol=1e-6) for whole in wholes)

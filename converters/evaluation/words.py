"""Figures in words, the same on the terminal and on the page; pure."""

from __future__ import annotations

from backend.text.look_alikes import script_of
from converters.evaluation.figures import Interval, Rate
from converters.evaluation.paired import PairedDifference

NONE = "–"


def percent(rate: Rate, digits: int = 1) -> str:
    """A rate in percent; of nothing a dash, which is not 0 %."""
    return NONE if rate.value is None else f"{100 * rate.value:.{digits}f} %"


def interval(pair: Interval | None, digits: int = 1) -> str:
    """An interval in percent; empty where there is none."""
    return "" if pair is None else f"{100 * pair[0]:.{digits}f} to {100 * pair[1]:.{digits}f} %"


def points(value: float) -> str:
    """A difference of two rates in points, with its sign."""
    return f"{100 * value:+.2f}".replace("-", "\u2212")


def difference(found: PairedDifference) -> str:
    """The difference in CER with its interval, such as `-3.20 points (-4.10 to -2.25)`."""
    said = f"{points(found.difference)} points"
    return said if found.low == found.high else f"{said} ({points(found.low)} to {points(found.high)})"


def verdict(found: PairedDifference) -> str:
    """What the difference says, in a sentence."""
    if found.pages < 2:
        return "A single page says nothing of other pages."
    if found.high < 0:
        return "Fewer errors than it, and not by chance."
    if found.low > 0:
        return "More errors than it, and not by chance."
    if found.difference == 0:
        return "As many errors as it."
    return (
        f"{'Fewer' if found.difference < 0 else 'More'} errors than it; with so few pages that may be chance."
    )


def script(character: str) -> str:
    """The script of a letter, because letters of two can look the same; empty for digits and signs."""
    found = script_of(character)
    return "" if found in ("Common", "Inherited", "Unknown") else found


def character(text: str) -> str:
    """A character as it can be seen: the space is named."""
    return "space" if text == " " else text

"""Results of lines, built from plain values."""

from __future__ import annotations

from collections.abc import Sequence

from converters.evaluation.groups import script_of_line
from converters.evaluation.line_results import LineResult


def line(truth: str, read: str, page: str = "1", crop: str = "a.png", language: str = "") -> LineResult:
    """One line that was read."""
    return LineResult(page, crop, truth, read, script_of_line(truth), language, 100)


def page_of(page: str, *texts: tuple[str, str]) -> list[LineResult]:
    """Lines of one page: approved and read."""
    return [line(truth, read, page, f"{page}_{number}.png") for number, (truth, read) in enumerate(texts)]


def pages(wrong: Sequence[int], characters: int = 10) -> list[LineResult]:
    """Pages of one line of ten letters each, of which so many are wrong."""
    return [
        line("a" * characters, "b" * count + "a" * (characters - count), str(number), f"{number}.png")
        for number, count in enumerate(wrong)
    ]

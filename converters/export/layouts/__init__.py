"""The layouts of a dataset, by the names that `--layout` knows: how files are called and what rows hold.

`layout.py` says what a layout is. A new one is a module like `ppocrlabel.py` and an entry in `LAYOUTS`; the
command offers it, and every export can write it. Layouts are imported when they are used, so that `--help`
is quick.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from converters.export.layouts.layout import Layout

Format = Literal["recognition", "detection", "both"]
"""What of a dataset is written: crops with texts, pages with regions, or both."""

FORMATS: tuple[Format, ...] = get_args(Format)


def _paddleocr() -> Layout:
    from converters.export.layouts.paddleocr import PaddleOCRLayout

    return PaddleOCRLayout()


def _ppocrlabel() -> Layout:
    from converters.export.layouts.ppocrlabel import PPOCRLabelLayout

    return PPOCRLabelLayout()


DEFAULT = "paddleocr"
LAYOUTS: Mapping[str, Callable[[], Layout]] = {DEFAULT: _paddleocr, "ppocrlabel": _ppocrlabel}


def layout_of(name: str) -> Layout:
    """The layout of that name, one of `LAYOUTS`."""
    return LAYOUTS[name]()

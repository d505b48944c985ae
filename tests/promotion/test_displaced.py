"""Whose place a promoted model takes: the second reading that counts, which a witness behind it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.page.lines import Reading
from converters.evaluation.line_results import LabelledLine
from converters.promotion.promote import displaced_reading

PLAIN, CHARACTERS = "ernie-4.5-vl:plain@0c1f", "ernie-4.5-vl:characters@77aa"
PADDLE, TESSERACT = "PP-OCRv5_mobile_rec", "tesseract-5.5(rus@3fa94c,line)"


@pytest.mark.parametrize(
    ("readers", "exact"),
    [
        pytest.param((PLAIN, CHARACTERS), True, id="the server's second look"),
        pytest.param((PLAIN, CHARACTERS, PADDLE), True, id="beside PaddleOCR's witness"),
        pytest.param((PLAIN, CHARACTERS, TESSERACT), True, id="beside Tesseract's witness"),
        pytest.param((TESSERACT, PADDLE), None, id="PaddleOCR's own, with which it is compared anyhow"),
        pytest.param((PLAIN, PADDLE, CHARACTERS), None, id="the look when needed stays"),
        pytest.param((PLAIN,), None, id="nobody"),
    ],
)
def test_the_second_reading_gives_up_its_place(readers: tuple[str, ...], exact: bool | None) -> None:
    said = [Reading(reader, "Акт" if number == 1 else "Ант") for number, reader in enumerate(readers)]
    line = LabelledLine("page", "crop.png", Path("crop.png"), "Акт", readings=tuple(said))
    found = displaced_reading(line)
    assert (None if found is None else found.exact) is exact

from __future__ import annotations

import numpy as np
import pytest

from backend.demo.practice import entered_result
from backend.demo.practice_pages import PracticeLine, practice_pages
from backend.errors import SettingsWrong
from backend.label_studio.labeling_config import LabelNames
from backend.label_studio.regions import regions
from backend.rendering.fonts import font_files
from tests.parts.reviewed_work import Work, prediction

LINE = PracticeLine("Гана 980", (10, 10, 410, 40))
"""Where `reviewed_work` puts the first box of a page."""


def test_the_same_pages_are_drawn_again_and_each_line_has_ink_in_its_box_alone() -> None:
    first, second = (list(practice_pages("ru", 2, 3)) for _ in range(2))
    assert [page.name for page in first] == ["practice_001.png", "practice_002.png"]
    for page, again in zip(first, second, strict=True):
        assert np.array_equal(page.pixels, again.pixels)
        assert len({line.text for line in page.lines}) == 3
        dark = page.pixels.max(axis=2) < 128
        for line in page.lines:
            left, top, right, bottom = line.box
            assert dark[top:bottom, left:right].any()
            dark[top:bottom, left:right] = False
        assert not dark.any()


def test_a_language_that_no_font_can_write_is_named_with_what_to_install() -> None:
    assert font_files()
    with pytest.raises(SettingsWrong, match="fonts-dejavu-core"):
        next(practice_pages("am", 1, 1))


@pytest.mark.parametrize(
    ("line", "label", "text"),
    [
        pytest.param(LINE, "Text", ["Гана 980"], id="the box is the line"),
        pytest.param(PracticeLine("Гана 980", (10, 10, 1200, 40)), "Illegible", None, id="a piece of it"),
        pytest.param(PracticeLine("Гана 980", (10, 60, 410, 90)), "Not text", None, id="no line is there"),
    ],
)
def test_a_box_gets_the_truth_only_where_it_covers_the_line(
    line: PracticeLine, label: str, text: list[str] | None
) -> None:
    predicted = prediction([Work(["Гана 98O", "Гана 980"])], (2000, 1400), language="ru")
    (entered,) = regions(entered_result(predicted["result"], [line], LabelNames()))
    assert entered.labels == (label,)
    assert [list(answer.texts) for answer in entered.answers] == ([] if text is None else [text])

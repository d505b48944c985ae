"""PaddleOCR's fields, so that what reads its results reads ours."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from converters.prediction.predict import PredictedLine, PredictedPage
from converters.prediction.results import as_text, line_json, page_json

SLANTED = np.array([[10.4, 20.6], [110, 30], [108, 52], [8, 42]], np.float32)
BELOW = SLANTED + 100
PAGE = PredictedPage(
    (
        PredictedLine(SLANTED, "Счёт № 5", 0.98765432),
        PredictedLine(BELOW, "", 0.0, "the model broke"),
        PredictedLine(BELOW, "", 0.0),
    ),
    ("the text stands turned",),
)


def test_a_page_has_paddleocrs_fields_each_index_one_line() -> None:
    written = json.loads(json.dumps(page_json(Path("a/1.png"), PAGE, model="rec@1", detector="det")))

    assert written["input_path"] == "a/1.png"
    assert written["rec_texts"] == ["Счёт № 5", ""]
    assert written["rec_scores"] == [0.987654, 0.0]
    assert written["rec_polys"][0] == [[10, 21], [110, 30], [108, 52], [8, 42]]
    assert written["rec_boxes"][0] == [8, 21, 110, 52]
    assert len(written["dt_polys"]) == 3
    assert len(written["rec_polys"]) == len(written["rec_boxes"]) == 2


def test_a_line_that_could_not_be_read_is_named_and_is_none_without_text() -> None:
    written = page_json(Path("1.png"), PAGE, model="rec@1", detector="det")

    assert [row["error"] for row in written["twinread"]["unread"]] == ["the model broke"]
    assert written["twinread"]["notes"] == ["the text stands turned"]
    assert as_text(PAGE.lines) == "Счёт № 5\n"


def test_a_line_crop_has_the_fields_of_text_recognition() -> None:
    written = line_json(Path("c.png"), PredictedLine(None, "Счёт", 0.5), model="rec@1")

    assert (written["rec_text"], written["rec_score"], written["page_index"]) == ("Счёт", 0.5, None)


def test_a_file_name_that_is_no_text_can_be_written(tmp_path: Path) -> None:
    written = line_json(Path("\udcff.png"), PredictedLine(None, "a", 0.5), model="rec@1")

    assert json.dumps(written, ensure_ascii=False).encode()

"""What a page's regions come to in a detection file."""

from __future__ import annotations

import numpy as np
import pytest

from converters.export import detection_rows
from converters.paddleocr.label_rows import parse_detection_row
from converters.reviewed.reasons import InDetection, LeftOutReason

BOX = [(1, 2), (30, 2), (30, 12), (1, 12)]


@pytest.mark.parametrize(
    ("why", "text", "written"),
    [
        pytest.param(None, "Счёт", [("Счёт", False)], id="approved"),
        pytest.param(None, "*", [("", True)], id="PaddleOCR takes an asterisk for an ignore mark"),
        pytest.param(LeftOutReason.ILLEGIBLE, "", [("", True)], id="illegible"),
        pytest.param(LeftOutReason.UNDECIDED, "", [("", True)], id="undecided"),
        pytest.param(LeftOutReason.NOT_TEXT, "", [], id="not text"),
    ],
)
def test_a_region_is_written_by_its_reason(why, text, written):
    row = detection_rows.page_row("pages/0/1.png", [(BOX, text, why), (BOX, "x", None)])
    parsed = parse_detection_row(row)
    assert [(r.text if not r.ignored else "", r.ignored) for r in parsed.regions] == [*written, ("x", False)]


def test_a_page_without_regions_has_no_row():
    assert detection_rows.page_row("pages/0/1.png", [(BOX, "", LeftOutReason.NOT_TEXT)]) is None


def test_text_that_is_there_is_never_background():
    there = {why for why in LeftOutReason if why.in_detection is InDetection.IGNORED}
    assert {
        LeftOutReason.NO_TEXT,
        LeftOutReason.TAB,
        LeftOutReason.SEVERAL_TEXTS,
        LeftOutReason.CONTRADICTED,
        LeftOutReason.LATER,
    } <= there
    assert not there & {
        LeftOutReason.NOT_TEXT,
        LeftOutReason.NOT_A_LINE,
        LeftOutReason.BRUSH,
        LeftOutReason.TOO_SMALL,
        LeftOutReason.OFF_PAGE,
    }


def test_ppocrlabel_gets_four_corners_and_paddleocr_all_points():
    points = np.array([[0, 0], [5, 1], [9, 0], [9, 9], [0, 9]], np.float32)
    quad = points[[0, 2, 3, 4]]
    assert len(detection_rows.corners(points, quad, "paddleocr")) == 5
    assert detection_rows.corners(points, quad, "ppocrlabel") == quad.tolist()


@pytest.mark.parametrize(
    ("number", "pages", "name"),
    [(0, 1, "17"), (0, 2, "17_p1"), (1, 2, "17_p2"), (3, 1, "17_p4"), (0, 0, "17")],
)
def test_a_page_is_called_after_its_task(number, pages, name):
    assert detection_rows.page_name("17", number, pages) == name


def test_images_of_ppocrlabel_lie_beside_its_label_file():
    assert detection_rows.page_image("17", "17", "jpg", "ppocrlabel") == "17.jpg"
    assert detection_rows.page_image("17", "17", "jpg", "paddleocr") == "pages/0/17.jpg"

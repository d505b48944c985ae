"""Lines that one process finds and another reads make the same prediction."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest

from backend.errors import DetectorFailed
from backend.label_studio.labeling_config import LabelingConfig
from backend.page.lines import Detected, Line, Page, Reading
from backend.pipeline.engines import Engines
from backend.pipeline.found_lines import FoundLines
from backend.pipeline.read_task import Prediction, TaskPage, Wording, open_page, read_task
from backend.tickets import Urgency
from tests.parts.scripted import CONFIG, ScriptedReader, quad, scripted_engines

TASK = {"id": 7, "data": {"image": "/page.png"}}
THE_PAGE = TaskPage(7, "/page.png", "ru")


class SlantedDetector:
    """Finds lines on a page turned by 180 degrees, out of order, with corners and scores of many digits."""

    identity = "slanted detector"

    def detect(self, page: Page, *, urgency: Urgency | None = None) -> Detected:
        corners = [(quad(20.123457, y, 250.7654321, 26), y / 300) for y in (90.3, 10.7, 50.1)]
        return Detected(tuple(Line(each, score) for each, score in corners), dropped=2, turned=180)


def engines_with(detector: SlantedDetector | FoundLines) -> Engines:
    one = ScriptedReader("one", lambda number: Reading("one", f"Счёт {number}"))
    return scripted_engines(detector, [one, ScriptedReader("two", "Счёт 1")])


def predicted(engines: Engines) -> str:
    prediction = read_task(engines, TASK, LabelingConfig.parse(CONFIG), Wording("ru", "en"))
    assert isinstance(prediction, Prediction), prediction
    return json.dumps([prediction.answer(), prediction.notes])


def test_lines_found_in_another_process_make_the_same_prediction() -> None:
    engines = engines_with(SlantedDetector())
    with open_page(engines, THE_PAGE) as page:
        sent = pickle.dumps(FoundLines.on(page, engines.detector))
    elsewhere = replace(engines_with(SlantedDetector()), detector=pickle.loads(sent))
    assert elsewhere.detector.identity == "slanted detector"
    assert predicted(elsewhere) == predicted(engines)
    assert "180" in predicted(engines)


def test_a_picture_that_changed_its_size_meanwhile_is_not_cut_in_wrong_places() -> None:
    searched = Page(np.full((30, 40, 3), 255, np.uint8))
    found = FoundLines.on(searched, SlantedDetector())
    with pytest.raises(DetectorFailed, match=r"40 x 30 pixels, and it is one of 40 x 31"):
        found.detect(Page(np.full((31, 40, 3), 255, np.uint8)))

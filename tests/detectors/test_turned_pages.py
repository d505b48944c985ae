"""Pages on their head or side, with the real detector and the classifier of the installed package."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from backend.detectors.paddle import DetectionOptions, PaddleDetector
from backend.detectors.turned_pages import HeadClassifier, TurnedPageDetector
from backend.models.packaged import head_classifier
from backend.models.paddle_engine import EngineOptions
from backend.page import image_files
from backend.page.lines import Page
from backend.page.reading_order import reading_order
from tests.parts.samples import all_samples, sample

CPU = EngineOptions(device="cpu", cpu_threads=1)


@pytest.fixture(scope="module")
def detector() -> Iterator[TurnedPageDetector]:
    found = PaddleDetector(DetectionOptions(engine=CPU), source="packages")
    found.start()
    path = head_classifier()
    assert path is not None
    yield TurnedPageDetector(found, HeadClassifier(path), "auto")
    found.stop()


def turned_page(name: str, degrees: int) -> Page:
    pixels = image_files.decode(sample(name).path.read_bytes(), max_pixels=50_000_000).pixels
    return Page(np.ascontiguousarray(np.rot90(pixels, -degrees // 90)))


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("name", ["syn_015", "syn_001"])
def test_lines_begin_at_their_own_top_left_and_come_in_their_own_order(detector, name, degrees):
    page = turned_page(name, degrees)
    found = detector.detect(page)
    quads = np.array([line.quad for line in found.lines])
    quads = quads[reading_order(quads)]
    width, height = page.width, page.height
    for _ in range(degrees // 90):
        # a quarter turn back: what was on the right is on top
        quads = np.stack([quads[..., 1], width - quads[..., 0]], axis=-1)
        width, height = height, width
    true = np.array([line["poly"] for line in sample(name).lines], np.float32)
    assert found.turned == degrees
    assert len(quads) == len(true)
    # nearer than half a line, and so the same line and the same corner of it
    assert np.abs(quads[:, 0] - true[:, 0]).max() < 17
    assert np.abs(quads[:, 2] - true[:, 2]).max() < 17


def test_no_sample_page_is_turned_that_stands_upright(detector):
    for one in all_samples():
        found = detector.detect(image_files.decode(one.path.read_bytes(), max_pixels=50_000_000))
        expected = {90, None} if one.path.name.startswith(("rudoc_03", "syn_035")) else {0, None}
        assert found.turned in expected, one.path.name


def test_the_identity_tells_the_vote(detector):
    assert detector.identity.endswith("+turned(r2)")

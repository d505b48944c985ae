"""PaddleX's steps around the detector's network: less work, with the same boxes and the same count."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from paddlex.inference.models.common.vision.processors import ToBatch, ToCHWImage
from paddlex.inference.models.text_detection.processors import DBPostProcess, NormalizeImage

from backend.models import locate, paddle_engine
from backend.models.detection_steps import allow_candidates, normalise_in_one_pass
from backend.models.paddle_engine import EngineOptions, Predictor, to_paddle
from backend.page import image_files
from tests.parts.samples import sample

CPU = EngineOptions(device="cpu", cpu_threads=1)


@pytest.fixture(scope="module")
def predictor() -> Iterator[Predictor]:
    location = locate.find_model("PP-OCRv5_mobile_det", source="packages")
    loaded = paddle_engine.text_detection(location, paddle_engine.choose_engine(CPU), CPU)
    yield loaded
    loaded.close()


def pictures(*names: str) -> list[Any]:
    pages = [image_files.decode(sample(name).path.read_bytes(), max_pixels=50_000_000) for name in names]
    return [to_paddle(page.pixels) for page in pages]


def boxes(predictor: Predictor, given: list[Any], batch_size: int) -> list[tuple[Any, Any]]:
    results = predictor.predict(given, batch_size=batch_size)
    return [(np.asarray(one["dt_polys"]).tolist(), list(one["dt_scores"])) for one in results]


def test_boxes_and_scores_are_paddlexs_own_to_the_bit_alone_and_in_a_batch(predictor: Predictor) -> None:
    receipt, skew = pictures("syn_001", "syn_033")
    # pictures of one batch have one size
    receipts = [receipt, np.ascontiguousarray(receipt[::-1])]
    before = boxes(predictor, [receipt, skew], 1), boxes(predictor, receipts, 2)
    assert normalise_in_one_pass(predictor)
    assert (boxes(predictor, [receipt, skew], 1), boxes(predictor, receipts, 2)) == before
    assert [len(polygons) for polygons, _ in before[0]] == [28, 11]


def holding(**steps: Any) -> Any:
    """A predictor with other steps than those of PP-OCR's detectors."""
    return SimpleNamespace(paddlex_predictor=SimpleNamespace(pre_tfs=steps))


class AnotherNormalisation(NormalizeImage):  # type: ignore[misc]
    """As a later PaddleX may have one."""


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"Normalize": NormalizeImage(order="chw")}, id="channels come first"),
        pytest.param({"Normalize": AnotherNormalisation(order="hwc")}, id="another normalisation"),
        pytest.param({"ToCHW": None}, id="without the step that brings channels first"),
    ],
)
def test_a_paddlex_with_other_steps_is_left_as_it_is(other: dict[str, Any]) -> None:
    usual = {"Normalize": NormalizeImage(order="hwc"), "ToCHW": ToCHWImage(), "ToBatch": ToBatch()}
    steps = {**usual, **other}
    predictor = holding(**steps)
    assert not normalise_in_one_pass(predictor)
    assert predictor.paddlex_predictor.pre_tfs == steps
    assert normalise_in_one_pass(holding(**usual))


def dots() -> Any:
    """100 pieces of one pixel."""
    text = np.zeros((20, 20), np.float32)
    text[::2, ::2] = 1
    return text


def sieve() -> Any:
    """One piece with 99 holes of one pixel."""
    text = np.ones((19, 23), np.float32)
    text[1::2, 1::2] = 0
    return text


def lattice() -> Any:
    """One piece, whose pixels touch at their corners, with 100 holes between them."""
    text = np.zeros((12, 22), np.float32)
    text[::2, ::2] = text[1::2, 1::2] = 1
    return text


@pytest.mark.parametrize("most", [90, 98, 99, 100, 101, 110])
@pytest.mark.parametrize("drawn", [dots, sieve, lattice])
def test_candidates_near_the_limit_are_counted_as_opencv_finds_them(drawn: Any, most: int) -> None:
    text = drawn()
    found, _ = cv2.findContours(text.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    assert 100 <= len(found) <= 101
    inner = SimpleNamespace(post_op=DBPostProcess(thresh=0.3))
    predictor: Any = SimpleNamespace(paddlex_predictor=inner)
    ignored = allow_candidates(predictor, most)
    inner.post_op([text[np.newaxis, np.newaxis]], [(*text.shape, 1.0, 1.0)])
    assert ignored() == max(0, len(found) - most)

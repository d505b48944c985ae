from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw

from backend.detectors.paddle import DetectionOptions, PaddleDetector
from backend.errors import DetectorFailed, SettingsWrong, UnexpectedFailure
from backend.models import detection_steps, paddle_engine
from backend.models.model_thread import ModelState
from backend.models.paddle_engine import EngineOptions, to_paddle
from backend.page import image_files
from backend.page.lines import Detected, Line, Page, Quad
from backend.tickets import Urgency
from tests.parts.drawn_pages import font
from tests.parts.samples import all_samples, sample

CPU = EngineOptions(device="cpu", cpu_threads=1)


@pytest.fixture(scope="module")
def detector() -> Iterator[PaddleDetector]:
    detector = PaddleDetector(DetectionOptions(engine=CPU), source="packages")
    detector.start()
    detector.wait(300)
    yield detector
    detector.stop()


def page_of(pixels: np.ndarray) -> Page:
    pixels = np.ascontiguousarray(pixels, dtype=np.uint8)
    return Page(pixels)


def sample_page(name: str) -> Page:
    return image_files.decode(sample(name).path.read_bytes(), max_pixels=50_000_000)


def overlap(first: Quad, second: Quad) -> float:
    """Intersection over union."""
    first, second = cv2.convexHull(np.float32(first)), cv2.convexHull(np.float32(second))
    shared, _ = cv2.intersectConvexConvex(first, second)
    return float(shared / (cv2.contourArea(first) + cv2.contourArea(second) - shared))


def found(truth: Sequence[dict[str, object]], lines: Sequence[Line]) -> int:
    """How many true lines a line of its own covers at an overlap of 0.5."""
    free = list(lines)
    count = 0
    for line in truth:
        best = max(free, key=lambda candidate: overlap(line["poly"], candidate.quad), default=None)
        if best is not None and overlap(line["poly"], best.quad) >= 0.5:
            free.remove(best)
            count += 1
    return count


def corners(detected: Detected) -> list[list[list[float]]]:
    return [line.quad.tolist() for line in detected.lines]


def searched(page: Page, **options: object) -> Detected:
    """One page with a detector of its own."""
    detector = PaddleDetector(DetectionOptions(engine=CPU, **options), source="packages")
    detector.start()
    try:
        return detector.detect(page)
    finally:
        detector.stop()


def test_nearly_all_true_lines_of_the_sample_pages_are_found(detector):
    true = hits = given = 0
    for one in all_samples():
        lines = detector.detect(image_files.decode(one.path.read_bytes(), max_pixels=50_000_000)).lines
        true, hits, given = true + len(one.lines), hits + found(one.lines, lines), given + len(lines)
    assert hits >= 0.94 * true
    assert hits >= 0.93 * given


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        pytest.param("syn_056", 10, id="transparency"),
        pytest.param("syn_051", 10, id="turned by its EXIF tag"),
        pytest.param("syn_035", 8, id="text that reads downwards"),
        pytest.param("syn_063", 1, id="40x30"),
        pytest.param("phototest", 8, id="1-bit TIFF"),
        pytest.param("syn_069", 0, id="empty page"),
        pytest.param("syn_071", 0, id="empty table"),
    ],
)
def test_odd_pages(detector, name, lines):
    detected = detector.detect(sample_page(name))
    assert found(sample(name).lines, detected.lines) >= lines
    assert lines or not detected.lines


def test_paddleocr_is_handed_blue_first_in_one_block_of_memory():
    red_then_blue = np.uint8([[[255, 0, 0], [0, 0, 255]]])
    handed = to_paddle(red_then_blue)
    assert handed.tolist() == [[[0, 0, 255], [255, 0, 0]]]
    assert handed.flags["C_CONTIGUOUS"]


def test_quads_are_clockwise_from_the_top_left_and_on_the_page(detector):
    page = sample_page("syn_001")
    for line in detector.detect(page).lines:
        top_left, top_right, bottom_right, bottom_left = line.quad
        assert line.quad.dtype == np.float32
        assert top_left[0] < top_right[0]
        assert top_left[1] < bottom_left[1]
        assert bottom_right[1] > top_right[1]
        assert line.quad.min() >= 0
        assert (line.quad <= [page.width, page.height]).all()
        assert 0 <= line.score <= 1


@pytest.mark.parametrize("inverted", [False, True], ids=["black on white", "white on black"])
def test_light_text_on_dark_ground_is_found_too(detector, inverted):
    pixels = np.full((200, 700, 3), 255, np.uint8)
    cv2.putText(pixels, "Invoice", (60, 120), cv2.FONT_HERSHEY_SIMPLEX, 2, (0, 0, 0), 4)
    [line] = detector.detect(page_of(255 - pixels if inverted else pixels)).lines
    assert overlap(line.quad, [[60, 72], [300, 72], [300, 124], [60, 124]]) > 0.5


def test_sixteen_requests_at_once_give_what_one_after_the_other_gives(detector):
    pages = [sample_page(name) for name in ("syn_001", "syn_007", "phototest", "syn_063")] * 4
    serial = [corners(detector.detect(page)) for page in pages[:4]] * 4
    with ThreadPoolExecutor(16) as pool:
        parallel = list(pool.map(lambda page: corners(detector.detect(page)), pages))
    assert parallel == serial


def test_two_sessions_side_by_side_find_what_one_finds(detector):
    two = PaddleDetector(
        DetectionOptions(engine=EngineOptions(device="cpu", cpu_threads=2)), source="packages"
    )
    assert (two.sessions.count, two.sessions.threads) == (2, 1)
    two.start()
    pages = [sample_page(name) for name in ("syn_001", "syn_007", "phototest", "syn_063")] * 2
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(two.detect, pages))
    two.stop()
    assert two.providers == ("CPUExecutionProvider",)
    assert [corners(one) for one in found] == [corners(detector.detect(page)) for page in pages]


@pytest.mark.parametrize(
    ("width", "height"),
    [
        pytest.param(6000, 4000, id="photograph"),
        pytest.param(40_000, 600, id="beyond what int16 holds"),
    ],
)
def test_boxes_of_huge_pages_are_in_page_pixels(detector, width, height):
    pixels = np.full((height, width, 3), 255, np.uint8)
    left = width - 3600
    cv2.putText(pixels, "FAR TO THE RIGHT", (left, 450), cv2.FONT_HERSHEY_SIMPLEX, 8, (0, 0, 0), 20)
    wide, tall = cv2.getTextSize("FAR TO THE RIGHT", cv2.FONT_HERSHEY_SIMPLEX, 8, 20)[0]
    [line] = detector.detect(page_of(pixels)).lines
    truth = [[left, 450 - tall], [left + wide, 450 - tall], [left + wide, 450], [left, 450]]
    assert overlap(line.quad, truth) > 0.5


def rows(size: tuple[int, int], columns: Sequence[int], pitch: float, count: int, text: str, letters: int):
    """A page with `count` lines in rows and columns, and the ink's box of each."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    truth = []
    for number in range(count):
        place = (columns[number % len(columns)], 10 + number // len(columns) * pitch)
        draw.text(place, text, font=font(letters), fill="black")
        left, top, right, bottom = draw.textbbox(place, text, font=font(letters))
        left, top, right, bottom = left - 3, top - 3, right + 3, bottom + 3
        truth.append({"poly": [[left, top], [right, top], [right, bottom], [left, bottom]]})
    return page_of(np.asarray(image)), truth


SENTENCE = "Счёт выдан покупателю за товары и услуги по договору"


@pytest.mark.parametrize(
    ("size", "columns", "pitch", "count", "text", "letters"),
    [
        pytest.param((253, 14400), [10], 70.8, 203, "Счёт выдан за товары", 18, id="a roll"),
        pytest.param((600, 15000), [10], 97, 153, SENTENCE[:34], 24, id="a wider roll"),
        pytest.param((14400, 253), [c * 2050 for c in range(7)], 47, 35, SENTENCE * 2, 22, id="a ribbon"),
        pytest.param((14400, 253), [30], 47, 5, SENTENCE * 20, 22, id="a ribbon of lines longer than a part"),
        pytest.param((1000, 6000), [10], 30, 195, SENTENCE * 2, 14, id="small print in one look"),
    ],
)
def test_long_and_wide_pages_are_searched_whole(detector, size, columns, pitch, count, text, letters):
    page, truth = rows(size, columns, pitch, count, text, letters)
    lines = detector.detect(page).lines
    assert (found(truth, lines), len(lines)) == (count, count)


def test_a_dense_page_keeps_all_its_lines(detector):
    page, truth = rows((4200, 3000), [20 + column * 209 for column in range(20)], 42, 1400, "Счёт", 26)
    detected = detector.detect(page)
    assert len(detected.lines) == 1400
    assert detected.dropped == 0
    assert found(truth, detected.lines) > 1300


def test_candidates_beyond_the_most_are_counted(detector):
    specks = np.full((1500, 1500, 3), 255, np.uint8)
    page, _ = rows((1500, 1500), [20, 400, 800, 1200], 40, 140, "Счёт выдан", 26)
    engine = paddle_engine.choose_engine(CPU)
    predictor = paddle_engine.text_detection(
        detector.location, engine, CPU, limit_type="max", thresh=0.3, box_thresh=0.6, unclip_ratio=1.5
    )
    ignored = detection_steps.allow_candidates(predictor, 100)
    assert len(predictor.predict([page.pixels], batch_size=1)[0]["dt_polys"]) <= 100
    assert ignored() == 40
    assert len(predictor.predict([specks], batch_size=1)[0]["dt_polys"]) == 0
    assert ignored() == 0


@pytest.mark.parametrize("size", [(1, 1), (5, 5), (3000, 3), (3, 3000)], ids=str)
def test_a_page_too_small_for_text_is_an_empty_page(detector, size):
    assert detector.detect(page_of(np.full((*size, 3), 255, np.uint8))).lines == ()


def test_small_pages_are_enlarged_and_their_boxes_mapped_back():
    whole = sample_page("rudoc_03")
    pixels = cv2.resize(whole.pixels, (400, 318), interpolation=cv2.INTER_AREA)
    scale = [whole.width / 400, whole.height / 318]
    truth = [{"poly": np.float32(line["poly"]) / scale} for line in sample("rudoc_03").lines]
    assert found(truth, searched(page_of(pixels), enlarge_below=0).lines) < 30
    assert found(truth, searched(page_of(pixels)).lines) > 40


def test_big_scans_are_searched_at_the_higher_limit():
    page = sample_page("rudoc_03")
    big = page_of(cv2.resize(page.pixels, None, fx=2.2, fy=2.2, interpolation=cv2.INTER_CUBIC))
    high = corners(searched(big))
    assert high == corners(searched(big, limit_side_len=1600, high_resolution_from=0))
    assert high != corners(searched(big, high_resolution_from=0))


@pytest.mark.parametrize(
    ("name", "zero", "unlike"),
    [
        pytest.param("syn_007", {"thresh": 0.0}, {}, id="thresh"),
        pytest.param("rudoc_03", {"thresh": 0.1, "box_thresh": 0.0}, {"thresh": 0.1}, id="box_thresh"),
        pytest.param("syn_007", {"unclip_ratio": 0.0}, {}, id="unclip_ratio"),
        pytest.param(
            "syn_007",
            {"limit_type": "min", "limit_side_len": 0},
            {"limit_type": "min"},
            id="limit_side_len: full size",
        ),
    ],
)
def test_a_zero_is_a_zero_and_not_the_default(name, zero, unlike):
    page = sample_page(name)
    assert corners(searched(page, **zero)) != corners(searched(page, **unlike))


def test_degenerate_quads_are_dropped_and_counted():
    page = sample_page("syn_001")
    usual = searched(page)
    # without widening, the cores of small print are two pixels high
    shrunk = page_of(cv2.resize(page.pixels, (130, 201), interpolation=cv2.INTER_AREA))
    thin = searched(shrunk, unclip_ratio=0.0, box_thresh=0.0, thresh=0.05, enlarge_below=480)
    assert usual.dropped == 0
    assert thin.dropped > 0
    assert thin.lines


def test_the_identity_says_everything_that_can_change_a_box():
    usual = PaddleDetector(DetectionOptions(engine=CPU), source="packages")
    assert usual.identity == (
        "PP-OCRv5_mobile_det(limit=960/max,thresh=.3,box=.6,unclip=1.5,small<480,big>=2400:1600,r2)"
    )
    identities = [usual.identity]
    for options in (
        {"thresh": 0.0},
        {"box_thresh": 0.5},
        {"unclip_ratio": 2.0},
        {"limit_side_len": 1280},
        {"limit_type": "resize_long"},
        {"max_side_limit": 2000},
        {"input_shape": (3, 640, 640)},
        {"enlarge_below": 0},
        {"high_resolution_from": 0},
        {"high_resolution_limit": 2000},
    ):
        detector = PaddleDetector(DetectionOptions(engine=CPU, **options), source="packages")
        identities.append(detector.identity)
    assert len(set(identities)) == len(identities)


def test_the_number_of_threads_is_no_part_of_the_identity():
    many = EngineOptions(device="cpu", engine="onnxruntime", cpu_threads=8)
    first = PaddleDetector(DetectionOptions(engine=CPU), source="packages")
    assert PaddleDetector(DetectionOptions(engine=many), source="packages").identity == first.identity


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        pytest.param({"device": "gpu:0"}, "DEVICE=gpu:0 was asked for, but PaddlePaddle", id="no GPU"),
        pytest.param({"device": "gpu", "engine": "onnxruntime"}, "has no CUDA", id="no GPU for onnxruntime"),
        pytest.param({"engine": "paddle"}, "PaddlePaddle is not installed", id="no Paddle"),
        pytest.param({"device": "tpu"}, "it can be auto, cpu or gpu:N", id="no such device"),
        pytest.param({"engine": "torch"}, "it can be auto, onnxruntime or paddle", id="no such engine"),
    ],
)
def test_what_was_asked_for_and_is_not_there_is_an_error_never_something_else(engine, words):
    with pytest.raises(SettingsWrong, match=words):
        PaddleDetector(DetectionOptions(engine=EngineOptions(**engine)), source="packages")


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"limit_type": "longest"}, id="unknown limit type"),
        pytest.param({"limit_side_len": 0}, id="pages shrunk to nothing"),
        pytest.param({"max_side_limit": 0}, id="no side allowed"),
    ],
)
def test_options_that_could_find_nothing_are_refused(options):
    with pytest.raises(SettingsWrong, match="DETECTION_"):
        DetectionOptions(**options)


def test_without_paddle_auto_is_the_cpu(detector):
    automatic = PaddleDetector(DetectionOptions(engine=EngineOptions(device="auto")), source="packages")
    assert automatic.engine.device == "cpu"
    assert automatic.state is ModelState.LOADING


def test_a_model_whose_file_is_damaged_fails_with_a_reason(tmp_path):
    good = PaddleDetector(DetectionOptions(engine=CPU), source="packages", cache_dir=tmp_path)
    (good.location.directory / "inference.onnx").write_bytes(b"not a network")
    bad = PaddleDetector(DetectionOptions(engine=CPU), model_dir=good.location.directory)
    bad.start()
    with pytest.raises(UnexpectedFailure, match="detection model failed to load"):
        bad.wait(300)
    assert bad.state is ModelState.FAILED
    with pytest.raises(UnexpectedFailure, match="detection model failed to load"):
        bad.detect(page_of(np.zeros((50, 50, 3), np.uint8)))
    assert "failed to load" in str(bad.failure)
    bad.stop()


def test_a_page_that_breaks_paddleocr_fails_alone_and_by_name(detector):
    broken = Page(np.zeros((40, 40, 5), np.uint8))
    with pytest.raises(
        DetectorFailed, match=rf"Page {broken.digest[:12]} \(40x40\) could not be searched .*\(error\)"
    ):
        detector.detect(broken)
    assert len(detector.detect(sample_page("phototest")).lines) == 8


def test_a_page_that_waits_to_be_searched_goes_first_once_somebody_opens_it():
    searched: list[str] = []

    class Named(Page):
        @property
        def width(self) -> int:
            searched.append(f"{self.pixels[0, 0, 0]}")
            return super().width

    detector = PaddleDetector(DetectionOptions(engine=CPU), model="PP-OCRv5_mobile_det", source="packages")
    opened = Urgency()
    with ThreadPoolExecutor(3) as pool:
        # nothing is searched before the model is loaded
        for number, urgency in enumerate([None, Urgency(), opened]):
            pool.submit(detector.detect, Named(np.full((64, 64, 3), number, np.uint8)), urgency=urgency)
            while detector._model_thread.waiting <= number:
                time.sleep(0.005)
        opened.hurry()
        detector.start()
    detector.stop()

    assert list(dict.fromkeys(searched)) == ["2", "0", "1"]

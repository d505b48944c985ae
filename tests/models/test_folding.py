"""Folded copies of models: that they say the same, where they are kept, and what happens without one."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from backend.detectors.paddle import DetectionOptions, PaddleDetector
from backend.models import folding
from backend.models.folding import folded
from backend.models.locate import ModelLocation, find_model
from backend.models.packaged import head_classifier
from backend.models.paddle_engine import EngineOptions
from backend.page import image_files
from backend.page.crops import crop_line
from backend.page.lines import Page, Pixels
from backend.readers.paddle import PaddleReader, RecognitionOptions
from tests.parts.folding import packaged_network, recogniser_around
from tests.parts.promoted import packaged_recogniser, trained_model
from tests.parts.samples import all_samples, sample

CPU = EngineOptions(device="cpu", cpu_threads=1)


@pytest.fixture
def read_only(tmp_path: Path) -> Path:
    """A folder in which nothing can be made, not even by root."""
    (tmp_path / "file").write_bytes(b"")
    return tmp_path / "file" / "models"


def copies(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "folded").iterdir())


def page_of(path: Path) -> Page:
    return image_files.decode(path.read_bytes(), max_pixels=50_000_000)


def crops(count: int) -> list[Pixels]:
    """True lines of the sample pages, whatever their script."""
    cut = [
        crop_line(page.pixels, np.float32(line["poly"]))
        for one in all_samples()
        for page in [page_of(one.path)]
        for line in one.lines
        # a line on a curve has more corners than a quad
        if len(line["poly"]) == 4
    ]
    # from all pages, in one order
    return cut[:: max(1, len(cut) // count)][:count]


def said(folder: Path, cache: Path, lines: Sequence[Pixels]) -> list[tuple[str, float]]:
    """What a recogniser makes of crops, and how sure it is."""
    reader = PaddleReader(None, RecognitionOptions(engine=CPU), model_dir=folder, cache_dir=cache)
    reader.start()
    try:
        readings = [future.result(300) for future in reader.submit(lines)]
    finally:
        reader.stop()
    assert not any(reading.failed for reading in readings)
    return [(reading.text, reading.score or 0) for reading in readings]


def test_a_folded_recogniser_says_the_same_on_sixty_lines(
    tmp_path: Path, read_only: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder, lines = packaged_network("PP-OCRv5_mobile_rec").parent, crops(60)
    ours = said(folder, tmp_path, lines)
    assert len(copies(tmp_path)) == 1
    assert "not folded" not in caplog.text
    as_it_came = said(folder, read_only, lines)
    assert "not folded: CACHE_DIR cannot be written" in caplog.text
    assert [text for text, _ in ours] == [text for text, _ in as_it_came]
    assert sum(bool(text) for text, _ in ours) > 50
    np.testing.assert_allclose([score for _, score in ours], [score for _, score in as_it_came], atol=1e-3)


def quads(cache: Path, pages: Sequence[Page]) -> Iterator[list[list[list[float]]]]:
    folder = packaged_network("PP-OCRv5_mobile_det").parent
    detector = PaddleDetector(DetectionOptions(engine=CPU), model_dir=folder, cache_dir=cache)
    detector.start()
    try:
        for page in pages:
            yield [line.quad.tolist() for line in detector.detect(page).lines]
    finally:
        detector.stop()


def test_a_folded_detector_finds_the_same_lines_to_the_pixel(tmp_path: Path, read_only: Path) -> None:
    names = ("syn_001", "syn_033", "syn_051", "syn_100", "phototest")
    pages = [page_of(sample(name).path) for name in names]
    ours, as_it_came = list(quads(tmp_path, pages)), list(quads(read_only, pages))
    assert len(copies(tmp_path)) == 1
    assert ours == as_it_came
    assert all(ours)


def test_a_trained_model_is_folded_as_its_original_is_and_into_a_copy_of_its_own(tmp_path: Path) -> None:
    published = find_model("PP-OCRv5_mobile_rec", source="packages", cache_dir=tmp_path)
    mine = find_model(None, trained_model(tmp_path / "mine", published.directory))
    first, second = folded(published, tmp_path), folded(mine, tmp_path)
    assert first.directory != second.directory
    assert (second.directory / "inference.yml").read_text("utf-8").endswith("# trained\n")
    # it is the same model as before: nobody's version or stored reading changes
    assert (second.identity, second.came_from) == (mine.identity, "folder")


def test_a_copy_is_made_once_and_again_only_where_it_is_damaged(tmp_path: Path) -> None:
    location = find_model("PP-OCRv5_mobile_det", source="packages", cache_dir=tmp_path)
    copy = folded(location, tmp_path).directory / "inference.onnx"
    made, content = copy.stat().st_ino, copy.read_bytes()
    assert folded(location, tmp_path).directory / "inference.onnx" == copy
    assert copy.stat().st_ino == made

    copy.write_bytes(content[:-1000])
    assert folded(location, tmp_path).directory / "inference.onnx" == copy
    assert copy.read_bytes() == content
    assert len(copies(tmp_path)) == 1


def overflowing() -> bytes:
    """A network whose numbers are fine one by one, and beyond float32 where they are multiplied."""
    weights = np.zeros((3, 3, 1, 1), np.float32)
    weights[[0, 1, 2], [0, 1, 2]] = 1e-20
    constants = {"w": weights, "small": np.float32([1e-20]), "big": np.float32([1e20])}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Mul", ["b", "big"], ["c"]),
        helper.make_node("Mul", ["c", "big"], ["d"]),
        helper.make_node("Mul", ["d", "big"], ["e"]),
        helper.make_node("Conv", ["e", "w"], ["y"]),
    ]
    sides = {"x": [1, 3, "height", "width"], "y": [*"abcd"]}
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, side) for name, side in sides.items())
    tensors = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "steep", [x], [y], tensors)
    opset = [helper.make_opsetid("", 14)]
    return bytes(helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString())


def network_of(kind: str) -> bytes:
    if kind == "damaged":
        return packaged_network("PP-OCRv5_mobile_rec").read_bytes()[:100_000]
    if kind == "foreign":
        path = head_classifier()
        assert path is not None
        return path.read_bytes()
    return overflowing()


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        pytest.param("damaged", "its file cannot be understood (DecodeError)", id="damaged"),
        pytest.param("foreign", "it has no affine blocks", id="of another family"),
        pytest.param("steep", "the folded network gives other answers", id="numbers that nobody foresaw"),
    ],
)
def test_a_model_that_cannot_be_folded_is_used_as_it_came_with_one_line_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str, why: str
) -> None:
    location = recogniser_around(network_of(kind), tmp_path / "mine")
    with caplog.at_level(logging.INFO):
        assert folded(location, tmp_path / "cache") is location
    [line] = [record.getMessage() for record in caplog.records if record.name == folding.__name__]
    assert line.startswith(
        f"{location.identity} runs as it came, and slower than it could, not folded: {why}"
    )
    assert str(tmp_path) not in line
    assert not (tmp_path / "cache" / "folded").exists() or not copies(tmp_path / "cache")


@pytest.mark.parametrize("name", ["PP-OCRv6_small_rec", "PP-OCRv6_tiny_det", "PP-OCRv5_server_det"])
def test_models_that_would_gain_nothing_are_not_even_looked_at(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    location = ModelLocation(name, tmp_path / "nowhere", "hub", name)
    with caplog.at_level(logging.DEBUG):
        assert folded(location, tmp_path) is location
    assert not caplog.records


def test_processes_that_fold_at_once_leave_one_whole_copy(tmp_path: Path) -> None:
    packaged_recogniser(tmp_path)
    code = (
        "import sys; from pathlib import Path; from backend.models.locate import find_model;"
        "from backend.models.folding import folded; import backend.models.affine_blocks;"
        "cache = Path(sys.argv[1]);"
        "location = find_model('PP-OCRv5_mobile_rec', source='packages', cache_dir=cache);"
        "input(); print(folded(location, cache).directory)"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    folders = {process.communicate(timeout=120)[0].strip() for process in processes}
    [copy] = copies(tmp_path)
    assert folders == {str(tmp_path / "folded" / copy)}
    onnx.checker.check_model(str(tmp_path / "folded" / copy / "inference.onnx"))


def test_a_copy_that_nobody_has_loaded_for_long_goes_when_another_is_made(tmp_path: Path) -> None:
    def age(location: ModelLocation, days: float) -> None:
        mark = folded(location, tmp_path).directory / "inference.onnx.sha256"
        os.utime(mark, (time.time() - days * 86400,) * 2)

    published = find_model("PP-OCRv5_mobile_det", source="packages", cache_dir=tmp_path)
    trained = [
        find_model(
            None, trained_model(tmp_path / f"mine {number}", published.directory, f"training {number}")
        )
        for number in range(3)
    ]
    age(trained[0], 61)
    age(trained[1], 59)
    folded(trained[2], tmp_path)
    assert len(copies(tmp_path)) == 2
    assert folded(trained[1], tmp_path).directory.name in copies(tmp_path)

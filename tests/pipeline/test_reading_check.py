"""What readers make of rendered lines: good ones have them right, one with another dictionary has none."""

from __future__ import annotations

import logging
import random
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from backend.models.locate import find_model
from backend.models.paddle_engine import EngineOptions
from backend.page.lines import Reading
from backend.pipeline.engines import Engines
from backend.pipeline.metrics import Metrics
from backend.pipeline.reading_check import (
    NotTried,
    ReadingCheck,
    check_reading,
    misreading,
    misreading_of,
)
from backend.pipeline.service import Service
from backend.readers.paddle import PaddleReader, RecognitionOptions
from backend.readers.tesseract import TesseractOptions, TesseractReader
from backend.rendering.texts import sample_texts
from tests.parts.scripted import ScriptedReader, scripted_engines

CPU = RecognitionOptions(engine=EngineOptions(device="cpu", cpu_threads=1))
RUSSIAN = sample_texts("ru", 5, words_only=True)


def saying(texts: list[str], name: str = "scripted") -> ScriptedReader:
    """A reader that says these texts of the crops it is given, in order."""
    return ScriptedReader(name, lambda number: Reading(name, texts[number]))


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the recogniser that installed packages carry."""
    found = find_model(
        "PP-OCRv5_mobile_rec",
        None,
        engine="onnxruntime",
        source="packages",
        cache_dir=tmp_path_factory.mktemp("models"),
    )
    return found.directory


def recogniser_with(folder: Path, packaged: Path, change: Callable[[list[str]], list[str]]) -> Path:
    """The packaged recogniser with another dictionary, as one that was exported with the wrong one."""
    model = folder / packaged.name
    shutil.copytree(packaged, model)
    described = yaml.safe_load((model / "inference.yml").read_text("utf-8"))
    characters = described["PostProcess"]["character_dict"]
    described["PostProcess"]["character_dict"] = change(characters)
    (model / "inference.yml").write_text(yaml.safe_dump(described, allow_unicode=True), "utf-8")
    return model


@pytest.mark.parametrize(
    ("language", "variation"), [("ru", 0), ("ru", 1), ("en", 0)], ids=["Russian", "its other look", "English"]
)
def test_tesseract_has_rendered_lines_right(language: str, variation: int) -> None:
    reader = TesseractReader(language, TesseractOptions(threads=1, variation=variation))
    reader.start()
    try:
        [check] = check_reading([reader], language)
    finally:
        reader.stop()
    assert check.reader == reader.identity
    assert check.lines == 5
    assert check.right >= 4
    assert not check.useless


@pytest.mark.parametrize("language", ["en", "zh", "ja"])
def test_the_packaged_recogniser_has_rendered_lines_right(packaged: Path, language: str) -> None:
    reader = PaddleReader(language, CPU, model_dir=packaged)
    reader.start()
    try:
        [check] = check_reading([reader], language)
    finally:
        reader.stop()
    assert check.right >= 3
    assert check.cer < 0.2
    assert misreading_of([check]) is None


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda characters: random.Random(1).sample(characters, len(characters)), id="mixed up"),
        pytest.param(lambda characters: [*characters[1:], characters[0]], id="shifted by one"),
    ],
)
def test_a_recogniser_with_another_dictionary_is_of_no_use(
    tmp_path: Path, packaged: Path, change: Callable[[list[str]], list[str]]
) -> None:
    reader = PaddleReader("en", CPU, model_dir=recogniser_with(tmp_path, packaged, change))
    reader.start()
    try:
        reader.wait(60)  # it loads as well as any other
        [check] = check_reading([reader], "en")
    finally:
        reader.stop()
    assert check.right == 0
    assert check.cer > 0.9
    assert check.useless


def test_each_reader_reads_the_same_lines_and_is_judged_alone() -> None:
    good = saying(RUSSIAN, "good")
    bad = saying(["жюъ"] * 5, "bad")
    first, second = check_reading([good, bad], "ru")
    assert (first.reader, first.right, first.cer) == ("good", 5, 0)
    assert (second.reader, second.right) == ("bad", 0)
    assert (good.asked, bad.asked) == (5, 5)
    sentence = misreading_of([first, second])
    assert sentence is not None
    assert sentence.startswith(
        f"bad misreads clean print: none of 5 rendered lines right, '{second.worst[0]}'"
    )
    assert "was read as 'жюъ'" in sentence
    assert "good" not in sentence


def test_edits_are_counted_over_all_lines_and_the_worst_one_is_shown() -> None:
    said = [RUSSIAN[0][:-1] + "ъ", *RUSSIAN[1:4], ""]
    [check] = check_reading([saying(said)], "ru")
    letters = [len(text.replace(" ", "")) for text in RUSSIAN]
    assert check.right == 3
    assert check.cer == (1 + letters[4]) / sum(letters)
    assert check.worst == (RUSSIAN[4], "")
    assert not check.useless


def test_spaces_do_not_count() -> None:
    [check] = check_reading([saying([text.replace(" ", "") for text in RUSSIAN])], "ru")
    assert (check.right, check.cer) == (5, 0)


@pytest.mark.parametrize(
    ("cer", "right", "useless"),
    [
        pytest.param(0.5, 0, False, id="half of the characters are right"),
        pytest.param(0.51, 0, True, id="fewer, and no line"),
        pytest.param(0.8, 1, False, id="a line of five is right: Tesseract at Arabic, mostly without a text"),
        pytest.param(1.0, 0, True, id="nothing"),
    ],
)
def test_what_is_of_no_use(cer: float, right: int, useless: bool) -> None:
    check = ReadingCheck("reader", lines=5, right=right, cer=cer, worst=("а", "б"))
    assert check.useless is useless


def test_a_model_that_sees_no_text_anywhere_is_of_no_use() -> None:
    [check] = check_reading([saying([""] * 5)], "ru")
    assert (check.cer, check.useless) == (1, True)


def test_a_reader_that_fails_says_why() -> None:
    reader = ScriptedReader("one", Reading("one", error="the engine was stopped", retryable=True))
    sentence = misreading([reader], "ru")
    assert sentence is not None
    assert sentence.startswith("one failed at rendered lines: the engine was stopped. Export ")


def test_a_reader_that_fails_at_one_line_is_not_called_well() -> None:
    def say(number: int) -> Reading:
        return Reading("one", error="it broke") if number == 3 else Reading("one", RUSSIAN[number])

    [check] = check_reading([ScriptedReader("one", say)], "ru")
    assert (check.right, check.error, check.useless) == (4, "it broke", True)


@pytest.fixture
def without_fonts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("HOME", "XDG_DATA_HOME", "XDG_DATA_DIRS", "PATH"):
        monkeypatch.setenv(name, str(tmp_path))
    return


@pytest.mark.usefixtures("without_fonts")
def test_without_a_font_nothing_is_tried_and_the_package_is_named(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(NotTried, match=r"no font with Russian letters .* apt-get install fonts-dejavu-core"):
        check_reading([saying([])], "ru")
    with caplog.at_level(logging.INFO):
        assert misreading([saying([])], "th") is None
    assert "no font with Thai letters" in caplog.text
    assert "fonts-noto-core" in caplog.text


@pytest.mark.usefixtures("without_fonts")
def test_without_a_local_reader_no_font_is_missed() -> None:
    assert check_reading([], "ru") == []


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def service_over(try_reading: Callable[[], str | None]) -> Service:
    engines = replace(scripted_engines(), try_reading=try_reading)
    return Service(lambda _: engines)


def test_a_service_is_ready_before_its_readers_are_tried_and_then_names_those_that_misread(
    caplog: pytest.LogCaptureFixture,
) -> None:
    gate = threading.Event()

    def try_reading() -> str | None:
        gate.wait(20)
        return "bad misreads clean print"

    service = service_over(try_reading)
    try:
        until(lambda: service.state[0] == "ready")
        assert service.status()["misreading"] is None
        gate.set()
        until(lambda: service.status()["misreading"] == "bad misreads clean print")
        assert service.state == ("ready", "Ready."), "it serves all the same"
        until(lambda: "bad misreads clean print" in caplog.text)
    finally:
        gate.set()
        service.close()


def test_engines_that_take_over_are_tried_themselves() -> None:
    def other(_: Metrics) -> Engines:
        return replace(scripted_engines(version="v2"), try_reading=lambda: "v2 misreads clean print")

    service = service_over(lambda: None)
    try:
        assert service.replace_engines(other).result(20) == "v2"
        until(lambda: service.status()["misreading"] == "v2 misreads clean print")
        assert service.replace_engines(lambda _: scripted_engines(version="v3")).result(20) == "v3"
        assert service.status()["misreading"] is None
    finally:
        service.close()


def test_a_library_that_breaks_while_readers_are_tried_costs_no_service(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken() -> str | None:
        raise ZeroDivisionError("in a font")

    service = service_over(broken)
    try:
        until(lambda: "ZeroDivisionError" in caplog.text)
        assert service.state[0] == "ready"
        assert service.status()["misreading"] is None
    finally:
        service.close()

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.errors import ReaderUnavailable
from backend.page import image_files
from backend.page.crops import crop_line
from backend.page.lines import Pixels
from backend.readers.tesseract import (
    RENDERING,
    TesseractOptions,
    TesseractReader,
    installed_languages,
    rendered,
    trimmed,
    without_stray_apostrophe,
)
from backend.rendering.fonts import fonts_with
from backend.rendering.lines import rendered_line
from tests.parts.samples import sample


@pytest.fixture(scope="module")
def readers() -> Iterator[list[TesseractReader]]:
    """Both looks at Russian."""
    readers = [TesseractReader("ru", TesseractOptions(threads=2, variation=turn)) for turn in (0, 1)]
    for reader in readers:
        reader.start()
        reader.wait(60)
    yield readers
    for reader in readers:
        reader.stop()


def true_crops(name: str) -> list[tuple[str, Pixels]]:
    """Text and crop of each true line of a sample page."""
    one = sample(name)
    page = image_files.decode(one.path.read_bytes(), max_pixels=50_000_000)
    return [(line["text"], crop_line(page.pixels, np.float32(line["poly"]))) for line in one.lines]


def said(reader: TesseractReader, crops: list[Pixels]) -> list[str]:
    readings = [future.result(120) for future in reader.submit(crops)]
    assert [reading.error for reading in readings] == [None] * len(crops)
    return [reading.text for reading in readings]


@pytest.mark.parametrize(
    ("look", "name", "share"),
    [
        pytest.param(0, "syn_001", 0.75, id="receipt, as a line"),
        pytest.param(0, "syn_015", 0.85, id="book, as a line"),
        pytest.param(1, "syn_015", 0.8, id="book, raw"),
    ],
)
def test_russian_pages_are_read(readers, look, name, share):
    texts, crops = zip(*true_crops(name), strict=True)
    answers = said(readers[look], list(crops))
    assert sum(answer == text for answer, text in zip(answers, texts, strict=True)) >= share * len(texts)


def test_what_both_looks_agree_on_is_nearly_always_right(readers):
    texts, crops = [], []
    for name in ("syn_001", "syn_015", "rudoc_03", "rudoc_10"):
        for text, crop in true_crops(name):
            texts.append(text)
            crops.append(crop)
    both = zip(said(readers[0], crops), said(readers[1], crops), texts, strict=True)
    agreed = [(first, text) for first, second, text in both if first == second]
    assert len(agreed) >= 0.55 * len(texts)
    assert sum(answer == text for answer, text in agreed) >= 0.9 * len(agreed)


@pytest.mark.parametrize(
    ("name", "quad", "text"),
    [
        pytest.param(
            "rudoc_03",
            [[905, 37], [932, 37], [932, 354], [905, 354]],
            "уведомить об этом другую Сторону.",
            id="an apostrophe before the line",
        ),
        pytest.param(
            "rudoc_03",
            [[266, 40], [290, 40], [290, 194], [266, 194]],
            "ул. Коптева, д. 40",
            id="an apostrophe before it and a full stop behind it",
        ),
        pytest.param(
            "rudoc_10", [[75, 216], [147, 214], [148, 233], [75, 234]], "Статья 2", id="a short line"
        ),
    ],
)
def test_no_mark_is_read_out_of_the_ground_that_a_detected_box_has_beside_its_line(readers, name, quad, text):
    one = sample(name)
    page = image_files.decode(one.path.read_bytes(), max_pixels=50_000_000)
    crop = crop_line(page.pixels, np.float32(quad))
    assert [said(reader, [crop]) for reader in readers] == [[text], [text]]


@pytest.mark.parametrize(
    ("read", "text"),
    [
        ("'Счёт", "Счёт"),
        ("‘ уведомить", "уведомить"),
        ("'да' и 'нет'", "'да' и 'нет'"),
        ("об’єкт", "об’єкт"),
        ("'", ""),
        ("", ""),
    ],
)
def test_an_apostrophe_alone_at_the_beginning_is_dropped(read, text):
    assert without_stray_apostrophe(read) == text


def test_the_ground_beside_a_line_is_cut_off_but_for_a_little():
    line = np.full((40, 400, 3), 240, np.uint8)
    line[10:30, 100:300] = 20
    line[5, 50] = 20  # a speck
    assert trimmed(line).shape == (40, 200 + 4 + 8, 3)
    assert trimmed(255 - line).shape == (40, 200 + 4 + 8, 3)
    assert trimmed(line[:, 98:303]).shape == (40, 205, 3)
    assert trimmed(np.full((40, 400, 3), 240, np.uint8)).shape == (40, 400, 3)


def test_the_looks_have_names_of_their_own_that_name_the_data(readers):
    line, raw = (reader.identity for reader in readers)
    assert line.startswith("tesseract-5.5(rus+eng@")
    assert line.endswith(f",line,r{RENDERING})")
    assert raw.startswith("tesseract-5.5(rus@")
    assert raw.endswith(f",raw,r{RENDERING})")


def test_many_threads_read_as_one_does(readers):
    crops = [crop for _, crop in true_crops("syn_001")]
    alone = TesseractReader("ru", TesseractOptions(threads=1))
    alone.start()
    assert said(readers[0], crops * 3) == said(alone, crops) * 3
    alone.stop()


def test_light_letters_on_dark_ground_are_read_too(readers):
    [(text, crop)] = true_crops("syn_015")[3:4]
    assert said(readers[0], [crop, 255 - crop]) == [text, text]


def test_a_blank_crop_has_no_text_and_is_no_error(readers):
    for reader in readers:
        [reading] = [future.result(60) for future in reader.submit([np.full((40, 300, 3), 250, np.uint8)])]
        assert reading.no_text


def test_readings_are_one_line_of_nfc_with_a_score(readers):
    for reader in readers:
        for future in reader.submit([crop for _, crop in true_crops("rudoc_10")]):
            reading = future.result(120)
            assert reading.text == unicodedata.normalize("NFC", " ".join(reading.text.split()))
            assert reading.score is None or 0 <= reading.score <= 1


def test_a_crop_that_breaks_the_engine_is_an_error_and_its_neighbours_are_read(readers):
    [(text, good)] = true_crops("syn_015")[3:4]
    bad = np.zeros((20, 30, 7), np.uint8)
    readings = [future.result(60) for future in readers[0].submit([good, bad, good])]
    assert [reading.failed for reading in readings] == [False, True, False]
    assert [readings[0].text, readings[2].text] == [text, text]


@pytest.mark.parametrize(
    ("crop", "height", "margin", "shape"),
    [
        pytest.param(np.full((24, 100, 3), 255, np.uint8), 48, 0.25, (72, 224), id="enlarged, margins"),
        pytest.param(np.full((96, 100, 3), 255, np.uint8), 48, 0.0, (48, 50), id="shrunk"),
        pytest.param(
            np.full((4, 30_000, 3), 255, np.uint8), 48, 0.0, (48, 32_000), id="as wide as it may be"
        ),
    ],
)
def test_crops_are_brought_to_one_height(crop, height, margin, shape):
    assert rendered(crop, height, margin).shape == shape


def test_the_ground_is_light_and_goes_on_around_the_crop():
    dark = np.full((48, 200, 3), 20, np.uint8)
    cv2.putText(dark, "abc", (60, 36), cv2.FONT_HERSHEY_SIMPLEX, 1, (250, 250, 250), 3)
    grey = rendered(dark, 48, 0.5)
    assert set(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]]).tolist()) == {235}
    assert grey.min() < 20


def test_languages_without_data_say_which_package_to_install(tmp_path):
    with pytest.raises(ReaderUnavailable, match="apt-get install tesseract-ocr tesseract-ocr-rus"):
        TesseractReader("ru", TesseractOptions(tessdata_dir=tmp_path))


def test_a_language_that_tesseract_does_not_know_is_told(tmp_path):
    with pytest.raises(ReaderUnavailable, match="Tesseract has no data for 'cop'"):
        TesseractReader("cop")


def test_damaged_data_is_told_when_it_is_loaded(tmp_path):
    (tmp_path / "rus.traineddata").write_bytes(b"not a network")
    reader = TesseractReader("ru", TesseractOptions(tessdata_dir=tmp_path, threads=1))
    reader.start()
    with pytest.raises(ReaderUnavailable, match="install it again"):
        reader.wait(60)
    [reading] = [future.result(0) for future in reader.submit([np.zeros((40, 100, 3), np.uint8)])]
    assert "install it again" in (reading.error or "")


def test_installed_languages_are_those_with_data(tmp_path):
    for name in ("rus.traineddata", "osd.traineddata", "deu.traineddata", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    assert installed_languages(tmp_path) == {"rus", "deu"}
    assert {"rus", "eng"} <= installed_languages()


def test_tessdata_prefix_is_where_it_looks(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))
    assert installed_languages() == set()
    (tmp_path / "tessdata").mkdir()
    (tmp_path / "tessdata" / "rus.traineddata").write_bytes(b"")
    assert installed_languages() == {"rus"}


def test_data_that_cannot_be_loaded_asks_for_another_try_of_each_line(tmp_path):
    (tmp_path / "rus.traineddata").write_bytes(b"cut off")
    reader = TesseractReader("ru", TesseractOptions(threads=1, tessdata_dir=tmp_path))
    reader.start()
    [reading] = [future.result(60) for future in reader.submit([np.full((40, 300, 3), 250, np.uint8)])]
    reader.stop()
    assert "install it again" in reading.error
    assert reading.retryable


def test_the_score_is_that_of_the_word_it_is_least_sure_of(readers: list[TesseractReader]) -> None:
    font = fonts_with("Договор поставки")[0]
    words, smudged = rendered_line("Договор поставки", font), rendered_line("оборудования", font)
    grain = np.random.default_rng(1).normal(0, 20, smudged.shape)
    smudged = np.clip(cv2.GaussianBlur(smudged, (0, 0), 5) + grain, 0, 255).astype(np.uint8)
    clean, spoiled = (future.result(60) for future in readers[0].submit([words, np.hstack([words, smudged])]))
    assert spoiled.text.startswith(clean.text)
    # the mean of two sure words and an unreadable one would be more than a half
    assert (clean.score or 0) > 0.9
    assert (spoiled.score or 0) < 0.5


def test_a_greek_letter_is_not_written_as_the_sign_of_a_millionth() -> None:
    reader = TesseractReader("el", TesseractOptions(threads=1))
    reader.start()
    texts = ["το μικρό όνομα", "Το όνομα χρήστη δεν μπορεί να είναι κενό", "Σεπτεμβρίου", "μια έγκυρη τιμή"]
    lines = [rendered_line(text, font) for font in fonts_with("".join(texts))[:4] for text in texts]
    read = said(reader, lines)
    reader.stop()
    assert "\u00b5" not in "".join(read)
    assert "\u03bc" in "".join(read)

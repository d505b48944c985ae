from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from backend.errors import ReaderUnavailable, SettingsWrong
from backend.models.locate import dictionary, find_model
from backend.models.model_thread import ModelState
from backend.models.paddle_engine import EngineOptions
from backend.page import image_files
from backend.page.crops import crop_line
from backend.page.lines import Pixels
from backend.readers.paddle import PaddleReader, RecognitionOptions, split_wide
from backend.rendering.lines import rendered_line
from backend.text import languages
from tests.parts.samples import sample

CPU = EngineOptions(device="cpu", cpu_threads=1)


@pytest.fixture(scope="module")
def reader() -> Iterator[PaddleReader]:
    reader = PaddleReader("en", RecognitionOptions(engine=CPU), source="packages")
    reader.start()
    reader.wait(300)
    yield reader
    reader.stop()


def true_crops(name: str) -> list[tuple[str, Pixels]]:
    """Text and crop of each true line of a sample page."""
    one = sample(name)
    page = image_files.decode(one.path.read_bytes(), max_pixels=50_000_000)
    return [(line["text"], crop_line(page.pixels, np.float32(line["poly"]))) for line in one.lines]


def drawn(text: str, height: int = 60) -> Pixels:
    width = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, 1.2, 2)[0][0] + 20
    pixels = np.full((height, width, 3), 255, np.uint8)
    cv2.putText(pixels, text, (10, 42), cv2.FONT_HERSHEY_DUPLEX, 1.2, (0, 0, 0), 2)
    return pixels


def said(reader: PaddleReader, crops: list[Pixels]) -> list[str]:
    readings = [future.result(300) for future in reader.submit(crops)]
    assert [reading.error for reading in readings] == [None] * len(crops)
    return [reading.text for reading in readings]


def test_english_lines_of_a_scan_are_read(reader):
    texts, crops = zip(*true_crops("phototest"), strict=True)
    answers = said(reader, list(crops))
    # "of file format." comes out as "of fileformat."
    assert sum(answer == text for answer, text in zip(answers, texts, strict=True)) >= 7


def test_lines_of_digits_are_read(reader):
    lines = [(text, crop) for text, crop in true_crops("syn_067") if text.isascii()]
    answers = said(reader, [crop for _, crop in lines])
    assert len(lines) >= 4
    # between signs and digits a space may be lost, as in "31.12; 12"; the digits are all there
    right = [a.replace(" ", "") == text.replace(" ", "") for a, (text, _) in zip(answers, lines, strict=True)]
    assert sum(right) >= 0.7 * len(lines)


def test_a_reading_does_not_depend_on_its_neighbours(reader):
    batched = PaddleReader("en", RecognitionOptions(batch_size=16, engine=CPU), source="packages")
    crops = [crop for name in ("phototest", "syn_067") for _, crop in true_crops(name)]
    together = batched.submit(crops)
    batched.start()
    assert [future.result(300).text for future in together] == said(reader, crops)
    batched.stop()


def test_several_sessions_read_as_one_does(reader):
    several = PaddleReader(
        "en", RecognitionOptions(engine=EngineOptions(device="cpu", cpu_threads=3)), source="packages"
    )
    several.start()
    crops = [crop for name in ("phototest", "syn_067") for _, crop in true_crops(name)]
    assert said(several, crops) == said(reader, crops)
    several.stop()


def test_answers_come_in_the_order_of_the_crops(reader):
    words = ["first", "second and much longer than the others", "3", "fourth one"]
    assert said(reader, [drawn(word) for word in words]) == words


def test_a_blank_crop_has_no_text_and_is_no_error(reader):
    [reading] = [future.result(300) for future in reader.submit([np.full((40, 300, 3), 250, np.uint8)])]
    assert reading.no_text
    assert reading.score is None


def test_a_score_says_how_sure_the_model_is(reader):
    [sure] = [future.result(300) for future in reader.submit([drawn("Invoice")])]
    assert sure.text == "Invoice"
    assert sure.reader == "PP-OCRv6_small_rec"
    assert 0.9 < (sure.score or 0) <= 1


def test_a_line_too_wide_for_the_model_is_read_in_pieces(reader):
    sentence = "the quick brown fox jumps over the lazy dog and runs far away into the woods"
    words = " ".join([sentence] * 5)
    crop = drawn(words)
    assert crop.shape[1] * 48 / crop.shape[0] > 5000
    assert said(reader, [crop]) == [words]


@pytest.mark.parametrize(
    ("width", "gap", "pieces"),
    [
        pytest.param(100, 50, [100], id="narrow enough"),
        pytest.param(1000, 480, [480, 520], id="cut in the gap"),
        pytest.param(600, 310, [310, 290], id="just too wide"),
    ],
)
def test_a_wide_line_is_cut_between_words(width, gap, pieces):
    line = np.tile(np.uint8([[[0]], [[255]]]), (24, width, 3)).astype(np.uint8)
    line[:, gap - 8 : gap + 8] = 255
    assert [piece.shape[1] for piece in split_wide(line, 550)] == pieces
    assert sum(pieces) == width


def test_the_second_look_reads_as_well_and_has_a_name_of_its_own(reader):
    second = PaddleReader("en", RecognitionOptions(variation=1, engine=CPU), source="packages")
    second.start()
    assert second.identity == "PP-OCRv6_small_rec(margin=.2)" != reader.identity
    texts, crops = zip(*true_crops("phototest"), strict=True)
    answers = said(second, list(crops))
    assert sum(answer == text for answer, text in zip(answers, texts, strict=True)) >= 6
    second.stop()


def test_readings_are_in_nfc_without_double_spaces(reader):
    for text in said(reader, [crop for _, crop in true_crops("eurotext")]):
        assert text == unicodedata.normalize("NFC", " ".join(text.split()))


def test_a_reader_that_cannot_write_the_language_refuses_and_names_one_that_can():
    with pytest.raises(ReaderUnavailable) as caught:
        PaddleReader("ru", model="PP-OCRv5_mobile_rec", source="packages")
    assert "cannot write 'ru'" in str(caught.value)
    assert "Set RECOGNITION_MODEL=eslav_PP-OCRv5_mobile_rec" in str(caught.value)
    assert {"Б", "ж", "ё"} <= set(caught.value.facts["missing"])


@pytest.mark.parametrize(
    ("published", "trained", "words"),
    [
        pytest.param("model_name: PP-OCRv6_small_rec", "model_name: ours", "one of its own names", id="name"),
        pytest.param(
            "MultiLabelEncode", "CTCLabelEncode", "does not know a step of PreProcess", id="encoder"
        ),
    ],
)
def test_a_trained_model_that_paddleocr_will_not_load_says_why(tmp_path, reader, published, trained, words):
    mine = shutil.copytree(reader.location.directory, tmp_path / "mine")
    described = (mine / "inference.yml").read_text("utf-8")
    assert published in described
    (mine / "inference.yml").write_text(described.replace(published, trained), "utf-8")
    refused = PaddleReader("en", RecognitionOptions(engine=CPU), model_dir=mine)
    refused.start()
    with pytest.raises(SettingsWrong, match=words) as caught:
        refused.wait(300)
    refused.stop()
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        pytest.param("ru", "and set RECOGNITION_MODEL=eslav_PP-OCRv5_mobile_rec.", id="a published one can"),
        pytest.param("ka", "or take RECOGNITION_MODEL_DIR out.", id="no published one can"),
    ],
)
def test_of_a_trained_model_it_says_how_it_comes_to_have_the_letters(tmp_path, language, words):
    described = "Global: {model_name: eslav_PP-OCRv5_mobile_rec}\nPostProcess: {character_dict: [а, б]}\n"
    (tmp_path / "inference.yml").write_text(described, "utf-8")
    (tmp_path / "inference.onnx").write_bytes(b"weights")
    with pytest.raises(ReaderUnavailable) as caught:
        PaddleReader(language, model_dir=tmp_path)
    assert "train with one that has them" in str(caught.value)
    assert str(caught.value).endswith(words)


def started(reader: PaddleReader) -> PaddleReader:
    reader.start()
    reader.wait(300)
    return reader


def foreign(published: str, name: str, folder: Path, instead: dict[str, str] | None = None) -> Path:
    """A published model under a name of its own, with some entries of its dictionary written otherwise."""
    shutil.copytree(find_model(published, source="packages").directory, folder)
    described = yaml.load((folder / "inference.yml").read_bytes(), yaml.CSafeLoader)
    described["Global"]["model_name"] = name
    post = described["PostProcess"]
    post["character_dict"] = [(instead or {}).get(entry, entry) for entry in post["character_dict"]]
    (folder / "inference.yml").write_text(yaml.dump(described, Dumper=yaml.CSafeDumper, allow_unicode=True))
    return folder


def test_pp_ocrv6_reads_latin_languages_with_the_spaces_between_their_words():
    lines = [
        "Příliš žlutý kůň",
        "Perché così è più bello",
        "Größe und Maß, bitte",
        "Zażółć gęślą jaźń",
        "Bu gün hava çox gözəldir",
    ]
    font = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
    reader = started(PaddleReader("cs", RecognitionOptions(engine=CPU), source="packages"))
    assert reader.identity == "PP-OCRv6_small_rec"
    assert said(reader, [rendered_line(line, font) for line in lines]) == lines
    reader.stop()


@pytest.mark.parametrize(
    ("published", "name"),
    [
        pytest.param("PP-OCRv5_mobile_rec", "ours_PP-OCRv5_mobile_rec", id="PP-OCRv5, which is folded, too"),
        pytest.param("PP-OCRv6_small_rec", "squiddle_PP-OCRv6_small_rec", id="PP-OCRv6"),
    ],
)
def test_a_model_under_a_foreign_name_loads_by_that_of_its_base(tmp_path, published, name):
    """And its dictionary decides what it writes: here Georgian letters for some Chinese ones, and for ABC."""
    georgian = sorted(languages.letters("ka"))
    able = [entry for entry in dictionary(find_model(published, source="packages")) if entry > "一"]
    instead = {**dict(zip(able, georgian, strict=False)), "A": "ა", "B": "ბ", "C": "გ"}
    mine = foreign(published, name, tmp_path / "mine", instead)
    options = RecognitionOptions(engine=CPU)
    with pytest.raises(ReaderUnavailable, match="cannot write 'ru'"):
        PaddleReader("ru", options, model_dir=mine, cache_dir=tmp_path / "cache")
    reader = started(PaddleReader("ka", options, model_dir=mine, cache_dir=tmp_path / "cache"))
    assert reader.identity == f"{name}@{reader.location.fingerprint}"
    assert said(reader, [drawn("CAB 12")]) == ["გაბ 12"]
    reader.stop()


def test_without_the_model_for_the_language_it_says_where_that_comes_from():
    with pytest.raises(ReaderUnavailable, match="copy the folder 'eslav_PP-OCRv5_mobile_rec_onnx'"):
        PaddleReader("ru", source="packages")


def test_a_model_that_was_named_is_never_replaced():
    with pytest.raises(ReaderUnavailable, match="en_PP-OCRv5_mobile_rec is not on this machine"):
        PaddleReader("en", model="en_PP-OCRv5_mobile_rec", source="packages")


def test_a_crop_that_breaks_the_engine_is_an_error_and_its_neighbours_are_read(reader):
    good, bad = drawn("neighbour"), np.zeros((20, 30, 7), np.uint8)
    readings = [future.result(300) for future in reader.submit([good, bad, good])]
    assert [reading.failed for reading in readings] == [False, True, False]
    assert readings[0].text == readings[2].text == "neighbour"
    assert readings[1].error


def test_a_stopped_reader_answers_with_an_error_that_asks_for_another_try():
    reader = PaddleReader("en", RecognitionOptions(engine=CPU), source="packages")
    [waiting] = reader.submit([drawn("never read")])
    reader.stop()
    assert reader.state is ModelState.STOPPED
    assert waiting.result(0).failed
    assert waiting.result(0).retryable

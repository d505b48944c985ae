"""A text is laid along a crop: on hand-made probabilities, and with the real recogniser on rendered lines."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from backend.errors import ModelMissing, SettingsWrong
from backend.models import locate
from converters.training.alignment import UNKNOWN, CtcAligner, lay_along

A, B, SPACE = 1, 2, 3


def seen(*marks: int) -> np.ndarray:
    """Probabilities of a recogniser that is nearly sure at each step: 0 for blank, or a class."""
    made = np.full((len(marks), 4), 0.02, dtype=np.float32)
    made[np.arange(len(marks)), marks] = 0.94
    return made


@pytest.mark.parametrize(
    ("marks", "codes", "centres"),
    [
        pytest.param([0, A, 0, B, 0], [A, B], (1.5, 3.5), id="one step each"),
        pytest.param([A, A, A, B, B], [A, B], (1.5, 4.0), id="several steps each"),
        pytest.param([A, 0, A], [A, A], (0.5, 2.5), id="the same twice, with a blank between"),
        pytest.param([0, B, 0, A, 0], [A, B], None, id="in another order than seen: laid somewhere, badly"),
        pytest.param([0, A, 0, B, 0], [UNKNOWN, UNKNOWN], (1.5, 3.5), id="letters that it does not know"),
        pytest.param([0, 0, 0, A, 0, 0, B, 0], [UNKNOWN, UNKNOWN], (3.5, 6.5), id="unknown ones far apart"),
        pytest.param([A, B], [UNKNOWN, UNKNOWN], (0.5, 1.5), id="unknown ones may touch"),
        pytest.param([0, B, 0, B, 0], [A, B], (1.5, 3.5), id="a letter that it takes for another"),
    ],
)
def test_characters_lie_where_the_recogniser_sees_marks(marks, codes, centres):
    found = lay_along(seen(*marks), codes)
    assert found is not None
    if centres is None:
        assert found.fit < 0.6
    else:
        assert found.centres == pytest.approx(centres)
        assert found.fit > 0.8


def test_a_centre_lies_nearer_to_the_step_that_is_surer():
    probabilities = seen(0, A, A, 0)
    probabilities[1] = [0.7, 0.28, 0.01, 0.01]
    (centre,) = lay_along(probabilities, [A]).centres
    assert 2.0 < centre <= 2.5


@pytest.mark.parametrize(
    ("marks", "codes", "least", "most"),
    [
        pytest.param([0, A, 0, B, 0], [A, B], 0.8, 1.0, id="its own text"),
        pytest.param([0, A, 0, B, 0, A, 0], [A, B], 0.0, 0.2, id="a mark that the text lacks"),
        pytest.param([0, A, 0, 0, 0, 0], [A, B, A], 0.0, 0.2, id="two letters that nobody sees"),
        pytest.param([0, A, 0, 0, 0, B, 0], [A, SPACE, B], 0.8, 1.0, id="a space that it left out"),
    ],
)
def test_the_fit_says_whether_marks_and_characters_match(marks, codes, least, most):
    assert least <= lay_along(seen(*marks), codes, space=SPACE).fit <= most


@pytest.mark.parametrize(
    ("marks", "codes"),
    [
        pytest.param([A, B], [A, B, A], id="more characters than steps"),
        pytest.param([A, A], [A, A], id="no step for the blank between two alike"),
        pytest.param([A], [], id="no text"),
        pytest.param([], [A], id="no steps"),
    ],
)
def test_what_cannot_be_laid_is_none(marks, codes):
    assert lay_along(seen(*marks), codes) is None


def test_a_character_that_the_recogniser_rules_out_is_still_laid():
    probabilities = np.array([[0.0, 1.0, 0.0, 0.0]] * 3, dtype=np.float32)
    assert lay_along(probabilities, [B]) is not None


@pytest.fixture(scope="module")
def aligner() -> CtcAligner:
    return CtcAligner(locate.find_model("PP-OCRv5_mobile_rec", source="packages").directory)


LINE = "The quick brown fox jumps over the lazy dog"
FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"


def rendered(text: str, size: int) -> tuple[np.ndarray, list[float]]:
    """A line, RGB, and the true centre of each of its characters, pixels."""
    font = ImageFont.truetype(FONT, size)
    image = Image.new("RGB", (int(font.getlength(text)) + 12, 2 * size), "white")
    ImageDraw.Draw(image).text((6, size // 2), text, font=font, fill="black")
    edges = [6 + font.getlength(text[:count]) for count in range(len(text) + 1)]
    return np.asarray(image), [(left + right) / 2 for left, right in pairwise(edges)]


@pytest.mark.parametrize("size", [16, 24, 60])
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(LINE, id="letters that it knows"),
        pytest.param("Мастерская часов и фотоаппаратов, вход со двора", id="most letters it does not know"),
    ],
)
def test_the_real_recogniser_finds_each_character_within_its_width(aligner, text, size):
    crop, centres = rendered(text, size)
    found = aligner.align(crop, text)
    assert np.abs(np.array(found) - centres).max() < size
    assert np.abs(np.array(found) - centres).mean() < size / 4
    assert found == sorted(found)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param(
            "The quick brown fox jumps over the lazy dog", "The quick brown", id="the crop shows a third"
        ),
        pytest.param(
            "The quick brown", "The quick brown fox jumps over the lazy dog", id="the text is a third"
        ),
        pytest.param("The quick brown fox jumps over the lazy dog", "", id="the crop shows nothing"),
    ],
)
def test_a_text_that_the_crop_does_not_show_is_not_laid(aligner, text, shown):
    assert aligner.align(rendered(shown, 24)[0], text) is None


def test_a_folder_without_a_recogniser_is_refused(tmp_path):
    with pytest.raises(SettingsWrong, match="no exported PaddleOCR model"):
        CtcAligner(tmp_path)


def test_weights_that_cannot_be_loaded_are_refused(tmp_path):
    good = locate.find_model("PP-OCRv5_mobile_rec", source="packages").directory
    (tmp_path / "inference.yml").write_bytes((good / "inference.yml").read_bytes())
    (tmp_path / "inference.onnx").write_bytes(b"half a file")
    with pytest.raises(ModelMissing, match="cannot be loaded"):
        CtcAligner(tmp_path)


def test_the_recogniser_sees_what_paddleocrs_own_class_reads(aligner, tmp_path):
    """Its likeliest classes spell what the backend's reader says of the same crop."""
    from backend.readers.paddle import PaddleReader, at_model_height

    crop, _ = rendered("Total: 12,50 EUR", 24)
    likeliest = aligner.probabilities(at_model_height(crop)).argmax(axis=1)
    letters = {code: character for character, code in aligner._codes.items()}
    spelled = "".join(
        letters[code]
        for code, before in zip(likeliest, [0, *likeliest], strict=False)
        if code and code != before
    )
    reader = PaddleReader("en", model="PP-OCRv5_mobile_rec", source="packages", cache_dir=tmp_path)
    reader.start()
    try:
        (reading,) = (future.result(60) for future in reader.submit([crop]))
    finally:
        reader.stop()
    assert spelled == reading.text == "Total: 12,50 EUR"

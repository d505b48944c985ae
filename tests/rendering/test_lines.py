"""Pictures of lines, as detected lines are: height, margins, colours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from backend.page.lines import Pixels
from backend.rendering.lines import needs_layout, rendered_line

DEJAVU = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
LOMA = Path("/usr/share/fonts/truetype/tlwg/Loma.ttf")


def ink_rows(line: Pixels) -> tuple[int, int]:
    """The first and the last row with ink of a black and white line."""
    rows = np.flatnonzero((line < 128).any(axis=(1, 2)))
    return int(rows[0]), int(rows[-1])


def test_a_clean_line_is_black_on_white_with_ground_on_every_side() -> None:
    line = rendered_line("Щербаков", DEJAVU)
    assert line.dtype == np.uint8
    assert line.shape[0] == 48
    assert line.flags["C_CONTIGUOUS"]
    assert line.min() < 20
    edges = np.concatenate([line[:3].ravel(), line[-3:].ravel(), line[:, :3].ravel(), line[:, -3:].ravel()])
    assert edges.min() == 255


@pytest.mark.parametrize("height", [16, 48, 120])
def test_the_letters_of_a_line_take_most_of_any_height(height: int) -> None:
    line = rendered_line("Щербаков у реки", DEJAVU, height=height)
    first, last = ink_rows(line)
    assert line.shape[0] == height
    assert 0.6 * height < last - first + 1 < 0.85 * height


def test_small_letters_and_dots_keep_their_place_in_the_line() -> None:
    first, last = ink_rows(rendered_line("...", DEJAVU))
    assert 25 < first < last < 40, "a full stop stands low, and is not as high as the line"


def test_a_letter_with_marks_above_stays_whole() -> None:
    first, last = ink_rows(rendered_line("Ấ", DEJAVU))
    assert 0 < first < last < 47


def test_the_width_grows_with_the_text() -> None:
    one, two = (rendered_line(text, DEJAVU).shape[1] for text in ("слово", "слово слово"))
    assert 1.8 < two / one < 2.4


def test_thai_vowels_stand_above_their_letters_and_take_no_width() -> None:
    bare, marked = (rendered_line(text, LOMA) for text in ("กก", "กี่กี่"))
    assert abs(bare.shape[1] / bare.shape[0] - marked.shape[1] / marked.shape[0]) < 0.45


def test_arabic_is_laid_out_from_right_to_left() -> None:
    # alif is a bare stroke; of "ا...ب" it comes first, so on the right
    line = rendered_line("اببب", DEJAVU)
    columns = (line < 128).any(axis=2).sum(axis=0)
    stroke = int(np.argmax(columns))
    assert stroke > 0.75 * line.shape[1]


def test_the_seed_varies_a_line_that_is_not_clean_and_no_other() -> None:
    looks = [rendered_line("Счёт 12", DEJAVU, seed=seed, clean=False) for seed in range(8)]
    assert len({look.tobytes() for look in looks}) == 8
    assert {look.shape[0] for look in looks} == {48}
    again = rendered_line("Счёт 12", DEJAVU, seed=3, clean=False)
    assert np.array_equal(looks[3], again)
    clean = [rendered_line("Счёт 12", DEJAVU, seed=seed) for seed in (1, 2)]
    assert np.array_equal(*clean)


def test_what_varies_stays_readable() -> None:
    for seed in range(40):
        line = rendered_line("Счёт 12", DEJAVU, seed=seed, clean=False)
        grey = line.mean(axis=2)
        assert np.percentile(grey, 99) - np.percentile(grey, 1) > 70, f"seed {seed}: ink like its ground"


def test_a_text_without_ink_is_a_square_of_ground() -> None:
    line = rendered_line("", DEJAVU)
    assert line.shape == (48, 48, 3)
    assert (line == 255).all()


@pytest.mark.parametrize(
    ("text", "laid_out"),
    [
        pytest.param("Счёт № 12, йод", False, id="letters with a code point of their own"),
        pytest.param("中文", False, id="Chinese"),
        pytest.param("и\u0301", True, id="an accent over a letter"),
        pytest.param("עברית", True, id="right to left"),
        pytest.param("العربية", True, id="joined letters"),
        pytest.param("हिन्दी", True, id="vowel signs"),
        pytest.param("ᠮᠣᠩᠭᠣᠯ", True, id="joined letters without marks"),
    ],
)
def test_which_texts_need_a_layout(text: str, laid_out: bool) -> None:
    assert needs_layout(text) is laid_out


def test_without_raqm_a_text_that_needs_it_is_refused_and_others_are_rendered(tmp_path: Path) -> None:
    # as on a machine without libfribidi0: the library that is found first is none
    (tmp_path / "libfribidi.so.0").touch()
    (tmp_path / "libfribidi.so").touch()
    code = f"""
from pathlib import Path
from backend.rendering.lines import NotRendered, rendered_line
print(rendered_line("Счёт", Path({str(DEJAVU)!r})).shape[0])
try:
    rendered_line("שלום", Path({str(DEJAVU)!r}))
except NotRendered as error:
    print(error)
"""
    environment = {**os.environ, "LD_LIBRARY_PATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    height, sentence = done.stdout.splitlines()
    assert height == "48"
    assert sentence.endswith("apt-get install libfribidi0")

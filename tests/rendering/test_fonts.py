"""Which fonts of a machine have the letters of a text; the machine's folders are made of real fonts here."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from backend.rendering import fonts
from backend.rendering.texts import sample_texts

TRUETYPE = Path("/usr/share/fonts/truetype")
DEJAVU = TRUETYPE / "dejavu"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of all fonts that there are: its own home, no shared folders, no fontconfig."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path / "shared"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    folder = tmp_path / "data" / "fonts" / "deeper"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize(
    ("text", "font"),
    [
        pytest.param("Счёт № 12", "DejaVuSans.ttf", id="Russian"),
        pytest.param("Україна — ґанок", "DejaVuSans.ttf", id="Ukrainian"),
        pytest.param("ภาษาไทย", "Loma.ttf", id="Thai, which DejaVu lacks"),
        pytest.param("中文, 2026", "wqy-microhei.ttc", id="Chinese, in a collection of fonts"),
        pytest.param("", "DejaVuSans.ttf", id="nothing asked for"),
    ],
)
def test_the_first_font_that_has_every_letter_is_taken(text: str, font: str) -> None:
    found = fonts.font_with(text)
    assert found is not None
    assert found.name == font


def test_a_machine_without_the_letters_has_no_font(machine: Path) -> None:
    shutil.copy(DEJAVU / "DejaVuSans.ttf", machine)
    assert fonts.font_with("Русский") == machine / "DejaVuSans.ttf"
    assert fonts.font_with("Русский 中") is None
    assert fonts.font_with("ไทย") is None


def test_spaces_and_joiners_need_no_picture(machine: Path) -> None:
    shutil.copy(DEJAVU / "DejaVuSans.ttf", machine)
    assert fonts.font_with("а\u00a0б\u2009в\t\u200d\u2066") is not None


def test_text_fonts_come_before_bold_slanted_narrow_and_symbols(machine: Path) -> None:
    names = [
        "DejaVuSans.ttf",
        "DejaVuSerif.ttf",
        "DejaVuSans-Bold.ttf",
        "DejaVuSans-Oblique.ttf",
        "DejaVuSansMono.ttf",
        "DejaVuMathTeXGyre.ttf",
    ]
    for name in sorted(names):
        shutil.copy(DEJAVU / name, machine)
    assert [path.name for path in fonts.font_files()] == names
    assert [path.name for path in fonts.fonts_with("Ж")] == names[:-1]
    assert [path.name for path in fonts.fonts_with("Ж", avoid=("dejavusans",))] == ["DejaVuSerif.ttf"]


def test_a_file_that_is_no_font_is_passed_over(machine: Path) -> None:
    whole = (DEJAVU / "DejaVuSans.ttf").read_bytes()
    (machine / "Arial.ttf").write_bytes(b"not a font")
    (machine / "DejaVuSans.ttf").write_bytes(whole[: len(whole) // 2])
    (machine / "NotoSans.ttf").symlink_to(machine / "gone.ttf")
    assert fonts.font_with("Ж") is None
    (machine / "Times.ttf").write_bytes(whole)
    assert fonts.font_with("Ж") == machine / "Times.ttf"


def test_a_font_that_was_replaced_is_looked_at_again(machine: Path) -> None:
    font = machine / "mine.ttf"
    shutil.copy(TRUETYPE / "tlwg" / "Loma.ttf", font)
    assert fonts.font_with("Ж") is None
    shutil.copy(DEJAVU / "DejaVuSans.ttf", font)
    assert fonts.font_with("Ж") == font


def test_fontconfig_adds_fonts_in_folders_of_a_systems_own(machine: Path, tmp_path: Path) -> None:
    own = tmp_path / "store" / "7f3a" / "DejaVuSans.ttf"
    own.parent.mkdir(parents=True)
    shutil.copy(DEJAVU / own.name, own)
    command = tmp_path / "bin" / "fc-list"
    command.parent.mkdir()
    command.write_text(f"#!/bin/sh\necho '{own}: '\necho '/x/bitmap.pcf.gz: '\n", "utf-8")
    command.chmod(0o755)
    assert fonts.font_files() == (own,)


@pytest.mark.parametrize(
    ("language", "package"),
    [("ru", "fonts-dejavu-core"), ("ja", "fonts-noto-cjk"), ("th", "fonts-noto-core")],
)
def test_a_package_with_the_letters_is_named(language: str, package: str) -> None:
    assert fonts.font_package(language) == package


@pytest.mark.parametrize("language", ["ru", "uk", "kk", "os", "ba", "el", "hy", "ka", "vi", "de", "tr"])
def test_the_package_of_dejavu_renders_the_languages_that_it_is_named_for(language: str) -> None:
    assert fonts.font_package(language) == "fonts-dejavu-core"
    found = fonts.font_with(sample_texts(language, 60))
    assert found is not None
    assert found.parent == DEJAVU

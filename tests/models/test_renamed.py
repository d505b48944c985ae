"""Copies of models with a foreign name, under the name of their base."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.errors import SettingsWrong
from backend.models.files import sha256_of
from backend.models.locate import dictionary, find_model
from backend.models.renamed import under_base_name

DESCRIPTION = """Global:
  model_name: {name}
PostProcess:
  name: CTCLabelDecode
  character_dict: [ა, ბ, '1', ~, no]
"""


def foreign(folder: Path, name: str = "georgian_PP-OCRv6_small_rec") -> Path:
    folder.mkdir()
    (folder / "inference.yml").write_text(DESCRIPTION.format(name=name), "utf-8")
    (folder / "inference.onnx").write_bytes(b"weights")
    return folder


def test_a_copy_says_the_bases_name_and_the_users_folder_stays_as_it_is(tmp_path: Path) -> None:
    mine = foreign(tmp_path / "mine")
    before = sha256_of(sorted(mine.iterdir()))
    found = find_model(None, mine)
    loaded = under_base_name(found, "onnxruntime", tmp_path / "cache")

    assert found.identity == f"georgian_PP-OCRv6_small_rec@{found.fingerprint}"
    assert (loaded.name, loaded.directory.parent) == ("PP-OCRv6_small_rec", tmp_path / "cache" / "renamed")
    assert (loaded.directory / "inference.yml").read_text("utf-8") == DESCRIPTION.format(
        name="PP-OCRv6_small_rec"
    )
    assert dictionary(loaded) == dictionary(found) == ["ა", "ბ", "1", "~", "no", " "]
    assert sha256_of(sorted(mine.iterdir())) == before

    made = (loaded.directory / "inference.onnx").stat().st_ino
    assert under_base_name(found, "onnxruntime", tmp_path / "cache") == loaded
    assert (loaded.directory / "inference.onnx").stat().st_ino == made


def test_another_training_under_the_same_name_is_another_copy(tmp_path: Path) -> None:
    mine = foreign(tmp_path / "mine")
    first = under_base_name(find_model(None, mine), "onnxruntime", tmp_path)
    (mine / "inference.onnx").write_bytes(b"trained further")
    further = under_base_name(find_model(None, mine), "onnxruntime", tmp_path)
    assert (further.directory / "inference.onnx").read_bytes() == b"trained further"
    assert first.directory != further.directory


def test_a_copy_that_is_not_whole_is_made_again(tmp_path: Path) -> None:
    found = find_model(None, foreign(tmp_path / "mine"))
    first = under_base_name(found, "onnxruntime", tmp_path)
    (first.directory / "inference.yml").unlink()
    assert "model_name: PP-OCRv6_small_rec" in (
        under_base_name(found, "onnxruntime", tmp_path).directory / "inference.yml"
    ).read_text("utf-8")


def test_a_model_with_paddleocrs_own_name_is_not_copied(tmp_path: Path) -> None:
    found = find_model(None, foreign(tmp_path / "mine", "PP-OCRv6_small_rec"))
    assert under_base_name(found, "onnxruntime", tmp_path / "cache") is found
    assert not (tmp_path / "cache").exists()


def test_a_name_that_stands_for_two_bases_is_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    mine = foreign(tmp_path / "mine", "PP-OCRv6_small_rec_or_PP-OCRv5_mobile_rec_v2")
    with pytest.raises(SettingsWrong, match="several of PaddleOCR's names"):
        find_model(None, mine)


def test_a_cache_that_cannot_be_written_is_one_sentence_without_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder", "utf-8")
    found = find_model(None, foreign(tmp_path / "mine"))
    with pytest.raises(SettingsWrong, match="CACHE_DIR cannot be written") as caught:
        under_base_name(found, "onnxruntime", tmp_path / "file")
    assert str(tmp_path) not in str(caught.value)

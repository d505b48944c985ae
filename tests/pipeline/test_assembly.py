"""Settings to engines, and what stops the start."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from backend.errors import ReaderUnavailable, StoreFailed
from backend.models.locate import find_model
from backend.models.promoted import PromotedModel, Promotions
from backend.pipeline import assembly
from backend.settings.settings import Settings


def settings(folder: Path, **values: Any) -> Settings:
    chosen = {"cache_dir": folder / "cache", "model_source": "packages", **values}
    return Settings(_env_file=None, **chosen)  # type: ignore[call-arg]


def test_a_reader_that_cannot_write_the_language_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ReaderUnavailable, match="eslav_PP-OCRv5_mobile_rec"):
        assembly.check_readers(settings(tmp_path, ocr_language="ru", readers="paddle,tesseract"))
    assembly.check_readers(settings(tmp_path, ocr_language="en", readers="paddle,tesseract"))


def promoted_for_russian(folder: Path) -> PromotedModel:
    """A model that can write Russian, promoted in the cache of `settings`."""
    letters = "АаБбВвГгДдЕеЁёЖжЗзИиЙйКкЛлМмНнОоПпРрСсТтУуФфХхЦцЧчШшЩщЪъЫыЬьЭэЮюЯя"
    described = {"Global": {"model_name": "ours"}, "PostProcess": {"character_dict": list(letters)}}
    made = folder / "ru-1"
    made.mkdir()
    (made / "inference.yml").write_text(json.dumps(described, ensure_ascii=False), "utf-8")
    (made / "inference.onnx").write_bytes(b"weights")
    model = PromotedModel(made, find_model(None, made).fingerprint, "ours", ("ru",), "now", "force", "Mine.")
    Promotions.under(folder / "cache").promote(model)
    return model


def test_a_promoted_model_that_can_write_the_language_lets_the_backend_start(tmp_path: Path) -> None:
    named = settings(tmp_path, ocr_language="ru", readers="paddle,tesseract")
    model = promoted_for_russian(tmp_path)
    assert assembly.promoted_model(named) == model
    assembly.check_readers(named)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        pytest.param({}, "", id="it may"),
        pytest.param({"readers": "ernie,paddle"}, "", id="paddle is named"),
        pytest.param({"readers": "ernie,tesseract"}, "READERS names ernie,tesseract", id="paddle is not"),
        pytest.param({"recognition_model_dir": "own"}, "RECOGNITION_MODEL_DIR", id="a folder is named"),
    ],
)
def test_the_settings_say_whether_a_promoted_model_may_read(
    tmp_path: Path, values: dict[str, Any], why: str
) -> None:
    model = promoted_for_russian(tmp_path)
    chosen = settings(tmp_path, **values)
    assert assembly.why_none_is_promoted(chosen).startswith(why)
    assert assembly.promoted_model(chosen) == (None if why else model)


def test_a_promoted_model_whose_folder_is_gone_stops_no_start(tmp_path: Path) -> None:
    shutil.rmtree(promoted_for_russian(tmp_path).directory)
    assert assembly.promoted_model(settings(tmp_path)) is None
    Promotions.under(tmp_path / "cache").path.write_text("{", "utf-8")
    assert assembly.promoted_model(settings(tmp_path)) is None


def test_the_store_is_made_in_the_cache_folder_or_where_its_address_says(tmp_path: Path) -> None:
    assembly.open_store(settings(tmp_path)).close()
    assert (tmp_path / "cache" / "readings.sqlite3").is_file()
    assembly.open_store(settings(tmp_path, store_url=f"sqlite:///{tmp_path / 'other.sqlite3'}")).close()
    assert (tmp_path / "other.sqlite3").is_file()


def test_a_cache_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file", "utf-8")
    with pytest.raises(StoreFailed, match="CACHE_DIR"):
        assembly.open_store(settings(tmp_path, cache_dir=tmp_path / "cache" / "twinread"))

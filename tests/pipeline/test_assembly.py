"""Settings to engines, and what stops the start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backend.errors import ReaderUnavailable, StoreFailed
from backend.pipeline import assembly
from backend.settings.settings import Settings


def settings(folder: Path, **values: Any) -> Settings:
    chosen = {"cache_dir": folder / "cache", "model_source": "packages", **values}
    return Settings(_env_file=None, **chosen)  # type: ignore[call-arg]


def test_a_reader_that_cannot_write_the_language_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ReaderUnavailable, match="eslav_PP-OCRv5_mobile_rec"):
        assembly.check_readers(settings(tmp_path, ocr_language="ru", readers="paddle,tesseract"))
    assembly.check_readers(settings(tmp_path, ocr_language="en", readers="paddle,tesseract"))


def test_the_store_is_made_in_the_cache_folder_or_where_its_address_says(tmp_path: Path) -> None:
    assembly.open_store(settings(tmp_path)).close()
    assert (tmp_path / "cache" / "readings.sqlite3").is_file()
    assembly.open_store(settings(tmp_path, store_url=f"sqlite:///{tmp_path / 'other.sqlite3'}")).close()
    assert (tmp_path / "other.sqlite3").is_file()


def test_a_cache_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file", "utf-8")
    with pytest.raises(StoreFailed, match="CACHE_DIR"):
        assembly.open_store(settings(tmp_path, cache_dir=tmp_path / "cache" / "twinread"))

"""A dataset that the exporter wrote and a model that reads it, made once for all tests of this package."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from backend.models.locate import find_model
from backend.settings.settings import Settings
from tests.parts.drawn_dataset import drawn_dataset
from tests.parts.reviewed_work import Work

TEXTS = (
    "invoice number", "total amount", "Berlin street", "received from", "price and place", "please return",
    "water supply", "signed copy", "second notice", "final letter", "garden house", "green apples",
    "summer rain", "winter coats", "morning paper", "evening news", "north gate", "south tower",
)  # fmt: skip


def work(text: str, first: str | None = None, second: str | None = None) -> Work:
    """A line that people approved, and what two readers had said of it."""
    return Work((text if first is None else first, text if second is None else second), text)


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine pages of two lines each; on every page the second reader took o for 0."""
    pages = [
        [work(text, second=text.replace("o", "0")) for text in TEXTS[at : at + 2]] for at in range(0, 18, 2)
    ]
    return drawn_dataset(tmp_path_factory.mktemp("exported") / "dataset", pages, ratio=(0.2, 0.1, 0.7))


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """No hub is asked, no other cache is used."""
    return Settings(
        _env_file=None, model_source="packages", ocr_language="en", cpu_threads=1, device="cpu",
        cache_dir=tmp_path_factory.mktemp("cache"),
    )  # fmt: skip


@pytest.fixture(scope="session")
def stock_folder(settings: Settings) -> Path:
    """The packaged recogniser as a folder."""
    found = find_model("PP-OCRv5_mobile_rec", source="packages", cache_dir=settings.cache_dir / "models")
    return found.directory


@pytest.fixture(scope="session")
def mixed_up(stock_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model, but for its dictionary: it writes W for Q, Q for W, and a for e."""
    folder = tmp_path_factory.mktemp("models") / "mixed-up"
    shutil.copytree(stock_folder, folder)
    path = folder / "inference.yml"
    lines = path.read_text("utf-8").split("\n")
    swapped = {"  - Q": "  - W", "  - W": "  - Q", "  - e": "  - a"}
    assert swapped.keys() <= set(lines)
    path.write_text("\n".join(swapped.get(line, line) for line in lines), "utf-8")
    return folder

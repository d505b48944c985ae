"""A reader's family is known from its identity, as every kind of reader gives it."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from backend.pipeline.reader_kind import ReaderSetup
from backend.pipeline.reader_kinds import KINDS, kinds
from backend.readers.families import SERVED, family_of
from backend.settings.settings import Settings

CARRIED = "PP-OCRv5_mobile_rec"


@pytest.mark.parametrize("turn", [0, 1])
@pytest.mark.parametrize(
    ("name", "values"),
    [
        pytest.param("tesseract", {}, id="Tesseract"),
        pytest.param("paddle", {"recognition_model": CARRIED}, id="PaddleOCR"),
        pytest.param("ernie", {}, id="ERNIE"),
        pytest.param("ernie", {"ernie_model": "baidu/ERNIE-4.5-VL-28B"}, id="as a hub names models"),
        pytest.param("ernie", {"ernie_model": "qwen2.5vl:7b"}, id="another model, with a colon in its name"),
        pytest.param("ernie", {"ernie_prompt_style": "ocr"}, id="other prompts"),
    ],
)
def test_an_identity_tells_the_family_of_its_kind(
    tmp_path: Path, name: str, values: dict[str, Any], turn: int
) -> None:
    server = {"ernie_base_url": "http://127.0.0.1:9/v1", "ernie_model": "ernie-4.5-vl"}
    chosen = {"cache_dir": tmp_path, "model_source": "packages", **server, **values}
    settings = Settings(_env_file=None, **chosen)  # type: ignore[call-arg]
    kind = kinds(ReaderSetup(settings, load=False))[name]
    with ExitStack() as opened:
        opened.callback(kind.close)
        assert family_of(kind.build("en", turn, opened).identity) == kind.family
    assert (kind.family in SERVED) is not kind.local


def test_every_kind_is_tried_above() -> None:
    assert set(KINDS) == {"tesseract", "paddle", "ernie"}


@pytest.mark.parametrize(
    ("identity", "family"),
    [
        ("tesseract-5.3.0(rus+eng@3fa94c,line)", "Tesseract"),
        ("PP-OCRv5_mobile_rec(2,margin=.2)", "PP-OCR"),
        ("ours@1f3a9c07(2)", "PP-OCR"),
        ("tesseract_like@1f3a9c07", "PP-OCR"),
        ("ERNIE-4.5-VL:plain@0c1f52aa9b1e", "ERNIE"),
    ],
)
def test_what_stands_in_old_predictions(identity: str, family: str) -> None:
    assert family_of(identity) == family

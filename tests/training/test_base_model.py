"""The model to start from: what a person may name, and what is made of it."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from backend.errors import BadRequest, ModelMissing
from converters.training.base_model import (
    BaseModel,
    dictionary_file,
    find_base,
    look_alikes,
    read_dictionary,
    target_of,
)
from tests.parts.trainer import CACHE, ESLAV, SOURCE


def found(text: str | None, language: str | None = "ru", cache: Path = CACHE) -> BaseModel:
    return find_base(text, language, source=SOURCE, cache=cache, model_source="packages")


def test_without_a_name_it_is_the_one_for_the_language_or_the_one_that_packages_carry() -> None:
    base = found(None)
    assert (base.name, base.weights, len(base.dictionary)) == ("PP-OCRv5_mobile_rec", None, 18383)
    assert base.directory is not None
    assert base.dictionary[:3] == ["\u3000", "一", "乙"]
    assert " " not in base.dictionary
    assert found("PP-OCRv5_mobile_rec") == base == found(str(base.directory)) == found(None, "zh")


def test_a_base_that_cannot_write_the_language_becomes_a_model_that_can() -> None:
    base = found(None)
    target = target_of(base, "ru", SOURCE)
    assert target.name == "eslav_PP-OCRv5_mobile_rec"
    assert target.dictionary == read_dictionary(ESLAV)
    for language in ("en", "zh", None):
        same = target_of(base, language, SOURCE)
        assert (same.name, same.dictionary) == (base.name, base.dictionary)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("eslav_PP-OCRv5_mobile_rec", "ppocrv5_eslav_dict.txt"),
        ("PP-OCRv5_server_rec", "ppocrv5_dict.txt"),
        ("th_PP-OCRv5_mobile_rec", "ppocrv5_th_dict.txt"),
        ("PP-OCRv4_mobile_rec", None),
        ("my own", None),
    ],
)
def test_the_dictionary_of_a_published_model_is_in_paddleocrs_source(name: str, file: str | None) -> None:
    path = dictionary_file(name, SOURCE)
    assert (path.name if path else None) == file


@pytest.mark.parametrize(
    ("character", "twin"),
    [
        pytest.param("о", "o", id="Latin twin"),
        pytest.param("Р", "P", id="Latin twin of a capital"),
        pytest.param("ё", "ë", id="twin with its marks"),
        pytest.param("й", "и", id="without its mark"),
        pytest.param("Ж", "ж", id="other case"),
        pytest.param("х", "x", id="a letter before a digit or a sign"),
        pytest.param("ф", None, id="nothing like it"),
    ],
)
def test_a_character_that_the_base_lacks_starts_from_one_that_looks_like_it(
    character: str, twin: str | None
) -> None:
    base = ["0", "o", "O", "P", "p", "ë", "e", "и", "ж", "×", "x", "X", "国"]
    assert look_alikes(base, ["o", "国", character]) == ({character: twin} if twin else {})


def test_training_weights_say_their_characters_by_their_name_or_by_the_files_beside_them(
    tmp_path: Path,
) -> None:
    official = tmp_path / "eslav_PP-OCRv5_mobile_rec_pretrained.pdparams"
    official.write_bytes(b"weights")
    base = found(str(official))
    assert (base.name, base.weights, base.directory) == ("eslav_PP-OCRv5_mobile_rec", official, None)
    assert base.dictionary == read_dictionary(ESLAV)
    assert base.sha256 == hashlib.sha256(b"weights").hexdigest()

    # a run of ours: best/best.pdparams below dict.txt and config.yml
    run = tmp_path / "runs" / "1"
    (run / "best").mkdir(parents=True)
    (run / "best" / "best.pdparams").write_bytes(b"mine")
    (run / "dict.txt").write_text("а\nб\n", "utf-8")
    (run / "config.yml").write_text("Global: {model_name: cyrillic_PP-OCRv5_mobile_rec}\n", "utf-8")
    base = found(str(run / "best" / "best.pdparams"))
    assert (base.name, base.dictionary) == ("cyrillic_PP-OCRv5_mobile_rec", ["а", "б"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("nowhere.pdparams", "no such file", id="file"),
        pytest.param("models/nowhere", "no such folder", id="folder"),
        pytest.param("http://127.0.0.1/a.pdparams", "needs the SHA-256", id="address without a sum"),
        pytest.param("http://127.0.0.1/a.pdparams#abc", "needs the SHA-256", id="a short sum"),
        pytest.param("mine.pdparams", "Put its dictionary beside it", id="weights of unknown characters"),
    ],
)
def test_a_base_that_is_none_is_refused(text: str, expected: str, tmp_path: Path, in_folder: Path) -> None:
    (in_folder / "mine.pdparams").write_bytes(b"weights")
    with pytest.raises(BadRequest, match=expected):
        found(text, None, tmp_path)


@pytest.fixture
def in_folder(tmp_path: Path) -> Iterator[Path]:
    import os

    before = Path.cwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)


def test_a_model_that_paddle_2_exported_is_refused(tmp_path: Path) -> None:
    packaged = found(None).directory
    assert packaged is not None
    shutil.copy(packaged / "inference.yml", tmp_path)
    (tmp_path / "inference.pdmodel").touch()
    (tmp_path / "inference.pdiparams").touch()
    with pytest.raises(BadRequest, match="exported by PaddlePaddle 2 or as ONNX alone"):
        found(str(tmp_path))


def answering(content: bytes, status: int = 200) -> httpx.Client:
    return httpx.Client(
        transport=httpx.MockTransport(lambda request: httpx.Response(status, content=content))
    )


def test_weights_are_downloaded_once_and_only_as_the_sum_says(tmp_path: Path) -> None:
    address = "http://models/eslav_PP-OCRv5_mobile_rec_pretrained.pdparams"
    digest = hashlib.sha256(b"weights").hexdigest()

    def get(sum_: str, client: httpx.Client) -> BaseModel:
        return find_base(f"{address}#{sum_}", "ru", source=SOURCE, cache=tmp_path, client=client)

    with pytest.raises(BadRequest, match="it was thrown away"):
        get(digest, answering(b"something else"))
    with pytest.raises(ModelMissing, match="could not be downloaded"):
        get(digest, answering(b"", 503))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    base = get(digest, answering(b"weights"))
    assert base.name == "eslav_PP-OCRv5_mobile_rec"
    assert base.weights is not None
    assert base.weights.read_bytes() == b"weights"
    assert get(f"sha256={digest.upper()}", answering(b"never asked", 500)) == base

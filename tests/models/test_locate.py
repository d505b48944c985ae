from __future__ import annotations

import inspect
import logging
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from importlib import metadata
from pathlib import Path

import pytest

from backend.errors import ModelMissing, SettingsWrong
from backend.models.locate import ModelLocation, detection_defaults, dictionary, find_model
from backend.text import languages

TABLE = Path(languages.__file__).with_name("alphabets.tsv")


def described(folder: Path, text: str, *weights: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "inference.yml").write_text(text, "utf-8")
    for name in weights:
        (folder / name).write_bytes(b"weights of " + name.encode())
    return folder


def latin_languages() -> list[str]:
    """Codes of the languages that are usually written in Latin letters."""
    found = set()
    for row in TABLE.read_text("utf-8").splitlines():
        # Toki Pona and such have letters and no code
        with suppress(SettingsWrong):
            code = languages.language_code(row.split("\t")[0])
            if languages.script(code) == "Latin" and languages.letters(code):
                found.add(code)
    return sorted(found)


def recogniser(folder: Path, *weights: str) -> Path:
    text = (
        "Global:\n  model_name: eslav_PP-OCRv5_mobile_rec\nPostProcess:\n  character_dict: [а, '1', ~, no]\n"
    )
    return described(folder, text, *weights)


def test_packages_give_a_model_that_is_whole_and_made_once(tmp_path):
    first = find_model("PP-OCRv5_mobile_det", source="packages", cache_dir=tmp_path)
    assert first == ModelLocation(
        "PP-OCRv5_mobile_det", tmp_path / "PP-OCRv5_mobile_det", "packages", "PP-OCRv5_mobile_det"
    )
    assert sorted(file.name for file in first.directory.iterdir()) == ["inference.onnx", "inference.yml"]
    assert [folder.name for folder in tmp_path.iterdir()] == ["PP-OCRv5_mobile_det"]

    made = (first.directory / "inference.onnx").stat()
    again = find_model("PP-OCRv5_mobile_det", source="packages", cache_dir=tmp_path)
    assert again == first
    assert (first.directory / "inference.onnx").stat().st_ino == made.st_ino


def test_a_model_put_together_halfway_is_put_together_again(tmp_path):
    half = tmp_path / "PP-OCRv5_mobile_det"
    half.mkdir(parents=True)
    location = find_model("PP-OCRv5_mobile_det", source="packages", cache_dir=tmp_path)
    assert detection_defaults(location).thresh == 0.3


def test_a_cache_that_cannot_be_written_is_one_sentence_without_its_path(tmp_path):
    (tmp_path / "file").write_text("no folder", "utf-8")
    with pytest.raises(ModelMissing, match="CACHE_DIR cannot be written") as caught:
        find_model("PP-OCRv5_mobile_det", source="packages", cache_dir=tmp_path / "file" / "models")
    assert str(tmp_path) not in str(caught.value)


def test_the_same_packages_serve_paddles_engine(tmp_path):
    location = find_model("PP-OCRv5_mobile_rec", engine="paddle", source="packages", cache_dir=tmp_path)
    assert (location.directory / "inference.pdiparams").is_file()
    assert not list(tmp_path.iterdir())


def test_a_smaller_model_never_stands_in_silently(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        location = find_model("PP-OCRv5_server_det", source="packages", cache_dir=tmp_path)
    assert (location.name, location.requested, location.is_substitute) == (
        "PP-OCRv5_mobile_det",
        "PP-OCRv5_server_det",
        True,
    )
    assert location.identity == "PP-OCRv5_mobile_det"
    assert "PP-OCRv5_mobile_det, from an installed package, stands in for it" in caplog.text


def test_another_model_than_the_default_is_not_replaced(tmp_path):
    with pytest.raises(ModelMissing, match="PP-OCRv4_mobile_det is not on this machine") as caught:
        find_model("PP-OCRv4_mobile_det", source="packages", cache_dir=tmp_path)
    assert "'PP-OCRv4_mobile_det_onnx'" in str(caught.value)


def test_paddlex_still_has_the_path_by_which_models_are_fetched():
    try:
        from paddlex.inference.utils.official_models import official_models
    except ImportError:
        official_models = None
    assert official_models is not None, (
        f"paddlex {metadata.version('paddlex')} has no paddlex.inference.utils.official_models any "
        "more, which backend/models/locate.py needs. Find its new place, or narrow paddlex in pyproject.toml."
    )
    assert "PP-OCRv5_server_det" in official_models
    assert "PP-OCRv5_server_det" in official_models.model_list
    assert "model_formats" in inspect.signature(official_models.get_model_path).parameters


def test_a_name_that_paddleocr_does_not_publish_is_told_with_those_close_to_it(tmp_path):
    with pytest.raises(SettingsWrong, match="eslav_PP-OCRv5_mobile_rec"):
        find_model("eslav_PPOCRv5_mobile_rec", cache_dir=tmp_path)


@pytest.mark.parametrize(
    ("engine", "folder", "weights"),
    [
        pytest.param("onnxruntime", "eslav_PP-OCRv5_mobile_rec_onnx", ["inference.onnx"], id="ONNX"),
        pytest.param(
            "paddle", "eslav_PP-OCRv5_mobile_rec", ["inference.json", "inference.pdiparams"], id="Paddle"
        ),
    ],
)
def test_paddleocrs_cache_is_used_without_any_network(tmp_path, monkeypatch, engine, folder, weights):
    monkeypatch.setenv("PADDLE_PDX_CACHE_HOME", str(tmp_path))
    cached = recogniser(tmp_path / "official_models" / folder, *weights)
    location = find_model("eslav_PP-OCRv5_mobile_rec", engine=engine)
    assert location == ModelLocation(
        "eslav_PP-OCRv5_mobile_rec", cached, "cache", "eslav_PP-OCRv5_mobile_rec"
    )


def test_a_folder_of_ones_own_wins_and_is_told_apart_from_another_training(tmp_path):
    first = find_model("whatever", recogniser(tmp_path / "a", "inference.onnx"))
    moved = find_model(None, shutil.copytree(tmp_path / "a", tmp_path / "b"))
    (tmp_path / "a" / "inference.onnx").write_bytes(b"trained further")
    further = find_model(None, tmp_path / "a")

    assert first.came_from == "folder"
    assert first.name == first.requested == "eslav_PP-OCRv5_mobile_rec"
    assert first.identity == moved.identity == f"eslav_PP-OCRv5_mobile_rec@{first.fingerprint}"
    assert len(first.fingerprint) == 8
    assert further.identity != first.identity


@pytest.mark.parametrize(
    ("make", "engine", "words"),
    [
        pytest.param(lambda folder: None, "onnxruntime", "does not exist", id="no folder"),
        pytest.param(lambda folder: folder.mkdir(), "onnxruntime", "no exported PaddleOCR model", id="empty"),
        pytest.param(
            lambda folder: described(folder, "- just\n- a list\n"), "paddle", "names no model", id="no name"
        ),
        pytest.param(
            lambda folder: described(folder, "a: [unclosed", "inference.onnx"),
            "onnxruntime",
            "no exported PaddleOCR model",
            id="not YAML",
        ),
        pytest.param(recogniser, "onnxruntime", "holds no weights: inference.onnx", id="no weights"),
        pytest.param(
            lambda folder: recogniser(folder, "inference.json", "inference.pdiparams"),
            "onnxruntime",
            "paddlex --paddle2onnx --paddle_model_dir",
            id="Paddle's weights for onnxruntime",
        ),
        pytest.param(
            lambda folder: recogniser(folder, "inference.onnx"),
            "paddle",
            "Set ENGINE=onnxruntime",
            id="ONNX for Paddle",
        ),
    ],
)
def test_a_folder_that_cannot_be_loaded_says_what_to_do(tmp_path, make, engine, words):
    make(tmp_path / "mine")
    with pytest.raises(SettingsWrong, match=words) as caught:
        find_model(None, tmp_path / "mine", engine=engine)
    assert "'mine'" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_every_entry_of_a_dictionary_is_text_and_the_space_is_one_of_them(tmp_path):
    location = find_model(None, recogniser(tmp_path / "mine", "inference.onnx"))
    assert dictionary(location) == ["а", "1", "~", "no", " "]


def test_the_carried_recogniser_lists_what_its_makers_published(tmp_path):
    location = find_model("PP-OCRv5_server_rec", source="packages", cache_dir=tmp_path)
    entries = dictionary(location)
    assert (len(entries), entries[-1]) == (18_384, " ")
    assert {"A", "1", "€", "é", "Б"} - set(entries) == {"Б"}


def test_pp_ocrv6_lists_what_its_network_can_write(tmp_path):
    location = find_model("PP-OCRv6_small_rec", source="packages", cache_dir=tmp_path)
    assert (location.identity, location.came_from) == ("PP-OCRv6_small_rec", "packages")
    entries = dictionary(location)
    # the network's last layer has 18,710 outputs: these, and "no letter"
    assert (len(entries), len(set(entries)), entries[0], entries[-1]) == (18_709, 18_709, "!", " ")
    assert {"A", "1", "\u3000", "ə", "Ə", "€", "字", "Б", "ა"} - set(entries) == {"Б", "ა"}


def test_the_letters_by_which_a_language_gets_pp_ocrv6_are_those_of_its_dictionary(tmp_path):
    charset = dictionary(find_model("PP-OCRv6_small_rec", source="packages", cache_dir=tmp_path))
    latin = latin_languages()
    given = [code for code in latin if languages.recognition_model(code) == "PP-OCRv6_small_rec"]
    able = [code for code in latin if not languages.missing_letters(code, charset)]
    assert given == able
    # beside those that PP-OCRv5 writes
    assert sum(languages.trainable_model(code) is None for code in given) > 100


def test_detectors_and_recognisers_are_not_taken_for_each_other(tmp_path):
    detector = find_model("PP-OCRv5_mobile_det", source="packages", cache_dir=tmp_path)
    reader = find_model("PP-OCRv5_mobile_rec", source="packages", cache_dir=tmp_path)
    defaults = detection_defaults(detector)
    assert (defaults.limit_side_len, defaults.box_thresh, defaults.unclip_ratio) == (960, 0.6, 1.5)
    with pytest.raises(SettingsWrong, match="no text detection model"):
        detection_defaults(reader)
    with pytest.raises(SettingsWrong, match="reads no text"):
        dictionary(detector)


def test_hubs_that_are_out_of_reach_are_one_sentence_of_ours(tmp_path):
    """PaddleX names them in red and yellow, several times, with addresses that nobody here chose."""
    nowhere = "http://127.0.0.1:9"
    found = subprocess.run(
        [
            sys.executable,
            "-c",
            "from backend.models.locate import find_model\nfind_model('PP-OCRv5_server_rec')",
        ],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "XDG_CACHE_HOME": str(tmp_path),
            "PADDLE_PDX_CACHE_HOME": str(tmp_path),
            **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), nowhere),
        },
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert found.returncode == 0, found.stderr
    (said,) = (found.stdout + found.stderr).splitlines()
    assert said.startswith("PP-OCRv5_server_rec is not at hand (none of PaddleOCR's hubs can be reached)")

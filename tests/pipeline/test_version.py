"""One model version for everything that decides a prediction, and for nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from backend.pipeline import assembly, version
from backend.pipeline.panels import Panels
from backend.settings.settings import Settings

ERNIE = {"ernie_base_url": "http://127.0.0.1:9/v1", "ernie_model": "ernie-4.5-vl", "ocr_language": "ru"}


def settings(folder: Path, **values: Any) -> Settings:
    chosen = {"cache_dir": folder / "cache", "model_source": "packages", **values}
    return Settings(_env_file=None, **chosen)  # type: ignore[call-arg]


def version_of(folder: Path, stages: Mapping[str, int] = version.STAGES, **values: Any) -> str:
    """The model version of these settings; no model is loaded for it."""
    chosen = settings(folder, **{**ERNIE, **values})
    with Panels(chosen, None) as panels:
        panel = panels.panel(chosen.ocr_language)
        detector = assembly.detector(chosen)
        model = detector.location.identity
        return version.model_version(detector.identity, model, panel, panels.at_hand(), chosen, stages)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compose")


@pytest.fixture(scope="module")
def plain(folder: Path) -> str:
    return version_of(folder)


def test_the_version_says_who_reads_first_and_ends_exact(plain: str) -> None:
    readable, _, digest = plain.rpartition(" ")
    engine = re.escape("ERNIE x2 with Tesseract for Russian (PP-OCRv5_mobile_det ernie-4.5-vl tesseract-")
    assert re.fullmatch(engine + r"[0-9.]+\)", readable)
    assert len(digest) == 8


@pytest.mark.parametrize(
    ("values", "who", "tab"),
    [
        pytest.param(
            {"readers": "paddle,tesseract", "ocr_language": "en"},
            "Paddle+Tesseract for English (PP-OCRv5_mobile_det ",
            "Paddle+T",
            id="two engines",
        ),
        pytest.param(
            {"readers": "tesseract,tesseract"},
            "Tesseract x2 for Russian (PP-OCRv5_mobile_det tesseract-",
            "Tesserac",
            id="one engine, two looks",
        ),
        pytest.param(
            {"readers": "ernie,paddle", "ocr_language": "en"},
            "ERNIE+Paddle for English (PP-OCRv5_mobile_det ernie-4.5-vl ",
            "ERNIE+Pa",
            id="a server and an engine",
        ),
        pytest.param(
            {"readers": "ernie,ernie"},
            "ERNIE x2 for Russian (PP-OCRv5_mobile_det ernie-4.5-vl)",
            "ERNIE x2",
            id="a server, named, without a witness",
        ),
        pytest.param(
            {"ernie_model": "baidu/ERNIE-4.5-VL-28B"},
            "ERNIE x2 with Tesseract for Russian (PP-OCRv5_mobile_det ERNIE-4.5-VL-28B tesseract-",
            "ERNIE x2",
            id="as a hub names models",
        ),
        pytest.param(
            {"ernie_model": "qwen2.5vl:7b", "witness": "off"},
            "qwen2.5vl:7b x2 for Russian (PP-OCRv5_mobile_det qwen2.5vl:7b)",
            "qwen2.5v",
            id="another model, with a colon in its name",
        ),
    ],
)
def test_an_annotator_sees_who_read_in_what_a_tab_shows(
    folder: Path, values: dict[str, Any], who: str, tab: str
) -> None:
    named = version_of(folder, **values)
    assert named.startswith(who)
    assert named[:8] == tab, "the tab shows 8 characters of the beginning"
    assert "," not in named


@pytest.mark.parametrize(
    ("named", "ours"),
    [
        pytest.param(
            "Paddle+Tesseract for Russian (PP-OCRv5_mobile_det tesseract-5.3.0) 1f3a9c07", True, id="today"
        ),
        pytest.param("PP-OCRv5_mobile_det ernie:plain+ernie:careful ru 1f3a9c07", True, id="before"),
        pytest.param("imported:Label.txt", False, id="twinread import"),
        pytest.param("yolo-v8 2026-05-01", False, id="another model"),
        pytest.param("", False, id="none"),
    ],
)
def test_versions_of_ours_are_told_from_others(plain: str, named: str, ours: bool) -> None:
    assert version.is_model_version(plain)
    assert version.is_model_version(named) is ours


@pytest.mark.parametrize(
    "values",
    [
        {"detection_thresh": 0.2},
        {"detection_box_thresh": 0},
        {"detection_unclip_ratio": 1.7},
        {"detection_limit_side_len": 1280},
        {"detection_limit_type": "min"},
        {"detection_max_side_limit": 3000},
        {"detection_enlarge_below": 0},
        {"detection_high_resolution_from": 0},
        {"detection_input_shape": "3,640,640"},
        {"ernie_model": "ernie-5"},
        {"ernie_temperature": 0.5},
        {"ernie_top_p": 0.9},
        {"ernie_disable_thinking": False},
        {"ernie_extra_body": {"seed": 7}},
        {"ernie_image_format": "png"},
        {"ernie_prompt_style": "ocr"},
        {"readers": "ernie,tesseract"},
        {"readers": "tesseract,ernie"},
        {"readers": "ernie,ernie,tesseract"},
        {"witness": "off"},
        {"tessdata_dir": "/nowhere"},
        {"reading_policy": "second-when-needed"},
        {"reading_policy": "second-when-needed", "tessdata_dir": "/nowhere"},
        {"ocr_language": "uk"},
        {"tall_lines": "never"},
        {"text_style": "as-read"},
        {"message_language": "ru"},
        {"label_text": "Line"},
        {"label_check": "Doubt"},
    ],
    ids=lambda values: ",".join(f"{name}={value}" for name, value in values.items()),
)
def test_what_can_change_a_prediction_changes_the_version(
    folder: Path, plain: str, values: dict[str, Any]
) -> None:
    assert version_of(folder, **values) != plain


@pytest.mark.parametrize(
    "values",
    [
        {"page_workers": 9},
        {"predict_deadline_s": 3},
        {"ernie_concurrency": 2},
        {"ernie_timeout_s": 5},
        {"ernie_page_timeout_s": 5},
        {"ernie_max_retries": 0},
        {"ernie_api_key": "sk-1"},
        {"ernie_base_url": "http://127.0.0.2:9/v1"},
        {"label_studio_url": "http://localhost:8081"},
        {"label_studio_api_key": "0" * 40},
        {"store_url": "sqlite:///elsewhere.sqlite3"},
        {"log_level": "DEBUG"},
        {"cpu_threads": 1},
        {"max_image_bytes": 10},
        {"max_page_pixels": 10},
        {"image_timeout_s": 3},
        {"image_cache_bytes": 0},
        {"allowed_image_hosts": "pictures"},
        {"webhook_secret": "s3cret"},
        {"basic_auth_user": "ls", "basic_auth_pass": "x"},
        {"recognition_batch_size": 2},
        {"reading_policy": "all"},
        {"witness": "auto"},
    ],
    ids=lambda values: ",".join(values),
)
def test_what_cannot_change_a_prediction_leaves_the_version(
    folder: Path, plain: str, values: dict[str, Any]
) -> None:
    assert version_of(folder, **values) == plain


def test_without_a_witness_the_version_is_that_of_the_same_readers_named(folder: Path) -> None:
    off = version_of(folder, witness="off")
    assert off == version_of(folder, readers="ernie,ernie")
    assert off == version_of(folder, witness="off", tessdata_dir="/nowhere")


def test_another_folder_gives_the_same_version(tmp_path: Path, plain: str) -> None:
    assert version_of(tmp_path) == plain


def test_the_number_of_every_stage_and_the_libraries_that_matter_decide(folder: Path, plain: str) -> None:
    for stage, number in version.STAGES.items():
        assert version_of(folder, {**version.STAGES, stage: number + 1}) != plain, stage
    assert version_of(folder, dict(version.STAGES)) == plain
    found = version.installed(version.LIBRARIES)
    assert {"onnxruntime", "opencv-contrib-python", "paddlex", "pillow"} <= set(found)
    assert all(number.count(".") == 1 for number in found.values()), "a patch release asks for no page anew"


def test_the_policy_of_reading_is_part_of_the_version_even_where_the_same_readers_read(folder: Path) -> None:
    readers = {"readers": "ernie,tesseract,ernie"}
    assert version_of(folder, **readers) != version_of(folder, **readers, reading_policy="second-when-needed")

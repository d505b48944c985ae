"""One model version for everything that decides a prediction, and for nothing else."""

from __future__ import annotations

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


def test_the_version_begins_with_names_that_people_know(plain: str) -> None:
    model, readers, language, digest = plain.split(" ")
    assert (model, language) == ("PP-OCRv5_mobile_det", "ru")
    assert readers.startswith("ernie-4.5-vl:")
    assert readers.count("+") == 1
    assert len(digest) == 8


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
        {"readers": "ernie,ernie"},
        {"tessdata_dir": "/nowhere"},
        {"recognition_model": "PP-OCRv5_mobile_rec"},
    ],
    ids=lambda values: ",".join(values),
)
def test_what_cannot_change_a_prediction_leaves_the_version(
    folder: Path, plain: str, values: dict[str, Any]
) -> None:
    assert version_of(folder, **values) == plain


def test_another_folder_gives_the_same_version(tmp_path: Path, plain: str) -> None:
    assert version_of(tmp_path) == plain


def test_the_number_of_every_stage_and_the_libraries_that_matter_decide(folder: Path, plain: str) -> None:
    for stage, number in version.STAGES.items():
        assert version_of(folder, {**version.STAGES, stage: number + 1}) != plain, stage
    assert version_of(folder, dict(version.STAGES)) == plain
    found = version.installed(version.LIBRARIES)
    assert {"onnxruntime", "opencv-contrib-python", "paddlex", "pillow"} <= set(found)
    assert all(number.count(".") == 1 for number in found.values()), "a patch release asks for no page anew"

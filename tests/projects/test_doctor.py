"""What the doctor sees without a Label Studio; `end_to_end/test_doctor.py` has one."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

from backend.models.promoted import Promotions
from backend.projects.doctor import CV2_WHEELS, Check, examine
from backend.settings.settings import Settings
from tests.parts.http_script import says, serving
from tests.parts.promoted import packaged_recogniser, promoted, trained_model

NOWHERE = "http://127.0.0.1:9"


def findings(folder: Path, **values: Any) -> dict[str, Check]:
    """The doctor's findings by what they are about."""
    chosen = {"cache_dir": folder / "cache", "model_source": "packages", "ocr_language": "ru", **values}
    settings = Settings(_env_file=None, **chosen)  # type: ignore[call-arg]
    return {check.about: check for check in examine(settings, NOWHERE)}


def test_a_reader_whose_data_is_there_but_of_no_use_is_no_reader(tmp_path: Path) -> None:
    (tmp_path / "rus.traineddata").write_bytes(b"cut off")
    found = findings(tmp_path, readers="tesseract,tesseract", tessdata_dir=tmp_path)
    assert not found["readers"].ok
    assert "could not load its data for rus" in found["readers"].says


def test_readers_are_given_rendered_lines_in_the_language(tmp_path: Path) -> None:
    found = findings(tmp_path, readers="tesseract,tesseract")["readers"]
    assert found.ok
    assert found.says.endswith("read 'ru' and know all its letters. Rendered lines read right: 5 and 5 of 5.")


def test_a_model_that_loads_and_reads_nonsense_is_wrong(tmp_path: Path) -> None:
    assert findings(tmp_path, ocr_language="en", readers="paddle,tesseract")["readers"].ok
    model = tmp_path / "cache" / "models" / "PP-OCRv6_small_rec"
    described = yaml.safe_load((model / "inference.yml").read_text("utf-8"))
    # as an export with a dictionary in another order
    described["PostProcess"]["character_dict"].reverse()
    (model / "inference.yml").write_text(yaml.safe_dump(described, allow_unicode=True), "utf-8")

    found = findings(tmp_path, ocr_language="en", readers="paddle,tesseract", recognition_model_dir=model)

    assert not found["readers"].ok
    assert "misreads clean print: none of 5 rendered lines right, '" in found["readers"].says
    assert "dictionary that it was trained with" in found["readers"].says
    assert "tesseract" not in found["readers"].says
    assert found["store"].ok


def test_the_promoted_model_is_named_and_tried(tmp_path: Path) -> None:
    english = {"ocr_language": "en", "readers": "paddle,tesseract"}
    assert "promoted model" not in findings(tmp_path, **english)
    model = promoted(trained_model(tmp_path / "ru-1", packaged_recogniser(tmp_path / "cache" / "models")))
    Promotions.under(tmp_path / "cache").promote(model)

    found = findings(tmp_path, **english)
    assert found["promoted model"] == Check(
        "promoted model",
        True,
        f"{model.identity} reads 'en', promoted 2026-11-26T10:00:00+00:00 by the rule. It reads better.",
    )
    assert model.identity in found["readers"].says

    not_asked = findings(tmp_path, ocr_language="en", readers="tesseract,tesseract")["promoted model"]
    assert not_asked.ok
    assert "does not read. READERS names tesseract,tesseract" in not_asked.says

    (model.directory / "inference.onnx").write_bytes(b"no network")
    changed = findings(tmp_path, **english)["promoted model"]
    assert not changed.ok
    assert "changed after it was promoted" in changed.says

    Promotions.under(tmp_path / "cache").path.write_text("{", "utf-8")
    damaged = findings(tmp_path, **english)["promoted model"]
    assert not damaged.ok
    assert "no whole JSON" in damaged.says


def test_without_a_font_the_readers_are_not_called_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "XDG_DATA_HOME", "XDG_DATA_DIRS", "PATH"):
        monkeypatch.setenv(name, str(tmp_path))
    found = findings(tmp_path, readers="tesseract,tesseract")["readers"]
    assert found.ok
    assert found.says.endswith(
        "Not tried on rendered lines: no font with Russian letters on this machine; "
        "apt-get install fonts-dejavu-core."
    )


def test_a_key_that_cannot_be_one_is_a_finding_and_the_rest_is_looked_at(tmp_path: Path) -> None:
    found = findings(tmp_path, label_studio_api_key="two words", device="gpu:7")
    assert "LABEL_STUDIO_API_KEY" in found["Label Studio"].says
    assert [about for about, check in found.items() if not check.ok][:1] == ["Label Studio"]
    assert found["store"].ok


def test_the_doctor_does_not_count_what_it_writes_itself(tmp_path: Path) -> None:
    for _ in range(2):
        assert findings(tmp_path, device="gpu:7")["store"].says.startswith("0 readings are kept")


def test_one_wheel_of_cv2_is_well(tmp_path: Path) -> None:
    found = findings(tmp_path, device="gpu:7")["cv2"]
    assert found.ok
    assert CV2_WHEELS[0] in found.says


@pytest.mark.parametrize("second", CV2_WHEELS[1:])
def test_a_second_wheel_of_cv2_is_named_with_the_way_back_to_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: str
) -> None:
    info = tmp_path / "site" / f"{second.replace('-', '_')}-4.12.0.88.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {second}\nVersion: 4.12.0.88\n")
    monkeypatch.syspath_prepend(info.parent)
    first = metadata.version(CV2_WHEELS[0])

    found = findings(tmp_path, device="gpu:7")["cv2"]

    assert not found.ok
    assert found.says.startswith(
        f"opencv-contrib-python {first} and {second} 4.12.0.88 write the same folder"
    )
    # taking one away takes files of the other with it
    assert found.says.endswith(
        f"pip uninstall -y {second} && pip install --force-reinstall --no-deps opencv-contrib-python=={first}"
    )


def test_two_wheels_of_onnxruntime_are_named_with_the_way_to_the_one_with_cuda(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = findings(tmp_path, device="cpu", cpu_threads=1)
    assert alone["device"].says == f"Models run on cpu, by onnxruntime {metadata.version('onnxruntime')}."
    assert "on cpu by onnxruntime's CPUExecutionProvider, 1 session of 1 thread" in (
        alone["detection model"].says
    )
    info = tmp_path / "site" / "onnxruntime_gpu-1.31.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: onnxruntime-gpu\nVersion: 1.31.1\n")
    monkeypatch.syspath_prepend(info.parent)

    found = findings(tmp_path, device="cpu", cpu_threads=1)["device"]

    assert not found.ok
    assert found.says.startswith("onnxruntime and onnxruntime-gpu write the same folder")
    assert found.says.endswith(
        'pip uninstall -y onnxruntime onnxruntime-gpu && pip install "onnxruntime-gpu[cuda,cudnn]==1.31.1"'
    )


@pytest.mark.parametrize("answer", [b"{}", b"[]", b"null", b"<html>"], ids=["object", "list", "null", "page"])
def test_another_server_at_the_address_is_no_label_studio(tmp_path: Path, answer: bytes) -> None:
    with serving() as server:
        server.scripts["/api/version/"] = says(answer)
        found = findings(tmp_path, label_studio_url=server.url, label_studio_api_key="0" * 40, device="gpu:7")
    assert "does not answer as Label Studio does" in found["Label Studio"].says

"""`twinread doctor` on real parts: all well, and each thing that can be wrong, by name."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.readers.ernie.check import WORDS
from tests.parts.backend_process import RunningBackend, free_port, variables
from tests.parts.ernie_stand_in import Raw, Say, StandIn
from tests.parts.label_studio import LABEL_STUDIO, RunningLabelStudio

pytestmark = LABEL_STUDIO


@pytest.fixture(scope="module")
def seeing() -> Iterator[StandIn]:
    """An ERNIE that reads the doctor's picture; it serves no other model than its own."""
    with StandIn(lambda asked: Say("ready" if asked.picture is None else WORDS)).running() as server:
        yield server


def doctor(
    folder: Path, backend_url: str, **settings: object
) -> tuple[int, dict[str, tuple[bool, str]], str]:
    """The command's exit code, its findings by what they are about, and what it printed."""
    report = folder / "report.json"
    command = (sys.executable, "-m", "backend", "doctor", "--backend-url", backend_url)
    run = subprocess.run(
        [*command, "--summary-json", str(report)],
        cwd=folder,
        env=variables(folder, {"cache_dir": folder.parent / "cache", "ocr_language": "ru", **settings}),
        capture_output=True,
        text=True,
        check=False,
    )
    printed = run.stdout + run.stderr
    assert "Traceback" not in printed, printed
    found = json.loads(report.read_text("utf-8")) if report.exists() else []
    findings: dict[str, tuple[bool, str]] = {}
    for check in found:
        ok, says = findings.get(check["about"], (True, ""))
        findings[check["about"]] = (ok and check["ok"], f"{says}\n{check['says']}")
    return run.returncode, findings, printed


def test_all_is_well_line_by_line(
    label_studio: RunningLabelStudio, local_backend: RunningBackend, seeing: StandIn, tmp_path: Path
) -> None:
    before = {project["id"] for project in label_studio.api().projects()}
    code, findings, printed = doctor(
        tmp_path,
        local_backend.url,
        label_studio_url=label_studio.base_url,
        label_studio_api_key=label_studio.personal_token,
        ernie_base_url=seeing.base_url,
        ernie_model=seeing.model,
    )
    assert code == 0, printed
    assert list(findings) == [
        "Label Studio",
        "token",
        "rights and address block",
        "cv2",
        "device",
        "disk",
        "detection model",
        "readers",
        "ERNIE",
        "store",
    ]
    assert "personal access token of annotator@example.org" in findings["token"][1]
    assert "Models run on cpu, by onnxruntime " in findings["device"][1]
    detection = findings["detection model"][1]
    assert "PP-OCRv5_mobile_det from packages, on cpu by onnxruntime's CPUExecutionProvider" in detection
    assert findings["ERNIE"][1].count(WORDS) >= 2
    assert "All is well." in printed
    assert label_studio.personal_token.get_secret_value() not in printed
    # the project that it made is gone again
    assert {project["id"] for project in label_studio.api().projects()} == before


def test_every_failure_is_named_with_what_mends_it(
    label_studio: RunningLabelStudio, seeing: StandIn, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("not a folder", "utf-8")
    code, findings, printed = doctor(
        tmp_path,
        f"http://127.0.0.1:{free_port()}",
        label_studio_url=label_studio.base_url,
        label_studio_api_key="0" * 40,
        ernie_base_url=seeing.base_url,
        ernie_model="ernie-4.5-vl",
        readers="paddle,tesseract",
        device="gpu:7",
        store_url=f"sqlite:///{tmp_path / 'file' / 'readings.sqlite3'}",
    )
    assert code == 1, printed
    wrong = {about: says for about, (ok, says) in findings.items() if not ok}
    assert set(wrong) == {"Label Studio", "device", "detection model", "readers", "ERNIE", "store"}
    assert "LABEL_STUDIO_API_KEY" in wrong["Label Studio"]
    assert "onnxruntime-gpu" in wrong["device"]
    assert "DEVICE" in wrong["detection model"]
    assert "ernie-4.5-vl" in wrong["ERNIE"]
    assert "ERNIE_MODEL" in wrong["ERNIE"]
    assert "STORE_URL" in wrong["store"]
    assert "6 of 9 checks failed." in printed
    assert printed.count("WRONG") == 6


def test_a_reader_that_cannot_write_the_language_and_a_blind_model_are_told(
    label_studio: RunningLabelStudio, local_backend: RunningBackend, tmp_path: Path
) -> None:
    with StandIn(lambda asked: Say("ready" if asked.picture is None else "A cat.")).running() as blind:
        code, findings, printed = doctor(
            tmp_path,
            local_backend.url,
            label_studio_url=label_studio.base_url,
            label_studio_api_key=label_studio.legacy_token,
            ernie_base_url=blind.base_url,
            ernie_model=blind.model,
            readers="paddle,ernie",
        )
    assert code == 1, printed
    wrong = {about: says for about, (ok, says) in findings.items() if not ok}
    assert set(wrong) == {"readers", "ERNIE"}
    assert "eslav_PP-OCRv5_mobile_rec" in wrong["readers"]
    assert "sees pictures" in wrong["ERNIE"]
    assert "legacy token" in findings["token"][1]


def test_a_label_studio_that_blocks_private_addresses_is_told_by_its_two_settings(
    label_studio_strict: RunningLabelStudio, local_backend: RunningBackend, tmp_path: Path
) -> None:
    with StandIn(lambda asked: Raw(503, "loading")).running() as down:
        code, findings, printed = doctor(
            tmp_path,
            local_backend.url,
            label_studio_url=label_studio_strict.base_url,
            label_studio_api_key=label_studio_strict.personal_token,
            ernie_base_url=down.base_url,
            ernie_model=down.model,
            ernie_max_retries=0,
        )
    assert code == 1, printed
    wrong = {about: says for about, (ok, says) in findings.items() if not ok}
    assert set(wrong) == {"rights and address block", "ERNIE"}
    assert "USE_DEFAULT_BANNED_SUBNETS=false" in wrong["rights and address block"]
    assert "USER_ADDITIONAL_BANNED_SUBNETS" in wrong["rights and address block"]
    assert "503" in wrong["ERNIE"]
    assert all(project["title"] != "twinread doctor" for project in label_studio_strict.api().projects())


def test_without_a_key_the_rest_is_checked_all_the_same(tmp_path: Path) -> None:
    code, findings, _ = doctor(tmp_path, "http://127.0.0.1:9")
    assert code == 1
    assert "Personal Access Token" in findings["Label Studio"][1]
    well = [about for about, (ok, _) in findings.items() if ok]
    assert well == ["cv2", "device", "disk", "detection model", "readers", "store"]


def test_a_label_studio_that_is_not_there_and_a_folder_that_cannot_be_written_are_named(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("not a folder", "utf-8")
    code, findings, printed = doctor(
        tmp_path,
        "http://127.0.0.1:9",
        label_studio_url=f"http://127.0.0.1:{free_port()}",
        label_studio_api_key="0" * 40,
        cache_dir=tmp_path / "file" / "cache",
    )
    assert code == 1, printed
    looked_at = {"Label Studio": False, "cv2": True, "device": True, "disk": False}
    assert {about: ok for about, (ok, _) in findings.items()} == looked_at
    assert "LABEL_STUDIO_URL" in findings["Label Studio"][1]
    assert "CACHE_DIR" in findings["disk"][1]
    assert "not looked at" in findings["disk"][1]


def test_a_setting_that_cannot_work_ends_it_at_once_with_exit_code_2(tmp_path: Path) -> None:
    code, findings, printed = doctor(tmp_path, "http://127.0.0.1:9", readers="gpt,paddle")
    assert (code, findings) == (2, {})
    assert "no reader is named gpt" in printed

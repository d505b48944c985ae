"""`twinread preannotate --dry-run` beside a real Label Studio: it looks, and neither pays nor writes."""

from __future__ import annotations

from pathlib import Path

from backend.label_studio.default_config import default_config
from tests.parts.bulk_runs import preannotate, summary_of
from tests.parts.drawn_pages import drawn_page, file_of
from tests.parts.ernie_stand_in import StandIn, ernie_stand_in
from tests.parts.label_studio import LABEL_STUDIO, RunningLabelStudio

__all__ = ["ernie_stand_in"]

pytestmark = LABEL_STUDIO


def test_a_dry_run_pays_nothing_and_writes_nothing(
    label_studio: RunningLabelStudio, ernie_stand_in: StandIn, tmp_path: Path
) -> None:
    api = label_studio.api()
    project = int(api.create_project(title="dry run", label_config=default_config())["id"])
    for name, texts in (("one", ["Счёт 12"]), ("three", ["Счёт 1", "Итого 20", "Дата 3.4"])):
        (tmp_path / f"{name}.png").write_bytes(file_of(drawn_page(texts)[0]))
    images = [upload.address for upload in api.upload_files(project, sorted(tmp_path.glob("*.png")))]
    images.append("/data/upload/1/never-there.png")
    tasks = api.import_tasks(project, [{"data": {"image": image}} for image in images])
    settings = {
        "label_studio_url": label_studio.base_url,
        "label_studio_api_key": label_studio.personal_token,
        "ernie_base_url": ernie_stand_in.base_url,
        "witness": "off",
        "ernie_model": ernie_stand_in.model,
        "ernie_input_price": 0.14,
        "ernie_output_price": 0.56,
        "detection_model": "PP-OCRv5_mobile_det",
        "ocr_language": "ru",
    }
    arguments = ("--project", project, "--dry-run", "--summary-json", "summary.json")
    with preannotate(tmp_path / "run", *arguments, settings=settings) as run:
        assert run.wait(120) == 0, run.text
    told = summary_of(tmp_path / "run")
    assert ernie_stand_in.calls == 0
    assert [task["predictions"] for task in api.tasks(project)] == [[], [], []]
    assert api.model_versions(project) == {}
    assert (told["tasks"], told["sampled"], list(told["unreadable"])) == (3, 3, [str(tasks[2])])
    # four lines, two prompts, and all tasks were looked at
    assert told["calls"] == {"value": 8.0, "low": 8.0, "high": 8.0}
    assert told["cost"]["value"] > 0
    assert "never-there.png" in run.text
    assert "Nothing was paid for" in run.text

"""The report on work in a real Label Studio, through the command."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from backend.label_studio.client import LabelStudio
from backend.label_studio.default_config import default_config
from converters.report.command import report
from tests.parts.label_studio import LABEL_STUDIO, RunningLabelStudio
from tests.parts.reviewed_work import Work, drawn, prediction, submitted
from tests.parts.samples import sample

pytestmark = LABEL_STUDIO

PAGES = ("syn_001", "syn_067", "syn_010")


def works_on(page, number: int) -> list[Work]:
    """Every line read rightly but for three: agreed on a wrong text, disputed, and no text at all."""
    works = []
    for place, line in enumerate(page.lines):
        text = line["text"]
        said = {0: (text + "x", text + "x"), 1: (text, text + "x")}.get(place, (text, text))
        decision = "not text" if place == 2 and number == 0 else "text"
        works.append(Work(said, text, decision, np.array(line["poly"], dtype=np.float32)))
    return works


@pytest.fixture(scope="module")
def project(label_studio: RunningLabelStudio) -> int:
    api: LabelStudio = label_studio.api()
    made = int(api.create_project(title="Чеки & signs", label_config=default_config())["id"])
    pages = [sample(name) for name in PAGES]
    uploads = api.upload_files(made, [page.path for page in pages])
    tasks = api.import_tasks(
        made, [{"data": {"image": upload.address, "language": "ru"}} for upload in uploads]
    )
    works = [works_on(page, number) for number, page in enumerate(pages)]
    predicted = [
        prediction(work, (page.width, page.height), language="ru", version="det a+b ru 1")
        for work, page in zip(works, pages, strict=True)
    ]
    of_tasks = [{"task": task, **each} for task, each in zip(tasks, predicted, strict=True)]
    assert api.import_predictions(made, of_tasks).created == 3
    for number, task in enumerate(tasks[:2]):
        (stored,) = api.task(task)["predictions"]
        result = submitted(stored, works[number])
        if number == 1:
            result += drawn(0, "missed", (pages[1].width, pages[1].height), "by-hand")
        api.create_annotation(task, result, parent_prediction=stored["id"], lead_time=3.0 * len(result))
    return made


@pytest.fixture
def told(label_studio, project, tmp_path):
    """What the command makes of the project."""

    def run(*options: str) -> tuple[str, dict, str]:
        environment = {
            "LABEL_STUDIO_URL": label_studio.base_url,
            "LABEL_STUDIO_API_KEY": label_studio.personal_token.get_secret_value(),
            "CACHE_DIR": str(tmp_path / "cache"),
        }
        out, summary = tmp_path / "report.html", tmp_path / "report.json"
        done = CliRunner().invoke(
            report,
            [*options, "--out", str(out), "--summary-json", str(summary)],
            env=environment,
            catch_exceptions=False,
        )
        assert done.exit_code == 0, done.output
        return out.read_text("utf-8"), json.loads(summary.read_text("utf-8")), done.output

    return run


def test_a_project_is_reported_with_its_numbers_its_people_and_its_pictures(label_studio, project, told):
    page, numbers, output = told("--project", str(project))

    pages = [sample(name) for name in PAGES[:2]]
    lines = sum(len(page.lines) for page in pages)
    every = numbers["all"]
    assert (numbers["tasks_read"], numbers["tasks_without_submitted_work"]) == (3, 1)
    assert every["lines"] == lines + 1
    assert every["lines_prediction_not_known"] == 0
    assert (every["agreed"]["hits"], every["agreed"]["of"]) == (lines - 2, lines)
    assert (every["agreed_right"]["hits"], every["agreed_right"]["of"]) == (lines - 5, lines - 2)
    assert (every["detection_recall"]["hits"], every["detection_recall"]["of"]) == (lines - 1, lines)
    assert every["detection_precision"]["hits"] == lines - 1
    assert numbers["languages"].keys() == {"ru"}
    (first, second) = numbers["readers"]
    assert (first["edits"], second["edits"]) == (2, 4)
    assert numbers["confusions"][0]["read"] == "x"

    assert "Чеки &amp; signs" in page
    assert label_studio.user in page
    assert page.count("data:image/jpeg;base64,") >= 10
    assert "Some pictures are missing" not in page
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)
    assert "arrived ready" in output


def test_an_export_file_without_predictions_says_not_known_and_still_shows_the_work(
    label_studio, project, told, tmp_path
):
    api = label_studio.api()
    exported = api.call("GET", f"/api/projects/{project}/export", "export", params={"exportType": "JSON"})
    path = Path(tmp_path) / "export.json"
    path.write_text(json.dumps(exported), "utf-8")

    page, numbers, output = told("--json", str(path))
    every = numbers["all"]
    assert every["lines_prediction_not_known"] == every["lines"] > 0
    assert every["agreed"]["share"] is None
    assert every["seconds_per_line"] is not None
    assert "not known" in output
    assert "run the report with --project" in page

"""What `status`, `report` and `export` say of lines decided on sheets, by the commands on a real server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from backend.commands.cli import twinread
from backend.label_studio.default_config import default_config
from backend.sheets.line_project import find_line_project
from backend.sheets.sheet_tasks import sheet_lines
from tests.end_to_end.browser import ARTIFACTS
from tests.parts.answered_sheets import another_user, sheet_result
from tests.parts.label_studio import LABEL_STUDIO, RunningLabelStudio
from tests.parts.reviewed_work import Work, prediction, submitted
from tests.parts.samples import Sample, sample

pytestmark = LABEL_STUDIO

FROM_SHEETS, DISPUTED, AGREED, REVIEWED = (
    sample(name) for name in ("syn_001", "syn_067", "syn_010", "syn_015")
)


def misread(text: str) -> str:
    return text[:2] + "ш" + text[3:]


def read(page: Sample, doubtful: int) -> list[Work]:
    """Every line read rightly by the first reader; the second one misreads the first lines of the page."""
    return [
        Work(
            (line["text"], misread(line["text"]) if place < doubtful else line["text"]),
            line["text"],
            quad=np.array(line["poly"], dtype=np.float32),
        )
        for place, line in enumerate(page.lines)
    ]


WORKS = (
    (FROM_SHEETS, read(FROM_SHEETS, 4)),
    (DISPUTED, read(DISPUTED, 2)),
    (AGREED, read(AGREED, 0)),
    (REVIEWED, read(REVIEWED, 2)),
)

Run = Callable[..., tuple[str, dict[str, Any]]]


@pytest.fixture
def run(label_studio: RunningLabelStudio, tmp_path: Path) -> Run:
    """A command, with what it prints and its summary."""

    def invoke(*arguments: str | int | Path) -> tuple[str, dict[str, Any]]:
        summary = tmp_path / "summary.json"
        done = CliRunner().invoke(
            twinread,
            [*map(str, arguments), "--summary-json", str(summary)],
            env={
                "LABEL_STUDIO_URL": label_studio.base_url,
                "LABEL_STUDIO_API_KEY": label_studio.personal_token.get_secret_value(),
                "CACHE_DIR": str(tmp_path / "cache"),
                "OCR_LANGUAGE": "ru",
                "COLUMNS": "160",
            },
            catch_exceptions=False,
        )
        assert done.exit_code == 0, done.output
        return done.output, json.loads(summary.read_text("utf-8"))

    return invoke


def test_lines_decided_on_sheets_are_counted_and_what_nobody_looked_at_is_said(
    label_studio: RunningLabelStudio, run: Run, tmp_path: Path
) -> None:
    api = label_studio.api()
    project = int(api.create_project(title="Письма", label_config=default_config())["id"])
    uploads = api.upload_files(project, [page.path for page, _ in WORKS])
    tasks = api.import_tasks(
        project, [{"data": {"image": upload.address, "language": "ru"}} for upload in uploads]
    )
    for task, (page, works) in zip(tasks, WORKS, strict=True):
        made = prediction(works, (page.width, page.height), language="ru", version="det a+b ru 1")
        assert api.import_predictions(project, [{"task": task, **made}]).created == 1
    # somebody reviews the last page, of two lines in doubt
    (stored,) = api.task(tasks[3])["predictions"]
    api.create_annotation(
        tasks[3], submitted(stored, WORKS[3][1]), parent_prediction=stored["id"], lead_time=24.0
    )
    run("lines", "--project", project, "--annotators", 2, "--sample-pages", 0)
    lines = find_line_project(api, project)
    assert lines is not None
    (sheet,) = api.tasks(lines.project)
    assert len(sheet_lines(sheet)) == 6
    one, two = another_user(api), another_user(api)
    # the second person sees something else in the last line of the disputed page
    places = [line.place for line in sheet_lines(sheet) if line.key.task == tasks[1]]
    second: list[str | tuple[str, str]] = ["A"] * 6
    second[places[-1]] = "B"
    for user, said, seconds in ((one, ["A"] * 6, 18.0), (two, second, 30.0)):
        api.create_annotation(sheet["id"], sheet_result(said), lead_time=seconds, completed_by=user)

    run("lines", "--project", project, "--collect")
    run("lines", "--project", project, "--accept-agreed")
    words, status = run("status", "--project", project)

    unseen = len(FROM_SHEETS.lines) - 4 + len(AGREED.lines)
    assert status["pages"] == {
        "unread": 0, "doubtful": 1, "agreed": 0, "reviewed": 1, "skipped": 0,
        "from sheets": 1, "accepted unseen": 1,
    }  # fmt: skip
    assert (status["lines_decided_on_sheets"], status["lines_nobody_looked_at"]) == (4, unseen)
    assert status["sheets"]["lines"] == {"agreed": 5, "waiting": 0, "disagreeing": 1}
    assert status["sheets"]["seconds_per_line_median"] == 4.0, "3 s and 5 s a line"
    assert status["sheets"]["decided_lines_on_no_approved_page"] == 1
    assert [person["pages"] for person in status["people"]] == [1], "the page that was reviewed as a page"
    assert f"Nobody looked at {unseen:,} lines of 2 approved pages" in words

    page = tmp_path / "report.html"
    words, told = run("report", "--project", project, "--out", page)
    assert told["pages_nobody_reviewed"] == {"sheets": 1, "accepted": 1}
    assert told["all"]["lines_nobody_looked_at"] == unseen
    assert told["all"]["agreed_right"]["of"] == len(REVIEWED.lines) - 2, "of the page that a person looked at"
    # po = 5/6; chance: A always by one, five times by the other: 5/6
    assert (told["sheets"]["agreement"]["coefficient"], told["sheets"]["agreement"]["value"]) == (
        "Cohen's kappa",
        0.0,
    )
    (differing,) = told["sheets"]["disagreements"]
    assert (differing["task"], [said["verdict"] for said in differing["answers"]]) == (tasks[1], ["A", "B"])
    assert "A line on a sheet takes 4.0 s, the middle of 2 sheets." in words
    assert "A line in doubt takes 12.0 s in page review, the middle of 1 pages" in words
    assert "Some pictures are missing" not in page.read_text("utf-8")
    ARTIFACTS.mkdir(exist_ok=True)
    (ARTIFACTS / "report_sheets.html").write_text(page.read_text("utf-8"), "utf-8")

    words, told = run("export", "--project", project, "--out", tmp_path / "dataset")
    assert told["lines_by_look"] == {"page": len(REVIEWED.lines), "sheet": 4, "nobody": unseen}
    rows = [
        json.loads(row) for row in (tmp_path / "dataset" / "manifest.jsonl").read_text("utf-8").splitlines()
    ]
    looked = {(row["task"], row.get("looked_at")) for row in rows if row["kind"] == "recognition"}
    assert looked == {(tasks[0], "sheet"), (tasks[0], "nobody"), (tasks[2], "nobody"), (tasks[3], None)}
    by = {tuple(row["decided"]["by"]) for row in rows if row.get("looked_at") == "sheet"}
    assert by == {(one, two)} or by == {(two, one)}

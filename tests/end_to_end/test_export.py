"""A project of a real Label Studio: reviewed, exported, changed, exported again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from backend.commands.cli import twinread
from backend.label_studio.client import LabelStudio
from backend.label_studio.default_config import default_config
from tests.parts.exported import contents, manifest, rows
from tests.parts.label_studio import LABEL_STUDIO, RunningLabelStudio
from tests.parts.reviewed_tasks import HEIGHT, WIDTH, page_pixels, png, rectangle

pytestmark = LABEL_STUDIO

Command = Callable[..., Result]

READINGS = [{"reader": "one", "text": "Итого"}, {"reader": "two", "error": "no answer in 60 s"}]


@pytest.fixture
def command(label_studio: RunningLabelStudio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs `twinread export` with the server's address and key in the environment."""
    monkeypatch.setenv("LABEL_STUDIO_URL", label_studio.base_url)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", label_studio.personal_token.get_secret_value())
    monkeypatch.setenv("CACHE_DIR", str(tmp_path / "cache"))

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(twinread, ["export", *map(str, arguments)], catch_exceptions=False)

    return run


@pytest.fixture
def api(label_studio: RunningLabelStudio) -> LabelStudio:
    found: LabelStudio = label_studio.api()
    return found


def lines(page: int, edited: str | None = None) -> list[dict[str, object]]:
    kept = {"twinread": {"region": "l002", "verdict": "disputed", "readings": READINGS}}
    result = rectangle("l001", edited or f"Счёт № {page}")
    return [*result, *rectangle("l002", f"Итого\u00a0{page}", (20, 60, 200, 30), meta=kept)]


def reviewed_project(api: LabelStudio, folder: Path, count: int) -> tuple[int, list[int]]:
    """A project whose first pages are submitted; the last ones are predicted, drafted, or skipped."""
    project = int(api.create_project(title="Export", label_config=default_config())["id"])
    paths = []
    for number in range(count):
        # all are called the same, as scanners do
        path = folder / str(number) / "scan.png"
        path.parent.mkdir(parents=True)
        path.write_bytes(png(page_pixels(number, (WIDTH, HEIGHT))))
        paths.append(path)
    uploads = [api.upload_files(project, [path])[0] for path in paths]
    tasks = api.import_tasks(project, [{"data": {"image": upload.address}} for upload in uploads])
    api.import_predictions(
        project, [{"task": one, "result": lines(one), "score": 1.0, "model_version": "m 1"} for one in tasks]
    )
    for one in tasks[:-3]:
        prediction = api.task(one)["predictions"][0]
        api.create_annotation(one, prediction["result"], parent_prediction=prediction["id"], lead_time=9.5)
    api.create_annotation(tasks[-2], lines(0), was_cancelled=True)
    api.call("POST", f"/api/tasks/{tasks[-1]}/drafts", "keep a draft", body={"result": lines(0)})
    return project, tasks


def test_a_reviewed_project_is_exported_and_only_what_somebody_submitted(
    api: LabelStudio, command: Command, tmp_path: Path
) -> None:
    project, tasks = reviewed_project(api, tmp_path / "scans", 6)
    out = tmp_path / "set"
    done = command("--project", project, "--out", out)
    assert done.exit_code == 0, done.output
    found = rows(out)
    assert sorted(found.values()) == sorted(
        text for one in tasks[:-3] for text in (f"Счёт № {one}", f"Итого {one}")
    )
    summary = json.loads((out / "summary.json").read_text("utf-8"))
    assert summary["tasks"]["exported"] == 3
    assert summary["tasks"]["only predicted, nobody has submitted it"] == 1
    assert summary["tasks"]["skipped by its annotator"] == 1
    assert summary["tasks"]["only a draft, nobody has submitted it"] == 1
    assert summary["texts_changed"] == {"spaces made plain, or taken off the ends": 3}
    crops = {(out / name).read_bytes() for name in found}
    assert len(crops) == 6
    recognised = [row for row in manifest(out) if row["kind"] == "recognition"]
    assert {row["model_version"] for row in recognised} == {"m 1"}
    assert {row["lead_time_s"] for row in recognised} == {9.5}
    assert {row["predicted"] for row in recognised} == set(found.values())
    read = [row for row in recognised if row["region"] == "l002"]
    assert [(row["verdict"], row["readings"]) for row in read] == [("disputed", READINGS)] * 3
    assert [(row["verdict"], row["readings"]) for row in recognised if row not in read] == [(None, [])] * 3


def test_a_second_export_since_the_last_reads_only_what_changed(
    api: LabelStudio, command: Command, tmp_path: Path
) -> None:
    project, tasks = reviewed_project(api, tmp_path / "scans", 6)
    out = tmp_path / "set"
    command("--project", project, "--out", out)
    before = contents(out)
    # changes within ten seconds of the last are read again, to be sure
    time.sleep(11)
    annotation = api.task(tasks[0])["annotations"][0]
    api.call(
        "PATCH",
        f"/api/annotations/{annotation['id']}/",
        "change an annotation",
        body={"result": lines(tasks[0], "Правка")},
    )
    api.call(
        "DELETE", f"/api/annotations/{api.task(tasks[1])['annotations'][0]['id']}/", "delete an annotation"
    )
    summary = tmp_path / "summary.json"
    done = command("--project", project, "--out", out, "--since", "last", "--summary-json", summary)
    assert done.exit_code == 0, done.output
    told = json.loads(summary.read_text("utf-8"))
    assert told["difference"] == {"added": 0, "changed": 2, "removed": 3}
    command("--project", project, "--out", out, "--since", "last", "--summary-json", summary)
    told = json.loads(summary.read_text("utf-8"))
    assert told["tasks"]["read"] == 2
    assert told["difference"] == {"added": 0, "changed": 0, "removed": 0}
    afresh = tmp_path / "afresh"
    command("--project", project, "--out", afresh)
    assert rows(out) == rows(afresh)
    assert rows(out)[f"crops/{tasks[0] // 1000}/{tasks[0]}_l001.png"] == "Правка"
    changed = {name for name, data in contents(out).items() if before.get(name) != data}
    assert not any(name.startswith(("crops", "pages")) for name in changed)


def test_only_what_changed_into_an_empty_place_is_told_to_be_only_that(
    api: LabelStudio, command: Command, tmp_path: Path
) -> None:
    project, _ = reviewed_project(api, tmp_path / "scans", 4)
    done = command("--project", project, "--out", tmp_path / "set", "--since", "2026-01-01")
    assert "There was no dataset in" in done.output
    assert len(rows(tmp_path / "set")) == 2
    again = command("--project", project, "--out", tmp_path / "set", "--since", "2026-01-01")
    assert "There was no dataset in" not in again.output


def test_annotators_are_named_by_their_address(
    api: LabelStudio, command: Command, label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    project, _ = reviewed_project(api, tmp_path / "scans", 4)
    done = command("--project", project, "--out", tmp_path / "set", "--approved", f"by {label_studio.user}")
    assert done.exit_code == 0, done.output
    assert len(rows(tmp_path / "set")) == 2

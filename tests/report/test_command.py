"""`twinread report` as people run it: options that do not go together, and where its files go."""

from __future__ import annotations

import io
import itertools
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from backend.commands.cli import twinread
from backend.errors import BadRequest, OperatorError
from converters.report import html
from converters.report.command import report
from converters.report.report import Report
from converters.report.terminal import tell
from converters.reviewed import task_sources
from converters.reviewed.line_rules import Rules
from tests.parts import reviewed_work
from tests.parts.reviewed_tasks import annotation, page_pixels, png, rectangle, task
from tests.parts.reviewed_work import Work

EXPORTS = Path(__file__).resolve().parents[1] / "data" / "exports"


def invoke(*arguments):
    return CliRunner().invoke(twinread, ["report", *map(str, arguments)])


@pytest.fixture
def export_file(tmp_path):
    (tmp_path / "1.png").write_bytes(png(page_pixels(1)))
    (tmp_path / "export.json").write_text(json.dumps([task(1, annotation(rectangle("a", "Счёт")))]), "utf-8")
    return ["--json", tmp_path / "export.json", "--images", tmp_path, "--out", tmp_path / "report.html"]


def test_nothing_but_the_report_is_printed_where_nobody_watches(tmp_path, export_file):
    done = invoke(*export_file, "--summary-json", tmp_path / "report.json")
    assert done.exit_code == 0, done.output
    assert done.output.lstrip(" ").startswith("tasks  1 with submitted work")
    assert json.loads((tmp_path / "report.json").read_text("utf-8"))["all"]["lines"] == 1


def test_the_terminal_tells_of_everything_that_was_read(tmp_path, export_file):
    path = tmp_path / "export.json"
    path.write_text(json.dumps([7, "x", *json.loads(path.read_text("utf-8")), task(2), task(2)]), "utf-8")
    done = invoke(*export_file)
    assert done.exit_code == 0, done.output
    assert [line.split(maxsplit=1) for line in done.output.splitlines()[:5]] == [
        ["tasks", "1 with submitted work"],
        ["left", "out  2 (is no task)"],
        ["left", "out  1 (came before, under the same id)"],
        ["left", "out  1 (nobody has annotated it)"],
        ["together", "5 items read"],
    ]


@pytest.mark.parametrize("option", ["--out", "--summary-json"])
def test_a_place_that_cannot_be_written_is_refused_before_the_work_begins(tmp_path, export_file, option):
    # begun, it would be refused as no export
    (tmp_path / "export.json").write_text("nonsense", "utf-8")
    before = sorted(tmp_path.iterdir())
    done = invoke(*export_file, option, tmp_path / "nowhere" / "file")
    assert isinstance(done.exception, OperatorError)
    assert "nothing was begun" in str(done.exception)
    assert sorted(tmp_path.iterdir()) == before


def test_what_was_counted_is_told_although_the_page_cannot_be_written(tmp_path, export_file):
    done = invoke(*export_file, "--out", "/dev/full", "--summary-json", tmp_path / "report.json")
    assert isinstance(done.exception, OperatorError)
    assert "/dev/full cannot be written (No space left" in str(done.exception)
    assert "1 with submitted work" in done.output
    assert "The page is" not in done.output
    assert json.loads((tmp_path / "report.json").read_text("utf-8"))["all"]["lines"] == 1


@pytest.mark.parametrize(
    ("from_file", "words"),
    [
        pytest.param(True, "run the report with --project", id="of an export file"),
        pytest.param(False, "The work began without one", id="of a project, which holds all there are"),
    ],
)
def test_why_a_prediction_is_not_known_depends_on_where_tasks_come_from(from_file, words):
    report = Report()
    made = task(1, annotation(rectangle("a", "Счёт")))
    report.add(made, Rules())
    told = io.StringIO()
    tell(report, Console(file=told, width=200), from_file=from_file)
    for shown in (told.getvalue(), html.page(report, "a project", {}, from_file=from_file)):
        assert "Of 1 lines the prediction is not known" in shown
        assert words in shown


def test_the_name_of_a_version_sends_no_escapes_to_the_terminal():
    report = Report()
    made = reviewed_work.task(1, [Work(("one", "one"), "one")])
    text = json.dumps(made).replace(made["predictions"][0]["model_version"], r"x\u001b]0;owned\u0007[/]")
    report.add(json.loads(text), Rules())
    told = io.StringIO()
    tell(report, Console(file=told, width=200), from_file=False)
    assert r"x\x1b]0;owned\x07[/]" in told.getvalue()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param([], "--project NUMBER.*--json FILE", id="neither"),
        pytest.param(["--project", "1", "--json", __file__], "--project NUMBER.*--json FILE", id="both"),
        pytest.param(["--project", "1", "--images", "."], "--images goes with --json", id="images"),
        pytest.param(["--project", "1", "--config", __file__], "--config goes with --json", id="config"),
        pytest.param(
            ["--json", __file__, "--out", "a/../r.html", "--summary-json", "r.html"],
            "--summary-json names the file of --out",
            id="page and numbers in one file",
        ),
    ],
)
def test_options_that_do_not_go_together_are_refused(tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    done = invoke(*arguments)
    with pytest.raises(type(done.exception), match=f"(?s){words}"):
        raise done.exception
    assert done.exception.exit_code == 2
    assert not list(tmp_path.iterdir())


def test_an_export_is_reported_without_a_key_to_the_pictures(tmp_path, monkeypatch):
    path = tmp_path / "export.json"
    path.write_text(json.dumps([reviewed_work.task(1, [Work(("one", "one"), "one")])]), "utf-8")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(
        report, ["--json", str(path), "--out", "r.html"], env={"LABEL_STUDIO_API_KEY": ""}
    )
    assert done.exit_code == 0, done.output
    assert "LABEL_STUDIO_API_KEY" in (tmp_path / "r.html").read_text("utf-8")


@pytest.mark.parametrize("path", sorted(EXPORTS.rglob("*.json")), ids=lambda path: path.stem)
def test_every_export_is_reported_or_refused_by_name(path, tmp_path):
    done = CliRunner().invoke(
        report,
        ["--json", str(path), "--images", str(path.parent), "--out", str(tmp_path / "report.html")],
    )
    if isinstance(done.exception, BadRequest):
        assert path.name in str(done.exception)
        assert not list(tmp_path.iterdir())
    else:
        assert done.exit_code == 0, done.output
        assert "What the readings were worth" in (tmp_path / "report.html").read_text("utf-8")


def test_items_that_are_no_task_are_counted(tmp_path):
    path = tmp_path / "export.json"
    path.write_text(json.dumps([7, reviewed_work.task(1, [Work(("one", "one"), "one")])]), "utf-8")
    done = CliRunner().invoke(
        report,
        ["--json", str(path), "--images", str(tmp_path), "--out", str(tmp_path / "r.html"),
         "--summary-json", str(tmp_path / "r.json")],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    told = json.loads((tmp_path / "r.json").read_text("utf-8"))
    assert (told["items_that_are_no_task"], told["tasks_read"]) == (1, 1)
    assert told["all"]["agreed_right"]["share"] == 1.0
    assert list(itertools.islice(task_sources.from_file(path), 1)) == [7]

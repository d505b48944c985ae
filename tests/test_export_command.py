"""`twinread export` as people run it: every kind of export file, options, exit codes, what is printed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from backend.cli import twinread
from tests.exported import manifest, rows
from tests.reviewed_tasks import annotation, page_pixels, png, rectangle, task
from tests.samples import FOLDERS

EXPORTS = Path(__file__).parent / "data" / "exports"
FILES = sorted(path for path in EXPORTS.rglob("*") if path.suffix in (".json", ".csv"))


def invoke(*arguments):
    return CliRunner().invoke(twinread, ["export", "--jobs", "1", *map(str, arguments)])


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """All sample pages in one folder, as exports name them."""
    folder = tmp_path_factory.mktemp("pages")
    for source in FOLDERS:
        for path in source.iterdir():
            if path.suffix not in (".json", ".md"):
                shutil.copy(path, folder / path.name)
    return folder


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_export_file_is_exported_or_refused_by_name(tmp_path, pages, path):
    done = invoke(
        "--json", path, "--images", pages, "--out", tmp_path / "set", "--summary-json", tmp_path / "summary"
    )
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        # `main` turns it into one sentence and its exit code
        assert done.exception.exit_code == 2
        assert path.name in str(done.exception)
        assert not (tmp_path / "set").exists()
        return
    summary = json.loads((tmp_path / "summary").read_text("utf-8"))
    assert summary["tasks"]["read"] == sum(
        count for name, count in summary["tasks"].items() if name != "read"
    )
    assert sum(summary["recognition"].values()) == sum(summary["detection"].values()) == summary["regions"]
    assert done.exit_code == (1 if summary["pages_without_image"] or not summary["written"] else 0)
    if summary["written"]:
        assert len(rows(tmp_path / "set")) == summary["recognition"].get("exported", 0)


def test_the_projects_shapes_come_out_as_counted(tmp_path, pages):
    done = invoke("--json", EXPORTS / "own/shapes.json", "--images", pages, "--out", tmp_path / "set")
    assert done.exit_code == 0, done.output
    summary = json.loads((tmp_path / "set/summary.json").read_text("utf-8"))
    assert summary["recognition"] == {
        "exported": 63,
        "a painted area": 2,
        "without a text": 2,
        "a line break in the text": 1,
        "a tab in the text": 1,
        "a text of blanks alone": 1,
        "an ellipse": 1,
        "several texts": 1,
        "too small to hold text": 1,
    }
    assert "73  seen" in done.output
    assert "63  exported" in done.output


@pytest.fixture
def export_file(tmp_path):
    (tmp_path / "images").mkdir()
    for number in range(1, 4):
        (tmp_path / "images" / f"{number}.png").write_bytes(png(page_pixels(number)))
    tasks = [
        task(n, annotation([*rectangle("a", f"Счёт {n}"), *rectangle("b", None, (20, 60, 99, 30))]))
        for n in range(1, 4)
    ]
    (tmp_path / "export.json").write_text(json.dumps(tasks), "utf-8")
    return ["--json", tmp_path / "export.json", "--images", tmp_path / "images", "--out", tmp_path / "set"]


def test_a_second_run_says_what_changed(tmp_path, export_file):
    first = invoke(*export_file)
    assert first.exit_code == 0
    assert "Against the dataset before" not in first.output
    (tmp_path / "images" / "2.png").write_bytes(png(page_pixels(9)))
    second = invoke(*export_file, "--incremental")
    assert "0 rows added, 2 changed, 0 removed; 2 pages taken over" in second.output


def test_options_reach_the_export(tmp_path, export_file):
    done = invoke(
        *export_file,
        "--format",
        "recognition",
        "--crop-format",
        "jpg",
        "--split",
        "100%",
        "--labels",
        "text,x",
    )
    assert done.exit_code == 0
    assert sorted(rows(tmp_path / "set")) == [f"crops/0/{n}_a.jpg" for n in range(1, 4)]
    assert {path.name for path in (tmp_path / "set").glob("*_gt_*")} == {"rec_gt_train.txt"}
    assert [row["why"] for row in manifest(tmp_path / "set", "left_out.jsonl")] == ["without a text"] * 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param([], "--project NUMBER.*--json FILE", id="neither"),
        pytest.param(["--project", "1", "--json", __file__], "--project NUMBER.*--json FILE", id="both"),
        pytest.param(
            ["--project", "1", "--images", "."], "--images goes with --json", id="images of a project"
        ),
        pytest.param(
            ["--json", __file__, "--since", "last"], "--since goes with --project", id="since of a file"
        ),
        pytest.param(["--json", __file__, "--split", "most"], "not a ratio", id="a split that is none"),
        pytest.param(["--json", __file__, "--approved", "all"], "no rule", id="a rule that is none"),
        pytest.param(["--json", __file__, "--labels", " , "], "names no label", id="labels that are none"),
        pytest.param(
            ["--json", __file__, "--quality", "50"],
            "--quality goes with --crop-format jpg",
            id="a quality of crops that lose nothing",
        ),
        pytest.param(["--project", "1", "--since", "soon"], "no moment", id="a moment that is none"),
        pytest.param(
            ["--project", "1", "--since", "9999-12-31T23:59:59-10:00"], "no moment", id="the end of time"
        ),
        pytest.param(["--project", "1", "--since", "last"], "no earlier export", id="the last of none"),
    ],
)
def test_options_that_do_not_go_together_are_refused(tmp_path, arguments, words):
    done = invoke(*arguments, "--out", tmp_path / "set")
    with pytest.raises(type(done.exception), match=f"(?s){words}"):
        raise done.exception
    assert done.exception.exit_code == 2


def test_the_last_export_knew_no_moment(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set/summary.json").write_text('{"newest_change": ""}', "utf-8")
    done = invoke("--project", "1", "--since", "last", "--out", tmp_path / "set")
    assert "There is no earlier export in set whose time --since last could mean" in str(done.exception)


def test_a_field_to_split_by_that_tasks_lack_is_told(tmp_path, export_file):
    assert "without the field" not in invoke(*export_file).output
    told = invoke(*export_file, "--split-by", "book").output
    assert "3 of 3 pages are of tasks without the field book (--split-by)" in told


@pytest.mark.parametrize(("user", "hint"), [("one@example.org", True), ("99", False)])
def test_an_address_that_the_file_cannot_know_is_told(export_file, user, hint):
    done = invoke(*export_file, "--approved", f"by {user}")
    assert done.exit_code == 1
    assert ("Export files mostly name annotators by number alone" in done.output) is hint


def test_a_summary_that_cannot_be_written_does_not_deny_the_dataset(tmp_path, export_file):
    done = invoke(*export_file, "--summary-json", tmp_path / "nowhere" / "s.json")
    assert "s.json cannot be written" in str(done.exception)
    assert "untouched" not in str(done.exception)
    assert len(rows(tmp_path / "set")) == 3


def test_nothing_approved_is_told_and_exits_with_1(tmp_path, export_file):
    (tmp_path / "export.json").write_text(json.dumps([task(1, predictions=[3])]))
    done = invoke(*export_file)
    assert done.exit_code == 1
    assert "Nothing is there to export, so set was not written" in done.output
    assert "only predicted, nobody has submitted it" in done.output


def test_what_was_exported_passes_the_check(tmp_path, export_file):
    assert invoke(*export_file, "--split", "1").exit_code == 0
    done = CliRunner().invoke(
        twinread, ["check", str(tmp_path / "set"), "--summary-json", str(tmp_path / "check")]
    )
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    found = json.loads((tmp_path / "check").read_text("utf-8"))
    assert {file["name"] for file in found["files"]} == {"rec_gt_train.txt", "det_gt_train.txt"}

"""`twinread export` as people run it: every kind of export file, options, exit codes, what is printed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from backend.commands.cli import twinread
from backend.errors import BadRequest, TwinreadError
from tests.parts.exported import rows
from tests.parts.http_script import says, serving
from tests.parts.reviewed_tasks import CONFIG, annotation, page_pixels, png, rectangle, task
from tests.parts.samples import FOLDERS

LABELS = "offers no label Tpyo, X .--labels.; it offers Text, Check"

EXPORTS = Path(__file__).resolve().parents[1] / "data" / "exports"
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
    third = invoke(*export_file[:-1], tmp_path / "images" / ".." / "set")
    assert "\nset/rec_gt_train.txt: " in third.output


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
        pytest.param(
            ["--json", __file__, "--guarantee", "1%"], "an export file holds no audits", id="audits of a file"
        ),
        pytest.param(
            ["--project", "1", "--guarantee", "1%", "--since", "last"],
            "looks at all tasks",
            id="a claim about a part of the tasks",
        ),
        pytest.param(["--project", "1", "--guarantee", "1"], "is no share", id="all lines may be wrong"),
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
        pytest.param(["--project", "1", "--since", "2999-01-01"], "still to come", id="a moment to come"),
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


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["--out", "d/.."], "the folder you are in", id="the folder of the shell"),
        pytest.param(
            ["--layout", "ppocrlabel", "--out", "[b]"], r"\[b\]' \(--out\) begins with '\['", id="a list"
        ),
        pytest.param(
            ["--layout", "ppocrlabel", "--out", " b"], "' b' .--out. begins with a space", id="an edge"
        ),
        pytest.param(
            ["--layout", "ppocrlabel", "--out", "d/link"],
            r"'\[real\]' .--out. begins",
            id="what a link names",
        ),
        pytest.param(
            ["--layout", "ppocrlabel", "--format", "recognition"], "PPOCRLabel opens pages", id="no pages"
        ),
        pytest.param(["--summary-json", "nowhere/s.json"], "nothing was begun", id="a summary nowhere"),
        pytest.param(["--summary-json", "set/summary.json"], "summary.json of its own", id="in the dataset"),
        pytest.param(["--config", "config.xml", "--labels", "text,Tpyo,X"], LABELS, id="labels of nobody"),
    ],
)
def test_what_could_not_be_written_or_found_is_refused_before_any_work(
    tmp_path, monkeypatch, export_file, arguments, words
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "link").symlink_to(tmp_path / "[real]")
    (tmp_path / "config.xml").write_text(CONFIG)
    before = sorted(tmp_path.rglob("*"))
    done = invoke(*export_file, *arguments)
    with pytest.raises(TwinreadError, match=words):
        raise done.exception
    assert sorted(tmp_path.rglob("*")) == before


def test_labels_that_no_region_has_are_told(tmp_path, export_file):
    (tmp_path / "config.xml").write_text(CONFIG)
    told = "No region has the label Check, Tpyo (--labels)"
    assert told in invoke(*export_file, "--labels", "text,Check,Tpyo").output
    alone = invoke(*export_file, "--labels", "Check,Tpyo")
    assert alone.exit_code == 1
    assert "set was not written" in alone.output
    assert told in alone.output
    assert "No region has" not in invoke(*export_file, "--labels", "TEXT").output
    known = invoke(*export_file, "--labels", "Text,Check", "--config", tmp_path / "config.xml")
    assert "No region has the label Check (--labels)" in known.output


@pytest.fixture
def project(monkeypatch):
    """A Label Studio with one reviewed task, changed at noon."""
    changed = task(1, annotation(rectangle("a")), updated_at="2026-01-01T12:00:00Z")
    answers = {
        "/api/projects/1/": {"label_config": CONFIG, "task_number": 1},
        "/api/tasks/": {"tasks": [changed]},
        # none of them is its line project
        "/api/projects/": {"results": [], "next": None},
    }
    scripts = {path: says(json.dumps(answer).encode()) for path, answer in answers.items()}
    with serving({**scripts, "/data/upload/1/1.png": says(png(page_pixels(1)))}) as server:
        monkeypatch.setenv("LABEL_STUDIO_URL", server.url)
        monkeypatch.setenv("LABEL_STUDIO_API_KEY", "0" * 40)
        yield server


def test_tasks_are_not_kept_unread_where_a_record_of_them_is_damaged(tmp_path, project):
    arguments = ["--project", "1", "--out", tmp_path / "set"]
    assert invoke(*arguments).exit_code == 0
    assert invoke(*arguments, "--since", "last").exit_code == 0
    with (tmp_path / "set" / "state.jsonl").open("ab") as state:
        state.write(b'{"key":"2","task":"\xd1"}\n')
    done = invoke(*arguments, "--since", "last")
    with pytest.raises(BadRequest, match=r"1 lines of state.jsonl in set are damaged.*without --since"):
        raise done.exception
    assert invoke(*arguments).exit_code == 0


def test_a_label_that_the_project_does_not_offer_is_refused(tmp_path, project):
    done = invoke("--project", "1", "--out", tmp_path / "set", "--labels", "Text,Tpyo")
    with pytest.raises(BadRequest, match=r"offers no label Tpyo .--labels.; it offers Text, Check"):
        raise done.exception
    assert [request.path.partition("?")[0] for request in project.requests] == ["/api/projects/1/"]


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
    # the file that is written first has a longer name
    done = invoke(*export_file, "--summary-json", tmp_path / ("s" * 250))
    assert "sss cannot be written (File name too long)" in str(done.exception)
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


TWO_TEXTS = """<View><Image name="image" value="$image"/><RectangleLabels name="label" toName="image">
<Label value="Text"/></RectangleLabels><TextArea name="translation" toName="image" perRegion="true"/>
<TextArea name="transcription" toName="image" perRegion="true"/></View>"""


@pytest.fixture
def translated(tmp_path):
    """An export whose regions have a transcription, a translation, or both, in any order."""
    one, two, three = (
        rectangle(name, "Счёт", (20, 10 + 40 * row, 250, 26)) for row, name in enumerate("abc")
    )
    translation = {**two[1], "from_name": "translation"}
    result = [*one, {**one[1], "from_name": "translation", "value": {**one[1]["value"], "text": ["Bill"]}}]
    result += [two[0], {**translation, "value": {**two[1]["value"], "text": ["Bill"]}}, two[1]]
    result += [three[0], {**three[1], "from_name": "translation"}]
    (tmp_path / "export.json").write_text(json.dumps([task(1, annotation(result))]), "utf-8")
    (tmp_path / "config.xml").write_text(TWO_TEXTS, "utf-8")
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "1.png").write_bytes(png(page_pixels(1)))
    return tmp_path / "export.json", "--images", tmp_path / "images"


@pytest.mark.parametrize("with_config", [True, False])
def test_of_several_texts_per_region_the_named_one_is_exported_and_no_other(
    tmp_path, translated, with_config
):
    more = ["--config", tmp_path / "config.xml"] if with_config else []
    done = invoke("--json", *translated, *more, "--out", tmp_path / "set")
    assert isinstance(done.exception, BadRequest)
    assert all(f'"{name}"' in str(done.exception) for name in ("transcription", "translation"))
    assert "--text-field" in str(done.exception)
    assert not (tmp_path / "set").exists()

    done = invoke("--json", *translated, *more, "--out", tmp_path / "set", "--text-field", "transcription")
    assert done.exit_code == 0, done.output
    assert set(rows(tmp_path / "set").values()) == {"Счёт"}
    assert len(rows(tmp_path / "set")) == 2
    assert "1  without a text" in done.output

"""Exporting again: what changed, what is kept, and what a failure or a kill in the middle leaves."""

from __future__ import annotations

import copy
import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from backend.errors import BadRequest, ImageRefused, ImageUnreachable, LabelStudioFailed
from converters.export.file_system import CannotWrite
from converters.export.previous_dataset import Origin
from converters.export.run import ExportOptions, NothingToExport, export
from converters.export.staging import DatasetLocked, Staging
from converters.export.write_page import PageOptions
from converters.reviewed.line_rules import Rules
from tests.parts.exported import PROJECT, contents, manifest, pixels, rows, run, three_lines
from tests.parts.reviewed_tasks import Pictures, annotation, page_pixels, png, rectangle, task

ROOT = Path(__file__).resolve().parents[2]


def test_an_incremental_export_writes_only_what_changed_and_says_so(tmp_path):
    run(tmp_path / "set", PROJECT)
    untouched = tmp_path / "set/crops/0/2_l0.png"
    inode = untouched.stat().st_ino
    edited = three_lines(1, "Итог")
    tasks = [edited, *PROJECT[1:11], three_lines(13)]
    totals = run(tmp_path / "set", tasks, ExportOptions(jobs=1, incremental=True))
    # a page of task 1 and its three lines changed; 12 went, 13 came
    assert totals.difference == {"added": 4, "changed": 4, "removed": 4}
    assert totals.pages_taken_over == 10
    assert untouched.stat().st_ino == inode
    run(tmp_path / "afresh", tasks)
    incremental, afresh = contents(tmp_path / "set"), contents(tmp_path / "afresh")
    assert {name: data for name, data in incremental.items() if name.endswith(".png")} == {
        name: data for name, data in afresh.items() if name.endswith(".png")
    }
    assert rows(tmp_path / "set") == rows(tmp_path / "afresh")


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"pages": PageOptions(crop_format="jpg")}, id="file type of crops"),
        pytest.param({"rules": Rules(labels=frozenset({"text"}))}, id="labels"),
    ],
)
def test_other_settings_make_every_page_anew(tmp_path, options):
    run(tmp_path / "set", PROJECT[:2])
    again = ExportOptions(jobs=1, incremental=True, **options)
    assert run(tmp_path / "set", PROJECT[:2], again).pages_taken_over == 0


def test_a_picture_that_changed_under_its_name_is_made_anew(tmp_path):
    source = Pictures({"/data/upload/1/1.png": png(page_pixels(1))})
    run(tmp_path / "set", PROJECT[:2], source=source)
    source.files["/data/upload/1/1.png"] = png(page_pixels(2))
    totals = run(tmp_path / "set", PROJECT[:2], ExportOptions(jobs=1, incremental=True), source)
    assert totals.pages_taken_over == 1
    assert (pixels(tmp_path / "set/crops/0/1_l0.png") == page_pixels(2)[10:36, 20:270]).all()


def test_a_crop_that_somebody_deleted_comes_back(tmp_path):
    run(tmp_path / "set", PROJECT[:2])
    before = contents(tmp_path / "set")
    (tmp_path / "set/crops/0/1_l2.png").unlink()
    run(tmp_path / "set", PROJECT[:2], ExportOptions(jobs=1, incremental=True))
    assert contents(tmp_path / "set") == before


def test_tasks_that_did_not_change_are_kept_unread(tmp_path):
    run(tmp_path / "set", PROJECT)
    source = Pictures()
    gone = task(2, annotation([], was_cancelled=True), updated_at="2026-11-22T11:00:00Z")
    totals = run(
        tmp_path / "set", [three_lines(1, "Итог"), gone], ExportOptions(jobs=1, partial=True), source
    )
    assert source.fetched == ["/data/upload/1/1.png"]
    assert totals.tasks_not_read == 10
    found = rows(tmp_path / "set")
    assert found["crops/0/1_l0.png"] == "Итог 1.0"
    assert found["crops/0/12_l0.png"] == "Счёт 12.0"
    assert not any(name.startswith("crops/0/2_") for name in found)
    nothing = run(tmp_path / "set", [], ExportOptions(jobs=1, partial=True))
    assert nothing.newest_change == totals.newest_change > ""
    with pytest.raises(BadRequest, match=r"other settings.*without --since"):
        run(tmp_path / "set", [], ExportOptions(jobs=1, partial=True, pages=PageOptions(crop_format="jpg")))


VERSION_4 = ROOT / "tests/data/exports/version_4"
"""The first two tasks of `PROJECT`, recognition alone, as they were exported when Pillow packed the crops."""


@pytest.fixture
def older(tmp_path):
    return Path(shutil.copytree(VERSION_4, tmp_path / "set"))


def exported_again(folder, tasks=PROJECT[:2], source=None, **options):
    options = ExportOptions(jobs=1, pages=PageOptions(format="recognition"), **options)
    return run(folder, tasks, options, source)


def test_a_dataset_of_an_older_version_is_made_anew_and_says_what_it_said(older, tmp_path):
    before = contents(older)
    totals = exported_again(older, incremental=True)
    assert (totals.pages, totals.pages_taken_over, totals.difference.total()) == (2, 0, 0)
    after = contents(older)
    crops = [name for name in before if name.endswith(".png")]
    assert [name for name in after if name.endswith(".png")] == crops
    assert not any(after[name] == before[name] for name in crops)
    assert all((pixels(older / name) == pixels(VERSION_4 / name)).all() for name in crops)
    same = ["manifest.jsonl", "split.jsonl", "rec_gt_train.txt", "rec_gt_val.txt", "dict.txt"]
    assert [after[name] for name in same] == [before[name] for name in same]
    exported_again(tmp_path / "afresh")
    packed = {name: content for name, content in contents(tmp_path / "afresh").items() if name in crops}
    assert packed == {name: after[name] for name in crops}
    assert exported_again(older, incremental=True).pages_taken_over == 2


@pytest.mark.parametrize("incremental", [False, True], ids=["afresh", "incremental"])
def test_a_page_of_an_older_version_is_not_lost_while_its_image_is_out_of_reach(older, incremental):
    before = contents(older)
    totals = exported_again(older, source=Away(2), incremental=incremental)
    assert (totals.pages_taken_over, totals.pages_without_image, totals.difference.total()) == (1, 1, 0)
    after = contents(older)
    assert after["rec_gt_train.txt"] + after["rec_gt_val.txt"] == (
        before["rec_gt_train.txt"] + before["rec_gt_val.txt"]
    )
    assert after["crops/0/2_l0.png"] == before["crops/0/2_l0.png"]
    # as soon as the image can be had, the page is made anew
    assert exported_again(older, incremental=True).pages_taken_over == 1


def test_pages_of_an_older_version_are_kept_unread(older):
    before = contents(older)
    totals = exported_again(older, [three_lines(1, "Итог")], partial=True)
    assert (totals.tasks_not_read, totals.difference) == (1, {"changed": 3, "added": 0, "removed": 0})
    assert contents(older)["crops/0/2_l0.png"] == before["crops/0/2_l0.png"]
    assert sorted(rows(older).values()) == [
        "Итог 1.0",
        "Итог 1.1",
        "Итог 1.2",
        *(f"Счёт 2.{n}" for n in range(3)),
    ]


class Away(Pictures):
    """Has lost some pictures, or an image server is down."""

    def __init__(self, *lost: int, error: type[Exception] = ImageUnreachable) -> None:
        super().__init__()
        self.lost = {f"/data/upload/1/{number}.png" for number in lost}
        self.error = error

    def fetch(self, reference, *, task_id):
        if reference in self.lost:
            raise self.error("Its server answers 502.")
        return super().fetch(reference, task_id=task_id)


@pytest.mark.parametrize("incremental", [False, True], ids=["afresh", "incremental"])
def test_a_page_whose_image_is_out_of_reach_stays_as_it_is_and_says_so(tmp_path, incremental):
    run(tmp_path / "set", PROJECT[:4])
    before = contents(tmp_path / "set")
    totals = run(tmp_path / "set", PROJECT[:4], ExportOptions(jobs=1, incremental=incremental), Away(2, 3))
    after = contents(tmp_path / "set")
    said = {"summary.json", "report.html"}
    assert {name: after[name] for name in after.keys() - said} == {
        name: before[name] for name in before.keys() - said
    }
    assert totals.pages_without_image == 2
    assert totals.problems == [
        (key, "Its server answers 502. The page stays as an earlier export made it.") for key in ("2", "3")
    ]
    assert totals.difference.total() == 0


@pytest.mark.parametrize(
    ("edited", "error"),
    [
        pytest.param(three_lines(2, "Итог"), ImageUnreachable, id="its annotation changed"),
        pytest.param(three_lines(2), ImageRefused, id="its image may not be read any more"),
    ],
)
def test_a_page_that_would_be_another_now_is_not_kept_without_its_image(tmp_path, edited, error):
    run(tmp_path / "set", PROJECT[:3])
    totals = run(tmp_path / "set", [PROJECT[0], edited, PROJECT[2]], source=Away(2, error=error))
    assert totals.recognition == {"exported": 6, "the image could not be had": 3}
    assert not any(name.startswith("crops/0/2_") for name in rows(tmp_path / "set"))


def parts(folder):
    rows = map(json.loads, (folder / "split.jsonl").read_text("utf-8").splitlines())
    return {row["page"]: row["part"] for row in rows}


def test_a_page_that_is_away_for_one_export_comes_back_into_its_part(tmp_path):
    # half of the pages are not in train; without the others the split would put each of them there
    half = ExportOptions(jobs=1, ratio=(0.5, 0.5, 0.0))
    run(tmp_path / "set", PROJECT, half)
    before = parts(tmp_path / "set")
    assert set(before.values()) == {"train", "val"}
    run(tmp_path / "set", PROJECT[:1], half)
    assert parts(tmp_path / "set") == before
    with (tmp_path / "set/split.jsonl").open("ab") as file:
        file.write(b'{"page": "torn\xff')
    run(tmp_path / "set", PROJECT)
    assert parts(tmp_path / "set") == before
    run(tmp_path / "set", PROJECT[:1], ExportOptions(jobs=1, new_split=True))
    assert list(parts(tmp_path / "set").values()) == ["train"]


def test_a_dataset_is_not_replaced_by_one_without_a_line(tmp_path):
    run(tmp_path / "set", PROJECT[:3])
    before = contents(tmp_path / "set")
    nobody = ExportOptions(jobs=1, rules=Rules(labels=frozenset({"typo"})))
    with pytest.raises(NothingToExport, match="set was not written") as caught:
        run(tmp_path / "set", PROJECT[:3], nobody)
    assert caught.value.totals.recognition == {"another label": 9}
    assert contents(tmp_path / "set") == before


HERE = Origin("http://one.example:8080/", 3)


@pytest.mark.parametrize(
    ("origin", "partial", "refusal"),
    [
        pytest.param(HERE, True, None, id="the same project, what changed"),
        pytest.param(Origin("http://one.example:8080/", 4), False, "project 4 would take its place", id="4"),
        pytest.param(
            Origin("http://one.example:8080/", 4), True, "project 4 would take its place", id="4, new"
        ),
        pytest.param(Origin("https://new.example/", 3), False, None, id="the server has another address"),
        pytest.param(
            Origin("https://new.example/", 3), True, "project 3 of http://one", id="which, for what changed"
        ),
        pytest.param(Origin(), False, None, id="from a file"),
        pytest.param(Origin(), True, "not from a file of tasks", id="from a file, what changed"),
    ],
)
def test_two_projects_are_never_mixed(tmp_path, origin, partial, refusal):
    run(tmp_path / "set", PROJECT[:3], ExportOptions(jobs=1, origin=HERE))
    before = contents(tmp_path / "set")
    options = ExportOptions(jobs=1, origin=origin, partial=partial)
    if refusal is None:
        run(tmp_path / "set", PROJECT[:1], options)
    else:
        with pytest.raises(BadRequest, match=refusal):
            run(tmp_path / "set", PROJECT[:1], options)
        assert contents(tmp_path / "set") == before


def test_pages_of_another_version_are_not_kept_unread_and_not_lost(tmp_path):
    run(tmp_path / "set", PROJECT[:3])
    before = contents(tmp_path / "set")
    state = tmp_path / "set/state.jsonl"
    older = re.sub(rb',"width":\d+', b"", state.read_bytes())
    state.write_bytes(older)
    with pytest.raises(BadRequest, match=r"another version of twinread.*without --since"):
        run(tmp_path / "set", [], ExportOptions(jobs=1, partial=True))
    assert contents(tmp_path / "set") == {**before, "state.jsonl": older}


def test_without_its_summary_no_page_is_kept_unread(tmp_path):
    run(tmp_path / "set", PROJECT[:3])
    (tmp_path / "set/summary.json").unlink()
    with pytest.raises(BadRequest, match=r"no summary\.json any more.*without --since"):
        run(tmp_path / "set", [], ExportOptions(jobs=1, partial=True))


@pytest.mark.parametrize(
    ("tasks", "options", "missing"),
    [
        pytest.param(PROJECT, {}, [], id="enough pages"),
        pytest.param(
            PROJECT[:1],
            {},
            [f"{kind}_gt_{part}.txt" for kind in ("rec", "det") for part in ("val", "test")],
            id="one",
        ),
        pytest.param(PROJECT[:1], {"ratio": (1.0, 0.0, 0.0)}, [], id="one, and no more was asked for"),
        pytest.param(
            PROJECT[:2], {"pages": PageOptions(format="recognition")}, ["rec_gt_test.txt"], id="two"
        ),
        pytest.param(PROJECT[:1], {"pages": PageOptions(layout="ppocrlabel")}, [], id="not split"),
    ],
)
def test_a_file_that_the_split_asks_for_and_that_has_no_row_is_told(tmp_path, tasks, options, missing):
    totals = run(tmp_path / "set", tasks, ExportOptions(jobs=1, **options))
    assert totals.missing_files == missing


def test_a_page_without_a_legible_line_fills_no_part(tmp_path):
    illegible = [task(n, annotation(rectangle("a", "", label="Illegible"), n)) for n in range(20, 60)]
    totals = run(tmp_path / "set", [*PROJECT[:3], *illegible])
    assert {totals.rows[f"rec_gt_{part}.txt"] for part in ("train", "val", "test")} == {3}


class FailingAt(Pictures):
    """Raises from the n-th picture on."""

    def __init__(self, count, error):
        super().__init__()
        self.count = count
        self.error = error

    def fetch(self, reference, *, task_id):
        if len(self.fetched) >= self.count:
            raise self.error
        return super().fetch(reference, task_id=task_id)


@pytest.mark.parametrize("error", [LabelStudioFailed("away"), KeyboardInterrupt()], ids=["server", "Ctrl-C"])
def test_a_stopped_export_leaves_the_old_dataset_and_is_gone_on_with(tmp_path, error):
    run(tmp_path / "set", PROJECT[:3])
    before = contents(tmp_path / "set")
    with pytest.raises(type(error)):
        run(tmp_path / "set", PROJECT, ExportOptions(jobs=1), FailingAt(8, error))
    assert contents(tmp_path / "set") == before
    totals = run(tmp_path / "set", PROJECT)
    assert totals.pages_taken_over >= 5
    run(tmp_path / "afresh", PROJECT)
    assert rows(tmp_path / "set") == rows(tmp_path / "afresh")
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["afresh", "set"]


def test_a_file_system_that_fails_in_the_middle_leaves_the_old_dataset(tmp_path):
    run(tmp_path / "set", PROJECT[:3])
    before = contents(tmp_path / "set")
    broken = [*PROJECT[:3], task(4, annotation(rectangle("a")))]
    with Staging(tmp_path / "set") as staging, pytest.raises(CannotWrite):
        # a file in the place of a folder, as on a damaged disk
        (staging.folder / "crops").write_text("")
        export(iter(broken), Pictures(), staging, ExportOptions(jobs=1))
    assert contents(tmp_path / "set") == before


SLOW = """
import os, sys, time
from pathlib import Path
from converters.export.run import ExportOptions, export
from converters.export.staging import Staging
from tests.parts.reviewed_tasks import Pictures
from tests.parts.exported import PROJECT

class Slow(Pictures):
    def fetch(self, reference, *, task_id):
        if len(self.fetched) >= 6:
            os.write(1, b"half\\n")  # whole, though several threads come here
            time.sleep(60)
        return super().fetch(reference, task_id=task_id)

with Staging(Path(sys.argv[1])) as staging:
    export(iter(PROJECT), Slow(), staging, ExportOptions(jobs=1))
"""


def test_a_killed_export_leaves_the_old_dataset_and_the_next_one_goes_on(tmp_path):
    out = tmp_path / "set"
    run(out, PROJECT[:3])
    before = contents(out)
    with subprocess.Popen([sys.executable, "-c", SLOW, out], stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout.readline() == b"half\n"
        with pytest.raises(DatasetLocked, match="Another export is writing into set"):
            run(out, PROJECT)
        process.send_signal(signal.SIGKILL)
    assert contents(out) == before
    totals = run(out, PROJECT)
    assert totals.pages_taken_over >= 4
    assert len(rows(out)) == 36


def test_the_language_of_a_page_is_the_tasks_own_also_where_the_page_is_taken_over(tmp_path):
    def languages():
        return {row["task"]: row.get("language") for row in manifest(tmp_path / "set")}

    tasks = copy.deepcopy(PROJECT[:3])
    tasks[0]["data"]["language"] = "ru"
    run(tmp_path / "set", tasks)
    assert languages() == {
        1: "ru",
        2: None,
        3: None,
    }

    tasks[1]["data"]["language"] = "uk"
    totals = run(tmp_path / "set", tasks, ExportOptions(jobs=1, incremental=True))
    assert totals.pages_taken_over == 3
    assert languages() == {
        1: "ru",
        2: "uk",
        3: None,
    }

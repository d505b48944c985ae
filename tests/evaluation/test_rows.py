"""What a part of a dataset holds, and what is said where it cannot be read."""

from __future__ import annotations

import json
import shutil

import pytest

from backend.errors import BadRequest
from converters.evaluation.rows import read_part
from converters.shared.manifest import manifest_lines, page_key
from tests.parts.exported import rows


@pytest.fixture
def copy(dataset, tmp_path):
    return shutil.copytree(dataset, tmp_path / "dataset")


def test_a_line_has_its_text_page_script_width_and_what_was_read_of_it(dataset):
    found = read_part(dataset, "test")
    assert {line.crop: line.truth for line in found.lines} == rows(dataset, "rec_gt_test.txt")
    assert (found.notes, found.file) == ((), "rec_gt_test.txt")
    line = next(line for line in found.lines if "o" in line.truth)
    assert line.page in {str(number) for number in range(1, 10)}
    assert [reading.text for reading in line.readings] == [line.truth, line.truth.replace("o", "0")]
    assert (line.script, line.kind, line.predicted) == ("Latin", "en", line.truth)
    assert 100 < line.width < 400
    assert len(found.pages) * 2 == len(found.lines)


def test_characters_that_people_approved_in_any_part_are_labelled(dataset):
    every = "".join(rows(dataset).values())
    assert read_part(dataset, "test").labelled == set(every)
    assert set("".join(rows(dataset, "rec_gt_test.txt").values())) < set(every)


def test_a_page_is_called_by_its_task_and_by_its_number_where_it_is_a_later_one():
    assert [page_key({"task": 12, "page": number}) for number in (0, 1, 2)] == ["12", "12_p2", "12_p3"]


def test_rows_of_detection_and_what_a_reader_could_not_do_are_told_apart():
    row = {"file": "rec_gt_test.txt", "image": "a.png", "kind": "recognition", "task": 1, "page": 0}
    failed = {**row, "readings": [{"reader": "a", "error": "no answer"}, {"reader": "b", "text": ""}]}
    found = list(
        manifest_lines("\n".join(map(json.dumps, ({**row, "kind": "detection"}, failed))).encode() + b"\n")
    )
    assert [(said.reader, said.failed, said.no_text) for said in found[0].readings] == [
        ("a", True, False),
        ("b", False, True),
    ]
    assert len(found) == 1


def break_manifest(folder):
    (folder / "manifest.jsonl").write_bytes(b'{"kind": "recognition"}\n')


def no_part(folder):
    (folder / "rec_gt_test.txt").unlink()


def empty_part(folder):
    (folder / "rec_gt_test.txt").write_bytes(b"")


def two_tabs(folder):
    (folder / "rec_gt_test.txt").write_bytes(b"a.png\tone\ttwo\n")


def no_crop(folder):
    shutil.rmtree(folder / "crops")


def no_image(folder):
    for path in folder.glob("crops/*/*.png"):
        path.write_bytes(b"nothing")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        pytest.param(shutil.rmtree, "is no folder. Pass the folder", id="no dataset"),
        pytest.param(no_part, "put no page with lines into 'test'. Pass --part with one",
                     id="no such part"),
        pytest.param(empty_part, "rec_gt_test.txt has no row, so there is nothing", id="an empty part"),
        pytest.param(no_crop, "are not in the dataset, the first is crops/0/", id="crops are gone"),
        pytest.param(no_image, "is no image that can be read", id="a crop that is no image"),
        pytest.param(two_tabs, "Row 1 of rec_gt_test.txt is none that PaddleOCR reads", id="a broken row"),
        pytest.param(break_manifest, "line 1 is no row of a manifest", id="a broken manifest"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_in_one_sentence(copy, damage, sentence):
    damage(copy)
    with pytest.raises(BadRequest) as refused:
        read_part(copy, "test")
    assert sentence in str(refused.value)
    assert refused.value.exit_code == 2


def test_without_a_manifest_nobody_knows_the_pages_and_that_is_said(copy):
    (copy / "manifest.jsonl").unlink()
    found = read_part(copy, "test")
    assert {line.page for line in found.lines} == {""}
    assert found.pages == set()
    assert "no manifest.jsonl, so nobody knows which lines are of one page" in found.notes[0]


def test_lines_that_the_manifest_does_not_have_are_counted(copy):
    lines = (copy / "manifest.jsonl").read_bytes().splitlines(keepends=True)
    of_test = [line for line in lines if b'"rec_gt_test.txt"' in line]
    (copy / "manifest.jsonl").write_bytes(b"".join(line for line in lines if line != of_test[0]))
    found = read_part(copy, "test")
    assert f"Of 1 of the {len(of_test)} lines manifest.jsonl does not say the page" in found.notes[0]

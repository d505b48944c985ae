"""Reviewed tasks to a dataset: what is written, and that it adds up."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.label_studio.region_notes import readings_meta
from backend.page.crops import crop_line
from backend.page.lines import Judgement, Line, Reading, ReadLine, Verdict, picture_digest
from converters.export.run import ExportOptions, NothingToExport
from converters.export.split import PartReason
from converters.export.totals import EXPORTED
from converters.export.write_page import PageOptions
from converters.paddleocr import label_files, label_rows
from converters.reviewed.approval import Approval
from converters.reviewed.line_rules import Rules
from tests.parts.exported import PROJECT, contents, manifest, pixels, rows, run
from tests.parts.reviewed_tasks import (
    Pictures,
    annotation,
    page_pixels,
    png,
    polygon,
    rectangle,
    task,
)


def test_the_sets_files_hold_every_line_once(tmp_path):
    totals = run(tmp_path / "set", PROJECT)
    found = rows(tmp_path / "set")
    assert found == {f"crops/0/{t}_l{n}.png": f"Счёт {t}.{n}" for t in range(1, 13) for n in range(3)}
    assert totals.recognition == {EXPORTED: 36}
    assert totals.tasks == {EXPORTED: 12}
    for image in found:
        assert pixels(tmp_path / "set" / image).shape == (26, 250, 3)
    pages = list((tmp_path / "set").glob("det_gt_*.txt"))
    assert sum(len(path.read_text("utf-8").splitlines()) for path in pages) == 12
    assert (tmp_path / "set/dict.txt").read_text("utf-8").split() == sorted(set("Счёт.0123456789"))


def test_recognition_and_detection_of_a_page_are_in_one_part(tmp_path):
    run(tmp_path / "set", PROJECT)
    parts = {}
    for row in manifest(tmp_path / "set"):
        assert row["file"].endswith(f"_{row['part']}.txt")
        parts.setdefault(row["task"], set()).add(row["part"])
    assert all(len(part) == 1 for part in parts.values())


def test_a_manifest_row_says_all_that_is_known_of_its_row(tmp_path):
    page = page_pixels(9)
    source = Pictures({"/data/upload/1/7.png": png(page)})
    readers = (Reading("one", "Счет"), Reading("two", error="no answer in 60 s"))
    quad = np.float32([[20, 10], [270, 10], [270, 36], [20, 36]])
    meta = readings_meta(ReadLine(Line(quad), readers, Judgement(Verdict.DISPUTED, "Счет", 0.5)), "a")
    prediction = {
        "id": 4,
        "model_version": "ernie 1a2b",
        "created_at": "2026-11-22T09:00:00Z",
        "result": rectangle("a", "Счет", meta=meta),
    }
    approved = annotation(rectangle("a", "Счёт\u00a0"), 11, 8, 30, lead_time=12.5, parent_prediction=4)
    run(tmp_path / "set", [task(7, approved, predictions=[prediction])], source=source)
    origin = {
        "part": "train",
        "part_why": manifest(tmp_path / "set")[0]["part_why"],
        "task": 7,
        "page": 0,
        "page_sha256": picture_digest(page),
        "reference": "/data/upload/1/7.png",
        "annotation": 11,
        "annotator": 8,
        "created_at": "2026-11-22T10:30:00.000000Z",
        "updated_at": "2026-11-22T10:30:00.000000Z",
        "lead_time_s": 12.5,
        "chosen": "latest",
        "model_version": "ernie 1a2b",
    }
    assert origin["part_why"] in {why.value for why in PartReason}
    line, whole = manifest(tmp_path / "set")
    assert line == {
        "file": "rec_gt_train.txt",
        "image": "crops/0/7_a.png",
        "kind": "recognition",
        "text": "Счёт",
        "text_before": "Счёт\u00a0",
        **origin,
        "region": "a",
        "labels": ["Text"],
        "quad": quad.tolist(),
        "crop_sha256": picture_digest(crop_line(page, quad)),
        "verdict": "disputed",
        "drawn": False,
        "predicted": "Счет",
        "readings": [{"reader": "one", "text": "Счет"}, {"reader": "two", "error": "no answer in 60 s"}],
        "edits": {"predicted": 1, "readings": [1, None]},
    }
    size = {"width": page.shape[1], "height": page.shape[0]}
    assert whole == {
        "file": "det_gt_train.txt",
        "image": "pages/0/7.png",
        "kind": "detection",
        **origin,
        **size,
        "regions": [{"region": "a"}],
    }


def test_each_row_has_one_row_in_the_manifest(tmp_path):
    run(tmp_path / "set", PROJECT)
    written = [
        (path.name, line.split("\t")[0])
        for path in (tmp_path / "set").glob("*_gt_*.txt")
        for line in path.read_text("utf-8").splitlines()
    ]
    told = [(row["file"], row["image"]) for row in manifest(tmp_path / "set")]
    assert sorted(written) == sorted(told)
    assert len(set(told)) == len(told) == 48


def test_the_same_input_gives_the_same_bytes_in_any_order_and_again(tmp_path):
    run(tmp_path / "one", PROJECT)
    run(tmp_path / "two", reversed(PROJECT), ExportOptions(jobs=1, ratio=(0.8, 0.1, 0.1)))
    first = contents(tmp_path / "one")
    assert contents(tmp_path / "two") == first
    run(tmp_path / "one", PROJECT)
    assert contents(tmp_path / "one") == first


def test_a_growing_project_moves_no_page_and_renames_no_crop(tmp_path):
    run(tmp_path / "set", PROJECT[:5])
    before = {row["image"]: row["part"] for row in manifest(tmp_path / "set")}
    run(tmp_path / "set", PROJECT, ExportOptions(jobs=1, ratio=(0.1, 0.1, 0.8)))
    after = {row["image"]: row["part"] for row in manifest(tmp_path / "set")}
    assert before.items() <= after.items()
    run(tmp_path / "set", PROJECT, ExportOptions(jobs=1, ratio=(0.1, 0.1, 0.8), new_split=True))
    assert {row["image"]: row["part"] for row in manifest(tmp_path / "set")} != after


def test_pages_of_one_document_stay_together(tmp_path):
    tasks = [
        {**found, "data": {**found["data"], "document": str(number % 3)}}
        for number, found in enumerate(PROJECT)
    ]
    run(tmp_path / "set", tasks, ExportOptions(jobs=1, split_by="document"))
    parts = {}
    for row in manifest(tmp_path / "set"):
        parts.setdefault(row["task"] % 3, set()).add(row["part"])
    assert all(len(part) == 1 for part in parts.values())


def test_same_named_uploads_do_not_collide(tmp_path):
    source = Pictures({"/a/scan.png": png(page_pixels(1)), "/b/scan.png": png(page_pixels(2))})
    tasks = [
        task(number, annotation(rectangle("l1", "x")), image=f"/{name}/scan.png")
        for number, name in ((1, "a"), (2, "b"))
    ]
    run(tmp_path / "set", tasks, source=source)
    crops = [path.read_bytes() for path in sorted((tmp_path / "set/crops").rglob("*.png"))]
    assert len(crops) == len(set(crops)) == 2


def test_what_is_left_out_is_told_with_its_reason(tmp_path):
    result = [
        *rectangle("ok"),
        *rectangle("later", label="Check", box=(20, 50, 99, 20)),
        *rectangle("bad", label="Illegible", box=(20, 90, 99, 20)),
        *rectangle("stain", label="Not text", box=(20, 130, 99, 20)),
        *rectangle("tab", "a\tb", box=(20, 170, 99, 20)),
    ]
    tasks = [
        task(1, annotation(result)),
        task(2, annotation([], was_cancelled=True)),
        task(3, predictions=[{"id": 1, "result": rectangle("x")}]),
        task(4, drafts=[{"result": rectangle("x")}]),
        "garbage",
        task(1, annotation(result)),
    ]
    totals = run(tmp_path / "set", tasks)
    assert totals.recognition == {
        EXPORTED: 1,
        "left undecided": 1,
        "illegible": 1,
        "not text": 1,
        "a tab in the text": 1,
    }
    assert totals.detection[EXPORTED] == 1
    assert totals.detection["out: not text"] == 1
    assert totals.tasks.total() == 6
    assert totals.tasks[EXPORTED] == 1
    out = {
        row["region"]: (row["why"], row["detection"]) for row in manifest(tmp_path / "set", "left_out.jsonl")
    }
    assert out["stain"] == ("not text", "out")
    assert out["later"] == ("left undecided", "ignored")
    [path] = (tmp_path / "set").glob("det_gt_*.txt")
    [(_, row)] = label_rows.parse_rows(path.read_bytes(), label_rows.parse_detection_row)
    assert [(region.text, region.ignored) for region in row.regions] == [
        ("Счёт", False),
        *[("###", True)] * 3,
    ]


SHAPES = st.sampled_from(["rectangle", "triangle", "tiny", "away", "garbage", "number", "ellipse"])
SOME_LINES = st.lists(
    st.tuples(
        SHAPES,
        st.sampled_from(["Text", "Check", "Illegible", "Not text", "Table", None]),
        st.sampled_from(["Счёт", "", " ", "a\tb", "a\nb", "###", "*", None, ["a", "b"], ["\ud800"], [4]]),
    ),
    max_size=5,
)
SOME_TASKS = st.lists(
    st.tuples(SOME_LINES, st.booleans(), st.sampled_from(["page", "missing", "none"])), min_size=1, max_size=4
)


def built(shape, label, text, number):
    identity = f"r{number}"
    if shape == "garbage":
        return [{"x": number}]
    if shape == "number":
        return [number]
    if shape == "ellipse":
        value = {"x": 5, "y": 5, "radiusX": 3, "radiusY": 3}
        return [{"id": identity, "type": "ellipse", "from_name": "e", "to_name": "image", "value": value}]
    if shape == "triangle":
        return polygon(
            identity, [(20, 10 + number), (90, 12), (50, 60)], text if isinstance(text, str) else "x"
        )
    box = {"rectangle": (20, 10 + 50 * number, 200, 30), "tiny": (5, 5, 1, 1), "away": (900, 900, 90, 20)}[
        shape
    ]
    return rectangle(identity, text, box, label)


@settings(max_examples=40, deadline=None)
@given(SOME_TASKS)
def test_exported_and_left_out_are_all_regions_seen(drawn):
    tasks = []
    regions = 0
    for number, (lines, cancelled, image) in enumerate(drawn, start=1):
        result = [part for place, line in enumerate(lines) for part in built(*line, place)]
        found = task(number, annotation(result, was_cancelled=cancelled))
        found["data"] = {"page": {}, "missing": {"image": "/gone.png"}, "none": {"other": 5}}[image] or found[
            "data"
        ]
        tasks.append(found)
        regions += 0 if cancelled else len(lines)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "set"
        try:
            totals = run(out, tasks)
        except NothingToExport as nothing:
            totals = nothing.totals
            assert not out.exists()
        assert totals.recognition.total() == totals.detection.total() == regions
        assert totals.recognition[EXPORTED] == len(rows(out))
        if out.exists():
            left_out = manifest(out, "left_out.jsonl")
            assert len(left_out) + totals.recognition[EXPORTED] == regions
        assert totals.tasks.total() == totals.annotations.total() == len(tasks)


@pytest.mark.parametrize("kind", ["recognition", "detection"])
def test_one_format_alone_writes_nothing_of_the_other(tmp_path, kind):
    run(tmp_path / "set", PROJECT, ExportOptions(jobs=1, pages=PageOptions(format=kind)))
    names = {path.name.partition("_")[0] for path in (tmp_path / "set").iterdir()}
    recognition = {"rec", "crops", "dict.txt"}
    detection = {"det", "pages"}
    assert (recognition if kind == "recognition" else detection) <= names
    assert not (detection if kind == "recognition" else recognition) & names


def test_a_crop_is_pixel_for_pixel_what_the_readers_saw(tmp_path):
    page = page_pixels(5)
    quad = np.array([[13, 7], [302, 7], [302, 30], [13, 30]], np.float32)
    shown = crop_line(page, quad)
    source = Pictures({"/p.png": png(page)})
    tasks = [task(1, annotation(rectangle("l1", "x", (13, 7, 289, 23))), image="/p.png")]
    run(tmp_path / "set", tasks, source=source)
    assert (pixels(tmp_path / "set/crops/0/1_l1.png") == shown).all()
    [row] = [row for row in manifest(tmp_path / "set") if row["kind"] == "recognition"]
    assert row["crop_sha256"] == picture_digest(shown)
    assert row["quad"] == quad.tolist()


def test_jpeg_crops_have_their_suffix(tmp_path):
    run(
        tmp_path / "set", PROJECT[:1], ExportOptions(jobs=1, pages=PageOptions(crop_format="jpg", quality=80))
    )
    [first, *_] = rows(tmp_path / "set")
    assert first.endswith(".jpg")
    assert (tmp_path / "set" / first).read_bytes().startswith(b"\xff\xd8\xff")


def test_ppocrlabel_finds_what_it_wants(tmp_path):
    result = [*rectangle("a"), *polygon("b", [(20, 60), (145, 62), (270, 64), (270, 90), (20, 86)], "five")]
    run(
        tmp_path / "my set",
        [task(1, annotation(result))],
        ExportOptions(jobs=1, pages=PageOptions(layout="ppocrlabel")),
    )
    folder = tmp_path / "my set"
    assert (folder / "fileState.txt").read_text() == "my set/1.png\t1\n"
    image, regions = (folder / "Label.txt").read_text("utf-8").split("\t")
    # PPOCRLabel reads the row with eval, and its crops need four corners
    read = eval(regions.replace("false", "False").replace("true", "True").replace("null", "None"))
    assert image == "my set/1.png"
    assert [(region["transcription"], len(region["points"])) for region in read] == [("Счёт", 4), ("five", 4)]
    assert (folder.parent / image).exists()
    assert rows(folder, "rec_gt.txt") == {"crop_img/1_a.png": "Счёт", "crop_img/1_b.png": "five"}
    assert (folder / "crop_img/1_a.png").exists()
    # and `twinread import` takes the folder back as it was approved
    back = label_files.read("Label.txt", (folder / "Label.txt").read_bytes())
    approved = [row for row in manifest(folder) if row["kind"] == "recognition"]
    [page] = back.rows
    assert [region.text for region in page.regions] == [row["text"] for row in approved]
    for region, row in zip(page.regions, approved, strict=True):
        assert np.abs(np.array(region.points) - row["quad"]).max() <= 0.005
    assert back.left_out == ()


@pytest.mark.parametrize(
    ("rule", "texts"),
    [
        ("latest", ["новый"]),
        ("ground-truth", ["старый"]),
        ("by 8", ["новый"]),
        ("by 7", ["старый"]),
        ("agreeing", None),
    ],
)
def test_the_rule_decides_whose_text_is_exported(tmp_path, rule, texts):
    older = annotation(rectangle("a", "старый"), 1, 7, 1, ground_truth=True)
    newer = annotation(rectangle("a", "новый"), 2, 8, 2)
    options = ExportOptions(jobs=1, rules=Rules(Approval.parse(rule)))
    tasks = [task(1, older, newer)]
    if texts is None:
        with pytest.raises(NothingToExport) as caught:
            run(tmp_path / "set", tasks, options)
        assert caught.value.totals.recognition == {"annotators disagree": 1}
        assert caught.value.totals.detection == {"ignored: annotators disagree": 1}
    else:
        run(tmp_path / "set", tasks, options)
        assert list(rows(tmp_path / "set").values()) == texts
        assert {row["chosen"] for row in manifest(tmp_path / "set")} == {rule}


def test_an_image_that_cannot_be_had_leaves_its_lines_out_by_name(tmp_path):
    source = Pictures({"/broken.png": png(page_pixels(1))[:900]})
    missing = [task(90, annotation(rectangle("a")), image="/gone.png")]
    missing.append(task(91, annotation(rectangle("a")), image="/broken.png"))
    tasks = [PROJECT[0], *missing]
    totals = run(tmp_path / "set", tasks, source=source)
    assert totals.recognition == {EXPORTED: 3, "the image could not be had": 2}
    assert totals.pages_without_image == 2
    assert [row["task"] for row in manifest(tmp_path / "set", "left_out.jsonl")] == [90, 91]


def test_nothing_approved_writes_nothing_and_leaves_the_old_dataset(tmp_path):
    run(tmp_path / "set", PROJECT)
    before = contents(tmp_path / "set")
    with pytest.raises(NothingToExport, match="set was not written") as caught:
        run(tmp_path / "set", [task(1, predictions=[4])])
    assert caught.value.totals.tasks.total() == 1
    assert contents(tmp_path / "set") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [".set.lock", "set"]


def test_a_task_of_several_pages_exports_each_from_its_own_picture(tmp_path):
    source = Pictures({f"/{n}.png": png(page_pixels(n)) for n in range(2)})
    texts = {"a": 0, "b": 1, "c": 7}
    result = [part for name, page in texts.items() for part in rectangle(name, name, item_index=page)]
    found = task(4, annotation(result))
    found["data"] = {"pages": ["/0.png", "/1.png"]}
    totals = run(tmp_path / "set", [found], source=source)
    assert rows(tmp_path / "set") == {"crops/0/4_p1_a.png": "a", "crops/0/4_p2_b.png": "b"}
    assert totals.recognition["on a page that the task does not have"] == 1
    cut = pixels(tmp_path / "set/crops/0/4_p2_b.png")
    assert (cut == page_pixels(1)[10:36, 20:270]).all()

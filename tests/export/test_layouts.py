"""Layouts: what each of them writes, what its rows hold, and what they do not carry."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from backend.label_studio.region_notes import Decided
from backend.page.lines import Reading
from converters.commands import export
from converters.export import layouts
from converters.export.layouts import FORMATS, LAYOUTS, layout_of
from converters.export.layouts.layout import detection_row
from converters.export.page_records import Author, LineRecord, PageRecord, Readings
from converters.export.run import ExportOptions
from converters.export.write_page import PageOptions
from converters.paddleocr.label_rows import parse_detection_row
from converters.reviewed.reasons import InDetection, LeftOutReason
from tests.parts.exported import PROJECT, contents, manifest, run

BOX = [[1, 2], [30, 2], [30, 12], [1, 12]]
LINE = LineRecord(
    region="a",
    quad=BOX,
    points=BOX,
    text="Счёт",
    raw="Счёт",
    labels=["Text"],
    why=None,
    crop="crops/0/1_a.png",
)
PAGE = PageRecord(
    key="1",
    task="1",
    number=0,
    state="s",
    reference="/data/1.png",
    author=Author("3", "7", "then", "now", 12.5),
    file_sha256="f",
    page_sha256="p",
    width=99,
    height=99,
    image="pages/0/1.png",
    group=None,
    model_version="m",
    problem=None,
    lines=[LINE],
    part="train",
    part_why="by its hash",
)


@pytest.mark.parametrize(
    ("why", "text", "written"),
    [
        pytest.param(None, "Счёт", [("Счёт", False)], id="approved"),
        pytest.param(None, "*", [("", True)], id="PaddleOCR takes an asterisk for an ignore mark"),
        pytest.param("ILLEGIBLE", "", [("", True)], id="illegible"),
        pytest.param("UNDECIDED", "", [("", True)], id="undecided"),
        pytest.param("NOT_TEXT", "", [], id="not text"),
    ],
)
def test_a_region_is_written_by_its_reason(why, text, written):
    page = replace(PAGE, lines=[replace(LINE, why=why, text=text), replace(LINE, text="x")])
    [row] = detection_row(page, "det_gt_train.txt", "pages/0/1.png")
    parsed = parse_detection_row(row.content)
    assert [(r.text if not r.ignored else "", r.ignored) for r in parsed.regions] == [*written, ("x", False)]


def test_a_page_without_regions_has_no_row():
    page = replace(PAGE, lines=[replace(LINE, why="NOT_TEXT", text=""), replace(LINE, points=[])])
    assert list(detection_row(page, "det_gt_train.txt", "pages/0/1.png")) == []


def test_text_that_is_there_is_never_background():
    there = {why for why in LeftOutReason if why.in_detection is InDetection.IGNORED}
    assert {
        LeftOutReason.NO_TEXT,
        LeftOutReason.TAB,
        LeftOutReason.SEVERAL_TEXTS,
        LeftOutReason.CONTRADICTED,
        LeftOutReason.LATER,
    } <= there
    assert not there & {
        LeftOutReason.NOT_TEXT,
        LeftOutReason.NOT_A_LINE,
        LeftOutReason.BRUSH,
        LeftOutReason.TOO_SMALL,
        LeftOutReason.OFF_PAGE,
    }


def test_ppocrlabel_gets_four_corners_and_paddleocr_all_points():
    outline = np.array([[0, 0], [5, 1], [9, 0], [9, 9], [0, 9]], np.float32)
    quad = outline[[0, 2, 3, 4]]
    assert layout_of("paddleocr").points(outline, quad) is outline
    assert layout_of("ppocrlabel").points(outline, quad) is quad


BESIDE = {"left_out.jsonl", "manifest.jsonl", "report.html", "split.jsonl", "state.jsonl", "summary.json"}


@pytest.mark.parametrize(
    ("layout", "written", "names"),
    [
        pytest.param("paddleocr", "recognition", {"rec_gt_train.txt", "crops", "dict.txt"}, id="crops"),
        pytest.param("paddleocr", "detection", {"det_gt_train.txt", "pages"}, id="pages"),
        pytest.param(
            "paddleocr",
            "both",
            {"rec_gt_train.txt", "crops", "dict.txt", "det_gt_train.txt", "pages"},
            id="crops and pages",
        ),
        pytest.param(
            "ppocrlabel",
            "detection",
            {"Label.txt", "fileState.txt", "1.png", "2.png"},
            id="PPOCRLabel, pages",
        ),
        pytest.param(
            "ppocrlabel",
            "both",
            {"Label.txt", "fileState.txt", "1.png", "2.png", "rec_gt.txt", "crop_img", "dict.txt"},
            id="PPOCRLabel, crops and pages",
        ),
    ],
)
def test_a_layout_writes_what_it_says_and_nothing_else(tmp_path, layout, written, names):
    options = ExportOptions(jobs=1, ratio=(1.0, 0.0, 0.0), pages=PageOptions(format=written, layout=layout))
    run(tmp_path / "set", PROJECT[:2], options)
    # no region was left out
    assert {path.name for path in (tmp_path / "set").iterdir()} == names | BESIDE - {"left_out.jsonl"}
    images = {row["image"] for row in manifest(tmp_path / "set")}
    assert {name for name in contents(tmp_path / "set") if name.endswith(".png")} == {
        image.removeprefix("set/") for image in images
    }


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_one_layout_wrote_is_gone_when_another_takes_its_place(tmp_path, layout):
    whole = PageOptions(format="both", layout=layout)
    run(tmp_path / "set", PROJECT[:2], ExportOptions(jobs=1, pages=whole))
    assert len(list((tmp_path / "set").rglob("*.png"))) == 6 + 2
    (tmp_path / "set" / "mine.png").write_bytes(b"of a person")
    run(tmp_path / "set", PROJECT[2:4], ExportOptions(jobs=1, pages=PageOptions(format="recognition")))
    run(tmp_path / "afresh", PROJECT[2:4], ExportOptions(jobs=1, pages=PageOptions(format="recognition")))
    assert set(contents(tmp_path / "set")) == set(contents(tmp_path / "afresh")) | {"mine.png"}


def test_the_image_of_a_page_that_an_export_no_longer_has_is_gone(tmp_path):
    whole = ExportOptions(jobs=1, pages=PageOptions(format="both", layout="ppocrlabel"))
    run(tmp_path / "set", PROJECT[:2], whole)
    (tmp_path / "set" / "mine.png").write_bytes(b"of a person")
    pages = {page["image"] for page in manifest(tmp_path / "set", "state.jsonl")}
    run(tmp_path / "set", PROJECT[1:2], whole)
    (left,) = {page["image"] for page in manifest(tmp_path / "set", "state.jsonl")}
    assert {path.name for path in (tmp_path / "set").glob("*.png")} == {left, "mine.png"}
    assert len(pages) == 2


OTHER_LINE = {
    "region": "b",
    "quad": [[0, 0]] * 4,
    "points": [[5, 5]] * 4,
    "text": "Счет",
    "raw": "Счёт ",
    "labels": ["Title"],
    "why": "ILLEGIBLE",
    "crop": "crops/0/1_b.png",
    "crop_sha256": "other",
    "fingerprint": 7,
    "changes": ["SPACES"],
    "readings": Readings("disputed", "Счет", False, (Reading("one", "Счет"),)),
    "direction": "TURNED_BACK",
    "looked": "sheet",
    "decided": Decided("A", "2", 71, 12),
    "accepted_by": "2",
}
OTHER_PAGE = {
    "key": "2",
    "task": "2",
    "number": 1,
    "state": "other",
    "reference": "/data/2.png",
    "author": Author("4", "8", "", "", None),
    "file_sha256": "other",
    "page_sha256": "other",
    "width": 7,
    "height": 7,
    "image": "pages/0/2.png",
    "group": "book",
    "model_version": "other",
    "problem": "gone",
    "lines": [LINE, LINE],
    "part": "val",
    "part_why": "it carries a character",
    "language": "uk",
    "made": "sheets",
}
LOST = {
    "task": "task",
    "key": "key",
    "number": "number",
    "width": "size",
    "height": "size",
    "language": "language",
    "group": "group",
    "state": "state",
    "reference": "the reference",
    "file_sha256": "the hashes of its image",
    "page_sha256": "the hashes of its image",
    "problem": "the problem of an image",
    "part_why": "why it is in its part",
    "author": "author",
    "readings": "the readings",
    "model_version": "the model version",
    "region": "its id",
    "labels": "labels",
    "raw": "the raw text",
    "changes": "the changes",
    "direction": "direction",
    "quad": "quad",
    "crop_sha256": "its hash",
    "fingerprint": "fingerprint",
    "looked": "where somebody looked",
    "decided": "who decided it on a sheet",
    "accepted_by": "who accepted what nobody looked at",
    "made": "where somebody looked",
}
"""What no layout carries, and the words that say so."""
LOST_TOO = {"paddleocr": {}, "ppocrlabel": {"part": "the part of a page"}}


def carried(layout, page):
    """What the label files hold of a page."""
    return [(row.file, row.content) for row in layout.rows(page, "set")]


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_says_every_field_that_it_does_not_carry(name):
    layout = layout_of(name)
    assert [field.name for field in fields(LineRecord)] == list(OTHER_LINE)
    assert [field.name for field in fields(PageRecord)] == list(OTHER_PAGE)
    changed = {
        **{
            field: replace(PAGE, lines=[replace(LINE, **{field: value})])
            for field, value in OTHER_LINE.items()
        },
        **{field: replace(PAGE, **{field: value}) for field, value in OTHER_PAGE.items()},
    }
    lost = {field for field, page in changed.items() if carried(layout, page) == carried(layout, PAGE)}
    words = LOST | LOST_TOO[name]
    assert lost == set(words)
    said = " ".join(f"{layout_of('paddleocr').__doc__} {layout.__doc__}".split())
    assert [field for field, phrase in words.items() if phrase not in said] == []


@pytest.mark.parametrize("name", LAYOUTS)
def test_why_a_region_is_ignored_is_not_carried(name):
    pages = [replace(PAGE, lines=[replace(LINE, why=why, text="")]) for why in ("ILLEGIBLE", "UNDECIDED")]
    first, second = (carried(layout_of(name), page) for page in pages)
    assert first == second != []
    assert "why it is ignored" in " ".join(layout_of("paddleocr").__doc__.split())


def test_the_command_offers_every_layout_and_format_by_its_name():
    choices = {option.name: option.type for option in export.params}
    assert list(choices["layout"].choices) == list(LAYOUTS)
    assert tuple(choices["format"].choices) == FORMATS


def test_a_layout_is_named_in_one_module():
    code = Path(layouts.__file__).parents[2]
    named = {
        path.relative_to(code).as_posix() for path in code.rglob("*.py") if '"ppocrlabel"' in path.read_text()
    }
    assert named == {"export/layouts/__init__.py"}

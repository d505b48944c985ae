"""Options of the command line, each with what it changes in the dataset."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import get_type_hints

import pytest
from click.testing import CliRunner
from PIL import Image
from pydantic import TypeAdapter

from backend.commands.cli import twinread
from converters.commands import export as command
from converters.export.options import LAST, ExportRequest, since_of
from tests.parts.exported import manifest, pixels, rows
from tests.parts.reviewed_tasks import annotation, page_pixels, png, rectangle, task


@pytest.fixture
def export(tmp_path):
    """Exports twelve pages of three books, each page there in two pictures, with three lines."""
    (tmp_path / "images").mkdir()
    tasks = []
    for number in range(1, 13):
        for name, seed in (("page", number), ("scan", 100 + number)):
            (tmp_path / "images" / f"{name}{number}.png").write_bytes(png(page_pixels(seed)))
        result = [
            *rectangle("wide", f"Счёт {number}", (20, 10, 250, 26)),
            *rectangle("tall", f"вниз {number}", (300, 60, 26, 180)),
            *rectangle("tab", f"a\tb {number}", (20, 60, 250, 26), "Title"),
        ]
        found = task(number, annotation(result), image=f"/page{number}.png")
        found["data"] |= {"scan": f"/scan{number}.png", "book": f"book {number % 3}"}
        tasks.append(found)
    (tmp_path / "export.json").write_text(json.dumps(tasks), "utf-8")
    places = {"json": "export.json", "images": "images", "out": "set"}
    fixed = [part for option, name in places.items() for part in (f"--{option}", str(tmp_path / name))]

    def run(*arguments):
        done = CliRunner().invoke(twinread, ["export", "--jobs", "1", *fixed, *arguments])
        assert done.exit_code == 0, done.output
        return tmp_path / "set"

    return run


def size_of_a_tall_crop(folder):
    return pixels(folder / "crops/0/1_tall.png").shape[:2]


def a_text_with_a_tab(folder):
    return rows(folder).get("crops/0/1_tab.png")


def picture(folder):
    crop = pixels(folder / "crops/0/1_wide.png")
    return next(
        name
        for name, seed in (("page", 1), ("scan", 101))
        if (crop == page_pixels(seed)[10:36, 20:270]).all()
    )


def parts(folder):
    return sorted({row["part"] for row in manifest(folder)})


def books_in_one_part(folder):
    found = {(row["task"] % 3, row["part"]) for row in manifest(folder)}
    return len(found) == 3


def regions(folder):
    return sorted({row["region"] for row in manifest(folder) if row["kind"] == "recognition"})


def label_files(folder):
    return sorted({path.name[:4] for path in folder.glob("*_gt*.txt")} | {p.name for p in folder.glob("L*")})


def coarseness_of_jpeg(folder):
    """The first number of its table; a PNG has none."""
    with Image.open(next((folder / "crops/0").glob("1_wide.*"))) as image:
        return getattr(image, "quantization", {0: [None]})[0][0]


@pytest.mark.parametrize(
    ("arguments", "look", "without", "given"),
    [
        pytest.param("--tall-lines never", size_of_a_tall_crop, (26, 180), (180, 26), id="tall lines"),
        pytest.param("--replace-breaks", a_text_with_a_tab, None, "a b 1", id="breaks"),
        pytest.param("--image-field scan", picture, "page", "scan", id="the image's field"),
        pytest.param("--split 1 --new-split", parts, ["test", "train", "val"], ["train"], id="a new split"),
        pytest.param(
            "--split 1", parts, ["test", "train", "val"], ["test", "train", "val"], id="the old one"
        ),
        pytest.param("--split-by book --new-split", books_in_one_part, False, True, id="books"),
        pytest.param("--labels text", regions, ["tall", "wide"], ["tall", "wide"], id="the usual label"),
        pytest.param("--labels title --replace-breaks", regions, ["tall", "wide"], ["tab"], id="a label"),
        pytest.param("--format recognition", label_files, ["det_", "rec_"], ["rec_"], id="recognition"),
        pytest.param("--format detection", label_files, ["det_", "rec_"], ["det_"], id="detection"),
        pytest.param(
            "--layout ppocrlabel", label_files, ["det_", "rec_"], ["Label.txt", "rec_"], id="PPOCRLabel"
        ),
        pytest.param("--crop-format jpg", coarseness_of_jpeg, None, 2, id="JPEG of quality 95"),
        pytest.param("--crop-format jpg --quality 10", coarseness_of_jpeg, None, 80, id="coarse JPEG"),
    ],
)
def test_an_option_changes_the_dataset(export, arguments, look, without, given):
    assert look(export()) == without
    assert look(export(*arguments.split())) == given


def test_the_last_moment_may_be_ahead_of_this_clock(tmp_path):
    moment = datetime.now(timezone.utc) + timedelta(minutes=5)
    (tmp_path / "summary.json").write_text(json.dumps({"newest_change": moment.isoformat()}))
    assert since_of(LAST, tmp_path) == moment - timedelta(seconds=10)


EVERY_OPTION = {
    "--project": "3",
    "--json": __file__,
    "--images": ".",
    "--out": "set",
    "--format": "detection",
    "--layout": "ppocrlabel",
    "--crop-format": "jpg",
    "--quality": "90",
    "--tall-lines": "never",
    "--approved": "by 7",
    "--labels": "Text",
    "--replace-breaks": None,
    "--split": "1",
    "--split-by": "book",
    "--new-split": None,
    "--incremental": None,
    "--since": LAST,
    "--guarantee": "1%",
    "--image-field": "scan",
    "--text-field": "transcription",
    "--config": __file__,
    "--jobs": "2",
    "--summary-json": "summary.json",
}


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"--out": "set"}, id="none but the one that must be there"),
        pytest.param(EVERY_OPTION, id="all of them"),
    ],
)
def test_the_command_line_gives_each_field_of_the_request_its_type(arguments):
    assert set(EVERY_OPTION) == {option.opts[0] for option in command.params}
    line = [part for option, value in arguments.items() for part in (option, value) if part is not None]
    given = command.make_context("export", line).params
    request = ExportRequest(**given)
    for name, kind in get_type_hints(ExportRequest).items():
        TypeAdapter(kind).validate_python(getattr(request, name), strict=True)


def test_an_empty_text_names_no_file_for_the_summary():
    given = command.make_context("export", ["--out", "set", "--summary-json", ""]).params
    assert ExportRequest(**given).summary_json is None

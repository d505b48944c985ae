"""From images to texts and files: with real models, and with parts that fail as they are told."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from backend.errors import BadRequest, DetectorFailed, SettingsWrong
from backend.models import locate
from backend.page.lines import Reading
from backend.seams import LineDetector, LineReader
from backend.settings.settings import Settings
from backend.text import languages
from converters.prediction.models import model_of
from converters.prediction.run import PredictionRequest, PredictionRun, Totals, run
from tests.parts.drawn_pages import drawn_page, file_of
from tests.parts.hostile_images import png, with_scans
from tests.parts.samples import sample
from tests.parts.scripted import ScriptedDetector, ScriptedReader, picture

REC = "PP-OCRv5_mobile_rec"


def settings(folder: Path, **more: object) -> Settings:
    return Settings(cache_dir=folder / "cache", model_source="packages", device="cpu", **more)  # type: ignore[arg-type]


def consoles() -> tuple[Console, Console]:
    return (
        Console(file=io.StringIO(), highlight=False, soft_wrap=True),
        Console(file=io.StringIO(), highlight=False, soft_wrap=True),
    )


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def scripted(
    tmp_path: Path, reader: LineReader, *, lines: bool = False
) -> tuple[PredictionRun, Totals, Console, Console]:
    out, errors = consoles()
    request = PredictionRequest("scripted", (tmp_path,), lines, tmp_path / "out")
    (tmp_path / "out").mkdir()
    totals = Totals()
    work = PredictionRun(request, settings(tmp_path), "ru", reader, out, errors, totals)
    return work, totals, out, errors


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    for name, texts in (("a", ["Invoice 2026", "Total 511.21"]), ("b", ["Second page"])):
        (folder / f"{name}.png").write_bytes(file_of(drawn_page(texts)[0]))
    return folder


def test_pages_are_read_and_written_beside_a_broken_one_that_is_named(pages: Path, tmp_path: Path) -> None:
    (pages / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nhalf")
    out, errors = consoles()
    request = PredictionRequest(
        REC, (pages,), out=tmp_path / "out", language="en", summary_json=tmp_path / "s.json"
    )

    code = run(request, settings(tmp_path), out, errors)

    assert code == 1
    assert printed(out).splitlines()[1:3] == ["Invoice 2026", "Total 511.21"]
    assert "broken.png: This PNG image is damaged" in printed(errors)
    assert "2 of 3 images read, 3 lines" in printed(errors)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        f"{name}_res.{ending}" for name in "ab" for ending in ("jpg", "json", "txt")
    ]
    assert (tmp_path / "out" / "a_res.txt").read_text("utf-8") == "Invoice 2026\nTotal 511.21\n"
    written = json.loads((tmp_path / "out" / "a_res.json").read_text("utf-8"))
    assert written["rec_texts"] == ["Invoice 2026", "Total 511.21"]
    assert written["twinread"]["model"].startswith(REC)
    left, top, right, bottom = written["rec_boxes"][0]
    ink_left, ink_top, ink_right, ink_bottom = drawn_page(["Invoice 2026", "Total 511.21"])[1][0]
    assert left <= ink_left + 4 and top <= ink_top + 4 and right >= ink_right - 4 and bottom >= ink_bottom - 4
    image = cv2.imread(str(tmp_path / "out" / "a_res.jpg"))
    assert image is not None
    assert image.shape[1] > 2 * image.shape[0]
    summary = json.loads((tmp_path / "s.json").read_text("utf-8"))
    assert (summary["images"], summary["images_read"], summary["lines"]) == (3, 2, 3)
    assert list(summary["failed"]) == [str(pages / "broken.png")]


def test_line_crops_are_read_as_they_are_one_row_each(tmp_path: Path) -> None:
    for number, text in enumerate(("first 12", "second line")):
        image, [box] = drawn_page([text])
        left, top, right, bottom = map(round, box)
        (tmp_path / f"{number}.png").write_bytes(
            file_of(image.crop((left - 5, top - 5, right + 5, bottom + 5)))
        )
    out, errors = consoles()

    code = run(
        PredictionRequest(REC, (tmp_path,), lines=True, language="en"), settings(tmp_path), out, errors
    )

    rows = [line.split("\t") for line in printed(out).splitlines()]
    assert code == 0
    assert [(Path(name).name, text) for name, text, _ in rows] == [
        ("0.png", "first 12"),
        ("1.png", "second line"),
    ]
    assert all(0.5 < float(score) <= 1 for *_, score in rows)


@pytest.mark.parametrize("way", ["pipe", "device", "too many bytes", "too many pixels", "too many scans"])
def test_what_breaks_a_limit_is_named_and_the_others_are_read(tmp_path: Path, way: str) -> None:
    bad = tmp_path / "a.jpg"
    progressive = io.BytesIO()
    Image.new("RGB", (64, 64)).save(progressive, "JPEG", progressive=True)
    if way == "pipe":
        os.mkfifo(bad)
    elif way == "device":
        bad.symlink_to("/dev/zero")
    elif way == "too many bytes":
        with bad.open("wb") as file:
            file.truncate(100 * 1024**2 + 1)
    else:
        bad.write_bytes(png(9_000, 9_000) if "pixels" in way else with_scans(progressive.getvalue(), 60))
    (tmp_path / "b.png").write_bytes(picture())
    work, totals, _, _ = scripted(tmp_path, ScriptedReader("r", lambda number: Reading("r", "text", 0.9)))

    work.read_pages([bad, tmp_path / "b.png"], ScriptedDetector(3))

    assert (list(totals.failed), totals.images) == ([str(bad)], 1)


def test_a_line_that_a_reader_failed_on_is_named_and_the_exit_code_says_so(tmp_path: Path) -> None:
    (tmp_path / "page.png").write_bytes(picture())

    def say(number: int) -> Reading:
        return Reading("r", error="the model broke") if number == 1 else Reading("r", f"line {number}", 0.9)

    work, totals, _, errors = scripted(tmp_path, ScriptedReader("r", say))
    work.read_pages([tmp_path / "page.png"], ScriptedDetector(3))

    assert (totals.images, totals.lines, totals.unread, totals.exit_code) == (1, 2, 1, 1)
    assert "page.png: a line was not read: the model broke" in printed(errors)
    written = json.loads((tmp_path / "out" / "page_res.json").read_text("utf-8"))
    assert (written["rec_texts"], len(written["dt_polys"])) == (["line 0", "line 2"], 3)


def test_a_crop_that_was_not_read_leaves_no_files_that_look_like_no_text(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(picture(1, (300, 50)))

    def say(number: int) -> Reading:
        return Reading("r", error="the model broke") if number == 0 else Reading("r", "line", 0.9)

    work, totals, out, _ = scripted(tmp_path, ScriptedReader("r", say), lines=True)
    work.read_lines([tmp_path / "a.png", tmp_path / "b.png"])

    assert [line.split("\t")[1] for line in printed(out).splitlines()] == ["line"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"b_res.json", "b_res.txt", "b_res.jpg"}
    assert totals.exit_code == 1


def test_a_page_that_cannot_be_searched_does_not_stop_the_others(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(picture())

    class FailsOnce(ScriptedDetector):
        def detect(self, page, *, urgency=None):  # type: ignore[no-untyped-def]
            self.error = DetectorFailed("The detector broke.") if not self.pages else None
            return super().detect(page, urgency=urgency)

    detector: LineDetector = FailsOnce(1)
    work, totals, _, errors = scripted(tmp_path, ScriptedReader("r", "Счёт"))
    work.read_pages([tmp_path / "a.png", tmp_path / "b.png"], detector)

    assert "a.png: The detector broke." in printed(errors)
    assert (totals.images, list(totals.failed), totals.exit_code) == (1, [str(tmp_path / "a.png")], 1)


def test_a_model_that_lacks_letters_of_the_language_reads_and_is_warned_of(tmp_path: Path) -> None:
    page = sample("syn_007_ru_sign").path
    out, errors = consoles()

    code = run(PredictionRequest(REC, (page,), language="ru"), settings(tmp_path), out, errors)

    assert code == 0
    assert f"{REC} cannot write" in printed(errors)
    assert len(printed(out).splitlines()) >= 3


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        pytest.param({"recognition_model_dir": "DIR"}, ("DIR", None), id="the folder of the settings"),
        pytest.param({"recognition_model": "my_rec"}, (None, "my_rec"), id="the name of the settings"),
        pytest.param({}, (None, languages.recognition_model("ru")), id="the language's own"),
    ],
)
def test_current_is_what_reads_in_the_backend(
    tmp_path: Path, more: dict[str, str], expected: tuple[str | None, str | None]
) -> None:
    values = settings(tmp_path, **{k: tmp_path if v == "DIR" else v for k, v in more.items()})

    folder, name = model_of("current", "ru", values)

    assert (folder and "DIR", name) == expected


def test_current_is_the_promoted_model_for_its_languages(tmp_path: Path) -> None:
    values = settings(tmp_path)
    own = tmp_path / "own"
    entry = {"directory": str(own), "fingerprint": "1f3a9c07", "name": "n", "languages": ["ru"]}
    entry |= {"promoted_at": "now", "by": "rule", "who": "", "why": "better", "evaluation": {}}
    record = values.cache_dir / "models" / "promoted.json"
    record.parent.mkdir(parents=True)
    record.write_text(json.dumps({"format": 1, "current": entry, "previous": None, "undone_at": None}))

    assert model_of("current", "ru", values) == (own, None)
    assert model_of("current", "el", values) == (None, languages.recognition_model("el"))


def test_a_folder_is_read_by_what_is_in_it_and_one_that_is_not_there_is_named(tmp_path: Path) -> None:
    values = settings(tmp_path)
    packaged = locate.find_model(REC, source="packages", cache_dir=tmp_path / "models").directory
    out, errors = consoles()

    code = run(
        PredictionRequest(str(packaged), (sample("syn_067").path,), language="en"), values, out, errors
    )

    assert code == 0
    assert len(printed(out).splitlines()) >= 9
    with pytest.raises(BadRequest, match="no model folder models/none"):
        run(PredictionRequest("models/none", (sample("syn_067").path,)), values, out, errors)
    with pytest.raises(SettingsWrong, match="exported PaddleOCR model"):
        run(PredictionRequest(str(tmp_path), (sample("syn_067").path,)), values, out, errors)


def test_ctrl_c_keeps_what_is_done_and_leaves_no_half_files(tmp_path: Path) -> None:
    folder, out = tmp_path / "pages", tmp_path / "out"
    folder.mkdir()
    for number in range(200):
        (folder / f"{number:03}.png").write_bytes(file_of(drawn_page([f"Page {number}"])[0]))
    command = [sys.executable, "-m", "backend", "predict", REC, str(folder)]
    process = subprocess.Popen(
        [*command, "--out", str(out), "--language", "en"],
        env={**os.environ, "CACHE_DIR": str(tmp_path / "cache"), "MODEL_SOURCE": "packages", "DEVICE": "cpu"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for _ in range(1200):
            if out.is_dir() and len(list(out.glob("*_res.json"))) >= 2:
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=120)
    finally:
        process.kill()

    assert process.returncode == 1
    assert "Stopped: " in errors
    assert "Traceback" not in errors
    done = sorted(path.name.removesuffix("_res.json") for path in out.glob("*_res.json"))
    assert 2 <= len(done) < 200
    for name in done:
        assert json.loads((out / f"{name}_res.json").read_text("utf-8"))["rec_texts"]
        assert cv2.imdecode(np.frombuffer((out / f"{name}_res.jpg").read_bytes(), np.uint8), 1) is not None
    assert not list(out.glob(".*partial"))

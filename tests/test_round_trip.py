"""Prediction → Label Studio's JSON → untouched review → training row; and what PaddleOCR makes of it."""

from __future__ import annotations

import io
import json

import cv2
import numpy as np
import pytest
from PIL import Image

from backend.label_studio import predictions as prediction_json
from backend.label_studio.default_config import default_config
from backend.label_studio.labeling_config import LabelingConfig
from backend.page.geometry import RotatedRectangle, rectangle_corners
from backend.page.image_files import decode
from backend.page.lines import Judgement, Line, Reading, ReadLine, ReadPage, Verdict
from backend.server import answers
from converters.export.run import ExportOptions
from converters.export.write_page import page_file
from converters.paddleocr import label_rows
from converters.reviewed.line_rules import Rules
from tests.page.test_orientation import shown_orientation, turned_by_chromium
from tests.parts import paddle_loader
from tests.parts.exif import stored
from tests.parts.exif_encodings import encodings
from tests.parts.exported import manifest, pixels, rows, run
from tests.parts.reviewed_tasks import Pictures, annotation, page_pixels, png, polygon, rectangle, task
from tests.parts.samples import all_samples
from tests.parts.scripted import ScriptedReader, ScriptedSource, scripted_service

TEXTS = {
    "null": "null",
    "if true": "if true",
    'say "a"': 'say "a"',
    "日本語": "日本語",
    "شَهْرٌ": "شَهْرٌ",
    "ที่นี่": "ที่นี่",
    "и\u0306 е\u0308": "й ё",
    "№ ½ …": "№ ½ …",
}
"""What a reader may say, and what is written."""


def picture(size, orientation):
    """An upright page of that size as a camera stores it."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    stored(Image.fromarray(page_pixels(orientation, size)), orientation).save(file, "PNG", exif=exif)
    return file.getvalue()


def quads_on(size, angle):
    """One quad per text, turned about the middle of its own row of the page."""
    corners = rectangle_corners(RotatedRectangle(0, 0, 60, 14, angle))
    middle = corners.mean(axis=0)
    places = [(size[0] / 2, size[1] * (row + 1) / (len(TEXTS) + 1)) for row in range(len(TEXTS))]
    return [(corners + np.subtract(place, middle)).astype(np.float32) for place in places]


def predicted(size, quads, config):
    lines = []
    for quad, text in zip(quads, TEXTS, strict=True):
        readings = (Reading("a", text), Reading("b", text))
        lines.append(ReadLine(Line(quad, 0.9), readings, Judgement(Verdict.AGREED, text, 0.9)))
    return prediction_json.prediction(ReadPage(*size, lines), config, model_version="m 1")


def untouched(prediction, **more):
    """A task whose prediction was submitted as it stands."""
    result = json.loads(json.dumps(prediction["result"]))
    before = {"id": 9, "created_at": "2026-11-22T09:00:00Z", **prediction}
    return task(1, annotation(result, parent_prediction=9), image="/p.png", predictions=[before])


CONFIGS = {
    "rectangle": default_config(),
    "polygon": default_config().replace("RectangleLabels", "PolygonLabels").replace('smart="true"', ""),
}


@pytest.mark.parametrize("shape", CONFIGS)
@pytest.mark.parametrize(
    ("size", "orientation", "angle"),
    [
        ((397, 301), 1, 0),
        ((397, 301), 2, 3.7),
        ((1001, 333), 3, 45),
        ((333, 1001), 4, 90),
        ((301, 397), 5, 180),
        ((401, 399), 6, 271),
        ((333, 1001), 7, 359.5),
        ((1201, 499), 8, 12.25),
    ],
)
def test_an_untouched_review_gives_back_corners_and_texts(tmp_path, shape, size, orientation, angle):
    config = LabelingConfig.parse(CONFIGS[shape])
    quads = quads_on(size, angle)
    found = untouched(predicted(size, quads, config))
    source = Pictures({"/p.png": picture(size, orientation)})
    run(tmp_path / "set", [found], ExportOptions(jobs=1, rules=Rules(config=config)), source)

    exported = [row for row in manifest(tmp_path / "set") if row["kind"] == "recognition"]
    assert [row["text"] for row in exported] == list(TEXTS.values())
    assert {row["verdict"] for row in exported} == {"agreed"}
    assert {row["model_version"] for row in exported} == {"m 1"}
    assert {row["edits"]["predicted"] for row in exported} == {0}
    assert all(
        row["readings"] == [{"reader": name, "text": row["text"]} for name in ("a", "b")] for row in exported
    )
    for row, quad in zip(exported, quads, strict=True):
        if shape == "rectangle":
            assert np.abs(np.array(row["quad"]) - quad).max() < 0.02
        else:
            # PaddleOCR's corner order knows no upside down, and drops the fractions of pixels
            turns = [np.roll(row["quad"], turn, axis=0) for turn in range(4)]
            assert min(np.abs(turn - quad).max() for turn in turns) < 1.6
    [path] = (tmp_path / "set").glob("det_gt_*.txt")
    [(_, row)] = label_rows.parse_rows(path.read_bytes(), label_rows.parse_detection_row)
    assert [region.text for region in row.regions] == list(TEXTS.values())
    for region, quad in zip(row.regions, quads, strict=True):
        assert np.abs(np.array(region.points) - quad).max() < 0.02


AS_LONG_AS_THE_BOX = "Счёт на оплату услуг связи"
"""The pages are noise, so the whole box is ink."""


class KeepsCrops(ScriptedReader):
    """Says the same of every crop, and keeps what it saw."""

    def __init__(self, name):
        super().__init__(name, AS_LONG_AS_THE_BOX)
        self.seen = []

    def submit(self, crops, *, urgent=False):
        self.seen += crops
        return super().submit(crops, urgent=urgent)


@pytest.mark.parametrize(
    "result",
    [
        pytest.param(rectangle("a", None, box=(13, 7, 289, 23)), id="whole pixels, which percent loses"),
        pytest.param(rectangle("a", None, box=(13.4, 7.7, 250.2, 26.1)), id="parts of pixels"),
        pytest.param(
            polygon("a", [(20.4, 10.3), (270.6, 14.2), (270.2, 40.8), (20.1, 36.6)])[:1], id="slanted"
        ),
        pytest.param(polygon("a", [(270, 40), (270, 14), (20, 10), (20, 36)])[:1], id="clicked backwards"),
        pytest.param(
            polygon("a", [(20, 10), (150, 22), (270, 14), (270, 40), (20, 36)])[:1], id="five corners"
        ),
    ],
)
def test_the_crop_that_was_read_for_a_drawn_box_is_the_crop_that_is_exported(tmp_path, result):
    content = png(page_pixels(3))
    config = LabelingConfig.parse(CONFIGS["polygon" if result[0]["type"] == "polygonlabels" else "rectangle"])
    reader = KeepsCrops("one")
    service = scripted_service(
        readers=[reader, ScriptedReader("two", AS_LONG_AS_THE_BOX)], source=ScriptedSource({"/p": content})
    )
    drawn = [{**result[0], "from_name": config.control.name}]
    try:
        item = {"id": 1, "data": {"image": "/p"}}
        answer = answers.assist(service, item, drawn, config, answers.Wording("ru", "en"), 20)
    finally:
        service.close()
    run(
        tmp_path / "set",
        [task(1, annotation(answer["result"]), image="/p")],
        ExportOptions(jobs=1, rules=Rules(config=config)),
        Pictures({"/p": content}),
    )

    [read] = reader.seen
    [exported] = rows(tmp_path / "set")
    np.testing.assert_array_equal(pixels(tmp_path / "set" / exported), read)


@pytest.mark.parametrize("page", all_samples(), ids=lambda page: page.path.name)
def test_a_page_is_written_so_that_paddleocr_sees_what_people_saw(page):
    data = page.path.read_bytes()
    upright = decode(data, max_pixels=20_000_000)
    content, suffix = page_file(data, upright)
    seen = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
    assert seen.shape == upright.pixels.shape
    assert np.abs(seen.astype(int) - upright.pixels).mean() < 1
    assert content.startswith(b"\xff\xd8" if suffix == "jpg" else b"\x89PNG")


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("name", encodings())
def test_however_its_orientation_is_written_paddleocr_sees_the_page_as_people_saw_it(name):
    data = encodings()[name]
    content, _ = page_file(data, decode(data, max_pixels=10_000))
    seen = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
    assert shown_orientation(seen) == turned_by_chromium(name)


def test_paddleocrs_own_loader_yields_every_row(tmp_path):
    size = (397, 301)
    config = LabelingConfig.parse(default_config())
    found = untouched(predicted(size, quads_on(size, 2), config))
    options = ExportOptions(jobs=1, ratio=(1, 0, 0), rules=Rules(config=config))
    run(tmp_path / "set", [found], options, Pictures({"/p.png": picture(size, 1)}))
    files = {kind: str(tmp_path / f"set/{kind}_gt_train.txt") for kind in ("rec", "det")}
    dictionary = {"character_dict_path": str(tmp_path / "set/dict.txt"), "use_space_char": True}
    more = {"data_dir": str(tmp_path / "set"), "global_config": {"max_text_length": 25, **dictionary}}
    jobs = [
        paddle_loader.Job("recognition", files["rec"], **more),
        paddle_loader.Job("detection", files["det"], **more),
    ]
    recognition, detection = paddle_loader.ask(jobs, tmp_path)
    assert [(row["outcome"], row.get("text")) for row in recognition] == [
        ("kept", text) for text in rows(tmp_path / "set").values()
    ]
    [page] = detection
    assert page["regions"] == [[text, False] for text in TEXTS.values()]

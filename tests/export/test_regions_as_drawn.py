"""Boxes as Label Studio's editor leaves them come to upright crops of the place that they cover."""

from __future__ import annotations

import numpy as np
import pytest

from backend.label_studio.labeling_config import LabelingConfig
from backend.page.crops import crop_line
from converters.export.run import ExportOptions, NothingToExport
from converters.export.write_page import PageOptions
from converters.reviewed.line_rules import Rules
from tests.parts.exported import manifest, pixels, rows, run
from tests.parts.reviewed_tasks import Pictures, annotation, page_pixels, png, rectangle, task

PAGE = page_pixels(5)
SOURCE = {"/p.png": png(PAGE)}


def exported(folder, result, **more):
    """Export one task over `PAGE`."""
    made = task(1, annotation(result, parent_prediction=7), image="/p.png", **more)
    return run(folder, [made], source=Pictures(SOURCE))


@pytest.mark.parametrize(
    "box",
    [
        pytest.param((20, 36, 250, -26), id="height below zero"),
        pytest.param((270, 10, -250, 26), id="width below zero"),
        pytest.param((270, 36, -250, -26), id="both below zero"),
    ],
)
def test_a_box_with_sides_below_zero_is_cropped_upright(tmp_path, box):
    exported(tmp_path / "set", rectangle("n", "Счёт", box))
    assert rows(tmp_path / "set") == {"crops/0/1_n.png": "Счёт"}
    assert (pixels(tmp_path / "set/crops/0/1_n.png") == PAGE[10:36, 20:270]).all()


def turned(result, box, rotation):
    """The same results with the first corner, the sides and the turn given, in pixels and degrees."""
    value = rectangle("x", None, box)[0]["value"]
    geometry = {key: value[key] for key in ("x", "y", "width", "height")} | {"rotation": rotation}
    return [{**part, "value": {**part["value"], **geometry}} for part in result]


LINE = rectangle("f", "Счёт", (20, 10, 250, 26))
TURNED_OVER = turned(LINE, (270, 36, 250, 26), 180)
BACK = "turned over while they were edited, and cropped in the direction of their prediction"
ON_ITS_HEAD = "cropped upside down, as they were drawn; no prediction says which way their text runs"


@pytest.mark.parametrize(
    ("predicted", "submitted", "upright", "told"),
    [
        pytest.param(LINE, TURNED_OVER, True, {BACK: 1}, id="a corner dragged over the opposite one"),
        pytest.param(LINE, turned(LINE, (270, 36, 250, 26), 176), None, {BACK: 1}, id="and a little more"),
        pytest.param(TURNED_OVER, TURNED_OVER, False, {}, id="a page that lies on its head"),
        pytest.param(TURNED_OVER, LINE, False, {BACK: 1}, id="dragged over on such a page"),
        pytest.param(None, TURNED_OVER, False, {ON_ITS_HEAD: 1}, id="the prediction is not known"),
        pytest.param(rectangle("other"), TURNED_OVER, False, {ON_ITS_HEAD: 1}, id="drawn by a person"),
        pytest.param(LINE, LINE, True, {}, id="as predicted"),
        pytest.param(
            turned(LINE, (270, 10, 26, 250), 90),
            turned(LINE, (20, 10, 250, 26), 0),
            True,
            {},
            id="by a quarter",
        ),
    ],
)
def test_a_box_that_was_turned_over_keeps_the_direction_of_its_prediction(
    tmp_path, predicted, submitted, upright, told
):
    stored = [{"id": 7, "result": predicted}] if predicted is not None else [7]
    totals = exported(tmp_path / "set", submitted, predictions=stored)
    crop = pixels(tmp_path / "set/crops/0/1_f.png")
    corners = np.array([[20, 10], [270, 10], [270, 36], [20, 36]], np.float32)
    if upright is not None:
        assert (crop == crop_line(PAGE, corners if upright else np.roll(corners, 2, axis=0))).all()
    assert totals.directions == told
    assert totals.summary(PageOptions())["boxes_turned"] == told
    [row] = [row for row in manifest(tmp_path / "set") if row["kind"] == "recognition"]
    assert row.get("box") == next(iter(told), None)
    assert "".join(told) in (tmp_path / "set/report.html").read_text("utf-8")


TWO_IMAGES = LabelingConfig.parse("""<View><Image name="l" value="$front"/><Image name="r" value="$back"/>
  <RectangleLabels name="label" toName="l,r"><Label value="Text"/></RectangleLabels>
  <TextArea name="transcription" toName="l,r" perRegion="true"/></View>""")
FRONT, BACK_SIDE = page_pixels(1), page_pixels(2)


def two_images(folder, result, config, data=None, **more):
    """Export one task of a front and a back."""
    made = task(4, annotation(result))
    made["data"] = data or {"front": "/f.png", "back": "/b.png"}
    files = {"/f.png": png(FRONT), "/b.png": png(BACK_SIDE)}
    options = ExportOptions(jobs=1, rules=Rules(config=config), **more)
    return run(folder, [made], options, source=Pictures(files))


def test_each_region_is_cut_from_the_image_that_it_names(tmp_path):
    result = [
        *rectangle("L1", "ЛИЦЕВАЯ", to_name="l"),
        *rectangle("R1", "ОБОРОТ", to_name="r"),
        *rectangle("both", "на обеих", to_name="l,r"),
        *rectangle("none", "нигде", to_name=""),
    ]
    totals = two_images(tmp_path / "set", result, TWO_IMAGES)
    assert rows(tmp_path / "set") == {"crops/0/4_p1_L1.png": "ЛИЦЕВАЯ", "crops/0/4_p2_R1.png": "ОБОРОТ"}
    assert (pixels(tmp_path / "set/crops/0/4_p1_L1.png") == FRONT[10:36, 20:270]).all()
    assert (pixels(tmp_path / "set/crops/0/4_p2_R1.png") == BACK_SIDE[10:36, 20:270]).all()
    assert totals.recognition == {
        "exported": 2,
        "on none of the images, or nobody can tell on which": 2,
    }
    left_out = manifest(tmp_path / "set", "left_out.jsonl")
    assert {row["region"]: row["text"] for row in left_out} == {"both": "на обеих", "none": "нигде"}
    assert "do not name one image" in left_out[0]["problem"]


def test_regions_of_images_of_two_names_are_left_out_where_no_config_tells_the_images_apart(tmp_path):
    result = [*rectangle("L1", "ЛИЦЕВАЯ", to_name="l"), *rectangle("R1", "ОБОРОТ", to_name="r")]
    with pytest.raises(NothingToExport) as caught:
        two_images(tmp_path / "set", result, None, image_field="front")
    reasons = caught.value.totals.recognition
    assert reasons == {"on none of the images, or nobody can tell on which": 2}
    assert "--config" in str(caught.value.totals.problems)


@pytest.mark.parametrize(
    ("data", "more", "exported_rows"),
    [
        pytest.param({"front": "/f.png", "back": None}, {}, {"crops/0/4_p1_L1.png": "ЛИЦЕВАЯ"}, id="no back"),
        pytest.param({"front": "", "back": "/b.png"}, {}, {"crops/0/4_p2_R1.png": "ОБОРОТ"}, id="no front"),
        pytest.param(
            None, {"image_field": "back"}, {"crops/0/4_p2_R1.png": "ОБОРОТ"}, id="one of them is asked for"
        ),
    ],
)
def test_an_image_that_is_not_there_costs_its_own_regions_alone(tmp_path, data, more, exported_rows):
    result = [*rectangle("L1", "ЛИЦЕВАЯ", to_name="l"), *rectangle("R1", "ОБОРОТ", to_name="r")]
    totals = two_images(tmp_path / "set", result, TWO_IMAGES, data, **more)
    assert rows(tmp_path / "set") == exported_rows
    assert totals.recognition == {"exported": 1, "the task names no image": 1}

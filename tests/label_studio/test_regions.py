import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.label_studio.regions import (
    ProblemKind,
    RegionShape,
    TextAnswer,
    moved,
    region_quad,
    regions,
)

DATA = Path(__file__).resolve().parents[1] / "data"
EXPORTS = DATA / "exports"
RECTANGLE, POLYGON = RegionShape.RECTANGLE, RegionShape.POLYGON
ELLIPSE, BRUSH, OTHER = RegionShape.ELLIPSE, RegionShape.BRUSH, RegionShape.OTHER


def results_in(name):
    """Every result list of an export, with the task and annotation that it belongs to."""
    loaded = json.loads((EXPORTS / name).read_text("utf-8"))
    if isinstance(loaded, dict):
        loaded = loaded.get("tasks", [loaded])
    for task in loaded:
        if "result" in task:  # a bare prediction
            yield None, None, task["result"]
        for annotation in task.get("annotations", []):
            yield task.get("id"), annotation.get("id"), annotation["result"]


def truth(name):
    return json.loads((DATA / "truth" / f"{name}.json").read_text("utf-8"))["lines"]


def rectangle(**changes):
    value = {"x": 10, "y": 20, "width": 30, "height": 5, "rotation": 0, "rectanglelabels": ["Text"]}
    item = {
        "id": "a", "from_name": "label", "to_name": "image", "type": "rectanglelabels",
        "original_width": 200, "original_height": 100, "value": value,
    }  # fmt: skip
    return {**item, **changes}


def polygon(points):
    return rectangle(type="polygonlabels", value={"points": points, "polygonlabels": ["Text"]})


def text(given, **changes):
    value = {"x": 10, "y": 20, "width": 30, "height": 5, "rotation": 0, "text": given}
    return {**rectangle(), "from_name": "transcription", "type": "textarea", "value": value, **changes}


def problems(region):
    return [problem.kind for problem in region.problems]


# name: shapes, and how many regions have no page size recorded; counted by eye in the files
COUNTS = {
    "own/shapes.json": ({RECTANGLE: 66, POLYGON: 4, ELLIPSE: 1, BRUSH: 2}, 0),
    "own/two_readers.json": ({RECTANGLE: 74, POLYGON: 12}, 0),
    "own/two_readers_labelled_only.json": ({RECTANGLE: 74, POLYGON: 12}, 0),
    "own/api_tasks_page.json": ({RECTANGLE: 58, POLYGON: 2}, 0),
    "label_studio/editor_image_ellipses_1.json": ({ELLIPSE: 1}, 0),
    "label_studio/editor_image_polygons_0.json": ({POLYGON: 1}, 1),
    "label_studio/mlb_test_brush_labels.json": ({BRUSH: 3}, 0),
    "label_studio/mlb_test_polygon_labels.json": ({POLYGON: 3}, 3),
    "label_studio/sdk_test_export_coco_data.json": ({RECTANGLE: 1, POLYGON: 1, OTHER: 2}, 0),
    "label_studio/sdk_test_export_csv_csv_test2.json": ({}, 0),
    "label_studio/sdk_test_export_doclang_data.json": ({RECTANGLE: 2}, 2),
    "label_studio/sdk_test_export_json_min_data.json": ({POLYGON: 1}, 0),
    "label_studio/sdk_test_export_json_min_data_repeater.json": ({RECTANGLE: 1}, 0),
    "label_studio/sdk_test_export_yolo_data_keypoints.json": ({RECTANGLE: 1, OTHER: 3}, 0),
    "label_studio/sdk_test_export_yolo_data_obb.json": ({RECTANGLE: 25}, 0),
    "label_studio/sdk_test_export_yolo_data_polygons.json": ({POLYGON: 1}, 0),
}
WITHOUT_RESULTS = {"own/shapes_min.json", "own/two_readers_min.json"}
"""JSON_MIN has no region ids, and no results; refusing it is the exporter's."""


@pytest.mark.parametrize("name", COUNTS)
def test_every_region_of_an_export_is_counted_once(name):
    shapes, no_page_size = COUNTS[name]
    found = [region for *_, result in results_in(name) for region in regions(result)]
    assert Counter(region.shape for region in found) == shapes
    kinds = [kind for region in found for kind in problems(region)]
    assert kinds == [ProblemKind.NO_PAGE_SIZE] * no_page_size


def test_no_export_is_missing_from_the_count():
    # a dataset of before stands there, too, and is no export of Label Studio
    files = (path.relative_to(EXPORTS).as_posix() for path in EXPORTS.rglob("*.json"))
    there = {name for name in files if not name.startswith("version_4/")}
    assert there == set(COUNTS) | WITHOUT_RESULTS


@pytest.mark.parametrize(
    ("task", "name"),
    [
        pytest.param(1, "syn_001_ru_receipt", id="upright boxes on a tall page"),
        pytest.param(2, "syn_009_ru_sign_persp", id="polygons in perspective"),
        pytest.param(3, "syn_033_ru_skew", id="boxes turned by 15 degrees"),
        pytest.param(4, "syn_035_ru_rot90", id="boxes turned by 90 degrees"),
        pytest.param(7, "syn_051_ru_exif6", id="a page turned by EXIF"),
    ],
)
def test_regions_of_a_real_export_lie_where_the_text_was_drawn(task, name):
    [result] = [result for number, _, result in results_in("own/shapes.json") if number == task]
    found = regions(result)
    assert [region.texts for region in found] == [(line["text"],) for line in truth(name)]
    for region, line in zip(found, truth(name), strict=True):
        assert region.points is not None
        np.testing.assert_allclose(region.points, line["poly"], atol=0.15)


def test_texts_of_a_real_export_are_kept_letter_for_letter():
    [result] = [result for number, _, result in results_in("own/shapes.json") if number == 8]
    assert [region.texts for region in regions(result)] == [
        ("KОCТPОМА",),
        (),
        ("",),
        ("первая версия", "вторая версия"),
        ("строка с\tтабом",),
        ("две\nстроки",),
        ("   ",),
        ("Hаклaдная № 5",),
    ]


def test_a_rectangle_turns_about_its_corner_in_pixels():
    turned = rectangle(value={"x": 50, "y": 50, "width": 25, "height": 10, "rotation": 90})
    [region] = regions([turned])
    # 200 x 100 pixels: 25 percent of the width are 50 pixels, which reach down to the lower edge
    np.testing.assert_allclose(region.points, [[100, 50], [100, 100], [90, 100], [90, 50]], atol=1e-3)


@pytest.mark.parametrize("rotation", [0, 10, 90, 180, 270, 333])
@pytest.mark.parametrize("along", [60, -60])
@pytest.mark.parametrize("across", [20, -20])
def test_a_side_below_zero_covers_the_same_place_and_keeps_the_direction_of_the_text(along, across, rotation):
    # the corner of the text that stays is at (100, 50); the page has 200 x 100 pixels
    value = {"x": 50, "y": 50, "width": along / 2, "height": across, "rotation": rotation}
    [region] = regions([rectangle(value=value)])
    turn = np.radians(rotation)
    right, down = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
    covered = np.array([[100, 50], [100, 50] + along * right, [100, 50] + across * down])
    covered = np.vstack([covered, [100, 50] + along * right + across * down])
    # the same four corners, however they are numbered
    np.testing.assert_allclose(
        sorted(map(tuple, region.points.round(2))), sorted(map(tuple, covered.round(2))), atol=0.02
    )
    first, second, _, last = region.points
    np.testing.assert_allclose(second - first, 60 * right, atol=1e-3)
    np.testing.assert_allclose(last - first, 20 * down, atol=1e-3)


def test_sides_below_zero_are_no_move_and_keep_the_corner_where_the_text_begins():
    meta = {"first_corner": 1}
    stored = {"x": 10, "y": 20, "width": 30, "height": 50, "rotation": 0}
    turned_in = {"x": 40, "y": 70, "width": -30, "height": -50, "rotation": 0}
    [before] = regions([rectangle(value=stored, meta=meta)])
    [after] = regions([rectangle(value=turned_in, meta=meta)])
    assert not moved(before, after)
    np.testing.assert_allclose(region_quad(after)[0], [80, 20], atol=1e-3)


def test_percent_are_of_the_page_that_is_given_where_one_is():
    [region] = regions([rectangle()], (400, 50))
    np.testing.assert_allclose(region.points[0], [40, 10], atol=1e-3)
    assert region.page_size == (200, 100)


@pytest.mark.parametrize(
    ("points", "kind"),
    [
        pytest.param([[0, 0], [10, 0], [5, 9]], None, id="a triangle"),
        pytest.param([[0, 0], [10, 0]], ProblemKind.TOO_FEW_POINTS, id="two points"),
        pytest.param([], ProblemKind.TOO_FEW_POINTS, id="no points"),
        pytest.param([[0, 0], [10, 0], [5]], ProblemKind.BAD_GEOMETRY, id="half a point"),
        pytest.param([[0, 0], [10, 0], [5, None]], ProblemKind.BAD_GEOMETRY, id="null in a point"),
        pytest.param([[0, 0], [10, 0], [5, float("nan")]], ProblemKind.BAD_GEOMETRY, id="not a number"),
        pytest.param("0 0 10 0 5 9", ProblemKind.BAD_GEOMETRY, id="a string"),
    ],
)
def test_a_polygon_needs_three_points(points, kind):
    [region] = regions([polygon(points)])
    assert region.shape is POLYGON
    assert (region.points is None) is (kind is not None)
    assert problems(region) == ([] if kind is None else [kind])


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        pytest.param({"x": "10", "y": "20", "width": "30", "height": 5}, None, id="numbers in strings"),
        pytest.param({"x": -5, "y": 20, "width": 130, "height": 5}, None, id="over the edge"),
        pytest.param({"x": 10, "y": 20, "width": 0, "height": 0}, None, id="no area"),
        pytest.param({"x": 10, "y": 20, "width": 30, "height": None}, ProblemKind.BAD_GEOMETRY, id="null"),
        pytest.param({"x": 10, "y": 20, "width": 30}, ProblemKind.BAD_GEOMETRY, id="no height"),
        pytest.param(
            {"x": 1e300, "y": 0, "width": 1, "height": 1}, ProblemKind.BAD_GEOMETRY, id="beyond all"
        ),
        pytest.param(
            {"x": 10**400, "y": 0, "width": 1, "height": 1}, ProblemKind.BAD_GEOMETRY, id="too long"
        ),
        pytest.param({"x": True, "y": 0, "width": 1, "height": 1}, ProblemKind.BAD_GEOMETRY, id="true"),
        pytest.param({"rectanglelabels": ["Text"]}, ProblemKind.NO_GEOMETRY, id="a label alone"),
        pytest.param(None, ProblemKind.NO_GEOMETRY, id="no value"),
    ],
)
def test_a_rectangle_is_kept_as_it_stands_or_names_its_problem(value, kind):
    [region] = regions([rectangle(value=value)])
    assert region.shape is RECTANGLE
    assert problems(region) == ([] if kind is None else [kind])
    assert (region.points is None) is (kind is not None)


def test_a_box_over_the_edge_is_not_clamped():
    [region] = regions([rectangle(value={"x": -5, "y": 90, "width": 110, "height": 20})])
    assert region.points.min(axis=0).tolist() == [-10, 90]
    assert region.points.max(axis=0).tolist() == [210, 110]


@pytest.mark.parametrize(
    ("given", "expected", "kinds"),
    [
        pytest.param(["null"], TextAnswer("transcription", ("null",)), [], id="the word null"),
        pytest.param(["a", "b"], TextAnswer("transcription", ("a", "b")), [], id="two texts"),
        pytest.param([], TextAnswer("transcription", ()), [], id="an empty list"),
        pytest.param([""], TextAnswer("transcription", ("",)), [], id="a cleared field"),
        pytest.param("a", TextAnswer("transcription", ("a",), as_list=False), [], id="a bare string"),
        pytest.param(None, TextAnswer("transcription", (), as_list=False), [], id="null"),
        pytest.param(
            ["a", None, 7], TextAnswer("transcription", ("a",)), [ProblemKind.BAD_TEXT], id="not only strings"
        ),
        pytest.param(
            7,
            TextAnswer("transcription", (), as_list=False),
            [ProblemKind.BAD_TEXT],
            id="a number for a text",
        ),
    ],
)
def test_a_text_is_taken_as_given(given, expected, kinds):
    [region] = regions([rectangle(), text(given)])
    assert region.answers == (expected,)
    assert region.texts == expected.texts
    assert problems(region) == kinds


def test_texts_of_two_text_areas_stay_apart():
    [region] = regions([rectangle(), text(["one"]), text(["two"], from_name="other")])
    assert [(answer.from_name, answer.texts) for answer in region.answers] == [
        ("transcription", ("one",)),
        ("other", ("two",)),
    ]


def test_shape_label_text_and_choice_with_one_id_are_one_region():
    shape = rectangle(from_name="bbox", type="rectangle", score=0.25, origin="manual", meta={"text": "A: x"})
    del shape["value"]["rectanglelabels"]
    label = rectangle(type="labels", value={**shape["value"], "labels": ["Handwriting"]})
    choice = rectangle(from_name="legible", type="choices", value={**shape["value"], "choices": ["clear"]})
    [region] = regions([label, shape, text(["x"], meta={"text": "A: x", "first_corner": 0}), choice])
    assert (region.id, region.shape, region.from_name, region.to_name) == ("a", RECTANGLE, "bbox", "image")
    assert (region.labels, region.texts, region.choices) == (
        ("Handwriting",),
        ("x",),
        (("legible", "clear"),),
    )
    assert (region.score, region.origin) == (0.25, "manual")
    assert region.meta == {"text": "A: x", "first_corner": 0}
    assert len(region.results) == 4


def test_results_without_ids_belong_together_by_their_geometry():
    first, second = rectangle(id=None), rectangle(id=None, value={**rectangle()["value"], "y": 60})
    words = text(["first"], id=None), text(["second"], id=None)
    words[1]["value"]["y"] = 60
    assert [region.texts for region in regions([first, second, *words])] == [("first",), ("second",)]


def test_two_shapes_under_one_id_are_one_region_that_says_so():
    [region] = regions([rectangle(), polygon([[0, 0], [10, 0], [5, 9]])])
    assert problems(region) == [ProblemKind.TWO_SHAPES]
    assert region.shape is RECTANGLE


@pytest.mark.parametrize(
    "item",
    [
        pytest.param({"type": "relation", "from_id": "a", "to_id": "b", "direction": "right"}, id="relation"),
        pytest.param(
            {"id": "c", "type": "choices", "from_name": "page", "value": {"choices": ["ok"]}}, id="choice"
        ),
        pytest.param({"id": "t", "type": "textarea", "value": {"text": ["a note"]}}, id="text of the task"),
    ],
)
def test_what_is_no_region_is_left_out(item):
    assert [region.id for region in regions([item, rectangle(), item])] == ["a"]


def test_a_text_whose_shape_is_lost_but_its_geometry_not_is_a_region():
    [region] = regions([text(["here"])])
    assert (region.shape, region.labels, region.texts) == (RECTANGLE, (), ("here",))


@pytest.mark.parametrize(
    "item",
    [
        pytest.param(None, id="null"),
        pytest.param(5, id="a number"),
        pytest.param("result", id="a string"),
        pytest.param([], id="a list"),
        pytest.param({}, id="an empty object"),
        pytest.param({"x": 1}, id="an object of something else"),
    ],
)
def test_garbage_is_a_region_that_says_so(item):
    found = regions([rectangle(), item, item])
    assert [problems(region) for region in found] == [[], *([[ProblemKind.NOT_A_RESULT]] * 2)]


@pytest.mark.parametrize(
    ("result", "count"),
    [
        pytest.param(None, 0, id="null is an annotation without results"),
        pytest.param([], 0, id="an empty list"),
        pytest.param("hello", 1, id="a string"),
        pytest.param({"rectanglelabels": ["Text"]}, 1, id="an object"),
    ],
)
def test_a_result_that_is_no_list_is_one_piece_of_garbage(result, count):
    assert [problems(region) for region in regions(result)] == [[ProblemKind.NOT_A_RESULT]] * count


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(3, 3, id="the fourth page"),
        pytest.param(-1, None, id="not the last page, as a list would have it"),
        pytest.param(True, None, id="true"),
        pytest.param("3", None, id="a string"),
    ],
)
def test_the_page_of_a_region_is_kept(given, expected):
    [region] = regions([rectangle(item_index=given)])
    assert region.item_index == expected


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
TYPES = ["rectanglelabels", "polygon", "labels", "textarea", "relation", "brush"]
KEYS = ["x", "y", "width", "height", "rotation", "points", "rle", "text", "labels", "choices"]
POINTS = st.lists(st.lists(st.floats(0, 100), min_size=2, max_size=2), max_size=5)
NEARLY_RESULTS = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from(["a", "b", 1, None]),
        "type": st.sampled_from(TYPES) | ANYTHING,
        "value": st.dictionaries(st.sampled_from(KEYS), ANYTHING | POINTS),
        "original_width": st.integers() | ANYTHING,
        "original_height": st.integers() | ANYTHING,
        "meta": ANYTHING | st.dictionaries(st.just("first_corner"), ANYTHING),
        "score": ANYTHING,
        "item_index": ANYTHING,
    },
)
UNREADABLE = {
    ProblemKind.NO_GEOMETRY,
    ProblemKind.BAD_GEOMETRY,
    ProblemKind.TOO_FEW_POINTS,
    ProblemKind.NO_PAGE_SIZE,
    ProblemKind.NOT_A_RESULT,
}


@settings(deadline=None)
@given(st.lists(NEARLY_RESULTS | ANYTHING, max_size=6) | ANYTHING)
def test_nothing_that_json_can_hold_makes_reading_fail(result):
    for region in regions(result):
        assert region.points is None or (np.isfinite(region.points).all() and len(region.points) >= 3)
        has_points = region.shape in (RECTANGLE, POLYGON) and not UNREADABLE & set(problems(region))
        assert (region.points is not None) == has_points


def test_a_result_that_is_nested_beyond_reason_is_read():
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    [region] = regions([rectangle(value={"points": deep}, type="polygonlabels", id=None)])
    assert problems(region) == [ProblemKind.BAD_GEOMETRY]


def at(x=10.0, **more):
    """A region of 60 x 5 pixels on a page of 200 x 100, its left edge at this percent."""
    value = {"x": x, "y": 20, "width": 30, "height": 5, "rotation": 0, **more}
    [region] = regions([rectangle(value=value)])
    return region


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param(at(), False, id="untouched"),
        pytest.param(at(10.49), False, id="by less than a pixel"),
        pytest.param(at(10.5), True, id="by one pixel"),
        pytest.param(at(rotation=2), True, id="turned: the far corner moved"),
        pytest.param(regions([polygon([[10, 20], [40, 20], [40, 25]])])[0], True, id="a corner less"),
        pytest.param(regions([rectangle(type="ellipselabels")])[0], True, id="a shape without corners"),
    ],
)
def test_a_region_moved_once_a_corner_moved_by_a_pixel(after, expected):
    assert moved(at(), after) is expected
    assert moved(after, at()) is expected


@pytest.mark.parametrize(
    ("drawn", "quad"),
    [
        pytest.param(rectangle(), [[20, 20], [80, 20], [80, 25], [20, 25]], id="a rectangle's own corners"),
        pytest.param(
            rectangle(value={"x": 10.004, "y": 20.3, "width": 29.992, "height": 5, "rotation": 0}),
            [[20, 20.3], [80, 20.3], [80, 25.3], [20, 25.3]],
            id="nearly whole numbers are whole, parts of a pixel stay",
        ),
        pytest.param(
            polygon([[40, 25], [40, 20], [10, 20], [10, 25]]),
            [[20, 20], [80, 20], [80, 25], [20, 25]],
            id="a polygon that is a rectangle, clicked in another order",
        ),
        pytest.param(
            polygon([[10, 20], [40, 20.4], [40, 45.4], [10, 45]]),
            [[20, 20], [80, 20.4], [80, 45.4], [20, 45]],
            id="a polygon that is a rectangle but for rounding keeps its corners",
        ),
        pytest.param(
            polygon([[10, 20], [40, 20], [40, 50], [25, 50], [10, 40]]),
            [[20, 20], [80, 20], [80, 50], [20, 50]],
            id="the smallest rectangle around any other",
        ),
    ],
)
def test_the_quad_of_a_region_is_what_its_crop_is_cut_by(drawn, quad):
    [region] = regions([drawn])
    np.testing.assert_allclose(region_quad(region), quad, atol=1e-4)


def test_a_region_without_points_has_no_quad():
    [ellipse] = regions([rectangle(type="ellipselabels")])
    with pytest.raises(ValueError, match="without points"):
        region_quad(ellipse)

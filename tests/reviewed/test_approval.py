"""Which annotation of a task counts, and what each of its regions comes to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.errors import BadRequest
from backend.label_studio.labeling_config import LabelingConfig
from backend.label_studio.regions import regions
from converters.reviewed.approval import Approval, choose
from converters.reviewed.line_rules import Rules, review
from converters.reviewed.reasons import AnnotationReason, LeftOutReason, TaskReason
from tests.parts.reviewed_tasks import CONFIG, HEIGHT, WIDTH, annotation, polygon, rectangle, task
from tests.parts.reviewed_work import CONFIG as OURS
from tests.parts.reviewed_work import Work
from tests.parts.reviewed_work import task as reviewed_task

SIZE = (WIDTH, HEIGHT)
ADA = {"id": 7, "email": "Ada@example.org"}


def reviewed(result, rules=None, **more):
    return review(annotation(result), rules or Rules(), page_size=SIZE, **more)


def whys(result, rules=None, **more):
    return [line.why for line in reviewed(result, rules, **more)]


@pytest.mark.parametrize(
    ("rule", "chosen", "others"),
    [
        pytest.param(
            "latest", 3, [AnnotationReason.OLDER, AnnotationReason.OLDER], id="the one changed last"
        ),
        pytest.param(
            "ground-truth",
            2,
            [AnnotationReason.NOT_GROUND_TRUTH, AnnotationReason.NOT_GROUND_TRUTH],
            id="with the star",
        ),
        pytest.param(
            "by 7", 1, [AnnotationReason.NOT_BY_USER, AnnotationReason.NOT_BY_USER], id="by a user's id"
        ),
        pytest.param(
            "by ada@EXAMPLE.org",
            1,
            [AnnotationReason.NOT_BY_USER, AnnotationReason.NOT_BY_USER],
            id="by an address",
        ),
        pytest.param(
            "agreeing",
            3,
            [AnnotationReason.SECOND_OPINION, AnnotationReason.SECOND_OPINION],
            id="with two witnesses",
        ),
    ],
)
def test_of_several_annotations_the_rule_chooses_one(rule, chosen, others):
    several = [
        annotation([], 1, ADA, minute=1),
        annotation([], 2, 8, minute=2, ground_truth=True),
        annotation([], 3, 9, minute=3),
    ]
    choice = choose(task(1, *several), Approval.parse(rule))
    assert choice.annotation is several[chosen - 1]
    assert list(choice.others) == others


def test_the_time_of_the_last_change_decides_not_the_order():
    older = annotation([], 2, minute=5)
    newer = annotation([], 1, minute=4, updated_at="2026-11-22T11:00:00Z")
    assert choose(task(1, newer, older), Approval()).annotation is newer


def test_an_earlier_annotation_of_the_same_user_is_no_second_opinion():
    choice = choose(task(1, annotation([], 1, 7, 1), annotation([], 2, 7, 2)), Approval.parse("agreeing"))
    assert (choice.witnesses, choice.others) == ((), (AnnotationReason.OLDER,))


@pytest.mark.parametrize(
    ("found", "why"),
    [
        pytest.param(task(1), TaskReason.NOT_ANNOTATED, id="nothing"),
        pytest.param(task(1, predictions=[3]), TaskReason.ONLY_PREDICTIONS, id="a prediction by its id"),
        pytest.param(task(1, predictions=[{"result": []}]), TaskReason.ONLY_PREDICTIONS, id="a prediction"),
        pytest.param(task(1, drafts=[{"result": []}]), TaskReason.ONLY_DRAFTS, id="a draft"),
        pytest.param(task(1, annotation([], was_cancelled=True)), TaskReason.CANCELLED, id="skipped"),
        pytest.param(
            task(1, annotation([], was_cancelled=True, ground_truth=True), is_labeled=True),
            TaskReason.CANCELLED,
            id="skipped, though with the star and counted as labelled",
        ),
        pytest.param(
            task(1, annotation([], was_cancelled="true")), TaskReason.CANCELLED, id="skipped, in a string"
        ),
        pytest.param(task(1, annotation("x")), TaskReason.NOT_READABLE, id="a result that is no list"),
        pytest.param(task(1, 12), TaskReason.NOT_READABLE, id="an annotation that is a number"),
        pytest.param({"id": 1, "data": {}, "annotations": None}, TaskReason.NOT_ANNOTATED, id="null"),
        pytest.param(
            {"id": 1, "data": {}, "annotations": {"id": 5}},
            TaskReason.NOT_READABLE,
            id="annotations as an object",
        ),
        pytest.param(
            {"id": 1, "data": {}, "completions": [{"result": []}]},
            TaskReason.NOT_READABLE,
            id="completions of an old version are work that cannot be read, not no work",
        ),
    ],
)
def test_a_task_that_nobody_approved_says_why(found, why):
    choice = choose(found, Approval())
    assert (choice.annotation, choice.why) == (None, why)


@pytest.mark.parametrize("written", ["newest", "by", "by ", "latest 7", ""])
def test_a_rule_that_is_none_is_refused(written):
    with pytest.raises(BadRequest, match="latest, ground-truth, agreeing"):
        Approval.parse(written)


@pytest.mark.parametrize(
    ("result", "why"),
    [
        pytest.param(rectangle("a"), None, id="approved"),
        pytest.param(rectangle("a", label=None), None, id="no label at all"),
        pytest.param(rectangle("a", label="Handwriting"), None, id="a label of the project's own"),
        pytest.param(rectangle("a", label="check"), LeftOutReason.UNDECIDED, id="in doubt"),
        pytest.param(
            rectangle("a", label="Illegible"), LeftOutReason.ILLEGIBLE, id="illegible, whatever text is left"
        ),
        pytest.param(rectangle("a", label="Not text"), LeftOutReason.NOT_TEXT, id="not text"),
        pytest.param(rectangle("a", None), LeftOutReason.NO_TEXT, id="no text"),
        pytest.param(
            rectangle("a", None, label="Table"), LeftOutReason.NOT_A_LINE, id="another label and no text"
        ),
        pytest.param(rectangle("a", box=(20, 10, 250, 1)), LeftOutReason.TOO_SMALL, id="no height"),
        pytest.param(rectangle("a", box=(-10, 10, 250, 26)), None, id="a little over the edge"),
        pytest.param(
            rectangle("a", box=(-130, 10, 250, 26)), LeftOutReason.OFF_PAGE, id="more than half off the page"
        ),
        pytest.param(rectangle("a", box=(900, 10, 250, 26)), LeftOutReason.OFF_PAGE, id="off the page"),
        pytest.param(
            rectangle("a", size=(HEIGHT, WIDTH)),
            LeftOutReason.OTHER_PAGE,
            id="drawn on a picture on its side",
        ),
        pytest.param(
            rectangle("a", box=(40, 20, 250, 26), size=(2 * WIDTH, 2 * HEIGHT)), None, id="at twice the size"
        ),
        pytest.param([{"x": 1}], LeftOutReason.NOT_A_RESULT, id="garbage"),
        pytest.param([17], LeftOutReason.NOT_A_RESULT, id="a number"),
        pytest.param(
            [*rectangle("a"), *rectangle("a", box=(9, 99, 99, 26))], LeftOutReason.TWO_SHAPES, id="two shapes"
        ),
    ],
)
def test_a_region_is_approved_or_has_its_reason(result, why):
    assert whys(result) == [why]


def later(identity):
    choice = {**rectangle(identity)[0], "from_name": "later", "type": "choices"}
    return {**choice, "value": {**choice["value"], "choices": ["leave for later"]}}


def test_a_line_is_put_off_only_while_it_is_in_doubt():
    assert whys([*rectangle("a", label="Check"), later("a")]) == [LeftOutReason.LATER]
    assert whys([*rectangle("a", label="Text"), later("a")]) == [None]


@pytest.mark.parametrize(
    ("work", "text", "why"),
    [
        pytest.param(Work(("дом №7", "том №7"), "дом № 7", "second"), "том № 7", None, id="B is right"),
        pytest.param(
            Work(("дом", "том"), "ком", "second"),
            "",
            LeftOutReason.TYPED_BESIDE_SECOND,
            id="and a text was typed",
        ),
        pytest.param(
            Work(("дом", None), "дом", "second"), "", LeftOutReason.NO_SECOND_READING, id="B was not read"
        ),
        pytest.param(
            Work(("дом", "###"), "дом", "second"), "", LeftOutReason.IGNORE_MARK, id="B is no label"
        ),
    ],
)
@pytest.mark.parametrize("known", [True, False], ids=["prediction known", "prediction not known"])
def test_a_line_whose_second_reading_is_right_is_approved_with_its_text(work, text, why, known):
    made = reviewed_task(1, [work], language="ru")
    before = {region.id: region for region in regions(made["predictions"][0]["result"])} if known else None
    rules = Rules(config=OURS, labels=frozenset({"text"}))

    [line] = review(made["annotations"][0], rules, page_size=(1000, 1400), predicted=before, language="ru")

    assert (line.written.text, line.why) == (text, why)


def test_of_two_annotators_both_must_have_the_text_of_the_second_reading():
    lines = [Work(("дом", "том"), "дом", "second")]
    made = reviewed_task(1, lines, language="ru")
    rules = Rules(Approval("agreeing"), config=OURS, language="ru")
    for other, why in (
        (lines, None),
        ([Work(("дом", "том"), "том")], None),
        ([Work(("дом", "том"), "дом")], LeftOutReason.CONTRADICTED),
    ):
        second = reviewed_task(2, other, language="ru")["annotations"]
        [line] = review(made["annotations"][0], rules, page_size=(1000, 1400), witnesses=second)
        assert line.why is why


def test_labels_are_known_by_the_projects_own_names():
    config = LabelingConfig.parse(
        CONFIG.replace(
            '"Text"/><Label value="Check"', '"Строка" predicted_values="Text"/><Label value="Check" alias="?"'
        )
    )
    rules = Rules(config=config)
    assert whys(rectangle("a", label="?"), rules) == [LeftOutReason.UNDECIDED]
    assert whys(rectangle("a", None, label="Строка"), rules) == [LeftOutReason.NO_TEXT]


def test_only_asked_for_labels_are_exported():
    rules = Rules(labels=frozenset({"text"}))
    result = [
        *rectangle("a"),
        *rectangle("b", label="Handwriting"),
        *rectangle("c", None, label="Table"),
        *rectangle("d", label=None),
    ]
    assert whys(result, rules) == [
        None,
        LeftOutReason.OTHER_LABEL,
        LeftOutReason.NOT_A_LINE,
        LeftOutReason.OTHER_LABEL,
    ]


def test_the_shape_is_told_before_the_labels():
    ellipse = {"id": "e", "type": "ellipselabels", "from_name": "e", "to_name": "image"}
    value = {"x": 5, "y": 5, "radiusX": 2, "radiusY": 2, "ellipselabels": ["Not text"]}
    assert whys([{**ellipse, "value": value}]) == [LeftOutReason.ELLIPSE]


def test_a_quad_comes_back_to_the_pixel():
    # 301.9999 would lose a pixel of the crop
    [line] = reviewed(rectangle("a", box=(13, 7, 289, 23)))
    assert line.quad.tolist() == [[13, 7], [302, 7], [302, 30], [13, 30]]


@pytest.mark.parametrize(
    "clicked",
    [
        pytest.param([(20, 10), (270, 14), (270, 40), (20, 36)], id="clockwise"),
        pytest.param(
            [(270, 40), (270, 14), (20, 10), (20, 36)], id="counter-clockwise from the wrong corner"
        ),
        pytest.param([(20, 10), (145, 12), (270, 14), (270, 40), (20, 36)], id="with a point in between"),
    ],
)
def test_a_polygon_is_cropped_from_the_texts_own_corner(clicked):
    [line] = reviewed(polygon("p", clicked))
    assert np.abs(line.quad - [[20, 10], [270, 14], [270, 40], [20, 36]]).max() < 6
    assert len(line.points) == len(clicked)


@pytest.mark.parametrize(
    ("clicked", "outline"),
    [
        pytest.param(
            [(20, 10), (270, 40), (270, 14), (20, 36)],
            [(20, 10), (270, 14), (270, 40), (20, 36)],
            id="four corners in the wrong order",
        ),
        pytest.param(
            [(20, 10), (150, 10), (270, 40), (270, 10), (150, 40), (20, 40)],
            [(20, 10), (270, 10), (270, 40), (20, 40)],
            id="more points give way to the smallest rectangle",
        ),
        pytest.param(
            [(20, 10), (20, 10), (270, 10), (270, 40), (20, 40)],
            [(20, 10), (20, 10), (270, 10), (270, 40), (20, 40)],
            id="a point clicked twice crosses nothing",
        ),
    ],
)
def test_detection_gets_no_polygon_whose_sides_cross(clicked, outline):
    [line] = reviewed(polygon("p", clicked))
    assert line.why is None
    np.testing.assert_allclose(line.points, outline, atol=0.01)


def test_a_triangle_is_cropped_by_its_smallest_rectangle():
    [line] = reviewed(polygon("p", [(20, 10), (270, 10), (20, 60)]))
    assert line.why is None
    assert len(line.points) == 3


def test_what_detection_gets_lies_on_the_page():
    [line] = reviewed(rectangle("a", box=(-10, -5, 250, 40)))
    assert line.points.min() == 0
    assert line.quad.min() == -10


@pytest.mark.parametrize(
    ("other", "why"),
    [
        pytest.param([rectangle("z")], None, id="the same text at the same place, under another id"),
        pytest.param([rectangle("z", box=(25, 12, 244, 25))], None, id="a slightly other box"),
        pytest.param([rectangle("z", "Счёт ")], None, id="the same text once it is written"),
        pytest.param([rectangle("z", "Счет")], LeftOutReason.CONTRADICTED, id="another text"),
        pytest.param([rectangle("z", box=(20, 110, 250, 26))], LeftOutReason.CONTRADICTED, id="elsewhere"),
        pytest.param(
            [rectangle("z", label="Illegible")], LeftOutReason.CONTRADICTED, id="illegible to the other"
        ),
        pytest.param([[]], LeftOutReason.CONTRADICTED, id="not there"),
        pytest.param([[], rectangle("z")], None, id="one of two others agrees"),
        pytest.param([], LeftOutReason.UNCONFIRMED, id="nobody else"),
    ],
)
def test_by_the_rule_agreeing_a_line_needs_a_second_annotator(other, why):
    rules = Rules(Approval.parse("agreeing"))
    assert whys(rectangle("a"), rules, witnesses=[annotation(result) for result in other]) == [why]


def test_regions_of_another_page_are_not_this_pages():
    result = [*rectangle("a", item_index=0), *rectangle("b", item_index=1), *rectangle("c", item_index=1)]
    lines = review(annotation(result), Rules(), page=1, page_size=SIZE)
    assert [line.region.id for line in lines] == ["b", "c"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
some_result = st.one_of(
    json_values,
    st.builds(
        lambda identity, text, x, width, label, kind: {
            "id": identity,
            "type": kind,
            "from_name": "label",
            "to_name": "image",
            "value": {"x": x, "y": 5, "width": width, "height": 9, "text": text, "rectanglelabels": label},
        },
        st.sampled_from(["a", "b", "", 3, None]),
        json_values,
        json_values,
        st.floats(-500, 500) | json_values,
        json_values,
        st.sampled_from(["rectanglelabels", "textarea", "brushlabels", "relation", "choices", 5]),
    ),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(some_result, max_size=6))
def test_whatever_stands_in_a_result_is_judged(result):
    for line in reviewed(result):
        assert (line.why is None) == bool(
            line.written.text and line.quad is not None and line.written.why is None
        )

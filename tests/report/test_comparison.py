"""What people made of predicted lines, and how far two people agree."""

from __future__ import annotations

import copy
from datetime import timedelta

import numpy as np
import pytest

from backend.label_studio.region_notes import readings_meta
from backend.page.lines import Judgement, Line, Reading, ReadLine, Verdict
from converters.report.comparison import compare
from converters.reviewed.reasons import TaskReason
from tests.parts.reviewed_work import (
    BEGIN,
    RULES,
    Work,
    drawn,
    page_of,
    quad_at,
    reported,
    second_opinion,
    task,
)


@pytest.mark.parametrize(
    ("work", "agreed", "right", "found", "kept", "open_lines"),
    [
        pytest.param(Work(("one", "one"), "one"), (1, 1), (1, 1), (1, 1), (1, 1), 0, id="agreed and right"),
        pytest.param(Work(("one", "one"), "two"), (1, 1), (0, 1), (1, 1), (1, 1), 0, id="agreed and wrong"),
        pytest.param(Work(("one", "two"), "one"), (0, 1), (0, 0), (1, 1), (1, 1), 0, id="disputed"),
        pytest.param(Work(("", ""), "one"), (0, 1), (0, 0), (1, 1), (1, 1), 0, id="nobody read it"),
        pytest.param(
            Work(("one", "one"), decision="illegible"), (1, 1), (0, 1), (1, 1), (1, 1), 0, id="illegible"
        ),
        pytest.param(
            Work(("one", "one"), decision="not text"), (1, 1), (0, 1), (0, 0), (0, 1), 0, id="not text"
        ),
        pytest.param(
            Work(("one", "one"), decision="removed"), (1, 1), (0, 1), (0, 0), (0, 1), 0, id="removed"
        ),
        pytest.param(
            Work(("one", "two"), "one", "open"), (0, 1), (0, 0), (0, 0), (0, 0), 1, id="left undecided"
        ),
        pytest.param(
            Work(("one", "two"), "one", "later"), (0, 1), (0, 0), (0, 0), (0, 0), 1, id="left for later"
        ),
        pytest.param(
            Work(("one", "two"), "one", "second"), (0, 1), (0, 0), (1, 1), (1, 1), 0, id="B is right"
        ),
        pytest.param(
            Work(("one", "two"), "ten", "second"), (0, 1), (0, 0), (0, 0), (0, 0), 1, id="B, and typed text"
        ),
        pytest.param(
            Work(("one", None), "one", "second"), (0, 1), (0, 0), (0, 0), (0, 0), 1, id="B is lacking"
        ),
        pytest.param(
            Work(("12", "12"), "12"), (1, 1), (1, 1), (1, 1), (1, 1), 0, id="agreed with a note on digits"
        ),
    ],
)
def test_what_a_decision_counts_for(work, agreed, right, found, kept, open_lines):
    tally = reported(task(1, [work])).all

    assert [(share.hits, share.of) for share in (tally.agreed, tally.right, tally.found, tally.kept)] == [
        agreed,
        right,
        found,
        kept,
    ]
    assert tally.open == open_lines
    # what is not decided yet is neither touched nor left as it was
    assert tally.touched.of == 1 - open_lines


def test_a_line_that_is_right_in_its_second_reading_says_how_good_each_reader_was():
    found = reported(task(1, [Work(("one", "two"), "one", "second")]))

    assert {name: (rate.lines, rate.edits) for (_, name), (rate, _) in found.readers().items()} == {
        "reader 0": (1, 3),
        "reader 1": (1, 0),
    }
    [line] = compare(task(1, [Work(("one", "two"), "one", "second")]), RULES).first.lines
    assert (line.text, line.retyped) == ("two", True)


def test_changed_is_what_differs_from_the_parent_whatever_origin_says():
    made = task(1, [Work(("one", "one"), "two"), Work(("six", "six"), "six")])
    for part in made["annotations"][0]["result"]:
        part["origin"] = "prediction" if part["id"].startswith("l001") else "prediction-changed"

    retyped, kept = sorted(compare(made, RULES).first.lines, key=lambda line: line.region)
    assert (retyped.retyped, retyped.touched) == (True, True)
    assert (kept.retyped, kept.touched) == (False, False)


@pytest.mark.parametrize(
    ("pixels", "moved"),
    [
        pytest.param(0, False, id="untouched"),
        pytest.param(0.9, False, id="by less than a pixel"),
        pytest.param(1, True, id="by one pixel"),
    ],
)
def test_a_box_counts_as_moved_from_one_pixel_on(pixels, moved):
    made = task(1, [Work(("one", "one"), "one")], size=(1000, 1000))
    for part in made["annotations"][0]["result"]:
        part["value"]["x"] += pixels / 10

    [line] = compare(made, RULES).first.lines
    assert (line.moved, line.touched) == (moved, moved)


def test_a_box_drawn_anew_is_the_same_line_and_one_elsewhere_was_missed():
    lines = [Work(("one", "one"), decision="removed"), Work(("six", "six"), "six")]
    made = task(1, lines, added=drawn(0, "one!", (1000, 1400), "a") + drawn(7, "new", (1000, 1400), "b"))

    tally = reported(made).all
    assert (tally.lines, tally.found.hits, tally.found.of) == (3, 2, 3)
    assert (tally.right.hits, tally.right.of) == (1, 2)
    assert (tally.kept.hits, tally.kept.of) == (2, 2)


def test_labels_say_nothing_of_the_verdict():
    made = task(1, [Work(("one", "two"), "one"), Work(("six", "six"), "six")])
    for part in made["predictions"][0]["result"]:
        if "rectanglelabels" in part["value"]:
            part["value"]["rectanglelabels"] = ["Text"]

    tally = reported(made).all
    assert (tally.agreed.hits, tally.agreed.of) == (1, 2)


def with_readings(parts, *said):
    """The results of a drawn line as they are once the readers have read it."""
    line = ReadLine(Line(quad_at(0)), said, Judgement(Verdict.DISPUTED, "", 0.5))
    return [{**part, "meta": readings_meta(line, "drawn")} for part in parts]


def test_what_was_read_of_a_line_that_a_person_drew_counts_for_its_readers():
    size = (1000, 1400)
    added = with_readings(drawn(7, "new", size), Reading("reader 0", "now"), Reading("another", "new"))
    found = reported(task(1, [Work(("one", "one"), "one")], added=added))

    assert {name: (rate.lines, rate.edits) for (_, name), (rate, _) in found.readers().items()} == {
        "another": (1, 0),
        "reader 0": (2, 1),
        "reader 1": (1, 0),
    }
    # it was missed: what was read later is no merit of the prediction
    assert (found.all.found.hits, found.all.found.of, found.all.agreed.of) == (1, 2, 1)


def test_the_annotation_that_was_changed_last_counts_and_skipped_ones_do_not():
    made = task(1, [Work(("one", "one"), "one")])
    newer = copy.deepcopy(made["annotations"][0])
    newer |= {"updated_at": (BEGIN + timedelta(days=9)).isoformat(), "was_cancelled": True, "id": 7}
    made["annotations"].append(newer)

    assert reported(made).all.right.hits == 1
    made["annotations"][0]["was_cancelled"] = True
    found = reported(made)
    assert (found.all.lines, found.left_out) == (0, {TaskReason.CANCELLED: 1})


def test_people_are_compared_line_by_line_where_a_task_has_several():
    lines = [Work(("one", "one"), "one"), Work(("two", "two"), "two"), Work(("six", "six"), "six")]
    theirs = [lines[0], Work(("two", "two"), "too"), Work(("six", "six"), decision="illegible")]
    made = task(1, lines)
    second_opinion(made, theirs)

    found = reported(made)
    two = found.people["1", "2"]
    assert (two.same.hits, two.same.of) == (1, 2)
    assert (two.decided.hits, two.decided.of, two.alone) == (2, 3, 0)
    assert (two.between.edits, two.between.characters) == (1, 6)
    assert {user: tally.right.hits for user, tally in found.annotators.items()} == {"1": 3, "2": 1}
    # the task counts once
    assert found.all.lines == 3


def test_of_three_people_on_one_task_each_two_are_compared():
    said = ("one", "one")
    made = task(1, [Work(said, "one")] * 2)
    second_opinion(made, [Work(said, "one"), Work(said, "two")], user=2)
    second_opinion(made, [Work(said, "six"), Work(said, "two")], user=3)

    found = reported(made)
    assert {pair: (two.same.hits, two.same.of) for pair, two in found.people.items()} == {
        ("1", "2"): (1, 2),
        ("1", "3"): (0, 2),
        ("2", "3"): (1, 2),
    }


def test_two_boxes_on_one_line_are_compared_with_their_own_and_not_with_each_other():
    """Whoever came first would take the other one's place, and its own would be left alone."""
    at = quad_at(0)
    lines = [Work(("one", "one"), "one", quad=at), Work(("two", "two"), "two", quad=at)]
    made = task(1, lines)
    second_opinion(made, [Work(lines[0].said, decision="removed", quad=at), lines[1]])

    two = reported(made).people["1", "2"]
    assert (two.same.hits, two.same.of, two.alone) == (1, 1, 1)


def test_a_line_of_a_model_that_names_no_ids_is_found_by_its_place():
    made = task(1, [Work(("one", "one"), "one"), Work(("two", "two"), decision="removed")])
    for part in made["predictions"][0]["result"]:
        del part["id"]

    tally = reported(made).all
    assert (tally.found.hits, tally.found.of) == (1, 1)
    assert (tally.kept.hits, tally.kept.of) == (1, 2)


def test_a_box_that_was_turned_over_is_not_moved_and_the_report_tells():
    made = task(1, [Work(("one", "one"), "one"), Work(("six", "six"), "six")])
    for part in made["annotations"][0]["result"]:
        value = part["value"]
        if part["id"].startswith("l001"):
            # the editor stores this when a corner is dragged over the opposite one
            value.update(x=value["x"] + value["width"], y=value["y"] + value["height"], rotation=180)

    report = reported(made)

    [line, _] = compare(made, RULES).first.lines
    assert (line.moved, line.touched) == (False, False)
    np.testing.assert_allclose(line.quad, quad_at(0), atol=0.01)
    told = "turned over while they were edited, and cropped in the direction of their prediction"
    assert report.summary()["boxes_turned"] == {told: 1}
    assert f"1 boxes: {told}." in page_of(report)

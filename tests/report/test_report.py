"""What the readings were worth, counted from the work of people."""

from __future__ import annotations

import copy
import json
import random

import pytest

from backend.page.lines import Verdict
from converters.report import html
from converters.report.comparison import Decision, compare
from converters.report.html import NOT_KNOWN
from converters.report.samples import HeaviestLines, SampleLine, SampleSizes
from converters.reviewed.reasons import TaskReason
from tests.parts.reviewed_work import (
    RULES,
    Work,
    drawn,
    page_of,
    prediction,
    quad_at,
    reported,
    task,
    without_id,
)

WORDS = ("amber", "birch", "cloud", "delta", "eagle", "flint", "grape", "hotel", "ivory", "lemon", "night")


LENGTH = 17
"""Characters of a line: three words of five letters."""


def planted(kinds, seed):
    """Lines of which some readings have one wrong letter; people approve the truth.

    kinds: for each line whether both readers, only "A", only "B" or "none" of them is wrong.
    """
    chance = random.Random(seed)
    works = []
    for kind in kinds:
        truth = " ".join(chance.sample(WORDS, 3))
        place = chance.choice([spot for spot in range(LENGTH) if truth[spot] != " "])
        wrong = truth[:place] + "z" + truth[place + 1 :]
        first, second = kind in ("both", "A"), kind in ("both", "B")
        works.append(Work((wrong if first else truth, wrong if second else truth), truth))
    return [task(start, works[start : start + 25]) for start in range(0, len(works), 25)]


def rates(found, both, only_a, only_b):
    """What was measured, and the rate that was planted."""
    right = 1 - both - only_a - only_b
    ((_, (a, _)), (_, (b, _))) = found.readers().items()
    return {
        "agreed": (found.all.agreed, right + both),
        "agreed and right": (found.all.right, right / (right + both)),
        "yield": (found.all.ready, right / (right + only_b)),
        # the first reader's text is filled in where nothing tells which is likelier
        "filled in": (found.all.prefilled, (both + only_a) / LENGTH),
        "reader A": (a, (both + only_a) / LENGTH),
        "reader B": (b, (both + only_b) / LENGTH),
        "A exact": (a.exact_lines, 1 - both - only_a),
    }


@pytest.mark.parametrize(
    ("both", "only_a", "only_b"),
    [
        pytest.param(0.03, 0.07, 0.10, id="good and different readers"),
        pytest.param(0.20, 0.01, 0.01, id="readers that make the same errors"),
        pytest.param(0.01, 0.02, 0.60, id="a weak second reader"),
    ],
)
def test_planted_error_rates_come_back_within_their_intervals(both, only_a, only_b):
    count = 1000
    kinds = ["both"] * round(both * count) + ["A"] * round(only_a * count) + ["B"] * round(only_b * count)
    kinds += ["none"] * (count - len(kinds))
    random.Random(0).shuffle(kinds)

    found = reported(*json.loads(json.dumps(planted(kinds, 0))))

    assert found.all.agreed.of == found.all.lines == count
    for name, (measured, true) in rates(found, both, only_a, only_b).items():
        low, high = measured.interval
        assert measured.value == pytest.approx(true), name
        assert low < true < high, name
        assert high - low < 0.8 * true, name


def test_lines_drawn_at_random_miss_the_planted_rate_as_rarely_as_the_interval_says():
    weights = {"both": 0.05, "A": 0.07, "B": 0.10}
    inside = total = 0
    for seed in range(6):
        kinds = random.Random(seed).choices([*weights, "none"], [*weights.values(), 0.78], k=400)
        for measured, true in rates(reported(*planted(kinds, seed)), *weights.values()).values():
            low, high = measured.interval
            inside += low <= true <= high
            total += 1
    assert total == 42
    assert inside >= 37


def test_a_reader_is_measured_by_every_line_that_it_read_agreed_or_not():
    """Also where its own spelling was settled, and beyond what an annotator is shown of a long reading."""
    long = "word " * 80 + "end"
    made = task(
        1,
        [
            Work(("Cтол", "Стол"), "Стол"),
            Work((long, long + "s"), long + "s"),
            Work(("one", "one"), decision="illegible"),
        ],
        language="ru",
    )
    found = reported(made)
    (first, _), (second, _) = found.readers().values()
    assert (first.lines, first.edits, first.exact) == (2, 2, 0)
    assert (second.lines, second.edits, second.exact) == (2, 0, 2)
    verdicts = {line.text: line.verdict for line in compare(made, RULES).first.lines}
    assert (verdicts["Стол"], verdicts[long + "s"]) == (Verdict.AGREED, Verdict.DISPUTED)


def test_a_reader_that_was_asked_when_needed_is_not_held_against_those_that_read_every_line():
    every = [Work(("Стол", "Стол"), "Стол") for _ in range(9)]
    found = reported(task(1, [*every, Work(("Стул", "Стал", "Стал"), "Стул")], language="ru"))
    (first, _), (second, _), (third, _) = found.readers().values()
    assert (first.lines, second.lines, third.lines) == (10, 10, 1)
    assert list(found.spared().values()) == ["asked for 1 of 10 lines only, likely those in doubt"]
    assert "asked for 1 of 10 lines only, likely those in doubt" in page_of(found)


def test_readers_that_read_every_line_are_all_measured_alike():
    found = reported(task(1, [Work(("Стол", "Стол", "Стул"), "Стол")] * 3, language="ru"))
    assert found.spared() == {}


def test_time_and_work_are_told_by_annotator_and_language():
    first = task(1, [Work(("one", "one"), "one")] * 2, lead_time=10.0, language="ru")
    second = task(2, [Work(("one", "one"), "two")], lead_time=None, user=2, language="el")

    found = reported(first, second)
    assert found.languages["ru"].summary()["seconds_per_line"] == 5.0
    assert found.languages["el"].summary()["seconds_per_line"] is None
    assert html.seconds(found.languages["el"]) == NOT_KNOWN
    assert found.annotators["2"].retyped.value == 1.0


def test_edits_per_line_are_counted_from_the_text_that_was_filled_in():
    size = (1000, 1400)
    same, changed = Work(("one", "one"), "one"), Work(("two", "two"), "tall")
    ill, open_one = Work(("six", "six"), decision="illegible"), Work(("ten", "ton"), "tan", "open")
    first = task(1, [same, changed, ill, open_one], added=drawn(7, "all new", size), language="ru")
    second = task(2, [changed], user=2, language="el")
    unknown = task(3, [changed], user=3, language="de")
    unknown["predictions"] = []

    found = reported(first, second, unknown)
    told = found.summary()
    assert {name: each["edits_per_line"] for name, each in told["languages"].items()} == {
        "ru": 1.5,
        "el": 3.0,
        "de": None,
    }
    assert {name: each["edits_per_line"] for name, each in told["annotators"].items()} == {
        "1": 1.5,
        "2": 3.0,
        "3": None,
    }
    assert told["all"]["edits_per_line"] == 2.0
    assert [html.edits(found.languages[name]) for name in ("ru", "el", "de")] == [
        "1.50",
        "3.00",
        NOT_KNOWN,
    ]
    page = page_of(found)
    assert page.count('<th class="n">edits per line</th>') == 2
    assert page.count('<td class="n">1.50</td>') == 2


def test_what_was_left_out_and_what_was_counted_are_all_that_was_read():
    skipped, untouched = task(2, [Work(("one", "one"), "one")]), task(3, [Work(("one", "one"), "one")])
    skipped["annotations"][0]["was_cancelled"] = True
    untouched["annotations"] = []
    done = task(1, [Work(("one", "one"), "one")])

    found = reported(7, done, skipped, {"id": 9}, untouched, done)
    told = found.summary()
    assert told["left_out"] == {
        "is no task": 2,
        "came before, under the same id": 1,
        "only predicted, nobody has submitted it": 1,
        "skipped by its annotator": 1,
    }
    assert told["items_read"] == 6 == told["all"]["tasks"] + sum(told["left_out"].values())
    assert told["tasks_read"] == 3 == told["all"]["tasks"] + told["tasks_without_submitted_work"]
    assert (told["tasks_that_came_before"], told["items_that_are_no_task"]) == (1, 2)
    assert told["all"]["lines"] == 1
    page = page_of(found)
    assert "1 lines in 1 tasks with submitted work" in page
    assert "1 (skipped by its annotator); 6 items read in all." in page


def test_confusions_are_counted_by_reader_with_lines_that_show_them():
    made = [
        task(number, [Work(("house", "mouse"), "mouse"), Work(("hat", "hat"), "mat")]) for number in (1, 2)
    ]

    found = reported(*made, sizes=SampleSizes(examples=1))
    (confusion, lines, by), *others = found.top_confusions()
    assert (confusion.read, confusion.approved, lines, by) == ("h", "m", 4, {"reader 0": 4, "reader 1": 2})
    assert not others
    assert len(list(found.examples[confusion])) == 1


def test_a_reader_that_failed_is_no_reader_that_saw_nothing():
    found = reported(task(1, [Work(("one", None), "one"), Work(("two", ""), "two")]))

    ((_, (a, a_failed)), (_, (b, b_failed))) = found.readers().items()
    assert (a.lines, a_failed, a.exact) == (2, 0, 2)
    assert (b.lines, b_failed, b.edits) == (1, 1, 3)


def test_sheets_show_the_worst_first_and_the_same_lines_in_any_order_of_tasks():
    kinds = random.Random(4).choices(["both", "A", "B", "none"], k=200)
    last = [Work(("entirely", "entirely"), "different"), Work(("one", "one"), decision="not text")]
    made = [*planted(kinds, 4), task(500, last)]
    sheets = []
    for order in (made, made[::-1]):
        found = reported(*order, sizes=SampleSizes(sheet=80))
        wrong, drawn_lots, worst = list(found.wrong), list(found.random), list(found.worst)
        assert wrong[0].text == "different"
        # a text that was read wrongly says more than a box that held none
        assert wrong[-1].decision is Decision.NOT_TEXT
        assert all(line.predicted == line.text and line.agreed for line in drawn_lots)
        assert not any(line.agreed for line in worst)
        weights = [line.weight for line in worst]
        assert weights == sorted(weights, reverse=True)
        sheets.append([[(line.task, line.text) for line in sheet] for sheet in (wrong, drawn_lots, worst)])
    assert sheets[0] == sheets[1]
    few = reported(*made, sizes=SampleSizes(sheet=5))
    assert [len(list(sheet)) for sheet in (few.wrong, few.random, few.worst)] == [5, 5, 5]
    assert next(iter(few.wrong)).text == "different"


def nudged(part, share):
    return {**part, "value": {**part["value"], "x": part["value"]["x"] + share}}


def relabelled(part, label):
    return {**part, "value": {**part["value"], "rectanglelabels": [label]}}


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        pytest.param(lambda part: part, 1, id="as it was"),
        pytest.param(lambda part: nudged(part, 0.01), 1, id="rounded"),
        pytest.param(lambda part: nudged(part, 1.0), 0, id="moved"),
        pytest.param(
            lambda part: relabelled(part, "Handwriting") if part["type"] == "rectanglelabels" else part,
            0,
            id="relabelled",
        ),
    ],
)
def test_of_the_lines_that_were_kept_only_untouched_ones_are_drawn_at_random(change, shown):
    made = task(1, [Work(("one", "one"), "one")])
    (work,) = made["annotations"]
    work["result"] = [change(part) for part in work["result"]]

    found = reported(made)
    assert (found.all.right.hits, found.all.right.of) == (1, 1)
    assert found.all.touched.hits == 1 - shown
    assert len(list(found.random)) == shown


def twice(made):
    """Every box is there twice, at one place, as detectors give it now and then."""
    for work in (*made["predictions"], *made["annotations"]):
        work["result"] = [*work["result"], *({**part, "id": part["id"] + "b"} for part in work["result"])]
    return made


def without_region_ids(made):
    for work in (*made["predictions"], *made["annotations"]):
        work["result"] = [{**part, "id": ""} for part in work["result"]]
    return made


@pytest.mark.parametrize(
    "turned",
    [
        pytest.param(lambda made: made, id="as twinread makes them"),
        pytest.param(twice, id="each box twice at one place"),
        pytest.param(without_id, id="tasks without an id"),
        pytest.param(lambda made: without_id(twice(made)), id="both"),
        pytest.param(without_region_ids, id="regions without an id"),
    ],
)
def test_a_report_is_the_same_in_any_order_of_tasks(turned):
    kinds = random.Random(4).choices(["both", "A", "B", "none"], k=200)
    tasks = planted(kinds, 4)
    for number, made in enumerate(tasks):
        made["data"]["image"] = f"/data/upload/1/{number}.png"
    tasks = [turned(made) for made in tasks]
    mirrored = copy.deepcopy(tasks[::-1])
    for made in mirrored:
        for work in (*made["predictions"], *made["annotations"]):
            work["result"].reverse()
    pages = []
    for order in (tasks, mirrored, [*tasks[3:], *tasks[:3]]):
        found = reported(*order, sizes=SampleSizes(sheet=7, confusions=9, examples=2))
        assert found.all.tasks == len(tasks)
        assert len(list(found.worst)) == 7
        pages.append((page_of(found), found.summary()))
    assert pages[0] == pages[1] == pages[2]


def test_of_two_lines_that_draw_the_same_lot_the_earlier_one_is_shown():
    quad, none = quad_at(0), {}
    same = [SampleLine("1", "", 0, quad, text, text, (), True, Decision.APPROVED, 0.0, none) for text in "ab"]
    best = HeaviestLines(1)
    for shown in same:
        best.add(shown)
    assert [shown.text for shown in best] == ["a"]


def test_a_task_that_comes_again_counts_once_and_is_told():
    one, other = task(1, [Work(("one", "two"), "one")]), task(2, [Work(("one", "one"), "one")])

    found = reported(one, other, copy.deepcopy(one), without_id(one), without_id(one))
    assert (found.all.tasks, found.all.lines) == (3, 3)
    assert found.left_out == {TaskReason.TWICE: 2}


@pytest.mark.parametrize(
    ("hours", "step", "points"),
    [
        pytest.param([0, 1, 5], "hour", 3, id="one morning"),
        pytest.param([0, 1, 80], "day", 2, id="some days"),
        pytest.param([0, 1, 80, 24 * 200], "week", 2, id="months"),
    ],
)
def test_curves_have_steps_that_fit_their_span(hours, step, points):
    found = reported(*(task(hour, [Work(("one", "one"), "one")]) for hour in hours))

    told, steps = found.over_time()
    assert (told, len(steps)) == (step, points)
    assert sum(tally.lines for _, tally in steps) == len(hours)
    assert [start for start, _ in steps] == sorted(start for start, _ in steps)


def test_a_prediction_of_a_page_round_trips_through_nothing_but_json():
    lines = [Work(("Счёт № 1", "Счет № 1"), "Счёт № 1"), Work(("日本語", "日本語"), "日本語")]
    made = prediction(lines, (1000, 1400), language="ru")
    assert json.loads(json.dumps(made)) == made
    found = reported(json.loads(json.dumps(task(1, lines, language="ru"))))
    assert found.all.prefilled.edits == 0

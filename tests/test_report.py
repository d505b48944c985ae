"""What the readings were worth, counted from the work of people."""

from __future__ import annotations

import copy
import itertools
import json
import random
import re
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from backend.errors import BadRequest, LabelStudioFailed
from backend.kept_readings import note
from backend.lines import Judgement, Line, Reading, ReadLine, Verdict
from converters import report_page, task_sources
from converters.comparison import Fate, compare
from converters.judging import Rules
from converters.rates import ErrorRate, Share
from converters.reasons import TaskWhy
from converters.report import Best, Report, Shown, Sizes
from converters.report_command import report as report_command
from converters.report_crops import AT_ONCE, crops_of
from converters.report_page import NO_LINES, NOT_KNOWN, Picture
from tests.reviewed_work import BEGIN, CONFIG, Work, drawn, prediction, quad_at, second_opinion, task
from tests.samples import sample

EXPORTS = Path(__file__).parent / "data" / "exports"
RULES = Rules(config=CONFIG)


def reported(*made, sizes=None):
    found = Report(sizes)
    for each in made:
        found.add(each, RULES)
    return found


def page_of(found, **crops):
    shown = report_page.shown_lines(found)
    pictures = {id(line): Picture("data:image/jpeg;base64,AAAA", 100, 20) for line in shown}
    return report_page.page(found, "a project", pictures | crops)


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [
        pytest.param(5, 10, 0.2366, 0.7634, id="half of ten"),
        pytest.param(0, 10, 0.0, 0.2775, id="none of ten is not nothing"),
        pytest.param(10, 10, 0.7225, 1.0, id="all of ten is not certain"),
        pytest.param(81, 263, 0.2553, 0.3662, id="Newcombe's example"),
        pytest.param(1, 29, 0.0061, 0.1718, id="Newcombe's small share"),
    ],
)
def test_a_share_has_wilsons_interval(hits, of, low, high):
    assert Share(hits, of).interval == pytest.approx((low, high), abs=1e-4)


def test_of_nothing_there_is_no_share_and_no_rate():
    assert (Share().value, Share().interval) == (None, None)
    assert (ErrorRate().value, ErrorRate().interval) == (None, None)
    assert report_page.share(Share()) == report_page.rate(ErrorRate()) == NO_LINES
    assert report_page.share(Share(), 3) == report_page.rate(ErrorRate(), 3) == NOT_KNOWN
    assert report_page.share(Share(0, 5)) == "0.0 %"


def test_an_error_rate_is_edits_over_characters_and_one_text_has_no_interval():
    rate = ErrorRate()
    rate.add("Счет 12", "Счёт 12")
    assert (rate.value, rate.interval, rate.exact) == (1 / 7, None, 0)
    rate.add("", "три")
    assert rate.value == 4 / 10
    assert rate.interval[0] < 0.4 < rate.interval[1]
    assert (rate.exact_lines.hits, rate.exact_lines.of) == (0, 2)


def test_intervals_hold_the_true_value_in_about_19_of_20_sets():
    numbers = np.random.default_rng(7)
    shares = rates = 0
    for _ in range(400):
        low, high = Share(int(numbers.binomial(150, 0.96)), 150).interval
        shares += low <= 0.96 <= high
        rate = ErrorRate()
        for length in numbers.integers(5, 60, 300):
            wrong = int(numbers.binomial(length, 0.05))
            rate.add("y" * wrong + "x" * int(length - wrong), "x" * int(length))
        low, high = rate.interval
        rates += low <= 0.05 <= high
    assert 0.92 <= shares / 400 <= 0.985
    assert 0.92 <= rates / 400 <= 0.985


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


def test_changed_is_what_differs_from_the_parent_whatever_origin_says():
    made = task(1, [Work(("one", "one"), "two"), Work(("six", "six"), "six")])
    for part in made["annotations"][0]["result"]:
        part["origin"] = "prediction" if part["id"].startswith("l001") else "prediction-changed"

    retyped, kept = sorted(compare(made, RULES).first.lines, key=lambda line: line.region)
    assert (retyped.retyped, retyped.touched) == (True, True)
    assert (kept.retyped, kept.touched) == (False, False)


def test_a_box_drawn_anew_is_the_same_line_and_one_elsewhere_was_missed():
    lines = [Work(("one", "one"), decision="removed"), Work(("six", "six"), "six")]
    made = task(1, lines, added=drawn(0, "one!", (1000, 1400), "a") + drawn(7, "new", (1000, 1400), "b"))

    tally = reported(made).all
    assert (tally.lines, tally.found.hits, tally.found.of) == (3, 2, 3)
    assert (tally.right.hits, tally.right.of) == (1, 2)
    assert (tally.kept.hits, tally.kept.of) == (2, 2)


def test_without_the_prediction_nothing_is_claimed():
    made = task(1, [Work(("one", "one"), "one")])
    made["predictions"] = [5001]

    found = reported(made)
    assert (found.all.lines, found.all.unknown) == (1, 1)
    assert found.all.agreed.of == found.all.found.of == found.all.prefilled.lines == 0
    page = page_of(found)
    assert page.count(NOT_KNOWN) >= 4
    assert f'<b class="none">{NO_LINES}' not in page
    # but for what the annotation itself brings along
    assert [rate.edits for rate, _ in found.readers().values()] == [0, 0]


def test_an_empty_project_has_no_lines_yet_and_nothing_that_is_not_known():
    page = page_of(reported())

    assert page.count(f'<b class="none">{NO_LINES}') == 4
    assert "not known," not in page.split('id="how"')[0]


@pytest.mark.parametrize(
    "meta",
    [
        pytest.param(None, id="none"),
        pytest.param({"text": "A: one\nB: one"}, id="a note"),
        pytest.param({"twinread": [{"readings": 7}]}, id="nonsense"),
    ],
)
def test_lines_of_another_model_have_a_text_but_neither_verdict_nor_readers(meta):
    made = task(1, [Work(("one", "one"), "two")])
    for part in (*made["predictions"][0]["result"], *made["annotations"][0]["result"]):
        part["meta"] = meta

    found = reported(made)
    tally = found.all
    assert (tally.agreed.of, tally.prefilled.lines, tally.found.hits) == (0, 1, 1)
    assert found.readers() == {}
    assert [by for _, _, by in found.top_confusions()] == [{"filled in": 1}]
    assert "<td>filled in<small>" in page_of(found)


def test_labels_say_nothing_of_the_verdict():
    made = task(1, [Work(("one", "two"), "one"), Work(("six", "six"), "six")])
    for part in made["predictions"][0]["result"]:
        if "rectanglelabels" in part["value"]:
            part["value"]["rectanglelabels"] = ["Text"]

    tally = reported(made).all
    assert (tally.agreed.hits, tally.agreed.of) == (1, 2)


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


def with_readings(parts, *said):
    """The results of a drawn line as they are once the readers have read it."""
    line = ReadLine(Line(quad_at(0)), said, Judgement(Verdict.DISPUTED, "", 0.5))
    return [{**part, "meta": note(line, "drawn")} for part in parts]


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
    assert (found.all.lines, found.left_out) == (0, {TaskWhy.CANCELLED: 1})


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


def test_time_and_work_are_told_by_annotator_and_language():
    first = task(1, [Work(("one", "one"), "one")] * 2, lead_time=10.0, language="ru")
    second = task(2, [Work(("one", "one"), "two")], lead_time=None, user=2, language="el")

    found = reported(first, second)
    assert found.languages["ru"].summary()["seconds_per_line"] == 5.0
    assert found.languages["el"].summary()["seconds_per_line"] is None
    assert report_page.seconds(found.languages["el"]) == NOT_KNOWN
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
    assert [report_page.edits(found.languages[name]) for name in ("ru", "el", "de")] == [
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

    found = reported(*made, sizes=Sizes(examples=1))
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
        found = reported(*order, sizes=Sizes(sheet=80))
        wrong, drawn_lots, worst = list(found.wrong), list(found.random), list(found.worst)
        assert wrong[0].text == "different"
        # a text that was read wrongly says more than a box that held none
        assert wrong[-1].fate is Fate.NOT_TEXT
        assert all(line.predicted == line.text and line.agreed for line in drawn_lots)
        assert not any(line.agreed for line in worst)
        weights = [line.weight for line in worst]
        assert weights == sorted(weights, reverse=True)
        sheets.append([[(line.task, line.text) for line in sheet] for sheet in (wrong, drawn_lots, worst)])
    assert sheets[0] == sheets[1]
    few = reported(*made, sizes=Sizes(sheet=5))
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


def without_id(made):
    return {key: value for key, value in made.items() if key != "id"}


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
        found = reported(*order, sizes=Sizes(sheet=7, confusions=9, examples=2))
        assert found.all.tasks == len(tasks)
        assert len(list(found.worst)) == 7
        pages.append((page_of(found), found.summary()))
    assert pages[0] == pages[1] == pages[2]


def test_of_two_lines_that_draw_the_same_lot_the_earlier_one_is_shown():
    quad, none = quad_at(0), {}
    same = [Shown("1", "", 0, quad, text, text, (), True, Fate.APPROVED, 0.0, none) for text in "ab"]
    best = Best(1)
    for shown in same:
        best.add(shown)
    assert [shown.text for shown in best] == ["a"]


def test_a_task_that_comes_again_counts_once_and_is_told():
    one, other = task(1, [Work(("one", "two"), "one")]), task(2, [Work(("one", "one"), "one")])

    found = reported(one, other, copy.deepcopy(one), without_id(one), without_id(one))
    assert (found.all.tasks, found.all.lines) == (3, 3)
    assert found.left_out == {TaskWhy.TWICE: 2}


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


NASTY = '</script><img src="http://evil.example/x.png" onerror=alert(1)>&"'


def test_the_page_needs_no_network_and_lets_no_text_be_markup():
    lines = [Work((NASTY, NASTY), NASTY), Work((NASTY, "b"), "b"), Work(("one", "one"), NASTY)]
    found = reported(task(1, lines), task(60, lines), task(90, lines, version=NASTY))
    page = page_of(found)

    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', page)
    assert '<img src="http' not in page
    assert "onerror=alert(1)>" not in page
    assert page.count("<svg") == 3
    for outside in ("@import", "<link", "<script"):
        assert outside not in page
    assert page == page_of(reported(task(1, lines), task(60, lines), task(90, lines, version=NASTY)))


def test_names_in_the_curves_are_met_once_each():
    page = page_of(reported(*(task(hour, [Work(("one", "two"), "one")]) for hour in (1, 30, 60))))

    names = re.findall(r'\bid="([^"]+)"', page)
    assert len(names) == len(set(names))
    referred = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', page))
    assert {first or second for first, second in referred} <= set(names)


class Files:
    """Gives the sample page, unless told to have lost it."""

    def fetch(self, reference, *, task_id):
        if "lost" in reference:
            raise BadRequest("gone")
        return sample("syn_067").path.read_bytes()


@pytest.mark.parametrize(
    "turned", [pytest.param(lambda made: made, id="by id"), pytest.param(without_id, id="without ids")]
)
def test_a_line_whose_picture_is_gone_says_so_and_the_others_are_shown(turned):
    size = (900, 700)
    made = [
        task(1, [Work(("one", "one"), "one")], size=size),
        task(2, [Work(("two", "two"), "two")], size=size, image="/data/upload/1/lost.png"),
    ]
    found = reported(*(turned(each) for each in made))
    shown = report_page.shown_lines(found)
    crops = crops_of(shown, Files(), CONFIG, max_pixels=10**7)

    by_text = {line.text: crops[id(line)] for line in shown}
    assert isinstance(by_text["one"], Picture)
    assert by_text["one"].url.startswith("data:image/jpeg;base64,")
    assert by_text["two"] == "gone"
    assert "Some pictures are missing: gone" in report_page.page(found, "a project", crops)


def test_without_label_studio_the_numbers_are_told_and_nobody_is_asked_twice(tmp_path):
    class Gone:
        """Label Studio does not answer."""

        asked = 0

        def fetch(self, reference, *, task_id):
            self.asked += 1
            raise LabelStudioFailed("Label Studio does not answer.")

    source = Gone()
    found = reported(*(task(number, [Work(("one", "one"), "one")]) for number in range(20)))
    crops = crops_of(report_page.shown_lines(found), source, CONFIG, max_pixels=10**7)

    assert set(crops.values()) == {"Label Studio does not answer."}
    assert len(crops) == 20
    assert source.asked <= AT_ONCE
    assert "100.0 %" in report_page.page(found, "a project", crops)


def test_an_export_is_reported_without_a_key_to_the_pictures(tmp_path, monkeypatch):
    path = tmp_path / "export.json"
    path.write_text(json.dumps([task(1, [Work(("one", "one"), "one")])]), "utf-8")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(
        report_command, ["--json", str(path), "--out", "r.html"], env={"LABEL_STUDIO_API_KEY": ""}
    )
    assert done.exit_code == 0, done.output
    assert "LABEL_STUDIO_API_KEY" in (tmp_path / "r.html").read_text("utf-8")


@pytest.mark.parametrize("path", sorted(EXPORTS.rglob("*.json")), ids=lambda path: path.stem)
def test_every_export_is_reported_or_refused_by_name(path, tmp_path):
    done = CliRunner().invoke(
        report_command,
        ["--json", str(path), "--images", str(path.parent), "--out", str(tmp_path / "report.html")],
    )
    if isinstance(done.exception, BadRequest):
        assert path.name in str(done.exception)
        assert not list(tmp_path.iterdir())
    else:
        assert done.exit_code == 0, done.output
        assert "What the readings were worth" in (tmp_path / "report.html").read_text("utf-8")


def test_a_prediction_of_a_page_round_trips_through_nothing_but_json():
    lines = [Work(("Счёт № 1", "Счет № 1"), "Счёт № 1"), Work(("日本語", "日本語"), "日本語")]
    made = prediction(lines, (1000, 1400), language="ru")
    assert json.loads(json.dumps(made)) == made
    found = reported(json.loads(json.dumps(task(1, lines, language="ru"))))
    assert found.all.prefilled.edits == 0


def test_items_that_are_no_task_are_counted(tmp_path):
    path = tmp_path / "export.json"
    path.write_text(json.dumps([7, task(1, [Work(("one", "one"), "one")])]), "utf-8")
    done = CliRunner().invoke(
        report_command,
        ["--json", str(path), "--images", str(tmp_path), "--out", str(tmp_path / "r.html"),
         "--summary-json", str(tmp_path / "r.json")],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    told = json.loads((tmp_path / "r.json").read_text("utf-8"))
    assert (told["items_that_are_no_task"], told["tasks_read"]) == (1, 1)
    assert told["all"]["agreed_right"]["share"] == 1.0
    assert list(itertools.islice(task_sources.from_file(path), 1)) == [7]

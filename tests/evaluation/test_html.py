"""The page of an evaluation: what it shows, what it never fetches, and what must not become markup."""

from __future__ import annotations

import re

import pytest

from converters.evaluation import html, words
from converters.evaluation.evaluation import Evaluation, compared
from converters.evaluation.figures import Rate
from converters.evaluation.forgetting import CharacterMemory, Forgetting
from converters.evaluation.judged import Judged
from converters.evaluation.line_results import LabelledLine
from converters.evaluation.paired import PairedDifference
from converters.evaluation.rows import PartLines
from tests.evaluation.lines import line
from tests.parts.drawn_pages import drawn_page, file_of

NASTY = '</script><img src="http://evil.example/x.png" onerror=alert(1)>&"'


@pytest.fixture
def part(tmp_path):
    """Five crops, of which one is gone."""
    (tmp_path / "a.png").write_bytes(file_of(drawn_page(["one"])[0]))
    crops = [LabelledLine(str(n), f"{n}.png", tmp_path / "a.png", "one") for n in range(5)]
    gone = LabelledLine("9", "9.png", tmp_path / "gone.png", "one")
    return PartLines("test", "rec_gt_test.txt", (*crops, gone), frozenset("one"))


def judged(*results, others=(), forgot=None, why="", notes=()):
    found = Evaluation("models/ru-1", "PP-OCRv5@01234567", "dataset", "test", "en", tuple(results), notes)
    return Judged(found, tuple(others), forgot, why)


def results(*read):
    return [line("one", text, str(number), f"{number}.png") for number, text in enumerate(read)]


def test_the_worst_line_comes_first_with_its_crop_and_what_differs(part):
    page = html.page(judged(*results("one", "onc", "x", "")), part)
    worst = page.split('id="worst"')[1].split('id="groups"')[0]
    assert worst.count("<article") == 3
    assert worst.count("data:image/jpeg;base64,") == 3
    assert worst.index("(nothing)") < worst.index(">x<") < worst.index("on<mark>c</mark>") or worst.index(
        ">x<"
    ) < worst.index("on<mark>c</mark>")
    assert "3 wrong of 3; 2.png" in worst


def test_the_page_needs_no_network_and_lets_no_text_be_markup(part):
    new = [line(NASTY, NASTY + "x", "1", "1.png"), line("one", NASTY, "2", "2.png")]
    old = [line(NASTY, NASTY, "1", "1.png"), line("one", "one", "2", "2.png")]
    beside = compared(new, old, NASTY, NASTY, [NASTY])
    forgot = Forgetting(NASTY, 3, ("<",), 0, ("&",), (), (CharacterMemory("<", 4, 4, 0),), 3)
    page = html.page(judged(*new, others=[beside], forgot=forgot, notes=(NASTY,)), part)
    assert '<img src="http' not in page
    assert re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', page) == []
    assert "url(" not in page
    assert "<script" not in page


def test_a_crop_that_is_gone_is_a_sentence_in_its_place(part):
    page = html.page(judged(line("one", "x", "9", "9.png")), part)
    assert "The crop 9.png cannot be read (No such file or directory)" in page


def test_lines_that_the_other_one_read_better_are_shown_with_both(part):
    new, old = results("x", "one", "one"), results("one", "one", "onc")
    page = html.page(judged(*new, others=[compared(new, old, "stock", "PP-OCRv5")]), part)
    beside = page.split('id="against"')[1].split('id="worst"')[0]
    assert "Read better by: stock" in beside
    assert beside.count("<article") == 1
    assert "by it" in beside


def test_where_all_is_right_nothing_is_claimed_to_be_wrong(part):
    page = html.page(judged(*results("one", "one"), why="What a model forgot was not tested."), part)
    assert "None: every line is right." in page
    assert "100.0 %" in page
    assert "Each of the 3 different characters is read wherever it stands" in page
    assert "What a model forgot was not tested." in page
    assert 'id="against"' not in page


def test_look_alikes_of_other_scripts_are_named(part):
    page = html.page(judged(line("сот", "cот", "1", "1.png")), part)
    errors = page.split('id="errors"')[1].split('id="characters"')[0]
    assert "Cyrillic" in errors
    assert "Latin" in errors


def test_the_same_evaluation_gives_the_same_page(part):
    assert html.page(judged(*results("one", "x")), part) == html.page(judged(*results("one", "x")), part)


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-0.05, -0.01, "Fewer errors than it, and not by chance."),
        (0.01, 0.05, "More errors than it, and not by chance."),
        (-0.05, 0.01, "Fewer errors than it; with so few pages that may be chance."),
    ],
)
def test_a_difference_is_said_in_words(low, high, said):
    new = 0.1 + (low + high) / 2
    assert words.verdict(PairedDifference(30, 300, 0.1, new, low, high)) == said
    assert (
        words.verdict(PairedDifference(1, 300, 0.1, new, low, high))
        == "A single page says nothing of other pages."
    )


def test_a_figure_of_nothing_is_a_dash_and_not_0():
    assert words.percent(Rate(0, 0)) == "–"
    assert words.percent(Rate(0, 5)) == "0.0 %"
    assert words.points(-0.0312) == "\u22123.12"

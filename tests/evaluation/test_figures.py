"""Exact match, CER and WER, by groups and with their intervals."""

from __future__ import annotations

import numpy as np
import pytest

from converters.evaluation.figures import Rate, figures_of
from converters.evaluation.groups import length_band, script_of_line
from tests.evaluation.lines import line, page_of, pages


def test_rates_are_of_all_lines_together():
    found = figures_of(
        [
            *page_of("1", ("Счёт 12", "Счет 12"), ("Итого", "Итого")),
            *page_of("2", ("one two three", "one xyz three"), ("x", "")),
        ]
    ).all
    assert (found.pages, found.lines) == (2, 4)
    assert (found.exact.count, found.exact.of) == (1, 4)
    # е for ё, three of two, x left out; of 7 + 5 + 13 + 1 characters
    assert (found.cer.count, found.cer.of) == (5, 26)
    # "Счёт", "two", "x"; of 2 + 1 + 3 + 1 words
    assert (found.wer.count, found.wer.of) == (3, 7)


def test_a_rate_may_exceed_the_whole_and_nothing_has_none():
    assert figures_of([line("a", "abcd")]).all.cer.value == 3
    assert Rate(0, 0).value is None


@pytest.mark.parametrize(
    ("text", "script"),
    [
        pytest.param("Счёт № 12", "Cyrillic", id="signs belong to every script"),
        pytest.param("Total 12 %", "Latin", id="latin"),
        pytest.param("Wi-Fi сеть", "several scripts", id="two"),
        pytest.param("12.05.2026", "digits and signs", id="no letter"),
        pytest.param("東京タワーの", "Japanese", id="three scripts of one language"),
        pytest.param("北京", "Han", id="han alone"),
        pytest.param("e\u0301", "Latin", id="a mark belongs to its letter"),
    ],
)
def test_a_line_is_of_the_script_of_its_letters(text, script):
    assert script_of_line(text) == script


@pytest.mark.parametrize(
    ("length", "band"),
    [
        (1, "1 to 10 characters"),
        (10, "1 to 10 characters"),
        (11, "11 to 23 characters"),
        (23, "11 to 23 characters"),
        (40, "24 to 40 characters"),
        (41, "41 characters and more"),
    ],
)
def test_bands_meet_without_a_gap(length, band):
    assert length_band("x" * length) == band


def test_every_line_is_in_one_group_of_each_kind_and_groups_add_up():
    results = [
        *page_of("1", ("Счёт", "Счет"), ("12", "12"), ("a" * 50, "b" * 50)),
        *page_of("2", ("Итого", "Итого"), ("one", "one")),
    ]
    found = figures_of(results)
    for by in ("script", "length", "page"):
        assert sum(group.lines for group in found.groups[by]) == 5
        assert sum(group.cer.count for group in found.groups[by]) == found.all.cer.count == 51
    assert [group.name for group in found.groups["length"]] == [
        "1 to 10 characters",
        "41 characters and more",
    ]
    assert [group.name for group in found.groups["page"]] == ["1", "2"], "the worst page first"
    assert found.groups["language"] == [], "no line says its language"


def test_lines_that_say_their_language_are_grouped_by_it():
    found = figures_of([line("a", "a", "1", "1.png", "en"), line("б", "в", "2", "2.png", "ru")])
    assert [(group.name, group.cer.value) for group in found.groups["language"]] == [("en", 0.0), ("ru", 1.0)]


def test_intervals_come_from_the_scatter_between_pages():
    found = figures_of(pages([0, 10])).all
    # of two pages: both the first, both the second, one of each
    assert found.cer.interval == (0.0, 1.0)
    assert found.exact.interval == (0.0, 1.0)


def test_a_single_page_and_pages_without_scatter_have_no_interval():
    assert figures_of(page_of("1", ("ab", "ab"), ("cd", "xx"))).all.cer.interval is None
    assert figures_of(pages([1, 1, 1])).all.cer.interval is None


def test_intervals_hold_the_true_rate_in_about_19_of_20_test_sets():
    random = np.random.default_rng(9)
    held = 0
    for _ in range(150):
        hard = random.beta(2, 18, 40)
        low, high = figures_of(pages(random.binomial(50, hard), 50), draws=400).all.cer.interval
        held += low <= 0.1 <= high
    assert 0.86 <= held / 150 <= 0.99

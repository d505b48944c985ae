"""The difference of two models on the same lines, by cases that can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from converters.evaluation.paired import DRAWS, PairedDifference, paired_bootstrap
from tests.evaluation.lines import line, page_of, pages


def test_a_model_that_is_better_by_as_much_on_every_page_is_better_for_certain():
    found = paired_bootstrap(pages([3, 5, 9]), pages([1, 3, 7]))
    assert (found.pages, found.lines) == (3, 3)
    assert (found.cer_old, found.cer_new) == (17 / 30, 11 / 30)
    # two of ten characters on each page, whichever pages are drawn
    assert found.low == found.high == found.difference == pytest.approx(-0.2)


def test_the_interval_of_two_pages_holds_the_three_draws_that_there_are():
    found = paired_bootstrap(pages([4, 0]), pages([0, 0]))
    # both the first: -0.4, both the second: 0, one of each: -0.2
    assert found.difference == pytest.approx(-0.2)
    assert (found.low, found.high) == pytest.approx((-0.4, 0.0))


def test_models_that_err_on_other_pages_are_not_told_apart():
    found = paired_bootstrap(pages([2, 0] * 10), pages([0, 2] * 10))
    assert found.difference == 0
    assert found.low < 0 < found.high
    assert found.low == pytest.approx(-found.high, abs=0.02)


def test_pages_are_drawn_and_not_lines():
    # one bad page of many lines: as lines they would look like twenty observations
    bad = page_of("bad", *[("aaaaaaaaaa", "aaaaaaaaaa")] * 20)
    good = pages([0] * 3)
    new = [replace(one, read="bbbbbbbbbb") for one in bad] + good
    found = paired_bootstrap([*bad, *good], new)
    assert found.pages == 4
    # a third of the draws miss the bad page, so no difference at all is well inside
    assert found.low == 0.0


def test_long_lines_weigh_more_than_short_ones():
    old = [line("a" * 90, "a" * 90, "1", "1.png"), line("b" * 10, "b" * 10, "2", "2.png")]
    new = [replace(old[0], read="a" * 81), old[1]]
    assert paired_bootstrap(old, new).difference == 9 / 100


def test_the_same_results_give_the_same_interval():
    old, new = pages([3, 5, 0, 1, 7, 2]), pages([2, 2, 1, 1, 3, 4])
    assert paired_bootstrap(old, new) == paired_bootstrap(old, new)
    # few draws depend on the seed, many hardly do
    few = [paired_bootstrap(old, new, draws=30, seed=seed).low for seed in range(1, 5)]
    assert len(set(few)) > 1


def test_a_single_page_has_no_scatter():
    found = paired_bootstrap(pages([3]), pages([1]))
    assert found == PairedDifference(1, 1, 0.3, 0.1, found.difference, found.difference)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(pages([1, 2]), pages([1]), id="fewer lines"),
        pytest.param(pages([1, 2]), pages([1, 2])[::-1], id="another order"),
        pytest.param([line("one", "one")], [line("two", "one")], id="another approved text"),
        pytest.param([line("one", "one", "1")], [line("one", "one", "2")], id="another page"),
    ],
)
def test_only_the_same_lines_are_compared(old, new):
    with pytest.raises(ValueError, match="the same lines"):
        paired_bootstrap(old, new)


def test_of_no_lines_there_is_no_difference():
    with pytest.raises(ValueError, match="no rate"):
        paired_bootstrap([], [])


def test_the_interval_holds_the_true_difference_in_about_19_of_20_test_sets():
    import numpy as np

    random = np.random.default_rng(5)
    held = 0
    for _ in range(200):
        # pages differ in how hard they are for both; the new model errs 2 points more
        hard = random.uniform(0, 0.2, 40)
        old = random.binomial(100, hard)
        new = random.binomial(100, hard + 0.02)
        found = paired_bootstrap(pages(old, 100), pages(new, 100), draws=500)
        held += found.low <= 0.02 <= found.high
    assert 0.88 <= held / 200 <= 0.99


def test_ten_thousand_lines_are_compared_with_all_draws():
    many = [line("one line of text", "one 1ine of text", str(n // 10), f"{n}.png") for n in range(10_000)]
    found = paired_bootstrap(many, [replace(one, read=one.truth) for one in many], draws=DRAWS)
    assert (found.pages, found.lines, found.difference) == (1000, 10_000, -1 / 16)

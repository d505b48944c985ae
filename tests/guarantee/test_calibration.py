"""The score set right by audited lines, and the prior that holds it."""

from __future__ import annotations

import numpy as np
import pytest

from backend.guarantee.calibration import Calibration, calibrated

LOT = np.linspace(0.80, 0.99, 200)


def answers(share_right: float, lines: int) -> tuple[np.ndarray, np.ndarray]:
    scores = np.resize(LOT, lines)
    return scores, np.arange(lines) % 100 < 100 * share_right


def test_without_an_answer_the_score_is_believed() -> None:
    found = calibrated(LOT, np.array([]), np.array([], dtype=bool))
    assert (found.slope, found.shift) == pytest.approx((1, 0), abs=1e-4)


def test_many_answers_outweigh_the_prior_and_few_do_not() -> None:
    """The score says 89.5 % right, the answers 70 %; 50 answers are worth as much as the prior."""
    means = [calibrated(LOT, *answers(0.7, lines))(LOT).mean() for lines in (100, 5000)]
    assert means == pytest.approx([(0.7 * 100 + 0.895 * 50) / 150, 0.7], abs=0.01)


def test_the_order_of_lines_stays_where_the_answers_say_the_opposite() -> None:
    scores = np.resize(LOT, 2000)
    found = calibrated(LOT, scores, scores < 0.9)
    assert found.slope == 0
    assert np.all(np.diff(found(LOT)) >= 0)


def test_a_score_that_is_right_is_left_as_it_is() -> None:
    chance = np.random.default_rng(1)
    scores = np.resize(LOT, 20_000)
    found = calibrated(LOT, scores, chance.random(20_000) < scores)
    assert (found.slope, found.shift) == pytest.approx((1, 0), abs=0.15)


def test_scores_of_one_value_and_at_the_ends_are_borne() -> None:
    same = np.full(64, 1.0)
    found = calibrated(same, same, np.ones(64, dtype=bool))
    assert 0.99 < found(same)[0] <= 1


def test_a_calibration_is_a_curve_over_the_logit() -> None:
    assert Calibration(2.0, 0.0)(np.array([0.5, 0.9])) == pytest.approx([0.5, 81 / 82])

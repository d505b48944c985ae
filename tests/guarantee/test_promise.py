"""The promise, in a thousand projects whose truth is known; `benchmarks.guarantee` has ten thousand."""

from __future__ import annotations

import numpy as np
import pytest

from backend.guarantee.claims import claim
from backend.guarantee.decisions import ClaimState
from backend.guarantee.lots import Lot, LotKey, LotLine
from tests.parts.audited_projects import Plan, life, project, random_plan


def test_in_95_of_100_projects_no_claim_was_ever_false() -> None:
    """A project fails if one of its claims, of any look after any batch, was false at the time."""
    chance = np.random.default_rng(14)
    failed = certified = 0
    for _ in range(1000):
        moments = list(life(project(random_plan(chance, 2500), chance)))
        failed += any(moment.false for moment in moments)
        certified += any(moment.outcome.state is ClaimState.HOLDS for moment in moments)
    assert failed <= 50
    assert certified >= 200  # a promise that is never made would hold, too


def test_three_percent_are_not_certified_as_one() -> None:
    """At most once in a thousand projects. Errors gather on pages, and the score knows nothing."""
    chance = np.random.default_rng(15)
    certified = 0
    for _ in range(1000):
        lines = int(chance.integers(300, 3000))
        plan = Plan((lines // 2, lines), 20, 0.03, 0.03, 0.1, 0, 0, 0.01, 0.6, 0.01)
        planted = project(plan, chance)
        if planted.wrong.mean() >= 0.03 and planted.wrong[: lines // 2].mean() >= 0.03:
            certified += any(moment.outcome.state is ClaimState.HOLDS for moment in life(planted))
    assert certified <= 1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_simulated_claims_are_those_of_the_product(seed: int) -> None:
    chance = np.random.default_rng(seed)
    one = project(random_plan(chance, 2000), chance)
    last = list(life(one))[-1]
    order = np.argsort(one.draws)
    answered = set(order[: last.answered].tolist())
    lines = tuple(
        LotLine(place, "r", int(draw * 2**53), float(score), bool(not typed) if place in answered else None)
        for place, (draw, score, typed) in enumerate(zip(one.draws, one.scores, one.typed_wrong, strict=True))
    )
    made = claim(Lot(LotKey(3, "en", "v1"), lines, len(lines)), one.plan.target)
    part = last.outcome.part
    assert part is not None
    assert (made.state, made.look, made.covered, made.audited, made.right) == (
        last.outcome.state,
        last.outcome.look,
        part.lines,
        part.sampled,
        part.sampled - part.wrong - part.waiting,
    )

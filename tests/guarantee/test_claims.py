"""Claims: which look counts, when a claim holds, waits, breaks and comes back."""

from __future__ import annotations

from collections.abc import Callable, Collection

import pytest

from backend.guarantee.claims import Claim, ClaimState, claim, wrong_unseen_at_most
from backend.guarantee.lots import Lot, LotKey, LotLine


def lot(
    lines: int,
    answered: int | Collection[int],
    *,
    wrong: Collection[int] = (),
    score: Callable[[int], float] = lambda place: 0.9,
) -> Lot:
    """A lot whose lines are drawn in the order 0, 1, 2, ...; a page holds every hundredth."""
    known = range(answered) if isinstance(answered, int) else answered

    def right(place: int) -> bool | None:
        return place not in wrong if place in known else None

    return Lot(
        LotKey(3, "en", "v1"),
        tuple(LotLine(place % 100, f"r{place}", place, score(place), right(place)) for place in range(lines)),
        2 * lines,
    )


def of(
    lines: int, answered: int | Collection[int], wrong: Collection[int] = (), target: float = 0.01
) -> Claim:
    return claim(lot(lines, answered, wrong=wrong), target)


@pytest.mark.parametrize(
    ("answered", "wrong", "state", "look"),
    [
        pytest.param(0, (), "not yet", 0, id="nobody answered"),
        pytest.param(63, (), "not yet", 0, id="before the first look"),
        pytest.param(511, (), "not yet", 256, id="one line before the look that shows it"),
        pytest.param(512, (), "holds", 512, id="512 right"),
        pytest.param(512, (7,), "not yet", 512, id="one wrong"),
        pytest.param(1024, (7, 600, 900), "holds", 1024, id="three wrong of 1,024"),
        pytest.param(1024, (7, 8, 600, 900), "not yet", 1024, id="four wrong of 1,024, never held"),
        pytest.param(1024, (600, 700, 800, 900), "broken", 1024, id="held at 512, refused at 1,024"),
        pytest.param(2048, (600, 700, 800, 900), "holds", 2048, id="and comes back with more lines"),
        pytest.param(128, range(12), "broken", 128, id="surely more than 1 % from the start"),
    ],
)
def test_the_largest_look_that_is_decided_counts(
    answered: int, wrong: Collection[int], state: str, look: int
) -> None:
    made = of(10_000, answered, wrong)
    assert (made.state.value, made.look) == (state, look)


@pytest.mark.parametrize(
    ("answered", "wrong", "next_look", "needed"),
    [
        (0, (), 512, 512),
        (64, (), 512, 448),
        (64, (3,), 1024, 960),
        (512, range(4), 2048, 1536),
        (512, (), None, 0),
    ],
)
def test_a_claim_says_how_many_more_lines_it_needs(
    answered: int, wrong: Collection[int], next_look: int | None, needed: int
) -> None:
    made = of(10_000, answered, wrong)
    assert (made.next_look, made.needed) == (next_look, needed)


def test_lines_that_wait_count_as_wrong() -> None:
    """Of 1,024 drawn, three may be wrong: three that nobody answers are as bad as three that are."""
    waiting = set(range(1024)) - {1, 2, 3}
    assert of(10_000, waiting - {4}).state is ClaimState.NOT_YET
    made = of(10_000, waiting)
    assert (made.state, made.right, made.waiting) == (ClaimState.HOLDS, 1021, 3)
    assert made.at_most == of(10_000, 1024, (1, 2, 3)).at_most


def test_answers_after_a_look_only_withdraw_a_claim() -> None:
    later = range(900)
    assert of(10_000, later, (600, 700, 800)).look == 512
    made = of(10_000, later, (600, 700, 800, 850))
    assert (made.state, made.look, made.waiting) == (ClaimState.BROKEN, 1024, 124)
    # a look in between would have shown 2 %, and costs confidence that nobody paid for
    assert of(10_000, range(255), target=0.02).state is ClaimState.NOT_YET
    assert of(10_000, range(256), target=0.02).state is ClaimState.HOLDS


def test_a_sample_never_makes_way_for_a_smaller_one() -> None:
    """1,024 lines are answered, then the lot grew: every tenth of the sample is new and waits."""
    grown = [place for place in range(1140) if place % 10][:1024]
    assert of(10_000, grown, target=0.05).look == 1024
    assert of(10_000, grown, target=0.05).state is ClaimState.NOT_YET
    filled = set(grown) | set(range(1024))
    assert of(10_000, filled, target=0.05).state is ClaimState.HOLDS


def test_a_finite_lot_needs_fewer_lines_and_is_known_when_seen_whole() -> None:
    made = of(300, 300, (5, 6, 7))
    assert (made.state, made.wrong_at_most, made.at_most) == (ClaimState.HOLDS, 3, 0.01)
    made = of(300, 300, (5, 6, 7, 8))
    assert (made.state, made.wrong_at_most, made.next_look) == (ClaimState.BROKEN, 4, None)


def best_half(place: int) -> float:
    return 0.99 if place % 2 else 0.6


def test_the_best_lines_are_claimed_where_all_cannot_be() -> None:
    """All wrong lines, 1.5 %, have the lower score."""
    wrong = [place for place in range(4096) if place % 66 == 0]
    made = claim(lot(10_000, 2048, wrong=wrong, score=best_half), 0.01)
    assert (made.state, made.covered, made.threshold) == (ClaimState.HOLDS, 5_000, 0.99)
    assert (made.audited, made.right, made.at_most, made.wrong_at_most) == (1024, 1024, 0.01, 50)


def test_a_part_has_the_smaller_chance_of_error() -> None:
    """512 right lines of the better half would do for a whole lot; a part may err by 0.18 % alone."""
    wrong = range(0, 1024, 50)
    assert of(5000, 512).state is ClaimState.HOLDS
    assert claim(lot(10_000, 1024, wrong=wrong, score=best_half), 0.01).state is not ClaimState.HOLDS
    assert claim(lot(10_000, 2048, wrong=wrong, score=best_half), 0.01).covered == 5_000


def test_parts_of_a_lot_are_tried_in_a_fixed_order() -> None:
    """The best half fails, so no larger part is asked, though 60 % alone would have passed."""

    def score(place: int) -> float:
        return 1 - (place * 7919 % 10_000) / 10_000

    best = [place for place in range(4096) if score(place) > 0.5]
    rest = [place for place in range(4096) if score(place) < 0.4]
    wrong = best[: round(0.0065 * len(best))] + rest[:200]
    assert claim(lot(10_000, 4096, wrong=wrong, score=score), 0.01).state is not ClaimState.HOLDS
    assert claim(lot(10_000, 4096, wrong=rest[:200], score=score), 0.01).covered == 6_000


def test_what_people_mended_is_wrong_no_more() -> None:
    made = of(300, 300, (5, 6, 7))
    assert [wrong_unseen_at_most(made, mended) for mended in (0, 2, 3, 4)] == [3, 1, 0, 0]


def test_an_empty_lot_claims_nothing() -> None:
    made = claim(Lot(LotKey(3, "en", "v1"), (), 0), 0.01)
    assert (made.state, made.lot, made.at_most, made.next_look) == (ClaimState.NOT_YET, 0, 1.0, None)


@pytest.mark.parametrize("target", [0.0, 1.0, -0.1])
def test_a_target_is_a_share(target: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        of(10, 10, target=target)

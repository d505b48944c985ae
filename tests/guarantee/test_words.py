"""Claims as people read them."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from backend.guarantee.claims import claim
from backend.guarantee.words import percent, percent_up, sentence
from tests.guarantee.test_claims import best_half, lot


@pytest.mark.parametrize(
    ("lines", "answered", "wrong", "words"),
    [
        pytest.param(
            10_000,
            1,
            (),
            "nothing is claimed yet, 1 audit line is answered. 511 more lines for 1 %, if all are right",
            id="begun",
        ),
        pytest.param(
            10_000,
            64,
            (),
            "0 wrong of 64 audited: at most 7.7 % wrong (95 %). 448 more lines for 1 %, if all are right",
            id="the first look",
        ),
        pytest.param(
            10_000,
            511,
            (),
            "0 wrong of 256 audited: at most 2.0 % wrong (95 %). 1 more line for 1 %, if all are right",
            id="one line is left",
        ),
        pytest.param(
            10_000,
            512,
            (),
            "at most 1.0 % wrong (95 %), 512 of 512 audited right, covers 50 % of the lines read",
            id="holds",
        ),
        pytest.param(
            10_000,
            set(range(1024)) - {7},
            (9,),
            "at most 0.9 % wrong (95 %), 1,022 of 1,024 audited right, 1 not answered and taken as wrong, "
            "covers 50 % of the lines read",
            id="holds with a line that waits",
        ),
        pytest.param(
            10_000,
            900,
            range(600, 604),
            "it does not hold that at most 1 % is wrong: 4 of 1,024 drawn are wrong, 124 not answered, and 3 "
            "may be. 1,148 more lines for 1 %, if all are right",
            id="broken",
        ),
        pytest.param(
            300,
            300,
            range(4),
            "it does not hold that at most 1 % is wrong: 4 of 300 drawn are wrong, and 3 may be. No sample "
            "of these lines can show 1 % any more; another model version starts anew",
            id="for good",
        ),
    ],
)
def test_a_claim_is_said_in_plain_words(
    lines: int, answered: int | Collection[int], wrong: Collection[int], words: str
) -> None:
    assert sentence(claim(lot(lines, answered, wrong=wrong), 0.01)) == f"agreed: {words}"


def test_a_claim_for_a_part_says_for_which() -> None:
    wrong = [place for place in range(4096) if place % 66 == 0]
    assert sentence(claim(lot(10_000, 2048, wrong=wrong, score=best_half), 0.01)) == (
        "agreed: at most 1.0 % wrong (95 %), 1,024 of 1,024 audited right, "
        "covers 25 % of the lines read: those with a score of 0.990 or more"
    )


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.01, "1.0 %"),
        (0.010001, "1.1 %"),
        (0.00993, "1.0 %"),
        (0.0004, "0.04 %"),
        (0.0, "0.0 %"),
        (0.123, "13 %"),
        (1, "100 %"),
    ],
)
def test_a_bound_is_never_said_smaller_than_it_is(share: float, words: str) -> None:
    assert percent_up(share) == words


@pytest.mark.parametrize(("share", "words"), [(0.01, "1 %"), (0.0125, "1.25 %"), (0.95, "95 %")])
def test_shares_are_said_as_people_write_them(share: float, words: str) -> None:
    assert percent(share) == words

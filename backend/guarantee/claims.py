"""What may be said about a lot, seen the answers of people to its audit lines."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from backend.guarantee.looks import CONFIDENCE
from backend.guarantee.lots import Lot, LotKey


class ClaimState(str, Enum):
    """How a claim stands.

    NOT_YET: too few audit lines are answered, or a sample was not good enough.
    HOLDS: at most the target is wrong in the part of the lot that is covered.
    BROKEN: it held after a look and holds no more, or more than the target is wrong for certain.
    """

    NOT_YET = "not yet"
    HOLDS = "holds"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What the audit says about a lot, with a stated confidence.

    key: which lot.
    target: share of wrong lines that the team accepts, 0 to 1.
    confidence: that no look at this lot says less than the truth, 0 to 1.
    state: see `ClaimState`.
    lot: agreed lines.
    read: lines with text of the same pages, agreed or not.
    covered: agreed lines that the figures below speak about: those with the highest scores where the claim
        holds for them alone, else all.
    threshold: the lowest score among them; 0 to 1.
    look: size of the sample that was looked at, lines of the lot; 0: none is answered whole.
    audited: lines of that sample among those covered.
    right: how many of them people typed alike.
    waiting: how many of them wait for an answer; these count as wrong.
    allowed: wrong lines among `audited` with which the target still holds; -1: not even none.
    at_most: share of wrong lines among those covered, at most; 1.0 as long as nothing is known.
    wrong_at_most: the same as a count.
    next_look: size of the smallest sample that can still show the target; None: none can, or the
        claim holds.
    needed: lines of that sample that wait for an answer.
    design_effect: how much errors gather on pages, 1.0: not at all. It is shown only: lines
        are drawn one by one, so the bounds hold however errors gather.
    expected_wrong: share of wrong lines among those covered, expected by the score after recalibration.
    """

    key: LotKey
    target: float
    confidence: float = CONFIDENCE
    state: ClaimState
    lot: int
    read: int
    covered: int
    threshold: float
    look: int
    audited: int
    right: int
    waiting: int
    allowed: int
    at_most: float
    wrong_at_most: int
    next_look: int | None
    needed: int
    design_effect: float
    expected_wrong: float


def claim(lot: Lot, target: float) -> Claim:
    """What may be said about a lot.

    Args:
        lot: all its lines, with the answers of the audit.
        target: share of wrong lines that the team accepts, over 0 and under 1. It is chosen before the audit.
    """
    raise NotImplementedError


def wrong_unseen_at_most(made: Claim, mended: int) -> int:
    """How many wrong lines can be left among the covered lines that nobody saw.

    Args:
        made: a claim.
        mended: wrong lines among those covered that people found and mended, in the audit or otherwise.
    """
    return max(0, made.wrong_at_most - mended)

"""What may be said about a lot, seen the answers of people to its audit lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backend.guarantee.calibration import SHIPPED, calibrated
from backend.guarantee.clusters import design_effect
from backend.guarantee.decisions import ClaimState, decide
from backend.guarantee.evidence import evidence
from backend.guarantee.looks import CONFIDENCE
from backend.guarantee.lots import Lot, LotKey


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
    look: size of the sample that the figures below come from, lines; 0: fewer than the first are answered.
    answered: audit lines with an answer, this sample's and others.
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
    answered: int
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
        target: share of wrong lines that the team accepts, over 0 and under 1. It is chosen before the audit:
            whoever tries several, and keeps the best, claims more than was shown.
    """
    if not 0 < target < 1:
        raise ValueError(f"a target is a share between 0 and 1, not {target}")
    answers = [line for line in lot.lines if line.right is not None]
    seen = evidence(lot)
    outcome = decide(seen, len(answers), target)
    part, sample = outcome.part, next((look for look in seen if look.size == outcome.next_look), None)
    scores = np.array([line.score for line in lot.lines])
    reading = (
        calibrated(
            scores,
            np.array([line.score for line in answers]),
            np.array([line.right is True for line in answers], dtype=bool),
        )
        if answers
        else SHIPPED
    )
    expected = 1 - reading(scores[scores >= part.threshold]) if part else 1 - reading(scores)
    return Claim(
        key=lot.key,
        target=target,
        state=outcome.state,
        lot=len(lot.lines),
        read=lot.read,
        covered=part.lines if part else len(lot.lines),
        threshold=part.threshold if part else float(scores.min(initial=1.0)),
        look=outcome.look,
        answered=len(answers),
        audited=part.sampled if part else 0,
        right=part.sampled - part.wrong - part.waiting if part else 0,
        waiting=part.waiting if part else 0,
        allowed=outcome.allowed,
        at_most=outcome.wrong_at_most / part.lines if part else 1.0,
        wrong_at_most=outcome.wrong_at_most if part else len(lot.lines),
        next_look=outcome.next_look,
        needed=sample.parts[-1].waiting if sample else 0,
        design_effect=design_effect(lot),
        expected_wrong=float(expected.mean()) if len(scores) else 0.0,
    )


def wrong_unseen_at_most(made: Claim, mended: int) -> int:
    """How many wrong lines can be left among the covered lines that nobody saw.

    Args:
        made: a claim.
        mended: wrong lines among those covered that people found and mended, in the audit or otherwise.
    """
    return max(0, made.wrong_at_most - mended)

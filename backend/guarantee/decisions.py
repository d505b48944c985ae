"""Whether a target holds for a lot, seen what each look at it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from math import floor

from backend.guarantee.bounds import allowed, most_wrong
from backend.guarantee.evidence import Look, Part
from backend.guarantee.looks import ALPHA, PART_ALPHA


class ClaimState(str, Enum):
    """How a claim stands.

    NOT_YET: too few audit lines are answered, or a sample was not good enough.
    HOLDS: at most the target is wrong in the part of the lot that is covered.
    BROKEN: it held after a look and holds no more, or more than the target is wrong for certain.
    """

    NOT_YET = "not yet"
    HOLDS = "holds"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the looks at a lot come to.

    look: size of the sample that decides; 0: none yet.
    part: what it shows of the lines that the claim covers; None: no sample yet.
    allowed: wrong lines in the sample of that part with which the target holds; -1: not even none.
    wrong_at_most: wrong lines among those covered.
    next_look: see `Claim`.
    """

    state: ClaimState
    look: int = 0
    part: Part | None = None
    allowed: int = -1
    wrong_at_most: int = 0
    next_look: int | None = None


def decide(seen: Sequence[Look], answered: int, target: float) -> Outcome:
    """Which look counts, and what it says. The largest that is decided counts.

    A look shows the target if it does with every waiting line taken as wrong, and refuses it if it does not
    with every waiting line taken as right. So answers to a part of the next sample can only withdraw a claim.
    A sample never makes way for a smaller one: where a lot grew, its largest sample waits for the new lines
    and is looked at once more; the smaller ones are not, since each look costs confidence.

    Args:
        seen: the smallest first; see `evidence`.
        answered: answers in the lot.
        target: share of wrong lines that the team accepts, 0 to 1.
    """
    reached = max((look.size for look in seen if look.size <= answered), default=0)
    counting = [look for look in seen if look.size >= reached]
    refused: Look | None = None
    for look in reversed(counting):
        if part := _shown(look, target):
            return _outcome(ClaimState.HOLDS, look, part, target, None)
        if not _shown(look, target, waiting_are_right=True):
            refused = look
            break
    after = refused.size if refused else 0
    hopeful = [look.size for look in seen if _shown(look, target, waiting_are_right=True)]
    next_look = min((size for size in hopeful if size > after), default=None)
    surely_more = next((look for look in counting if _surely_more(look.parts[-1], target)), None)
    held_before = refused if any(size < after for size in hopeful) else None
    if decisive := held_before or surely_more:
        return _outcome(ClaimState.BROKEN, decisive, decisive.parts[-1], target, next_look)
    if not reached:
        return Outcome(ClaimState.NOT_YET, next_look=next_look)
    return _outcome(ClaimState.NOT_YET, counting[0], counting[0].parts[-1], target, next_look)


def _outcome(state: ClaimState, look: Look, part: Part, target: float, next_look: int | None) -> Outcome:
    """For the whole lot, the bound. Another part was chosen by its answers, so it shows the target alone."""
    if part is look.parts[-1]:
        wrong_at_most = most_wrong(part.wrong + part.waiting, part.sampled, part.lines, ALPHA)
        allowed_here = _allowed(part, target, ALPHA)
    else:
        wrong_at_most = _share(target, part.lines)
        allowed_here = _allowed(part, target, PART_ALPHA)
    return Outcome(state, look.size, part, allowed_here, wrong_at_most, next_look)


def _shown(look: Look, target: float, *, waiting_are_right: bool = False) -> Part | None:
    """The largest part for which the look shows the target; None: for no part.

    Where it does not for the whole lot, the other parts are tried in a fixed order, and the first that fails
    ends it: so the trying costs the chance of error of one part, not of five (Bauer, Statistics in Medicine
    10, 1991). The order begins with the strictest part that could pass at all, which the sizes alone decide.
    """

    def wrong(part: Part) -> int:
        return part.wrong + (0 if waiting_are_right else part.waiting)

    whole = look.parts[-1]
    if wrong(whole) <= _allowed(whole, target, ALPHA):
        return whole
    best: Part | None = None
    for part in look.parts[:-1]:
        most = _allowed(part, target, PART_ALPHA)
        if most < 0 and best is None:
            continue
        if wrong(part) > most:
            break
        best = part
    return best


def _allowed(part: Part, target: float, error: float) -> int:
    """The most wrong lines in the sample of a part with which the target holds there; -1: not even none."""
    return allowed(part.sampled, part.lines, _share(target, part.lines), error)


def _surely_more(part: Part, target: float) -> bool:
    """Whether the lower bound lies over the target: too few right lines were seen for that."""
    right_with_target = part.lines - _share(target, part.lines)
    return part.sampled - part.wrong <= allowed(part.sampled, part.lines, right_with_target - 1, ALPHA)


def _share(target: float, lines: int) -> int:
    """How many lines the target allows; a product such as 0.07 x 100 is a hair over or under 7."""
    return floor(target * lines + 1e-9)

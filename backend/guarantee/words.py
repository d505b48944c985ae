"""A claim in words, for terminals, reports and manifests."""

from __future__ import annotations

from math import ceil

from backend.guarantee.claims import Claim
from backend.guarantee.decisions import ClaimState


def sentence(made: Claim) -> str:
    """What a claim says of agreed lines, in one or two sentences; without project, language and version."""
    if made.state is ClaimState.HOLDS:
        return (
            f"agreed: at most {percent_up(made.at_most)} wrong ({_confidence(made)}), {_right(made)}, "
            f"covers {_covers(made)}"
        )
    if made.state is ClaimState.BROKEN:
        broken = f"agreed: it does not hold that at most {percent(made.target)} is wrong"
        return f"{broken}: {_why(made)}. {_next(made)}"
    if not made.look:
        return f"agreed: nothing is claimed yet, {_answers(made.answered)}. {_next(made)}"
    return (
        f"agreed: {_count(_wrong(made))} wrong of {_count(made.audited)} audited{_waits(made)}: "
        f"at most {percent_up(made.at_most)} wrong ({_confidence(made)}). {_next(made)}"
    )


def percent(share: float) -> str:
    """A share as people write it: 0.01 is "1 %", 0.0125 "1.25 %"."""
    return f"{100 * share:.4g} %"


def percent_up(share: float) -> str:
    """A bound with two digits, never under it: 0.00993 is "1.0 %"."""
    if share >= 0.1:
        return f"{ceil(100 * share - 1e-9)} %"
    digits = 1 if share >= 0.001 or share == 0 else 2
    return f"{ceil(100 * share * 10**digits - 1e-9) / 10**digits:.{digits}f} %"


def _right(made: Claim) -> str:
    return f"{_count(made.right)} of {_count(made.audited)} audited right{_waits(made)}"


def _covers(made: Claim) -> str:
    share = f"{percent(round(made.covered / made.read, 2))} of the lines read"
    if made.covered == made.lot:
        return share
    return f"{share}: those with a score of {made.threshold:.3f} or more"


def _why(made: Claim) -> str:
    wrong = _wrong(made)
    may_be = "none" if made.allowed < 1 else _count(made.allowed)
    are = "is" if wrong == 1 else "are"
    return f"{_count(wrong)} of {_count(made.audited)} drawn {are} wrong{_waits(made)}, and {may_be} may be"


def _waits(made: Claim) -> str:
    if not made.waiting:
        return ""
    taken = "" if made.state is ClaimState.BROKEN else " and taken as wrong"
    return f", {_count(made.waiting)} not answered{taken}"


def _next(made: Claim) -> str:
    if made.next_look is None:
        return (
            f"No sample of these lines can show {percent(made.target)} any more; "
            "another model version starts anew"
        )
    lines = "line" if made.needed == 1 else "lines"
    return f"{_count(made.needed)} more {lines} for {percent(made.target)}, if all are right"


def _answers(answered: int) -> str:
    return "1 audit line is answered" if answered == 1 else f"{_count(answered)} audit lines are answered"


def _wrong(made: Claim) -> int:
    return made.audited - made.right - made.waiting


def _confidence(made: Claim) -> str:
    return percent(made.confidence)


def _count(lines: int) -> str:
    return f"{lines:,}"

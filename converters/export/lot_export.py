"""What an export takes of one lot of agreed lines, and whether its claim holds for so few of them; pure.

An audit says how many of all agreed lines of a lot can be wrong (`backend.guarantee.claims`). What is
exported is a part of them, and all wrong ones may be in it, among those that nobody looked at. So the
*number* of wrong lines at most, less those that the audit found, is held against what is exported: it must be
no larger a share of all than was asked for, and no more than twice that (`MOST`) of those that nobody looked
at. Strictly the same share of these would let nothing through: the audit itself, and the sample of pages,
take lines out of them, and a claim about the best part of a lot has no line to spare.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from backend.guarantee.claims import Claim, wrong_unseen_at_most
from backend.guarantee.decisions import ClaimState
from backend.guarantee.lots import LotLine
from backend.guarantee.words import percent, percent_up
from backend.sheets.lot_claims import LotClaim, figures, name
from converters.reviewed.reasons import LeftOutReason

MOST = 2
"""Times the target: no larger a share of the lines that nobody looked at may be wrong."""


@dataclass(slots=True)
class LotExport:
    """What an export takes of one lot.

    said: what the audit says of the lot.
    unseen: exported lines that the claim covers and nobody looked at.
    seen: those that people looked at, on sheets or on their page.
    held_back: lines that nobody looked at and that wait for people, by why.
    too_few: why none goes although the claim holds, in a sentence; empty where they go.
    """

    said: LotClaim
    too_few: str = ""
    unseen: int = 0
    seen: int = 0
    held_back: Counter[LeftOutReason] = field(default_factory=Counter)

    @property
    def claim(self) -> Claim:
        """What the audit says of the lot."""
        return self.said.claim

    @property
    def wrong_at_most(self) -> int | None:
        """Wrong lines among `unseen`, at most; None where no claim holds."""
        if self.claim.state is not ClaimState.HOLDS:
            return None
        found = sum(line.right is False and self.covers(line) for line in self.said.audited.lot.lines)
        return min(self.unseen, wrong_unseen_at_most(self.claim, found))

    @property
    def at_most(self) -> float | None:
        """Their share among `unseen`; None where no claim holds, and of no lines."""
        wrong = self.wrong_at_most
        return None if wrong is None or not self.unseen else wrong / self.unseen

    @property
    def is_enough(self) -> bool:
        """So many lines are exported that the target holds for them, too."""
        wrong, target = self.wrong_at_most, self.claim.target
        if wrong is None:
            return False
        # a product such as 0.07 x 100 is a hair over or under 7
        return wrong <= min(target * (self.unseen + self.seen), MOST * target * self.unseen) + 1e-9

    @property
    def why_too_few(self) -> str:
        """Of how few lines how many may be wrong, in a sentence; empty where no claim holds, or of none."""
        wrong, claim = self.wrong_at_most, self.claim
        if wrong is None or not self.unseen:
            return ""
        all_of_them = percent_up(wrong / (self.unseen + self.seen))
        return (
            f"At most {wrong:,} of the {self.unseen:,} lines nobody looked at are wrong ({name(claim)}): "
            f"{percent_up(wrong / self.unseen)} of them, and {all_of_them} with those that people looked at. "
            f"That is more than {percent(MOST * claim.target)} of them, or {percent(claim.target)} of all: "
            "they wait until more pages are approved, or more lines audited."
        )

    def covers(self, line: LotLine) -> bool:
        """The claim speaks of this line of its lot."""
        return line.score >= self.claim.threshold

    def summary(self) -> dict[str, Any]:
        """For machines."""
        wrong, rate = self.wrong_at_most, self.at_most
        return {
            **figures(self.said),
            "exported_unseen": self.unseen,
            "exported_seen": self.seen,
            "exported_unseen_wrong_at_most": wrong,
            "exported_unseen_at_most": None if rate is None else round(rate, 6),
            "held_back": {why.words: count for why, count in self.held_back.items() if count},
        }

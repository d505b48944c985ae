"""What audits say of a project's agreed lines, alike in `status`, `report`, `export` and the metrics; pure.

Nothing is reckoned here: the claim of a lot is made in `backend.guarantee`. Beside it stands what people get
wrong themselves, which is its floor; and where nobody looked blind, that nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from backend.guarantee import words
from backend.guarantee.claims import Claim, claim
from backend.guarantee.decisions import ClaimState
from backend.sheets.audit_answers import Audited
from backend.sheets.audits import AuditedLot, current_lots
from backend.sheets.work_words import answer


@dataclass(frozen=True, slots=True)
class LotClaim:
    """A lot of agreed lines, and what its audit says of them.

    is_asked: people are asked about its lines: it was read by the version that the project chose.
    """

    audited: AuditedLot
    claim: Claim
    is_asked: bool = True

    @property
    def answered(self) -> int:
        """Lines that people typed blind."""
        return self.claim.answered

    @property
    def alarm(self) -> str | None:
        """What is to be done now that the claim is broken; None where it is not."""
        if self.claim.state is not ClaimState.BROKEN:
            return None
        key = self.claim.key
        return (
            f"ALARM: what was said of the agreed lines of project {key.project} ({key.language}) does not "
            "hold any more. Export no line that nobody looked at (export --guarantee leaves them out), and "
            f"look at those that were wrong: `twinread report --project {key.project}`."
        )

    def sentences(self) -> Iterator[str]:
        """What is known, a sentence each, the alarm first."""
        if self.alarm is not None:
            yield self.alarm
        if not self.answered and not self.is_asked:
            yield (
                f"{self.claim.lot:,} agreed lines are in no claim ({name(self.claim)}): their pages were not "
                f"read again. `twinread preannotate --project {self.claim.key.project}` does so."
            )
            return
        if not self.answered:
            yield nobody_looked(self.claim.key.project, of=f" of {name(self.claim)}")
            return
        key, said = self.claim.key, words.sentence(self.claim)
        yield f"{key.language} ({key.version or 'of no version'}): {said.rstrip('.')}."
        repeats = self.audited.repeats
        if repeats.seen:
            unlike = repeats.seen - repeats.same
            were = "was" if unlike == 1 else "were"
            yield (
                f"Of {repeats.seen:,} audit lines that two people typed, {unlike:,} {were} typed differently "
                f"({words.percent(round(unlike / repeats.seen, 3))}): no audit can show less than that."
            )


def lot_claims(lots: Sequence[AuditedLot], target: float, version: str) -> list[LotClaim]:
    """What the audits say.

    Args:
        lots: of a project.
        target: the share of wrong lines that the team accepts, over 0 and under 1.
        version: the model version that the project chose.
    """
    asked = {each.lot.key for each in current_lots(lots, version)}
    return [LotClaim(each, claim(each.lot, target), each.lot.key in asked) for each in lots]


def sentences(project: int, claims: Sequence[LotClaim]) -> Iterator[tuple[str, bool]]:
    """What is known of a project, a sentence each, and whether it is an alarm.

    Args:
        project: the id of the page project.
        claims: one for each of its lots.
    """
    if not any(each.answered for each in claims):
        yield nobody_looked(project), False
        return
    for each in claims:
        for sentence in each.sentences():
            yield sentence, each.alarm is not None


def nobody_looked(project: int, of: str = "") -> str:
    """What is said of agreed lines of which nobody saw one blind.

    Args:
        project: the id of the page project.
        of: which lot, with a space before it; empty for all of the project.
    """
    return (
        f"How many agreed lines{of} are wrong is not known yet: nobody looked blind. Run `twinread audit "
        f"--project {project}`."
    )


def name(made: Claim) -> str:
    """Which lot a claim is about, in a few words."""
    return f"language {made.key.language}, model version {made.key.version}"


def wrong_line(each: Audited) -> str:
    """An audit line that was wrong, in one line, with both texts."""
    key = each.line.line.key
    return f"task {key.task}, {key.region}: agreed “{each.line.text}”; a person: {answer(each.counted)}"


def figures(each: LotClaim) -> dict[str, Any]:
    """Everything as plain values."""
    made, repeats = each.claim, each.audited.repeats
    return {
        "project": made.key.project,
        "language": made.key.language,
        "model_version": made.key.version,
        "target": made.target,
        "confidence": made.confidence,
        "state": made.state.value,
        "agreed_lines": made.lot,
        "lines_read": made.read,
        "covered": made.covered,
        "threshold": made.threshold,
        "answered": each.answered,
        "look": made.look,
        "audited": made.audited,
        "right": made.right,
        "waiting": made.waiting,
        "at_most": round(made.at_most, 6) if each.answered else None,
        "wrong_at_most": made.wrong_at_most if each.answered else None,
        "next_look": made.next_look,
        "needed": made.needed,
        "design_effect": round(made.design_effect, 3),
        "expected_wrong": round(made.expected_wrong, 6),
        "typed_by_two": repeats.seen,
        "typed_by_two_alike": repeats.same,
        "says": list(each.sentences()),
    }

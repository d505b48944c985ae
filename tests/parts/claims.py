"""What audits say, made by hand: lots of a few tasks' agreed lines, with any claim about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any

from backend.guarantee.claims import Claim
from backend.guarantee.decisions import ClaimState
from backend.guarantee.draws import draw_number
from backend.guarantee.lots import Lot, LotKey, LotLine
from backend.label_studio.region_notes import readings_in
from backend.label_studio.regions import region_quad, regions
from backend.page.lines import Verdict
from backend.sheets.agreed_lines import AgreedLine
from backend.sheets.audit_answers import Audited
from backend.sheets.audits import AuditedLot, Repeats
from backend.sheets.decisions import Decision, LineVerdict
from backend.sheets.doubtful_lines import corners_of
from backend.sheets.lot_claims import LotClaim
from backend.sheets.sheet_tasks import LineKey, SheetLine

VERSION = "det a+b en 1"
KEY = LotKey(3, "en", VERSION)


def claim_of(lot: Lot, state: ClaimState, **more: Any) -> Claim:
    """A claim of all lines of a lot: nothing known, at most 1 % wrong, or 1 % at most that broke."""
    size, seen = len(lot.lines), sum(line.right is not None for line in lot.lines)
    right = sum(line.right is True for line in lot.lines)
    known = state is not ClaimState.NOT_YET
    values = {
        "key": lot.key,
        "target": 0.01,
        "state": state,
        "lot": size,
        "read": lot.read,
        "covered": size,
        "threshold": 0.0,
        "look": seen if known else 0,
        "answered": seen,
        "audited": seen if known else 0,
        "right": right if known else 0,
        "waiting": 0,
        "allowed": 0,
        "at_most": {ClaimState.NOT_YET: 1.0, ClaimState.HOLDS: 0.0098, ClaimState.BROKEN: 0.043}[state],
        "wrong_at_most": {ClaimState.NOT_YET: size, ClaimState.HOLDS: 0, ClaimState.BROKEN: size}[state],
        "next_look": 512 if state is ClaimState.NOT_YET else None,
        "needed": 512 - seen if state is ClaimState.NOT_YET else 0,
        "design_effect": 1.0,
        "expected_wrong": 0.002,
    }
    return Claim(**{**values, **more})


def lot_of(
    tasks: Iterable[dict[str, Any]],
    *,
    right: Mapping[tuple[int, int], bool] | None = None,
    scores: Mapping[tuple[int, int], float] | None = None,
    key: LotKey = KEY,
) -> Lot:
    """The agreed lines of some tasks, which have one prediction each.

    Args:
        tasks: as Label Studio's API gives them.
        right: what people typed blind, by task and row of the line from 0.
        scores: of lines, likewise; of others 0.99.
        key: of the lot.
    """
    lines = []
    read = 0
    for task in tasks:
        (predicted,) = task["predictions"]
        for row, region in enumerate(regions(predicted["result"])):
            read += 1
            stored = readings_in(region)
            if stored is not None and stored.verdict is Verdict.AGREED:
                place = (task["id"], row)
                draw = draw_number(key.project, task["id"], region.id, key.version)
                score = (scores or {}).get(place, 0.99)
                lines.append(LotLine(task["id"], region.id, draw, score, (right or {}).get(place)))
    return Lot(key, tuple(lines), read)


def lot_claim(
    lot: Lot,
    state: ClaimState,
    repeats: Repeats | None = None,
    wrong: tuple[Audited, ...] = (),
    **more: Any,
) -> LotClaim:
    """A lot with a claim about it; `more` are other values of the claim."""
    return LotClaim(AuditedLot(lot, repeats or Repeats(0, 0), wrong), claim_of(lot, state, **more))


def typed_blind(task: dict[str, Any], row: int, text: str, *, user: str = "2") -> Audited:
    """A line of a task, typed by a person who saw no text of it; an empty text is an illegible line.

    Args:
        task: as Label Studio's API gives it.
        row: of the line, from 0.
        text: what the person typed.
        user: the person's id.
    """
    (predicted,) = task["predictions"]
    region = regions(predicted["result"])[row]
    line = SheetLine(
        key=LineKey(KEY.project, task["id"], region.id),
        a="",
        b="",
        page=0,
        prediction=predicted["id"],
        model_version=VERSION,
        quad=corners_of(region_quad(region)),
        audit=True,
    )
    agreed = " ".join(region.texts)
    said = Decision(
        line=line,
        verdict=LineVerdict.TYPED if text else LineVerdict.ILLEGIBLE,
        text=text,
        user=user,
        sheet=71,
        annotation=12,
        at=datetime(2026, 11, 2, tzinfo=timezone.utc),
        seconds=4.0,
    )
    own = AgreedLine(line, agreed, 0.97, 1, region.page_size)
    return Audited(own, said, None, is_right=text == agreed, is_repeated_alike=None)

"""What audits say of a project in words."""

from __future__ import annotations

from dataclasses import replace

from backend.guarantee.lots import LotKey
from backend.sheets.audits import AuditedLot, Repeats
from backend.sheets.lot_claims import lot_claims, sentences
from tests.parts.claims import lot_of
from tests.parts.reviewed_work import Work, task

PAGE = task(1, [Work(("Total", "Total"), "Total"), Work(("Sum", "Sum"), "Sum")])
NOW, BEFORE = LotKey(3, "en", "v2"), LotKey(3, "en", "v1")


def said(*lots: AuditedLot) -> list[str]:
    return [sentence for sentence, _ in sentences(3, lot_claims(lots, 0.01, "v2"))]


def test_pages_that_were_not_read_again_are_named_and_nobody_is_asked_about_them() -> None:
    answered = AuditedLot(lot_of([PAGE], right={(1, 0): True, (1, 1): True}, key=NOW), Repeats(0, 0), ())
    old = AuditedLot(lot_of([PAGE], key=BEFORE), Repeats(0, 0), ())
    claimed, named = said(answered, old)
    assert claimed.startswith("en (v2): agreed: at most 0.0 % wrong")
    assert named == (
        "2 agreed lines are in no claim (language en, model version v1): their pages were not read again. "
        "`twinread preannotate --project 3` does so."
    )


def test_a_lot_of_another_language_that_nobody_typed_blind_is_not_taken_for_a_good_one() -> None:
    answered = AuditedLot(lot_of([PAGE], right={(1, 0): True, (1, 1): True}, key=NOW), Repeats(0, 0), ())
    other = replace(answered, lot=lot_of([PAGE], key=replace(NOW, language="de")))
    assert said(answered, other)[1] == (
        "How many agreed lines of language de, model version v2 are wrong is not known yet: nobody looked "
        "blind. Run `twinread audit --project 3`."
    )


def test_a_claim_that_people_broke_begins_with_the_alarm() -> None:
    wrong = lot_of([PAGE], right={(1, 0): True, (1, 1): False}, key=NOW)
    alarm, claimed = said(AuditedLot(wrong, Repeats(2, 1), ()))[:2]
    assert alarm.startswith(
        "ALARM: what was said of the agreed lines of project 3 (en) does not hold any more."
    )
    assert "1 of 2 drawn is wrong" in claimed

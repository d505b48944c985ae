"""Which audit lines go onto new sheets, and which audit sheets nobody needs any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from backend.guarantee.lots import Lot, LotKey, LotLine
from backend.sheets.agreed_lines import AgreedLine, AgreedPage
from backend.sheets.audit_plan import AuditPlan, audit_plan
from backend.sheets.doubtful_lines import DoubtfulLine, PageLines, PageWork
from backend.sheets.sheet_tasks import LineKey, SheetLine
from backend.sheets.topping_up import StoredSheet, top_up

BOX = ((0.0, 0.0), (100.0, 0.0), (100.0, 20.0), (0.0, 20.0))


def line(task: int, region: str, draw: int, version: str = "v1") -> AgreedLine:
    on_sheet = SheetLine(LineKey(3, task, region), "", "", 0, 5, version, BOX, audit=True)
    return AgreedLine(on_sheet, "Итог", 0.9, draw, (400, 200))


def pages_of(*lines: AgreedLine) -> list[AgreedPage]:
    tasks = sorted({each.line.key.task for each in lines})
    return [
        AgreedPage(task, "ru", "v1", tuple(each for each in lines if each.line.key.task == task), len(lines))
        for task in tasks
    ]


def lot_of(lines: Sequence[AgreedLine], answered: Sequence[int] = ()) -> Lot:
    """The lot of some lines; those with one of the numbers `answered` are right."""
    return Lot(
        LotKey(3, "ru", "v1"),
        tuple(
            LotLine(
                each.line.key.task, each.line.key.region, each.draw, each.score, each.draw in answered or None
            )
            for each in lines
        ),
        len(lines),
    )


def sheet(task: int, *lines: AgreedLine, touched: bool = False) -> StoredSheet:
    return StoredSheet(task, tuple(replace(each.line, place=n) for n, each in enumerate(lines)), touched)


def draws(plan: AuditPlan) -> list[list[int]]:
    return [[each.draw for each in lines] for lines in plan.sheets]


def test_the_sample_comes_by_page_and_one_of_eight_on_a_second_sheet_never_on_the_same_one() -> None:
    lines = [line(7, "a", 31), line(7, "b", 8), line(8, "a", 3), line(8, "b", 16), line(9, "a", 5)]
    plan = audit_plan([(lot_of(lines), 5)], pages_of(*lines), [], per_sheet=3)
    assert draws(plan) == [[31, 8, 3], [16, 5], [8, 16]]
    assert (plan.repeats, plan.left, plan.on_sheets, plan.unshown, plan.surplus) == ((0, 0, 2), 0, 0, (), ())
    alone = audit_plan([(lot_of(lines), 5)], pages_of(*lines), [], per_sheet=3, repeats=False)
    assert (draws(alone), alone.repeats) == ([[31, 8, 3], [16, 5]], (0, 0))


def test_a_smaller_look_comes_before_a_larger_one_of_any_lot() -> None:
    many = [line(7, f"l{number:03}", 2 * number + 1) for number in range(130)]
    other = [line(task, "a", 1) for task in (11, 12)]
    samples = [(lot_of(many), 128), (lot_of(other), 2)]
    plan = audit_plan(samples, pages_of(*many, *other), [], per_sheet=64)
    assert [len(each) for each in plan.sheets] == [2, 64, 64]
    assert plan.sheets[0][0].line.key.task == 11
    assert max(draws(plan)[1]) < min(draws(plan)[2])


def test_what_stands_on_a_sheet_or_is_answered_comes_on_no_other_one() -> None:
    lines = [line(7, "a", 1), line(7, "b", 8), line(7, "c", 3)]
    standing = [sheet(70, lines[0], lines[1])]
    first = audit_plan([(lot_of(lines), 3)], pages_of(*lines), standing, per_sheet=10)
    assert (draws(first), first.on_sheets) == ([[3], [8]], 2)
    standing += [sheet(71, lines[2]), sheet(72, lines[1])]
    again = audit_plan([(lot_of(lines), 3)], pages_of(*lines), standing, per_sheet=10)
    assert (draws(again), again.on_sheets, again.surplus) == ([], 3, ())
    # answered, and somebody deleted its sheet: only the second person's is asked for
    answered = audit_plan([(lot_of(lines, [1, 8, 3]), 3)], pages_of(*lines), [], per_sheet=10)
    assert (draws(answered), answered.on_sheets) == ([[8]], 0)


def test_the_limit_leaves_lines_to_the_next_run() -> None:
    lines = [line(7, letter, draw) for letter, draw in zip("abcd", (1, 3, 5, 8), strict=True)]
    plan = audit_plan([(lot_of(lines), 4)], pages_of(*lines), [], per_sheet=2, limit=3)
    assert (draws(plan), plan.left) == ([[1, 3], [5]], 2)


def test_a_line_that_no_sheet_can_show_is_named_and_waits() -> None:
    lines = [line(7, "a", 1), replace(line(7, "b", 3), size=None)]
    plan = audit_plan([(lot_of(lines), 2)], pages_of(*lines), [], per_sheet=10)
    assert (draws(plan), plan.unshown) == ([[1]], (LineKey(3, 7, "b"),))


def test_nothing_is_asked_where_no_sample_is_wanted() -> None:
    lines = [line(7, "a", 8)]
    plan = audit_plan([(lot_of(lines), 0)], pages_of(*lines), [sheet(70, lines[0])], per_sheet=10)
    assert (plan.sheets, plan.surplus) == ((), ())


@pytest.mark.parametrize(
    ("sheets", "surplus"),
    [
        pytest.param([sheet(70, line(7, "a", 1))], (), id="its line is in the lot"),
        pytest.param([sheet(70, line(7, "a", 1, "v0"))], (70,), id="of a version before"),
        pytest.param([sheet(70, line(7, "a", 1, "v0"), touched=True)], (), id="of before, touched"),
        pytest.param([sheet(70, line(9, "a", 1))], (70,), id="its page is gone"),
        pytest.param([sheet(70, line(7, "a", 1)), sheet(71, line(7, "a", 1))], (71,), id="twice"),
        pytest.param(
            [sheet(70, line(7, "b", 8)), sheet(71, line(7, "b", 8)), sheet(72, line(7, "b", 8))],
            (72,),
            id="a repeated line stands twice",
        ),
    ],
)
def test_an_untouched_sheet_goes_where_no_answer_on_it_would_count(
    sheets: list[StoredSheet], surplus: tuple[int, ...]
) -> None:
    lines = [line(7, "a", 1), line(7, "b", 8)]
    assert audit_plan([(lot_of(lines), 2)], pages_of(*lines), sheets, per_sheet=10).surplus == surplus


def test_who_works_alone_gets_no_line_twice_and_a_second_sheet_of_before_goes() -> None:
    lines = [line(7, "a", 8)]
    standing = [sheet(70, lines[0]), sheet(71, lines[0])]
    plan = audit_plan([(lot_of(lines), 1)], pages_of(*lines), standing, per_sheet=10, repeats=False)
    assert (draws(plan), plan.surplus) == ([], (71,))


def test_a_page_that_was_not_read_again_is_asked_about_no_more() -> None:
    now, before = line(7, "a", 1), line(8, "a", 3, "v0")
    pages = [*pages_of(now), replace(pages_of(before)[0], version="v0")]
    plan = audit_plan([(lot_of([now]), 1)], pages, [sheet(70, before), sheet(71, now)], per_sheet=10)
    assert (draws(plan), plan.on_sheets, plan.surplus) == ([], 1, (70,))


def test_sheets_of_doubtful_lines_and_audit_sheets_leave_each_other_alone() -> None:
    audited = line(7, "a", 1)
    doubtful = SheetLine(LineKey(3, 7, "b"), "а", "б", 0, 5, "v1", BOX)
    standing = [sheet(70, line(9, "gone", 3)), StoredSheet(71, (replace(doubtful, a="в"),), False)]
    page = PageLines(7, PageWork.NONE, 0.5, (DoubtfulLine(doubtful, (400, 200), ""),), prediction=5)

    found = top_up([page], standing, sample=())
    assert ([each.line for each in found.new], found.surplus) == ([doubtful], (71,))
    plan = audit_plan([(lot_of([audited]), 1)], pages_of(audited), standing, per_sheet=10)
    assert (draws(plan), plan.surplus) == ([[1]], (70,))

"""Which lines go onto new sheets, and which sheets nobody needs any more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend.sheets.doubtful_lines import DoubtfulLine, PageLines, PageWork
from backend.sheets.sheet_tasks import LineKey, SheetLine
from backend.sheets.topping_up import StoredSheet, top_up

BOX = ((0.0, 0.0), (100.0, 0.0), (100.0, 20.0), (0.0, 20.0))


def line(task: int, region: str = "l1", a: str = "а", b: str = "б") -> SheetLine:
    return SheetLine(LineKey(3, task, region), a, b, 0, 5, "v1", BOX)


def page(task: int, *lines: SheetLine, work: PageWork = PageWork.NONE, score: float = 0.5) -> PageLines:
    doubtful = tuple(DoubtfulLine(each, (400, 200), "") for each in lines or (line(task),))
    return PageLines(task, work, score, doubtful, prediction=5)


def sheet(task: int, *lines: SheetLine, touched: bool = False) -> StoredSheet:
    placed = tuple(replace(each, place=place) for place, each in enumerate(lines))
    return StoredSheet(task, placed, touched)


def test_new_lines_come_by_page_the_most_doubtful_first_and_those_on_sheets_stay() -> None:
    pages = [page(1, score=0.9), page(2, line(2, "l1"), line(2, "l2"), score=0.1), page(3, score=0.5)]
    found = top_up(pages, [sheet(70, line(3))], sample=())
    assert [each.line.key for each in found.new] == [
        LineKey(3, 2, "l1"),
        LineKey(3, 2, "l2"),
        LineKey(3, 1, "l1"),
    ]
    assert (found.on_sheets, found.anew, found.surplus) == (1, frozenset(), ())


def test_a_changed_line_is_asked_anew_and_one_of_the_sample_is_not() -> None:
    found = top_up([page(1), page(2)], [sheet(70, line(1, a="в"))], sample={2})
    assert [each.line.key.task for each in found.new] == [1]
    assert (found.anew, found.sampled) == ({LineKey(3, 1, "l1")}, 1)


@pytest.mark.parametrize(
    ("pages", "sheets", "surplus"),
    [
        pytest.param([page(1)], [sheet(70, line(1))], (), id="its line waits"),
        pytest.param([], [sheet(70, line(1))], (70,), id="its page is gone"),
        pytest.param([], [sheet(70, line(1), touched=True)], (), id="gone, and somebody touched it"),
        pytest.param([page(1, work=PageWork.SUBMITTED)], [sheet(70, line(1))], (70,), id="page submitted"),
        pytest.param(
            [page(1, work=PageWork.BEGUN)], [sheet(70, line(1))], (), id="page begun: it may wait yet"
        ),
        pytest.param([page(1)], [sheet(70, line(1, a="в"))], (70,), id="read anew"),
        pytest.param([page(1)], [sheet(70, line(1), line(2))], (), id="one of its lines waits"),
        pytest.param(
            [page(1)], [sheet(70, line(1)), sheet(71, line(1))], (71,), id="of two the older one stays"
        ),
        pytest.param(
            [page(1)],
            [sheet(70, line(1, a="в"), touched=True), sheet(71, line(1))],
            (),
            id="the older is stale",
        ),
        pytest.param([page(1)], [sheet(70), sheet(71, touched=True)], (70,), id="a sheet without a line"),
    ],
)
def test_a_sheet_is_surplus_where_nobody_touched_it_and_no_answer_would_count(
    pages: list[PageLines], sheets: list[StoredSheet], surplus: tuple[int, ...]
) -> None:
    assert top_up(pages, sheets, sample=()).surplus == surplus

"""Which page teaches most: the order is one that a reader can check by eye."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest
from rich.console import Console

from backend.label_studio.annotations import Json
from backend.label_studio.config_tags import LabelNames
from backend.label_studio.labeling_config import LabelingConfig
from backend.projects.next_table import reason, show
from backend.projects.next_tasks import ProjectPages
from backend.projects.teaching_order import Place, teaching_order
from backend.projects.teaching_pages import ApprovedWork, WaitingPage, waiting_page
from tests.parts.read_tasks import CONFIG, predicted, submitted
from tests.parts.scripted import CONFIG as WITHOUT_CHECK

LETTER = ("Уважаемый Иван Петрович", "Направляем Вам счёт", "С уважением")
RECEIPT = ("ИТОГО 120.00", "НАЛИЧНЫМИ 200.00", "СДАЧА 80.00")


def page(number: int, *lines: str | tuple[str, str]) -> WaitingPage:
    found = waiting_page(number, predicted(*lines)["result"], CONFIG)
    assert found is not None
    return found


def approved(*pages: Sequence[str]) -> ApprovedWork:
    work = ApprovedWork()
    for texts in pages:
        work.add({"annotations": [submitted(*texts)]}, CONFIG)
    return work


def order(pages: Sequence[WaitingPage], work: ApprovedWork | None = None, limit: int = 100) -> list[int]:
    return [place.page.task for place in teaching_order(pages, work or ApprovedWork(), limit)]


def test_a_remark_on_foreign_names_is_printed_as_it_is() -> None:
    told = io.StringIO()
    show([], ProjectPages(), ['"[/]" \x1b[31m'], Console(file=told, width=80))
    assert told.getvalue() == '"[/]" \\x1b[31m\n'


def place_of(task: int, places: Sequence[Place]) -> Place:
    return next(place for place in places if place.page.task == task)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(
            page(2, ("Счёт", "Счет"), ("Дата", "Дота"), "Сумма"),
            page(1, ("Счёт", "Счет"), "Дата", "Сумма"),
            id="more of its lines are disputed",
        ),
        pytest.param(
            page(2, ("Счёт", "Снбш"), "Дата", "Сумма"),
            page(1, ("Счёт", "Счет"), "Дата", "Сумма"),
            id="its readings are less alike",
        ),
        pytest.param(
            page(2, *[("Счёт", "Счет")] * 12, *["Сумма"] * 18),
            page(1, ("Счёт", "Счет"), "Сумма"),
            id="12 of 30 lines before 1 of 2",
        ),
        pytest.param(
            page(2, "Счёт ґ", "Дата", "Сумма"), page(1, "Счёт", "Дата", "Сумма"), id="a letter that is rare"
        ),
    ],
)
def test_of_two_pages_the_one_that_teaches_more_comes_first(first: WaitingPage, second: WaitingPage) -> None:
    assert order([second, first]) == [2, 1]
    assert order([first, second]) == [2, 1]


def test_a_page_like_one_that_was_chosen_waits_until_the_other_kind_was_seen() -> None:
    receipts = [page(number, ("Магазин 24", "Магазин 2A"), *RECEIPT) for number in (1, 2, 3)]
    letter = page(9, ("Магазин 24", "Магазин 2A"), *LETTER)

    assert order([*receipts, letter])[:2] in ([1, 9], [9, 1])


def test_what_people_approved_makes_its_letters_and_its_kind_of_page_worth_less() -> None:
    receipt = page(1, ("Магазин 24", "Магазин 2A"), *RECEIPT)
    letter = page(2, ("Магазин 24", "Магазин 2A"), *LETTER)

    assert order([receipt, letter], approved(*[RECEIPT] * 10))[0] == 2
    assert order([receipt, letter], approved(*[LETTER] * 10))[0] == 1


def test_beyond_the_limit_pages_follow_by_their_share_of_agreed_lines() -> None:
    pages = [
        page(1, "Дата", "Сумма"),
        page(2, ("Дата", "Дота"), "Сумма"),
        page(3, *[("Дата", "Дота")] * 8, *["Сумма"] * 2),
        page(4, ("Дата", "Дота"), "Сумма", "Счёт"),
    ]

    places = teaching_order(pages, ApprovedWork(), 1)

    assert [place.page.task for place in places] == [3, 2, 4, 1]
    assert [place.value is None for place in places] == [False, True, True, True]


def test_equal_pages_stand_in_the_order_of_their_numbers_however_they_come() -> None:
    pages = [page(number, "Дата") for number in (5, 3, 4)]

    assert order(pages) == order(pages[::-1]) == [3, 4, 5]


def test_a_page_that_nobody_could_read_is_not_unlike_all_others() -> None:
    assert order([page(1, ("", " ")), page(2, ("Счёт", "Снбш"))]) == [2, 1]


def test_no_page_is_no_order() -> None:
    assert teaching_order([], approved(LETTER), 10) == []


def test_the_reason_names_disputes_rare_letters_and_pages_unlike_the_others() -> None:
    pages = [
        page(1, *[("Счёт", "Счет")] * 12, *["Сумма по счёту"] * 18),
        page(2, "Ґ алогит мода"),
        *[page(number, *RECEIPT) for number in range(3, 9)],
    ]

    places = teaching_order(pages, approved(*[("Сумма по счёту",)] * 20), 100)

    assert reason(place_of(1, places)).startswith("12 of 30 lines disputed")
    said = reason(place_of(2, places))
    assert said.startswith("every line agreed; rare so far: Ґ ")
    assert said.endswith("; unlike all pages before it")
    assert reason(places[-1]) == "every line agreed"


def test_a_letter_that_one_reader_alone_saw_counts_half() -> None:
    seen_by_one = page(1, ("ґанок", "ганок"), "ганок", "ганок")
    seen_by_both = page(2, ("ганок", "канок"), "ґанок", "ганок")

    assert (seen_by_one.lone, seen_by_both.lone) == ({"ґ"}, set())
    assert order([seen_by_one, seen_by_both]) == [2, 1]


def test_a_letter_is_less_rare_once_a_page_with_it_was_chosen() -> None:
    # too short to be compared with one another
    assert order([page(1, "ґ"), page(2, "ґ"), page(3, "ђ")]) == [1, 3, 2]


@pytest.mark.parametrize(
    ("config", "result", "expected"),
    [
        pytest.param(CONFIG, predicted("a", ("b", "c"))["result"], (2, 1), id="twinread's readings"),
        pytest.param(
            CONFIG,
            [{**part, "meta": {}} for part in predicted("a", ("b", "c"))["result"]],
            (2, 1),
            id="without them, the label",
        ),
        pytest.param(
            LabelingConfig.parse(WITHOUT_CHECK, LabelNames()),
            predicted("a", ("b", "c"))["result"],
            (2, 1),
            id="a config without a label for doubt",
        ),
        pytest.param(CONFIG, predicted(("", "c"))["result"], (1, 1), id="no text"),
        pytest.param(CONFIG, [], None, id="no line"),
    ],
)
def test_lines_are_counted_as_the_backend_counted_them(
    config: LabelingConfig, result: Json, expected: tuple[int, int] | None
) -> None:
    found = waiting_page(1, result, config)

    assert (found and (found.lines, found.disputed)) == expected
    if found and config is CONFIG:
        assert found.agreed_share == (found.lines - found.disputed) / found.lines


def test_the_share_of_agreed_lines_is_the_score_that_the_backend_stores() -> None:
    made = predicted("a", "b", ("c", "d"), ("", "e"), "f", "g", "h")
    found = waiting_page(1, made["result"], CONFIG)

    assert found is not None
    assert found.agreed_share == made["score"] == 5 / 7

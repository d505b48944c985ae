"""The lots of a project, and what people typed blind of their lines."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend.guarantee.draws import draw_number
from backend.guarantee.lots import LotKey
from backend.sheets.audits import Repeats, audit_answers, audited_lots, current_lots
from tests.parts.audit_answers import RULES, audit_sheet, by_line, page_of, typed
from tests.parts.read_tasks import VERSION, predicted, submitted, task

NEWER = VERSION.replace("1f3a9c07", "00000002")


def test_a_lot_is_every_agreed_line_of_a_language_and_version_whatever_people_did_with_the_page() -> None:
    pages = [
        page_of(task(8, "Итог", ("Сумма", "Сума"))),
        page_of(task(7, "Дата", annotations=[submitted("Дата")])),
        page_of(task(9, "cat", data={"image": "/b.png", "language": "en"})),
        page_of({"id": 10, "predictions": [{"id": 5, **predicted("Лес", version=NEWER)}]}),
    ]
    lots = audited_lots(pages, {}, 3, RULES)

    assert [(each.lot.key, [line.page for line in each.lot.lines], each.lot.read) for each in lots] == [
        (LotKey(3, "ru", NEWER), [10], 1),
        (LotKey(3, "en", VERSION), [9], 1),
        (LotKey(3, "ru", VERSION), [7, 8], 3),
    ]
    first = lots[2].lot.lines[0]
    assert (first.score, first.right) == (0.9, None)
    assert first.draw == draw_number(3, 7, first.region, VERSION)
    assert [each.lot.key.language for each in current_lots(lots, VERSION)] == ["en", "ru"]
    assert current_lots(lots, "a backend that is asked for each page") == lots


@pytest.mark.parametrize(
    ("agreed", "said", "right"),
    [
        pytest.param("Счёт 12", "Счёт 12", True, id="the same"),
        pytest.param("Счёт 12", "Счет 12", False, id="another letter"),
        pytest.param("Счёт №7", "Счёт № 7", True, id="by the house rule"),
        pytest.param("да – нет", "да — нет", True, id="another dash"),
        pytest.param("Сумма", "Cумма", True, id="a Latin C among Cyrillic letters"),
        pytest.param("Сумма", "сумма", False, id="another case"),
        pytest.param("Сумма", "illegible", False, id="illegible"),
        pytest.param("Сумма", "not_text", False, id="no text"),
    ],
)
def test_a_line_is_right_where_a_person_typed_the_same_by_the_keys_of_verdicts(
    agreed: str, said: str, right: bool
) -> None:
    page = page_of(task(7, agreed))
    (lot,) = audited_lots([page], by_line(typed(page.lines[0], said)), 3, RULES)
    assert [line.right for line in lot.lot.lines] == [right]
    assert [(each.line.text, each.counted.text) for each in lot.wrong] == (
        [] if right else [(agreed, "" if said in ("illegible", "not_text") else said)]
    )


def test_the_first_answer_counts_and_the_one_of_another_person_is_compared() -> None:
    page = page_of(task(7, "Итог", "Дата", "Лес"))
    first, second, third = page.lines
    answers = by_line(
        typed(first, "Итог", number=1),
        typed(first, "Итог.", number=9, sheet=72, user="5"),
        typed(second, "Дата", number=2),
        typed(second, "Дата", number=8, sheet=72, user="5"),
        # the same person, once more
        typed(third, "Лес", number=3),
        typed(third, "лес", number=4, sheet=73),
    )
    (lot,) = audited_lots([page], answers, 3, RULES)
    assert [line.right for line in lot.lot.lines] == [True, True, True]
    assert lot.repeats == Repeats(seen=2, same=1)
    assert lot.wrong == ()


def test_answers_about_another_version_or_another_place_or_with_readings_count_for_nothing() -> None:
    page = page_of(task(7, "Итог"))
    (line,) = page.lines
    answer = typed(line, "Итог")
    for other in (
        replace(answer.line, model_version=NEWER),
        replace(answer.line, quad=((10, 200), (300, 200), (300, 220), (10, 220))),
        replace(answer.line, a="Итог"),
        # a doubtful line of before, of which nobody had read a text
        replace(answer.line, audit=False),
    ):
        given = by_line(replace(answer, line=other))
        (lot,) = audited_lots([page], given, 3, RULES)
        assert [each.right for each in lot.lot.lines] == [None]
    # read again by the same version with another text: what the person saw is the same picture
    again = page_of(task(7, "Ипог"))
    (lot,) = audited_lots([again], by_line(answer), 3, RULES)
    assert [(each.line.text, each.counted.text) for each in lot.wrong] == [("Ипог", "Итог")]


def test_answers_are_taken_from_audit_lines_of_the_project_alone() -> None:
    (line,) = page_of(task(7, "Итог")).lines
    sheet = audit_sheet(71, [line])
    answered = [
        {"id": 1, "result": [
            {"from_name": "verdict_0", "type": "choices", "value": {"choices": ["typed"]}},
            {"from_name": "typed_0", "type": "textarea", "value": {"text": ["Итог"]}},
        ]}
    ]  # fmt: skip
    assert list(audit_answers([{**sheet, "annotations": answered}], 3)) == [line.line.key]
    assert audit_answers([{**sheet, "annotations": answered}], 4) == {}
    del sheet["data"]["lines"][0]["audit"]
    assert audit_answers([{**sheet, "annotations": answered}], 3) == {}

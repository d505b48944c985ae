"""What people typed blind goes to the pages: it holds none up, and nothing of it is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from backend.label_studio.region_notes import accepted_in, decided_in
from backend.label_studio.regions import regions
from backend.sheets.accepting import agreed_page
from backend.sheets.decided_pages import NewAnnotation
from backend.sheets.decisions import Decision, LineVerdict
from backend.sheets.doubtful_lines import page_lines
from backend.sheets.made_annotations import Looked, Made, looked_at, made_in
from backend.sheets.page_outcomes import LineState, PageContext, PageOutcome, PageState
from backend.sheets.page_rule import page_outcome
from tests.parts.audit_answers import RULES, page_of, typed
from tests.parts.read_tasks import CONFIG, VERSION, submitted, task

CONTEXT = PageContext(3, CONFIG, VERSION, RULES, people=1, sheets=frozenset({71, 72}))
LEAD = 1


def agreed() -> dict[str, Any]:
    return task(7, "Итог", "да – нет")


def mixed() -> dict[str, Any]:
    return task(7, ("Сумма", "Сума"), "Итог", "Дата")


def decided(page: dict[str, Any], verdict: LineVerdict = LineVerdict.FIRST) -> Decision:
    """An answer about the page's doubtful line."""
    (each,) = page_lines(page, 3, CONFIG, VERSION, RULES).doubtful
    text = each.line.a if verdict is LineVerdict.FIRST else each.line.b
    at = typed(page_of(page).lines[0], "x").at
    return Decision(each.line, verdict, text, "5", sheet=72, annotation=30, at=at, seconds=4.0)


def after(page: dict[str, Any], new: NewAnnotation, number: int = 50) -> dict[str, Any]:
    """The page with an annotation that was made of it, as Label Studio has it."""
    stored = {
        "id": number,
        "was_cancelled": False,
        "result": new.result,
        "lead_time": new.lead_time,
        "parent_prediction": new.parent_prediction,
        "completed_by": new.completed_by,
        "updated_at": "2026-11-27T09:30:00Z",
    }
    return {**page, "annotations": [stored]}


def made(outcome: PageOutcome) -> NewAnnotation:
    assert outcome.annotation is not None
    return outcome.annotation


def said(result: Sequence[object], why: Made) -> list[tuple[str, str, Looked]]:
    """Label, text and who looked, of each line from top to bottom."""
    found = sorted(regions(list(result)), key=lambda region: region.id)
    return [(" ".join(each.labels), " ".join(each.texts), looked_at(each, why)) for each in found]


def accepted(page: dict[str, Any], *answers: Decision) -> dict[str, Any]:
    return after(page, made(agreed_page(page, CONTEXT, frozenset(), LEAD, answers)))


def test_a_page_is_completed_by_its_doubtful_lines_alone_and_what_was_typed_comes_along() -> None:
    page = mixed()
    first, second = page_of(page).lines
    alone = page_outcome(page, [decided(page)], CONTEXT)
    assert (alone.state, alone.unseen, alone.audited) == (PageState.COMPLETED, 2, 0)

    both = page_outcome(page, [decided(page), typed(second, "Даты")], CONTEXT)
    assert (both.state, both.unseen, both.audited) == (PageState.COMPLETED, 1, 1)
    assert [each.state for each in both.lines] == [LineState.DECIDED]
    assert said(made(both).result, Made.SHEETS) == [
        ("Text", "Сумма", Looked.SHEET),
        ("Text", "Итог", Looked.NOBODY),
        ("Text", "Даты", Looked.SHEET),
    ]
    # in the name, and by the time, of who decided what was in doubt
    assert (made(both).completed_by, made(both).lead_time) == (5, 4.0)

    waits = page_outcome(page, [typed(first, "Итоги")], CONTEXT)
    assert (waits.state, waits.annotation, waits.audited) == (PageState.WAITING, None, 1)


def test_a_text_typed_later_changes_the_page_and_a_second_look_finds_nothing_to_do() -> None:
    page = mixed()
    first, second = page_of(page).lines
    done = after(page, made(page_outcome(page, [decided(page)], CONTEXT)))
    answers = [decided(page), typed(first, "illegible"), typed(second, "Дата", number=2)]
    changed = page_outcome(done, answers, CONTEXT)
    assert (changed.state, changed.existing, changed.unseen) == (PageState.CHANGED, 50, 0)
    assert said(made(changed).result, Made.SHEETS) == [
        ("Text", "Сумма", Looked.SHEET),
        ("Illegible", "", Looked.SHEET),
        ("Text", "Дата", Looked.SHEET),
    ]
    now = after(page, made(changed))
    assert made_in(now["annotations"][0]) is Made.SHEETS
    assert page_outcome(now, answers, CONTEXT).state is PageState.DONE


def test_an_agreed_page_waits_for_the_lead_and_then_says_who_looked() -> None:
    page = agreed()
    first, second = page_of(page).lines
    answers = [typed(first, "Итоги"), typed(second, "да — нет", number=2)]
    waits = page_outcome(page, answers, CONTEXT)
    assert (waits.state, waits.annotation, waits.audited) == (PageState.AUDITED, None, 2)

    outcome = agreed_page(page, CONTEXT, frozenset(), LEAD, answers)
    assert (outcome.state, outcome.unseen, outcome.audited) == (PageState.ACCEPTED, 0, 2)
    # another dash is no other text: the house style stays
    assert said(made(outcome).result, Made.ACCEPTED) == [
        ("Text", "Итоги", Looked.SHEET),
        ("Text", "да – нет", Looked.SHEET),
    ]
    now = after(page, made(outcome))
    assert made_in(now["annotations"][0]) is Made.ACCEPTED
    assert page_outcome(now, answers, CONTEXT).state is PageState.DONE
    assert agreed_page(now, CONTEXT, frozenset(), LEAD, answers).audited == 2


def test_a_page_that_was_accepted_unseen_follows_what_is_typed_later_and_what_is_withdrawn() -> None:
    page = agreed()
    first, _ = page_of(page).lines
    before = accepted(page)
    outcome = page_outcome(before, [typed(first, "Итоги")], CONTEXT)
    assert (outcome.state, outcome.unseen, outcome.audited) == (PageState.CHANGED, 1, 1)
    result = made(outcome).result
    assert said(result, Made.ACCEPTED) == [
        ("Text", "Итоги", Looked.SHEET),
        ("Text", "да – нет", Looked.NOBODY),
    ]
    assert [accepted_in(each) for each in regions(result)] == [None, str(LEAD)]
    now = after(page, made(outcome))

    withdrawn = page_outcome(now, [], CONTEXT)
    assert withdrawn.state is PageState.CHANGED
    assert made(withdrawn).result == before["annotations"][0]["result"]
    # a sheet that was deleted takes nothing back
    gone = page_outcome(now, [], replace(CONTEXT, sheets=frozenset()))
    assert gone.state is PageState.DONE


def test_what_is_no_text_is_none_on_the_page() -> None:
    page = agreed()
    first, _ = page_of(page).lines
    outcome = agreed_page(page, CONTEXT, frozenset(), LEAD, [typed(first, "not_text")])
    assert said(made(outcome).result, Made.ACCEPTED)[0] == ("Not text", "", Looked.SHEET)


def test_a_persons_own_page_wins() -> None:
    page = {**agreed(), "annotations": [submitted("Итог", "да – нет")]}
    first, _ = page_of(page).lines
    outcome = page_outcome(page, [typed(first, "Итоги")], CONTEXT)
    assert (outcome.state, outcome.annotation) == (PageState.REVIEWED, None)


def test_an_answer_about_a_line_whose_readings_differ_by_now_is_named_and_blocks_nothing() -> None:
    (line, _) = page_of(task(7, "Сумма", "Дата")).lines
    page = task(7, ("Сумма", "Сума"), "Дата")
    outcome = page_outcome(page, [decided(page), typed(line, "Сумма")], CONTEXT)
    assert [each.state for each in outcome.lines] == [LineState.DECIDED, LineState.STALE]
    assert (outcome.state, outcome.audited) == (PageState.COMPLETED, 0)


def test_a_text_typed_for_a_version_before_goes_to_the_page_unless_it_was_typed_anew() -> None:
    page = task(7, "Итог")
    (line,) = page_of(page).lines
    old = typed(line, "Итоги", number=1)
    old = replace(old, line=replace(old.line, model_version="of before"))
    found = agreed_page(page, CONTEXT, frozenset(), LEAD, [old])
    assert said(made(found).result, Made.ACCEPTED) == [("Text", "Итоги", Looked.SHEET)]
    both = agreed_page(page, CONTEXT, frozenset(), LEAD, [old, typed(line, "Итог", number=2)])
    assert said(made(both).result, Made.ACCEPTED) == [("Text", "Итог", Looked.SHEET)]


def test_a_page_of_which_sheets_were_deleted_still_gets_what_is_typed() -> None:
    page = mixed()
    first, _ = page_of(page).lines
    done = after(page, made(page_outcome(page, [decided(page)], CONTEXT)))
    only_audit = replace(CONTEXT, sheets=frozenset({71}))
    outcome = page_outcome(done, [typed(first, "Итоги")], only_audit)
    assert outcome.state is PageState.CHANGED
    assert [text for _, text, _ in said(made(outcome).result, Made.SHEETS)] == ["Сумма", "Итоги", "Дата"]
    now = after(page, replace(made(outcome), completed_by=5))
    assert made_in(now["annotations"][0]) is Made.SHEETS
    assert page_outcome(now, [typed(first, "Итоги")], only_audit).state is PageState.DONE
    (note,) = [
        note
        for each in regions(now["annotations"][0]["result"])
        if (note := decided_in(each)) and note.sheet == 72
    ]
    assert note.by == "5"

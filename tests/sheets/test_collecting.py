"""Decisions flow back to pages in a real Label Studio: nothing lost, nothing twice, nobody's work touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backend.label_studio.client import LabelStudio
from backend.label_studio.regions import regions
from backend.sheets.collecting import SheetProblem, collect
from backend.sheets.made_annotations import Made, made_in
from backend.sheets.page_outcomes import LineState, PageState
from converters.reviewed.line_rules import review
from converters.reviewed.reasons import LeftOutReason
from tests.parts.answered_sheets import SIZE, SheetProjects, another_user, sheet_result
from tests.parts.label_studio import LABEL_STUDIO, RunningLabelStudio
from tests.parts.reviewed_work import RULES, Work

pytestmark = LABEL_STUDIO

ROOT = Path(__file__).resolve().parents[2]
PAGE = [Work(["cat", "cot"]), Work(["Total", "Total"]), Work(["12", "l2"])]


@pytest.fixture(scope="module")
def api(label_studio: RunningLabelStudio) -> LabelStudio:
    return label_studio.api()


def projects(api: LabelStudio, *pages: list[Work], people: int = 1) -> SheetProjects:
    return SheetProjects.made(api, pages or (PAGE,), people)


def submit_page(made: SheetProjects, task: int, **fields: Any) -> int:
    """Somebody submits a page, as Submit does: all that was predicted, with an origin."""
    predicted = made.api.task(task)["predictions"][0]
    result = [{**part, "origin": "prediction"} for part in predicted["result"]]
    return int(made.api.create_annotation(task, result, parent_prediction=predicted["id"], **fields)["id"])


def texts(annotation: dict[str, Any]) -> list[tuple[str, str]]:
    """Label and text of each line, from top to bottom."""
    found = sorted(regions(annotation["result"]), key=lambda region: region.id)
    return [(" ".join(region.labels), " ".join(region.texts)) for region in found]


def test_a_page_whose_lines_are_all_decided_is_approved_in_the_name_of_who_decided(api: LabelStudio) -> None:
    made = projects(api)
    (task,) = made.tasks
    user = another_user(api)
    made.answer(made.sheet(*made.doubtful(task)), "B", ("typed", "72"), user=user, seconds=9.0)
    found = made.collect()
    assert (found.writes.made, found.pages, found.lines) == (
        1, Counter({PageState.COMPLETED: 1}), Counter({LineState.DECIDED: 2}),
    )  # fmt: skip
    (annotation,) = made.annotations(task)
    assert texts(annotation) == [("Text", "cot"), ("Text", "Total"), ("Text", "72")]
    assert annotation["completed_by"]["id"] == user
    assert annotation["lead_time"] == 9.0
    assert annotation["parent_prediction"] == api.task(task)["predictions"][0]["id"]
    # all three are what the export takes as approved
    lines = review(annotation, RULES, page_size=SIZE)
    assert sorted(line.written.text for line in lines if line.why is None) == ["72", "Total", "cot"]


def test_illegible_lines_and_what_is_no_text_are_as_page_review_leaves_them(api: LabelStudio) -> None:
    made = projects(api)
    (task,) = made.tasks
    made.answer(made.sheet(*made.doubtful(task)), "illegible", "not_text")
    made.collect()
    (annotation,) = made.annotations(task)
    assert texts(annotation) == [("Illegible", ""), ("Text", "Total"), ("Not text", "")]
    reasons = {line.region.id[:4]: line.why for line in review(annotation, RULES, page_size=SIZE)}
    assert reasons == {"l001": LeftOutReason.ILLEGIBLE, "l002": None, "l003": LeftOutReason.NOT_TEXT}


def test_twice_is_once(api: LabelStudio) -> None:
    made = projects(api)
    (task,) = made.tasks
    made.answer(made.sheet(*made.doubtful(task)), "A", "A")
    made.collect()
    before = made.annotations(task)
    again = made.collect()
    assert made.annotations(task) == before
    assert (again.writes.made, again.writes.changed, again.writes.removed) == (0, 0, 0)
    assert again.pages == Counter({PageState.DONE: 1})


def test_a_page_waits_for_its_last_line(api: LabelStudio) -> None:
    made = projects(api)
    (task,) = made.tasks
    first, second = made.doubtful(task)
    made.answer(made.sheet(first), "A")
    other = made.sheet(second)
    found = made.collect()
    assert (found.writes.made, found.lines) == (0, Counter({LineState.DECIDED: 1, LineState.WAITING: 1}))
    assert made.annotations(task) == []
    made.answer(other, "A")
    assert made.collect().writes.made == 1


def test_a_skipped_sheet_counts_for_nothing(api: LabelStudio) -> None:
    made = projects(api)
    (task,) = made.tasks
    sheet = made.sheet(*made.doubtful(task))
    api.create_annotation(sheet, sheet_result(["A", "A"]), was_cancelled=True)
    found = made.collect()
    assert (found.answers, made.annotations(task)) == (0, [])


def test_people_who_disagree_are_listed_and_their_line_stays_undecided(api: LabelStudio) -> None:
    made = projects(api, people=2)
    (task,) = made.tasks
    one, two = another_user(api), another_user(api)
    sheet = made.sheet(*made.doubtful(task))
    made.answer(sheet, "A", "A", user=one)
    assert made.collect().lines == Counter({LineState.WAITING: 2})
    second = made.answer(sheet, "B", "A", user=two)
    found = made.collect()
    assert found.lines == Counter({LineState.DISAGREEING: 1, LineState.DECIDED: 1})
    assert [(each.user, each.text, each.sheet) for each in found.disagreeing[0].answers] == [
        (str(one), "cat", sheet),
        (str(two), "cot", sheet),
    ]
    assert made.annotations(task) == []
    # the second one thinks again
    api.update_annotation(second, sheet_result(["A", "A"]))
    assert made.collect().writes.made == 1
    assert made.annotations(task)[0]["completed_by"]["id"] == one


def test_a_changed_answer_changes_the_annotation_while_nobody_touched_it(api: LabelStudio) -> None:
    made = projects(api)
    (task,) = made.tasks
    answered = made.answer(made.sheet(*made.doubtful(task)), "A", "A")
    made.collect()
    (before,) = made.annotations(task)
    api.update_annotation(answered, sheet_result(["B", "A"]))
    assert made.collect().writes.changed == 1
    (after,) = made.annotations(task)
    assert (after["id"], texts(after)[0]) == (before["id"], ("Text", "cot"))
    assert made_in(after) is Made.SHEETS


def test_an_annotation_that_somebody_touched_is_left_alone(api: LabelStudio) -> None:
    made = projects(api)
    (task,) = made.tasks
    answered = made.answer(made.sheet(*made.doubtful(task)), "A", "A")
    made.collect()
    (annotation,) = made.annotations(task)
    result = [{**part, "origin": "prediction"} for part in annotation["result"]]
    api.update_annotation(annotation["id"], result, lead_time=20.0)
    touched = made.annotations(task)
    api.update_annotation(answered, sheet_result(["B", "A"]))
    found = made.collect()
    assert (found.writes.changed, found.pages) == (0, Counter({PageState.REVIEWED: 1}))
    assert made.annotations(task) == touched


def test_a_page_that_somebody_submitted_wins(api: LabelStudio) -> None:
    made = projects(api)
    (task,) = made.tasks
    made.answer(made.sheet(*made.doubtful(task)), "A", "A")
    submitted = submit_page(made, task)
    assert made.collect().pages == Counter({PageState.REVIEWED: 1})
    assert [each["id"] for each in made.annotations(task)] == [submitted]


def test_a_page_that_somebody_skipped_is_left_and_listed(api: LabelStudio) -> None:
    made = projects(api)
    (task,) = made.tasks
    made.answer(made.sheet(*made.doubtful(task)), "A", "A")
    skipped = submit_page(made, task, was_cancelled=True)
    found = made.collect()
    assert [(each.task, each.state) for each in found.left] == [(task, PageState.SKIPPED)]
    assert [each["id"] for each in made.annotations(task)] == [skipped]


def test_a_page_with_somebodys_draft_is_left_and_listed(api: LabelStudio) -> None:
    made = projects(api)
    (task,) = made.tasks
    made.answer(made.sheet(*made.doubtful(task)), "A", "A")
    draft = {"result": api.task(task)["predictions"][0]["result"], "lead_time": 3}
    api.call("POST", f"/api/tasks/{task}/drafts", "keep a draft", body=draft)
    found = made.collect()
    assert [(each.task, each.state) for each in found.left] == [(task, PageState.BEGUN)]
    assert made.annotations(task) == []
    assert len(api.task(task)["drafts"]) == 1


def test_a_page_that_was_read_anew_drops_answers_about_other_readings(api: LabelStudio) -> None:
    made = projects(api)
    (task,) = made.tasks
    made.answer(made.sheet(*made.doubtful(task)), "A", "A")
    made.predict_anew(task, [PAGE[0], PAGE[1], Work(["12", "1Z"])])
    found = made.collect()
    assert found.lines == Counter({LineState.DECIDED: 1, LineState.STALE: 1})
    assert [each.answers[0].text for each in found.stale] == ["12"]
    assert made.annotations(task) == []
    # the line is asked anew, and answered
    anew = made.doubtful(task)[1]
    assert (anew.a, anew.b) == ("12", "1Z")
    made.answer(made.sheet(anew), "B")
    assert made.collect().lines == Counter({LineState.DECIDED: 2})
    (annotation,) = made.annotations(task)
    assert texts(annotation)[2] == ("Text", "1Z")
    assert annotation["parent_prediction"] == anew.prediction


def test_a_page_that_was_read_anew_with_the_same_readings_keeps_its_answers(api: LabelStudio) -> None:
    made = projects(api)
    (task,) = made.tasks
    made.answer(made.sheet(*made.doubtful(task)), "A", "A")
    made.predict_anew(task, PAGE)
    assert made.collect().writes.made == 1


def test_a_page_that_was_completed_stays_so_when_it_is_read_anew(api: LabelStudio) -> None:
    made = projects(api)
    (task,) = made.tasks
    made.answer(made.sheet(*made.doubtful(task)), "A", "A")
    made.collect()
    before = made.annotations(task)
    made.predict_anew(task, [Work(["x", "y"]), PAGE[1], Work(["12", "1Z"])])
    assert made.collect().pages == Counter({PageState.DONE: 1})
    assert made.annotations(task) == before


def test_a_deleted_page_is_told_and_the_others_go_on(api: LabelStudio) -> None:
    made = projects(api, PAGE, PAGE)
    gone, stays = made.tasks
    for task in made.tasks:
        made.answer(made.sheet(*made.doubtful(task)), "A", "A")
    api.delete_task(gone)
    found = made.collect()
    assert (found.gone, found.writes.made) == ([gone], 1)
    assert len(made.annotations(stays)) == 1


def test_a_sheet_that_was_deleted_takes_nothing_back(api: LabelStudio) -> None:
    made = projects(api)
    (task,) = made.tasks
    first, second = made.doubtful(task)
    one, two = made.sheet(first), made.sheet(second)
    made.answer(one, "A")
    made.answer(two, "A")
    made.collect()
    before = made.annotations(task)
    api.delete_task(one)
    assert made.collect().pages == Counter({PageState.DONE: 1})
    assert made.annotations(task) == before


def test_people_who_disagree_later_take_the_page_back(api: LabelStudio) -> None:
    made = projects(api)
    (task,) = made.tasks
    sheet = made.sheet(*made.doubtful(task))
    made.answer(sheet, "A", "A")
    made.collect()
    made.answer(sheet, "B", "A", user=another_user(api))
    found = made.collect()
    assert (found.writes.removed, found.pages) == (1, Counter({PageState.TAKEN_BACK: 1}))
    assert made.annotations(task) == []
    assert made.collect().lines == Counter({LineState.DISAGREEING: 1, LineState.DECIDED: 1})


def test_answers_that_were_all_withdrawn_take_the_page_back(api: LabelStudio) -> None:
    made = projects(api)
    (task,) = made.tasks
    sheet = made.sheet(*made.doubtful(task))
    answered = made.answer(sheet, "A", "A")
    made.collect()
    api.delete_annotation(answered)
    assert made.collect().pages == Counter({PageState.TAKEN_BACK: 1})
    assert made.annotations(task) == []
    assert made.collect().pages == Counter()


def test_a_page_whose_only_sheet_was_deleted_stays_approved(api: LabelStudio) -> None:
    made = projects(api)
    (task,) = made.tasks
    sheet = made.sheet(*made.doubtful(task))
    made.answer(sheet, "A", "A")
    made.collect()
    api.delete_task(sheet)
    assert made.collect().pages == Counter({PageState.DONE: 1})
    assert len(made.annotations(task)) == 1


def test_to_ask_more_people_later_takes_no_page_back(api: LabelStudio) -> None:
    made = projects(api)
    (task,) = made.tasks
    made.answer(made.sheet(*made.doubtful(task)), "A", "A")
    made.collect()
    made.people = 2
    assert made.collect().pages == Counter({PageState.DONE: 1})
    assert len(made.annotations(task)) == 1


def test_a_renamed_label_is_written_as_the_project_has_it(api: LabelStudio) -> None:
    made = projects(api)
    (task,) = made.tasks
    made.answer(made.sheet(*made.doubtful(task)), "A", "illegible")
    labels = replace(made.context.config.control.labels, text="Line", illegible="Unreadable")
    control = replace(made.context.config.control, labels=labels)
    config = replace(made.context.config, controls=(control,))
    collect(api, made.sheets, replace(made.context, config=config))
    (annotation,) = made.annotations(task)
    assert texts(annotation) == [("Line", "cat"), ("Text", "Total"), ("Unreadable", "")]


def test_a_label_for_doubt_that_was_renamed_decides_nothing_in_silence(api: LabelStudio) -> None:
    made = projects(api)
    (task,) = made.tasks
    made.answer(made.sheet(*made.doubtful(task)), "A", "A")
    labels = replace(made.context.config.control.labels, check="Doubt")
    config = replace(made.context.config, controls=(replace(made.context.config.control, labels=labels),))
    found = collect(api, made.sheets, replace(made.context, config=config))
    assert (found.writes.made, found.lines) == (0, Counter({LineState.STALE: 2}))
    assert found.pages == Counter({PageState.NOTHING_DOUBTFUL: 1})


def test_a_sheet_that_somebody_broke_is_named_and_the_others_go_on(api: LabelStudio) -> None:
    made = projects(api, PAGE, PAGE)
    broken, whole = (made.sheet(*made.doubtful(task)) for task in made.tasks)
    for sheet in (broken, whole):
        made.answer(sheet, "A", "A")
    data = api.task(broken)["data"]
    data["lines"][1]["page"] = "x"
    api.call("PATCH", f"/api/tasks/{broken}/", "break a sheet", body={"data": data})
    found = made.collect()
    assert found.problems == [SheetProblem(broken, "line 2 cannot be read")]
    assert found.writes.made == 1
    assert len(made.annotations(made.tasks[1])) == 1


def test_lines_of_another_project_are_named_and_not_written_anywhere(api: LabelStudio) -> None:
    made, other = projects(api), projects(api)
    foreign = other.doubtful(other.tasks[0])
    sheet = made.sheet(*foreign)
    made.answer(sheet, "A", "A")
    found = made.collect()
    assert found.problems == [SheetProblem(sheet, f"it has lines of another project ({other.pages})")]
    assert other.annotations(other.tasks[0]) == []


def test_two_collects_at_once_leave_one_annotation_a_page(api: LabelStudio) -> None:
    made = projects(api, *[PAGE] * 8)
    for task in made.tasks:
        made.answer(made.sheet(*made.doubtful(task)), "A", "A")
    threads = [threading.Thread(target=made.collect) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made.collect()
    assert [len(made.annotations(task)) for task in made.tasks] == [1] * 8


def test_what_two_runs_made_of_one_page_becomes_one(api: LabelStudio) -> None:
    made = projects(api)
    (task,) = made.tasks
    made.answer(made.sheet(*made.doubtful(task)), "A", "A")
    made.collect()
    (first,) = made.annotations(task)
    api.create_annotation(
        task, first["result"], lead_time=first["lead_time"], parent_prediction=first["parent_prediction"]
    )
    assert made.collect().writes.removed == 1
    assert [each["id"] for each in made.annotations(task)] == [first["id"]]


def test_an_annotation_that_was_made_after_a_person_submitted_gives_way(api: LabelStudio) -> None:
    made = projects(api)
    (task,) = made.tasks
    made.answer(made.sheet(*made.doubtful(task)), "A", "A")
    made.collect()
    (ours,) = made.annotations(task)
    api.delete_annotation(ours["id"])
    person = submit_page(made, task)
    # a run that was killed before it saw the person's
    api.create_annotation(
        task, ours["result"], lead_time=ours["lead_time"], parent_prediction=ours["parent_prediction"]
    )
    found = made.collect()
    assert (found.writes.removed, found.pages) == (1, Counter({PageState.REVIEWED: 1}))
    assert [each["id"] for each in made.annotations(task)] == [person]


def test_a_second_opinion_that_a_person_gives_later_takes_nothing_away(api: LabelStudio) -> None:
    made = projects(api)
    (task,) = made.tasks
    made.answer(made.sheet(*made.doubtful(task)), "A", "A")
    made.collect()
    submit_page(made, task)
    before = made.annotations(task)
    assert made.collect().writes.removed == 0
    assert made.annotations(task) == before
    assert len(before) == 2


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_killed_run_is_ended_by_the_next_one(
    label_studio: RunningLabelStudio, api: LabelStudio, at: int, when: str
) -> None:
    made = projects(api, PAGE, PAGE, PAGE)
    for task in made.tasks:
        made.answer(made.sheet(*made.doubtful(task)), "A", "B")
    token = label_studio.personal_token.get_secret_value()
    command = [sys.executable, "-m", "tests.sheets.killed_in_collect", api.base_url]
    ended = subprocess.run(
        [*command, *map(str, (made.pages, made.sheets, at, when))],
        env={**os.environ, "LABEL_STUDIO_API_KEY": token},
        cwd=ROOT,
        check=False,
        timeout=120,
    )
    assert ended.returncode == -signal.SIGKILL
    made.collect()
    assert [texts(each)[0::2] for task in made.tasks for each in made.annotations(task)] == [
        [("Text", "cat"), ("Text", "l2")]
    ] * 3


def test_a_killed_change_is_made_by_the_next_run(label_studio: RunningLabelStudio, api: LabelStudio) -> None:
    made = projects(api)
    (task,) = made.tasks
    answered = made.answer(made.sheet(*made.doubtful(task)), "A", "A")
    made.collect()
    api.update_annotation(answered, sheet_result(["B", "A"]))
    token = label_studio.personal_token.get_secret_value()
    command = [sys.executable, "-m", "tests.sheets.killed_in_collect", api.base_url]
    subprocess.run(
        [*command, *map(str, (made.pages, made.sheets, 1, "before"))],
        env={**os.environ, "LABEL_STUDIO_API_KEY": token},
        cwd=ROOT,
        check=False,
        timeout=120,
    )
    assert made.collect().writes.changed == 1
    assert [texts(each)[0] for each in made.annotations(task)] == [("Text", "cot")]

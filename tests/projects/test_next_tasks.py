"""Which pages are ordered, which scores are written for it, and that nothing else is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from backend.errors import LabelStudioFailed, ProjectError
from backend.label_studio.client import LabelStudio
from backend.projects.next_table import counts, figures
from backend.projects.next_tasks import (
    NewScore,
    ProjectPages,
    not_followed,
    prediction_version,
    project_pages,
    remarks,
    scores_of,
    shares_of,
    write_scores,
)
from backend.projects.teaching_order import Place, teaching_order
from tests.parts.read_tasks import CONFIG, VERSION, predicted, submitted, task
from tests.parts.reviewed_work import Work
from tests.parts.reviewed_work import task as reviewed_task

SKIPPED = {"id": 2, "was_cancelled": True, "result": []}


def pages_of(*tasks: dict[str, Any], begun: tuple[int, ...] = ()) -> ProjectPages:
    return project_pages(tasks, frozenset(begun), CONFIG, VERSION)


def order_of(pages: ProjectPages) -> list[Place]:
    return teaching_order(pages.waiting, pages.approved, 100)


def test_only_read_pages_that_nobody_began_are_ordered() -> None:
    pages = pages_of(
        task(1, "a"),
        task(2, "a", annotations=[submitted("a", "б")]),
        task(3, "a", annotations=[SKIPPED]),
        task(4, "a", drafts=[{"id": 1, "result": []}]),
        task(5, "a"),
        task(6),
        {"id": 7, "predictions": [{"id": 107, **predicted("a", version="another")}]},
        {"id": 8, "predictions": []},
        task(9, "a", ("b", "c")),
        begun=(5,),
    )

    assert [page.task for page in pages.waiting] == [1, 9]
    assert counts(pages) == (
        "Left as they are: 1 reviewed, 1 skipped, 2 begun (a draft), 1 without a line, "
        "2 not read yet, which come last."
    )
    assert pages.approved.characters == {"a": 1, "б": 1}


def test_lines_that_people_called_illegible_or_left_for_later_are_not_approved_texts() -> None:
    result = submitted("a", "b", "c")["result"]
    for number, label in enumerate(("Illegible", "Check")):
        part = [part for part in result if part["type"] == "rectanglelabels"][number]
        part["value"]["rectanglelabels"] = [label]

    pages = pages_of(task(1, "a", annotations=[{"was_cancelled": False, "result": result}]))

    assert pages.approved.characters == {"c": 1}


def test_a_line_whose_second_reading_is_right_is_an_approved_text() -> None:
    done = reviewed_task(1, [Work(("a", "b"), "a", "second"), Work(("c", "d"), "c", "later")])

    assert pages_of(done).approved.characters == {"b": 1}


def test_the_scores_rise_from_the_first_page_to_the_last_between_0_and_1_and_are_written_last_first() -> None:
    pages = pages_of(task(1, "a", "d"), task(2, ("a", "b"), "d"), task(3, ("a", "b"), ("c", "d")))
    order = order_of(pages)

    assert [place.page.task for place in order] == [3, 2, 1]
    # task 2 has 0.5 already, as its share of agreed lines
    assert scores_of(order, pages) == [NewScore(1, 101, 0.75), NewScore(3, 103, 0.25)]


def test_pages_that_stand_in_the_order_already_are_not_written_again() -> None:
    tasks = [task(1, "a", "d"), task(2, ("a", "b"), "d"), task(3, ("a", "b"), ("c", "d"))]
    for one, score in zip(tasks, (0.9, 0.2, 0.1), strict=True):
        one["predictions"][0]["score"] = score
    pages = pages_of(*tasks)
    assert scores_of(order_of(pages), pages) == []

    tasks[0]["predictions"][0]["score"] = 0.15
    pages = pages_of(*tasks)
    assert [new.task for new in scores_of(order_of(pages), pages)] == [1, 2, 3]


def test_every_prediction_of_the_version_gets_the_score_because_the_lowest_counts() -> None:
    doubled = task(1, "a")
    doubled["predictions"].append({**doubled["predictions"][0], "id": 900, "score": None})
    doubled["predictions"].append({"id": 901, **predicted("a", version="reread " + VERSION)})
    pages = pages_of(doubled)

    assert scores_of(order_of(pages), pages) == [NewScore(1, 101, 0.5), NewScore(1, 900, 0.5)]


def test_undo_counts_the_shares_again_also_of_pages_that_were_reviewed_since() -> None:
    tasks = [task(1, "a", "b", ("c", "d")), task(2, "a", annotations=[submitted("a")]), task(3, "a"), task(4)]
    for one in tasks[:2]:
        one["predictions"][0]["score"] = 0.1

    assert shares_of(pages_of(*tasks)) == [NewScore(2, 102, 1.0), NewScore(1, 101, 2 / 3)]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param({"model_version": ""}, "filled by no predictions", id="nothing chosen"),
        pytest.param({"model_version": "twinread"}, "filled by 'twinread'", id="the backend, live"),
        pytest.param({"model_version": "imported 1"}, "filled by 'imported 1'", id="somebody else's"),
    ],
)
def test_scores_that_the_stream_would_not_look_at_or_that_are_not_ours_are_refused(
    fields: dict[str, str], said: str
) -> None:
    with pytest.raises(ProjectError, match=said) as refused:
        prediction_version({"id": 3, **fields})
    assert "twinread preannotate --project 3" in str(refused.value)


def test_the_project_must_sample_by_scores() -> None:
    assert not_followed({"id": 3, "sampling": "Uncertainty sampling"}) == ""
    assert "'Sequential sampling'" in not_followed({"id": 3, "sampling": "Sequential sampling"})
    assert "--update sampling" in not_followed({"id": 3, "sampling": "Sequential sampling"})


def test_that_pages_wanted_twice_come_in_another_order_is_said() -> None:
    assert remarks({"maximum_annotations": 1}) == []
    assert "wanted 2 times" in remarks({"maximum_annotations": 2})[0]


def test_a_prediction_that_was_deleted_meanwhile_is_passed_over_and_other_errors_are_not() -> None:
    sent: list[tuple[str, str, Any]] = []

    def label_studio(request: httpx.Request) -> httpx.Response:
        sent.append((request.method, request.url.path, json.loads(request.content)))
        status = {"/api/predictions/2/": 404, "/api/predictions/4/": 403}.get(request.url.path, 200)
        return httpx.Response(status, json={"id": 1, "task": 1, "result": []})

    scores = [NewScore(number, number, number / 10) for number in (1, 2, 3, 4, 5)]
    with LabelStudio(
        "http://label-studio", SecretStr("0" * 40), transport=httpx.MockTransport(label_studio)
    ) as api:
        writing = write_scores(api, scores)
        assert [next(writing), next(writing), next(writing)] == [scores[0], None, scores[2]]
        with pytest.raises(LabelStudioFailed):
            next(writing)
    assert sent[0] == ("PATCH", "/api/predictions/1/", {"score": 0.1})


def test_the_summary_has_every_page_with_its_reason(tmp_path: Path) -> None:
    pages = pages_of(task(1, "a"), task(2, ("a", "b")))
    written = figures(order_of(pages), pages, 2, undone=False)

    assert written["pages"]["waiting"] == 2
    assert [(row["place"], row["task"], row["disputed"]) for row in written["order"]] == [
        (1, 2, 1),
        (2, 1, 0),
    ]
    assert json.loads(json.dumps(written))["order"][0]["why"].startswith("1 of 1 lines disputed")

"""A project's pages and lines by state, counted from tasks as Label Studio's API gives them."""

from __future__ import annotations

import io
from itertools import count
from typing import Any

import pytest
from rich.console import Console

from backend.label_studio.labeling_config import LabelingConfig
from backend.projects.status import PageStage, Person, status_of
from backend.projects.status_table import figures, tables
from tests.parts.reviewed_work import CONFIG as REVIEWED
from tests.parts.reviewed_work import Work, task
from tests.parts.scripted import CONFIG

OURS = LabelingConfig.parse(CONFIG)
ONE_LABEL = LabelingConfig.parse(CONFIG.replace('<Label value="Check"/>', ""))


NUMBERS = count(1)


def lines(**labels: str) -> list[dict[str, Any]]:
    """One region per id, with its label, and a text unless the label ends with '-'."""
    result: list[dict[str, Any]] = []
    for name, label in labels.items():
        box = {"x": 1, "y": 1, "width": 10, "height": 5, "rotation": 0}
        common = {"id": name, "to_name": "image", "original_width": 400, "original_height": 300}
        value = {**box, "rectanglelabels": [label.rstrip("-")]}
        result.append({**common, "from_name": "label", "type": "rectanglelabels", "value": value})
        if not label.endswith("-"):
            value = {**box, "text": ["Счёт"]}
            result.append({**common, "from_name": "transcription", "type": "textarea", "value": value})
    return result


def predicted(*made: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": next(NUMBERS),
        "predictions": [
            {
                "id": at,
                "created_at": f"2026-11-22T10:0{at}:00Z",
                "model_version": "v1",
                "result": result,
            }
            for at, result in enumerate(made)
        ],
    }


def annotated(*result: Any, by: int = 7, cancelled: bool = False, seconds: float = 30.0) -> dict[str, Any]:
    made = {
        "result": list(result),
        "was_cancelled": cancelled,
        "completed_by": by,
        "lead_time": seconds,
        "created_at": "2026-11-22T11:00:00Z",
        "updated_at": "2026-11-22T11:00:00Z",
    }
    return {
        "id": next(NUMBERS),
        "annotations": [made],
        "predictions": predicted(lines(a="Check"))["predictions"],
    }


@pytest.mark.parametrize(
    ("task", "state", "counted"),
    [
        pytest.param({}, PageStage.UNREAD, {}, id="no prediction"),
        pytest.param(predicted(lines(a="Text")), PageStage.AGREED, {PageStage.AGREED: 1}, id="all agreed"),
        pytest.param(predicted([]), PageStage.AGREED, {}, id="a page without text"),
        pytest.param(
            predicted(lines(a="Check", b="Text")),
            PageStage.DOUBTFUL,
            {PageStage.DOUBTFUL: 1, PageStage.AGREED: 1},
            id="a line in doubt",
        ),
        pytest.param(
            predicted(lines(a="Check"), lines(a="Text")),
            PageStage.AGREED,
            {PageStage.AGREED: 1},
            id="newest counts",
        ),
        pytest.param(
            annotated(*lines(a="Text", b="Illegible-")),
            PageStage.REVIEWED,
            {PageStage.REVIEWED: 2},
            id="submitted",
        ),
        pytest.param(annotated(cancelled=True), PageStage.SKIPPED, {}, id="skipped"),
        pytest.param(
            {**predicted(lines(a="Check")), "annotations": [{"result": "x"}]},
            PageStage.DOUBTFUL,
            {PageStage.DOUBTFUL: 1},
            id="work that cannot be read is not done",
        ),
        pytest.param(
            {**predicted(lines(a="Check")), "drafts": [{"id": 1}]},
            PageStage.DOUBTFUL,
            {PageStage.DOUBTFUL: 1},
            id="a draft submits nothing",
        ),
    ],
)
def test_a_page_is_in_one_state(
    task: dict[str, Any], state: PageStage, counted: dict[PageStage, int]
) -> None:
    status = status_of([task], OURS)

    assert {name: count for name, count in status.pages.items() if count} == {state: 1}
    assert {name: count for name, count in status.lines.items() if count} == counted


def test_without_a_label_for_doubt_a_line_without_text_is_doubtful() -> None:
    status = status_of([predicted(lines(a="Text", b="Text-"))], ONE_LABEL)

    assert status.lines[PageStage.DOUBTFUL] == 1


def test_people_are_credited_with_what_they_submitted_and_the_rest_is_estimated() -> None:
    tasks = [
        annotated(*lines(a="Text", b="Text"), by=7, seconds=20),
        annotated(*lines(a="Text", b="Check"), by=7, seconds=40),
        annotated(*lines(a="Text"), by=8, seconds=60),
        annotated(by=8, cancelled=True),
        predicted(lines(a="Check")),
        predicted(lines(a="Text")),
        {},
    ]

    status = status_of(tasks, OURS)

    assert (status.people[7].pages, status.people[7].lines, status.people[8].pages) == (2, 4, 1)
    assert status.people[7].seconds_per_page == 30
    assert status.people[7].lines_per_hour == 240
    assert status.undecided == 1
    assert status.seconds_left == 2 * 40
    told = figures(status, {7: "ada@example.org"})
    assert told["pages"] == {
        "unread": 1,
        "doubtful": 1,
        "agreed": 1,
        "reviewed": 3,
        "from sheets": 0,
        "accepted unseen": 0,
        "skipped": 1,
    }
    assert [person["name"] for person in told["people"]] == ["ada@example.org", "user 8"]


@pytest.mark.parametrize(
    ("line", "undecided"),
    [
        pytest.param(Work(("дом", "том"), "дом", "second"), 0, id="the second reading is right"),
        pytest.param(Work(("дом", "том"), "ком", "second"), 1, id="it is right, and another text was typed"),
        pytest.param(Work(("дом", None), "дом", "second"), 1, id="there is no second reading"),
        pytest.param(Work(("дом", "том"), "дом", "later"), 1, id="left for later"),
        pytest.param(Work(("дом", "том"), "дом"), 0, id="the field is right"),
    ],
)
def test_what_no_export_takes_is_counted_as_undecided(line: Work, undecided: int) -> None:
    status = status_of([task(1, [line], language="ru")], REVIEWED)

    assert (status.lines[PageStage.REVIEWED], status.undecided) == (1, undecided)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        pytest.param('"[/]"@x.org', '"[/]"@x.org', id="markup that ends what nothing began"),
        pytest.param('"[red]"@x.org', '"[red]"@x.org', id="markup that would vanish"),
        pytest.param("a\x1b[31m@x.org", r"a\x1b[31m@x.org", id="an escape sequence"),
    ],
)
def test_the_address_of_a_person_is_shown_as_it_is(address: str, shown: str) -> None:
    status = status_of([], OURS)
    status.people[7] = Person(pages=1, lines=2)
    console = Console(file=io.StringIO(), width=120)
    for table in tables(status, {7: address}):
        console.print(table)
    assert isinstance(console.file, io.StringIO)
    assert f" {shown} " in console.file.getvalue()

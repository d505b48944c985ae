"""The same thirty doubtful lines in page review and on sheets: what they cost, and that both are right."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.label_studio.default_config import default_config
from backend.label_studio.labeling_config import LabelingConfig
from backend.label_studio.second_reading import texts_of_work
from backend.sheets.decisions import decisions
from tests.end_to_end.browser import Editor, Stage
from tests.end_to_end.review_ways import (
    DOUBTFUL,
    TRUTH,
    person_at,
    planted,
    review_pages,
    review_sheets,
    sheets_by_id,
)
from tests.end_to_end.sheet_desk import SheetEditor
from tests.parts.label_studio import LABEL_STUDIO
from tests.parts.sheet_projects import lines

pytestmark = LABEL_STUDIO


@pytest.fixture
def person(stage: Stage) -> Iterator[SheetEditor]:
    with person_at(stage) as editor:
        yield editor


def test_thirty_doubtful_lines_cost_35_keys_on_sheets(
    stage: Stage, person: SheetEditor, tmp_path: Path
) -> None:
    project, _ = stage.project(*(stage.page(*page) for page in planted()))
    made = lines(project.api, project.id, tmp_path)
    assert made.line_project is not None
    sheets = sheets_by_id(project.api, made.line_project.project)
    assert [len(own) for own in sheets.values()] == [10, 10, 10]

    hands = review_sheets(person, made.line_project.project, sheets)

    # 29 lines of one key, one of three (shift+digit, Tab, Enter), and Submit three times
    assert hands.keys == 35
    # Home, twice to the right, Backspace, the letter
    assert 0 < hands.editing <= 8
    said = [each for sheet in project.api.tasks(made.line_project.project) for each in decisions(sheet)]
    assert len(said) == DOUBTFUL
    assert all(each.text == TRUTH[each.line.a, each.line.b] for each in said)


def test_the_same_lines_in_page_review(stage: Stage, person: SheetEditor) -> None:
    pages = [stage.page(*page) for page in planted()]
    project, _ = stage.project(*pages)

    hands = review_pages(Editor(person.page, person.base_url), project.id, len(pages))

    # 29 lines of two keys (Alt+. and 1 or 5), one of four (Alt+. Enter Enter 1), and Submit ten times
    assert hands.keys == 29 * 2 + 4 + 10
    assert 0 < hands.editing <= 8
    config = LabelingConfig.parse(default_config())
    done = [(task, task["annotations"][0]) for task in project.api.tasks(project.id)]
    texts = [text for task, made in done for _, own in texts_of_work(task, made, config) for text in own]
    assert sorted(texts) == sorted(line.text for page in planted() for line in page)

"""Pages of one task: a line that was missed on a later page is drawn there, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from backend.label_studio.labeling_config import default_config
from backend.label_studio.regions import Region, regions
from tests.end_to_end.browser import Editor, Stage, near
from tests.end_to_end.test_review import REPEATER
from tests.end_to_end.written_pages import Written, WrittenPage
from tests.parts.label_studio import LABEL_STUDIO

pytestmark = LABEL_STUDIO

OURS = default_config().replace('value="$image"', 'valueList="$pages"')
REPEATED = REPEATER.replace("<RectangleLabels ", '<RectangleLabels smart="true" ')
IN_TURN = REPEATED.replace("<Repeater ", '<Repeater mode="pagination" ')

Address = Callable[[str], object]


def as_url(address: str) -> object:
    return {"url": address}


def page_of(region: Region) -> int:
    """Its page by the index that Label Studio gives, or by the number in a Repeater's names."""
    return int(re.sub(r"\D", "", region.to_name)) if region.item_index is None else region.item_index


def content(region: Region) -> tuple[object, ...]:
    """All that a person sees of a region, and its page."""
    points = None if region.points is None else region.points.tolist()
    return region.id, page_of(region), points, region.labels, region.texts, region.origin


def a_task(
    stage: Stage,
    editor: Editor,
    config: str,
    address: Address,
    *pages: WrittenPage,
    missed: str | None = None,
) -> None:
    """A task of several pages is read, but for the line that was missed, and open in the editor."""
    project, _ = stage.project(config=config)
    uploads = project.api.upload_files(project.id, [page.path for page in pages])
    data = {"pages": [address(upload.address) for upload in uploads], "language": "ru"}
    (task,) = project.api.import_tasks(project.id, [{"data": data}])
    project.retrieve_one(task)
    if missed is not None:
        stage.miss(project, missed)
    editor.open_task(project.id, task)


@pytest.mark.parametrize(
    ("config", "address", "missed", "label"),
    [
        pytest.param(OURS, str, Written("Пропущена тут"), "Text", id="ours with valueList"),
        pytest.param(OURS, str, Written("Спорна тут", second="Спорна там"), "Check", id="ours, disputed"),
        pytest.param(REPEATED, as_url, Written("Забыта", second="Забота"), "Check", id="Repeater, disputed"),
        pytest.param(IN_TURN, as_url, Written("Потеряна"), "Text", id="Repeater page by page"),
    ],
)
def test_a_line_drawn_on_the_second_page_is_read_there_and_touches_nothing_else(
    stage: Stage, editor: Editor, config: str, address: Address, missed: Written, label: str
) -> None:
    first = stage.page("Страница первая", "На том же месте")
    second = stage.page("Совсем другая", missed, height=900)
    a_task(stage, editor, config, address, first, second, missed=missed.text)
    editor.wait_for(lambda: len(editor.lines) == 3, "the pages are filled")
    before = [content(region) for region in editor.lines]
    editor.switch_on_assist()

    editor.turn_to_page(2)
    # a Repeater gives the labels of each page keys of their own
    editor.press("1" if config == OURS else "3", "m")
    quad = second.quad_of(missed.text)
    editor.drag(quad.min(axis=0) - 5, quad.max(axis=0) + 5)
    drawn = editor.wait_for_line(missed.text)

    assert page_of(drawn) == 1
    assert drawn.labels == (label,)
    assert drawn.points is not None and near(drawn.points, quad, 8)
    assert [content(region) for region in editor.lines if region.id != drawn.id] == before
    if label == "Text":
        stored = regions(editor.submit()["result"])
        assert [content(region) for region in stored] == [*before, content(drawn)]


def test_an_undecided_line_of_another_page_stops_submit_and_is_shown(stage: Stage, editor: Editor) -> None:
    first = stage.page("Первый лист", "Его вторая строка")
    second = stage.page("Второй лист", Written("Спорная строка", second="Споркая строка"))
    a_task(stage, editor, OURS, str, first, second)
    editor.wait_for(lambda: len(editor.lines) == 4, "the pages are filled")

    editor.press("Control+Enter")

    assert "The two readings of this line differ" in editor.warning
    assert editor.selected == [editor.line("Спорная строка").id]
    assert editor.page.locator(".lsf-pagination").first.inner_text() == "2 of 2"
    editor.press("Escape", "1")
    editor.submit()

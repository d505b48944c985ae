"""Pages of one task: a line that was missed on a later page is drawn there, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from backend.commands.cli import twinread
from backend.label_studio.default_config import default_config
from backend.label_studio.regions import Region, regions
from backend.page import image_files
from backend.page.crops import crop_line
from tests.end_to_end.browser import Editor, Stage, near
from tests.end_to_end.test_review import REPEATER
from tests.end_to_end.written_pages import Written, WrittenPage
from tests.parts.exported import manifest, pixels
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


def two_images(front: str, back: str) -> str:
    """A config of two Image tags, with controls of their own or, where `toName` is the same, for both."""
    controls = "".join(
        f'<RectangleLabels name="box_{names[0]}" toName="{names}" smart="true"><Label value="Text"/>'
        f'<Label value="Check"/></RectangleLabels><TextArea name="text_{names[0]}" toName="{names}" '
        'perRegion="true" displayMode="region-list"/>'
        for names in dict.fromkeys((front, back))
    )
    return f'<View><Image name="f" value="$front"/><Image name="b" value="$back"/>{controls}</View>'


@pytest.mark.parametrize(
    ("config", "draws"),
    [
        pytest.param(two_images("f", "b"), True, id="each with its own controls"),
        # Label Studio 1.23.2 shows its regions on the right images, and can neither draw nor submit there
        pytest.param(two_images("f,b", "f,b"), False, id="one control for both"),
    ],
)
def test_of_two_image_tags_each_line_is_read_shown_and_exported_from_its_own(
    stage: Stage, editor: Editor, config: str, draws: bool, tmp_path: Path
) -> None:
    front = stage.page("Лицевая сторона", "Вторая лицевая")
    back = stage.page("Совсем другая", "Пропущена тут")
    # Label Studio takes no files into a project whose config shows several fields
    shelf, _ = stage.project()
    uploads = shelf.api.upload_files(shelf.id, [front.path, back.path])
    project, _ = stage.project(config=config)
    data = {"front": uploads[0].address, "back": uploads[1].address, "language": "ru"}
    (task,) = project.api.import_tasks(project.id, [{"data": data}])
    predicted = project.retrieve_one(task)["result"]
    stored = regions(predicted)
    assert {region.texts[0]: region.to_name for region in stored} == {
        "Лицевая сторона": "f",
        "Вторая лицевая": "f",
        "Совсем другая": "b",
        "Пропущена тут": "b",
    }

    if draws:
        stage.miss(project, "Пропущена тут")
    editor.open_task(project.id, task)
    editor.wait_for(lambda: len(editor.lines) == (3 if draws else 4), "the pages are filled")
    if draws:
        editor.switch_on_assist()
        editor.turn_to_page(2)
        editor.press("3", "m")
        quad = back.quad_of("Пропущена тут")
        editor.drag(quad.min(axis=0) - 5, quad.max(axis=0) + 5)
        drawn = editor.wait_for_line("Пропущена тут")
        assert (drawn.to_name, drawn.labels) == ("b", ("Text",))
        editor.submit()
    else:
        project.api.create_annotation(task, predicted)

    values = {
        name.upper(): str(value) for name, value in stage.values.items() if name.startswith("label_studio")
    }
    values["LABEL_STUDIO_API_KEY"] = stage.label_studio.personal_token.get_secret_value()
    out = tmp_path / "set"
    arguments = ["export", "--project", str(project.id), "--out", str(out)]
    done = CliRunner(env=values).invoke(twinread, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    lines = [row for row in manifest(out) if row["kind"] == "recognition"]
    assert {row["text"] for row in lines} == {region.texts[0] for region in stored}
    for row in lines:
        page = front if row["text"] in {line.text for line in front.lines} else back
        whole = image_files.decode(page.path.read_bytes(), max_pixels=10**8).pixels
        # the manifest has corners to a thousandth of a pixel
        cut = crop_line(whole, np.array(row["quad"], np.float32), "auto").astype(float)
        assert np.abs(cut - pixels(out / row["image"])).mean() < 1, row["text"]

"""A page with many lines, in a real browser: all of its lines are listed, and each key does what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from backend.commands.cli import twinread
from backend.label_studio import predictions
from backend.label_studio.default_config import default_config
from backend.label_studio.labeling_config import LabelingConfig
from backend.label_studio.regions import regions
from backend.page import image_files
from backend.page.lines import Line, Reading, ReadLine, ReadPage
from backend.text.verdicts import judge
from tests.end_to_end.browser import Editor, Stage
from tests.end_to_end.projects import Project
from tests.end_to_end.written_pages import Written, WrittenPage
from tests.parts.exported import rows
from tests.parts.label_studio import LABEL_STUDIO

pytestmark = LABEL_STUDIO

VERSION = "two readers 1"
LAPTOP = {"width": 1280, "height": 720}
LONG = "Настоящим подтверждаю, что товар принят в по"


def read_project(stage: Stage, *pages: WrittenPage) -> Project:
    """A project as `setup-project` makes it, its pages read as they were written, without a detector."""
    project, _ = stage.project()
    api, config = project.api, LabelingConfig.parse(default_config())
    uploads = api.upload_files(project.id, [page.path for page in pages])
    tasks = api.import_tasks(
        project.id, [{"data": {"image": upload.address, "language": "ru"}} for upload in uploads]
    )
    made = []
    for task, page in zip(tasks, pages, strict=True):
        read = []
        for line, quad in zip(page.lines, page.quads, strict=True):
            readings = tuple(Reading(f"reader {at}", text) for at, text in enumerate(line.readings))
            read.append(ReadLine(Line(quad), readings, judge(readings, crop_size=(900, 46), language="ru")))
        pixels = image_files.decode(page.path.read_bytes(), max_pixels=10**8)
        whole = ReadPage(pixels.width, pixels.height, read)
        found = predictions.prediction(whole, config, model_version=VERSION)
        made.append({"task": task, **found})
    assert api.import_predictions(project.id, made).created == len(made)
    api.update_project(project.id, model_version=VERSION)
    return project


def sixty(doubtful_from: int) -> list[Written]:
    """Sixty lines; the last ones are read in two ways, so they come first in the list."""
    return [
        Written(
            f"Строка {number} ведомости",
            second=f"Строка {number} ведомост" if number > doubtful_from else None,
        )
        for number in range(1, 61)
    ]


ROWS = """() => {
  const list = document.querySelector('.lsf-outliner').closest('.lsf-tabs__contents');
  const seen = list.getBoundingClientRect();
  const rows = [...document.querySelectorAll('.lsf-outliner .lsf-tree-treenode')];
  const selected = document.querySelector('.lsf-tree-treenode-selected')?.getBoundingClientRect();
  return {
    drawn: document.querySelectorAll('.lsf-outliner textarea').length,
    blank: list.scrollHeight - (rows.at(-1).getBoundingClientRect().bottom - seen.top + list.scrollTop),
    selected: selected && [selected.top - seen.top, seen.bottom - selected.bottom],
  };
}"""


@pytest.mark.parametrize(
    ("size", "theme"),
    [
        pytest.param({"width": 1600, "height": 1000}, "Light", id="desktop"),
        pytest.param(LAPTOP, "Dark", id="laptop, dark"),
    ],
)
def test_enter_types_into_the_field_of_a_line_far_down_the_list(
    stage: Stage, editor: Editor, size: Any, theme: str
) -> None:
    project = read_project(stage, stage.page(*sixty(doubtful_from=20), height=100 + 84 * 60))
    editor.page.set_viewport_size(size)
    editor.page.add_init_script(f"localStorage.setItem('preferred-color-scheme', '{theme}')")
    editor.open_stream(project.id)
    shown = editor.page.evaluate(ROWS)
    assert shown["drawn"] == 60
    assert shown["blank"] < 80, "the list scrolls into the void"

    for _ in range(37):
        editor.next_line()
    before = editor.result
    (selected,) = editor.selected
    above, below = editor.page.evaluate(ROWS)["selected"]
    assert above >= 0 and below >= 0, "the selected line is not in view"
    editor.press("Enter", "Control+End")
    editor.type(" № 5")
    editor.press("Enter", "1")
    editor.picture(f"long_page_{theme}")

    changed = {part["id"] for part, was in zip(editor.result, before, strict=True) if part != was}
    assert changed == {selected}
    (line,) = [region for region in editor.lines if region.id == selected]
    assert (line.texts, line.labels) == (("Строка 57 ведомости № 5",), ("Text",))


def test_the_list_stays_where_the_mouse_scrolls_it(stage: Stage, editor: Editor) -> None:
    project = read_project(stage, stage.page(*sixty(doubtful_from=20), height=100 + 84 * 60))
    editor.open_stream(project.id)
    editor.next_line()
    place = editor.page.locator(".lsf-outliner").bounding_box()
    assert place is not None
    editor.page.mouse.move(place["x"] + 100, place["y"] + 150)
    editor.page.mouse.wheel(0, 3000)
    editor.page.wait_for_timeout(500)
    above, _ = editor.page.evaluate(ROWS)["selected"]
    assert above < -2500


def test_key_5_takes_the_second_reading_and_the_export_has_its_text(
    stage: Stage, editor: Editor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = stage.page(
        Written("Молоко 3,2 % жирностн", second="Молоко 3,2 % жирности"),
        Written("Хлеб ржаной"),
        Written("Накладная № 1047", second="Накладная № 1041"),
        Written("Сахар-песок", second="Сахар-носок"),
    )
    project = read_project(stage, page)
    editor.open_stream(project.id)

    editor.next_line()
    editor.press("5")
    editor.next_line()
    editor.press("Enter", "Control+End")
    editor.type("!")
    editor.press("Enter", "5")
    editor.next_line()
    editor.press("5", "1")
    editor.picture("second_reading")
    stored = regions(editor.submit()["result"])

    assert [(line.labels, line.texts, line.choices) for line in stored] == [
        (("Check",), ("Молоко 3,2 % жирностн",), (("later", "B is right"),)),
        (("Check",), ("Накладная № 1047!",), (("later", "B is right"),)),
        (("Text",), ("Сахар-песок",), ()),
        (("Text",), ("Хлеб ржаной",), ()),
    ]
    values = {
        "LABEL_STUDIO_URL": stage.label_studio.base_url,
        "LABEL_STUDIO_API_KEY": stage.label_studio.personal_token.get_secret_value(),
        "CACHE_DIR": str(tmp_path / "cache"),
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    out = tmp_path / "set"
    done = CliRunner().invoke(twinread, ["export", "--project", str(project.id), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert sorted(rows(out).values()) == ["Молоко 3,2 % жирности", "Сахар-песок", "Хлеб ржаной"]
    assert "'B is right', and another text was typed" in (out / "left_out.jsonl").read_text("utf-8")
    checked = CliRunner().invoke(twinread, ["check", str(out)])
    assert checked.exit_code == 0, checked.output
    status = CliRunner().invoke(twinread, ["status", "--project", str(project.id)])
    assert "1 line of reviewed pages is still undecided" in " ".join(status.output.split())


def test_on_a_laptop_the_readings_are_in_view_and_no_handle_covers_the_line_above(
    stage: Stage, editor: Editor
) -> None:
    page = stage.page(
        Written("Строка выше", second="Строка ниже"), Written(LONG, second=LONG[:-2]), height=900
    )
    project = read_project(stage, page)
    editor.page.set_viewport_size(LAPTOP)
    editor.open_stream(project.id)
    image = editor.page.locator("img[alt=image]").bounding_box()
    bar = editor.page.locator(".lsf-bottombar").bounding_box()
    assert image is not None and bar is not None
    assert image["y"] + image["height"] <= bar["y"] + 1, "the page is under the bar"

    editor.next_line()
    editor.next_line()
    readings = editor.page.locator(".lsf-detailed-region__meta-text").bounding_box()
    panel = editor.page.locator(".lsf-tabs__contents").first.bounding_box()
    assert readings is not None and panel is not None
    assert "B: " in editor.panel and "differs" in editor.panel
    assert readings["y"] + readings["height"] <= panel["y"] + panel["height"], "B is below the edge"
    editor.picture("laptop")

    # Label Studio's handle for turning a box stands 50 pixels above it
    below = page.quad_of(LONG)
    middle, top = editor.at((below[0][0] + below[1][0]) / 2, below[0][1])
    editor.page.mouse.move(middle, top - 50)
    editor.page.mouse.down()
    editor.page.mouse.move(middle + 60, top - 30, steps=5)
    editor.page.mouse.up()
    assert [result["value"]["rotation"] for result in editor.result] == [0] * len(editor.result)


def test_a_page_with_lines_cannot_be_skipped_by_a_click_and_a_blank_one_can(
    stage: Stage, editor: Editor
) -> None:
    project = read_project(stage, stage.page("Первая строка"), stage.page())
    with_lines, blank = [int(task["id"]) for task in project.api.tasks(project.id)]
    skip = editor.page.get_by_role("button", name="skip-task")

    editor.open_task(project.id, with_lines)
    assert not skip.is_visible()
    editor.open_stream(project.id)
    if editor.task == with_lines:
        assert not skip.is_visible()
        editor.submit()
        editor.wait_for(lambda: editor.task == blank, "the blank page is open")
    editor.wait_for(skip.is_visible, "a page without lines can be passed over")

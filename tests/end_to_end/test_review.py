"""An annotator confirms and mends pages by keyboard, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.label_studio.region_notes import readings_in
from backend.label_studio.regions import regions
from backend.page import geometry
from backend.page.lines import Verdict
from tests.end_to_end.browser import Editor, Stage, near
from tests.end_to_end.test_predictions import stock_ocr_template
from tests.end_to_end.written_pages import Written
from tests.parts.label_studio import LABEL_STUDIO

pytestmark = LABEL_STUDIO

DOUBTFUL = (
    Written("Молоко 3,2 % жирности", second="Молоко 3,2 % жирностн"),
    Written("Хлеб ржаной"),
    Written("Накладная № 1047", second="Накладная № 1041"),
    Written("Сахар-песок", second="Сахар-носок"),
    Written("Итого к оплате"),
    Written("Подпись кассира", second="Подпись кассиpа и"),
)


def test_an_agreed_page_costs_one_key_and_the_next_page_opens(stage: Stage, editor: Editor) -> None:
    first = stage.page("Заявление принято", "Срок ответа 30 дней")
    second = stage.page("Вторая страница")
    project, tasks = stage.project(first, second)
    editor.open_stream(project.id)
    opened = editor.task
    shown = editor.result

    stored = editor.submit()

    assert editor.count() == ["Control+Enter"]
    assert regions(stored["result"])[0].texts == regions(shown)[0].texts
    editor.wait_for(lambda: editor.task != opened, "the next page is open")
    assert {opened, editor.task} == set(tasks)


def test_doubtful_lines_come_first_and_cost_two_keys_right_four_mended_two_illegible(
    stage: Stage, editor: Editor
) -> None:
    project, _ = stage.project(stage.page(*DOUBTFUL))
    editor.open_stream(project.id)
    assert [region.labels for region in editor.lines] == [("Check",)] * 4 + [("Text",)] * 2
    editor.picture("doubtful_page")
    corner = editor.at(0, 0)

    editor.next_line()
    assert editor.at(0, 0) == corner, "the page jumps under the eyes of who reads it"
    assert "A: Молоко 3,2 % жирности\nB: Молоко 3,2 % жирностн\ndiffers: и / н" in editor.panel
    assert "twinread" not in editor.page.locator("body").inner_text().casefold()
    editor.press("1")
    assert editor.count() == ["Alt+Period", "1"]

    editor.next_line()
    editor.press("Enter")
    editor.page.keyboard.press("Control+A")
    editor.type("Накладная № 1041")
    editor.press("Enter", "1")
    assert editor.count() == ["Alt+Period", "Enter", "Enter", "1"]

    editor.next_line()
    editor.press("3")
    assert editor.count() == ["Alt+Period", "3"]

    editor.next_line()
    editor.press("4")
    assert editor.count() == ["Alt+Period", "4"]

    stored = editor.submit()
    assert editor.count() == ["Control+Enter"]
    assert [(region.labels, region.texts) for region in regions(stored["result"])] == [
        (("Text",), ("Молоко 3,2 % жирности",)),
        (("Text",), ("Накладная № 1041",)),
        (("Illegible",), ()),
        (("Not text",), ()),
        (("Text",), ("Хлеб ржаной",)),
        (("Text",), ("Итого к оплате",)),
    ]
    kept = [readings_in(region) for region in regions(stored["result"])]
    assert [each and each.verdict for each in kept] == [Verdict.DISPUTED] * 4 + [Verdict.AGREED] * 2
    milk = kept[0]
    assert milk is not None
    assert [said.text for said in milk.readings] == ["Молоко 3,2 % жирности", "Молоко 3,2 % жирностн"]


@pytest.mark.parametrize(
    ("messages", "words", "key_list"),
    [
        pytest.param("en", "The two readings of this line differ", "the text is right", id="English"),
        pytest.param("ru", "Два прочтения этой строки расходятся", "текст верен", id="Russian"),
    ],
)
def test_an_undecided_line_stops_submit_and_is_selected(
    stage: Stage, editor: Editor, messages: str, words: str, key_list: str
) -> None:
    page = stage.page("Первая строка", Written("Вторая строка", second="Вторая стройка"))
    project, _ = stage.project(page, messages=messages)
    editor.page.goto(f"{editor.base_url}/projects/{project.id}/data")
    editor.page.get_by_text("Label All Tasks").click()
    editor.instructions.wait_for()
    assert editor.page.get_by_text(key_list).is_visible()
    editor.picture(f"instructions_{messages}")
    editor.read_instructions()

    editor.press("Control+Enter")

    assert words in editor.warning
    assert editor.selected == [editor.line("Вторая строка").id]
    editor.press("Escape", "1")
    editor.count()
    assert [region.labels for region in regions(editor.submit()["result"])] == [("Text",), ("Text",)]


SCRIPTS = {
    "Cyrillic": ("ru", ["Съешь же ещё этих булок", "Ёлка № 5 — 12,50 ₽"], "Щ"),
    "Arabic": ("ar", ["السلام عليكم ورحمة الله", "فاتورة ضريبية مبسطة"], "ق"),
    "Thai": ("th", ["ใบเสร็จรับเงิน", "น้ำตาลทราย ๒ กิโลกรัม"], "ก"),
    "Chinese": ("zh", ["增值税电子普通发票", "北京市海淀区中关村大街"], "京"),
}


@pytest.mark.parametrize("script", SCRIPTS)
def test_what_is_exported_is_what_stood_on_the_screen(stage: Stage, editor: Editor, script: str) -> None:
    language, (agreed, mended), letter = SCRIPTS[script]
    page = stage.page(agreed, Written(mended, second=mended[1:]), language=language)
    project, (task,) = stage.project(page, language=language)
    editor.open_stream(project.id)
    assert editor.shown_texts == [mended, agreed]

    editor.next_line()
    editor.press("Enter", "Control+End")
    editor.type(letter)
    editor.press("Enter", "1")
    on_the_screen = editor.shown_texts
    editor.picture(f"script_{script}")
    editor.submit()

    (annotation,) = project.export()[task]["annotations"]
    assert [text for region in regions(annotation["result"]) for text in region.texts] == on_the_screen
    assert on_the_screen == [mended + letter, agreed]


ACROSS = """([selector, letter]) => {
  const text = document.querySelector(selector).firstChild, place = document.createRange();
  const at = text.data.indexOf(letter);
  place.setStart(text, at);
  place.setEnd(text, at + 1);
  return place.getBoundingClientRect().x;
}"""


def test_an_arabic_reading_is_shown_from_right_to_left_in_the_panel(stage: Stage, editor: Editor) -> None:
    page = stage.page(Written("طلب رقم ٢ من ABC!", second="طلب رقم ٢ من ABG!"), language="ar")
    project, _ = stage.project(page, language="ar")
    editor.open_stream(project.id)

    editor.next_line()

    def across(selector: str, *letters: str) -> list[float]:
        return [editor.page.evaluate(ACROSS, [selector, letter]) for letter in letters]

    explained = across(".lsf-detailed-region__meta-text", "A:", "!", "ABC", "ط")
    filled_in = across(".lsf-region-meta__value p", "!", "ABC", "ط")
    assert explained == sorted(explained)
    assert filled_in == sorted(filled_in)


RECTANGLES = """<View><Image name="scan" value="$image"/>
<RectangleLabels name="boxes" toName="scan"><Label value="Line"/><Label value="check"/></RectangleLabels>
<TextArea name="words" toName="scan" perRegion="true" editable="true" displayMode="region-list"/></View>"""
POLYGONS = RECTANGLES.replace("RectangleLabels", "PolygonLabels")
APART = """<View><Image name="scan" value="$image"/><Labels name="kind" toName="scan">
<Label value="Text"/><Label value="Check"/></Labels><Rectangle name="box" toName="scan"/>
<TextArea name="words" toName="scan" perRegion="true" editable="true" displayMode="region-list"/></View>"""


@pytest.mark.parametrize(
    "config",
    [
        pytest.param(RECTANGLES, id="RectangleLabels"),
        pytest.param(POLYGONS, id="PolygonLabels"),
        pytest.param(APART, id="Labels and Rectangle"),
        pytest.param(None, id="Label Studio's OCR template"),
    ],
)
def test_in_other_configs_each_text_stands_on_its_region(
    stage: Stage, editor: Editor, config: str | None
) -> None:
    page = stage.page("Первая строка", Written("Вторая строка", second="Вторая стройка"))
    project, _ = stage.project(page, config=config or stock_ocr_template())
    editor.open_stream(project.id)

    assert len(editor.lines) == 2
    for text in ("Вторая строка", "Первая строка"):
        editor.next_line()
        region = editor.line(text)
        assert editor.selected == [region.id]
        assert region.points is not None
        assert near(geometry.minimum_area_quad(region.points), page.quad_of(text), 16)
        assert editor.page.get_by_text(text).first.is_visible() or text in editor.shown_texts


REPEATER = """<View><Repeater on="$pages" indexFlag="{{idx}}">
<Image name="page_{{idx}}" value="$pages[{{idx}}].url"/>
<RectangleLabels name="label_{{idx}}" toName="page_{{idx}}"><Label value="Text"/><Label value="Check"/>
</RectangleLabels>
<TextArea name="text_{{idx}}" toName="page_{{idx}}" perRegion="true" displayMode="region-list"/>
</Repeater></View>"""
LIST = RECTANGLES.replace('value="$image"', 'valueList="$pages"')


@pytest.mark.parametrize(
    ("config", "address"),
    [
        pytest.param(REPEATER, lambda at: {"url": at}, id="Repeater"),
        pytest.param(LIST, lambda at: at, id="valueList"),
    ],
)
def test_each_line_stands_on_its_page_of_a_task_with_several(
    stage: Stage, editor: Editor, config: str, address: Callable[[str], object]
) -> None:
    first, second = stage.page("Страница первая"), stage.page("Совсем другая")
    project, _ = stage.project(config=config)
    uploads = project.api.upload_files(project.id, [first.path, second.path])
    pages = [address(upload.address) for upload in uploads]
    (task,) = project.api.import_tasks(project.id, [{"data": {"pages": pages, "language": "ru"}}])
    project.retrieve_one(task)

    editor.open_task(project.id, task)
    editor.wait_for(lambda: len(editor.lines) == 2, "both lines are there")

    placed = {}
    for region in editor.lines:
        number = re.sub(r"\D", "", region.to_name)
        placed[region.texts[0]] = region.item_index if region.item_index is not None else int(number)
        assert region.points is not None
        assert near(region.points, (first, second)[placed[region.texts[0]]].quads[0], 16)
    assert placed == {"Страница первая": 0, "Совсем другая": 1}


def test_the_most_doubtful_page_comes_first_and_pages_are_filled_while_the_backend_is_down(
    stage: Stage, editor: Editor, tmp_path: Path
) -> None:
    sure = stage.page("Утренняя смена", "Вечерняя смена")
    doubtful = stage.page("Третья смена", Written("Четвёртая", second="Четвертак"))
    with stage.another_backend(tmp_path) as backend:
        project, (_, worst) = stage.project(sure, doubtful, backend=backend)
    assert backend.process.returncode is not None

    editor.open_stream(project.id)

    assert editor.task == worst
    editor.wait_for(lambda: editor.shown_texts == ["Четвёртая", "Третья смена"], "it is filled")
    editor.next_line()
    editor.press("1")
    editor.submit()
    editor.wait_for(lambda: editor.task != worst, "the next page is open")
    editor.wait_for(lambda: editor.shown_texts == ["Утренняя смена", "Вечерняя смена"], "it is filled")

"""An annotator confirms and mends pages by keyboard, in a real browser."""

from __future__ import annotations

from backend.regions import regions
from tests.end_to_end.browser import Editor, Stage, chromium, editor, stage  # noqa: F401
from tests.end_to_end.written_pages import Written
from tests.label_studio import LABEL_STUDIO

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
    project, (task,) = stage.project(stage.page(*DOUBTFUL))
    editor.open_stream(project.id)
    assert [region.labels for region in editor.lines] == [("Check",)] * 4 + [("Text",)] * 2
    editor.picture("doubtful_page")

    editor.next_line()
    assert "A: Молоко 3,2 % жирности\nB: Молоко 3,2 % жирностн\ndiffers: и / н" in editor.panel
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

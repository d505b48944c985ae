"""A missed line is drawn, and its text comes back: in a real browser, with real readers failing."""

from __future__ import annotations

import threading

import pytest

from backend.label_studio.labeling_config import LabelingConfig
from backend.label_studio.region_notes import readings_in
from backend.page.lines import Quad, Verdict
from backend.pipeline.read_task import Wording
from backend.server import answers
from tests.end_to_end.browser import Editor, Stage, near
from tests.end_to_end.test_review import POLYGONS
from tests.end_to_end.written_pages import Written
from tests.parts.ernie_stand_in import Hang, Outcome, Raw, Say
from tests.parts.label_studio import LABEL_STUDIO
from tests.parts.scripted import CONFIG, ScriptedReader, scripted_service

pytestmark = LABEL_STUDIO


def around(quad: Quad, margin: float = 5) -> tuple[tuple[float, float], tuple[float, float]]:
    """Left top and right bottom of a box that a person would draw around it."""
    (left, top), (right, bottom) = quad.min(axis=0) - margin, quad.max(axis=0) + margin
    return (left, top), (right, bottom)


def draw(editor: Editor, quad: Quad) -> None:
    editor.press("1", "m")
    editor.drag(*around(quad))


def test_a_missed_line_costs_two_keys_and_a_drag_and_touches_nothing_else(
    stage: Stage, editor: Editor
) -> None:
    page = stage.page(
        "Верхняя строка",
        "Пропущенная строка",
        Written("Нижняя строка", second="Нижняя стройка"),
    )
    project, _ = stage.project(page, missed="Пропущенная строка")
    editor.open_stream(project.id)
    assert [region.texts for region in editor.lines] == [("Нижняя строка",), ("Верхняя строка",)]
    editor.next_line()
    editor.press("Enter", "Control+End")
    editor.type(" №")
    editor.press("Enter", "Escape")
    assert editor.selected == []
    before = editor.result
    editor.switch_on_assist()
    editor.count()

    draw(editor, page.quad_of("Пропущенная строка"))
    drawn = editor.wait_for_line("Пропущенная строка")

    assert editor.count() == ["1", "m"]
    assert drawn.labels == ("Text",)
    kept = readings_in(drawn)
    assert kept is not None
    assert kept.verdict is Verdict.AGREED
    assert [said.text for said in kept.readings] == ["Пропущенная строка"] * 2
    assert drawn.points is not None
    assert near(drawn.points, page.quad_of("Пропущенная строка"), 8)
    assert editor.result[: len(before)] == before
    assert "Нижняя строка №" in editor.shown_texts


def test_a_slanted_line_is_drawn_with_three_points_and_read_straight(stage: Stage, editor: Editor) -> None:
    page = stage.page("Ровная строка", Written("Наискосок через страницу", turned=14))
    quad = page.quad_of("Наискосок через страницу")
    project, _ = stage.project(page, missed="Наискосок через страницу")
    editor.open_stream(project.id)
    editor.switch_on_assist()
    editor.choose_three_points()

    editor.click_at(*quad[0])
    editor.click_at(*quad[1])
    editor.click_at(*quad[2])

    drawn = editor.wait_for_line("Наискосок через страницу")
    assert drawn.points is not None
    assert near(drawn.points, quad, 6)


@pytest.mark.parametrize(
    ("text", "instead", "said", "filled"),
    [
        pytest.param("Читают по-разному", None, "differs", ("Читают по-разному",), id="wrong"),
        pytest.param("Читатель сломан", Raw(500, "down"), "failed", (), id="down"),
        pytest.param("Читатель медлит", Hang(), "failed", (), id="too slow"),
        pytest.param("Не прочитано никем", Say("###"), "(nothing read)", (), id="nothing readable"),
    ],
)
def test_a_box_whose_text_is_doubtful_stays_with_check_and_the_reason(
    stage: Stage, editor: Editor, text: str, instead: Outcome | None, said: str, filled: tuple[str, ...]
) -> None:
    page = stage.page("Верхняя строка", Written(text, second=f"{text} два"))
    project, _ = stage.project(page, missed=text)
    editor.open_stream(project.id)
    before = editor.result
    editor.switch_on_assist()
    stage.readers.instead = instead

    draw(editor, page.quad_of(text))
    editor.wait_for(lambda: ("Check",) in [region.labels for region in editor.lines], "the box is doubtful")

    drawn = editor.lines[-1]
    assert drawn.points is not None and near(drawn.points, page.quad_of(text), 8)
    assert drawn.texts == filled
    assert said in drawn.meta["text"]
    assert editor.result[: len(before)] == before
    editor.press("Control+Enter")
    assert editor.selected == [drawn.id]


def test_a_polygon_drawn_where_the_config_draws_them_is_read() -> None:
    """Label Studio's editor has no assisting polygon tool; other clients of its API do."""
    reader = ScriptedReader("one", "Счёт")
    service = scripted_service(readers=[reader, ScriptedReader("two", "Счёт")])
    points = [[5, 3], [70, 3], [70, 13], [5, 13]]
    drawn = [
        {
            "id": "drawn", "from_name": "boxes", "to_name": "scan", "type": "polygonlabels",
            "origin": "manual", "original_width": 400, "original_height": 300,
            "value": {"points": points, "closed": True, "polygonlabels": ["Line"]},
        }
    ]  # fmt: skip
    item = {"id": 1, "data": {"image": "/page"}}
    config = LabelingConfig.parse(POLYGONS)

    answer = answers.assist(service, item, drawn, config, Wording("ru", "en"), 10)

    shape, text = answer["result"]
    assert (shape["id"], shape["value"]["points"], text["value"]["text"]) == ("drawn", points, ["Счёт"])
    service.close()


def test_a_drawn_box_waits_neither_for_bulk_pages_nor_for_pages_that_others_open() -> None:
    gate = threading.Event()

    class Busy(ScriptedReader):
        def submit(self, crops, *, urgent=False):  # type: ignore[no-untyped-def]
            self.gate = None if len(crops) == 1 else gate
            return super().submit(crops, urgent=urgent)

    service = scripted_service(readers=[Busy("one"), Busy("two")], page_workers=2)
    config, wording = LabelingConfig.parse(CONFIG), Wording("ru", "en")
    tasks = [{"id": number, "data": {"image": f"/page{number}"}} for number in range(9)]
    for together in (tasks[:6], tasks[6:7], tasks[7:8], tasks[8:]):
        service.predict(together, config, wording, 0)
    box = {"x": 5, "y": 3.4, "width": 62, "height": 8.6, "rotation": 0, "rectanglelabels": ["Text"]}
    drawn = [
        {
            "id": "drawn", "from_name": "label", "to_name": "image", "type": "rectanglelabels",
            "origin": "manual", "original_width": 400, "original_height": 300, "value": box,
        }
    ]  # fmt: skip

    answer = answers.assist(
        service,
        {"id": 9, "data": {"image": "/page9"}},
        drawn,
        config,
        wording,
        20,
    )

    assert [part["value"].get("text") for part in answer["result"]] == [None, ["Счёт"]]
    assert service.status()["pages_in_flight"] == 9
    gate.set()
    service.close()


def test_a_box_that_the_readers_keep_waiting_comes_back_with_the_reason() -> None:
    gate = threading.Event()
    service = scripted_service(readers=[ScriptedReader("one", gate=gate), ScriptedReader("two", gate=gate)])
    box = {"x": 5, "y": 3.4, "width": 62, "height": 8.6, "rotation": 0, "rectanglelabels": ["Text"]}
    drawn = [
        {
            "id": "drawn", "from_name": "label", "to_name": "image", "type": "rectanglelabels",
            "origin": "manual", "original_width": 400, "original_height": 300, "value": box,
        }
    ]  # fmt: skip
    config, item = LabelingConfig.parse(CONFIG), {"id": 9, "data": {"image": "/page9"}}

    answer = answers.assist(service, item, drawn, config, Wording("ru", "en"), 0.2)

    (only,) = answer["result"]
    assert only["value"] == {**box, "rectanglelabels": ["Check"]}
    assert "no answer within" in only["meta"]["text"]
    gate.set()
    service.close()

"""A page that was completed from a sheet, as a person meets it in page review, in a real browser."""

from __future__ import annotations

from backend.label_studio.regions import regions
from backend.sheets.collecting import collect
from backend.sheets.doubtful_lines import page_lines
from backend.sheets.made_annotations import Looked, Made, looked_at, made_in
from backend.sheets.offered_texts import TextRules
from backend.sheets.page_outcomes import PageContext, PageState
from backend.sheets.sheet_config import sheet_config
from tests.end_to_end.browser import Editor, Stage
from tests.end_to_end.written_pages import Written
from tests.parts.answered_sheets import SheetProjects
from tests.parts.label_studio import LABEL_STUDIO
from tests.parts.reviewed_work import CONFIG

pytestmark = LABEL_STUDIO

RULES = TextRules("ru")


def test_a_completed_page_is_a_persons_as_soon_as_somebody_changes_it(stage: Stage, editor: Editor) -> None:
    page = stage.page(Written("Хлеб пшеничный", second="Хлеб пшеничнай"), Written("Итого к оплате"))
    project, (task,) = stage.project(page)
    api = project.api
    sheets = api.create_project(title="Lines", label_config=sheet_config((), "en"))
    made = SheetProjects(api, project.id, int(sheets["id"]))
    context = PageContext(project.id, CONFIG, "", RULES)
    lines = page_lines(api.task(task), project.id, CONFIG, "", RULES).doubtful
    made.answer(made.sheet(*(each.line for each in lines)), "A")
    assert collect(api, made.sheets, context).writes.made == 1

    # to look is not to touch
    editor.open_task(project.id, task)
    editor.next_line()
    editor.reload()
    (annotation,) = made.annotations(task)
    assert made_in(annotation) is Made.SHEETS
    found = regions(annotation["result"])
    assert [looked_at(region, Made.SHEETS) for region in found] == [Looked.SHEET, Looked.NOBODY]

    # one line is changed, and the person stands for all of the page
    editor.next_line()
    editor.press("3")
    editor.submit()
    (annotation,) = made.annotations(task)
    assert {region.labels for region in regions(annotation["result"])} == {("Illegible",), ("Text",)}
    assert made_in(annotation) is None
    looks = {looked_at(region, made_in(annotation)) for region in regions(annotation["result"])}
    assert looks == {Looked.PAGE}
    assert collect(api, made.sheets, context).pages[PageState.REVIEWED] == 1

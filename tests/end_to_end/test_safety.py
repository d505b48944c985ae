"""A lost edit is the worst defect: each way to lose one, tried in a real browser."""

from __future__ import annotations

import subprocess
import sys

import pytest

from backend.label_studio.regions import regions
from tests.end_to_end.browser import Editor, Stage
from tests.end_to_end.projects import Project
from tests.end_to_end.written_pages import Written
from tests.parts.backend_process import variables
from tests.parts.label_studio import LABEL_STUDIO

pytestmark = LABEL_STUDIO


def a_project(stage: Stage, name: str) -> tuple[Project, int]:
    """A page with a doubtful line and an agreed one, told apart by the name."""
    page = stage.page(Written(f"{name} один", second=f"{name} одни"), f"{name} два")
    project, (task,) = stage.project(page)
    return project, task


def mend(editor: Editor, text: str) -> None:
    """Select the first line, write this in its place, confirm it."""
    editor.next_line()
    editor.press("Enter")
    editor.page.keyboard.press("Control+A")
    editor.type(text)
    editor.press("Enter", "1")


def texts(editor: Editor) -> list[str]:
    return [text for region in editor.lines for text in region.texts]


def test_a_draft_survives_reload_and_a_prediction_that_came_meanwhile(stage: Stage, editor: Editor) -> None:
    project, task = a_project(stage, "Черновик")
    editor.open_task(project.id, task)
    editor.wait_for(lambda: len(editor.lines) == 2, "the page is filled")
    with editor.saves_draft():
        mend(editor, "Черновик первый")
    newer = project.api.task(task)["predictions"][0]
    project.api.call(
        "POST",
        "/api/predictions/",
        "store a newer one",
        body={"task": task, "result": newer["result"], "score": 1.0, "model_version": "newer"},
    )
    project.api.update_project(project.id, model_version="newer")

    editor.reload()

    editor.wait_for(lambda: texts(editor) == ["Черновик первый", "Черновик два"], "the draft is there")
    assert [region.labels for region in editor.lines] == [("Text",), ("Text",)]


def test_a_submitted_page_keeps_its_edit_when_it_is_opened_again_and_predicted_anew(
    stage: Stage, editor: Editor
) -> None:
    project, task = a_project(stage, "Сдано")
    editor.open_task(project.id, task)
    editor.wait_for(lambda: len(editor.lines) == 2, "the page is filled")
    mend(editor, "Сдано первое")
    editor.submit()
    project.retrieve([task])

    editor.open_task(project.id, task)
    editor.wait_for(lambda: texts(editor) == ["Сдано первое", "Сдано два"], "the edit is there")
    mend(editor, "Сдано второе")
    editor.submit()

    (annotation,) = project.export()[task]["annotations"]
    assert regions(annotation["result"])[0].texts == ("Сдано второе",)


def test_undo_and_redo_walk_through_an_edit_and_a_drawn_box(stage: Stage, editor: Editor) -> None:
    page = stage.page("Отмена один", "Отмена два")
    project, _ = stage.project(page, missed="Отмена два")
    editor.open_stream(project.id)
    mend(editor, "Отмена раз")
    editor.press("Escape")
    editor.switch_on_assist()
    editor.press("1", "m")
    quad = page.quad_of("Отмена два")
    editor.drag(quad[0] - 4, quad[2] + 4)
    editor.wait_for_line("Отмена два")
    done = texts(editor)
    assert done == ["Отмена раз", "Отмена два"]

    for _ in range(12):
        editor.press("Control+z")
    assert texts(editor) == ["Отмена один"]
    for _ in range(12):
        editor.press("Control+Shift+z")

    assert texts(editor) == done


@pytest.mark.parametrize("leave", ["click Submit", "next line", "click on the page"])
def test_a_text_that_is_still_being_typed_is_not_lost(stage: Stage, editor: Editor, leave: str) -> None:
    project, task = a_project(stage, f"Набор {len(leave)}")
    editor.open_task(project.id, task)
    editor.wait_for(lambda: len(editor.lines) == 2, "the page is filled")
    editor.next_line()
    editor.press("1", "Enter")
    editor.page.keyboard.press("Control+A")
    editor.type("Набрано не до конца")
    if leave == "next line":
        editor.press("Enter")
        editor.next_line()
    elif leave == "click on the page":
        editor.click_at(900, 600)

    editor.submit_by_mouse()

    (annotation,) = project.export()[task]["annotations"]
    assert regions(annotation["result"])[0].texts == ("Набрано не до конца",)


def test_two_annotators_of_one_task_keep_a_page_each(stage: Stage, editor: Editor) -> None:
    project, task = a_project(stage, "Двое")
    with stage.annotator("second_annotator", "second@example.org", "a long pass phrase") as other:
        for person in (editor, other):
            person.open_task(project.id, task)
            person.wait_for(lambda who=person: len(who.lines) == 2, "the page is filled")  # type: ignore[misc]
        mend(editor, "Двое: первый")
        mend(other, "Двое: вторая")
        editor.submit()
        other.submit()

    stored = project.export()[task]["annotations"]
    assert len({annotation["completed_by"] for annotation in stored}) == 2
    assert {regions(annotation["result"])[0].texts for annotation in stored} == {
        ("Двое: первый",),
        ("Двое: вторая",),
    }


def test_a_reread_stores_new_texts_beside_what_the_person_did(stage: Stage, editor: Editor) -> None:
    page = stage.page("Широкая строка", "Моя строка", "Третья строка")
    project, (task,) = stage.project(page)
    editor.open_task(project.id, task)
    editor.wait_for(lambda: len(editor.lines) == 3, "the page is filled")
    mend(editor, "Совсем моя")
    editor.submit()
    (annotation,) = project.export()[task]["annotations"]
    moved = annotation["result"]
    target = editor.line("Третья строка").id
    below = page.quad_of("Моя строка")
    for part in moved:
        if part["id"] == target:
            part["value"] |= {"y": float(below[0, 1] / 6.4), "x": 6.0, "height": 7.2, "rotation": 0}
    project.api.call("PATCH", f"/api/annotations/{annotation['id']}/", "move a box", body={"result": moved})

    told = twinread(stage, "reread", "--project", str(project.id), "--task", str(task))

    assert "'Третья строка' -> 'Моя строка'" in told
    after = project.api.task(task)
    assert after["annotations"][0]["result"] == moved
    fresh = [made for made in after["predictions"] if made["model_version"].startswith("reread")]
    assert [region.texts for region in regions(fresh[0]["result"])] == [
        ("Совсем моя",),
        ("Моя строка",),
        ("Моя строка",),
    ]
    editor.open_task(project.id, task)
    tab = editor.page.locator(".lsf-annotation-button", has_text="reread").first
    tab.click()
    tab.locator(".lsf-annotation-button__trigger").click()
    editor.page.get_by_text("Duplicate").first.click()
    editor.wait_for(lambda: texts(editor).count("Моя строка") == 2, "the new texts are taken over")
    editor.submit()
    first, second = sorted(project.export()[task]["annotations"], key=lambda made: made["id"])
    assert first["result"] == moved
    assert [region.texts for region in regions(second["result"])] == [
        ("Совсем моя",),
        ("Моя строка",),
        ("Моя строка",),
    ]
    assert "reviewed" in twinread(stage, "status", "--project", str(project.id))


def twinread(stage: Stage, *arguments: str) -> str:
    """What a command prints."""
    done = subprocess.run(
        [sys.executable, "-m", "backend", *arguments],
        cwd=stage.folder,
        env=variables(stage.folder, stage.values),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout

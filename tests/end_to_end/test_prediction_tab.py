"""Who read a page stands in the tab of its prediction, in a real browser."""

from __future__ import annotations

from tests.end_to_end.browser import Editor, Stage
from tests.parts.label_studio import LABEL_STUDIO

pytestmark = LABEL_STUDIO


def test_the_tab_of_a_prediction_says_who_read_and_all_of_it_under_the_mouse(
    stage: Stage, editor: Editor
) -> None:
    project, (task,) = stage.project(stage.page("Первая строка"))
    (prediction,) = project.api.task(task)["predictions"]
    version = prediction["model_version"]
    editor.open_task(project.id, task)

    tab = editor.page.get_by_text(f"ERNIE x2...{version[-6:]}", exact=True)
    tab.wait_for()
    tab.hover()

    editor.page.get_by_text(version, exact=True).wait_for()
    editor.picture("prediction_tab")

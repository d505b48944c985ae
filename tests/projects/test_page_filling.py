"""What fills pages is chosen from what is stored, and what people chose themselves stays."""

from __future__ import annotations

import json

from backend.projects.page_filling import choose_predictions, kept_predictions
from tests.parts.http_script import says, serving
from tests.parts.label_studio import CONFIG, LABEL_STUDIO, RunningLabelStudio

OURS = "Paddle+Tesseract for Russian (PP-OCRv5_mobile_det tesseract-5.3.0) 1f3a9c07"


@LABEL_STUDIO
def test_predictions_that_somebody_chose_fill_pages_until_ours_are_asked_for(
    label_studio: RunningLabelStudio,
) -> None:
    api = label_studio.api()
    project = int(api.create_project(title="Chosen", label_config=CONFIG)["id"])
    (task,) = api.import_tasks(project, [{"data": {"image": "/a.png"}}])
    for version in (OURS, "imported:Label.txt"):
        api.create_prediction(task, [], version)
    api.update_project(project, model_version="imported:Label.txt")
    body = json.dumps({"model_version": OURS}).encode()
    answer = says(body, Content_Type="application/json")
    with serving({"/health": answer, "/setup": answer, "/webhook": says(b"{}")}) as backend:
        api.add_backend(project=project, url=backend.url, title="twinread")
        assert choose_predictions(api, project) == []
        (told,) = kept_predictions(api, project)
        assert "'imported:Label.txt'" in told
        assert "--update predictions" in told
        assert api.project(project)["model_version"] == "imported:Label.txt"

        (changed,) = choose_predictions(api, project, replace=True)
        assert OURS in changed
        assert kept_predictions(api, project) == []
    assert api.project(project)["model_version"] == OURS

"""What Label Studio would drop of predictions is named before they are stored, and nothing else is."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from backend.label_studio.prediction_check import PredictionCheck
from tests.parts.label_studio import CONFIG, LABEL_STUDIO, RunningLabelStudio

ROOT = Path(__file__).resolve().parents[2]

BOX = {"x": 1, "y": 2, "width": 3, "height": 4, "rotation": 0}
LOWER_CASE = CONFIG.replace("<Label ", "<label ")
TWO_CASES = CONFIG.replace("<Label ", '<Label value="Check"/><label ')


def shape(**value: object) -> dict[str, Any]:
    common = {"id": "a", "from_name": "label", "to_name": "image", "type": "rectanglelabels"}
    return {**common, "value": {**BOX, "rectanglelabels": ["Text"], **value}}


def text(said: object) -> dict[str, Any]:
    common = {"id": "a", "from_name": "transcription", "to_name": "image", "type": "textarea"}
    return {**common, "value": {**BOX, "text": said}}


PLANTED: dict[str, tuple[dict[str, Any], str]] = {
    "fits": ({"result": [shape(), text(["a"])], "score": 0.5}, ""),
    "no result": ({"result": []}, ""),
    "on the page by a hair": ({"result": [shape(x=99.999, width=100)]}, ""),
    "begins off the page": ({"result": [shape(x=-30, width=50)]}, ""),
    "wrong label": (
        {"result": [shape(), shape(rectanglelabels=["Nope"])]},
        r"result 2 of 2 \(a\): Invalid value for control 'label'.*'Nope'.*valid labels: \['Text'\]",
    ),
    "wrong type": (
        {"result": [{**shape(), "type": "polygonlabels"}]},
        "result 1 of 1 .*'polygonlabels' does not match expected type 'rectanglelabels'",
    ),
    "wrong from_name": ({"result": [{**shape(), "from_name": "gone"}]}, "'from_name' 'gone' not found"),
    "wrong to_name": ({"result": [{**shape(), "to_name": "gone"}]}, "'to_name' 'gone' not found"),
    "out of bounds": ({"result": [shape(width=150, rotation=90)]}, r"width 150 out of bounds \[0, 100\]"),
    "no value": ({"result": [{"id": "a", "from_name": "label", "to_name": "image"}]}, "Missing .* 'type'"),
    "text that is no list": ({"result": [text("a")]}, "'transcription'"),
    "score": ({"result": [shape()], "score": 1.5}, "Score must be between"),
    "relation to nothing": (
        {"result": [shape(), {"type": "relation", "from_id": "a", "to_id": "b", "direction": "right"}]},
        "result 2 of 2: 'to_id' 'b' not found",
    ),
}
"""Predictions for `CONFIG` by name, and why Label Studio drops each; empty where it takes it."""


@pytest.mark.parametrize("name", PLANTED)
def test_a_prediction_that_does_not_fit_is_named_with_its_result(name: str) -> None:
    planted, why = PLANTED[name]
    said = PredictionCheck(CONFIG).misfit(planted)
    assert bool(said) is bool(why), said
    assert re.search(why, said), said


def test_a_sentence_stays_short_however_much_is_wrong() -> None:
    long = [shape(rectanglelabels=["x" * 5000]) for _ in range(40)]

    said = PredictionCheck(CONFIG).misfit({"result": long})

    assert said.endswith("; and 37 more")
    assert "valid labels: ['Text']" in said
    assert len(said) < 1500


def test_looking_for_faults_is_what_first_imports_the_sdk() -> None:
    code = (
        "import sys; from backend.label_studio.prediction_check import PredictionCheck;"
        "check = PredictionCheck('<View/>'); print('label_studio_sdk' in sys.modules);"
        "check.misfit({'result': []}); print('label_studio_sdk' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == ["False", "True"]


@pytest.mark.parametrize(
    ("xml", "why"),
    [
        pytest.param(LOWER_CASE, "overlooks <label> in it", id="labels in lower case"),
        pytest.param(TWO_CASES, "overlooks <label> in it", id="some labels in lower case"),
        pytest.param(CONFIG.replace(" value=", " Value="), 'overlooks Value="$image"', id="attributes, too"),
        pytest.param(
            CONFIG.replace('toName="image"', 'toName=" image "'), 'toName=" image "', id="spaces in a name"
        ),
        pytest.param(
            f'<?xml version="1.0" encoding="utf-8"?>{CONFIG}', "encoding declaration", id="XML declaration"
        ),
        pytest.param(
            f"{'<View>' * 300}{CONFIG}{'</View>' * 300}", "100 tags inside one another", id="nested"
        ),
        pytest.param("", "not well-formed", id="empty"),
    ],
)
def test_where_the_sdk_cannot_read_the_config_it_is_said_and_nothing_is_left_out(xml: str, why: str) -> None:
    check = PredictionCheck(xml)

    fit, misfits = check.split([planted for planted, _ in PLANTED.values()])

    assert why in check.unchecked
    assert "\n" not in check.unchecked
    assert (len(fit), misfits) == (len(PLANTED), ())


def test_with_a_config_that_the_sdk_reads_predictions_are_checked() -> None:
    assert PredictionCheck(CONFIG).unchecked == ""


@LABEL_STUDIO
@pytest.mark.parametrize(
    "xml",
    [
        pytest.param(CONFIG, id="stock"),
        pytest.param(f'<?xml version="1.0"?>{CONFIG}', id="XML declaration without an encoding"),
        pytest.param(
            CONFIG.replace('<Label value="Text"/>', "").replace('="label"', '="label" value="$labels"'),
            id="labels from the task",
        ),
    ],
)
def test_a_real_label_studio_drops_what_was_named_and_no_other(
    label_studio: RunningLabelStudio, xml: str
) -> None:
    api = label_studio.api()
    project = int(api.create_project(title="Planted", label_config=xml)["id"])
    tasks = api.import_tasks(project, [{"data": {"image": "/a.png", "labels": []}} for _ in PLANTED])
    named = [PredictionCheck(xml).misfit(planted) for planted, _ in PLANTED.values()]

    for (name, (planted, _)), task in zip(PLANTED.items(), tasks, strict=True):
        # past the check: what Label Studio itself does with each
        path = f"/api/projects/{project}/import/predictions"
        api.call("POST", path, f"take {name}", body=[{"task": task, "model_version": name, **planted}])

    stored = {task["id"] for task in api.tasks(project) if task["predictions"]}
    assert stored == {task for task, why in zip(tasks, named, strict=True) if not why}
    assert any(named)


@LABEL_STUDIO
def test_bulk_predictions_are_stored_but_for_those_that_do_not_fit(label_studio: RunningLabelStudio) -> None:
    api = label_studio.api()
    project = int(api.create_project(title="Bulk", label_config=CONFIG)["id"])
    tasks = api.import_tasks(project, [{"data": {"image": "/a.png"}} for _ in PLANTED])
    given = [
        {"task": task, "model_version": name, **planted}
        for task, (name, (planted, _)) in zip(tasks, PLANTED.items(), strict=True)
    ]

    stored = api.import_predictions(project, given)

    fits = [name for name, (_, why) in PLANTED.items() if not why]
    assert (stored.created, stored.dropped, stored.unchecked) == (len(fits), 0, "")
    assert stored.created + stored.dropped + len(stored.left_out) == len(given)
    names = {
        task["id"]: [made["model_version"] for made in task["predictions"]] for task in api.tasks(project)
    }
    assert [name for found in names.values() for name in found] == fits
    assert {misfit.task for misfit in stored.left_out} == {task for task in tasks if not names[task]}
    assert f"the prediction of task {stored.left_out[0].task} does not fit" in stored.left_out[0].sentence


@LABEL_STUDIO
def test_what_label_studio_drops_unchecked_is_counted(
    label_studio: RunningLabelStudio,
) -> None:
    api = label_studio.api()
    project = int(api.create_project(title="Lower case", label_config=LOWER_CASE)["id"])
    (task,) = api.import_tasks(project, [{"data": {"image": "/a.png"}}])
    wrong = {"task": task, "result": [{**shape(), "to_name": "gone"}]}

    stored = api.import_predictions(project, [wrong, {"task": task, "result": [shape()]}])

    assert (stored.created, stored.dropped, stored.left_out) == (1, 1, ())
    assert "<label>" in stored.unchecked

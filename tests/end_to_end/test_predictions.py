"""From an upload to the export: lines found and read twice, in a real Label Studio with real models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from label_studio_sdk.label_interface import LabelInterface

from backend.demo.label_studio_installation import ENVIRONMENT
from backend.errors import LabelStudioFailed
from backend.label_studio.default_config import default_config
from backend.label_studio.regions import RegionShape, regions
from tests.end_to_end.projects import Likeness, Project, iou, texts_of
from tests.parts.backend_process import RunningBackend
from tests.parts.label_studio import LABEL_STUDIO, RunningLabelStudio
from tests.parts.samples import Sample, sample

pytestmark = LABEL_STUDIO

PAGES = ("syn_001_ru_receipt", "syn_007_ru_sign", "syn_051_ru_exif6", "syn_064_ru_homoglyph")

POLYGONS = """<View>
  <Image name="scan" value="$scan"/>
  <PolygonLabels name="outline" toName="scan"><Label value="Line"/><Label value="Check"/></PolygonLabels>
  <TextArea name="words" toName="scan" perRegion="true"/>
</View>"""
RECTANGLES = """<View>
  <Image name="scan" value="$scan"/>
  <RectangleLabels name="boxes" toName="scan"><Label value="Text"/></RectangleLabels>
  <TextArea name="words" toName="scan" perRegion="true"/>
</View>"""


def stock_ocr_template() -> str:
    """Label Studio's own template, out of the installed server."""
    (found,) = ENVIRONMENT.glob(
        "lib/*/site-packages/label_studio/**/optical-character-recognition/config.yml"
    )
    config: str = yaml.safe_load(found.read_text("utf-8"))["config"]
    return config


@dataclass
class Retrieved:
    """Some sample pages, uploaded and predicted."""

    project: Project
    pages: dict[str, tuple[int, Sample]]
    predictions: dict[int, list[dict[str, Any]]]

    def prediction(self, name: str) -> dict[str, Any]:
        (only,) = self.predictions[self.pages[name][0]]
        return only


@pytest.fixture(scope="module")
def retrieved(label_studio: RunningLabelStudio, local_backend: RunningBackend) -> Retrieved:
    project = Project.connected(label_studio.api(), local_backend, "Predictions")
    samples = {name: sample(name) for name in PAGES}
    ids = project.upload(*(page.path for page in samples.values()))
    pages = {name: (task, page) for task, (name, page) in zip(ids, samples.items(), strict=True)}
    return Retrieved(project, pages, project.retrieve(ids))


@pytest.mark.parametrize(
    ("name", "least"),
    [
        # measured with two Tesseract readings: 1/.86/.93, 1/1/1, .91/.91/.91; one line is some percent
        pytest.param("syn_001_ru_receipt", Likeness(0.96, 0.75, 0.85, 27), id="receipt"),
        pytest.param("syn_007_ru_sign", Likeness(1.0, 1.0, 1.0, 3), id="sign"),
        pytest.param("syn_051_ru_exif6", Likeness(0.9, 0.8, 0.9, 10), id="photograph turned by its EXIF tag"),
    ],
)
def test_the_true_texts_stand_on_the_true_lines(retrieved: Retrieved, name: str, least: Likeness) -> None:
    page = retrieved.pages[name][1]
    read = regions(retrieved.prediction(name)["result"])
    seen = Likeness.of(read, page.lines)
    assert seen.found >= least.found
    assert seen.exact >= least.exact
    assert seen.near >= least.near
    assert least.regions <= seen.regions <= len(page.lines) + 1
    assert {region.page_size for region in read} == {(page.width, page.height)}


def test_agreed_lines_are_text_and_disputed_ones_check_with_both_readings_and_what_differs(
    retrieved: Retrieved,
) -> None:
    read = [region for name in PAGES for region in regions(retrieved.prediction(name)["result"])]
    disputed = [region for region in read if region.labels == ("Check",)]
    agreed = [region for region in read if region.labels == ("Text",)]
    assert len(disputed) + len(agreed) == len(read)
    assert len(disputed) >= 3
    assert len(agreed) >= 30
    for region in disputed:
        first, second, *_ = region.meta["text"].splitlines()
        assert first.startswith("A: ")
        assert second.startswith("B: ")
        named = "differs:" if first[3:] != second[3:] else "why:"  # both may have the same wrong text
        assert named in region.meta["text"] or "(nothing read)" in region.meta["text"]
        if region.texts:
            assert region.texts[0] in (first[3:], second[3:])
    assert all(region.texts and region.texts[0].strip() for region in agreed)
    for name in PAGES:
        labels = [region.labels for region in regions(retrieved.prediction(name)["result"])]
        assert labels == sorted(labels), "lines in doubt come first"
        share = labels.count(("Text",)) / len(labels)
        assert retrieved.prediction(name)["score"] == pytest.approx(share)


def test_letters_of_two_scripts_in_one_word_are_written_in_the_word_s_own(retrieved: Retrieved) -> None:
    written = texts_of(retrieved.prediction("syn_064_ru_homoglyph"))
    assert {"Сахар", "ТЕАТР НА ВОЗДУХЕ", "Москва"} <= set(written)


def test_setup_and_predictions_name_one_version_so_a_second_retrieve_stores_no_duplicates(
    retrieved: Retrieved, local_backend: RunningBackend
) -> None:
    version = local_backend.status()["model_version"]
    ids = [task for task, _ in retrieved.pages.values()]
    pages_read = local_backend.metric('twinread_pages_total{outcome="done"}')
    again = retrieved.project.retrieve(ids)
    assert {len(predictions) for predictions in again.values()} == {1}
    assert {prediction["model_version"] for (prediction,) in again.values()} == {version}
    assert local_backend.metric('twinread_pages_total{outcome="done"}') == pages_read
    (connected,) = retrieved.project.api.backends(retrieved.project.id)
    assert (connected["readable_state"], connected["model_version"]) == ("Connected", version)


def test_what_is_submitted_untouched_still_stands_in_the_export(retrieved: Retrieved) -> None:
    project = retrieved.project
    for name in PAGES:
        prediction = retrieved.prediction(name)
        project.api.create_annotation(
            retrieved.pages[name][0], prediction["result"], parent_prediction=prediction["id"]
        )
    exported = project.export()
    for name in PAGES:
        (annotation,) = exported[retrieved.pages[name][0]]["annotations"]
        predicted = retrieved.prediction(name)["result"]
        assert annotation["result"] == predicted
        assert annotation["was_cancelled"] is False
        assert annotation["parent_prediction"] == retrieved.prediction(name)["id"]


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(("ours", None, "image"), id="our own config"),
        pytest.param(("stock", "stock", "ocr"), id="Label Studio's OCR template"),
        pytest.param(("polygons", POLYGONS, "scan"), id="PolygonLabels and TextArea"),
        pytest.param(("rectangles", RECTANGLES, "scan"), id="RectangleLabels and TextArea, one label"),
    ],
)
def shown(
    request: pytest.FixtureRequest, label_studio: RunningLabelStudio, local_backend: RunningBackend
) -> tuple[str, str, dict[str, Any]]:
    """A labeling config's name, the config as Label Studio keeps it, and a prediction stored under it."""
    name, config, key = request.param
    config = stock_ocr_template() if config == "stock" else config
    project = Project.connected(label_studio.api(), local_backend, f"Config {name}", config, key)
    (task,) = project.upload(sample("syn_007").path)
    stored = project.api.project(project.id)["label_config"]
    return name, stored, project.retrieve_one(task)


def test_every_kind_of_config_gets_the_lines_in_its_own_tags(shown: tuple[str, str, dict[str, Any]]) -> None:
    name, _, prediction = shown
    read = regions(prediction["result"])
    assert texts_of(prediction) == ["АПТЕКА", "круглосуточно", "24 часа"]
    assert {region.labels for region in read} == {("Line",) if name == "polygons" else ("Text",)}
    polygon = name == "polygons"
    assert {region.shape for region in read} == {RegionShape.POLYGON if polygon else RegionShape.RECTANGLE}
    quads = [region.points for region in sorted(read, key=lambda region: region.id)]
    for quad, line in zip(quads, sample("syn_007").lines, strict=True):
        assert iou(quad, line["poly"]) >= 0.5


def test_what_is_stored_is_valid_by_label_studio_s_own_rules(shown: tuple[str, str, dict[str, Any]]) -> None:
    _, config, prediction = shown
    asked = {name: prediction[name] for name in ("result", "score", "model_version")}
    assert LabelInterface(config).validate_prediction(asked, return_errors=True) == []


def test_a_drawn_box_gets_its_text_through_label_studio(
    retrieved: Retrieved, local_backend: RunningBackend
) -> None:
    task, page = retrieved.pages["syn_007_ru_sign"]
    (left, top), _, (right, bottom), _ = page.lines[0]["poly"]
    geometry = {
        "x": left / page.width * 100,
        "y": top / page.height * 100,
        "width": (right - left) / page.width * 100,
        "height": (bottom - top) / page.height * 100,
        "rotation": 0,
    }
    drawn = {
        "id": "AbC123",
        "from_name": "label",
        "to_name": "image",
        "type": "rectanglelabels",
        "origin": "manual",
        "original_width": page.width,
        "original_height": page.height,
        "image_rotation": 0,
        "value": {**geometry, "rectanglelabels": ["Text"]},
    }
    (backend,) = retrieved.project.api.backends(retrieved.project.id)
    # the editor sends every region of the same label, and the drawn one last
    shown = [{**item, "origin": "prediction"} for item in retrieved.prediction("syn_007_ru_sign")["result"]]
    answer = retrieved.project.api.call(
        "POST",
        f"/api/ml/{backend['id']}/interactive-annotating",
        "read a drawn box",
        body={"task": task, "context": {"result": [*shown, drawn]}},
    )
    (region,) = regions(answer["data"]["result"])
    assert (region.id, region.labels, region.texts) == ("AbC123", ("Text",), ("АПТЕКА",))
    labelled = next(item for item in answer["data"]["result"] if item["type"] == "rectanglelabels")
    assert {key: labelled["value"][key] for key in geometry} == geometry


def test_a_config_that_lacks_a_tag_is_one_sentence_where_people_connect(
    label_studio: RunningLabelStudio, local_backend: RunningBackend
) -> None:
    without_text = default_config()[: default_config().index("<TextArea")] + "</View>"
    with pytest.raises(LabelStudioFailed) as refused:
        Project.connected(label_studio.api(), local_backend, "No text area", without_text)
    assert 'add <TextArea name="transcription" toName="image" perRegion="true"' in str(refused.value)

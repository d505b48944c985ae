"""Settings and options to what commands read from."""

from __future__ import annotations

import pytest

from backend.errors import BadRequest, ConfigIncomplete
from backend.fetching.sources import Sources
from backend.settings.settings import Settings
from converters.reviewed import inputs
from converters.reviewed.image_folder import ImageFolder
from tests.parts.reviewed_tasks import annotation, rectangle, task
from tests.parts.scripted import CONFIG

NAMES = Settings(label_check="Zweifel").label_names


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        pytest.param(b"\xff\xfe<View/>", BadRequest, "config.xml is not UTF-8", id="another encoding"),
        pytest.param(b"<View", BadRequest, "not well-formed", id="no XML"),
        pytest.param(
            b"<View/>", ConfigIncomplete, "Image", id="a config without an image is not passed over"
        ),
    ],
)
def test_a_named_labeling_config_is_heeded_or_refused(tmp_path, content, error, words):
    (tmp_path / "config.xml").write_bytes(content)
    with pytest.raises(error, match=words):
        inputs.labeling_config(tmp_path / "config.xml", NAMES)


def test_a_labeling_config_is_read(tmp_path):
    (tmp_path / "config.xml").write_text(CONFIG, "utf-8")
    assert inputs.labeling_config(tmp_path / "config.xml", NAMES).data_field == "image"
    assert inputs.labeling_config(None, NAMES) is None


def test_images_come_from_the_folder_where_one_is_named(tmp_path):
    values = Settings(cache_dir=tmp_path)
    assert isinstance(inputs.page_source(tmp_path, None, values), ImageFolder)
    assert isinstance(inputs.page_source(None, None, values), Sources)


@pytest.mark.parametrize(
    ("inside", "labels"),
    [
        pytest.param('<Labels name="a"><Label value="Text"/></Labels>', ("Text",), id="one"),
        pytest.param(
            '<RectangleLabels name="a"><Label value="Строка" alias="Text"/><Label value="Table"/>'
            '</RectangleLabels><PolygonLabels name="b"><Label value="Table"/></PolygonLabels>',
            ("Text", "Table"),
            id="as results spell them, once each",
        ),
        pytest.param('<Labels name="a" value="$labels"/>', None, id="labels that come with each task"),
        pytest.param('<Labels name="a"><Label value="$kind"/></Labels>', None, id="a label of each task"),
        pytest.param('<Image name="image" value="$image"/>', (), id="none"),
    ],
)
def test_the_labels_that_a_config_offers_are_known(tmp_path, inside, labels):
    (tmp_path / "config.xml").write_text(f"<View>{inside}</View>", "utf-8")
    assert inputs.labels_offered(tmp_path / "config.xml") == labels


def test_labels_are_noted_while_tasks_pass_and_garbage_passes_too():
    tasks = [
        task(1, annotation([*rectangle("a", label="Table"), 7, {"value": {"labels": "Title"}}]), "garbage"),
        task(2, annotation(None)),
        {**annotation(rectangle("a", label="Check")), "task": {"data": {}}},
        {"data": {}, "annotations": 5},
        "garbage",
    ]
    found: set[str] = set()
    assert list(inputs.noting_labels(iter(tasks), found)) == tasks
    assert found == {"table", "title", "check"}

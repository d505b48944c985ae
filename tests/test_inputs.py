"""Settings and options to what commands read from."""

from __future__ import annotations

import pytest

from backend.errors import BadRequest, ConfigLacking
from backend.settings import Settings
from backend.sources import Sources
from converters import inputs
from converters.image_folder import ImageFolder
from tests.scripted import CONFIG

NAMES = Settings(label_check="Zweifel").label_names


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        pytest.param(b"\xff\xfe<View/>", BadRequest, "config.xml is not UTF-8", id="another encoding"),
        pytest.param(b"<View", BadRequest, "not well-formed", id="no XML"),
        pytest.param(b"<View/>", ConfigLacking, "Image", id="a config without an image is not passed over"),
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

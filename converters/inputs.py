"""Where commands read from: options and settings to labeling configs and images."""

from __future__ import annotations

from pathlib import Path

from backend.config_tags import LabelNames
from backend.errors import BadRequest
from backend.label_studio_api import LabelStudioApi
from backend.labeling_config import LabelingConfig
from backend.settings import Settings
from backend.sources import Sources
from converters.image_folder import ImageFolder
from converters.page_maker import PageSource


def labeling_config(path: Path | None, names: LabelNames) -> LabelingConfig | None:
    """The labeling config of a file; None where none is named.

    Raises:
        BadRequest: the file is no labeling config, or lacks a tag; whoever names one wants it heeded.
    """
    if path is None:
        return None
    try:
        xml = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest(f"{path.name} is not UTF-8, so it is no labeling config of Label Studio.") from error
    except OSError as error:
        raise BadRequest(f"{path.name} cannot be read: {error.strerror}.") from error
    return LabelingConfig.parse(xml, names)


def page_source(folder: Path | None, api: LabelStudioApi | None, values: Settings) -> PageSource:
    """Gives images: those of a folder where one is named, else wherever tasks say they are.

    Args:
        folder: holds the images.
        api: Label Studio, where there is a key.
        values: limits, and the place of the cache.
    """
    if folder is not None:
        return ImageFolder(folder, values.max_image_bytes)
    return Sources.of(values, api)

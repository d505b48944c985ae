"""Where commands read from: options and settings to labeling configs and images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from backend.errors import BadRequest
from backend.fetching.sources import Sources
from backend.label_studio import result_fields
from backend.label_studio.client import LabelStudio
from backend.label_studio.config_tags import LabelNames
from backend.label_studio.labeling_config import LabelingConfig
from backend.seams import PageSource
from backend.settings.settings import Settings
from converters.reviewed.image_folder import ImageFolder
from converters.reviewed.tasks import as_task, labels_in


def labeling_config(path: Path | None, names: LabelNames) -> LabelingConfig | None:
    """The labeling config of a file; None where none is named.

    Args:
        path: the file, XML.
        names: what the labels are called.

    Raises:
        BadRequest: the file is no labeling config, or lacks a tag; whoever names one wants it heeded.
    """
    return None if path is None else LabelingConfig.parse(_xml(path), names)


def labels_offered(path: Path | None) -> tuple[str, ...] | None:
    """Every label of the labeling config of a file; None where none is named, or tasks bring labels, too.

    Raises:
        BadRequest: the file is no labeling config.
    """
    return None if path is None else labels_in(_xml(path))


def _xml(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest(f"{path.name} is not UTF-8, so it is no labeling config of Label Studio.") from error
    except OSError as error:
        raise BadRequest(f"{path.name} cannot be read: {error.strerror}.") from error


def noting_labels(tasks: Iterable[object], found: set[str]) -> Iterator[object]:
    """Pass tasks on, and note every label of their annotations' regions.

    Args:
        tasks: as they stand in an export or an answer of the API.
        found: gets the labels, in lower case.
    """
    for item in tasks:
        annotations = (as_task(item) or {}).get("annotations")
        for annotation in annotations if isinstance(annotations, list) else ():
            result = annotation.get("result") if isinstance(annotation, dict) else None
            parts = [part for part in result if isinstance(part, dict)] if isinstance(result, list) else []
            found.update(label.casefold() for label in result_fields.labels_of(parts, []))
        yield item


def names_with(names: LabelNames, text_field: str | None) -> LabelNames:
    """What labels and text areas are called, with those of --text-field where it is given.

    Raises:
        BadRequest: it names none.
    """
    if text_field is None:
        return names
    text_areas = tuple(filter(None, map(str.strip, text_field.split(","))))
    if not text_areas:
        raise BadRequest(f"--text-field {text_field!r} names no text area. Write its name, or leave it out.")
    return replace(names, text_areas=text_areas)


def check_text_areas(tasks: Iterable[object], names: LabelNames) -> Iterator[object]:
    """Pass tasks of a file on whose labeling config is not known; at the end refuse several text areas.

    Args:
        tasks: as they stand in an export.
        names: with the TextAreas that hold transcriptions, where they are named.

    Raises:
        BadRequest: regions have texts of several TextAreas, and nobody says which ones are transcriptions.
    """
    found: dict[str, None] = {}
    for item in tasks:
        annotations = (as_task(item) or {}).get("annotations")
        for annotation in annotations if isinstance(annotations, list) else ():
            result = annotation.get("result") if isinstance(annotation, dict) else None
            for part in result if isinstance(result, list) else ():
                is_text = isinstance(part, dict) and result_fields.name_in(part, "type") == "textarea"
                # an answer about the whole task is no text of a region
                if is_text and result_fields.has_geometry(part):
                    found[result_fields.name_in(part, "from_name")] = None
        yield item
    if len(found) > 1 and not names.text_areas:
        listed = " and ".join(f'"{name}"' for name in found)
        raise BadRequest(
            f"The regions have texts of several text areas: {listed}. Say which one holds the "
            "transcriptions with --text-field (several names are separated by commas), or pass the project's "
            "labeling config with --config."
        )


def page_source(folder: Path | None, api: LabelStudio | None, values: Settings) -> PageSource:
    """Gives images: those of a folder where one is named, else wherever tasks say they are.

    Args:
        folder: holds the images.
        api: Label Studio, where there is a key.
        values: limits, and the place of the cache.
    """
    if folder is not None:
        return ImageFolder(folder, values.max_image_bytes)
    return Sources.of(values, api)

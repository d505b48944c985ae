"""Chooses the TextArea that holds a line's text, and the tags that draw those lines.

Where a config has several of a kind, the one that says so is taken: the tag with a label for text lines, the
TextArea that is named. Where none says so, the project's owner is asked; a guess would be wrong in silence.
"""

from __future__ import annotations

from collections.abc import Sequence

from backend.errors import ConfigIncomplete, ConfigUnclear
from backend.label_studio.config_tags import DrawingTag, LabelNames, Parents, RegionControl, Tag, quoted
from backend.label_studio.hidden_texts import shown_for


def text_area(
    image: Tag, tags: Sequence[Tag], drawing: Sequence[DrawingTag], names: LabelNames, parents: Parents
) -> tuple[Tag, tuple[RegionControl, ...]]:
    """Find the TextArea that holds one text per region, and the tags that draw those regions.

    Of several the one that `names` names, else the only one that people see for the text lines, an editable
    one before one that is not.

    Args:
        image: the Image tag.
        tags: the tags whose `toName` lists it.
        drawing: the tags that could draw lines on it.
        names: the names of the labels and of the TextArea.
        parents: of every element.

    Returns:
        The TextArea, and the controls that it is shown for; the one with a label for text lines first.

    Raises:
        ConfigUnclear: several could be it, and none is named.
        ConfigIncomplete: there is none, or none that is shown; or nobody can tell which tag draws lines.
    """
    areas = [tag for tag in tags if tag.kind == "textarea"]
    per_region = [tag for tag in areas if tag.is_true("perregion")]
    named = [area for area in per_region if area.name in names.text_areas]
    editable = [area for area in per_region if area.attributes.get("editable", "true").lower() != "false"]
    outcomes = [(area, shown_for(area, drawing, parents)) for area in named or editable or per_region]
    shown = [(area, found) for area, found in outcomes if isinstance(found, list)]
    for_text = [(area, found) for area, found in shown if any(tag.says_so for tag in found)]
    if len(for_text or shown) > 1 and not named:
        listed = quoted([area.name for area, _ in for_text or shown], " or ")
        raise ConfigUnclear(
            f"The labeling config has several texts per line: {listed}. Say which one holds the "
            "transcription: set TEXT_FIELD to its name, or pass --text-field where there is that option.",
            text_areas=[area.name for area, _ in for_text or shown],
        )
    if shown:
        area, found = (for_text or shown)[0]
        return area, _controls_of(found, names)
    if outcomes:
        raise next(problem for _, problem in outcomes if isinstance(problem, ConfigIncomplete))
    if areas:
        raise ConfigIncomplete(
            f'The TextArea "{areas[0].name}" holds one text for the whole image, not one per line: '
            'add perRegion="true" to it.'
        )
    raise ConfigIncomplete(
        f'The labeling config has no text per line on the image "{image.name}": '
        f'add <TextArea name="transcription" toName="{image.name}" perRegion="true"/>.'
    )


def _controls_of(found: Sequence[DrawingTag], names: LabelNames) -> tuple[RegionControl, ...]:
    """The controls of drawing tags, the one that has a label for text lines first."""
    labels_tags = dict.fromkeys(tag.labels_name for tag in found)
    texts = {tag.control.labels.text if tag.control is not None else None for tag in found}
    if len(labels_tags) > 1 and not any(tag.says_so for tag in found) and (len(texts) > 1 or None in texts):
        listed = quoted(list(labels_tags), ", ")
        raise ConfigIncomplete(
            f"Several tags could draw text lines ({listed}), and none has a label that is called "
            f'"{names.text}": add predicted_values="{names.text}" to the label for text lines, or set '
            "LABEL_TEXT to its name."
        )
    controls = [
        tag.control for tag in sorted(found, key=lambda tag: not tag.says_so) if tag.control is not None
    ]
    if not controls:
        raise next(tag.problem for tag in found if tag.problem is not None)
    return tuple(controls)

"""Finds the tags of a labeling config that could draw lines, and which of their labels stands for what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backend.errors import ConfigIncomplete
from backend.label_studio.config_tags import (
    ControlShape,
    DrawingTag,
    LabelNames,
    Labels,
    Parents,
    RegionControl,
    Tag,
    quoted,
)
from backend.label_studio.hidden_texts import visibility


def drawing_tags_on(image: Tag, tags: Sequence[Tag], names: LabelNames, parents: Parents) -> list[DrawingTag]:
    """Every tag that could draw lines on the image: rectangles before polygons, each in document order.

    Args:
        image: the Image tag.
        tags: the tags whose `toName` lists it.
        names: the names of the labels.
        parents: of every element.

    Raises:
        ConfigIncomplete: there is none.
    """
    areas = [tag for tag in tags if tag.kind == "textarea" and tag.is_true("perregion")]
    # where texts are shown for some labels alone, a label for text lines is one of those
    shown = visibility(areas[0], parents).labels if len(areas) == 1 else None
    found = [
        _drawing_tag(drawing, labels_tag, shape, names, shown)
        for drawing, labels_tag, shape in _drawing_tags(tags)
    ]
    shapes: tuple[ControlShape, ...] = ("rectangle", "polygon")
    if not found:
        found = [
            DrawingTag(tag.name, "", RegionControl(tag.name, shape, "", Labels("", "")))
            for shape in shapes
            for tag in tags
            if tag.kind == shape
        ]
    if found:
        return found
    raise ConfigIncomplete(
        f'The labeling config has no tag that draws lines on the image "{image.name}": add '
        f'<RectangleLabels name="label" toName="{image.name}"><Label value="{names.text}"/>'
        f'<Label value="{names.check}"/></RectangleLabels>.'
    )


def _drawing_tags(tags: Sequence[Tag]) -> Iterator[tuple[Tag, Tag, ControlShape]]:
    shapes: tuple[ControlShape, ...] = ("rectangle", "polygon")
    for shape in shapes:
        for tag in tags:
            if tag.kind == f"{shape}labels":
                yield tag, tag, shape
            elif tag.kind == shape:
                for labels_tag in tags:
                    if labels_tag.kind == "labels":
                        yield tag, labels_tag, shape


def _drawing_tag(
    drawing: Tag, labels_tag: Tag, shape: ControlShape, names: LabelNames, shown: frozenset[str] | None
) -> DrawingTag:
    """Which label of a tag stands for what; `predicted_values` count before the label's own name.

    Args:
        drawing: draws.
        labels_tag: holds the labels; mostly the same.
        shape: what is drawn.
        names: what the settings call the labels.
        shown: labels for which texts are shown; None for all.
    """
    values: dict[str, str] = {}
    predicted: dict[str, str] = {}
    by_value: dict[str, str] = {}
    for tag in (Tag.of(element) for element in labels_tag.element.iter()):
        value, alias = tag.attributes.get("value", ""), tag.attributes.get("alias", "")
        spelled = alias or value
        if tag.kind == "label" and spelled:
            values[spelled] = value
            for name in tag.listed_names("predicted_values"):
                predicted.setdefault(name.casefold(), spelled)
            for name in (value, alias):
                by_value.setdefault(name.strip().casefold(), spelled)
    if not by_value and labels_tag.attributes.get("value", "").startswith("$"):
        # the labels come with each task, so the config does not have them
        own = Labels(names.text, names.check, names.illegible, names.not_text)
        return DrawingTag(
            drawing.name,
            labels_tag.name,
            RegionControl(drawing.name, shape, labels_tag.name, own),
            says_so=True,
        )

    def label(name: str) -> str | None:
        key = name.strip().casefold()
        return predicted.get(key) or by_value.get(key)

    check, illegible, not_text = label(names.check), label(names.illegible), label(names.not_text)
    others = [name for name in dict.fromkeys(by_value.values()) if name not in (check, illegible, not_text)]
    candidates = [name for name in others if shown is None or {name, values[name]} & shown]
    text = label(names.text) or (candidates[0] if len(candidates) == 1 else None)
    if text is None:
        listed = quoted(others, ", ") or "none"
        problem = ConfigIncomplete(
            f'No label of "{labels_tag.name}" is called "{names.text}" (it has: {listed}): add '
            f'<Label value="{names.text}"/>, or predicted_values="{names.text}" to the label for text lines'
            + (", or set LABEL_TEXT to its name." if others else "."),
            control=labels_tag.name,
        )
        return DrawingTag(drawing.name, labels_tag.name, None, problem)
    labels = Labels(text, check or text, illegible, not_text)
    return DrawingTag(
        drawing.name,
        labels_tag.name,
        RegionControl(drawing.name, shape, labels_tag.name, labels),
        says_so=label(names.text) is not None or check is not None,
        values=values,
    )

"""Says which tags' lines show a TextArea, because a text that people do not see is lost on Submit.

`whenTagName`, `whenLabelValue`, `whenChoiceValue` and `visibleWhen` hide a TextArea, alone or with a View.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from backend.errors import ConfigIncomplete
from backend.label_studio.config_tags import DrawingTag, Parents, Tag, quoted


@dataclass(frozen=True, slots=True)
class Visibility:
    """When a TextArea is shown for a region; None means always.

    tags: only for regions of these tags.
    labels: only for regions with one of these labels.
    never: why a prediction's text is not shown at all.
    """

    tags: frozenset[str] | None = None
    labels: frozenset[str] | None = None
    never: str = ""


def visibility(area: Tag, parents: Parents) -> Visibility:
    """What the attributes of a TextArea and of the Views around it come to."""
    tags, labels = set(area.listed_names("whentagname")), set(area.listed_names("whenlabelvalue"))
    never = "once a choice is made (whenChoiceValue)" if area.attributes.get("whenchoicevalue") else ""
    element = parents.get(area.element)
    while element is not None:
        view = Tag.of(element)
        when = view.attributes.get("visiblewhen", "").strip().lower()
        if when == "region-selected":
            tags |= view.listed_names("whentagname")
            labels |= view.listed_names("whenlabelvalue")
        elif when in ("choice-selected", "no-region-selected"):
            never = never or f'in a View with visibleWhen="{when}"'
        element = parents.get(element)
    return Visibility(frozenset(tags) or None, frozenset(labels) or None, never)


def shown_for(
    area: Tag, drawing: Sequence[DrawingTag], parents: Parents
) -> list[DrawingTag] | ConfigIncomplete:
    """The tags whose lines show the text area, or why their texts would be hidden."""
    when = visibility(area, parents)
    if when.never:
        return ConfigIncomplete(
            f'The TextArea "{area.name}" is shown only {when.never}, so that people would not see '
            "the text of a prediction, and Label Studio would not keep it: take that out, or add another "
            'TextArea with perRegion="true".'
        )
    belonging = [tag for tag in drawing if when.tags is None or when.tags & {tag.name, tag.labels_name}]
    if not belonging:
        return ConfigIncomplete(
            f'The TextArea "{area.name}" is shown only for {_quoted(when.tags or ())} (whenTagName), which '
            "draws no lines: name the tag that does, or take whenTagName out."
        )
    hidden = {
        label
        for tag in belonging
        if tag.control is not None and when.labels is not None
        for label in (tag.control.labels.text, tag.control.labels.check)
        if not {label, tag.values.get(label, label)} & when.labels
    }
    seen = [
        tag
        for tag in belonging
        if tag.control is None or not hidden.intersection((tag.control.labels.text, tag.control.labels.check))
    ]
    if any(tag.control is not None for tag in seen) or not hidden:
        return seen
    return ConfigIncomplete(
        f'The TextArea "{area.name}" is shown only for {_quoted(when.labels or ())} (whenLabelValue), so '
        f"that people would not see the text of a line with the label {_quoted(hidden)}: add that label "
        f"there, or give a label of whenLabelValue predicted_values={_quoted(hidden)}."
    )


def _quoted(names: Iterable[str]) -> str:
    return quoted(sorted(names), " or ")

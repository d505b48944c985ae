"""Finds the tags of a labeling config that draw lines, hold their text, and name their labels.

Where a config has several of a kind, the one that says so is taken: the tag with a label for text lines, the
TextArea that is named. Where none says so, the project's owner is asked; a guess would be wrong in silence.

`labeling_config` puts them together; this module knows the XML.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from backend.errors import BadRequest, ConfigIncomplete, ConfigUnclear

SIZE_LIMIT = 1_000_000
"""Characters of a labeling config; the largest templates of Label Studio have a few thousand."""

ControlShape = Literal["rectangle", "polygon"]

Parents: TypeAlias = Mapping[Element, Element]
"""The parent of every element but the root."""


@dataclass(frozen=True, slots=True)
class LabelNames:
    """The names of the four labels; compared without case, also with a label's `predicted_values`.

    text_areas: names of TextAreas that hold the text of a line, where a config has several.
    """

    text: str = "Text"
    check: str = "Check"
    illegible: str = "Illegible"
    not_text: str = "Not text"
    text_areas: tuple[str, ...] = ()


DEFAULT_NAMES = LabelNames()


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of one control, spelled as in Label Studio's results.

    text: a line that is ready.
    check: a line that a person must decide; the same as `text` where the config has no such label.
    illegible, not_text: labels that a person may give a line; None where the config has no such label.
    """

    text: str
    check: str
    illegible: str | None = None
    not_text: str | None = None

    @property
    def has_check_label(self) -> bool:
        """The config has a separate label for lines in doubt."""
        return self.check != self.text


@dataclass(frozen=True, slots=True)
class RegionControl:
    """A tag that draws lines: RectangleLabels, PolygonLabels, or Rectangle or Polygon, mostly beside Labels.

    name: the drawing tag.
    labels_name: the tag that holds the labels; the same tag for RectangleLabels and PolygonLabels, empty
        where there are no labels.
    """

    name: str
    shape: ControlShape
    labels_name: str
    labels: Labels

    @property
    def has_labels(self) -> bool:
        """What it draws has labels."""
        return bool(self.labels_name)

    @property
    def has_labels_tag(self) -> bool:
        """Another tag holds the labels, so they are a separate result, too."""
        return self.labels_name != self.name

    @property
    def type(self) -> str:
        """The `type` of the drawing tag's results."""
        return self.shape if self.has_labels_tag else f"{self.shape}labels"

    @property
    def labels_type(self) -> str:
        """The `type` of the results that hold the labels, and their key in `value`."""
        return "labels" if self.has_labels_tag else self.type


@dataclass(frozen=True, slots=True)
class Tag:
    """An element as Label Studio's editor sees it; tag and attribute names are in lower case.

    kind: the tag's name, such as `rectanglelabels`.
    name: its `name`; empty without one.
    to_names: the names that its `toName` lists.
    attributes: all its attributes.
    """

    kind: str
    name: str
    to_names: frozenset[str]
    attributes: Mapping[str, str]
    element: Element

    @classmethod
    def of(cls, element: Element) -> Tag:
        """The element as a tag."""
        attributes = {key.lower(): value for key, value in element.attrib.items()}
        to_names = frozenset(name.strip() for name in attributes.get("toname", "").split(","))
        return cls(element.tag.lower(), attributes.get("name", ""), to_names, attributes, element)

    def is_true(self, attribute: str) -> bool:
        """Whether the attribute is "true", in any case."""
        return self.attributes.get(attribute, "").lower() == "true"

    def listed_names(self, attribute: str) -> set[str]:
        """The names in an attribute, which are separated by commas."""
        return {part.strip() for part in self.attributes.get(attribute, "").split(",")} - {""}


def parse_xml(xml: str) -> Element:
    """Parse the XML of a labeling config; entities and document types are refused.

    Raises:
        BadRequest: it is too long, is not XML, or declares entities or a document type.
    """
    if len(xml) > SIZE_LIMIT:
        raise BadRequest(
            f"The labeling config has {len(xml)} characters; twinread reads up to {SIZE_LIMIT}.",
            characters=len(xml),
        )
    try:
        root: Element = fromstring(xml, forbid_dtd=True)
    except DefusedXmlException as error:
        raise BadRequest(
            "The labeling config declares entities or a document type, which are refused as unsafe: "
            "take the <!DOCTYPE> out."
        ) from error
    except (ParseError, UnicodeError) as error:
        raise BadRequest(f"The labeling config is not well-formed XML ({error}).") from error
    return root


@dataclass(frozen=True, slots=True)
class DrawingTag:
    """A tag that could draw lines, and what its labels come to.

    control: None where `problem` says that no label stands for text lines.
    says_so: a label is called as the settings say, or has `predicted_values` that do.
    values: the labels as `whenLabelValue` has them, by how results spell them.
    """

    name: str
    labels_name: str
    control: RegionControl | None
    problem: ConfigIncomplete | None = None
    says_so: bool = False
    values: Mapping[str, str] = field(default_factory=dict)


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
    shown = _visibility(areas[0], parents).labels if len(areas) == 1 else None
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
    outcomes = [(area, _shown_for(area, drawing, parents)) for area in named or editable or per_region]
    shown = [(area, found) for area, found in outcomes if isinstance(found, list)]
    for_text = [(area, found) for area, found in shown if any(tag.says_so for tag in found)]
    if len(for_text or shown) > 1 and not named:
        listed = " or ".join(f'"{area.name}"' for area, _ in for_text or shown)
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
        listed = ", ".join(f'"{name}"' for name in labels_tags)
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


@dataclass(frozen=True, slots=True)
class _Visibility:
    """When a TextArea is shown for a region; None means always.

    tags: only for regions of these tags.
    labels: only for regions with one of these labels.
    never: why a prediction's text is not shown at all.
    """

    tags: frozenset[str] | None = None
    labels: frozenset[str] | None = None
    never: str = ""


def _visibility(area: Tag, parents: Parents) -> _Visibility:
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
    return _Visibility(frozenset(tags) or None, frozenset(labels) or None, never)


def _shown_for(
    area: Tag, drawing: Sequence[DrawingTag], parents: Parents
) -> list[DrawingTag] | ConfigIncomplete:
    """The tags whose lines show the text area, or why their texts would be hidden."""
    when = _visibility(area, parents)
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
        f'there, or give a label of whenLabelValue predicted_values="{" or ".join(sorted(hidden))}".'
    )


def _quoted(names: Iterable[str]) -> str:
    return " or ".join(f'"{name}"' for name in sorted(names))


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
        listed = ", ".join(f'"{name}"' for name in others[:5]) or "none"
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

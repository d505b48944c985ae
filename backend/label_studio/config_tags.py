"""Finds the tags of a labeling config that draw lines, hold their text, and name their labels.

`labeling_config` puts them together; this module knows the XML.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from backend.errors import BadRequest, ConfigIncomplete

SIZE_LIMIT = 1_000_000
"""Characters of a labeling config; the largest templates of Label Studio have a few thousand."""

ControlShape = Literal["rectangle", "polygon"]


@dataclass(frozen=True, slots=True)
class LabelNames:
    """The names of the four labels; compared without case, also with a label's `predicted_values`."""

    text: str = "Text"
    check: str = "Check"
    illegible: str = "Illegible"
    not_text: str = "Not text"


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
    """A tag that draws lines: RectangleLabels, PolygonLabels, or Rectangle or Polygon beside Labels.

    name: the drawing tag.
    labels_name: the tag that holds the labels; the same tag for RectangleLabels and PolygonLabels.
    """

    name: str
    shape: ControlShape
    labels_name: str
    labels: Labels

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


def controls_on(image: Tag, tags: Sequence[Tag], names: LabelNames) -> tuple[RegionControl, ...]:
    """Every tag that draws lines on the image: rectangles before polygons, each in document order.

    Args:
        image: the Image tag.
        tags: the tags whose `toName` lists it.
        names: the names of the labels.

    Raises:
        ConfigIncomplete: no tag draws lines, or none has a label for text lines.
    """
    candidates = [
        (drawing.name, labels_tag.name, shape, _labels(labels_tag, names))
        for drawing, labels_tag, shape in _drawing_tags(tags)
    ]
    found = tuple(
        RegionControl(name, shape, labels_name, labels)
        for name, labels_name, shape, labels in candidates
        if isinstance(labels, Labels)
    )
    if found:
        return found
    for *_, error in candidates:
        if isinstance(error, ConfigIncomplete):
            raise error
    if any(tag.kind in ("rectangle", "polygon") for tag in tags):
        raise ConfigIncomplete(
            f'The labeling config draws shapes on the image "{image.name}" but has no labels for them: add '
            f'<Labels name="label" toName="{image.name}"><Label value="{names.text}"/>'
            f'<Label value="{names.check}"/></Labels>.'
        )
    raise ConfigIncomplete(
        f'The labeling config has no tag that draws lines on the image "{image.name}": add '
        f'<RectangleLabels name="label" toName="{image.name}"><Label value="{names.text}"/>'
        f'<Label value="{names.check}"/></RectangleLabels>.'
    )


def text_area(
    image: Tag, tags: Sequence[Tag], controls: Sequence[RegionControl]
) -> tuple[Tag, tuple[RegionControl, ...]]:
    """Find the TextArea that holds one text per region; an editable one is preferred.

    Args:
        image: the Image tag.
        tags: the tags whose `toName` lists it.
        controls: the tags that draw lines on it.

    Returns:
        The TextArea, and those of the controls that it is shown for (`whenTagName`).

    Raises:
        ConfigIncomplete: there is none.
    """
    areas = [tag for tag in tags if tag.kind == "textarea"]
    per_region = [tag for tag in areas if tag.is_true("perregion")]
    for area in sorted(per_region, key=lambda tag: tag.attributes.get("editable", "true").lower() == "false"):
        only = area.listed_names("whentagname")
        usable = tuple(c for c in controls if not only or only & {c.name, c.labels_name})
        if usable:
            return area, usable
    if areas and not per_region:
        raise ConfigIncomplete(
            f'The TextArea "{areas[0].name}" holds one text for the whole image, not one per line: '
            'add perRegion="true" to it.'
        )
    raise ConfigIncomplete(
        f'The labeling config has no text per line on the image "{image.name}": '
        f'add <TextArea name="transcription" toName="{image.name}" perRegion="true"/>.'
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


def _labels(labels_tag: Tag, names: LabelNames) -> Labels | ConfigIncomplete:
    """Which label of a tag stands for what; `predicted_values` count before the label's own name."""
    predicted: dict[str, str] = {}
    by_value: dict[str, str] = {}
    for tag in (Tag.of(element) for element in labels_tag.element.iter()):
        value, alias = tag.attributes.get("value", ""), tag.attributes.get("alias", "")
        spelled = alias or value
        if tag.kind == "label" and spelled:
            for name in tag.listed_names("predicted_values"):
                predicted.setdefault(name.casefold(), spelled)
            for name in (value, alias):
                by_value.setdefault(name.strip().casefold(), spelled)
    if not by_value and labels_tag.attributes.get("value", "").startswith("$"):
        # the labels come with each task, so the config does not have them
        return Labels(names.text, names.check, names.illegible, names.not_text)

    def label(name: str) -> str | None:
        key = name.strip().casefold()
        return predicted.get(key) or by_value.get(key)

    check, illegible, not_text = label(names.check), label(names.illegible), label(names.not_text)
    others = [name for name in dict.fromkeys(by_value.values()) if name not in (check, illegible, not_text)]
    text = label(names.text) or (others[0] if len(others) == 1 else None)
    if text is None:
        listed = ", ".join(f'"{name}"' for name in others[:5]) or "none"
        return ConfigIncomplete(
            f'No label of "{labels_tag.name}" is called "{names.text}" (it has: {listed}): add '
            f'<Label value="{names.text}"/>, or predicted_values="{names.text}" to the label for text lines.',
            control=labels_tag.name,
        )
    return Labels(text, check or text, illegible, not_text)

"""The tags of a labeling config that draw lines, hold their text, and say which label plays which part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from backend.errors import BadRequest, ConfigLacking

SIZE_LIMIT = 1_000_000
"""Characters of a labeling config; the largest templates of Label Studio have a few thousand."""

Shape = Literal["rectangle", "polygon"]


@dataclass(frozen=True, slots=True)
class LabelNames:
    """What the four labels are called; matched without case, and against `predicted_values`."""

    text: str = "Text"
    check: str = "Check"
    illegible: str = "Illegible"
    not_text: str = "Not text"


DEFAULT_NAMES = LabelNames()


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of one control, spelled as its results must spell them.

    text: a line that is ready.
    check: a line that a person must decide; the same as `text` where the config has no such label.
    illegible, not_text: what a person says of a line; None where the config has no such label.
    """

    text: str
    check: str
    illegible: str | None = None
    not_text: str | None = None

    @property
    def tell_doubt(self) -> bool:
        """The config has a label of its own for lines in doubt."""
        return self.check != self.text


@dataclass(frozen=True, slots=True)
class RegionControl:
    """A tag that draws lines: RectangleLabels, PolygonLabels, or Rectangle or Polygon beside Labels.

    name: the drawing tag.
    labels_name: the tag that holds the labels; the same tag for RectangleLabels and PolygonLabels.
    """

    name: str
    shape: Shape
    labels_name: str
    labels: Labels

    @property
    def labels_apart(self) -> bool:
        """Labels are a tag, and so a result, of their own."""
        return self.labels_name != self.name

    @property
    def type(self) -> str:
        """The `type` of the drawing tag's results."""
        return self.shape if self.labels_apart else f"{self.shape}labels"

    @property
    def labels_type(self) -> str:
        """The `type` of the results that hold the labels, and their key in `value`."""
        return "labels" if self.labels_apart else self.type


@dataclass(frozen=True, slots=True)
class Tag:
    """An element as Label Studio's editor sees it: tag and attribute names without case.

    kind: the tag's name in lower case.
    on: the names that `toName` lists.
    """

    kind: str
    name: str
    on: frozenset[str]
    attributes: Mapping[str, str]
    element: Element

    @classmethod
    def of(cls, element: Element) -> Tag:
        """The element as a tag."""
        attributes = {key.lower(): value for key, value in element.attrib.items()}
        on = frozenset(name.strip() for name in attributes.get("toname", "").split(","))
        return cls(element.tag.lower(), attributes.get("name", ""), on, attributes, element)

    def says(self, attribute: str) -> bool:
        """The attribute is "true"."""
        return self.attributes.get(attribute, "").lower() == "true"

    def names_in(self, attribute: str) -> set[str]:
        """The names that an attribute lists with commas."""
        return {part.strip() for part in self.attributes.get(attribute, "").split(",")} - {""}


def root_of(xml: str) -> Element:
    """Parse a labeling config without following anything it declares.

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


def controls_on(image: Tag, here: Sequence[Tag], names: LabelNames) -> tuple[RegionControl, ...]:
    """Every tag that draws lines on the image: rectangles before polygons, each in document order.

    Args:
        image: the Image tag.
        here: the tags whose `toName` lists it.
        names: what the labels are called.

    Raises:
        ConfigLacking: none does, or none has a label for text lines.
    """
    candidates = [
        (drawing.name, holder.name, shape, _labels(holder, names))
        for drawing, holder, shape in _drawing_tags(here)
    ]
    found = tuple(
        RegionControl(name, shape, labels_name, labels)
        for name, labels_name, shape, labels in candidates
        if isinstance(labels, Labels)
    )
    if found:
        return found
    for *_, lacking in candidates:
        if isinstance(lacking, ConfigLacking):
            raise lacking
    if any(tag.kind in ("rectangle", "polygon") for tag in here):
        raise ConfigLacking(
            f'The labeling config draws shapes on the image "{image.name}" but has no labels for them: add '
            f'<Labels name="label" toName="{image.name}"><Label value="{names.text}"/>'
            f'<Label value="{names.check}"/></Labels>.'
        )
    raise ConfigLacking(
        f'The labeling config has no tag that draws lines on the image "{image.name}": add '
        f'<RectangleLabels name="label" toName="{image.name}"><Label value="{names.text}"/>'
        f'<Label value="{names.check}"/></RectangleLabels>.'
    )


def text_area(
    image: Tag, here: Sequence[Tag], controls: Sequence[RegionControl]
) -> tuple[Tag, tuple[RegionControl, ...]]:
    """The text area per region, one that people can write in first, and the controls it goes with.

    Raises:
        ConfigLacking: there is none.
    """
    areas = [tag for tag in here if tag.kind == "textarea"]
    per_region = [tag for tag in areas if tag.says("perregion")]
    for area in sorted(per_region, key=lambda tag: tag.attributes.get("editable", "true").lower() == "false"):
        only = area.names_in("whentagname")
        usable = tuple(c for c in controls if not only or only & {c.name, c.labels_name})
        if usable:
            return area, usable
    if areas and not per_region:
        raise ConfigLacking(
            f'The TextArea "{areas[0].name}" holds one text for the whole image, not one per line: '
            'add perRegion="true" to it.'
        )
    raise ConfigLacking(
        f'The labeling config has no text per line on the image "{image.name}": '
        f'add <TextArea name="transcription" toName="{image.name}" perRegion="true"/>.'
    )


def _drawing_tags(here: Sequence[Tag]) -> Iterator[tuple[Tag, Tag, Shape]]:
    shapes: tuple[Shape, ...] = ("rectangle", "polygon")
    for shape in shapes:
        for tag in here:
            if tag.kind == f"{shape}labels":
                yield tag, tag, shape
            elif tag.kind == shape:
                for holder in here:
                    if holder.kind == "labels":
                        yield tag, holder, shape


def _labels(holder: Tag, names: LabelNames) -> Labels | ConfigLacking:
    """Which label of a tag plays which part; `predicted_values` say it before the label's own name."""
    predicted: dict[str, str] = {}
    called: dict[str, str] = {}
    for tag in (Tag.of(element) for element in holder.element.iter()):
        shown, stored = tag.attributes.get("value", ""), tag.attributes.get("alias", "")
        spelled = stored or shown
        if tag.kind == "label" and spelled:
            for name in tag.names_in("predicted_values"):
                predicted.setdefault(name.casefold(), spelled)
            for name in (shown, stored):
                called.setdefault(name.strip().casefold(), spelled)
    if not called and holder.attributes.get("value", "").startswith("$"):
        # labels that come with each task are known only there
        return Labels(names.text, names.check, names.illegible, names.not_text)

    def label(name: str) -> str | None:
        key = name.strip().casefold()
        return predicted.get(key) or called.get(key)

    check, illegible, not_text = label(names.check), label(names.illegible), label(names.not_text)
    others = [name for name in dict.fromkeys(called.values()) if name not in (check, illegible, not_text)]
    text = label(names.text) or (others[0] if len(others) == 1 else None)
    if text is None:
        having = ", ".join(f'"{name}"' for name in others[:5]) or "none"
        return ConfigLacking(
            f'No label of "{holder.name}" is called "{names.text}" (it has: {having}): add '
            f'<Label value="{names.text}"/>, or predicted_values="{names.text}" to the label for text lines.',
            control=holder.name,
        )
    return Labels(text, check or text, illegible, not_text)

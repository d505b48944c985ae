"""What a labeling config is made of: tags, labels, controls that draw lines; only this module parses XML.

`drawing_tags`, `hidden_texts` and `text_area` choose among them; `labeling_config` puts them together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from backend.errors import BadRequest, ConfigIncomplete, shortened
from backend.label_studio.config_limits import check_size, check_tree

NAMES_SHOWN = 5
"""Names of tags or labels that a message lists."""

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


def quoted(names: Sequence[str], between: str) -> str:
    """The first names of a list, for a message; empty for none."""
    more = f"{between}{len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return between.join(f'"{shortened(name)}"' for name in names[:NAMES_SHOWN]) + more


def parse_xml(xml: str) -> Element:
    """Parse the XML of a labeling config; entities and document types are refused.

    Raises:
        BadRequest: it is too long or has too many tags, is not XML, or declares entities or a document type.
    """
    check_size(xml)
    try:
        root: Element = fromstring(xml, forbid_dtd=True)
    except DefusedXmlException as error:
        raise BadRequest(
            "The labeling config declares entities or a document type, which are refused as unsafe: "
            "take the <!DOCTYPE> out."
        ) from error
    except (ParseError, UnicodeError) as error:
        raise BadRequest(f"The labeling config is not well-formed XML ({error}).") from error
    check_tree(root)
    return root

"""Limits of a labeling config, so that none costs more than about a second to read.

Anybody who may send a request may send a config. Each limit is far above what Label Studio's editor can
still show, and each refusal is one sentence. Parsing XML is linear; what grows with a product is choosing
among tags: every image with every tag that draws on it, each of these with every Labels tag and label, and
each TextArea with all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from backend.errors import BadRequest

if TYPE_CHECKING:
    from backend.label_studio.config_tags import Parents, Tag

SIZE_LIMIT = 1_000_000
"""Characters; the largest templates of Label Studio have a few thousand."""

TAGS_LIMIT = 50_000
"""Tags, each Label and Choice included."""

DEPTH_LIMIT = 100
"""Tags inside one another; twenty are many."""

NAME_LIMIT = 1_000
"""Characters of a name, a label or the source of an image: results repeat them for each line."""

IMAGES_LIMIT = 1_000
"""Image tags; a task with more pages lists them in one `valueList`, which has no such limit."""

COMPARISONS_LIMIT = 300_000
"""Pairs of tags to look at; ten images with five drawing tags, three Labels of 200 labels make 30,000."""

PAGES_LIMIT = 10_000
"""Images of one task."""

_NAMES = ("name", "value", "valuelist", "alias", "indexflag")
_REPEATED_KINDS = frozenset({"image", "repeater", "label", "textarea", "choices"})
_DRAWING = frozenset({"rectangle", "polygon"})
_LISTS = ("whentagname", "whenlabelvalue")


def check_size(xml: str) -> None:
    """Refuse a config that is too long to be parsed.

    Raises:
        BadRequest: it is.
    """
    if len(xml) > SIZE_LIMIT:
        raise _too_much(f"has {len(xml):,} characters", SIZE_LIMIT, characters=len(xml))


def check_tree(root: Element) -> None:
    """Refuse a config of too many tags, or with tags too deep inside one another.

    Raises:
        BadRequest: it is one.
    """
    level, depth, tags = [root], 0, 0
    while level:
        depth += 1
        tags += len(level)
        if depth > DEPTH_LIMIT:
            raise _too_much(f"has more than {DEPTH_LIMIT} tags inside one another", DEPTH_LIMIT)
        if tags > TAGS_LIMIT:
            raise _too_much(f"has more than {TAGS_LIMIT:,} tags", TAGS_LIMIT)
        level = [child for parent in level for child in parent]


def check_names(tags: Iterable[Tag]) -> None:
    """Refuse names that each result would repeat at length.

    Raises:
        BadRequest: one is too long.
    """
    for tag in tags:
        if tag.kind in _REPEATED_KINDS or tag.to_names != {""}:
            longest = max((len(tag.attributes.get(key, "")) for key in _NAMES), default=0)
            if longest > NAME_LIMIT:
                raise _too_much(f"has a name of {longest:,} characters in a {tag.kind[:30]} tag", NAME_LIMIT)


def check_comparisons(
    images: Sequence[Tag],
    on_image: Mapping[str, Sequence[Tag]],
    elements: Sequence[Element],
    parents: Parents,
) -> None:
    """Refuse a config whose images, drawing tags, labels and text areas would be compared for too long.

    Args:
        images: the Image tags.
        on_image: by the name of an image, the tags whose `toName` lists it.
        elements: all of the config, in document order.
        parents: of every element.

    Raises:
        BadRequest: there are too many Image tags, or too many pairs of tags.
    """
    if len(images) > IMAGES_LIMIT:
        raise _too_much(f"has {len(images):,} Image tags", IMAGES_LIMIT)
    inside = _sizes(elements, parents)
    above = _names_above(elements, parents)
    alike = Counter(image.name for image in images)
    pairs = sum(times * _pairs(on_image.get(name, ()), inside, above) for name, times in alike.items())
    if pairs > COMPARISONS_LIMIT:
        raise _too_much(
            f"needs {pairs:,} comparisons of its images, drawing tags, labels and text areas",
            COMPARISONS_LIMIT,
        )


def _pairs(tags: Sequence[Tag], inside: Mapping[Element, int], above: Mapping[Element, int]) -> int:
    """How many pairs are looked at for one image."""
    labels_tags = [tag for tag in tags if tag.kind == "labels"]
    drawing = sum(tag.kind in _DRAWING for tag in tags)
    own = [tag for tag in tags if tag.kind.removesuffix("labels") in _DRAWING and tag.kind not in _DRAWING]
    areas = [tag for tag in tags if tag.kind == "textarea"]
    ways = drawing * max(1, len(labels_tags)) + len(own)
    labels = drawing * sum(inside[tag.element] for tag in labels_tags) + sum(
        inside[tag.element] for tag in own
    )
    return len(tags) + labels + sum(ways + above[area.element] for area in areas)


def _sizes(elements: Sequence[Element], parents: Parents) -> dict[Element, int]:
    """How many tags each holds, itself included."""
    sizes = dict.fromkeys(elements, 1)
    for element in reversed(elements):
        parent = parents.get(element)
        if parent is not None:
            sizes[parent] += sizes[element]
    return sizes


def _names_above(elements: Sequence[Element], parents: Parents) -> dict[Element, int]:
    """How many names the attributes of each and of the tags around it list, these tags included."""
    names: dict[Element, int] = {}
    for element in elements:
        parent = parents.get(element)
        own = 1 + sum(value.count(",") for key, value in element.attrib.items() if key.lower() in _LISTS)
        names[element] = own + (names[parent] if parent is not None else 0)
    return names


def _too_much(what: str, limit: int, **facts: object) -> BadRequest:
    return BadRequest(
        f"The labeling config {what}; twinread reads up to {limit:,}. Make it smaller, for example with a "
        "task or a project for each kind of page.",
        limit=limit,
        **facts,
    )

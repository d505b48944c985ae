"""Reads a project's labeling config.

A config is read once per request. It gives the names of the image, of the controls that draw lines on
it, of the text area that holds their text, and of the labels for ready and doubtful lines.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from backend.errors import BadRequest, ConfigIncomplete
from backend.label_studio.config_limits import PAGES_LIMIT, check_comparisons, check_names
from backend.label_studio.config_tags import (
    DEFAULT_NAMES,
    LabelNames,
    Labels,
    Parents,
    RegionControl,
    Tag,
    parse_xml,
)
from backend.label_studio.drawing_tags import drawing_tags_on
from backend.label_studio.regions import Region
from backend.label_studio.text_area import text_area

__all__ = ["NO_PAGE", "LabelNames", "LabelingConfig", "Labels", "RegionControl"]

NO_PAGE = -1
"""The page of a region that names no image of the labeling config, or several."""


@dataclass(frozen=True, slots=True)
class LabelingConfig:
    """The tags of one labeling config that twinread uses.

    image_name: the Image tag.
    source: its `value` or `valueList`, unchanged, such as `$image` or `$pages[{{idx}}].url`.
    data_field: the field of the task's data that `source` begins with.
    controls: the tags that can draw a line, the preferred one first; never empty.
    text_name: the TextArea that holds one text per region.
    required_choices_name: the Choices per region that a person must answer while a line is in doubt;
        None where the config has none.
    multi_image: a task holds several images: by `valueList`, by Repeater, or by several Image tags.
    index_flag: the placeholder in names that a Repeater replaces by the page's index; None without a
        Repeater.
    other_texts: names of TextAreas that hold other texts of a region, such as a translation.
    image_tags: the names of all Image tags, those that lack what twinread needs included.
    others: the same of each further Image tag that twinread reads, one page each, in document order.
    """

    image_name: str
    source: str
    data_field: str
    controls: tuple[RegionControl, ...]
    text_name: str
    required_choices_name: str | None = None
    multi_image: bool = False
    index_flag: str | None = None
    other_texts: frozenset[str] = frozenset()
    image_tags: tuple[str, ...] = ()
    others: tuple[LabelingConfig, ...] = ()

    @classmethod
    def parse(cls, xml: str, labels: LabelNames = DEFAULT_NAMES) -> LabelingConfig:
        """Read a labeling config.

        Of several Image tags each one with all needed tags is a page of its own. Where one of those shows
        pages itself (`valueList`, Repeater), the first one is taken alone. Rectangles are preferred to
        polygons: people change them faster, and Label Studio marks the change.

        Args:
            xml: the labeling config as Label Studio stores it.
            labels: the names of the four labels in this project.

        Raises:
            BadRequest: it breaks a limit (`config_limits`), is not XML, or declares entities.
            ConfigIncomplete: a tag is lacking; the message names it.
            ConfigUnclear: several text areas could hold the text, and none is named.
        """
        root = parse_xml(xml)
        elements = list(root.iter())
        tags = [Tag.of(element) for element in elements]
        check_names(tags)
        parents = {child: parent for parent in elements for child in parent}
        images = [tag for tag in tags if tag.kind == "image" and tag.name]
        if not images:
            raise ConfigIncomplete(
                "The labeling config has no Image tag, so there is nothing to find lines on: "
                'add <Image name="image" value="$image"/>.'
                + (_PDF_ADVICE if any(tag.kind == "pdf" for tag in tags) else "")
            )
        on_image = _by_image(tags)
        check_comparisons(images, on_image, elements, parents)
        outcomes = [_config_on(image, on_image.get(image.name, ()), labels, parents) for image in images]
        usable = [outcome for outcome in outcomes if isinstance(outcome, LabelingConfig)]
        if usable:
            first = replace(usable[0], image_tags=tuple(image.name for image in images))
            if len(usable) == 1 or any(one.multi_image for one in usable):
                return first
            return replace(first, multi_image=True, others=tuple(usable[1:]))
        raise next(outcome for outcome in outcomes if isinstance(outcome, ConfigIncomplete))

    @property
    def control(self) -> RegionControl:
        """The tag that predictions are drawn with."""
        return self.controls[0]

    @property
    def has_item_index(self) -> bool:
        """Results say in `item_index` which page they are on, as they do for `valueList`."""
        return self.multi_image and self.index_flag is None and not self.others

    def labels_of(self, from_name: str) -> Labels:
        """The labels of the control of that name, or of the preferred control."""
        for image in (self, *self.others):
            for control in image.controls:
                if from_name in (control.name, control.labels_name):
                    return control.labels
        return self.control.labels

    def on_page(self, index: int) -> LabelingConfig:
        """The config of one page, from 0: its own Image tag, a Repeater's placeholders replaced by the index.

        `NO_PAGE`, and a page that no task can have, give the first one's.
        """
        if self.others:
            known = 0 <= index <= len(self.others)
            alone = self if index == 0 or not known else self.others[index - 1]
            return replace(alone, multi_image=False, others=())
        if self.index_flag is None or index < 0:
            return self

        def numbered(name: str) -> str:
            return name.replace(self.index_flag or "", str(index))

        return replace(
            self,
            image_name=numbered(self.image_name),
            source=numbered(self.source),
            controls=tuple(
                replace(control, name=numbered(control.name), labels_name=numbered(control.labels_name))
                for control in self.controls
            ),
            text_name=numbered(self.text_name),
            other_texts=frozenset(map(numbered, self.other_texts)),
            required_choices_name=None
            if self.required_choices_name is None
            else numbered(self.required_choices_name),
            index_flag=None,
        )

    def page_of(self, region: Region) -> int:
        """The index of the page, in its task, that a region is on, from 0; `NO_PAGE` where it names none.

        A config with one Image tag has no other place for a region, whatever the tag was called when it was
        drawn. Of several the region must name one that is read.
        """
        if self.others:
            names = [self.image_name, *(other.image_name for other in self.others)]
            return names.index(region.to_name) if region.to_name in names else NO_PAGE
        named = self._index_in(region.to_name)
        if len(self.image_tags) > 1 and named is None:
            return NO_PAGE
        return region.item_index if region.item_index is not None else named or 0

    def _index_in(self, to_name: str) -> int | None:
        """The page that a name of an image stands for; None for another image."""
        before, flag, after = self.image_name.partition(self.index_flag or "\0")
        if not flag:
            return 0 if to_name == self.image_name else None
        index = to_name.removeprefix(before).removesuffix(after)
        return int(index) if index.isdecimal() and to_name == f"{before}{index}{after}" else None

    def references(self, data: Mapping[str, object]) -> tuple[str, ...]:
        """The images of a task: one reference, or one per page where a task holds several.

        Args:
            data: the task's `data`.

        Raises:
            BadRequest: the task has no image in the field that an Image tag names, or too many.
        """
        if self.others:
            return tuple(
                reference
                for index in range(1 + len(self.others))
                for reference in self.on_page(index).references(data)
            )
        if self.index_flag is not None:
            pages = data.get(self.data_field)
            count = len(pages) if isinstance(pages, list) else 0
            _check_pages(count)
            found: object = [_value_at(data, self.on_page(index).source) for index in range(count)]
        else:
            found = _value_at(data, self.source)
        references = found if isinstance(found, list) else [found]
        _check_pages(len(references))
        if not references or not all(isinstance(reference, str) and reference for reference in references):
            raise BadRequest(
                f'The task has no image in its data under "{self.source}", which the Image tag '
                f'"{self.image_name}" of the labeling config names: import the task with that field, '
                "or change the tag's value.",
                source=self.source,
            )
        return tuple(str(reference) for reference in references)

    def images_there(self, data: Mapping[str, object]) -> tuple[str | None, ...]:
        """As `references`, but of several Image tags those that the task has no image for are None.

        Raises:
            BadRequest: the task has no image at all, or a page is lacking in a list of them.
        """
        if not self.others:
            return self.references(data)
        found = [_value_at(data, image.source) for image in (self, *self.others)]
        there = tuple(image if isinstance(image, str) and image else None for image in found)
        return there if any(there) else self.references(data)


_PDF_ADVICE = (
    " A Pdf tag only shows a document: make images of its pages (pdftoppm -r 200 -png FILE.pdf page) and "
    'import those, one task for each, or a list of them for <Image name="image" valueList="$pages"/>.'
)


def _check_pages(count: int) -> None:
    if count > PAGES_LIMIT:
        raise BadRequest(
            f"The task has {count:,} images; twinread reads up to {PAGES_LIMIT:,} of one task. Make several "
            "tasks of it.",
            pages=count,
        )


def _by_image(tags: Sequence[Tag]) -> dict[str, list[Tag]]:
    """The tags with a name by each image that their `toName` lists, in document order."""
    found: dict[str, list[Tag]] = {}
    for tag in tags:
        if tag.name:
            for name in tag.to_names:
                found.setdefault(name, []).append(tag)
    return found


def _repeater_flag(image: Tag, parents: Parents) -> str | None:
    element = parents.get(image.element)
    flag = None
    while element is not None:
        if element.tag.lower() == "repeater":
            flag = Tag.of(element).attributes.get("indexflag", "{{idx}}")
        element = parents.get(element)
    return flag


def _config_on(
    image: Tag, tags_on_image: Sequence[Tag], names: LabelNames, parents: Parents
) -> LabelingConfig | ConfigIncomplete:
    """The config of one image, or the error that says what that image lacks."""
    flag = _repeater_flag(image, parents)
    listed = image.attributes.get("valuelist", "")
    source = listed or image.attributes.get("value", "")
    field = re.match(r"\$([^\s.\[\]]+)", source)
    if field is None:
        return ConfigIncomplete(
            f'The Image tag "{image.name}" names no field of the tasks: '
            f'write <Image name="{image.name}" value="$image"/>, with the field that holds the image.'
        )
    try:
        drawing = drawing_tags_on(image, tags_on_image, names, parents)
        text, controls = text_area(image, tags_on_image, drawing, names, parents)
    except ConfigIncomplete as error:
        return error
    required_choices = (
        tag.name
        for tag in tags_on_image
        if tag.kind == "choices" and tag.is_true("perregion") and tag.is_true("required")
    )
    return LabelingConfig(
        image_name=image.name,
        source=source,
        data_field=field.group(1),
        controls=controls,
        text_name=text.name,
        required_choices_name=next(required_choices, None),
        other_texts=frozenset(
            tag.name for tag in tags_on_image if tag.kind == "textarea" and tag.is_true("perregion")
        )
        - {text.name, *names.text_areas},
        multi_image=bool(listed) or flag is not None,
        index_flag=flag,
    )


def _value_at(data: Mapping[str, object], source: str) -> object:
    """The value of `$a.b[0]` in a task's data; None where there is none."""
    path = source.removeprefix("$")
    if path in data:
        return data[path]
    found: object = data
    for step in re.findall(r"[^.\[\]]+", path):
        if isinstance(found, Mapping):
            found = found.get(step)
        elif isinstance(found, list) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        else:
            return None
    return found

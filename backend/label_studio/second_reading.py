"""The choice "B is right" of our labeling config: by one key a person takes the second reading for the text.

The label of such a line stays Check, and its field keeps the text that was filled in; what counts is the
second reading, B in the panel. One rule for every command that reads people's work (`second_reading`):

- B is the second of the line's readings, in the order of the panel, however many there are. Its text is
  written as the label of a line is: look-alikes in one script, marks by the house rule.
- Where there is no such reading (it failed, it found no text, the box was drawn by hand or copied) nothing
  is approved.
- Where somebody also typed a text that is not B's, nobody knows which one is meant, and nothing is approved.
  A text counts as typed where it is not the one that was filled in or, where the prediction is not known,
  where it says what no reader said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum

from backend.errors import SettingsWrong
from backend.label_studio.annotations import Json, prediction_of
from backend.label_studio.labeling_config import LabelingConfig
from backend.label_studio.line_results import storable
from backend.label_studio.region_notes import readings_in
from backend.label_studio.regions import Region, regions
from backend.text.candidates import candidates_of
from backend.text.cleaning import plain_text, without_marks
from backend.text.house_style import TextStyle, folded
from backend.text.languages import language_code

B_IS_RIGHT = "B is right"
"""The choice of our labeling config by which a person approves a line with its second reading."""

LATER = "leave for later"
"""The choice by which a person puts a line off; it counts before the other one."""


class SecondReadingProblem(Enum):
    """Why a line that was called right in its second reading is not approved."""

    MISSING = "missing"
    """It has no second reading with a text."""
    TYPED = "typed"
    """Another text was typed into its field."""


def says_b_is_right(region: Region) -> bool:
    """Whether a person chose it for the line; it counts only while the label of the line is Check."""
    chosen = {choice for _, choice in region.choices}
    return B_IS_RIGHT in chosen and LATER not in chosen


def second_reading(
    region: Region,
    typed: Iterable[str],
    *,
    language: str,
    style: TextStyle = "house",
    filled_in: Iterable[str] | None = None,
) -> str | SecondReadingProblem:
    """The text of a line that was called right in its second reading, or why there is none.

    Args:
        region: as a person submitted it.
        typed: the texts that stand in its field.
        language: of the page, any name that `languages.language_code` knows; another is taken for English.
        style: which marks are written by the house rule, as when the page was read.
        filled_in: the texts that the prediction had filled in; None where it is not known.
    """
    stored = readings_in(region)
    if stored is None:
        return SecondReadingProblem.MISSING
    family = {reading.reader: reading.reader for reading in stored.readings}
    # the guards were asked when the line was read; here a person has looked
    found = candidates_of(stored.readings, family, _code_of(language), style, lambda text: ())
    second = next((each for each in found if each.index == 1), None)
    text = "" if second is None else storable(second.text)
    if second is None or not text.strip():
        return SecondReadingProblem.MISSING
    others = {_plain(written) for written in typed if written.strip()}
    others -= {_plain(text), _plain(second.reading.text)}
    if filled_in is not None:
        others -= {_plain(before) for before in filled_in}
    else:
        said = {each.key for each in found} | {folded(_plain(each.reading.text)) for each in found}
        others = {written for written in others if folded(written) not in said}
    return SecondReadingProblem.TYPED if others else text


def approved_texts(
    region: Region, config: LabelingConfig, language: str, filled_in: Sequence[str] | None = None
) -> Sequence[str]:
    """The texts that a person approved for a line; none where it is undecided, illegible or no text.

    Args:
        region: as it was submitted.
        config: the labeling config, which says what the labels mean.
        language: of the page.
        filled_in: the texts that the prediction had filled in; None where it is not known.
    """
    labels = config.labels_of(region.from_name)
    if {labels.illegible, labels.not_text} & set(region.labels):
        return ()
    if not (labels.has_check_label and labels.check in region.labels):
        return region.texts
    if not says_b_is_right(region):
        return ()
    own = [answer for answer in region.answers if answer.from_name not in config.other_texts]
    typed = [text for answer in own for text in answer.texts]
    second = second_reading(region, typed, language=language, filled_in=filled_in)
    return (second,) if isinstance(second, str) else ()


def texts_of_work(
    task: Json, annotation: Json, config: LabelingConfig
) -> Iterator[tuple[Region, Sequence[str]]]:
    """Each region of a submitted annotation, with the texts that were approved for it.

    Args:
        task: as Label Studio's API gives it; its data may name a language.
        annotation: one of its annotations.
        config: the labeling config.
    """
    found = regions(annotation["result"])
    data = task.get("data")
    named = data.get("language") if isinstance(data, Mapping) else None
    before: dict[str, Region] | None = None
    # predictions are looked up only where somebody chose it: most pages have none
    if any(map(says_b_is_right, found)) and (parent := prediction_of(task, annotation)) is not None:
        before = {region.id: region for region in regions(parent["result"])}
    for region in found:
        known = before.get(region.id) if before is not None else None
        yield (
            region,
            approved_texts(region, config, str(named or ""), known.texts if known is not None else None),
        )


def _code_of(language: str) -> str:
    try:
        return language_code(language)
    except SettingsWrong:
        return "en"


def _plain(text: str) -> str:
    return plain_text(without_marks(text))

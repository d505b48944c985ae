"""What the pages of a project say about themselves before anybody labels them; pure.

Everything comes from what Label Studio stores: the prediction's lines with their readings, and what people
submitted. No image is opened.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

from rapidfuzz.distance import Levenshtein

from backend.label_studio.annotations import Json, latest, submitted_annotations
from backend.label_studio.labeling_config import LabelingConfig
from backend.label_studio.region_notes import readings_in
from backend.label_studio.regions import Region, regions
from backend.label_studio.second_reading import texts_of_work
from backend.page.lines import Verdict

UNKNOWN_DISTANCE = 0.5
"""How unlike the readings of a line count where fewer than two readers answered."""


@dataclass(frozen=True, slots=True)
class WaitingPage:
    """A page that was read and that nobody has begun.

    task: its number in Label Studio.
    lines: how many it has.
    disputed: how many of them a person must decide.
    unlikeness: of the readings of its disputed lines, summed: 0 for a line read alike, 1 for one without a
        letter in common.
    common: characters that every reader of some line saw, without blanks.
    lone: characters that one reader saw and no line's readers all saw: a rare letter, or a misreading.
    text: every line as it was filled in, for a comparison with other pages.
    """

    task: int
    lines: int
    disputed: int
    unlikeness: float
    common: frozenset[str]
    lone: frozenset[str]
    text: str

    @property
    def agreed_share(self) -> float:
        """Share of agreed lines, 0 to 1: the score that the backend gives a prediction."""
        return (self.lines - self.disputed) / self.lines


@dataclass
class ApprovedWork:
    """What people submitted so far.

    characters: how often each stands in approved texts, without blanks.
    texts: of each submitted page.
    """

    characters: Counter[str] = field(default_factory=Counter)
    texts: list[str] = field(default_factory=list)

    def add(self, task: Json, config: LabelingConfig) -> bool:
        """Count the annotation of a task that counts; False where nobody submitted one."""
        last = latest(submitted_annotations(task))
        if last is None:
            return False
        texts = [_normal(text) for _, said in texts_of_work(task, last, config) for text in said]
        self.characters.update(_characters(*texts).elements())
        self.texts.append("\n".join(texts))
        return True


def waiting_page(task: int, result: object, config: LabelingConfig) -> WaitingPage | None:
    """A page as its prediction has it; None where the prediction has no line.

    Args:
        task: its number.
        result: of the prediction.
        config: the project's, which says what the labels mean.
    """
    found = regions(result)
    if not found:
        return None
    disputed = 0
    unlikeness = 0.0
    common: set[str] = set()
    seen: set[str] = set()
    for region in found:
        texts = _readings(region)
        if not is_ready(region, config):
            disputed += 1
            unlikeness += _distance(texts)
        sets = [set(_characters(text)) for text in texts or region.texts]
        common |= set.intersection(*sets) if sets else set()
        seen |= set().union(*sets)
    text = "\n".join(_normal(text) for region in found for text in region.texts)
    return WaitingPage(
        task, len(found), disputed, unlikeness, frozenset(common), frozenset(seen - common), text
    )


def is_ready(region: Region, config: LabelingConfig) -> bool:
    """A predicted line needs no decision: by its readings, or without them by its label and its text."""
    stored = readings_in(region)
    has_text = any(text.strip() for text in region.texts)
    if stored is not None:
        return stored.verdict is Verdict.AGREED and has_text
    labels = config.labels_of(region.from_name)
    return has_text and not (labels.has_check_label and labels.check in region.labels)


def _readings(region: Region) -> list[str]:
    stored = readings_in(region)
    return [] if stored is None else [_normal(each.text) for each in stored.readings if not each.failed]


def _distance(texts: Sequence[str]) -> float:
    """Of the two readings that are most unlike, 0 to 1: edits by the length of the longer one."""
    if len(texts) < 2:
        return UNKNOWN_DISTANCE
    return max(Levenshtein.normalized_distance(one, other) for one, other in combinations(texts, 2))


def _normal(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _characters(*texts: str) -> Counter[str]:
    return Counter(character for text in texts for character in text if not character.isspace())

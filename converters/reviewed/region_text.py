"""What a region says, by the rules for texts, and its row in a recognition file; pure.

Texts are people's: they are written in NFC with plain spaces and without marks that no page shows, never
NFKC, and what that changed is counted. Nothing is joined or cut: a text that PaddleOCR would mangle is
left out with its reason.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from backend.label_studio.regions import ProblemKind, Region, TextAnswer
from backend.text.cleaning import plain_text, without_marks
from converters.paddleocr import row_faults
from converters.paddleocr.row_faults import Fault
from converters.reviewed.reasons import LeftOutReason

_OF_FAULT = {
    Fault.TAB: LeftOutReason.TAB,
    Fault.LINE_BREAK: LeftOutReason.LINE_BREAK,
    Fault.CONTROL: LeftOutReason.CONTROL,
    Fault.SURROGATE: LeftOutReason.SURROGATE,
    Fault.NO_CHARACTER: LeftOutReason.NO_CHARACTER,
    Fault.ODD_SPACE: LeftOutReason.ODD_SPACE,
    Fault.EMPTY: LeftOutReason.BLANK,
    Fault.IGNORE_MARK: LeftOutReason.IGNORE_MARK,
}
_BREAKS = re.compile(f"[\t{row_faults.LINE_BREAKS}]+")
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
NAME_LENGTH = 32


class Change(Enum):
    """What bringing a text into its written form did."""

    COMPOSED = "letters composed (NFC)"
    SPACES = "spaces made plain, or taken off the ends"
    BREAKS = "tabs and line breaks made spaces"
    MARKS = "zero-width spaces and marks of direction taken out"


@dataclass(frozen=True, slots=True)
class RegionText:
    """What a region says.

    text: as it is written; empty where `why` says that nothing is.
    raw: as the person left it; several strings with line breaks between them.
    """

    text: str
    raw: str
    changes: frozenset[Change] = frozenset()
    why: LeftOutReason | None = None


@dataclass(frozen=True, slots=True)
class TextAreas:
    """Which TextAreas hold the transcription of a region.

    wanted: names of those that do. Where a region has none of them, any other counts that is not known to
        hold something else: a TextArea may have had another name when the work was done.
    others: names of those that hold something else, such as a translation.
    only: nothing but `wanted` counts.
    """

    wanted: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    only: bool = False

    def answers_of(self, region: Region) -> list[TextAnswer]:
        """The answers of a region that are transcriptions."""
        own = [answer for answer in region.answers if answer.from_name in self.wanted]
        if own or self.only:
            return own
        return [answer for answer in region.answers if answer.from_name not in self.others]


ANY_TEXT_AREA = TextAreas()
"""Every TextArea holds transcriptions."""


def text_in(
    region: Region, text_areas: TextAreas = ANY_TEXT_AREA, *, replace_breaks: bool = False
) -> RegionText:
    """What a region says, or why that cannot be a label.

    A list of strings counts like one bare string. Of several strings the blank ones and repetitions
    do not count; if two different ones are left, nobody knows which one is meant.

    Args:
        region: as it was submitted.
        text_areas: which of its TextAreas hold transcriptions.
        replace_breaks: tabs and line breaks become spaces, instead of a reason to leave the line out.
    """
    strings = [string for answer in text_areas.answers_of(region) for string in answer.texts]
    raw = "\n".join(strings)
    if any(problem.kind is ProblemKind.BAD_TEXT for problem in region.problems):
        return RegionText("", raw, why=LeftOutReason.BAD_TEXT)
    if not any(strings):
        return RegionText("", raw, why=LeftOutReason.NO_TEXT)
    different = dict.fromkeys(string for string in strings if string.strip())
    if not different:
        return RegionText("", raw, why=LeftOutReason.BLANK)
    if len({plain_text(without_marks(string)) for string in different}) > 1:
        return RegionText("", raw, why=LeftOutReason.SEVERAL_TEXTS)
    return text_of(next(iter(different)), replace_breaks=replace_breaks)


def text_of(written: str, *, replace_breaks: bool = False) -> RegionText:
    """What one string comes to, or why it cannot be a label.

    Args:
        written: with more than blanks.
        replace_breaks: as for `text_in`.
    """
    unbroken = _BREAKS.sub(" ", written) if replace_breaks else written
    unmarked = without_marks(unbroken)
    text = plain_text(unmarked)
    fault = row_faults.text_fault(text)
    if fault:
        return RegionText("", written, why=_OF_FAULT[fault[0]])
    changes = {
        Change.BREAKS: unbroken != written,
        Change.MARKS: unmarked != unbroken,
        Change.COMPOSED: unicodedata.normalize("NFC", unmarked) != unmarked,
        Change.SPACES: unicodedata.normalize("NFC", unmarked) != text,
    }
    return RegionText(text, written, frozenset(change for change, done in changes.items() if done))


def filled_in_of(predicted: Region, text_areas: TextAreas = ANY_TEXT_AREA) -> str:
    """The transcription that a person found filled in, in plain form; empty for none."""
    texts = (text for answer in text_areas.answers_of(predicted) for text in answer.texts)
    return plain_text(next(texts, ""))


def region_names(regions: Sequence[Region]) -> list[str]:
    """A file name's part for each region of a task, from its id alone, so that it never changes.

    Ids that are no plain names, and regions without one, get a hash; so do ids that differ only in
    capitals, which some file systems take for one name.
    """
    names: list[str] = []
    taken: set[str] = set()
    for region in regions:
        plain = _UNSAFE.sub("", region.id)[:NAME_LENGTH]
        # without an id the shape is all that tells a region from its neighbours
        identity = region.id or repr([dict(result) for result in region.results])
        exact = hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        name = plain if plain and plain == region.id else f"{plain or 'region'}-{exact}"
        if name.casefold() in taken:
            name = f"{name}-{exact}"
        while name.casefold() in taken:
            name += "x"
        taken.add(name.casefold())
        names.append(name)
    return names


def crop_name(page: str, region: str, suffix: str, folder: str) -> str:
    """Where a crop lies in the dataset: `crops/12/12345_l007-ab12cd.png`.

    Args:
        page: the page's name, which begins with its task's id.
        region: as `region_names` gives it.
        suffix: "png" or "jpg".
        folder: as `folder_of` gives it.
    """
    return f"{folder}/{page}_{region}.{suffix}"


def folder_of(kind: str, task: str) -> str:
    """The folder of a task's files; a thousand tasks share one, since none should hold a million files.

    Args:
        kind: the first part of the path, such as `crops`.
        task: the task's name (`tasks.task_name`).
    """
    number = int(task) // 1000 if task.isdecimal() else "other"
    return f"{kind}/{number}"

"""The readings of one line in the form in which they are compared: look-alikes and marks made equal."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from backend.page.lines import Reading, ReasonKind
from backend.text import house_style, look_alikes
from backend.text.cleaning import visible_text
from backend.text.house_style import HouseText, TextStyle


@dataclass(frozen=True, slots=True)
class Candidate:
    """One reading as it is compared.

    index: of the reading in the order of preference.
    family: of the engine that read it.
    unified: its text, with look-alikes in one script per word.
    house: the same with the marks of the house rule; dashes where the readings of the line differ in them,
        or where the style says so.
    key: equal for readings that say the same.
    suspicions: the guards that found a doubt.
    """

    index: int
    reading: Reading
    family: str
    unified: look_alikes.UnifiedText
    house: HouseText
    key: str
    suspicions: tuple[ReasonKind, ...]

    @property
    def text(self) -> str:
        """What the judgement has where this reading is chosen."""
        return self.house.text


def candidates_of(
    readings: Sequence[Reading],
    family: Mapping[str, str],
    language: str,
    style: TextStyle,
    suspicions: Callable[[str], tuple[ReasonKind, ...]],
    witnesses: Collection[str] = (),
) -> list[Candidate]:
    """The readings that have text; an equal text is examined once. Witnesses' dashes settle nothing."""
    known: dict[str, tuple[look_alikes.UnifiedText, HouseText, str, tuple[ReasonKind, ...]]] = {}
    candidates = []
    texts = ["" if reading.failed else visible_text(reading.text) for reading in readings]
    read = (text for reading, text in zip(readings, texts, strict=True) if reading.reader not in witnesses)
    dashes = style == "house-dashes" or len({house_style.dashes_of(text) for text in read if text}) > 1
    for index, (reading, text) in enumerate(zip(readings, texts, strict=True)):
        if text and text not in known:
            unified = look_alikes.unify_scripts(text, language)
            house = _by_the_rule(unified.text, language, style, dashes=dashes)
            known[text] = unified, house, house_style.folded(house.text), suspicions(unified.text)
        if text:
            candidates.append(Candidate(index, reading, family[reading.reader], *known[text]))
    return candidates


def _by_the_rule(text: str, language: str, style: TextStyle, *, dashes: bool) -> HouseText:
    return HouseText(text) if style == "as-read" else house_style.by_the_rule(text, language, dashes=dashes)

"""The two texts that a sheet offers for a line: its readings, as they would become its label; pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from backend.errors import SettingsWrong
from backend.label_studio.annotations import Json
from backend.label_studio.line_results import storable
from backend.label_studio.region_notes import readings_in
from backend.label_studio.regions import Region
from backend.text.candidates import candidates_of
from backend.text.cleaning import visible_text
from backend.text.house_style import TextStyle
from backend.text.languages import language_code


@dataclass(frozen=True, slots=True)
class TextRules:
    """How a reading becomes a text: as it did when the page was read.

    language: of pages whose task names none.
    style: which marks are written by the house rule.
    """

    language: str
    style: TextStyle = "house"

    def language_of(self, task: Json) -> str:
        """The code of a page's language; of a name that is none, that of the other pages."""
        data = task.get("data")
        named = data.get("language") if isinstance(data, dict) else None
        try:
            return language_code(named if isinstance(named, str) and named else self.language)
        except SettingsWrong:
            return language_code(self.language)


def offered_texts(region: Region, language: str, style: TextStyle = "house") -> tuple[str, str]:
    """The two texts that are offered for a line, as they would become its label.

    Args:
        region: as it was predicted.
        language: a code, of the page.
        style: which marks are written by the house rule.

    Returns:
        The first two different texts in the order of the readers; of more than two those that most readers
        have. A reader that failed or read nothing offers none. A line without readings of twinread offers
        its own text. What is lacking is empty, the second one first.
    """
    stored = readings_in(region)
    if stored is None:
        own = storable(visible_text(" ".join(region.texts)))
        return own, ""
    family = {reading.reader: reading.reader for reading in stored.readings}
    # the guards were asked when the line was read; here both texts are shown to a person
    found = candidates_of(stored.readings, family, language, style, lambda text: ())
    counted = Counter(text for each in found if (text := storable(each.text).strip()))
    most = [text for text, _ in counted.most_common(2)]
    first, second, *_ = [*(text for text in counted if text in most), "", ""]
    return first, second

"""The words of a sheet in English and Russian, to be compared side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backend.label_studio.message_language import MessageLanguage


@dataclass(frozen=True, slots=True)
class SheetWords:
    """The wording in one language.

    illegible, not_text, typed: the answers beside the two readings.
    typed_blind: the last of them on an audit line.
    differs: stands before what differs.
    unlike: in place of what differs, of readings with little in common.
    nothing: of a line without any reading.
    audit: of an audit line, in place of what differs.
    missing: of an image that cannot be shown.
    undecided: Submit's answer while a line is not decided.
    untyped: Submit's answer while the text of a line is to be typed.
    placeholder: stands in an empty field.
    """

    illegible: str
    not_text: str
    typed: str
    typed_blind: str
    differs: str
    unlike: str
    nothing: str
    audit: str
    missing: str
    undecided: str
    untyped: str
    placeholder: str


WORDS: Mapping[MessageLanguage, SheetWords] = {
    "en": SheetWords(
        illegible="illegible",
        not_text="not text",
        typed="neither: type it",
        typed_blind="type it",
        differs="differs",
        unlike="the readings have little in common",
        nothing="nothing was read here",
        audit="a check of the readers, whose text is not shown: type what you see",
        missing="The image of this page cannot be shown: decide nothing here, and tell the team lead.",
        undecided="A line of this sheet is not decided. It stands at the top: press one of its keys.",
        untyped="The text of a line is still to be typed: type it and press Enter, or choose another answer.",
        placeholder="type what you see",
    ),
    "ru": SheetWords(
        illegible="не прочитать",
        not_text="не текст",
        typed="оба неверны: набрать",
        typed_blind="набрать",
        differs="отличие",
        unlike="у прочтений мало общего",
        nothing="здесь ничего не прочитано",
        audit="проверка распознавания, его текст скрыт: наберите то, что видите",
        missing="Изображение страницы не открывается: ничего здесь не решайте и скажите руководителю.",
        undecided="Одна из строк этого листа не решена. Она стоит вверху: нажмите одну из её клавиш.",
        untyped="Текст одной из строк ещё не набран: наберите его и нажмите Enter или выберите другой ответ.",
        placeholder="наберите то, что видите",
    ),
}

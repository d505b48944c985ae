"""Writes twinread's own labeling config: `default_config.xml` with a project's labels and language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from xml.etree.ElementTree import tostring

from backend.errors import SettingsWrong
from backend.label_studio.config_tags import DEFAULT_NAMES, LabelNames, parse_xml
from backend.label_studio.message_language import MessageLanguage


def default_config(names: LabelNames = DEFAULT_NAMES, language: MessageLanguage = "en") -> str:
    """Our own labeling config: a person must decide doubtful lines before Submit; agreed ones cost no key.

    Args:
        names: the names of the four labels; keep them ASCII, because Label Studio cannot filter others.
        language: of the hints that an annotator sees; it does not change the labels.

    Raises:
        SettingsWrong: two labels have one name, or a name is empty or holds a comma.
    """
    spelled = (names.text, names.check, names.illegible, names.not_text)
    if len({name.strip().casefold() for name in spelled}) < len(spelled) or any(
        not name.strip() or "," in name for name in spelled
    ):
        raise SettingsWrong(
            f"The label names {', '.join(repr(name) for name in spelled)} cannot be used together: "
            "each must be a name of its own, without a comma.",
            names=spelled,
        )
    root = parse_xml(
        resources.files("backend.label_studio").joinpath("default_config.xml").read_text("utf-8")
    )
    for label, name in zip(root.iter("Label"), spelled, strict=True):
        label.set("value", name)
    choices, text_area_tag = next(root.iter("Choices")), next(root.iter("TextArea"))
    hints = _HINTS[language]
    keys = {"text": names.text, "illegible": names.illegible, "not_text": names.not_text}
    choices.set("whenLabelValue", names.check)
    choices.set("requiredMessage", hints.required_choices.format(**keys))
    text_area_tag.set("whenLabelValue", f"{names.text},{names.check}")
    text_area_tag.set("requiredMessage", hints.text.format(**keys))
    text_area_tag.set("placeholder", hints.placeholder)
    return tostring(root, encoding="unicode") + "\n"


@dataclass(frozen=True, slots=True)
class _Hints:
    required_choices: str
    text: str
    placeholder: str


_HINTS: Mapping[MessageLanguage, _Hints] = {
    "en": _Hints(
        required_choices="The two readings of this line differ. Fix its text and press 1 ({text}), or press "
        "5 (B is right), 3 ({illegible}), 4 ({not_text}), 9 (leave for later).",
        text="Type the text of this line, or press 3 ({illegible}) or 4 ({not_text}).",
        placeholder="type the text of this line",
    ),
    "ru": _Hints(
        required_choices="Два прочтения этой строки расходятся. Исправьте текст и нажмите 1 ({text}) "
        "или нажмите 5 (B is right: верно второе прочтение), 3 ({illegible}: не читается), "
        "4 ({not_text}: не текст), 9 (leave for later: отложить).",
        text="Введите текст этой строки или нажмите 3 ({illegible}: не читается) или "
        "4 ({not_text}: не текст).",
        placeholder="введите текст этой строки",
    ),
}

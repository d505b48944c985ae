"""Writes the labeling config of a line project: `sheet_config.xml` with its messages and its palette."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources
from string import Template
from xml.etree.ElementTree import SubElement, tostring

from backend.label_studio.config_tags import parse_xml
from backend.label_studio.message_language import MessageLanguage
from backend.sheets.keys import Keyboard, line_keys
from backend.sheets.palette import palette
from backend.sheets.sheet_words import WORDS


def sheet_config(languages: Iterable[str], messages: MessageLanguage) -> str:
    """The labeling config of a line project.

    Args:
        languages: of the pages; their rare letters stand beside the field in which a person types.
        messages: the language that annotators are spoken to in.

    Raises:
        SettingsWrong: no such language.
    """
    root = parse_xml(resources.files("backend.sheets").joinpath("sheet_config.xml").read_text("utf-8"))
    words = WORDS[messages]
    next(root.iter("Choices")).set("requiredMessage", words.undecided)
    field = next(root.iter("TextArea"))
    field.set("requiredMessage", words.untyped)
    field.set("placeholder", words.placeholder)
    for character in palette(languages):
        SubElement(field, "Shortcut", value=character, alias=character)
    return tostring(root, encoding="unicode") + "\n"


def instructions(messages: MessageLanguage, keyboard: Keyboard) -> str:
    """The instructions for annotators of a line project, as HTML.

    Args:
        messages: the language that annotators are spoken to in.
        keyboard: what is printed on their keys.
    """
    folder = resources.files("backend.sheets").joinpath("instructions")
    text = Template(folder.joinpath(f"{messages}.html").read_text("utf-8"))
    first, second = (line_keys(number, keyboard) for number in range(2))
    return text.substitute(
        first=first.first.caption,
        second=first.second.caption,
        illegible=first.illegible.caption,
        not_text=first.not_text.caption,
        next_line=" ".join(
            key.caption for key in (second.first, second.second, second.illegible, second.not_text)
        ),
    )

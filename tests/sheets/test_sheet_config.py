"""The labeling config of a line project, its messages and its palette."""

from __future__ import annotations

import re

import pytest

from backend.label_studio.config_tags import parse_xml
from backend.label_studio.message_language import MESSAGE_LANGUAGES, MessageLanguage
from backend.sheets.keys import Keyboard
from backend.sheets.palette import palette
from backend.sheets.sheet_config import instructions, sheet_config


def test_answers_and_texts_have_the_names_by_which_they_are_collected() -> None:
    root = parse_xml(sheet_config(["ru"], "en"))
    tags = {tag.tag: tag for tag in root.iter()}
    assert tags["Repeater"].attrib == {"on": "$lines", "indexFlag": "{{idx}}"}
    assert [tags[kind].get("name") for kind in ("HyperText", "Choices", "TextArea")] == [
        "strip_{{idx}}", "verdict_{{idx}}", "typed_{{idx}}",
    ]  # fmt: skip
    assert tags["Choices"].get("required") == tags["TextArea"].get("required") == "true"


@pytest.mark.parametrize(
    ("messages", "words"),
    [pytest.param("en", "not decided", id="English"), pytest.param("ru", "не решена", id="Russian")],
)
def test_messages_are_in_the_annotators_language(messages: MessageLanguage, words: str) -> None:
    root = parse_xml(sheet_config(["ru"], messages))
    (choices,), (field,) = root.iter("Choices"), root.iter("TextArea")
    assert words in str(choices.get("requiredMessage"))
    assert choices.get("requiredMessage") != field.get("requiredMessage")
    assert field.get("placeholder")


def test_the_palette_is_that_of_the_pages_languages() -> None:
    root = parse_xml(sheet_config(["de", "uk"], "en"))
    assert tuple(tag.get("value") for tag in root.iter("Shortcut")) == palette(["de", "uk"])
    assert not list(parse_xml(sheet_config(["th"], "en")).iter("Shortcut"))


def test_no_rule_of_the_style_has_a_child_combinator() -> None:
    # Label Studio cleans the style as if it were HTML, and a rule with > is lost
    (style,) = parse_xml(sheet_config(["ru"], "en")).iter("Style")
    assert style.text
    assert ">" not in style.text


@pytest.mark.parametrize("messages", MESSAGE_LANGUAGES)
@pytest.mark.parametrize(
    ("keyboard", "first", "second"), [("en", "1 Q A Z", "2 W S X"), ("ru", "1 Й Ф Я", "2 Ц Ы Ч")]
)
def test_the_instructions_name_the_keys_as_they_are_printed(
    messages: MessageLanguage, keyboard: Keyboard, first: str, second: str
) -> None:
    text = instructions(messages, keyboard)
    assert re.findall(r"<tr><td><b>(.)</b>", text) == first.split()
    assert f"<b>{second}</b>" in text
    assert "$" not in text
    assert "Shift + 1" in text
    assert "Ctrl + Enter" in text

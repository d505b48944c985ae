"""What is shown of a line: answers, their keys, what differs in words, and nothing that a text could do."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest

from backend.label_studio.explanations import doubts_in
from backend.label_studio.message_language import MessageLanguage
from backend.sheets.keys import keyboard_of
from backend.sheets.sheet_tasks import LineKey, SheetLine, ShownLine, sheet_data
from backend.sheets.shown_lines import shown
from backend.sheets.strips import PageImage

BOX = ((132.0, 421.0), (835.1, 423.0), (835.0, 458.0), (131.9, 456.0))
LINE = SheetLine(LineKey(3, 17, "l008-e72ce6"), "Счёт 12", "Счет 12", 0, 5, "v1", BOX)
IMAGE = PageImage("/data/upload/1/page.png", 1000, 1400)


def look(line: SheetLine, messages: MessageLanguage = "en", **fields: Any) -> ShownLine:
    given = {"page_name": "page.png", "explanation": "", "keyboard": keyboard_of(messages), **fields}
    return shown(line, IMAGE, messages=messages, **given)


def why(line: SheetLine, messages: MessageLanguage = "en", **fields: Any) -> str:
    """The sentences under the strip, without the page's name."""
    _, foot = fromstring(f"<r>{look(line, messages, **fields).strip}</r>")
    return "".join(foot.itertext()).removeprefix(fields.get("page_name", "page.png"))


def test_a_line_has_five_answers_with_their_keys() -> None:
    options = look(replace(LINE, place=1), "ru").options
    assert [(option["alias"], option["hotkey"]) for option in options] == [
        ("A", "2"), ("B", "w"), ("illegible", "s"), ("not_text", "x"), ("typed", "shift+2"),
    ]  # fmt: skip
    assert ["".join(fromstring(option["html"]).itertext()) for option in options] == [
        "2Счёт 12", "ЦСчет 12", "Ыне прочитать", "Чне текст", "⇧2оба неверны: набрать",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("a", "b", "aliases"),
    [
        pytest.param("12", "", ["A", "illegible", "not_text", "typed"], id="one text"),
        pytest.param("", "12", ["B", "illegible", "not_text", "typed"], id="the other text"),
        pytest.param("", "", ["illegible", "not_text", "typed"], id="none"),
    ],
)
def test_what_nobody_read_is_not_offered_and_the_other_keys_stay(a: str, b: str, aliases: list[str]) -> None:
    options = look(replace(LINE, a=a, b=b)).options
    assert [option["alias"] for option in options] == aliases
    assert options[-1]["hotkey"] == "shift+1"
    assert options[-3]["hotkey"] == "a"


@pytest.mark.parametrize(
    ("a", "b", "messages", "words"),
    [
        pytest.param("Счёт 12", "Счет 12", "en", "differs: ё / е", id="a letter"),
        pytest.param("Счёт 12", "Счёт12", "ru", "отличие: пропущен пробел", id="a space"),
        pytest.param("C", "С", "ru", "отличие: латинская C / кириллическая С", id="alphabets"),
        pytest.param("абвгд", "xyz", "en", "the readings have little in common", id="unlike"),
        pytest.param("12", "", "en", "", id="one text"),
        pytest.param("", "", "ru", "здесь ничего не прочитано", id="none"),
        pytest.param("a b", "a  b", "en", "", id="no visible difference"),
    ],
)
def test_what_differs_is_said_in_words(a: str, b: str, messages: MessageLanguage, words: str) -> None:
    assert why(replace(LINE, a=a, b=b), messages) == words


def test_other_doubts_are_taken_from_the_explanation_of_page_review() -> None:
    explanation = "A: Счёт 12\nB: (failed: no answer in 60 s)\ndiffers: ё / е\nwhy: B: too short; A, C: odd"
    assert why(replace(LINE, b=""), explanation=explanation) == "failed: no answer in 60 s · too short; odd"
    assert doubts_in("anything that a person wrote\nwhy not") == []
    assert doubts_in("A: why: this\nпричина: цифры") == ["цифры"]


HOSTILE = "</span><script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;{{idx}}$lines[0].b$100"


def test_no_text_is_more_than_text() -> None:
    line = replace(LINE, a=HOSTILE, b=f"{HOSTILE}!")
    seen = look(line, page_name=HOSTILE, explanation=f"why: {HOSTILE}")
    for html in [seen.strip, *(option["html"] for option in seen.options)]:
        tree = fromstring(f"<r>{html}</r>")
        assert "script" not in {part.tag for part in tree.iter()}
        # the page's own image, which says so where it is missing, is the only one
        assert {part.get("src") for part in tree.iter("img")} <= {IMAGE.address}
        assert not [name for part in tree.iter() for name in part.attrib if name.startswith("on")]
    assert "".join(fromstring(seen.options[0]["html"]).itertext()) == "1" + HOSTILE
    assert HOSTILE in "".join(fromstring(f"<r>{seen.strip}</r>").itertext())


def test_label_studio_finds_no_place_of_the_data_in_an_answers_value() -> None:
    assert [option["value"] for option in look(replace(LINE, a="$lines[0].b")).options[:2]] == ["A", "B"]


def test_a_reading_of_5000_characters_is_shown_whole() -> None:
    long = "слово " * 832 + "конец"
    (first, *_) = look(replace(LINE, a=long)).options
    assert "".join(fromstring(first["html"]).itertext()) == "1" + long


def test_control_characters_are_not_shown() -> None:
    (first, *_) = look(replace(LINE, a="a\x00b\x1b[31m\u202ec", b="abc")).options
    assert "".join(fromstring(first["html"]).itertext()) == "1ab[31mc"


@pytest.mark.parametrize(
    ("messages", "words", "types"),
    [
        pytest.param("en", "a check of the readers, whose text is not shown: type what you see", "⇧1type it"),
        pytest.param("ru", "проверка распознавания, его текст скрыт: наберите то, что видите", "⇧1набрать"),
    ],
)
def test_an_audit_line_shows_no_text_and_asks_for_one(
    messages: MessageLanguage, words: str, types: str
) -> None:
    line = replace(LINE, a="", b="", audit=True)
    seen = look(line, messages, read_as=("Счёт 12",))
    assert why(line, messages) == words
    assert [option["alias"] for option in seen.options] == ["illegible", "not_text", "typed"]
    assert "".join(fromstring(seen.options[-1]["html"]).itertext()) == types
    assert "Счёт" not in json.dumps(sheet_data([seen], ["page.png"]), ensure_ascii=False)


def test_a_tall_audit_line_stands_as_its_text_is_written() -> None:
    line = replace(
        LINE, a="", b="", audit=True, quad=((10.0, 10.0), (40.0, 10.0), (40.0, 300.0), (10.0, 300.0))
    )
    assert 'class="line upright"' in look(line, read_as=("古池や",)).strip
    assert 'class="line upright"' not in look(line, read_as=("spine",)).strip

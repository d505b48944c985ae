"""What a trained model forgot: what is chosen, how it is measured, and what could not be tested."""

from __future__ import annotations

import string

import pytest

from backend.page.lines import Reading
from backend.rendering.fonts import font_with
from converters.evaluation.forgetting import (
    MOST,
    TIMES,
    CharacterMemory,
    Forgetting,
    forgetting,
    plan,
    sentences,
)
from converters.evaluation.models import open_model
from tests.parts.scripted import ScriptedReader

CAPITALS = frozenset(string.ascii_uppercase)


def texts_with(planned, replaced):
    """A reader that reads every rendered line right, but for these characters."""
    table = str.maketrans(replaced)
    said = [text.translate(table) for text, _ in planned.lines]
    return ScriptedReader("scripted", lambda number: Reading("scripted", said[number]))


def test_characters_that_nobody_labelled_are_rendered_each_some_times():
    planned = plan(CAPITALS | {" ", "é"}, CAPITALS, frozenset("ABC"), "en")
    assert sorted(planned.chosen) == sorted(CAPITALS - set("ABC"))
    assert planned.outside == ("é",)
    shown = "".join(text for text, _ in planned.lines)
    assert all(TIMES <= shown.count(char) <= TIMES + 2 for char in planned.chosen)
    assert not set("ABCé") & set(shown)


def test_of_many_characters_those_of_the_language_are_tested_and_of_the_others_a_sample():
    base = frozenset(map(chr, range(0x4E00, 0x4E00 + 3000))) | CAPITALS | frozenset("бя")
    planned = plan(base, base, frozenset(), "ru")
    assert set(planned.chosen) >= CAPITALS | set("бя")
    assert len(planned.chosen) + len(planned.no_font) == MOST
    assert planned.not_chosen == len(base) - MOST
    assert plan(base, base, frozenset(), "ru") == planned


@pytest.mark.parametrize(
    ("without", "cure"),
    [pytest.param("B", "apt-get install fonts-dejavu-core", id="a letter of the language"),
     pytest.param("☃", "install one that does", id="a sign")],
)  # fmt: skip
def test_what_no_font_has_is_named_and_not_taken_for_forgotten(without, cure):
    def find_font(characters):
        return None if without in characters else font_with(characters)

    chars = frozenset({"A", "C", without})
    planned = plan(chars, chars, frozenset(), "en", find_font=find_font)
    assert planned.no_font == (without,)
    found = forgetting(planned, texts_with(planned, {}), texts_with(planned, {}))
    assert [one.character for one in found.tested] == ["A", "C"]
    said = f"1 could not be tested, because no font of this machine has them ({without}); {cure}."
    assert said in sentences(found, "en")


def test_a_character_is_forgotten_where_the_base_reads_it_and_the_new_model_does_not():
    planned = plan(CAPITALS, CAPITALS, frozenset("ABC"), "en")
    # neither reads X
    base = texts_with(planned, {"X": "Y"})
    new = texts_with(planned, {"X": "Y", "Q": "O", "W": ""})
    seen = []
    found = forgetting(planned, base, new, seen.append)
    assert [one.character for one in found.forgotten] == ["Q", "W"]
    assert sum(seen) == 2 * found.lines
    assert found.known == len(planned.chosen) - 1
    assert (found.base, found.unlabelled) == ("scripted", 23)
    assert [one["character"] for one in found.summary()["forgotten"]] == ["Q", "W"]


@pytest.mark.parametrize(
    ("base", "new", "forgotten"),
    [
        pytest.param(4, 0, True, id="always before, never now"),
        pytest.param(3, 1, True, id="mostly before, seldom now"),
        pytest.param(4, 2, False, id="half is still read"),
        pytest.param(2, 0, False, id="it was never read well"),
    ],
)
def test_forgotten_is_what_was_read_and_is_read_less_than_half_of_the_time(base, new, forgotten):
    assert CharacterMemory("Q", 4, base, new).forgotten == forgotten


def test_a_dictionary_that_lost_characters_and_one_without_a_rest_are_said():
    lost = Forgetting("base", 5, ("é", "è"), 0, (), (), (), 0)
    assert sentences(lost, "en") == [
        "2 more are not in the new model's dictionary, so it can never write them."
    ]
    nothing = Forgetting("base", 0, (), 0, (), (), (), 0)
    assert sentences(nothing, "en") == [
        "The team labelled every character of base, so none can be forgotten unseen."
    ]


def test_a_model_that_mixes_two_letters_up_is_found_out_on_rendered_lines(settings, mixed_up):
    letters = frozenset(string.ascii_letters)
    with open_model("stock", "en", settings) as base, open_model(str(mixed_up), "en", settings) as new:
        found = forgetting(plan(letters, letters, frozenset(), "en"), base.reader, new.reader)
    assert {one.character for one in found.forgotten} == {"Q", "W", "e"}
    assert found.known > 40

"""What readers, pairs, third readers and other panels were worth, from who said the same as whom."""

from __future__ import annotations

import pytest

from backend.page.lines import Reading
from converters.report.families import Worth
from converters.report.family_words import choice_in_words, families_summary, short_name

PLAIN, CHARACTERS = "ernie-4.5-vl:plain@0c1f", "ernie-4.5-vl:characters@77aa"
LOCAL = "tesseract-5.5(rus@3fa94c,line)"
FAILED = "(failed)"


def worth_of(*lines: tuple[str, ...], reviewed: bool = True, blind: bool = False) -> Worth:
    """Lines as the texts of three readers, the approved text (`-`: no legible line) and the filled-in one.

    An empty text is "no text"; a reader with `?` was not asked.
    """
    worth = Worth((PLAIN, CHARACTERS, LOCAL))
    for *said, approved, filled in lines:
        readings = [
            Reading(reader, error="no answer") if text == FAILED else Reading(reader, text)
            for reader, text in zip((PLAIN, CHARACTERS, LOCAL), said, strict=True)
            if text != "?"
        ]
        truth = None if approved == "-" else approved
        worth.add(readings, truth, filled, "ru", reviewed=reviewed, blind=blind)
    return worth


LINES = (
    ("Счёт", "Счёт", "Счёт", "Счёт", "Счёт"),
    ("Счёт", "Счёт", "Счет", "Счёт", "Счёт"),
    ("Акт", "Акт", "Ант", "Ант", "Акт"),
    ("Дом", "Дым", "Дым", "Дым", "Дом"),
    ("Дом", "Дым", "Дом", "Дым", "Дом"),
    ("Лес", "Лев", "Лён", "Лес", "Лес"),
    ("Вода", "Вода", FAILED, "Вода", "Вода"),
    ("", "", "Тень", "Тень", ""),
)


def test_each_reader_is_held_against_what_people_approved() -> None:
    plain, characters, local = worth_of(*LINES).each_reader()
    assert (plain.right.hits, plain.right.of) == (4, 8)
    assert (characters.right.hits, characters.right.of) == (5, 8)
    # a reading that failed says nothing of the reader's eye
    assert (local.right.hits, local.right.of) == (4, 7)
    assert (plain.family, local.family) == ("ERNIE", "Tesseract")


def test_what_was_filled_in_is_told_from_what_had_no_such_help() -> None:
    plain, _, local = worth_of(*LINES).each_reader()
    # the first reader's text stood on every line, so nothing tells what it is worth without that
    assert (plain.filled.hits, plain.filled.of, plain.right_elsewhere.of) == (8, 8, 0)
    assert (local.filled.hits, local.right_elsewhere.hits, local.right_elsewhere.of) == (2, 3, 5)


@pytest.mark.parametrize(
    ("pair", "agreed", "right", "ready"),
    [
        pytest.param((PLAIN, CHARACTERS), (4, 8), (3, 4), (3, 6), id="one family"),
        pytest.param((PLAIN, LOCAL), (2, 7), (1, 2), (1, 6), id="two families"),
        pytest.param((CHARACTERS, LOCAL), (2, 7), (2, 2), (2, 6), id="the other prompt"),
    ],
)
def test_a_pair_is_worth_what_it_agrees_on_rightly(
    pair: tuple[str, str], agreed: tuple[int, int], right: tuple[int, int], ready: tuple[int, int]
) -> None:
    (found,) = [each for each in worth_of(*LINES).each_pair() if each.readers == pair]
    assert (found.agreed.hits, found.agreed.of) == agreed
    assert (found.right.hits, found.right.of) == right
    assert (found.ready.hits, found.ready.of) == ready


def test_a_third_reader_settles_disputes_rightly_or_not() -> None:
    (found,) = [each for each in worth_of(*LINES).each_third() if each.third == LOCAL]
    assert found.readers == (PLAIN, CHARACTERS)
    assert (found.settled.hits, found.settled.of) == (2, 3)
    assert (found.rightly.hits, found.rightly.of) == (1, 2)


def test_a_witness_parts_the_agreed_lines_into_better_and_worse_ones() -> None:
    (found,) = [each for each in worth_of(*LINES).each_third() if each.third == LOCAL]
    assert (found.assents.hits, found.assents.of) == (1, 1)
    assert (found.dissents.hits, found.dissents.of) == (1, 2)


def test_other_panels_tell_their_calls_and_what_they_agree_on() -> None:
    lines = [line for line in LINES if FAILED not in line]
    found = {choice_in_words(each): each for each in worth_of(*lines).choices() if each.readers[0] == PLAIN}
    told = {
        words: (each.agreed.hits, each.right.hits, round(each.calls * 7)) for words, each in found.items()
    }
    assert told == {
        "ERNIE plain + ERNIE characters": (3, 2, 14),
        "ERNIE plain + Tesseract line": (2, 1, 7),
        # the second prompt is asked for the five lines on which the others differ, and confirms one
        "ERNIE plain + Tesseract line, ERNIE characters where they differ": (3, 2, 12),
        "ERNIE plain + ERNIE characters + Tesseract line, all alike": (1, 1, 14),
    }


def test_nothing_is_said_of_a_panel_whose_reader_saw_the_doubtful_lines_alone() -> None:
    easy = ("Счёт", "?", "Счёт", "Счёт", "Счёт")
    hard = ("Дом", "Дым", "Дым", "Дым", "Дом")
    found = worth_of(easy, easy, easy, hard).choices()
    assert [(choice_in_words(each), each.calls) for each in found] == [
        ("ERNIE plain + Tesseract line", 1.0),
        ("ERNIE plain + Tesseract line, ERNIE characters where they differ", 1.25),
    ]


def test_a_box_that_is_no_legible_line_makes_an_agreement_wrong() -> None:
    pair, *_ = worth_of(("Счёт", "Счёт", "Счёт", "-", "Счёт")).each_pair()
    assert (pair.right.hits, pair.right.of) == (0, 1)


def test_look_alikes_and_marks_are_the_same_as_in_a_verdict() -> None:
    pair, *_ = worth_of(("Cчёт № 7", "Счёт №7", "Счёт", "Счёт № 7", "")).each_pair()
    assert (pair.right.hits, pair.right.of) == (1, 1)


@pytest.mark.parametrize(
    ("reader", "name"),
    [
        (PLAIN, "ERNIE plain"),
        ("qwen2.5vl:7b:characters@0c1f52", "ERNIE characters"),
        ("tesseract-5.5(rus+eng@166502,raw,r2)", "Tesseract raw"),
        ("PP-OCRv5_mobile_rec", "PP-OCRv5_mobile_rec"),
        ("ours@1f3a9c07(2,margin=.2)", "ours with a margin"),
    ],
)
def test_readers_have_names_that_people_can_tell_apart(reader: str, name: str) -> None:
    assert short_name(reader) == name


def test_lines_typed_blind_are_counted_by_themselves() -> None:
    line = ("Акт", "Акт", "Акт", "Ант", "Акт")
    worth = worth_of(line, reviewed=False, blind=True)
    pair, *_ = worth.each_pair()
    assert (pair.blind.hits, pair.blind.of, pair.agreed.of, worth.lines) == (0, 1, 0, 0)
    (told,) = families_summary({"version": worth})
    assert told["pairs"][0]["agreed_right_typed_blind"]["of"] == 1
    assert told["choices"] == []


def test_a_reader_that_comes_later_has_read_none_of_the_lines_before() -> None:
    worth = Worth()
    worth.add([Reading(PLAIN, "Акт")], "Акт", "Акт", "ru", reviewed=True, blind=False)
    worth.add([Reading(PLAIN, "Акт"), Reading(LOCAL, "Акт")], "Акт", "Акт", "ru", reviewed=True, blind=False)
    (pair,) = worth.each_pair()
    assert (pair.agreed.hits, pair.agreed.of) == (1, 1)

"""Which characters are read, and what they are taken for."""

from __future__ import annotations

from converters.evaluation.characters import ENOUGH, Confusion, characters_of, confusions_of
from tests.evaluation.lines import line, page_of


def test_confusions_are_single_edits_the_most_frequent_first():
    found = confusions_of([line("Счёт", "Счет"), line("ёж", "еж"), line("№ 7", "7"), line("да", "да!")])
    assert found == [
        (Confusion("ё", "е"), 2),
        (Confusion("", "!"), 1),
        (Confusion(" ", ""), 1),
        (Confusion("№", ""), 1),
    ]


def test_recall_and_precision_of_a_character_count_what_was_approved_and_what_was_written():
    found = {one.character: one for one in characters_of([line("ёлка", "елка"), line("ещё", "еще")])}
    # ё: approved twice, never read and never written
    assert (found["ё"].recall.count, found["ё"].recall.of, found["ё"].precision.of) == (0, 2, 0)
    assert found["ё"].precision.value is None
    # е: approved once and read, written three times
    assert (found["е"].recall.value, found["е"].precision.count, found["е"].precision.of) == (1.0, 1, 3)
    assert (found["л"].recall.value, found["л"].precision.value) == (1.0, 1.0)


def test_a_character_that_is_left_out_is_not_read_and_one_that_is_put_in_is_not_right():
    found = {one.character: one for one in characters_of([line("a, b", "a b"), line("cd", "c.d")])}
    assert (found[","].recall.count, found[","].recall.of, found[","].precision.of) == (0, 1, 0)
    assert (found["."].precision.count, found["."].precision.of, found["."].recall.of) == (0, 1, 0)
    assert (found["c"].recall.value, found["d"].precision.value) == (1.0, 1.0)


def test_characters_with_the_most_errors_come_first():
    assert [one.character for one in characters_of([line("aab", "xab"), line("aa", "xa")])][:2] == ["a", "x"]


def test_a_character_that_is_read_alike_on_every_page_has_no_interval_and_others_have_one():
    results = [
        *page_of("1", ("aaab", "aaab"), ("aaab", "aaab")),
        *page_of("2", ("aaab", "aaax"), ("aaab", "aaab")),
        *page_of("3", ("aaab", "aaax"), ("aaab", "aaax")),
    ]
    found = {one.character: one for one in characters_of(results)}
    assert found["a"].recall.interval is None
    low, high = found["b"].recall.interval
    assert 0 <= low < 0.5 < high <= 1


def test_a_rare_character_and_one_of_a_single_page_have_no_interval():
    rare = characters_of([*page_of("1", ("q", "q")), *page_of("2", ("q", "x"))])
    assert next(one for one in rare if one.character == "q").recall.interval is None
    one_page = characters_of([*page_of("1", *[("z", "z")] * ENOUGH, ("z", "x")), *page_of("2", ("a", "a"))])
    assert next(one for one in one_page if one.character == "z").recall.interval is None

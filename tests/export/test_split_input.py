"""What the split gets to know of pages."""

from __future__ import annotations

import random

from converters.export.page_records import Author, LineRecord, PageRecord
from converters.export.split import COMMON, split
from converters.export.split_input import RARE, SplitInput

AUTHOR = Author("1", "1", "", "", None)


def page(name: str, *crops: tuple[str, int], group: str | None = None) -> PageRecord:
    """A page whose lines are texts with fingerprints."""
    lines = [
        LineRecord(f"l{place}", [], [], text, text, ["Text"], None, f"{name}_{place}.png", "", fingerprint)
        for place, (text, fingerprint) in enumerate(crops)
    ]
    return PageRecord(name, "1", 0, "", "", AUTHOR, "", name, 1, 1, None, group, None, None, lines)


def gathered(*records: PageRecord) -> SplitInput:
    pages = SplitInput()
    for record in records:
        pages.add(record)
    return pages


def test_scans_of_the_same_lines_stay_together_although_all_numbers_look_alike():
    some = random.Random(1)
    different = iter(some.sample(range(10**6), 1200))
    records = []
    for number in range(200):
        numbers = [(str(next(different)), 1 << some.randrange(64)) for _ in range(6)]
        records.append(page(f"{number:03}", *numbers))
        records.append(page(f"{number:03} again", *((text, look ^ 3) for text, look in numbers)))
    parts = split(gathered(*records).pages())
    assert parts.largest_group == 2
    assert all(parts.parts[f"{n:03}"] is parts.parts[f"{n:03} again"] for n in range(200))


def test_only_crops_whose_text_stands_on_a_few_pages_are_told():
    records = [page(str(n), ("Итого", 0), ("№ 7" if n < 2 else f"№ {n + 100}", 0)) for n in range(COMMON + 1)]
    told = {one.page: len(one.crops) for one in gathered(*records).pages()}
    assert told == {str(n): int(n < 2) for n in range(COMMON + 1)}


def test_only_characters_on_a_few_pages_are_told():
    records = [page(str(n), ("аѣ" if n < RARE else "а", 0)) for n in range(RARE + 1)]
    assert {char for one in gathered(*records).pages() for char in one.characters} == {"ѣ"}


def test_two_tasks_with_the_same_picture_are_one_page():
    (one,) = gathered(page("same", ("а", 1), group="b"), page("same", ("б", 2), group="a")).pages()
    assert (one.page, one.group, one.characters) == ("same", "a", frozenset("аб"))


def test_a_page_without_a_row_takes_no_part():
    assert gathered(page("empty")).pages() == []

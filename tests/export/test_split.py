"""Which pages train, validate and test."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from converters.export.split import Part, PartReason, Split, SplitPage, alike, dhash, joined, split
from tests.parts import samples

RATIO = (0.8, 0.1, 0.1)


def pages(count: int, **same: object) -> list[SplitPage]:
    return [SplitPage(f"page-{number}", **same) for number in range(count)]


def test_the_ratio_is_kept_over_many_pages():
    parts = split(pages(2000), RATIO)
    assert len(parts.pages(Part.TRAIN)) == pytest.approx(1600, abs=80)
    assert len(parts.pages(Part.VAL)) == pytest.approx(200, abs=50)


def test_order_does_not_matter():
    known = [SplitPage(f"p{n}", characters=frozenset(chr(1072 + n % 40))) for n in range(60)]
    shuffled = random.Random(1).sample(known, len(known))
    assert split(shuffled, RATIO) == split(known, RATIO)
    assert list(split(shuffled, RATIO).parts) == sorted(page.page for page in known)


@given(
    st.integers(0, 40),
    st.sampled_from([(0.8, 0.1, 0.1), (0.5, 0.5, 0.0), (0.01, 0.0, 0.99), (1.0, 0.0, 0.0)]),
)
def test_every_page_has_one_part_and_train_is_never_empty(count, ratio):
    parts = split(pages(count), ratio)
    assert sorted(parts.parts) == sorted(page.page for page in pages(count))
    if count:
        assert parts.pages(Part.TRAIN)
    asked = [part for part, share in zip(Part, ratio, strict=True) if share]
    assert set(parts.parts.values()) <= set(asked)
    if count >= len(asked):
        assert set(parts.parts.values()) == set(asked)


def test_a_growing_project_moves_nothing_that_was_assigned():
    first = split(pages(50), RATIO)
    grown = split(pages(120), (0.2, 0.4, 0.4), kept=first.parts)
    assert {page: grown.parts[page] for page in first.parts} == first.parts
    assert {grown.reasons[page] for page in first.parts} == {PartReason.KEPT}
    assert set(grown.parts) == {page.page for page in pages(120)}


def test_pages_of_one_document_stay_together():
    known = [SplitPage(f"p{n}", group=f"document {n // 5}") for n in range(100)]
    parts = split(known, RATIO).parts
    for number in range(20):
        assert len({parts[f"p{n}"] for n in range(number * 5, number * 5 + 5)}) == 1
    assert set(parts.values()) == set(Part)


def test_a_new_page_of_an_assigned_document_follows_it_and_train_wins():
    known = [SplitPage("old", group="d"), SplitPage("older", group="d"), SplitPage("new", group="d")]
    parts = split(known, RATIO, kept={"old": Part.TEST, "older": Part.TRAIN})
    assert parts.parts == {"new": Part.TRAIN, "old": Part.TEST, "older": Part.TRAIN}
    assert parts.reasons["new"] is PartReason.TOGETHER


@pytest.mark.parametrize(
    ("crops", "largest"),
    [
        pytest.param([(1, 1 << 20), (1, (1 << 20) + 7)], 2, id="the same text, nearly the same look"),
        pytest.param([(1, 1 << 20), (1, (1 << 20) + 15)], 1, id="the same text, another look"),
        pytest.param([(1, 1 << 20), (2, 1 << 20)], 1, id="the same look, another text"),
        pytest.param([(1, 0b0), (1, 0b111), (1, 0b111111)], 3, id="through another"),
        pytest.param([(1, 7)] * 5, 5, id="on as many pages as a duplicate may be"),
        pytest.param([(1, 7)] * 6, 1, id="a word in common"),
    ],
)
def test_pages_with_near_duplicate_crops_stay_together(crops, largest):
    known = [SplitPage(f"p{number}", crops=(crop,)) for number, crop in enumerate(crops)]
    assert split(known, (0.5, 0.5, 0.0)).largest_group == largest


def test_a_page_with_a_rare_character_moves_to_train():
    plain = split(pages(100), RATIO)
    tested = plain.pages(Part.TEST)[0]
    marked = [
        SplitPage(page.page, characters=frozenset("аѣ" if page.page == tested else "а"))
        for page in pages(100)
    ]
    moved = split(marked, RATIO)
    assert moved.parts[tested] is Part.TRAIN
    assert moved.reasons[tested] is PartReason.RARE
    assert {p for p in moved.parts if moved.parts[p] is not plain.parts[p]} == {tested}


def test_rare_characters_do_not_empty_a_part():
    known = [SplitPage(f"p{n}", characters=frozenset(chr(0x4E00 + n))) for n in range(12)]
    assert set(split(known, RATIO).parts.values()) == set(Part)


@given(st.lists(st.integers(0, 2**64 - 1), max_size=30), st.integers(1, 6))
def test_alike_are_those_that_comparing_all_pairs_joins(values, distance):
    values += [values[0] ^ 1, values[0] ^ 0b111] if values else []
    pairs = [(a, b) for a in values for b in values if bin(a ^ b).count("1") <= distance]
    slow = [sorted(group) for group in joined(sorted(set(values)), pairs)]
    assert alike(values, distance) == slow


def test_keys_are_joined_through_others():
    assert joined("abcdef", [("a", "c"), ("c", "e"), ("f", "b")]) == [
        ["a", "c", "e"],
        ["b", "f"],
        ["d"],
    ]


def test_a_page_that_was_saved_again_has_nearly_the_same_fingerprint():
    originals = []
    for name in ("syn_001", "syn_015", "syn_064", "phototest"):
        with Image.open(samples.sample(name).path) as opened:
            originals.append(opened.convert("RGB"))
    prints = [dhash(np.asarray(page)) for page in originals]
    for page, fingerprint in zip(originals, prints, strict=True):
        smaller = np.asarray(page.resize((page.width * 2 // 3, page.height * 2 // 3)))
        assert bin(dhash(smaller) ^ fingerprint).count("1") <= 3
    assert len(alike(prints, 3)) == len(prints)


def test_a_fingerprint_has_the_bits_it_says():
    ramp = np.tile(np.arange(0, 250, 10, dtype=np.uint8)[None, :, None], (20, 1, 3))
    assert dhash(ramp) == 2**64 - 1
    assert dhash(ramp, size=5) == 2**25 - 1
    assert dhash(ramp[:, ::-1]) == 0


def test_nothing_to_split_is_nothing():
    assert split([]) == Split({}, {}, 0)

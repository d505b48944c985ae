"""The draw: the same everywhere, and by chance."""

from __future__ import annotations

from backend.guarantee.draws import draw_number
from backend.guarantee.lots import Lot, LotKey, LotLine, drawn


def lot_of(pages: range) -> Lot:
    lines = [
        LotLine(page, region, draw_number(3, page, region, "v1"), 0.9, None)
        for page in pages
        for region in "abcdefghij"
    ]
    return Lot(LotKey(3, "en", "v1"), tuple(lines), len(lines))


def test_a_line_has_the_same_number_on_every_machine() -> None:
    assert draw_number(3, 41, "r1", "v1") == 0x4E15DB28AB67F7C4


def test_project_task_region_and_version_all_count() -> None:
    others = [(4, 41, "r1", "v1"), (3, 42, "r1", "v1"), (3, 41, "r2", "v1"), (3, 41, "r1", "v2")]
    assert len({draw_number(*one) for one in [(3, 41, "r1", "v1"), *others]}) == 5


def test_a_larger_sample_holds_the_smaller_one() -> None:
    lot = lot_of(range(100))
    assert drawn(lot, 128)[:64] == drawn(lot, 64)
    assert len(set(drawn(lot, 128))) == 128


def test_the_order_of_the_lines_does_not_count() -> None:
    lot = lot_of(range(100))
    turned = Lot(lot.key, lot.lines[::-1], lot.read)
    assert drawn(lot, 64) == drawn(turned, 64)


def test_new_pages_bring_their_share_of_the_sample() -> None:
    """Half of the lines are new; half of 512 is 256, give or take four standard deviations (11 each)."""
    new = sum(line.page >= 500 for line in drawn(lot_of(range(1000)), 512))
    assert 256 - 44 < new < 256 + 44


def test_pages_and_places_on_them_are_drawn_alike() -> None:
    sample = drawn(lot_of(range(1000)), 1000)
    assert all(60 < sum(line.region == region for line in sample) < 140 for region in "abcdefghij")
    assert sum(line.page < 100 for line in sample) < 140

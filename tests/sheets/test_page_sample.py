"""Which pages go to page review whole: the same ones for everybody, about as many as asked for."""

from __future__ import annotations

from backend.sheets.page_sample import sampled, sampled_pages


def test_about_the_share_that_was_asked_for_is_drawn_and_of_each_project_another() -> None:
    drawn = sampled_pages(3, range(1000), 0.05)
    assert 30 <= len(drawn) <= 70
    assert drawn != sampled_pages(4, range(1000), 0.05)


def test_a_page_stays_in_the_sample_as_the_project_and_the_share_grow() -> None:
    drawn = sampled_pages(3, range(1000), 0.05)
    assert drawn < sampled_pages(3, range(5000), 0.05)
    assert drawn < sampled_pages(3, range(1000), 0.1)
    assert drawn == sampled_pages(3, reversed(range(1000)), 0.05)


def test_a_small_project_has_one_page_in_its_sample_and_none_where_nobody_wants_one() -> None:
    assert len(sampled_pages(3, [1, 2, 3], 0.001)) == 1
    assert sampled_pages(3, [1, 2, 3], 0) == sampled_pages(3, [], 0.5) == frozenset()
    assert sampled_pages(3, [1, 2, 3], 1) == {1, 2, 3}


def test_the_reviewed_pages_of_the_sample_are_counted() -> None:
    found = sampled(3, {1: True, 2: False, 3: True}, 1)
    assert (found.share, found.pages, found.reviewed) == (1, {1, 2, 3}, {1, 3})

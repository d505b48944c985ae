"""The pages of a task whose annotation counts."""

from __future__ import annotations

import pytest

from converters.export.page_jobs import page_name


@pytest.mark.parametrize(
    ("number", "pages", "name"),
    [(0, 1, "17"), (0, 2, "17_p1"), (1, 2, "17_p2"), (3, 1, "17_p4"), (0, 0, "17")],
)
def test_a_page_is_called_after_its_task(number, pages, name):
    assert page_name("17", number, pages) == name

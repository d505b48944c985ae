from __future__ import annotations

import pytest

from backend.errors import Busy
from backend.pipeline.backlog import Backlog


def fill(backlog: Backlog, project: str) -> int:
    """How many bulk pages of a project are taken until one is refused."""
    taken = 0
    with pytest.raises(Busy):
        while taken < 100:
            backlog.admit(project, opened=False)
            taken += 1
    return taken


def test_one_project_may_fill_half_of_it_and_each_next_one_half_of_what_is_left() -> None:
    backlog = Backlog(16)
    assert [fill(backlog, project) for project in "ABCD"] == [8, 4, 2, 1]
    with pytest.raises(Busy) as refused:
        backlog.admit("A", opened=False)
    assert str(refused.value) == (
        "8 pages of this project and 7 of others wait already. MAX_WAITING_PAGES allows 16, of which one "
        "project has no more than are left for others; ask again later."
    )
    assert (refused.value.status, refused.value.retry_after_s) == (503, 60)


def test_what_is_done_or_opened_makes_room() -> None:
    backlog = Backlog(4)
    assert fill(backlog, "A") == 2
    backlog.leave("A", opened=False)
    backlog.open("A")
    assert backlog.opened == 1
    assert fill(backlog, "A") == 2


def test_pages_that_annotators_open_are_counted_apart() -> None:
    backlog = Backlog(2)
    assert fill(backlog, "A") == 1
    backlog.admit("A", opened=True)
    backlog.admit("A", opened=True)
    with pytest.raises(Busy, match="2 pages that annotators opened"):
        backlog.admit("B", opened=True)
    backlog.leave("A", opened=True)
    backlog.admit("B", opened=True)

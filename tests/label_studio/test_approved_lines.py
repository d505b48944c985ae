"""How many lines were approved since a moment, counted in tasks as Label Studio's API gives them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from backend.label_studio.approved_lines import new_lines
from tests.parts.reviewed_work import BEGIN, CONFIG, Work, second_opinion, task

BEFORE, AFTER = BEGIN - timedelta(days=1), BEGIN + timedelta(days=30)


@pytest.mark.parametrize(
    ("work", "count"),
    [
        pytest.param([Work(["a", "a"], "a"), Work(["b", "b"], "b")], 2, id="two approved"),
        pytest.param([Work(["a", "a"], "a"), Work(["b", None], "b", "open")], 1, id="one still doubtful"),
        pytest.param([Work(["a", "b"], "", "illegible")], 0, id="illegible"),
        pytest.param([Work(["a", "b"], "a", "second")], 1, id="the second reading is right"),
        pytest.param([Work(["a", "b"], "c", "second")], 0, id="it is right, and another text was typed"),
        pytest.param([Work(["a", None], "a", "second")], 0, id="there is no second reading"),
        pytest.param([Work(["a", "b"], "a", "later")], 0, id="left for later"),
        pytest.param([Work(["a", "b"], "", "not text")], 0, id="no text"),
        pytest.param([Work(["a", "a"], "a", "removed")], 0, id="removed"),
        pytest.param([Work(["a", "a"], "  ")], 0, id="blank"),
    ],
)
def test_lines_with_a_text_that_nobody_doubts_are_counted(work: list[Work], count: int) -> None:
    assert new_lines([task(1, work)], CONFIG, None, 100) == count


def test_only_what_was_approved_since_is_counted() -> None:
    made = task(1, [Work(["a", "a"], "a")])
    assert new_lines([made], CONFIG, BEFORE, 100) == 1
    assert new_lines([made], CONFIG, AFTER, 100) == 0


def test_of_two_annotations_the_latest_counts_as_in_an_export() -> None:
    lines = [Work(["a", "a"], "a"), Work(["b", "b"], "b")]
    made = task(1, lines)
    second_opinion(made, [Work(["a", "a"], "a", "removed"), Work(["b", "b"], "b", "removed")])
    assert new_lines([made], CONFIG, None, 100) == 2


def test_a_skipped_task_approves_nothing() -> None:
    made = task(1, [Work(["a", "a"], "a")])
    made["annotations"][0]["was_cancelled"] = True
    assert new_lines([made], CONFIG, None, 100) == 0


def test_no_task_is_read_once_there_are_enough() -> None:
    read = []

    def tasks() -> Iterator[dict[str, Any]]:
        for number in range(1, 100):
            read.append(number)
            yield task(number, [Work(["a", "a"], "a"), Work(["b", "b"], "b")])

    assert new_lines(tasks(), CONFIG, datetime(2020, 1, 1, tzinfo=timezone.utc), 5) == 6
    assert read == [1, 2, 3]

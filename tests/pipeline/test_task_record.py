"""What people must know of tasks: as much as helps, and no more than that."""

from __future__ import annotations

from backend.errors import BadRequest
from backend.pipeline.task_record import LONGEST_SENTENCE, TaskRecord


def test_a_reason_is_kept_in_short_and_is_forgotten_when_its_page_is_mended() -> None:
    record = TaskRecord()
    image = "data:image/png;base64," + "A" * 1_000_000
    record.failed("task 1", image, BadRequest("x" * 100_000))
    record.failed("task 1", "/other.png", BadRequest("other"))
    assert record.failures == {"task 1": "other (1 more of its pages failed.)"}
    assert len(repr(record._failures)) < 3 * LONGEST_SENTENCE
    record.mended("task 1", image)
    assert record.failures == {"task 1": "other"}


def test_notes_are_kept_in_short() -> None:
    record = TaskRecord()
    record.done("task 1", "n" * 100_000)
    assert len(record.notes["task 1"]) == LONGEST_SENTENCE + 1

"""What an export prints beside its tables."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from converters.export.terminal import print_totals
from converters.export.totals import MOST_PROBLEMS, ExportTotals
from converters.export.write_page import PageOptions


def printed(*, written: bool = True, **known: Any) -> str:
    terminal = io.StringIO()
    console = Console(file=terminal, width=400, soft_wrap=True)
    print_totals(ExportTotals(**known), PageOptions(), Path("set"), console, written=written)
    return terminal.getvalue()


@pytest.mark.parametrize(
    ("known", "sentence"),
    [
        pytest.param(
            {"tasks_not_read": 7}, "7 tasks that have not changed were taken over unread.", id="kept"
        ),
        pytest.param(
            {"pages": 9, "pages_without_rows": 2}, "2 of 9 pages have no row in any label file.", id="rows"
        ),
        pytest.param(
            {"pages_without_image": 1, "problems": [("7", "Its server answers [502].")]},
            "Page 7: Its server answers [502].",
            id="a page without image",
        ),
        pytest.param(
            {"pages_without_image": 1, "problems": [("7", "No \x1b]0;owned\x07[/] there.")]},
            r"Page 7: No \x1b]0;owned\x07[/] there.",
            id="foreign words",
        ),
        pytest.param(
            {"pages_without_image": MOST_PROBLEMS + 3, "problems": [("7", "Gone.")] * MOST_PROBLEMS},
            "... and 3 more pages without an image.",
            id="more of them than are listed",
        ),
        pytest.param(
            {"pages": 9, "largest_group": 5}, "5 of 9 pages had to stay together", id="pages of one group"
        ),
        pytest.param(
            {"missing_files": ["rec_gt_val.txt"]},
            "rec_gt_val.txt has no row and was not written, although the split asks for it",
            id="a part without lines",
        ),
        pytest.param({"rows": {"rec_gt_train.txt": 3}}, "set/rec_gt_train.txt: 3 rows", id="rows by file"),
        pytest.param(
            {"compared": True, "difference": {"added": 4, "changed": 1, "removed": 2}, "pages_taken_over": 8},
            "4 rows added, 1 changed, 2 removed; 8 pages taken over as they were.",
            id="against the dataset before",
        ),
    ],
)
def test_what_people_have_to_know_is_a_sentence(known, sentence):
    assert sentence in printed(**known)
    assert sentence not in printed()


def test_of_a_dataset_that_was_not_written_no_files_are_named():
    assert "rec_gt" not in printed(
        written=False, rows={"rec_gt_train.txt": 3}, missing_files=["rec_gt_val.txt"]
    )

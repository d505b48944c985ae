"""What it takes to put ten thousand doubtful lines on sheets, and to find that none is missing.

On a real Label Studio with SQLite: 400 pages of 40 lines, 25 of them doubtful. Making is everything but the
import: listing the pages with their predictions, comparing, and writing the sheets. Run it alone with
`python -m benchmarks.sheets`.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from backend.label_studio.client import LabelStudio
from benchmarks.table import Row, show
from tests.parts.bulk_runs import studio
from tests.parts.sheet_projects import lines, page_project

PAGES, DOUBTFUL, SURE = 400, 25, 15
LIMIT_S = 20
"""What the project's owner asks for, making and importing each, seconds."""


class Timed(LabelStudio):
    """Counts the time of imports."""

    importing_s = 0.0

    def import_tasks(self, *args: Any) -> list[int]:
        """As always, timed."""
        began = time.monotonic()
        try:
            return super().import_tasks(*args)
        finally:
            self.importing_s += time.monotonic() - began


def rows() -> list[Row]:
    """Make the sheets, then top them up."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="twinread-sheets-")))
        labels = opened.enter_context(studio(folder))
        pages = [
            [(f"Счёт №{page} строка {n}", f"Счет №{page} строка {n}") for n in range(DOUBTFUL)]
            + [f"Итого {page} {n}" for n in range(SURE)]
            for page in range(PAGES)
        ]
        project, _ = page_project(labels.api, *pages)
        api = opened.enter_context(Timed(labels.api.base_url, labels.key))
        began = time.monotonic()
        made = lines(api, project, folder)
        took_s = time.monotonic() - began
        began = time.monotonic()
        again = lines(api, project, folder)
        again_s = time.monotonic() - began
    making_s = took_s - api.importing_s
    asked = f"under {LIMIT_S} s"
    return [
        Row(
            f"{made.lines:,} lines on {made.sheets:,} sheets made",
            f"{making_s:.1f} s",
            asked,
            making_s < LIMIT_S,
        ),
        Row("the same imported", f"{api.importing_s:.1f} s", asked, api.importing_s < LIMIT_S),
        Row(
            f"topped up again: {again.lines} lines new",
            f"{again_s:.1f} s",
            "none new",
            again.lines == 0 and again.on_sheets == made.lines,
        ),
    ]


if __name__ == "__main__":
    show(rows())

"""What `twinread lines` did, for a terminal and for machines."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from backend.outputs import printable
from backend.sheets.doubtful_lines import PageWork
from backend.sheets.making import Made
from backend.sheets.sample_view import MOST

NAMED = 10
"""Tasks that are named where some of their lines cannot be shown."""


def show(made: Made, project: int, console: Console) -> None:
    """Print what became of the doubtful lines, and what comes next.

    Args:
        made: what was done.
        project: the id of the page project.
        console: where.
    """
    for sentence in made.said:
        console.print(printable(sentence), markup=False, soft_wrap=True)
    lines = Table("doubtful lines of pages that nobody works on", "lines")
    for name, count in _rows(made):
        lines.add_row(name, f"{count:,}")
    lines.add_row("all", f"{sum(count for _, count in _rows(made)):,}", end_section=True)
    console.print(lines)
    for sentence in sentences(made, project):
        console.print(printable(sentence), markup=False, soft_wrap=True)


def sentences(made: Made, project: int) -> list[str]:
    """What is to be known beside the table.

    Args:
        made: what was done.
        project: the id of the page project.
    """
    said = []
    where = f" of project {made.line_project.project}" if made.line_project else ""
    if made.sheets:
        said.append(f"{made.sheets:,} new sheets{where}: open it in Label Studio and press Label All Tasks.")
    elif made.line_project is None:
        said.append("No page is read yet, so no line project was made.")
    else:
        said.append(f"No line waits for a new sheet{where}.")
    if made.anew:
        said.append(
            f"{made.anew:,} of these lines stood on a sheet before; their readings or boxes changed since."
        )
    if made.removed:
        said.append(f"{made.removed:,} sheets were removed: nobody had touched them, and nobody needs them.")
    people = made.work[PageWork.SUBMITTED], made.work[PageWork.BEGUN], made.work[PageWork.SKIPPED]
    if any(people):
        done, begun, skipped = people
        said.append(
            f"Left alone: {done:,} pages that were submitted, {begun:,} that somebody has a draft of, "
            f"{skipped:,} that were skipped."
        )
    if made.sample:
        said.append(
            f"Pages in the sample for page review, because sheets show doubtful lines alone: "
            f"{len(made.sample):,}, of which {made.sample_waiting:,} wait. It has a tab of its own in "
            f"project {project} (there: Label Tasks As Displayed); its lines stay off sheets."
        )
    if made.sample_waiting > MOST:
        said.append(f"The tab shows the first {MOST} that wait; run this again when they are done.")
    if made.unread:
        said.append(
            f"{made.unread:,} pages are not read yet: run `twinread preannotate --project {project}`."
        )
    if made.unshown:
        tasks = ", ".join(str(task) for task in sorted(made.unshown)[:NAMED])
        more = " and others" if len(made.unshown) > NAMED else ""
        said.append(
            f"Lines of task {tasks}{more} cannot be shown on a sheet: the image or the box is none that a "
            "browser can cut out. Decide them in page review."
        )
    if made.stopped:
        said.append("Stopped. What is told here was done; run this again for the rest.")
    return said


def figures(made: Made) -> dict[str, Any]:
    """The same as plain values.

    Args:
        made: what was done.
    """
    return {
        "line_project": made.line_project.project if made.line_project else None,
        "annotators": made.line_project.annotators if made.line_project else None,
        "sheets": made.sheets,
        "removed_sheets": made.removed,
        "lines": dict(_rows(made)),
        "lines_anew": made.anew,
        "pages": {work.value: made.work[work] for work in PageWork},
        "unread_pages": made.unread,
        "sample": sorted(made.sample),
        "sample_waiting": made.sample_waiting,
        "stopped": made.stopped,
    }


def _rows(made: Made) -> list[tuple[str, int]]:
    """Where the doubtful lines are; they add up to all of them."""
    return [
        ("on new sheets", made.lines),
        ("on sheets already", made.on_sheets),
        ("left for the next run", made.left),
        ("on pages of the sample", made.sampled_lines),
        ("that no sheet can show", sum(made.unshown.values())),
    ]

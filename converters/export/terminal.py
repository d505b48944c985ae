"""An export on the terminal: progress with rate and time left, and a summary that adds up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from backend.outputs import printable
from converters.export.staging import Staging
from converters.export.totals import EXPORTED, ExportTotals
from converters.export.write_page import PageOptions
from converters.shared.progress import progress


class Bar:
    """Shows how far an export is."""

    def __init__(self, bars: Progress, total: int | None) -> None:
        self._bars = bars
        self._task = bars.add_task("Exporting", total=total)

    def __call__(self, tasks: int, pages: int) -> None:
        """Show how many tasks were read and how many pages made."""
        self._bars.update(self._task, completed=tasks, description=f"Exporting tasks ({pages} pages)")


@contextmanager
def bar(console: Console, total: int | None) -> Iterator[Bar]:
    """A progress bar while the block runs; only where a person watches.

    Args:
        console: where to show it.
        total: how many tasks there are, where that is known.
    """
    with progress(console) as bars:
        yield Bar(bars, total)


def print_totals(
    totals: ExportTotals, options: PageOptions, out: Path, console: Console, *, written: bool
) -> None:
    """Print what was exported, what was left out and why; every table adds up to its last line.

    Args:
        totals: of the export.
        options: what was asked for.
        out: the dataset's folder, which label files are named in.
        console: where to print.
        written: the dataset is in its place; of one that is not there are no files to name.
    """
    _table(console, "Tasks", totals.tasks, "read", exported="reviewed")
    if totals.tasks_not_read:
        console.print(f"{totals.tasks_not_read} tasks that have not changed were taken over unread.")
    _table(console, "Annotations", totals.annotations, "seen", exported="counted")
    if options.recognition:
        _table(console, "Recognition, by region", totals.recognition, "seen")
    if options.detection:
        _table(console, "Detection, by region", totals.detection, "seen")
    if totals.pages_without_rows:
        console.print(f"{totals.pages_without_rows} of {totals.pages} pages have no row in any label file.")
    for change, count in totals.changes.most_common():
        console.print(f"{count} texts: {change}.", markup=False)
    for direction, count in totals.directions.most_common():
        console.print(f"{count} boxes: {direction}.", markup=False, style="yellow")
    if totals.looked_note is not None:
        console.print(totals.looked_note, markup=False, style="yellow")
    if totals.guarantee is not None:
        for sentence, style in totals.guarantee.notes():
            console.print(printable(sentence), markup=False, style=style)
    for key, sentence in totals.problems:
        console.print(printable(f"Page {key}: {sentence}"), markup=False, style="red")
    more = totals.pages_without_image - len(totals.problems)
    if more:
        console.print(f"... and {more} more pages without an image.", style="red")
    if not written:
        return
    if totals.pages and 2 * totals.largest_group > totals.pages > 2:
        console.print(
            f"{totals.largest_group} of {totals.pages} pages had to stay together (one document, or crops "
            "that look and read the same), so the split is not as even as it was asked for.",
            style="yellow",
        )
    for name in totals.missing_files:
        console.print(
            f"{name} has no row and was not written, although the split asks for it: too few pages have a "
            "line, and what was assigned once stays. Label more pages, or choose --split, with --new-split.",
            style="yellow",
        )
    for name, count in sorted(totals.rows.items()):
        console.print(printable(f"{out.name}/{name}: {count} rows"), markup=False)
    changed = totals.difference
    if totals.compared:
        console.print(
            f"Against the dataset before: {changed['added']} rows added, {changed['changed']} changed, "
            f"{changed['removed']} removed; {totals.pages_taken_over} pages taken over as they were."
        )


def stop_note(staging: Staging) -> str:
    """What Ctrl-C leaves: the dataset, and what the next export goes on from."""
    if staging.finished:
        return f"Stopped when {staging.out.name} was whole already: it is the new dataset."
    begin = "Stopped. The dataset is as it was; run the same command again"
    if not staging.kept:
        return f"{begin}."
    folders = " and ".join(map(str, staging.kept))
    return (
        f"{begin} to go on from here. Until then the pages made so far wait in {folders}; delete that to be "
        "rid of them."
    )


def _table(
    console: Console, title: str, counts: Mapping[str, int], total: str, exported: str = EXPORTED
) -> None:
    table = Table(title=title, title_justify="left", show_header=False, box=None, pad_edge=False)
    table.add_column(justify="right")
    table.add_column()
    for name, count in sorted(counts.items(), key=lambda item: (item[0] != EXPORTED, -item[1], item[0])):
        if count:
            table.add_row(str(count), Text(exported if name == EXPORTED else name))
    table.add_row(str(sum(counts.values())), Text(total, style="bold"))
    console.print(table)

"""What an import came to, for people and machines; it adds up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console

from converters.paddleocr.label_files import LabelFile, LeftOut, RegionReason, RowReason

MOST_SHOWN = 20
"""Rows and regions left out that the terminal names; the summary for machines has them all."""


@dataclass
class ImportTotals:
    """What an import came to; rows = made + there + left out, regions = on pages + left out with reasons.

    there: rows whose task the project has already.
    changed: of those, rows that now say something else; the tasks are left as they are.
    still_predictions: of those, rows that should be annotations now, and whose tasks have none.
    converted: images that were uploaded as another file than the one in the set.
    regions_unreadable: where each of the regions left out is that could not be read.
    """

    rows: int = 0
    made: int = 0
    there: int = 0
    changed: int = 0
    still_predictions: int = 0
    converted: int = 0
    lines: int = 0
    reshaped: int = 0
    rows_left_out: list[LeftOut] = field(default_factory=list)
    regions_left_out: list[RegionReason] = field(default_factory=list)
    regions_unreadable: list[LeftOut] = field(default_factory=list)

    @property
    def in_order(self) -> list[LeftOut]:
        """The rows left out and the regions that cannot be read, file by file and row by row."""
        return sorted([*self.rows_left_out, *self.regions_unreadable], key=lambda out: (out.file, out.line))

    def summary(self) -> dict[str, Any]:
        """Everything, for machines."""
        by_why = {why: sum(row.why is why for row in self.rows_left_out) for why in RowReason}
        regions = {why: self.regions_left_out.count(why) for why in RegionReason}
        return {
            "rows": self.rows,
            "tasks_made": self.made,
            "already_there": self.there,
            "already_there_with_other_labels": self.changed,
            "already_there_and_still_predictions": self.still_predictions,
            "rows_left_out": {why.value: count for why, count in by_why.items() if count},
            "lines": self.lines,
            "lines_reshaped": self.reshaped,
            "regions_left_out": {why.value: count for why, count in regions.items() if count},
            "images_converted": self.converted,
            "problems": [
                {"file": row.file, "row": row.line, "image": row.image, "why": row.why.value}
                | {"sentence": row.sentence, "regions": row.regions}
                for row in self.in_order
            ],
        }


def tell(account: ImportTotals, files: Sequence[LabelFile], console: Console) -> None:
    """Tell an account on the terminal, with the first rows that were left out."""
    summary = account.summary()
    sets = ", ".join(f"{file.name} ({file.kind if file.count else 'empty'})" for file in files)
    rows: list[tuple[str, int]] = [("tasks made", account.made), ("already in the project", account.there)]
    rows += [(f"left out: {why}", count) for why, count in summary["rows_left_out"].items()]
    console.print(f"{sets}: {_count(account.rows, 'row')}", markup=False, highlight=False)
    for what, count in rows:
        console.print(f"  {count:>7,}  {what}", markup=False, highlight=False)
    done = account.made + account.there + len(account.rows_left_out)
    if done < account.rows:
        console.print(f"  {account.rows - done:>7,}  not reached", markup=False, highlight=False)
    console.print(f"{_count(account.lines, 'line')} on the new tasks", end="", markup=False, highlight=False)
    notes = [f"{count} left out: {why}" for why, count in summary["regions_left_out"].items()]
    notes += [f"{account.reshaped} drawn as the rectangle around their polygon"] * bool(account.reshaped)
    console.print("".join(f"; {note}" for note in notes) + ".", markup=False, highlight=False)
    if account.converted:
        console.print(
            f"{_count(account.converted, 'image')} uploaded as another file (TIFF as PNG, or renamed to "
            "what it is), because Label Studio takes no other.",
            markup=False,
        )
    if account.changed:
        console.print(
            f"{_count(account.changed, 'row')} already there now say something else; their tasks are left "
            "as they are.",
            markup=False,
        )
    if account.still_predictions:
        console.print(
            f"{_count(account.still_predictions, 'row')} already there stay predictions that wait for "
            "review, because no import changes a task that is in the project; confirm them in Label Studio, "
            "or delete their tasks there and import again with --as-annotations.",
            markup=False,
        )
    for row in account.in_order[:MOST_SHOWN]:
        about = f"{row.file}, row {row.line}" + (f", {row.image}" if row.image else "")
        sentence = " ".join(row.sentence.split())
        console.print(f"  {about}: {sentence.removesuffix('.')}.", markup=False, highlight=False)
    more = len(account.in_order) - MOST_SHOWN
    if more > 0:
        console.print(f"  and {more:,} more; --summary-json FILE lists them all.", markup=False)


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"

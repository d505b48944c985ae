"""The one table that `make bench` prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what was measured, the figure with its unit, and what was expected."""

    what: str
    measured: str
    expected: str
    well: bool


def show(rows: Sequence[Row]) -> None:
    """Print the rows, those that miss what was expected marked."""
    table = Table("measured", "figure", "expected", "")
    for row in rows:
        table.add_row(row.what, row.measured, row.expected, "" if row.well else "MISSED")
    Console(width=160).print(table)

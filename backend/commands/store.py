"""The sub-command `store`: what is in the store of readings, and what goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from backend.readers.store.database import Database
    from backend.readers.store.upkeep import Pruning, StoreFigures


@click.command()
@click.option("--prune", is_flag=True, help="Delete readings; at least one of the next three says which.")
@click.option(
    "--older-than",
    "older_than_days",
    type=click.FloatRange(min=0),
    metavar="DAYS",
    help="Readings that were made longer ago.",
)
@click.option("--reader", metavar="IDENTITY", help="Readings of this reader, by its whole name.")
@click.option(
    "--unused",
    "unused_days",
    type=click.FloatRange(min=0),
    metavar="DAYS",
    help="Readings of readers that no backend asked in this time: models that no longer read.",
)
@click.option("--dry-run", is_flag=True, help="Count what would go, and delete nothing.")
@click.option("--summary-json", type=click.Path(dir_okay=False), help="Write the figures to this file, too.")
def store(
    prune: bool,
    older_than_days: float | None,
    reader: str | None,
    unused_days: float | None,
    dry_run: bool,
    summary_json: str | None,
) -> None:
    """Show what is in the store of readings and what reading took, and delete what nobody needs any more.

    With --prune those readings go to which everything applies that is given. A line whose reading is gone
    is read, and paid for, again when its page is asked for again; predictions and annotations in Label
    Studio stay as they are, and so does the account of what reading took. Backends may run meanwhile.
    """
    from pathlib import Path

    from rich.console import Console

    from backend.outputs import check_writable, write_summary
    from backend.pipeline.from_settings import prices
    from backend.pipeline.spending import spending_figures
    from backend.projects.status_table import spending_notes, spending_tables
    from backend.readers.store.accounts import spending
    from backend.readers.store.database import Database, file_of
    from backend.readers.store.upkeep import Pruning, count_pruned, figures
    from backend.settings import logs, settings

    pruning = Pruning(older_than_days, reader, unused_days)
    if prune and pruning == Pruning():
        raise click.UsageError(
            "--prune alone would delete everything. Say which readings go: --older-than DAYS, --reader "
            "IDENTITY or --unused DAYS."
        )
    if not prune and (dry_run or pruning != Pruning()):
        raise click.UsageError("This says which readings go; add --prune to let them go.")
    if summary_json:
        check_writable(Path(summary_json))
    values = settings.load()
    logs.configure(values.log_level)
    console = Console(highlight=False, soft_wrap=True)
    file = file_of(values.store_address)
    if file is not None and not file.exists():
        raise click.ClickException(
            "There is no store of readings yet. Start this where the backend's settings are (CACHE_DIR, "
            "STORE_URL)."
        )
    database = Database(values.store_address, busy_timeout_s=10, answer_limit_s=values.store_timeout_s)
    try:
        summary: dict[str, Any] = {}
        if prune:
            matching = count_pruned(database, pruning)
            gone = 0 if dry_run else _prune(database, pruning, matching, console)
            summary = {"matching": matching, "deleted": gone, "dry_run": dry_run}
        found = figures(database)
        taken = spending(database)
    finally:
        database.close()
    _show(found, console)
    for table in spending_tables(taken, prices(values)):
        console.print(table)
    for note in spending_notes(taken, prices(values)):
        console.print(note)
    if prune and dry_run:
        console.print(f"{matching:,} readings would go. Nothing was deleted.")
    elif prune:
        console.print(f"{gone:,} readings were deleted.")
    if summary_json:
        took = spending_figures(taken, prices(values))
        write_summary(
            Path(summary_json), {**_for_machines(found), "pruned": summary or None, "spending": took}
        )


def _prune(database: Database, pruning: Pruning, matching: int, console: Console) -> int:
    """Delete; how many went."""
    from backend.errors import StoreFailed
    from backend.readers.store.upkeep import prune
    from converters.shared.progress import progress

    gone = 0
    try:
        with progress(console) as bars:
            bar = bars.add_task("readings", total=matching)
            for batch in prune(database, pruning):
                gone += batch
                bars.advance(bar, batch)
        if gone:
            database.compact()
    except StoreFailed as error:
        if not gone:
            raise
        console.print(f"{error} Run this again for what is left.", markup=False)
    except KeyboardInterrupt:
        console.print(f"Stopped: {gone:,} of {matching:,} readings are deleted. Run this again.")
        raise click.exceptions.Exit(1) from None
    return gone


def _show(found: StoreFigures, console: Console) -> None:
    from backend.outputs import printable

    kind = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[found.kind]
    claims = f"; {found.claims:,} are being asked for" if found.claims else ""
    console.print(f"{kind}, {found.size / 1024**2:,.1f} MB, {found.readings:,} readings{claims}.")
    for one in found.readers:
        # on a line of its own, so that it can be copied whole
        console.print(printable(one.identity), markup=False)
        console.print(
            f"    {one.readings:,} readings, made {_day(one.oldest)} to {_day(one.newest)}, "
            f"last asked {_day(one.used_at)}"
        )


def _day(moment: float) -> str:
    from datetime import datetime

    return datetime.fromtimestamp(moment).astimezone().strftime("%Y-%m-%d")


def _for_machines(found: StoreFigures) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(found), "readings": found.readings}

"""The account of what readers took, in a store.

Every twinread on it writes rows of its own: what it took in all of a day, project and reader since it began.
A row that is written twice, because nobody heard that the first time had worked, is right all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timezone

import sqlalchemy as sa

from backend.readers.store.database import Database
from backend.readers.store.statements import statements
from backend.readers.store.tables import USAGE, plain
from backend.readers.usage import Spending, Usage, UsageRow

_FIGURES = (
    USAGE.c.calls,
    USAGE.c.unmetered,
    USAGE.c.input_tokens,
    USAGE.c.cached_tokens,
    USAGE.c.output_tokens,
    USAGE.c.seconds,
)
_SUMS = tuple(
    # of whole numbers PostgreSQL makes a decimal, which Python would not take for one
    sa.cast(sa.func.sum(figure), figure.type).label(figure.name)
    for figure in _FIGURES
)


def today() -> date:
    """The present day of UTC."""
    return datetime.now(timezone.utc).date()


def put_sums(connection: sa.Connection, writer: str, sums: Sequence[UsageRow]) -> None:
    """Write what one twinread took in all, in the transaction of a connection.

    Args:
        connection: of the store.
        writer: whose sums they are.
        sums: those that have grown; fewer calls than are written already change nothing.
    """
    rows = [
        {
            "day": row.day.isoformat(),
            "project": row.project,
            "reader": plain(row.reader),
            "writer": writer,
            **{figure.name: getattr(row.usage, figure.name) for figure in _FIGURES},
        }
        for row in sorted(sums, key=lambda row: (row.day, row.project, row.reader))
    ]
    connection.execute(statements(connection.dialect.name).spend, rows)


def usage_rows(connection: sa.Connection, project: str | None, since: date | None) -> list[UsageRow]:
    """As `ReadingStore.usage`."""
    of = (USAGE.c.day, USAGE.c.project, USAGE.c.reader)
    query = sa.select(*of, *_SUMS).group_by(*of).order_by(*of)
    if project is not None:
        query = query.where(USAGE.c.project == project)
    if since is not None:
        query = query.where(USAGE.c.day >= since.isoformat())
    return [
        UsageRow(date.fromisoformat(day), of_project, reader, Usage(*figures))
        for day, of_project, reader, *figures in connection.execute(query)
    ]


def spending(database: Database, project: str | None = None, day: date | None = None) -> list[Spending]:
    """As `ReadingStore.spending`."""
    of = (USAGE.c.project, USAGE.c.reader)
    query = sa.select(*of, *_SUMS).group_by(*of).order_by(*of)
    if project is not None:
        query = query.where(USAGE.c.project == project)
    of_today = query.where(USAGE.c.day == (day or today()).isoformat())

    def add(connection: sa.Connection) -> list[Spending]:
        new = {row[:2]: Usage(*row[2:]) for row in connection.execute(of_today)}
        return [
            Spending(row[0], row[1], new.get(row[:2], Usage()), Usage(*row[2:]))
            for row in connection.execute(query)
        ]

    return database.run(add)

"""The tables of a store, and how an older one becomes today's.

    readings      what was paid for: one row for a crop and a reader
    claims        what somebody is being asked for right now, so that nobody else asks for it
    readers       when each reader was last asked for anything
    usage         what readers took of a server, by day, project, reader and the twinread that asked
    failed_tasks  what could not be read in bulk work, until it is
    store_format  one row: a number

Format 1 had `readings` alone, and format 2 neither `usage` nor `failed_tasks`. A program of either time works
with a store of today: it takes no claims, or keeps no account. So the number has stayed 2: it changes when
programs of before can no longer work with a store.
"""

from __future__ import annotations

import sqlalchemy as sa

from backend.errors import StoreFailed

FORMAT = 2
"""The oldest whose programs can work with the tables below; a store with a higher number belongs to a newer
twinread."""

_METADATA = sa.MetaData()

READINGS = sa.Table(
    "readings",
    _METADATA,
    sa.Column("crop", sa.String(64), primary_key=True),
    sa.Column("reader", sa.Text, primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("score", sa.Float, nullable=True),
    sa.Column("read_at", sa.Float, nullable=False),
    sqlite_with_rowid=False,
)
CLAIMS = sa.Table(
    "claims",
    _METADATA,
    sa.Column("crop", sa.String(64), primary_key=True),
    sa.Column("reader", sa.Text, primary_key=True),
    sa.Column("owner", sa.String(32), nullable=False),
    # by the database's clock, so that the clocks of machines need not agree
    sa.Column("expires_at", sa.Float, nullable=False),
    sqlite_with_rowid=False,
)
READERS = sa.Table(
    "readers",
    _METADATA,
    sa.Column("reader", sa.Text, primary_key=True),
    sa.Column("used_at", sa.Float, nullable=False),
    sqlite_with_rowid=False,
)
USAGE = sa.Table(
    "usage",
    _METADATA,
    # of UTC, as 2026-11-27
    sa.Column("day", sa.String(10), primary_key=True),
    sa.Column("project", sa.Text, primary_key=True),
    sa.Column("reader", sa.Text, primary_key=True),
    # each twinread writes its own sums, so that writing them once more changes nothing
    sa.Column("writer", sa.String(32), primary_key=True),
    sa.Column("calls", sa.BigInteger, nullable=False),
    sa.Column("unmetered", sa.BigInteger, nullable=False),
    sa.Column("input_tokens", sa.BigInteger, nullable=False),
    sa.Column("cached_tokens", sa.BigInteger, nullable=False),
    sa.Column("output_tokens", sa.BigInteger, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sqlite_with_rowid=False,
)
FAILED_TASKS = sa.Table(
    "failed_tasks",
    _METADATA,
    sa.Column("project", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("task", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("failed_at", sa.Float, nullable=False),
    sqlite_with_rowid=False,
)
_FORMAT = sa.Table("store_format", _METADATA, sa.Column("number", sa.Integer, nullable=False))

_SCHEMA_LOCK = 0x7477696E  # "twin": which of PostgreSQL's advisory locks guards the creation of the tables


def is_current(connection: sa.Connection) -> bool:
    """Whether the tables are those of today.

    Raises:
        StoreFailed: they are those of a newer twinread.
    """
    found = sa.inspect(connection)
    if not found.has_table(_FORMAT.name):
        return False
    number = connection.execute(sa.select(_FORMAT.c.number)).scalar_one_or_none()
    if number is not None and number > FORMAT:
        raise StoreFailed(
            f"The store of readings belongs to a newer twinread (its format is {number}, this one knows "
            f"{FORMAT}). Update twinread, or name another database in STORE_URL.",
            format=number,
        )
    return number == FORMAT and all(map(found.has_table, _METADATA.tables))


def make_current(connection: sa.Connection) -> None:
    """Create the tables, or bring older ones up to date; nothing that was kept is lost.

    One process does it at a time; the others wait here, and find it done.

    Args:
        connection: with nothing begun on it; the caller commits.

    Raises:
        StoreFailed: they are those of a newer twinread.
    """
    if connection.dialect.name == "postgresql":
        # IF NOT EXISTS alone lets two processes collide in PostgreSQL's own catalogue
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_SCHEMA_LOCK)))
    else:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    if is_current(connection):
        return
    for table in _METADATA.sorted_tables:
        connection.execute(sa.schema.CreateTable(table, if_not_exists=True))
    # from format 1: a reader was last asked when its newest reading was made, as far as is known
    used = (
        sa.select(READINGS.c.reader, sa.func.max(READINGS.c.read_at))
        .where(READINGS.c.reader.not_in(sa.select(READERS.c.reader)))
        .group_by(READINGS.c.reader)
    )
    connection.execute(READERS.insert().from_select(["reader", "used_at"], used))
    connection.execute(_FORMAT.delete())
    connection.execute(_FORMAT.insert().values(number=FORMAT))


def clock(dialect: str) -> sa.ColumnElement[float]:
    """The clock of a database, `sqlite` or `postgresql`, seconds since 1970."""
    if dialect == "postgresql":
        return sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Float)
    return (sa.func.julianday("now") - 2440587.5) * 86400.0


def plain(text: str) -> str:
    """A text as every database takes it: without NUL and lone surrogates."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode("utf-8")

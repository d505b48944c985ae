"""The table of readings that were paid for, in SQLite (WAL) or PostgreSQL; the only module with SQL.

Disputed readings and "no text" are kept like any other; errors are not, because they must be asked
again.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from backend.errors import SettingsWrong, StoreFailed
from backend.page.lines import Reading

_READINGS = sa.Table(
    "readings",
    sa.MetaData(),
    sa.Column("crop", sa.String(64), primary_key=True),
    sa.Column("reader", sa.Text, primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("score", sa.Float, nullable=True),
    sa.Column("read_at", sa.Float, nullable=False),
    sqlite_with_rowid=False,
)
_SCHEMA_LOCK = 0x7477696E  # "twin": which of PostgreSQL's advisory locks guards the creation of the table
AT_ONCE = 500
"""Keys per query, and a good number of rows per transaction."""

_REASONS = (
    (("disk is full", "no space left", "disk i/o", "53100"), "its disk is full or failing; make room"),
    (("readonly", "read-only", "25006"), "it is read-only; give twinread the right to write file and folder"),
    (("locked", "55p03"), "another program keeps it locked; end that program"),
    (("unable to open", "[errno"), "its file cannot be opened; check that the folder is twinread's to write"),
    (
        ("not a database", "malformed"),
        "its file is damaged or no database; move it away to begin anew",
    ),
    (
        ("28p01", "28000", "authentication failed", "fatal:  role"),
        "it refused user or password; check STORE_URL",
    ),
    (("3d000", "fatal:  database"), "there is no database of that name; create it or check STORE_URL"),
    (("42501",), "its user lacks a right there; let it create and write tables"),
    (("53300", "57p03", "too many clients"), "it takes no more connections at the moment; try again"),
)
"""What a database's own words (or its SQLSTATE) mean for the operator; the first match counts."""


class ReadingStore:
    """Readings by crop and reader; thread-safe, and safe beside other processes on the same database."""

    def __init__(self, url: str, *, busy_timeout_s: float = 10) -> None:
        """Connect, and create the table where it is missing.

        Args:
            url: `sqlite:////folder/file` or `postgresql://user:password@host/database`.
            busy_timeout_s: how long to wait while another process writes, seconds.

        Raises:
            SettingsWrong: no such kind of database, or its driver is not installed.
            StoreFailed: the database cannot be used; says why.
        """
        self._busy_timeout_s = busy_timeout_s
        self._engine = _engine(url, busy_timeout_s)
        self._insert = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        # SQLite has one writer at a time; threads wait for each other better here than in its busy loop
        self._writing = threading.Lock()
        try:
            self._create()
        except SQLAlchemyError as error:
            self._engine.dispose()
            raise _failed(error) from error

    def get_many(self, digests: Sequence[str], identity: str) -> dict[str, Reading]:
        """Look readings up.

        Args:
            digests: crops, as `lines.picture_digest` names them.
            identity: the reader.

        Returns:
            What is known, by digest.

        Raises:
            StoreFailed: the store cannot be read.
        """
        columns = (_READINGS.c.crop, _READINGS.c.text, _READINGS.c.score)
        found: dict[str, Reading] = {}
        try:
            with self._engine.connect() as connection:
                for start in range(0, len(digests), AT_ONCE):
                    wanted = _READINGS.c.crop.in_(digests[start : start + AT_ONCE])
                    query = sa.select(*columns).where(_READINGS.c.reader == identity, wanted)
                    found |= {
                        crop: Reading(identity, text, score)
                        for crop, text, score in connection.execute(query)
                    }
        except SQLAlchemyError as error:
            raise _failed(error) from error
        return found

    def put(self, *rows: tuple[str, Reading]) -> None:
        """Keep readings (digest, reading), all or none; the first one of a crop and reader stays.

        Readings that failed are passed over: they must be asked again. NUL and lone surrogates, which
        no database takes and no reader gives, are left out of the text.

        Raises:
            StoreFailed: nothing was kept.
        """
        now = time.time()
        kept = [
            {
                "crop": digest,
                "reader": reading.reader,
                "text": reading.text.replace("\0", "").encode("utf-8", "ignore").decode("utf-8"),
                "score": reading.score,
                "read_at": now,
            }
            # in one order everywhere, so that two processes never wait for each other's rows
            for digest, reading in sorted(rows, key=lambda row: (row[0], row[1].reader))
            if not reading.failed
        ]
        if not kept:
            return
        try:
            with self._writing, self._engine.begin() as connection:
                connection.execute(self._insert(_READINGS).on_conflict_do_nothing(), kept)
        except SQLAlchemyError as error:
            raise _failed(error) from error

    def count(self) -> int:
        """How many readings are kept.

        Raises:
            StoreFailed: the store cannot be read.
        """
        try:
            with self._engine.connect() as connection:
                return connection.execute(sa.select(sa.func.count()).select_from(_READINGS)).scalar_one()
        except SQLAlchemyError as error:
            raise _failed(error) from error

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _create(self) -> None:
        create = sa.schema.CreateTable(_READINGS, if_not_exists=True)
        if self._engine.dialect.name == "postgresql":
            with self._engine.begin() as connection:
                # IF NOT EXISTS alone lets two processes collide in PostgreSQL's own catalogue
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_SCHEMA_LOCK)))
                connection.execute(create)
            return
        self._write_ahead()
        with self._engine.begin() as connection:
            connection.execute(create)

    def _write_ahead(self) -> None:
        # SQLite does not wait for its busy timeout when it changes the journal's mode
        give_up = time.monotonic() + self._busy_timeout_s
        while not self._is_write_ahead(retry=time.monotonic() < give_up):
            time.sleep(0.05)

    def _is_write_ahead(self, *, retry: bool) -> bool:
        """Switch the journal, unless another process is at it and there is time to try again."""
        try:
            with self._engine.connect() as connection:
                if connection.exec_driver_sql("PRAGMA journal_mode").scalar() != "wal":
                    connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        except DBAPIError as error:
            if retry and "locked" in str(error.orig):
                return False
            raise
        return True


def _engine(url: str, busy_timeout_s: float) -> sa.Engine:
    kinds = "sqlite:////folder/file or postgresql://user:password@host/database"
    try:
        address = sa.make_url(url)
    except ArgumentError:
        # the URL itself stays out of the sentence: it may hold a password
        raise SettingsWrong(f"STORE_URL is no database address; it reads like {kinds}.") from None
    kind = address.get_backend_name()
    if kind == "sqlite" and address.database not in (None, "", ":memory:"):
        _make_folder(str(address.database))
        engine = sa.create_engine(address, hide_parameters=True, connect_args={"timeout": busy_timeout_s})
        sa.event.listen(engine, "connect", _tune)
        return engine
    if kind not in ("postgresql", "postgres"):
        raise SettingsWrong(
            f"STORE_URL names a database that keeps nothing or is not known; it reads like {kinds}."
        )
    try:
        return sa.create_engine(
            address.set(drivername="postgresql+psycopg"),
            hide_parameters=True,
            pool_pre_ping=True,
            connect_args={"connect_timeout": 5},
        )
    except ImportError:
        raise SettingsWrong(
            "STORE_URL names PostgreSQL, whose driver is missing; install twinread[postgres]."
        ) from None


def _make_folder(file: str) -> None:
    if file.startswith("file:"):  # SQLite's own URI, which says itself what may be created
        return
    try:
        Path(file).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _failed(error) from error


def _tune(connection: sqlite3.Connection, record: Any) -> None:
    # in WAL mode a commit is safe from a kill without a sync; a power cut may cost the last ones
    connection.execute("PRAGMA synchronous=NORMAL")


def _failed(error: Exception) -> StoreFailed:
    """One sentence without path, address or text: what the database said decides which."""
    cause = getattr(error, "orig", None) or error
    sqlstate = getattr(cause, "sqlstate", "")
    said = f"{sqlstate or ''} {cause}".lower()
    advice = next((advice for marks, advice in _REASONS if any(mark in said for mark in marks)), "")
    if not advice and (sqlstate is None or sqlstate.startswith(("08", "57P"))):
        advice = "it cannot be reached; check that it runs, and STORE_URL"
    if not advice:
        advice = f"it failed ({type(cause).__name__}); its own log may say more"
    return StoreFailed(f"The store of readings cannot be used: {advice}.")

"""Readings that were paid for, kept: no line is paid for twice, not after a kill, not by a replica.

`ReadingStore` is a table of readings by crop and reader, in SQLite (WAL) or PostgreSQL. Disputed
readings and "no text" are kept like any other; errors are not, because they must be asked again.
`StoredReader` puts a store in front of a reader.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from backend.crops import crop_digest
from backend.errors import SettingsWrong, StoreFailed
from backend.lines import Pixels, Reading

if TYPE_CHECKING:
    # for the type alone: the store lies below the pipeline and must not load it
    from backend.annotate import LineReader

log = logging.getLogger(__name__)

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
_AT_ONCE = 500  # keys per query and rows per transaction

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
            digests: crops, as `crops.crop_digest` names them.
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
                for start in range(0, len(digests), _AT_ONCE):
                    wanted = _READINGS.c.crop.in_(digests[start : start + _AT_ONCE])
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


@runtime_checkable
class Hurries(Protocol):
    """A reader that can let waiting readings go first."""

    def hurry(self, futures: Sequence[Future[Reading]]) -> None:
        """Let readings that wait as bulk work go first."""
        ...


class StoredReader:
    """A `LineReader` that asks its store before it asks its reader, and keeps what it was told.

    The same crop asked for twice at once is read once. A caller sees a reading when it is kept, so a
    kill loses at most the calls in flight. A store that fails costs no caller a reading: it is
    reported once, in the log and in `problem`, and tried again with the next reading.
    """

    def __init__(self, reader: LineReader, store: ReadingStore) -> None:
        """Take a reader and a store, which other readers may share."""
        self._reader = reader
        self._store = store
        self._lock = threading.Lock()
        self._running: dict[str, tuple[Future[Reading], Future[Reading] | None]] = {}
        self._arrived: queue.SimpleQueue[tuple[str, Reading] | None] = queue.SimpleQueue()
        self._problems: dict[str, str] = {}
        self._writer = threading.Thread(target=self._write, name="reading-store", daemon=True)
        self._writer.start()

    @property
    def identity(self) -> str:
        """The reader's own."""
        return self._reader.identity

    @property
    def problem(self) -> str | None:
        """Why the store cannot be read or written, in one sentence; None while it can."""
        with self._lock:
            return next(iter(self._problems.values()), None)

    def submit(self, crops: Sequence[Pixels], *, urgent: bool = False) -> list[Future[Reading]]:
        """As `LineReader.submit`; waits for the store's look-up, not for readings."""
        digests = [crop_digest(crop) for crop in crops]
        own: dict[str, Pixels] = {}
        futures: list[Future[Reading]] = []
        overtaking: list[Future[Reading]] = []
        with self._lock:
            for digest, crop in zip(digests, crops, strict=True):
                if digest not in self._running:
                    self._running[digest] = (_promise(), None)
                    own[digest] = crop
                shared, asked = self._running[digest]
                futures.append(shared)
                if asked is not None:
                    overtaking.append(asked)
        if urgent and overtaking and isinstance(self._reader, Hurries):
            self._reader.hurry(overtaking)
        if own:
            try:
                self._fill(own, urgent)
            except BaseException:
                # others may have joined by now; they must not wait for ever for what broke here
                for digest in own:
                    self._settle(digest, Reading(self.identity, error="The reader failed; see the log."))
                raise
        return futures

    def close(self) -> None:
        """Keep what has arrived, then stop; the reader and the store stay open."""
        self._arrived.put(None)
        self._writer.join()

    def _fill(self, crops: dict[str, Pixels], urgent: bool) -> None:
        """Answer from the store, and ask the reader for the rest."""
        known = self._look_up(list(crops))
        for digest, reading in known.items():
            self._settle(digest, reading)
        missing = [digest for digest in crops if digest not in known]
        if not missing:
            return
        asked = self._reader.submit([crops[digest] for digest in missing], urgent=urgent)
        with self._lock:
            for digest, future in zip(missing, asked, strict=True):
                self._running[digest] = (self._running[digest][0], future)
        for digest, future in zip(missing, asked, strict=True):
            future.add_done_callback(partial(self._arrive, digest))

    def _look_up(self, digests: list[str]) -> dict[str, Reading]:
        try:
            known = self._store.get_many(digests, self.identity)
        except StoreFailed as error:
            self._report("read", error)
            return {}
        self._report("read", None)
        return known

    def _arrive(self, digest: str, done: Future[Reading]) -> None:
        # in the reader's own thread, which must not wait for a disk
        if done.cancelled():
            reading = Reading(self.identity, error="The reading was given up before it began.")
        elif error := done.exception():
            reading = Reading(
                self.identity, error=f"The reader failed ({type(error).__name__}); see the log."
            )
        else:
            reading = done.result()
        self._arrived.put((digest, reading))

    def _write(self) -> None:
        while True:
            arrived = [self._arrived.get()]
            # what came in meanwhile goes into the same transaction
            while len(arrived) < _AT_ONCE and not self._arrived.empty():
                arrived.append(self._arrived.get())
            rows = [row for row in arrived if row is not None]
            self._keep(rows)
            for digest, reading in rows:
                self._settle(digest, reading)
            if None in arrived:
                return

    def _keep(self, rows: list[tuple[str, Reading]]) -> None:
        if all(reading.failed for _, reading in rows):
            return
        try:
            self._store.put(*rows)
        except StoreFailed as error:
            self._report("written", error)
        else:
            self._report("written", None)

    def _settle(self, digest: str, reading: Reading) -> None:
        with self._lock:
            shared, _ = self._running.pop(digest, (None, None))
        if shared is not None:
            shared.set_result(reading)

    def _report(self, use: str, error: StoreFailed | None) -> None:
        with self._lock:
            before = self._problems.pop(use, None)
            if error:
                self._problems[use] = str(error)
        if error and not before:
            log.error(
                "%s Readings are made all the same, but cannot be %s and will be paid for again.", error, use
            )
        elif before and not error:
            log.info("The store of readings can be %s again.", use)


def _promise() -> Future[Reading]:
    """A future that no caller can cancel, because others may wait for it too."""
    promise: Future[Reading] = Future()
    promise.set_running_or_notify_cancel()
    return promise


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

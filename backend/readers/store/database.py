"""Connections to a store's database: few of them, for a limited time, to the file that is there now."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from backend.errors import SettingsWrong, StoreFailed
from backend.private_files import private_file, tighten_file
from backend.readers.store.failures import failed
from backend.readers.store.tables import is_current, make_current
from backend.readers.store.time_limit import TimeLimits

T = TypeVar("T")

log = logging.getLogger(__name__)

CONNECTIONS = 8
"""Connections of one store at most."""

OPENING_S = 60.0
"""How long making the tables may take, seconds: others may be at it, and old stores are large."""

LOCKED_S = 0.2
"""How long a write waits for a database that was locked the last time, too, seconds."""

_DEADLOCK = "40P01"

_KINDS = "sqlite:////folder/file or postgresql://user:password@host/database"


class Database:
    """A store's database, with its tables; thread-safe, and safe beside other processes.

    dialect: `sqlite` or `postgresql`.
    file: of SQLite, where it is an ordinary one.
    begun_anew: how often the file was found deleted or replaced, and the one in its place was taken.
    """

    def __init__(self, url: str, *, busy_timeout_s: float, answer_limit_s: float) -> None:
        """Connect, and make the tables where they are missing; arguments and errors as `ReadingStore`."""
        self._busy_timeout_s = busy_timeout_s
        self._answer_limit_s = answer_limit_s
        self._engine, self.file = _engine(url, busy_timeout_s, answer_limit_s)
        self.dialect = self._engine.dialect.name
        self._limits = TimeLimits() if self.dialect == "postgresql" else None
        # SQLite has one writer at a time; threads wait for each other better here than in its busy loop
        self._writing = threading.Lock()
        self._opening = threading.Lock()
        self._locked = False
        self._opened: tuple[int, int] | None = None
        self.begun_anew = 0
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def run(
        self, work: Callable[[sa.Connection], T], *, writes: bool = False, limit_s: float | None = None
    ) -> T:
        """Do some work in one transaction, which is committed at its end.

        Args:
            work: may be done twice, where a connection has ended since it was used last.
            writes: it writes.
            limit_s: how long PostgreSQL may take over it, seconds; the store's own limit by default.

        Raises:
            StoreFailed: the database cannot be used; says why.
        """
        self.look()
        limit_s = self._answer_limit_s if limit_s is None else limit_s
        with _told(limit_s), self._writing if writes else nullcontext():
            try:
                return self._once(work, writes, limit_s)
            except DBAPIError as error:
                if not _worth_another_try(error):
                    raise
                return self._once(work, writes, limit_s)

    def look(self) -> None:
        """Take the file that is there now, where SQLite's was deleted or replaced since it was opened.

        Raises:
            StoreFailed: there is none, and none can be made; or it is no store.
        """
        if self.file is None or _identity(self.file) == self._opened:
            return
        with self._opening:
            if _identity(self.file) == self._opened:
                return
            self._engine.dispose()
            self._open()
            self.begun_anew += 1

    def compact(self) -> None:
        """Give room back that was freed.

        Raises:
            StoreFailed: another process is at work in it.
        """
        try:
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("VACUUM")
                if self.dialect == "sqlite":
                    connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        except SQLAlchemyError as error:
            raise failed(error) from error

    def size(self) -> int:
        """Bytes that it takes on disk."""
        if self.dialect == "postgresql":
            whole = sa.func.pg_database_size(sa.func.current_database())
            return int(self.run(lambda connection: connection.execute(sa.select(whole)).scalar_one()))
        found = [Path(f"{self.file}{end}") for end in ("", "-wal")] if self.file is not None else []
        return sum(path.stat().st_size for path in found if path.is_file())

    def close(self) -> None:
        """Close all connections."""
        if self._limits is not None:
            self._limits.close()
        self._engine.dispose()

    def _open(self) -> None:
        with _told(OPENING_S):
            if self.file is not None:
                self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                private_file(self.file)
            if self.dialect == "sqlite":
                self._write_ahead()
            if not self._once(is_current, False, OPENING_S):
                self._once(make_current, True, OPENING_S)
            if self.file is not None:
                # now that it is known to be a store, and no file that STORE_URL names by mistake
                for end in ("", "-wal", "-shm"):
                    tighten_file(Path(f"{self.file}{end}"))
                self._opened = _identity(self.file)

    def _once(self, work: Callable[[sa.Connection], T], writes: bool, limit_s: float) -> T:
        with self._engine.connect() as connection:
            with self._limits.of(connection, limit_s) if self._limits else nullcontext():
                if writes and self._limits is None:
                    self._set_patience(connection)
                try:
                    result = work(connection)
                    connection.commit()
                except BaseException as error:
                    if writes:
                        self._locked = "locked" in str(error)
                    with suppress(SQLAlchemyError):
                        connection.rollback()
                    raise
            if writes:
                self._locked = False
        return result

    def _set_patience(self, connection: sa.Connection) -> None:
        """Wait only a moment for a lock that was met before: every page would wait for it anew."""
        wait_s = min(LOCKED_S, self._busy_timeout_s) if self._locked else self._busy_timeout_s
        if connection.info.get("wait_s") != wait_s:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {round(wait_s * 1000)}")
            connection.info["wait_s"] = wait_s

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


@contextmanager
def _told(limit_s: float) -> Iterator[None]:
    """Whatever a database says in the block, as one sentence of ours; `limit_s` is what it had, seconds."""
    try:
        yield
    except TimeoutError as error:
        raise StoreFailed(
            f"The store of readings cannot be used: it does not answer within {limit_s:g} s "
            "(STORE_TIMEOUT_S); look at its server and the network."
        ) from error
    except (SQLAlchemyError, OSError) as error:
        raise failed(error) from error


def file_of(url: str) -> Path | None:
    """The file of a store; None for PostgreSQL, and where SQLite's own URI says what to open.

    Raises:
        SettingsWrong: it is no database address.
    """
    address = _address(url)
    name = str(address.database or "")
    if address.get_backend_name() != "sqlite" or name.startswith("file:"):
        return None
    return Path(name).absolute()


def _worth_another_try(error: DBAPIError) -> bool:
    """A connection that slept while its server was started anew, or two that waited for each other."""
    return error.connection_invalidated or getattr(error.orig, "sqlstate", "") == _DEADLOCK


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _engine(url: str, busy_timeout_s: float, answer_limit_s: float) -> tuple[sa.Engine, Path | None]:
    """What connects, and the file of SQLite where it is an ordinary one."""
    address = _address(url)
    kind = address.get_backend_name()
    pool: dict[str, Any] = {
        "pool_size": CONNECTIONS,
        "max_overflow": 0,
        # whoever gets no connection in this time does without the store
        "pool_timeout": answer_limit_s,
        "hide_parameters": True,
    }
    if kind == "sqlite" and address.database not in (None, "", ":memory:"):
        engine = sa.create_engine(address, connect_args={"timeout": busy_timeout_s}, **pool)
        sa.event.listen(engine, "connect", _tune)
        return engine, file_of(url)
    if kind not in ("postgresql", "postgres"):
        raise SettingsWrong(
            f"STORE_URL names a database that keeps nothing or is not known; it reads like {_KINDS}."
        )
    try:
        engine = sa.create_engine(
            address.set(drivername="postgresql+psycopg"),
            # libpq knows no shorter one than 2 s
            connect_args={"connect_timeout": max(2, round(answer_limit_s))},
            **pool,
        )
    except ImportError:
        raise SettingsWrong(
            "STORE_URL names PostgreSQL, whose driver is missing; install twinread[postgres]."
        ) from None
    return engine, None


def _address(url: str) -> sa.URL:
    try:
        return sa.make_url(url)
    except ArgumentError:
        # the URL itself stays out of the sentence: it may hold a password
        raise SettingsWrong(f"STORE_URL is no database address; it reads like {_KINDS}.") from None


def _tune(connection: sqlite3.Connection, record: object) -> None:
    # in WAL mode a commit is safe from a kill without a sync; a power cut may cost the last ones
    connection.execute("PRAGMA synchronous=NORMAL")

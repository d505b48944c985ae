"""What an operator asks of a store: what is in it, and that what nobody needs any more goes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from backend.errors import BadRequest
from backend.readers.store.database import Database
from backend.readers.store.tables import CLAIMS, READERS, READINGS, clock

BATCH = 2000
"""Readings deleted in one transaction, so that a running backend never waits long to write."""

LIMIT_S = 600.0
"""How long PostgreSQL may take over one question here, seconds: a large table is counted."""

DAY_S = 86400.0


@dataclass(frozen=True, slots=True)
class ReaderFigures:
    """The readings of one reader; moments are seconds since 1970.

    used_at: when a backend asked this reader last, to within six hours.
    """

    identity: str
    readings: int
    oldest: float
    newest: float
    used_at: float


@dataclass(frozen=True, slots=True)
class StoreFigures:
    """What is in a store.

    kind: `sqlite` or `postgresql`.
    size: bytes on disk; of PostgreSQL, of the whole database.
    claims: readings that backends are asking for right now.
    readers: the one with the most readings first.
    """

    kind: str
    size: int
    claims: int
    readers: tuple[ReaderFigures, ...]

    @property
    def readings(self) -> int:
        """How many there are in all."""
        return sum(reader.readings for reader in self.readers)


@dataclass(frozen=True, slots=True)
class Pruning:
    """Which readings go: those to which everything applies that is given.

    older_than_days: they were made longer ago.
    reader: of this reader alone, by its whole identity.
    unused_days: no backend asked their reader in so many days.
    """

    older_than_days: float | None = None
    reader: str | None = None
    unused_days: float | None = None


def figures(database: Database) -> StoreFigures:
    """Count what is in a store.

    Raises:
        StoreFailed: it cannot be read.
    """
    moments = (sa.func.min(READINGS.c.read_at), sa.func.max(READINGS.c.read_at))
    query = (
        sa.select(READINGS.c.reader, sa.func.count(), *moments, sa.func.max(READERS.c.used_at))
        .select_from(READINGS.outerjoin(READERS, READERS.c.reader == READINGS.c.reader))
        .group_by(READINGS.c.reader)
    )
    valid = sa.select(sa.func.count()).select_from(CLAIMS)

    def count(connection: sa.Connection) -> tuple[list[ReaderFigures], int]:
        rows = connection.execute(query).all()
        readers = [
            # an older twinread beside this one keeps readings and notes no use
            ReaderFigures(identity, number, oldest, newest, max(newest, used_at or 0))
            for identity, number, oldest, newest, used_at in rows
        ]
        held = valid.where(CLAIMS.c.expires_at > clock(connection.dialect.name))
        claims = connection.execute(held).scalar_one()
        return sorted(readers, key=lambda reader: (-reader.readings, reader.identity)), claims

    readers, claims = database.run(count, limit_s=LIMIT_S)
    return StoreFigures(database.dialect, database.size(), claims, tuple(readers))


def count_pruned(database: Database, pruning: Pruning) -> int:
    """How many readings would go.

    Raises:
        BadRequest: there is no such reader.
        StoreFailed: the store cannot be read.
    """
    _check(database, pruning)
    query = sa.select(sa.func.count()).select_from(READINGS)

    def count(connection: sa.Connection) -> int:
        return int(connection.execute(query.where(_goes(connection, pruning))).scalar_one())

    return database.run(count, limit_s=LIMIT_S)


def prune(database: Database, pruning: Pruning) -> Iterator[int]:
    """Delete readings, a batch at a time; gives the size of each batch. One can stop after any of them.

    Raises:
        BadRequest: there is no such reader.
        StoreFailed: the store cannot be written.
    """
    _check(database, pruning)
    key = sa.tuple_(READINGS.c.crop, READINGS.c.reader)

    def delete(connection: sa.Connection) -> int:
        batch = sa.select(READINGS.c.crop, READINGS.c.reader).where(_goes(connection, pruning)).limit(BATCH)
        return connection.execute(sa.delete(READINGS).where(key.in_(batch))).rowcount

    while gone := database.run(delete, writes=True, limit_s=LIMIT_S):
        yield gone


def _check(database: Database, pruning: Pruning) -> None:
    if pruning.reader is None:
        return
    found = sa.select(READINGS.c.crop).where(READINGS.c.reader == pruning.reader).limit(1)
    if not database.run(lambda connection: connection.execute(found).all(), limit_s=LIMIT_S):
        raise BadRequest(
            "No reader of that name has readings in the store; `twinread store` names those that have. Give "
            "the whole name, in quotes."
        )


def _goes(connection: sa.Connection, pruning: Pruning) -> sa.ColumnElement[bool]:
    now = time.time()
    claimed = sa.exists().where(
        CLAIMS.c.crop == READINGS.c.crop,
        CLAIMS.c.reader == READINGS.c.reader,
        CLAIMS.c.expires_at > clock(connection.dialect.name),
    )
    # what a backend is at in this moment stays
    parts: list[sa.ColumnElement[bool]] = [~claimed]
    if pruning.reader is not None:
        parts.append(READINGS.c.reader == pruning.reader)
    if pruning.older_than_days is not None:
        parts.append(READINGS.c.read_at < now - pruning.older_than_days * DAY_S)
    if pruning.unused_days is not None:
        since = now - pruning.unused_days * DAY_S
        used = sa.select(READERS.c.reader).where(READERS.c.used_at >= since)
        made = sa.select(READINGS.c.reader).where(READINGS.c.read_at >= since)
        parts += [READINGS.c.reader.not_in(used), READINGS.c.reader.not_in(made)]
    return sa.and_(*parts)

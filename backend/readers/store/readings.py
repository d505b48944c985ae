"""`ReadingStore`: readings that were paid for, in SQLite (WAL) or PostgreSQL, and who is asked for which.

Disputed readings and "no text" are kept like any other; errors are not, because they must be asked
again.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from backend.page.lines import Reading
from backend.readers.store.accounts import put_sums, spending, usage_rows
from backend.readers.store.database import Database
from backend.readers.store.statements import statements
from backend.readers.store.tables import CLAIMS, FAILED_TASKS, READERS, READINGS, plain
from backend.readers.usage import Spending, UsageRow

Key: TypeAlias = tuple[str, str]
"""Digest of a crop, and identity of a reader."""

AT_ONCE = 500
"""Keys per query, and a good number of rows per transaction."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """What became of crops that somebody wants to have read.

    known: readings that are kept by now, by digest.
    ours: crops that we ask our reader for, and nobody else does.
    """

    known: dict[str, Reading] = field(default_factory=dict)
    ours: frozenset[str] = frozenset()


class ReadingStore:
    """Readings by crop and reader; thread-safe, and safe beside other processes on the same database.

    database: where they are.
    """

    def __init__(self, url: str, *, busy_timeout_s: float = 2, answer_limit_s: float = 3) -> None:
        """Connect, and make the tables where they are missing or of an older format.

        Args:
            url: `sqlite:////folder/file` or `postgresql://user:password@host/database`.
            busy_timeout_s: how long to wait while another process writes to SQLite, seconds; once that
                was too short, a moment only, until a write succeeds again.
            answer_limit_s: how long PostgreSQL may take to answer, seconds.

        Raises:
            SettingsWrong: no such kind of database, or its driver is not installed.
            StoreFailed: the database cannot be used; says why.
        """
        self.database = Database(url, busy_timeout_s=busy_timeout_s, answer_limit_s=answer_limit_s)
        self._owner = uuid.uuid4().hex
        self._statements = statements(self.database.dialect)
        self._insert = postgresql.insert if self.database.dialect == "postgresql" else sqlite.insert

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
        found = self.find([(digest, identity) for digest in digests])
        return {digest: reading for (digest, _), reading in found.items()}

    def find(self, keys: Iterable[Key]) -> dict[Key, Reading]:
        """Look readings of several readers up, in one transaction.

        Args:
            keys: digest of the crop and identity of the reader, each.

        Raises:
            StoreFailed: the store cannot be read.
        """
        by_reader = _by_reader(keys)
        return self.database.run(lambda connection: _known_of(connection, by_reader))

    def put(
        self,
        *rows: tuple[str, Reading],
        ended: Iterable[tuple[str, str]] = (),
        sums: Sequence[UsageRow] = (),
    ) -> None:
        """Keep readings (digest, reading), all or none; the first one of a crop and reader stays.

        Readings that failed are passed over: they must be asked again. NUL and lone surrogates, which
        no database takes and no reader gives, are left out of the text.

        Args:
            rows: what was read.
            ended: claims (digest, identity) that end with it, whether a reading came of them or not.
            sums: what was taken in all since this store was opened; the same once more changes nothing.

        Raises:
            StoreFailed: nothing was kept, and no claim has ended, or so it seems: where the connection broke,
                it may have been.
        """
        now = time.time()
        kept = [
            {
                "crop": digest,
                "reader": reading.reader,
                "text": plain(reading.text),
                "score": reading.score,
                "read_at": now,
            }
            # in one order everywhere, so that two processes never wait for each other's rows
            for digest, reading in sorted(rows, key=lambda row: (row[0], row[1].reader))
            if not reading.failed
        ]
        # in the order in which `claim_all` takes them, for the same reason
        over = [
            {"ended_crop": digest, "ended_reader": identity, "owner": self._owner}
            for digest, identity in sorted(ended, key=lambda key: (key[1], key[0]))
        ]
        if not kept and not over and not sums:
            return

        def write(connection: sa.Connection) -> None:
            if kept:
                connection.execute(self._statements.keep, kept)
            if over:
                connection.execute(self._statements.end, over)
            if sums:
                put_sums(connection, self._owner, sums)

        self.database.run(write, writes=True)

    def claim(self, digests: Sequence[str], identity: str, for_s: float) -> Claimed:
        """As `claim_all`, for one reader."""
        known, ours = self.claim_all([(digest, identity) for digest in digests], for_s)
        return Claimed({key[0]: known[key] for key in known}, frozenset(digest for digest, _ in ours))

    def claim_all(self, keys: Iterable[Key], for_s: float) -> tuple[dict[Key, Reading], frozenset[Key]]:
        """Take what nobody is being asked for, in one transaction; a claim that has expired is nobody's.

        Args:
            keys: digest of the crop and identity of the reader of what is not known, each.
            for_s: after which time without `renew` others may take it, seconds.

        Returns:
            What is kept by now, and what is ours. What is in neither is another claim's.

        Raises:
            StoreFailed: nothing was claimed.
        """
        by_reader = _by_reader(keys)

        def take(connection: sa.Connection) -> tuple[dict[Key, Reading], frozenset[Key]]:
            ours = {
                identity: self._claimed(connection, digests, identity, for_s)
                for identity, digests in by_reader.items()
            }
            # only now: whoever had a claim until a moment ago kept the reading before it ended
            known = _known_of(connection, ours)
            for identity, crops in _by_reader(known).items():
                of = {"reader": identity, "owner": self._owner, "crops": crops}
                connection.execute(self._statements.end_known, of)
            taken = {(digest, identity) for identity, digests in ours.items() for digest in digests}
            return known, frozenset(taken - known.keys())

        return self.database.run(take, writes=True)

    def _claimed(
        self, connection: sa.Connection, digests: Sequence[str], identity: str, for_s: float
    ) -> list[str]:
        """What of one reader's became ours."""
        ours: list[str] = []
        for start in range(0, len(digests), AT_ONCE):
            of = {"reader": identity, "owner": self._owner, "for_s": for_s}
            crops = json.dumps(digests[start : start + AT_ONCE])
            ours += connection.execute(self._statements.take, {**of, "crops": crops}).scalars().all()
        return ours

    def elsewhere(self, digests: Sequence[str], identity: str) -> tuple[dict[str, Reading], set[str]]:
        """How far readings are that others were asked for: those that are kept, and those in valid claims.

        Writes nothing; arguments and errors as `get_many`. What is in neither is free to be claimed.
        """

        def look(connection: sa.Connection) -> tuple[dict[str, Reading], set[str]]:
            claimed: set[str] = set()
            for start in range(0, len(digests), AT_ONCE):
                of = {"reader": identity, "crops": digests[start : start + AT_ONCE]}
                claimed |= set(connection.execute(self._statements.valid, of).scalars())
            # after the claims: a reading that is kept meanwhile is found here
            known = _known(connection, digests, identity)
            return known, claimed - known.keys()

        return self.database.run(look)

    def renew(self, for_s: float) -> None:
        """Hold our claims for so much longer, seconds; without any it still finds out whether one can write.

        Raises:
            StoreFailed: they were not renewed.
        """

        def write(connection: sa.Connection) -> None:
            connection.execute(self._statements.renew, {"whose": self._owner, "for_s": for_s})

        self.database.run(write, writes=True)

    def end_claims(self) -> None:
        """End all our claims.

        Raises:
            StoreFailed: they end when they expire.
        """
        ours = sa.delete(CLAIMS).where(CLAIMS.c.owner == self._owner)
        self.database.run(lambda connection: connection.execute(ours), writes=True)

    def note_use(self, identities: Iterable[str]) -> None:
        """Note that readers were asked now.

        Raises:
            StoreFailed: nothing was noted.
        """
        rows = [{"reader": identity, "used_at": time.time()} for identity in sorted(identities)]
        insert = self._insert(READERS)
        upsert = insert.on_conflict_do_update(
            index_elements=[READERS.c.reader], set_={"used_at": insert.excluded.used_at}
        )
        self.database.run(lambda connection: connection.execute(upsert, rows), writes=True)

    def usage(self, project: str | None = None, since: date | None = None) -> list[UsageRow]:
        """What readers took, the first day first, then by project and reader.

        Args:
            project: of this one alone; an empty one is that of questions which named none.
            since: on this day of UTC and later.

        Raises:
            StoreFailed: the store cannot be read.
        """
        return self.database.run(lambda connection: usage_rows(connection, project, since))

    def spending(self, project: str | None = None, today: date | None = None) -> list[Spending]:
        """What readers took today and in all, by project and reader; arguments and errors as `usage`.

        Args:
            project: as there.
            today: the present day of UTC.
        """
        return spending(self.database, project, today)

    def note_failed(self, project: int, version: str, reasons: Mapping[int, str]) -> None:
        """Note which tasks of a project could not be read, and why; the last reason of a task stays.

        Args:
            project: its number.
            version: of the model that should have read them.
            reasons: by the number of the task.

        Raises:
            StoreFailed: nothing was noted.
        """
        now = time.time()
        rows = [
            {"project": project, "task": task, "version": version, "reason": plain(reason), "failed_at": now}
            for task, reason in sorted(reasons.items())
        ]
        insert = self._insert(FAILED_TASKS)
        upsert = insert.on_conflict_do_update(
            index_elements=[FAILED_TASKS.c.project, FAILED_TASKS.c.task],
            set_={name: insert.excluded[name] for name in ("version", "reason", "failed_at")},
        )
        if rows:
            self.database.run(lambda connection: connection.execute(upsert, rows), writes=True)

    def failed(self, project: int) -> dict[int, str]:
        """The tasks of a project that could not be read and have not been since, and why.

        Raises:
            StoreFailed: the store cannot be read.
        """
        query = (
            sa.select(FAILED_TASKS.c.task, FAILED_TASKS.c.reason)
            .where(FAILED_TASKS.c.project == project)
            .order_by(FAILED_TASKS.c.task)
        )
        return self.database.run(lambda connection: {row[0]: row[1] for row in connection.execute(query)})

    def mended(self, project: int, tasks: Iterable[int]) -> None:
        """Forget that tasks could not be read: they were, or are gone.

        Raises:
            StoreFailed: they are still noted.
        """
        rows = [{"of": project, "number": task} for task in sorted(tasks)]
        forget = sa.delete(FAILED_TASKS).where(
            FAILED_TASKS.c.project == sa.bindparam("of"), FAILED_TASKS.c.task == sa.bindparam("number")
        )
        if rows:
            self.database.run(lambda connection: connection.execute(forget, rows), writes=True)

    def count(self) -> int:
        """How many readings are kept.

        Raises:
            StoreFailed: the store cannot be read.
        """
        rows = sa.select(sa.func.count()).select_from(READINGS)
        return int(self.database.run(lambda connection: connection.execute(rows).scalar_one()))

    def close(self) -> None:
        """Close all connections."""
        self.database.close()


def _by_reader(keys: Iterable[Key]) -> dict[str, list[str]]:
    """Digests by reader, both in one order everywhere."""
    by_reader: dict[str, list[str]] = {}
    for digest, identity in sorted(set(keys), key=lambda key: (key[1], key[0])):
        by_reader.setdefault(identity, []).append(digest)
    return by_reader


def _known_of(connection: sa.Connection, by_reader: Mapping[str, Sequence[str]]) -> dict[Key, Reading]:
    return {
        (digest, identity): reading
        for identity, digests in by_reader.items()
        for digest, reading in _known(connection, digests, identity).items()
    }


def _known(connection: sa.Connection, digests: Sequence[str], identity: str) -> dict[str, Reading]:
    known = statements(connection.dialect.name).known
    found: dict[str, Reading] = {}
    for start in range(0, len(digests), AT_ONCE):
        of = {"reader": identity, "crops": digests[start : start + AT_ONCE]}
        rows = connection.execute(known, of)
        found |= {crop: Reading(identity, text, score) for crop, text, score in rows}
    return found

"""What is said to the database for each page, put together once, which takes longer than to run it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from backend.readers.store.tables import CLAIMS, READINGS, USAGE, clock


@dataclass(frozen=True, slots=True)
class Statements:
    """Statements with parameters: `reader`, `crops` (digests), `owner`, and `for_s`, seconds from now.

    known: readings (crop, text, score).
    keep: adds a row of readings; the first one of a crop and reader stays.
    take: claims what nobody has claimed, gives the crops; its `crops` are a list as JSON, one parameter
        however many they are.
    valid: claims (crop) that have not expired.
    end: the claim (`ended_crop`, `ended_reader`) of `owner`.
    end_known: those of `owner`, as `known` names them.
    renew: all claims of `owner`.
    spend: writes a row of usage that has grown.
    """

    known: sa.Select[Any]
    keep: sa.Insert
    take: sa.sql.dml.ReturningInsert[Any]
    valid: sa.Select[Any]
    end: sa.Delete
    end_known: sa.Delete
    renew: sa.Update
    spend: sa.Insert


@cache
def statements(dialect: str) -> Statements:
    """Those of `sqlite` or `postgresql`."""
    insert: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    now = clock(dialect)
    reader, owner = sa.bindparam("reader", type_=sa.Text), sa.bindparam("owner", type_=sa.Text)
    until = now + sa.bindparam("for_s", type_=sa.Float)
    crops: sa.BindParameter[Any] = sa.bindparam("crops", expanding=True)
    given = _listed(dialect)
    # ordered, so that two processes never wait for each other's rows; without WHERE, SQLite would take
    # ON CONFLICT for the condition of a join
    new = sa.select(given.c.value, reader, owner, until).where(sa.true()).order_by(given.c.value)
    claim = insert(CLAIMS).from_select(["crop", "reader", "owner", "expires_at"], new)
    spent = insert(USAGE)
    figures = [column.name for column in USAGE.columns if not column.primary_key]
    return Statements(
        known=sa.select(READINGS.c.crop, READINGS.c.text, READINGS.c.score).where(
            READINGS.c.reader == reader, READINGS.c.crop.in_(crops)
        ),
        keep=insert(READINGS).on_conflict_do_nothing(),
        take=claim.on_conflict_do_update(
            index_elements=[CLAIMS.c.crop, CLAIMS.c.reader],
            set_={"owner": claim.excluded.owner, "expires_at": claim.excluded.expires_at},
            where=CLAIMS.c.expires_at <= now,
        ).returning(CLAIMS.c.crop),
        valid=sa.select(CLAIMS.c.crop).where(
            CLAIMS.c.reader == reader, CLAIMS.c.crop.in_(crops), CLAIMS.c.expires_at > now
        ),
        end=sa.delete(CLAIMS).where(
            CLAIMS.c.crop == sa.bindparam("ended_crop"),
            CLAIMS.c.reader == sa.bindparam("ended_reader"),
            CLAIMS.c.owner == owner,
        ),
        end_known=sa.delete(CLAIMS).where(
            CLAIMS.c.reader == reader, CLAIMS.c.owner == owner, CLAIMS.c.crop.in_(crops)
        ),
        renew=sa.update(CLAIMS).where(CLAIMS.c.owner == sa.bindparam("whose")).values(expires_at=until),
        spend=spent.on_conflict_do_update(
            index_elements=list(USAGE.primary_key.columns),
            set_={name: spent.excluded[name] for name in figures},
            # two threads may write at once, and the later one need not have the later sums
            where=spent.excluded.calls > USAGE.c.calls,
        ),
    )


def _listed(dialect: str) -> sa.TableValuedAlias:
    """The texts of a list as JSON, as a table with one column `value`."""
    listed = sa.bindparam("crops", type_=sa.Text)
    if dialect == "postgresql":
        return sa.func.json_array_elements_text(sa.cast(listed, sa.JSON)).table_valued("value")
    return sa.func.json_each(listed).table_valued("value")

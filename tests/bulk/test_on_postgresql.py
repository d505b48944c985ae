"""`preannotate` where Label Studio and the store of readings are in PostgreSQL, as teams run them.

The tests are those of `test_preannotate` and `test_removal`, on another database.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing

import pytest
import sqlalchemy as sa

from backend.readers.stored import ReadingStore
from tests.bulk.test_preannotate import (
    LINES,
    PAGES,
    Command,
    command,
    runs,
    test_failed_tasks_are_named_and_only_failed_reads_these_again,
    test_prune_removes_what_older_versions_left_and_keeps_what_work_stands_on,
)
from tests.bulk.test_removal import test_of_several_copies_one_stays_and_each_that_work_stands_on
from tests.parts.label_studio import LABEL_STUDIO, RunningLabelStudio, running_label_studio
from tests.parts.postgres import postgres_url

__all__ = [
    "command",
    "postgres_url",
    "runs",
    "test_failed_tasks_are_named_and_only_failed_reads_these_again",
    "test_of_several_copies_one_stays_and_each_that_work_stands_on",
    "test_prune_removes_what_older_versions_left_and_keeps_what_work_stands_on",
]

pytestmark = LABEL_STUDIO


def database(server: str, name: str) -> sa.URL:
    """A new database on a server."""
    url = sa.make_url(server).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    return url.set(database=name)


@pytest.fixture(scope="module")
def label_studio(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLabelStudio]:
    folder = tmp_path_factory.mktemp("label_studio_on_postgresql")
    yield from running_label_studio(folder, database=database(postgres_url, "label_studio"))


@pytest.fixture(scope="module")
def store(postgres_url: str) -> Mapping[str, object]:
    url = database(postgres_url, "readings").set(drivername="postgresql")
    return {"store_url": url.render_as_string(hide_password=False)}


def test_a_run_that_is_killed_goes_on_and_pays_and_stores_once(
    command: Command, store: Mapping[str, object]
) -> None:
    ernie = command.ernie
    killed = command.begin()
    command.wait_for_calls(20, killed)
    killed.kill()
    killed.communicate()

    ended = command.begin("--prune")
    said = ended.communicate(timeout=120)[0]

    assert ended.returncode == 0, said
    assert f"Removed {PAGES} of {PAGES} predictions of 1 older version, and kept 0." in said
    assert [len(versions) for versions in command.predictions()] == [1] * PAGES
    once = PAGES * LINES * 2
    assert once <= ernie.calls <= once + 8
    with closing(ReadingStore(str(store["store_url"]))) as kept:
        assert kept.count() == once
        assert sum(row.usage.calls for row in kept.usage(str(command.project))) >= once

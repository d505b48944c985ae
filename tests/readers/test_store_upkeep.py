"""Formats of a store, and what an operator sees and deletes, on real SQLite and PostgreSQL."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from backend.commands.cli import twinread
from backend.errors import StoreFailed
from backend.page.lines import Reading
from backend.readers.stored import ReadingStore
from backend.readers.usage import Usage, UsageRow
from tests.parts.postgres import postgres_url
from tests.readers.test_stored import url

__all__ = ["postgres_url", "url"]

DAY_S = 86400.0

FORMAT_1 = """CREATE TABLE readings (crop VARCHAR(64) NOT NULL, reader TEXT NOT NULL, text TEXT NOT NULL,
score FLOAT, read_at FLOAT NOT NULL, PRIMARY KEY (crop, reader))"""
"""As twinread made it before stores had a format."""


@pytest.fixture
def engine(url: str) -> Iterator[sa.Engine]:
    """The database itself, beside twinread."""
    made = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(exist_ok=True)
    yield made
    made.dispose()


def kept(engine: sa.Engine, reader: str, number: int, days_ago: float) -> None:
    """So many readings, made at once."""
    moment = time.time() - days_ago * DAY_S
    rows = [
        {"crop": f"{reader}-{at}-{days_ago}", "reader": reader, "read_at": moment} for at in range(number)
    ]
    insert = "INSERT INTO readings (crop, reader, text, read_at) VALUES (:crop, :reader, 'Счёт', :read_at)"
    with engine.begin() as connection:
        connection.execute(sa.text(insert), rows)


def run(url: str, *options: str) -> Result:
    return CliRunner().invoke(twinread, ["store", *options], env={"STORE_URL": url, "COLUMNS": "200"})


def numbers(url: str) -> dict[str, int]:
    """Readings by reader."""
    with closing(ReadingStore(url)) as store:
        query = sa.text("SELECT reader, count(*) FROM readings GROUP BY reader ORDER BY reader")
        return store.database.run(lambda connection: {row[0]: row[1] for row in connection.execute(query)})


def test_a_store_without_a_format_keeps_its_readings_and_becomes_today_s(url: str, engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(FORMAT_1))
    kept(engine, "old", 3, 10)

    with closing(ReadingStore(url)) as store:
        assert store.get_many(["old-1-10"], "old") == {"old-1-10": Reading("old", "Счёт")}
        assert store.claim(["new"], "old", 20).ours == {"new"}
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT number FROM store_format")).all() == [(2,)]
        (used,) = connection.execute(sa.text("SELECT used_at FROM readers")).scalars()
    assert round((time.time() - used) / DAY_S) == 10
    # and a program of that time goes on with it
    kept(engine, "old", 1, 0)
    assert numbers(url) == {"old": 4}


def test_a_store_of_a_newer_twinread_is_refused_with_a_sentence(url: str, engine: sa.Engine) -> None:
    ReadingStore(url).close()
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE store_format SET number = 3"))

    with pytest.raises(StoreFailed, match=r"newer twinread \(its format is 3, this one knows 2\)"):
        ReadingStore(url)


@pytest.fixture
def filled(url: str, engine: sa.Engine) -> str:
    """Two readers: one of a model that no longer reads, one that is asked today."""
    with closing(ReadingStore(url)) as store:
        kept(engine, "stopped model", 5, 100)
        kept(engine, "[red]model\x1b[2J", 3, 100)
        kept(engine, "[red]model\x1b[2J", 2, 0)
        store.note_use(["[red]model\x1b[2J"])
        assert store.claim(["in hand"], "stopped model", 600).ours
    return url


def test_a_store_says_what_reading_took_for_each_project_and_no_pruning_touches_it(
    filled: str, tmp_path: Path
) -> None:
    with closing(ReadingStore(filled)) as store:
        taken = [("3", "[red]one", 1), ("3", "two", 2), ("", "one", 3)]
        store.put(
            sums=[
                UsageRow(date(2026, 10, 1), project, reader, Usage(calls, 0, 1000 * calls, 0, 10 * calls))
                for project, reader, calls in taken
            ]
        )
    summary = tmp_path / "store.json"
    done = run(filled, "--prune", "--unused", "90", "--summary-json", str(summary))
    assert done.exit_code == 0, done.output
    words = " ".join(done.output.split())
    assert "for no project" in words and "one 3 3,000 0 30" in words
    assert "for project 3" in words and "[red]one 1 1,000 0 10 two 2 2,000 0 20" in words
    assert "all 3 3,000 0 30" in words
    spending = json.loads(summary.read_text("utf-8"))["spending"]
    assert [(one["project"], one["total"]["calls"]) for one in spending] == [("", 3), ("3", 1), ("3", 2)]


def test_the_figures_of_a_store_name_each_reader(filled: str, tmp_path: Path) -> None:
    summary = tmp_path / "store.json"
    done = run(filled, "--summary-json", str(summary))
    assert done.exit_code == 0, done.output
    assert "10 readings; 1 are being asked for." in done.output
    assert "[red]model\\x1b[2J" in done.output and "\x1b" not in done.output
    figures = json.loads(summary.read_text("utf-8"))
    assert {one["identity"]: one["readings"] for one in figures["readers"]} == numbers(filled)
    assert figures["readings"] == 10 and figures["size"] > 0 and figures["pruned"] is None


@pytest.mark.parametrize(
    ("options", "left"),
    [
        pytest.param(["--unused", "30"], {"[red]model\x1b[2J": 5}, id="models that no longer read"),
        pytest.param(["--older-than", "30"], {"[red]model\x1b[2J": 2}, id="old readings"),
        pytest.param(
            ["--reader", "stopped model"], {"[red]model\x1b[2J": 5}, id="one reader, by its whole name"
        ),
        pytest.param(
            ["--older-than", "30", "--reader", "[red]model\x1b[2J"],
            {"[red]model\x1b[2J": 2, "stopped model": 5},
            id="both must apply",
        ),
        pytest.param(
            ["--unused", "30", "--dry-run"], {"[red]model\x1b[2J": 5, "stopped model": 5}, id="dry run"
        ),
    ],
)
def test_what_the_options_say_goes_and_nothing_else(
    filled: str, options: list[str], left: dict[str, int]
) -> None:
    done = run(filled, "--prune", *options)
    assert done.exit_code == 0, done.output
    assert numbers(filled) == left


def test_what_a_backend_is_asking_for_stays(url: str, engine: sa.Engine) -> None:
    with closing(ReadingStore(url)) as store:
        assert store.claim(["model-0-100"], "model", 600).ours
        kept(engine, "model", 2, 100)
        done = run(url, "--prune", "--older-than", "30")
    assert done.exit_code == 0, done.output
    assert numbers(url) == {"model": 1}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        pytest.param(["--prune"], "would delete everything", id="nothing is said"),
        pytest.param(["--older-than", "3"], "add --prune", id="without --prune"),
        pytest.param(["--prune", "--reader", "nobody"], "No reader of that name", id="no such reader"),
    ],
)
def test_options_that_say_nothing_clear_are_refused_and_delete_nothing(
    filled: str, options: list[str], sentence: str
) -> None:
    done = run(filled, *options)
    assert getattr(done.exception, "exit_code", done.exit_code) == 2
    assert sentence in f"{done.output} {done.exception}"
    assert sum(numbers(filled).values()) == 10


@pytest.mark.parametrize("store_url", ["", "sqlite:///{}/store/readings.sqlite3"])
def test_looking_begins_no_store_where_there_is_none(store_url: str, tmp_path: Path) -> None:
    environment = {"CACHE_DIR": str(tmp_path / "cache"), "STORE_URL": store_url.format(tmp_path)}
    done = CliRunner().invoke(twinread, ["store"], env=environment)
    assert done.exit_code == 1
    assert "no store of readings yet" in done.output
    assert list(tmp_path.iterdir()) == []

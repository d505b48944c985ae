"""What commands write for machines, as a terminal calls them."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from backend.commands.cli import twinread
from backend.errors import OperatorError
from backend.outputs import write_summary
from backend.readers.store.accounts import today
from backend.readers.stored import ReadingStore
from backend.readers.usage import Usage, UsageRow
from tests.parts.http_script import says, serving
from tests.parts.scripted import CONFIG

PROJECT = {"id": 3, "title": "Чеки", "label_config": CONFIG, "model_version": "модель 1"}
TASK = {"id": 1, "predictions": [{"id": 1, "result": [], "model_version": "модель 1"}]}
ANSWERS = {
    "/api/version/": {"release": "1.23 (сборка)"},
    "/api/projects/3/": PROJECT,
    "/api/tasks/": {"tasks": [TASK]},
    "/api/users/": [],
    # no line project
    "/api/projects/": {"results": [], "next": None},
}
"""A Label Studio that speaks Russian."""


@pytest.mark.parametrize(
    ("command", "word"),
    [
        pytest.param(["status", "--project", "3"], "модель 1", id="status"),
        pytest.param(["doctor"], "сборка", id="doctor"),
    ],
)
def test_a_summary_for_machines_keeps_cyrillic_so_that_people_can_read_it(
    tmp_path: Path, command: list[str], word: str
) -> None:
    summary = tmp_path / "summary.json"
    no_folder = tmp_path / "file"
    no_folder.write_text("the doctor looks no further", "utf-8")
    with serving({path: says(json.dumps(answer).encode()) for path, answer in ANSWERS.items()}) as server:
        environment: dict[str, Any] = {
            "LABEL_STUDIO_URL": server.url,
            "LABEL_STUDIO_API_KEY": "0" * 40,
            "CACHE_DIR": str(no_folder),
        }
        done = CliRunner().invoke(twinread, [*command, "--summary-json", str(summary)], env=environment)

    written = summary.read_text("utf-8")
    assert word in written, done.output
    assert word in str(json.loads(written))


def status_of(folder: Path, **settings: str) -> tuple[str, dict[str, Any]]:
    """What `twinread status` shows of project 3, and what it writes for machines."""
    with serving({path: says(json.dumps(answer).encode()) for path, answer in ANSWERS.items()}) as server:
        environment = {
            "LABEL_STUDIO_URL": server.url,
            "LABEL_STUDIO_API_KEY": "0" * 40,
            "CACHE_DIR": str(folder / "cache"),
            "COLUMNS": "120",
            **settings,
        }
        options = ["status", "--project", "3", "--summary-json", str(folder / "status.json")]
        done = CliRunner().invoke(twinread, options, env=environment)
    assert done.exit_code == 0, done.output
    return done.output, json.loads((folder / "status.json").read_text("utf-8"))


PRICES = {"ERNIE_INPUT_PRICE": "2", "ERNIE_OUTPUT_PRICE": "6", "CURRENCY": "EUR"}


def test_status_shows_what_reading_a_project_took_today_and_in_all(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    with closing(ReadingStore(f"sqlite:///{cache / 'readings.sqlite3'}")) as store:
        month = Usage(1000, 3, 250_000, 100_000, 25_000, 500.0)
        store.put(
            sums=[
                UsageRow(date(2026, 10, 1), "3", "ernie[red]:plain@1", month),
                UsageRow(today(), "3", "ernie[red]:plain@1", Usage(1, 0, 500, 0, 50, 0.5)),
                UsageRow(today(), "4", "of another project", Usage(1, 0, 500, 0, 50, 0.5)),
            ]
        )

    shown, summary = status_of(tmp_path, **PRICES)

    (line,) = [line for line in shown.splitlines() if "ernie[red]:plain@1" in line]
    # 500 x 2 and 50 x 6 of a million today; 250,500 x 2 and 25,050 x 6 in all
    assert line.split()[1:] == [
        "1,001",
        "250,500",
        "100,000",
        "25,050",
        "0.0013",
        "0.6513",
    ]
    assert "for project 3" in shown and "another project" not in shown
    assert "3 answers did not say what they took" in shown
    (entry,) = summary["spending"]
    assert (entry["total"]["cost"], entry["total"]["unmetered_calls"]) == (pytest.approx(0.6513), 3)

    shown, summary = status_of(tmp_path)
    assert "today" not in shown and "Set ERNIE_INPUT_PRICE and ERNIE_OUTPUT_PRICE" in shown
    assert summary["spending"][0]["total"]["cost"] is None


def test_status_tells_a_project_without_an_account_from_an_account_that_cannot_be_seen(
    tmp_path: Path,
) -> None:
    shown, summary = status_of(tmp_path, **PRICES)
    assert "EUR" not in shown and summary["spending"] == []
    assert not (tmp_path / "cache").exists(), "looking at it must not make a store"

    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "readings.sqlite3").write_text("no database" * 100, "utf-8")
    shown, summary = status_of(tmp_path, **PRICES)
    assert "damaged or no database" in shown
    assert "damaged or no database" in summary["spending"]["problem"]


def test_a_summary_that_cannot_be_written_is_one_sentence_with_the_way_out(tmp_path: Path) -> None:
    write_summary(tmp_path / "found.json", {"pages": 2})
    assert json.loads((tmp_path / "found.json").read_text("utf-8")) == {"pages": 2}
    with pytest.raises(OperatorError, match="no folder"):
        write_summary(tmp_path / "no folder" / "found.json", {})

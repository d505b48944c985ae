"""What commands write for machines, as a terminal calls them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from backend.commands.cli import twinread
from backend.errors import OperatorError
from backend.outputs import write_summary
from tests.parts.http_script import says, serving
from tests.parts.scripted import CONFIG

PROJECT = {"id": 3, "title": "Чеки", "label_config": CONFIG, "model_version": "модель 1"}
TASK = {"id": 1, "predictions": [{"id": 1, "result": [], "model_version": "модель 1"}]}
ANSWERS = {
    "/api/version/": {"release": "1.23 (сборка)"},
    "/api/projects/3/": PROJECT,
    "/api/tasks/": {"tasks": [TASK]},
    "/api/users/": [],
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


def test_a_summary_that_cannot_be_written_is_one_sentence_with_the_way_out(tmp_path: Path) -> None:
    write_summary(tmp_path / "found.json", {"pages": 2})
    assert json.loads((tmp_path / "found.json").read_text("utf-8")) == {"pages": 2}
    with pytest.raises(OperatorError, match="no folder"):
        write_summary(tmp_path / "no folder" / "found.json", {})

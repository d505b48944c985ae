"""`twinread lines --collect` and `--accept-agreed` as people call them, on a real Label Studio."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from backend.commands.cli import twinread
from backend.one_run import only_run
from backend.sheets.collecting import FOLDER
from tests.parts.answered_sheets import SheetProjects, another_user
from tests.parts.label_studio import LABEL_STUDIO, RunningLabelStudio
from tests.parts.reviewed_work import Work

pytestmark = LABEL_STUDIO

DOUBTFUL = [Work(["cat", "cot"]), Work(["Total", "Total"])]
AGREED = [Work(["Total", "Total"])]


class Command:
    """The command, and the file with its figures."""

    def __init__(self, server: RunningLabelStudio, folder: Path) -> None:
        self.summary = folder / "summary.json"
        self.cache = folder / "cache"
        self.url = server.base_url
        self._environment = {
            "LABEL_STUDIO_URL": server.base_url,
            "LABEL_STUDIO_API_KEY": server.personal_token.get_secret_value(),
            "CACHE_DIR": str(self.cache),
            "OCR_LANGUAGE": "en",
        }

    def run(self, project: int, *options: str) -> Result:
        given = ["lines", "--project", str(project), *options, "--summary-json", str(self.summary)]
        return CliRunner().invoke(twinread, given, env=self._environment)

    @property
    def figures(self) -> dict[str, Any]:
        return dict(json.loads(self.summary.read_text("utf-8")))


@pytest.fixture
def command(label_studio: RunningLabelStudio, tmp_path: Path) -> Command:
    return Command(label_studio, tmp_path)


def test_people_hear_what_became_of_answers_and_machines_get_all_of_it(
    label_studio: RunningLabelStudio, command: Command
) -> None:
    api = label_studio.api()
    made = SheetProjects.made(api, [DOUBTFUL, DOUBTFUL, AGREED])
    first, second, _ = made.tasks
    made.answer(made.sheet(*made.doubtful(first)), "A")
    other = another_user(api)
    disputed = made.sheet(*made.doubtful(second))
    made.answer(disputed, "A")
    made.answer(disputed, "B", user=other)
    done = command.run(made.pages, "--collect", "--accept-agreed")
    assert done.exit_code == 0, done.output
    address = f"{command.url}/projects/{made.sheets}/data?task={disputed}"
    (named,) = [line for line in done.output.splitlines() if address in line]
    assert f"line 1 (page {second}): {label_studio.user}: 'cat'; {api.users()[other]}: 'cot'" in named
    assert "On them nobody looked at 1 other line, read alike twice." in done.output
    assert "Approved now: 1 page with 1 line, and nobody looked at them." in done.output
    figures = command.figures
    assert figures["pages"] == {"completed": 1, "waiting": 1}
    assert figures["lines"] == {"decided": 1, "waiting": 0, "disagreeing": 1, "stale": 0}
    assert [answer["address"] for answer in figures["disagreeing"][0]["answers"]] == [address] * 2
    assert figures["annotations"] == {"made": 1, "changed": 0, "removed": 0}
    assert figures["accepted"]["pages"] == {"accepted unseen": 1, "not read alike twice": 1}
    assert [len(made.annotations(task)) for task in made.tasks] == [1, 0, 1]


def test_without_a_line_project_one_sentence_says_what_to_do(
    label_studio: RunningLabelStudio, command: Command
) -> None:
    project = int(label_studio.api().create_project(title="No lines")["id"])
    done = command.run(project, "--collect")
    assert done.exit_code == 1
    assert f"Run `twinread lines --project {project}` first" in str(done.exception)
    assert not command.summary.exists()


def test_a_second_run_at_once_is_refused(label_studio: RunningLabelStudio, command: Command) -> None:
    made = SheetProjects.made(label_studio.api(), [DOUBTFUL])
    with only_run(command.cache, f"{command.url}/", made.pages, folder=FOLDER):
        done = command.run(made.pages, "--collect")
    assert done.exit_code == 1
    assert f"works on project {made.pages} already" in str(done.exception)


@pytest.mark.parametrize("way", ["--collect", "--accept-agreed"])
def test_options_for_making_sheets_are_refused(command: Command, way: str) -> None:
    done = command.run(1, way, "--limit", "3")
    assert done.exit_code == 2
    assert "make no sheets" in done.output

"""`make practice`: drawn pages become reviewed work that exports to the letter."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from click.testing import CliRunner

from backend.commands.cli import twinread
from backend.demo.practice import fill_project
from backend.demo.practice_pages import practice_pages
from backend.demo.reading import read_pages
from backend.settings import settings
from tests.parts.backend_process import RunningBackend, variables
from tests.parts.label_studio import LABEL_STUDIO, RunningLabelStudio

pytestmark = LABEL_STUDIO


def test_drawn_pages_are_read_entered_once_and_exported_with_their_truth(
    label_studio: RunningLabelStudio, local_backend: RunningBackend, tmp_path: Path
) -> None:
    pages = list(practice_pages("ru", 2, 3))
    api = label_studio.api()
    values = settings.load(
        label_studio_url=label_studio.base_url, label_studio_api_key=label_studio.personal_token
    )
    own = {"ocr_language": "ru", "label_studio_api_key": label_studio.personal_token}
    own |= {"label_studio_url": label_studio.base_url}
    read = partial(read_pages, variables=variables(local_backend.folder, own))
    project, entered = fill_project(api, local_backend.url, values, pages, read)
    assert entered == 2
    assert fill_project(api, local_backend.url, values, pages, read) == (project, 0)

    exported = CliRunner().invoke(
        twinread,
        ["export", "--project", str(project), "--out", str(tmp_path / "dataset")],
        env={
            "LABEL_STUDIO_URL": label_studio.base_url,
            "LABEL_STUDIO_API_KEY": label_studio.personal_token.get_secret_value(),
        },
    )
    assert exported.exit_code == 0, exported.output
    rows = [
        row.split("\t")[1]
        for file in (tmp_path / "dataset").glob("rec_gt_*.txt")
        for row in file.read_text("utf-8").splitlines()
    ]
    assert sorted(rows) == sorted(line.text for page in pages for line in page.lines)
    api.delete_project(project)

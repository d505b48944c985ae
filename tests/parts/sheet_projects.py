"""Page projects with doubtful lines in a real Label Studio, and `twinread lines` on them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from backend.label_studio.client import LabelStudio
from backend.label_studio.default_config import default_config
from backend.label_studio.labeling_config import LabelingConfig
from backend.sheets.making import LinesRequest, Made, make
from backend.sheets.offered_texts import TextRules
from backend.sheets.sheet_tasks import SheetLine, sheet_lines
from tests.parts.read_tasks import CONFIG, VERSION, predicted

Said = str | tuple[str, str]
"""A line: one text is read alike twice, two are a doubtful line."""


class Silent:
    """Watches, and says nothing; keeps what it heard."""

    def __init__(self) -> None:
        self.waited: list[float] = []

    def pages(self, done: int, total: int) -> None:
        assert 0 < done <= total

    def sheets(self, done: int, total: int) -> None:
        assert 0 < done <= total

    def waits(self, seconds: float) -> None:
        self.waited.append(seconds)


def page_project(
    api: LabelStudio, *pages: Sequence[Said], title: str = "Letters", **data: Any
) -> tuple[int, list[int]]:
    """A project whose pages were read, filled from their predictions.

    Args:
        api: Label Studio.
        pages: the lines of each.
        title: of the project.
        data: more fields of every task.
    """
    project = int(api.create_project(title=title, label_config=default_config())["id"])
    tasks = api.import_tasks(
        project,
        [
            {
                "data": {"image": f"/data/upload/{project}/a5cf2e8a-page_{number}.png", **data},
                "predictions": [predicted(*lines)],
            }
            for number, lines in enumerate(pages, start=1)
        ],
    )
    api.update_project(project, model_version=VERSION)
    return project, tasks


def request(project: int, notes: Path, **more: Any) -> LinesRequest:
    """What `twinread lines` asks for, without a sample of pages unless one is asked for."""
    wanted: dict[str, Any] = {
        "project": project,
        "per_sheet": 10,
        "rules": TextRules("ru"),
        "messages": "en",
        "first_sample": 0.0,
        "notes": notes,
    }
    return LinesRequest(**{**wanted, **more})


def lines(api: LabelStudio, project: int, notes: Path, config: LabelingConfig = CONFIG, **more: Any) -> Made:
    """Run it."""
    return make(api, request(project, notes, **more), config, Silent())


def sheets_of(api: LabelStudio, made: Made) -> list[dict[str, Any]]:
    """The sheets of the line project, in their order."""
    assert made.line_project is not None
    return list(api.tasks(made.line_project.project))


def lines_of(api: LabelStudio, made: Made) -> list[list[SheetLine]]:
    """The lines of each sheet."""
    return [sheet_lines(sheet) for sheet in sheets_of(api, made)]


def pairs(sheets: Sequence[Sequence[SheetLine]]) -> list[list[tuple[str, str]]]:
    """What the lines of each sheet offer."""
    return [[(line.a, line.b) for line in sheet] for sheet in sheets]

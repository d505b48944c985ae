"""A page project with its line project in a real Label Studio, and people who answer sheets."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from backend.label_studio.client import LabelStudio
from backend.label_studio.default_config import default_config
from backend.sheets.collecting import Collected, collect
from backend.sheets.doubtful_lines import page_lines
from backend.sheets.offered_texts import TextRules
from backend.sheets.page_outcomes import PageContext
from backend.sheets.sheet_config import sheet_config
from backend.sheets.sheet_tasks import SheetLine, ShownLine, sheet_data
from tests.parts.reviewed_work import CONFIG, Work, prediction

SIZE = (1000, 1400)
VERSION = "det a+b en 1"
RULES = TextRules("en")

Answer = str | tuple[str, str]
"""A verdict as a sheet stores it, or ("typed", the text)."""


@dataclass
class SheetProjects:
    """Both projects, through one client."""

    api: LabelStudio
    pages: int
    sheets: int
    people: int = 1
    tasks: list[int] = field(default_factory=list)

    @classmethod
    def made(cls, api: LabelStudio, pages: Sequence[Sequence[Work]], people: int = 1) -> SheetProjects:
        """Projects with pages that were read; no sheet yet."""
        page_project = int(api.create_project(title="Pages", label_config=default_config())["id"])
        line_project = api.create_project(
            title="Pages: lines",
            description=f"[twinread lines of project {page_project}]",
            label_config=sheet_config((), "en"),
            maximum_annotations=people,
            enable_empty_annotation=True,
        )
        made = cls(api, page_project, int(line_project["id"]), people)
        rows = [
            {"data": {"image": f"/{number}.png"}, "predictions": [prediction(lines, SIZE, version=VERSION)]}
            for number, lines in enumerate(pages)
        ]
        made.tasks = sorted(api.import_tasks(page_project, rows))
        return made

    @property
    def context(self) -> PageContext:
        return PageContext(self.pages, CONFIG, VERSION, RULES, self.people)

    def doubtful(self, task: int) -> list[SheetLine]:
        """The doubtful lines of a page as they are now."""
        row = self.api.task(task)
        return [each.line for each in page_lines(row, self.pages, CONFIG, VERSION, RULES).doubtful]

    def sheet(self, *lines: SheetLine) -> int:
        """Put lines on a sheet."""
        return self.sheets_of([lines])[0]

    def sheets_of(self, several: Sequence[Sequence[SheetLine]]) -> list[int]:
        """Make sheets, each of some lines."""
        rows = [
            {"data": sheet_data([ShownLine(line, "<div></div>", ()) for line in lines], ["a.png"])}
            for lines in several
        ]
        return sorted(self.api.import_tasks(self.sheets, rows))

    def answer(self, sheet: int, *answers: Answer, user: int | None = None, seconds: float = 8.0) -> int:
        """Submit a sheet; gives the annotation's id."""
        who = {} if user is None else {"completed_by": user}
        made = self.api.create_annotation(sheet, sheet_result(answers), lead_time=seconds, **who)
        return int(made["id"])

    def collect(self) -> Collected:
        return collect(self.api, self.sheets, self.context)

    def annotations(self, task: int) -> list[dict[str, Any]]:
        """Of a page, by their ids."""
        return sorted(self.api.task(task)["annotations"], key=lambda each: int(each["id"]))

    def predict_anew(self, task: int, lines: Sequence[Work], version: str = VERSION) -> None:
        made = prediction(lines, SIZE, version=version)
        stored = self.api.import_predictions(self.pages, [{"task": task, **made}])
        assert stored.created == 1


def sheet_result(answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """What the editor stores of a sheet's answers, line by line; an empty one is an undecided line."""
    result: list[dict[str, Any]] = []
    for place, answer in enumerate(answers):
        verdict, text = answer if isinstance(answer, tuple) else (answer, "")
        common = {"to_name": f"strip_{place}"}
        if verdict:
            value: Mapping[str, Any] = {"choices": [verdict]}
            result.append({**common, "from_name": f"verdict_{place}", "type": "choices", "value": value})
        if text:
            result.append(
                {**common, "from_name": f"typed_{place}", "type": "textarea", "value": {"text": [text]}}
            )
    return result


def another_user(api: LabelStudio) -> int:
    """A second person in this Label Studio."""
    name = f"{secrets.token_hex(4)}@example.org"
    sent = {"email": name, "username": name, "password": secrets.token_urlsafe(12)}
    return int(api.call("POST", "/api/users/", "make a user", body=sent)["id"])

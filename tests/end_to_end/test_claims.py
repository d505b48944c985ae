"""A claim on a real Label Studio stands in status, report, export and metrics, and breaks in all of them."""

from __future__ import annotations

import json
import queue
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from click.testing import CliRunner
from pydantic import AnyHttpUrl

from backend.commands.cli import twinread
from backend.guarantee.claims import Claim
from backend.label_studio.client import LabelStudio
from backend.label_studio.default_config import default_config
from backend.label_studio.regions import regions
from backend.pipeline.metrics import Metrics
from backend.server.protocol import WebhookBody
from backend.server.sheet_collector import SheetCollector
from backend.settings.settings import Settings
from backend.sheets.line_project import find_line_project
from backend.sheets.sheet_tasks import sheet_lines
from tests.parts.answered_sheets import sheet_result
from tests.parts.label_studio import LABEL_STUDIO, RunningLabelStudio
from tests.parts.reviewed_work import Work, prediction

pytestmark = LABEL_STUDIO

PAGES, LINES = 5, 20
PER_SHEET = 10
VERSION = "det a+b en 1"
SIZE = (600, 830)
TARGET = "20%"
"""Of 100 lines 64 are typed blind, all right: with 95 % confidence at most 4 of the others are wrong."""


class Team:
    """A project of pages on which all lines agree, and what people do with it on the command line."""

    def __init__(self, server: RunningLabelStudio, folder: Path) -> None:
        self.api: LabelStudio = server.api()
        self.folder = folder
        self.environment = {
            "LABEL_STUDIO_URL": server.base_url,
            "LABEL_STUDIO_API_KEY": server.personal_token.get_secret_value(),
            "CACHE_DIR": str(folder / "cache"),
            "OCR_LANGUAGE": "en",
            "AUDIT_TARGET": "0.2",
            "SAMPLE_PAGES": "0",
        }
        self.settings = Settings(
            _env_file=None,  # type: ignore[call-arg]
            label_studio_url=AnyHttpUrl(server.base_url),
            label_studio_api_key=server.personal_token,
            cache_dir=folder / "cache",
            ocr_language="en",
            audit_target=0.2,
        )
        self.project = int(self.api.create_project(title="Letters", label_config=default_config())["id"])
        picture = cv2.imencode(".png", np.full((SIZE[1], SIZE[0]), 255, np.uint8))[1].tobytes()
        for number in range(PAGES):
            (folder / f"{number}.png").write_bytes(picture)
        uploads = self.api.upload_files(self.project, [folder / f"{number}.png" for number in range(PAGES)])
        self.api.import_tasks(
            self.project,
            [
                {"data": {"image": upload.address}, "predictions": [self.page(number)]}
                for number, upload in enumerate(uploads)
            ],
        )
        self.api.update_project(self.project, model_version=VERSION)

    @staticmethod
    def page(number: int) -> dict[str, Any]:
        texts = [f"line {number} of {row}" for row in range(LINES)]
        return prediction([Work((text, text), text) for text in texts], SIZE, version=VERSION)

    def run(self, *arguments: object, code: int = 0) -> tuple[str, dict[str, Any]]:
        """Run a command; gives what it printed, and its summary for machines."""
        summary = self.folder / "summary.json"
        command = [str(part) for part in (*arguments, "--project", self.project, "--summary-json", summary)]
        done = CliRunner().invoke(twinread, command, env=self.environment)
        assert done.exit_code == code, done.output
        return done.output, json.loads(summary.read_text("utf-8"))

    @property
    def sheets(self) -> int:
        found = find_line_project(self.api, self.project)
        assert found is not None
        return found.project

    def type_blind(self) -> list[int]:
        """Answer every audit sheet with the text of each line; gives the annotations."""
        texts = {
            (int(task["id"]), region.id): " ".join(region.texts)
            for task in self.api.tasks(self.project)
            for region in regions(task["predictions"][0]["result"])
        }
        made = []
        for sheet in list(self.api.tasks(self.sheets)):
            lines = sheet_lines(sheet)
            result = sheet_result([("typed", texts[line.key.task, line.key.region]) for line in lines])
            made.append(int(self.api.create_annotation(int(sheet["id"]), result, lead_time=60.0)["id"]))
        return made

    def collected(self) -> tuple[str, Claim]:
        """Let the backend collect as a webhook has it do; gives its metrics, and the one claim."""
        metrics = Metrics()
        told: queue.Queue[tuple[int, list[Claim]]] = queue.Queue()
        collector = SheetCollector(self.settings, 0.0, claimed=lambda *found: told.put(found))
        shown = self.api.project(self.sheets)
        collector.note(WebhookBody(action="ANNOTATION_CREATED", project=shown))
        pages, claims = told.get(timeout=60)
        metrics.show_claims(pages, claims)
        (claim,) = claims
        return metrics.text().decode(), claim


def test_a_claim_stands_everywhere_and_breaks_everywhere(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    team = Team(label_studio, tmp_path)
    team.run("audit")
    answers = team.type_blind()
    team.run("lines", "--collect", "--accept-agreed")

    metrics, claim = team.collected()
    assert (claim.state.value, claim.right, claim.audited, claim.wrong_at_most) == ("holds", 64, 64, 4)
    assert 'twinread_claim_state{language="en"' in metrics
    said, export = team.run("export", "--jobs", 1, "--out", team.folder / "set", "--guarantee", TARGET)
    (lot,) = export["guarantees"]
    assert (lot["exported_unseen"], lot["exported_seen"]) == (36, 64)
    assert lot["exported_unseen_wrong_at_most"] == 4
    assert "64 that people looked at, and 36 that nobody looked at" in said

    # four sheets are answered anew, with other texts
    for answer in answers[:4]:
        team.api.update_annotation(answer, sheet_result([("typed", f"wrong {n}") for n in range(PER_SHEET)]))
    metrics, claim = team.collected()
    assert claim.state.value == "broken"
    assert f'version="{VERSION}"}} -1.0' in metrics
    words, status = team.run("status")
    assert "ALARM" in words
    assert [lot["state"] for lot in status["claims"]] == ["broken"]
    page = team.folder / "report.html"
    words, report = team.run("report", "--out", page)
    assert "ALARM" in words
    assert report["agreed_lines_worth"]["claims"] == status["claims"]
    assert '<p class="bad">ALARM' in page.read_text("utf-8")
    assert len(report["agreed_lines_worth"]["wrong_lines"]) == 4 * PER_SHEET
    words, export = team.run(
        "export", "--jobs", 1, "--out", team.folder / "set", "--guarantee", TARGET, code=1
    )
    assert "ALARM" in words
    assert "No claim holds for the lines that nobody looked at, so none of them is exported." in words
    # what people typed goes as ever, in the words that they typed
    (lot,) = export["guarantees"]
    assert (lot["exported_unseen"], export["lines_by_look"]["sheet"]) == (0, 64)

"""`twinread audit`: an annotator types agreed lines blind in a real browser, and what is claimed then."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser, Response

from backend.commands.cli import twinread
from backend.label_studio.client import LabelStudio
from backend.label_studio.default_config import default_config
from backend.label_studio.regions import regions
from backend.sheets.made_annotations import Looked, looked_at, made_in
from backend.sheets.sheet_tasks import sheet_lines
from tests.end_to_end.browser import signed_in
from tests.end_to_end.sheet_desk import SheetEditor
from tests.end_to_end.written_pages import Written, WrittenPage, write
from tests.parts.answered_sheets import sheet_result
from tests.parts.label_studio import LABEL_STUDIO, RunningLabelStudio
from tests.parts.reviewed_work import Work, prediction

pytestmark = LABEL_STUDIO

TEXTS = ("Квитанция № 84", "Портной Яшин", "Пуговицы костяные", "Подкладка из саржи", "Примерка в среду")
VERSION, NEWER = "det a+b ru 1", "det a+b ru 2"

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(label_studio: RunningLabelStudio, tmp_path: Path) -> Run:
    """A command's figures."""

    def invoke(*arguments: str | int) -> dict[str, Any]:
        summary = tmp_path / "summary.json"
        environment = {
            "LABEL_STUDIO_URL": label_studio.base_url,
            "LABEL_STUDIO_API_KEY": label_studio.personal_token.get_secret_value(),
            "CACHE_DIR": str(tmp_path / "cache"),
            "OCR_LANGUAGE": "ru",
            "SAMPLE_PAGES": "0",
        }
        given = [*map(str, arguments), "--summary-json", str(summary)]
        done = CliRunner().invoke(twinread, given, env=environment, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return {"printed": done.output, **json.loads(summary.read_text("utf-8"))}

    return invoke


@pytest.fixture
def editor(label_studio: RunningLabelStudio, chromium: Browser) -> Iterator[SheetEditor]:
    context = signed_in(chromium, label_studio, label_studio.user, size=(1280, 720))
    editor = SheetEditor(context.new_page(), label_studio.base_url)
    yield editor
    editor.picture("audit_sheet")
    context.close()


def read_page(api: LabelStudio, page: WrittenPage) -> tuple[int, int]:
    """A project with a page whose lines two readers read alike, and its task."""
    project = int(api.create_project(title="Tailor", label_config=default_config())["id"])
    (upload,) = api.upload_files(project, [page.path])
    (task,) = api.import_tasks(
        project, [{"data": {"image": upload.address}, "predictions": [read(page, VERSION)]}]
    )
    api.update_project(project, model_version=VERSION)
    return project, task


def read(page: WrittenPage, version: str) -> dict[str, Any]:
    works = [
        Work((line.text, line.text), quad=quad) for line, quad in zip(page.lines, page.quads, strict=True)
    ]
    return prediction(works, (1000, 640), language="ru", version=version)


def page_says(api: LabelStudio, task: int) -> list[tuple[str, Looked]]:
    """The text of each line of a page that twinread approved, and who looked at it, from top to bottom."""
    (annotation,) = api.task(task)["annotations"]
    why = made_in(annotation)
    assert why is not None
    found = sorted(regions(annotation["result"]), key=lambda region: region.id)
    return [(region.texts[0], looked_at(region, why)) for region in found]


def test_people_type_what_they_see_and_nothing_that_their_browser_gets_says_it_before(
    label_studio: RunningLabelStudio, chromium: Browser, editor: SheetEditor, run: Run, tmp_path: Path
) -> None:
    api = label_studio.api()
    page = write(chromium, tmp_path / "tailor.png", [Written(text) for text in TEXTS])
    project, task = read_page(api, page)

    texts = {region.id: region.texts[0] for region in regions(read(page, VERSION)["result"])}
    begun = run("audit", "--project", project, "--target", "20%")
    (lot,) = begun["lots"]
    assert (lot["state"], lot["needed"], lot["agreed_lines"]) == ("not yet", 5, 5)
    sheets = begun["line_project"]
    first, *repeats = list(api.tasks(sheets))
    assert [line.audit for line in sheet_lines(first)] == [True] * 5
    assert begun["lines"] == 5 + begun["repeats"]
    again = run("audit", "--project", project, "--target", "20%")
    assert (again["sheets"], again["on_sheets"], again["removed_sheets"]) == (0, 5, 0)

    # an annotator, and all that the server tells the browser but for what the person writes
    told: list[str] = []

    def keep(response: Response) -> None:
        kind = response.headers.get("content-type", "")
        if "/drafts" in response.url or response.request.method != "GET":
            return
        if "json" in kind:
            told.append(json.dumps(response.json(), ensure_ascii=False))
        elif "html" in kind:
            told.append(response.text())

    editor.page.on("response", keep)
    editor.open_stream(sheets)
    assert any("svg" in each and VERSION in each for each in told)
    assert [text for text in TEXTS for each in told if text in each] == []
    assert editor.block(0).locator("svg.strip").is_visible()
    editor.picture("audit_sheet_begun")
    for place, line in enumerate(sheet_lines(first)):
        editor.press(f"Shift+Digit{place + 1}", "Tab")
        editor.type(texts[line.key.region])
        if place == 2:
            editor.picture("audit_sheet_typing")
        editor.press("Enter")
    stored = editor.submit()
    editor.page.remove_listener("response", keep)

    held = run("audit", "--project", project, "--target", "20%")
    (lot,) = held["lots"]
    assert (lot["state"], lot["right"], lot["audited"]) == ("holds", 5, 5)
    assert lot["says"][-1] in held["printed"]

    # the lead approves the page; who typed a line has looked at it
    approved = run("lines", "--project", project, "--collect", "--accept-agreed")
    assert (approved["audited_lines"], approved["audited_lines_waiting"]) == (5, 5)
    assert (approved["accepted"]["audited_lines"], approved["accepted"]["unseen_lines"]) == (5, 0)
    assert page_says(api, task) == [(text, Looked.SHEET) for text in TEXTS]

    # two texts turn out to be others: one too many, and the claim is withdrawn in words
    wrong = [("typed", f"{texts[line.key.region]}?") for line in sheet_lines(first)[:2]]
    right = [("typed", texts[line.key.region]) for line in sheet_lines(first)[2:]]
    api.update_annotation(int(stored["id"]), sheet_result([*wrong, *right]))
    broken = run("audit", "--project", project, "--target", "20%")
    (lot,) = broken["lots"]
    assert (lot["state"], len(lot["wrong"])) == ("broken", 2)
    assert "ALARM" in broken["printed"]
    run("lines", "--project", project, "--collect")
    assert sorted(text for text, _ in page_says(api, task) if text.endswith("?")) == sorted(
        text for _, text in wrong
    )

    # another version is another lot, and nobody is asked about the one before
    api.import_predictions(project, [{"task": task, **read(page, NEWER)}])
    api.update_project(project, model_version=NEWER)
    anew = run("audit", "--project", project, "--target", "20%")
    (lot,) = anew["lots"]
    assert (lot["state"], lot["needed"], lot["wrong"]) == ("not yet", 5, [])
    assert anew["removed_sheets"] == len(repeats)
    versions = [line.model_version for sheet in api.tasks(sheets) for line in sheet_lines(sheet)]
    assert versions == [VERSION] * 5 + [NEWER] * anew["lines"]

    # typed anew, the claim comes back for it
    new = [each for each in api.tasks(sheets) if sheet_lines(each)[0].model_version == NEWER]
    sheet = max(new, key=lambda each: len(sheet_lines(each)))
    answers = [("typed", texts[line.key.region]) for line in sheet_lines(sheet)]
    api.create_annotation(int(sheet["id"]), sheet_result(answers))
    (lot,) = run("audit", "--project", project, "--target", "20%")["lots"]
    assert (lot["state"], lot["right"], lot["audited"], lot["model_version"]) == ("holds", 5, 5, NEWER)

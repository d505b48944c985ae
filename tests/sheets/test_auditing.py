"""`twinread audit` on a real Label Studio: sheets beside those of doubtful lines, topped up, none twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from backend.guarantee.decisions import ClaimState
from backend.label_studio.client import LabelStudio
from backend.sheets.auditing import AuditMade, AuditRequest, audit
from backend.sheets.audits import read_lots
from backend.sheets.offered_texts import TextRules
from backend.sheets.sheet_tasks import SheetLine, sheet_lines
from tests.parts.label_studio import LABEL_STUDIO, RunningLabelStudio
from tests.parts.meddling import Send, meddled
from tests.parts.read_tasks import CONFIG, VERSION, predicted
from tests.parts.sheet_projects import Silent, lines, page_project

pytestmark = LABEL_STUDIO

RULES = TextRules("ru")


class Impatient(Silent):
    """Presses Ctrl-C when the first sheets are imported."""

    def sheets(self, done: int, total: int) -> None:
        raise KeyboardInterrupt


def run(api: LabelStudio, project: int, notes: Path, watcher: Silent | None = None, **more: Any) -> AuditMade:
    wanted: dict[str, Any] = {
        "project": project,
        "target": 0.3,
        "per_sheet": 10,
        "rules": RULES,
        "messages": "en",
        "first_sample": 0.0,
        "notes": notes,
    }
    return audit(api, AuditRequest(**{**wanted, **more}), CONFIG, watcher or Silent())


def sheets_of(api: LabelStudio, made: AuditMade) -> list[list[SheetLine]]:
    assert made.line_project is not None
    return [sheet_lines(sheet) for sheet in api.tasks(made.line_project.project)]


def asked(api: LabelStudio, made: AuditMade) -> Counter[int]:
    """On how many sheets the lines of each task stand for the first time."""
    found = {line.key for sheet in sheets_of(api, made) for line in sheet if line.audit}
    return Counter(key.task for key in found)


def add_page(api: LabelStudio, project: int, *said: str, **data: str) -> int:
    row = {
        "data": {"image": f"/data/upload/{project}/a5cf2e8a-new.png", **data},
        "predictions": [predicted(*said)],
    }
    (task,) = api.import_tasks(project, [row])
    return task


def test_each_language_is_audited_and_new_pages_bring_their_share(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    api = label_studio.api()
    project, (mixed, agreed) = page_project(api, ["Липа", ("Клён", "Клен")], ["Дуб", "Ель"])
    english = add_page(api, project, "oak", "elm", language="en")
    # without a line project nobody has answered
    before = read_lots(api, project, CONFIG, VERSION, RULES)
    assert [(each.lot.key.language, len(each.lot.lines)) for each in before] == [("en", 2), ("ru", 3)]

    made = run(api, project, tmp_path, limit=2)
    assert (made.lines, made.left >= 3) == (2, True)
    made = run(api, project, tmp_path)
    assert asked(api, made) == {mixed: 1, agreed: 2, english: 2}
    assert [(each.claim.key.language, each.claim.lot, each.claim.state) for each in made.claims] == [
        ("en", 2, ClaimState.NOT_YET),
        ("ru", 3, ClaimState.NOT_YET),
    ]
    assert not any(line.texts for sheet in sheets_of(api, made) for line in sheet)

    later = add_page(api, project, "Рябина")
    made = run(api, project, tmp_path)
    assert asked(api, made) == {mixed: 1, agreed: 2, english: 2, later: 1}
    assert (made.on_sheets, made.removed, made.unshown) == (5, 0, {})


def test_audit_and_lines_leave_each_others_sheets_alone(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    api = label_studio.api()
    project, (page, _) = page_project(api, ["Липа", ("Клён", "Клен")], ["Дуб"])
    doubtful = lines(api, project, tmp_path)
    made = run(api, project, tmp_path)
    assert doubtful.line_project == made.line_project
    standing = [[(line.a, line.b, line.audit) for line in sheet] for sheet in sheets_of(api, made)]
    assert standing[0] == [("Клён", "Клен", False)]

    # the page is done, so that its doubtful line is asked in vain; its audit line is not
    api.create_annotation(page, predicted("Липа", "Клён")["result"])
    assert lines(api, project, tmp_path).removed == 1
    again = run(api, project, tmp_path)
    assert (again.sheets, again.removed, again.on_sheets) == (0, 0, 2)
    left = [[(line.a, line.b, line.audit) for line in sheet] for sheet in sheets_of(api, made)]
    assert left == standing[1:]


def test_two_at_the_same_moment_on_two_machines_leave_no_line_on_a_sheet_too_many(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    api = label_studio.api()
    project, _ = page_project(api, ["Липа", "Клён", "Дуб"], ["Ель"])
    lines(api, project, tmp_path)
    others: list[AuditMade] = []

    def another_runs_first(request: httpx.Request, send: Send) -> httpx.Response:
        if not others:
            others.append(run(api, project, tmp_path / "other"))
        return send(request)

    with meddled(label_studio, another_runs_first) as slow:
        made = run(slow, project, tmp_path)
    assert (made.removed, made.sheets) == (others[0].sheets, others[0].sheets)
    stands = Counter(line.key for sheet in sheets_of(api, made) for line in sheet)
    assert (len(stands), stands.total()) == (4, others[0].lines)


def test_ctrl_c_tells_what_was_done_and_the_next_run_goes_on(
    label_studio: RunningLabelStudio, tmp_path: Path
) -> None:
    api = label_studio.api()
    project, _ = page_project(api, ["Липа", "Клён", "Дуб"])
    stopped = run(api, project, tmp_path, Impatient())
    assert (stopped.stopped, stopped.left) == (True, 0)
    standing = sheets_of(api, stopped)
    assert stopped.lines == sum(map(len, standing)) >= 3

    made = run(api, project, tmp_path)
    assert (made.stopped, made.sheets, made.on_sheets) == (False, 0, 3)
    assert sheets_of(api, made) == standing

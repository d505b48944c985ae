"""Audit sheets as Label Studio gives them, with what people typed of agreed lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from backend.sheets.agreed_lines import AgreedLine, AgreedPage, agreed_lines
from backend.sheets.decisions import Decision, decisions
from backend.sheets.offered_texts import TextRules
from backend.sheets.sheet_tasks import LineKey, ShownLine, sheet_data
from tests.parts.answered_sheets import sheet_result
from tests.parts.read_tasks import CONFIG, VERSION

RULES = TextRules("ru")


def page_of(task: Mapping[str, Any], version: str = VERSION) -> AgreedPage:
    """A task's agreed lines, of a project of number 3."""
    found = agreed_lines({"data": {"image": "/a.png"}, **task}, 3, CONFIG, version, RULES)
    assert found is not None
    return found


def audit_sheet(number: int, lines: Sequence[AgreedLine]) -> dict[str, Any]:
    """A sheet of audit lines, without annotations."""
    shown = [ShownLine(line.line, "<div></div>", ()) for line in lines]
    return {"id": number, "data": sheet_data(shown, ["a.png"]), "annotations": []}


def typed(line: AgreedLine, text: str, *, user: str = "2", number: int = 1, sheet: int = 71) -> Decision:
    """A person's answer to an audit line: a text, or `illegible`, or `not_text`."""
    verdict = text if text in ("illegible", "not_text") else ("typed", text)
    annotation = {
        "id": number,
        "completed_by": int(user) if user else None,
        "was_cancelled": False,
        "updated_at": "2026-11-27T09:00:00Z",
        "result": sheet_result([verdict]),
    }
    (found,) = decisions({**audit_sheet(sheet, [line]), "annotations": [annotation]})
    return found


def by_line(*answers: Decision) -> dict[LineKey, list[Decision]]:
    """Answers by line, as `audit_answers` gives them."""
    found: dict[LineKey, list[Decision]] = {}
    for answer in answers:
        found.setdefault(answer.line.key, []).append(answer)
    return found

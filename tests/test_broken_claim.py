"""An alarm reaches everybody who looks: status, report, export and metrics all say how a claim stands."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from backend.guarantee.decisions import ClaimState
from backend.pipeline.metrics import Metrics
from backend.sheets.lot_claims import LotClaim, figures, sentences
from converters.export import terminal
from converters.export.guarantee import Guarantee
from converters.export.run import ExportOptions
from converters.export.write_page import PageOptions
from converters.report import html
from converters.report import terminal as report_terminal
from converters.report.report import Report
from converters.report.worth import AgreedWorth
from tests.parts.claims import KEY, lot_claim, lot_of
from tests.parts.exported import run
from tests.parts.reviewed_tasks import HEIGHT, WIDTH
from tests.parts.reviewed_work import RULES, Work, quad_at, task

ALARM = "ALARM: what was said of the agreed lines of project 3 (en) does not hold any more."
LINE = Work(("Sum", "Sum"), "Sum", quad=quad_at(0, 250))
TASKS = [task(1, [LINE], size=(WIDTH, HEIGHT), image="/data/upload/1/1.png")]


def claims(state: ClaimState) -> list[LotClaim]:
    (line,) = lot_of(TASKS).lines
    known = lot_of(TASKS, right={(line.page, 0): state is not ClaimState.BROKEN})
    return [lot_claim(known, state)]


def status(folder: Path, state: ClaimState) -> tuple[str, object]:
    found = claims(state)
    return " ".join(said for said, _ in sentences(3, found)), figures(found[0])["state"]


def report(folder: Path, state: ClaimState) -> tuple[str, object]:
    made = Report(worth=AgreedWorth(3, claims(state)))
    made.add(TASKS[0], RULES)
    printed = io.StringIO()
    report_terminal.tell(made, Console(file=printed, soft_wrap=True), from_file=False)
    page = html.page(made, "a project", {})
    alarm = f'<p class="bad">{ALARM}'
    assert (alarm in page) == (ALARM in printed.getvalue())
    return printed.getvalue(), made.summary()["agreed_lines_worth"]["claims"][0]["state"]


def export(folder: Path, state: ClaimState) -> tuple[str, object]:
    options = ExportOptions(rules=RULES, jobs=1, guarantee=Guarantee(claims(state), 3))
    totals = run(folder / "out", TASKS, options)
    printed = io.StringIO()
    terminal.print_totals(totals, PageOptions(), folder, Console(file=printed, soft_wrap=True), written=True)
    assert (ALARM in printed.getvalue()) == (ALARM in (folder / "out" / "report.html").read_text("utf-8"))
    summary = json.loads((folder / "out" / "summary.json").read_text("utf-8"))
    return printed.getvalue(), summary["guarantees"][0]["state"]


def metrics(folder: Path, state: ClaimState) -> tuple[str, object]:
    shown = Metrics()
    shown.show_claims(3, [each.claim for each in claims(state)])
    labels = f'{{language="en",project="3",version="{KEY.version}"}}'
    (value,) = re.findall(rf"^twinread_claim_state{re.escape(labels)} (\S+)$", shown.text().decode(), re.M)
    named = {1: "holds", 0: "not yet", -1: "broken"}[float(value)]
    return ALARM if named == "broken" else "", named


@pytest.mark.parametrize("state", list(ClaimState), ids=lambda state: state.value)
@pytest.mark.parametrize("place", [status, report, export, metrics], ids=lambda place: place.__name__)
def test_how_a_claim_stands_is_said_everywhere_and_a_broken_one_loudly(tmp_path, place, state):
    words, known = place(tmp_path, state)
    assert known == state.value
    assert (ALARM in words) == (state is ClaimState.BROKEN)


def test_a_lot_that_is_gone_is_in_no_metric_any_more():
    shown = Metrics()
    shown.show_claims(3, [each.claim for each in claims(ClaimState.BROKEN)])
    shown.show_claims(4, [])
    assert "twinread_claim_state{" in shown.text().decode()
    shown.show_claims(3, [])
    assert "twinread_claim_state{" not in shown.text().decode()

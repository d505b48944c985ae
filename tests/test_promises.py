"""Pages that promise something name what is there: tests, metrics, settings."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from backend.label_studio import config_limits
from backend.pipeline.metrics import Metrics
from backend.settings import tables
from backend.settings.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
PROMISES = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "SECURITY.md").read_text("utf-8"))


def between(file: str, name: str) -> str:
    text = (ROOT / file).read_text("utf-8")
    return text.split(f"<!-- {name} -->\n")[1].split(f"<!-- /{name} -->")[0]


def test_every_row_of_promises_names_a_test() -> None:
    rows = (ROOT / "SECURITY.md").read_text("utf-8").split("| promise | held by |")[1].split("\n\n")[0]
    told = rows.strip().splitlines()[1:]
    assert len(told) >= 15
    assert [row for row in told if "`tests/" not in row] == []


@pytest.mark.parametrize(("file", "name"), PROMISES, ids=[name for _, name in PROMISES])
def test_the_test_that_holds_a_promise_is_there(file: str, name: str) -> None:
    assert f"\ndef {name}(" in (ROOT / file).read_text("utf-8")


def test_limits_and_metrics_are_those_of_the_code() -> None:
    assert between("SECURITY.md", "limits") == tables.markdown_table(tables.LIMITS), "run: make docs"
    assert between("docs/operations.md", "metrics") == Metrics().markdown_table(), "run: make docs"


def test_limits_of_labeling_configs_are_those_of_the_code() -> None:
    told = (ROOT / "SECURITY.md").read_text("utf-8")
    limits = {name: limit for name, limit in vars(config_limits).items() if name.endswith("_LIMIT")}
    assert len(limits) == 7
    assert [name for name, limit in limits.items() if f"{limit:,}" not in told] == []


def test_the_dashboard_asks_for_metrics_that_there_are() -> None:
    dashboard = json.loads((ROOT / "docs/grafana-dashboard.json").read_text("utf-8"))
    asked = {
        name
        for panel in dashboard["panels"]
        for target in panel["targets"]
        for name in re.findall(r"\b(?:twinread|process)_\w+", target["expr"])
    }
    metrics = Metrics()
    metrics.count_answer("/predict", 200, 0.1)
    given = set(re.findall(r"^# TYPE (\w+) ", metrics.text().decode(), re.M))
    given |= {f"{name}_bucket" for name in given}
    assert asked - given == set()
    assert len(asked) > 10


def test_every_setting_that_a_page_names_in_capitals_is_one() -> None:
    known = {name.upper() for name in Settings.model_fields}
    for page in ("SECURITY.md", "docs/operations.md"):
        named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`", (ROOT / page).read_text("utf-8")))
        assert named - known == set(), page

"""The figures of both columns, kept as JSON, and the page that is written from them: docs/reliability.md."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import psutil

from tests.torture.row import Row

ROOT = Path(__file__).resolve().parents[2]
KEPT = Path(__file__).with_name("figures.json")
PAGE = ROOT / "docs" / "reliability.md"

INTRODUCTION = """# What it stands

`make torture` attacks real `twinread serve` processes, and runs of `twinread preannotate` beside a real Label
Studio (`bulk`, `many`), for two and a half hours and writes this page. Nothing is simulated but ERNIE and
Label Studio's files, which are real HTTP servers of the tests. A backend that takes
more than 5 GB is ended by the harness, so that the machine lives. *Before* is commit 5f17df9, where nothing
was limited; both columns were measured by the same program. What is promised, and to whom, says
[SECURITY.md](../SECURITY.md); what to do about each failure, [operations.md](operations.md).

Run it again: `.venv/bin/python -m tests.torture --write`, or some parts alone, such as
`.venv/bin/python -m tests.torture slow memory --write`. Seconds and megabytes are those of the machine named
under each table; the counts do not depend on it.
"""

TITLES = {
    "fuzz": "Bodies and requests that no Label Studio sends",
    "ssrf": "Image references that lead elsewhere",
    "kill": "Killed and stopped",
    "bulk": "`preannotate` killed",
    "many": "`preannotate` of many tasks",
    "slow": "Connections that hang",
    "memory": "Small input, large memory",
    "fair": "One project's work beside another's",
    "mixed": "All of it at once",
}


def machine() -> str:
    """What it ran on, in words."""
    cores, memory = os.cpu_count(), psutil.virtual_memory().total / 2**30
    load = os.getloadavg()[0]
    return f"{platform.system()} {platform.machine()}, {cores} cores, {memory:.0f} GiB, load {load:.1f}"


def commit_of(code: Path) -> str:
    """The commit of a checkout, with a plus where files differ from it."""

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(code), *arguments], capture_output=True, text=True, check=False
        )
        return done.stdout.strip()

    return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain", "-uno") else "")


def keep(column: str, part: str, rows: Sequence[Row], code: Path, seconds: float) -> None:
    """Put the rows of a part into a column ("before" or "after") of the kept figures."""
    kept = _kept()
    kept.setdefault(part, {})[column] = {
        "commit": commit_of(code),
        "date": date.today().isoformat(),
        "machine": machine(),
        "seconds": round(seconds),
        "rows": [asdict(row) for row in rows],
    }
    KEPT.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", "utf-8")


def page() -> str:
    """docs/reliability.md, whole."""
    kept = _kept()
    blocks = [INTRODUCTION]
    for part, title in TITLES.items():
        if part in kept:
            blocks.append(_table(title, part, kept[part]))
    return "\n".join(blocks)


def write_page() -> None:
    PAGE.write_text(page(), "utf-8")


def _table(title: str, part: str, columns: dict[str, Any]) -> str:
    before, after = columns.get("before"), columns.get("after")
    old = {row["what"]: row for row in before["rows"]} if before else {}
    rows = (after or before)["rows"]
    lines = [f"## {title} (`{part}`)\n", "| what | promised | before | now | held |", "|---|---|---|---|---|"]
    for row in rows:
        then = old.get(row["what"], {}).get("measured", "")
        now, held = (row["measured"], "yes" if row["held"] else "**no**") if after else ("", "")
        lines.append(
            "| " + " | ".join(_cell(text) for text in (row["what"], row["promised"], then, now, held)) + " |"
        )
    ran = [
        f"{name}: commit {column['commit']}, {column['date']}, {column['machine']}, {column['seconds']} s"
        for name, column in (("Before", before), ("Now", after))
        if column
    ]
    return "\n".join([*lines, "", *(f"{line}.  " for line in ran)]) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _kept() -> dict[str, Any]:
    return json.loads(KEPT.read_text("utf-8")) if KEPT.exists() else {}

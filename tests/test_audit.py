"""The locks are compared with known advisories, without a network."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ADVISORY = """\
id: PYSEC-2020-1
modified: 2020-03-01T10:00:00Z
aliases: [CVE-2020-1]
details: a text that is not kept
affected:
- package: {ecosystem: PyPI, name: sample}
  ranges:
  - type: GIT
    events: [{introduced: "0"}, {fixed: 1fe1bb49}]
  - type: ECOSYSTEM
    events: [{introduced: "0"}, {fixed: 1.4.2}, {introduced: "2.0"}, {fixed: 2.1}]
  versions: ["1.4"]
"""
UNMENDED = """\
id: PYSEC-2020-2
modified: 2020-04-05T10:00:00Z
affected:
- package: {ecosystem: PyPI, name: sample}
  versions: ["3.0"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout of an advisory database with two advisories about one package."""
    vulns = tmp_path / "database" / "vulns" / "sample"
    vulns.mkdir(parents=True)
    (vulns / "PYSEC-2020-1.yaml").write_text(ADVISORY)
    (vulns / "PYSEC-2020-2.yaml").write_text(UNMENDED)
    return tmp_path


def audit(folder: Path, pin: str, *more: str | Path) -> subprocess.CompletedProcess[str]:
    lock = folder / "lock.txt"
    lock.write_text(f"{pin} \\\n    --hash=sha256:{'0' * 64}\n")
    files = ("--advisories", folder / "advisories.json", "--accepted", folder / "accepted.toml")
    command = [sys.executable, ROOT / "scripts" / "audit", lock, *files, *more]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ("1.4.1", True),
        pytest.param("1.4.2", False, id="mended"),
        pytest.param("1.10", False, id="1.10 is after 1.4.2"),
        pytest.param("2.0.5", True, id="broken again"),
        pytest.param("2.1", False, id="mended again"),
        pytest.param("3.0", True, id="listed by its version"),
    ],
)
def test_a_pin_that_an_advisory_is_about_fails_the_check(folder: Path, version: str, affected: bool) -> None:
    done = audit(folder, f"sample=={version}", "--refresh", folder / "database")
    assert done.returncode == affected, done.stdout + done.stderr
    assert ("has a known fault" in done.stdout) is affected
    assert "not kept" not in (folder / "advisories.json").read_text()


def test_what_is_found_is_named_with_the_way_out(folder: Path) -> None:
    mendable = audit(folder, "sample==2.0", "--refresh", folder / "database")
    unmended = audit(folder, "sample==3.0")
    assert "sample 2.0 (lock) has a known fault: PYSEC-2020-1, CVE-2020-1. Mended in" in mendable.stdout
    assert "No release mends it: drop the package, or say in accepted.toml why" in unmended.stdout
    assert "1 pins compared with the advisories of 2020-04-05" in unmended.stdout
    assert re.search(r"These advisories are \d{4} days old", unmended.stdout)


def test_an_accepted_advisory_passes_until_its_day(folder: Path) -> None:
    accepted = (
        '[[accepted]]\npackage = "sample"\nid = "PYSEC-2020-2"\nreason = "never called"\nuntil = 9999-01-01\n'
    )
    (folder / "accepted.toml").write_text(accepted)
    fine = audit(folder, "sample==3.0", "--refresh", folder / "database")
    (folder / "accepted.toml").write_text(accepted.replace("9999", "2020"))
    late = audit(folder, "sample==3.0")
    assert (fine.returncode, late.returncode) == (0, 1)
    assert "Accepted: never called" in fine.stdout


def test_a_database_that_is_none_keeps_what_is_there(folder: Path) -> None:
    audit(folder, "sample==3.0", "--refresh", folder / "database")
    before = (folder / "advisories.json").read_text()
    wrong = audit(folder, "sample==3.0", "--refresh", folder)
    assert wrong.returncode == 1
    assert "no checkout of PyPA's advisory database" in wrong.stderr
    assert (folder / "advisories.json").read_text() == before


def test_without_advisories_the_check_says_that_nothing_was_compared(folder: Path) -> None:
    done = audit(folder, "sample==3.0")
    assert (done.returncode, done.stderr) == (0, "")
    assert "not compared with advisories" in done.stdout


def test_our_own_locks_have_no_known_fault_that_nobody_has_looked_at() -> None:
    known = json.loads((ROOT / "locks" / "advisories.json").read_text("utf-8"))
    assert {"pillow", "werkzeug", "label-studio"} <= {row["package"] for row in known["advisories"]}
    done = subprocess.run([sys.executable, ROOT / "scripts" / "audit"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert f"advisories of {known['of']}" in done.stdout

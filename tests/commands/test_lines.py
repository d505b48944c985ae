"""`twinread lines`: what it refuses before it asks Label Studio, and what it prints of what it did."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from backend.commands.lines import lines
from backend.sheets.doubtful_lines import PageWork
from backend.sheets.line_project import LineProject
from backend.sheets.made_table import figures, sentences, show
from backend.sheets.making import Made

MADE = Made(
    line_project=LineProject(9, 3, "en", 0.05, annotators=2),
    said=["Made line project 9 beside project 3, each sheet for 2 people."],
    work=Counter({PageWork.NONE: 20, PageWork.SUBMITTED: 4, PageWork.BEGUN: 1}),
    unread=2,
    sheets=3,
    lines=25,
    anew=5,
    on_sheets=40,
    left=7,
    sample=frozenset({31, 32}),
    sample_waiting=1,
    sampled_lines=6,
    unshown={33: 2},
    removed=1,
)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param(["--collect", "--limit", "5"], "make no sheets", id="a limit for what makes none"),
        pytest.param(["--accept-agreed", "--sample-pages", "0"], "make no sheets", id="a sample"),
        pytest.param(["--per-sheet", "11"], "1<=x<=10", id="more lines than columns of keys"),
        pytest.param(["--sample-pages", "5"], "0<=x<=1", id="percent for a share"),
        pytest.param(["--keyboard", "dvorak"], "'en', 'ru'", id="a keyboard that nobody drew"),
    ],
)
def test_options_that_say_nothing_together_are_refused(
    options: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(lines, ["--project", "3", *options])
    assert done.exit_code == 2
    assert said in done.output


def test_the_table_adds_up_and_says_what_was_left_alone() -> None:
    told = io.StringIO()
    show(MADE, 3, Console(file=told, width=100))
    rows = [line.split("│")[1:3] for line in told.getvalue().splitlines() if line.startswith("│")]
    assert [(name.strip(), count.strip()) for name, count in rows] == [
        ("on new sheets", "25"),
        ("on sheets already", "40"),
        ("left for the next run", "7"),
        ("on pages of the sample", "6"),
        ("that no sheet can show", "2"),
        ("all", "80"),
    ]
    said = " ".join(sentences(MADE, 3))
    assert "4 pages that were submitted, 1 that somebody has a draft of, 0 that were skipped" in said
    assert "2 pages are not read yet: run `twinread preannotate --project 3`" in said
    assert "Lines of task 33 cannot be shown on a sheet" in said
    assert "5 of these lines stood on a sheet before" in said


def test_machines_get_the_same() -> None:
    told = figures(MADE)
    assert (told["line_project"], told["sheets"], told["lines_anew"], told["removed_sheets"]) == (9, 3, 5, 1)
    assert sum(told["lines"].values()) == 80
    assert (told["sample"], told["sample_waiting"], told["stopped"]) == ([31, 32], 1, False)


def test_a_project_without_a_doubtful_line_says_so() -> None:
    assert sentences(Made(line_project=MADE.line_project), 3) == [
        "No line waits for a new sheet of project 9."
    ]
    assert sentences(Made(), 3) == ["No page is read yet, so no line project was made."]

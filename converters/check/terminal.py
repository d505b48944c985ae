"""The result of a check on the terminal, for somebody who does not program."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from backend.outputs import printable
from converters.check.fixes import FIXED_CONFIG
from converters.check.result import CheckResult
from converters.paddleocr import dictionaries
from converters.paddleocr.findings import LOST, FileCheck, Finding, Outcome, RowCheck, Weight

_BAR = 40
_SHOWN = 20


def tell(result: CheckResult, console: Console, *, fixes: Sequence[Path] | None = None) -> None:
    """Print a result: files, findings, characters, lengths, what would mend it, and one closing sentence.

    Args:
        result: what was found.
        console: where to print.
        fixes: the files that --fix wrote; None when it was not asked for.
    """
    console.print(_files(result))
    for file in result.files:
        for problem in file.problems:
            style = "bold red" if problem.stops or problem.loses else "yellow"
            console.print(f"[{style}]{_shown(file.name)}:[/] {_shown(problem.sentence)}")
    if result.findings:
        console.print(_findings(result))
    if result.outside:
        console.print(_outside(result))
    if result.fitting_length:
        console.print(_lengths(result))
    for note in result.notes:
        console.print(f"[dim]{_shown(note)}[/]")
    for line in _remedies(result, fixes):
        console.print(line)
    console.print(_closing(result))


def _shown(text: str) -> str:
    """Foreign text in a table or a sentence: neither the terminal nor rich obeys what it holds."""
    return escape(printable(text))


def _files(result: CheckResult) -> Table:
    table = Table(title="What PaddleOCR would do with each row", title_justify="left")
    table.add_column("file")
    table.add_column("rows", justify="right")
    for outcome in Outcome:
        table.add_column(outcome.value, justify="right")
    for file in result.files:
        counts = (f"{file.outcomes[outcome]:,}" if file.outcomes[outcome] else "" for outcome in Outcome)
        table.add_row(_shown(file.name), f"{len(file.rows):,}", *counts)
    table.caption = (
        "kept: trained as it stands · altered: trained on another text · at risk: lost now and then · "
        "not learned: loaded, but its loss is 0 · dropped: lost, nothing is said · "
        "replaced: lost, an error is logged. "
        "In place of a lost row PaddleOCR trains on a neighbour once more."
    )
    table.caption_justify = "left"
    return table


def _findings(result: CheckResult) -> Table:
    table = Table(title="What was found", title_justify="left")
    for column in ("", "found", "rows", "for example", "what to do"):
        table.add_column(column, justify="right" if column == "rows" else "left", overflow="fold")
    marks = {Weight.LOSS: "[red]lost[/]", Weight.CHANGE: "[yellow]changed[/]", Weight.DOUBT: "[dim]look[/]"}
    for finding, rows in result.findings.items():
        example = _example(*rows[0])
        table.add_row(
            marks[finding.weight], _shown(finding.title), f"{len(rows):,}", example, _shown(finding.remedy)
        )
    return table


def _example(file: FileCheck, row: RowCheck) -> str:
    image = f" {row.image}" if row.image else ""
    text = ""
    if row.text and file.kind == "recognition":
        text = f" {row.text if len(row.text) <= 30 else row.text[:29] + '…'!r}"
    return _shown(f"{file.name}:{row.line}{image}{text}")


def _outside(result: CheckResult) -> Table:
    table = Table(title="Characters outside the dictionary", title_justify="left")
    table.add_column("character")
    table.add_column("name")
    table.add_column("times", justify="right")
    table.add_column("images", overflow="fold")
    for one in result.outside[:_SHOWN]:
        visible = one.character if one.character.isprintable() and one.extendable else ""
        table.add_row(
            _shown(visible),
            dictionaries.character_name(one.character),
            f"{one.count:,}",
            _shown(", ".join(one.images)),
        )
    if len(result.outside) > _SHOWN:
        table.caption = f"and {len(result.outside) - _SHOWN:,} more"
    return table


def _lengths(result: CheckResult) -> Table:
    limit = result.rules.longest_label
    table = Table(title=f"Characters in a text; PaddleOCR takes {limit} at most", title_justify="left")
    table.add_column("characters", justify="right")
    table.add_column("texts", justify="right")
    table.add_column("")
    # one group ends exactly at the limit
    step = max(1, limit // 5)
    groups: dict[int, int] = {}
    for length, count in result.lengths.items():
        group = (length - limit - 1) // step
        groups[group] = groups.get(group, 0) + count
    most = max(groups.values())
    for group, count in sorted(groups.items()):
        first = limit + 1 + group * step
        style = "red" if first > limit else "green"
        bar = "█" * max(1, round(_BAR * count / most))
        table.add_row(f"{max(1, first)}–{first + step - 1}", f"{count:,}", f"[{style}]{bar}[/]")
    return table


def _remedies(result: CheckResult, fixes: Sequence[Path] | None) -> list[str]:
    lines = []
    if result.fitting_length:
        limit = f"with Global.max_text_length={result.fitting_length}"
        never = Finding.UNLEARNABLE in result.findings
        lines.append(
            f"No text but those that can never be learned is too long {limit}"
            if never
            else f"No text is too long {limit}"
        )
    if result.fitting_width:
        scales = [[result.fitting_width, height] for _, height in result.rules.scales]
        lines.append(f"Crops and labels fit with Train.sampler.scales={scales}")
    invisible = [one for one in result.outside if not one.extendable]
    if invisible:
        names = ", ".join(dictionaries.character_name(one.character) for one in invisible[:5])
        lines.append(f"These belong into no dictionary; correct the texts: {names}")
    lines = [_shown(line) for line in lines]
    if fixes:
        lines.append(f"Written into the dataset: [bold]{_shown(', '.join(path.name for path in fixes))}[/]")
        if fixes[0].suffix == ".txt":
            lines.append("A model that was trained with another dictionary learns its last layer anew.")
        if fixes[-1].name == FIXED_CONFIG:
            lines.append("Train with it, in PaddleOCR's folder (docs/training.md):")
            lines.append(f"  python tools/train.py -c {_shown(shlex.quote(str(fixes[-1])))}")
            if not any(file.kind == "recognition" and file.part == "val" for file in result.files):
                lines.append("The dataset has no list for evaluation: name one in it, at Eval.dataset.")
        elif fixes[-1].suffix == ".yml":
            lines.append("PaddleOCR's trainer takes one file: with --config CONFIG it is written whole.")
    elif fixes is not None:
        lines.append("There was nothing that a dictionary or an override would mend; no file was written.")
    return lines


def _closing(result: CheckResult) -> str:
    rows = len(result.every_row)
    lost = sum(row.outcome in LOST for row in result.every_row)
    beyond = sum(row.outcome is Outcome.UNLEARNED for row in result.every_row)
    risk = sum(row.outcome is Outcome.AT_RISK for row in result.every_row)
    altered = sum(row.outcome is Outcome.ALTERED for row in result.every_row)
    if result.exit_code == 0:
        whole = "the one row as it stands" if rows == 1 else f"all {rows:,} rows as they stand"
        return f"[bold green]PaddleOCR would train on {whole}.[/]"
    parts = [
        f"{count:,} {what}"
        for count, what in (
            (lost, "would be lost"),
            (beyond, "would never be learned"),
            (risk, "may be lost"),
            (altered, "would be changed"),
        )
        if count
    ]
    stopped = any(problem.stops for file in result.files for problem in file.problems)
    of = "The one row" if rows == 1 else f"Of {rows:,} rows"
    what = ", ".join(part.removeprefix("1 ") if rows == 1 else part for part in parts)
    sums = f"{of} {what}." if parts else ""
    return f"[bold red]{' '.join(filter(None, [sums, 'The training would not run.' if stopped else '']))}[/]"

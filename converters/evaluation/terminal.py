"""An evaluation in a few lines on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from backend.outputs import printable
from converters.evaluation.evaluation import Comparison
from converters.evaluation.figures import Rate
from converters.evaluation.forgetting import sentences
from converters.evaluation.judged import Judged
from converters.evaluation.words import character, difference, interval, percent, script, verdict

GROUPS = ("script", "language", "length")
"""Groupings that the terminal shows; pages are in the HTML page and in the JSON."""

_CONFUSIONS = 8
_WORST = 5


def tell(judged: Judged, console: Console) -> None:
    """Print an evaluation.

    Args:
        judged: what was found.
        console: where to print.
    """
    found = judged.evaluation
    every = found.figures.all
    console.print(
        f"{_shown(found.identity)} on {every.lines:,} lines of {every.pages:,} pages of {_shown(found.part)}"
    )
    for name, rate in (("exact lines", every.exact), ("CER", every.cer), ("WER", every.wer)):
        console.print(f"{name:>12}  {_with_interval(rate)}")
    for other in judged.comparisons:
        _tell_comparison(other, console)
    console.print(_groups(judged))
    if found.confusions:
        console.print("Most frequent errors: " + ", ".join(_confusions(judged)), markup=False)
    worst = found.worst(_WORST)
    if worst:
        table = Table(title="Worst lines", title_justify="left")
        for column in ("approved", "read", "crop"):
            table.add_column(column, overflow="fold")
        for line in worst:
            table.add_row(_shown(line.truth), _shown(line.read) or "[dim](nothing)[/]", _shown(line.crop))
        console.print(table)
    if judged.forgetting is not None:
        _tell_forgetting(judged, console)
    elif judged.no_forgetting:
        console.print(printable(judged.no_forgetting), style="dim", markup=False)
    for note in judged.notes:
        console.print(printable(note), style="yellow", markup=False)


def _tell_comparison(other: Comparison, console: Console) -> None:
    found = other.difference
    old, new = other.exact
    style = "green" if found.high < 0 else "red" if found.low > 0 else "yellow"
    console.print(
        f"{'against':>12}  {_shown(other.name)} ({_shown(other.identity)}), {found.lines:,} lines: CER "
        f"{100 * found.cer_old:.1f} % -> {100 * found.cer_new:.1f} %, [{style}]{difference(found)}[/]; exact "
        f"{old:,} -> {new:,}. {verdict(found)}"
    )


def _groups(judged: Judged) -> Table:
    table = Table(title="By group", title_justify="left")
    table.add_column("group")
    for column in ("lines", "pages", "exact", "CER", "95 %", "WER"):
        table.add_column(column, justify="right")
    groups = judged.evaluation.figures.groups
    for by in GROUPS:
        for group in groups[by]:
            table.add_row(
                _shown(group.name),
                f"{group.lines:,}",
                f"{group.pages:,}",
                percent(group.exact),
                percent(group.cer),
                interval(group.cer.interval) or "–",
                percent(group.wer),
            )
        if groups[by]:
            table.add_section()
    return table


def _confusions(judged: Judged) -> list[str]:
    said = []
    for confusion, count in judged.evaluation.confusions[:_CONFUSIONS]:
        truth, read = (printable(character(text)) for text in (confusion.truth, confusion.read))
        if not truth:
            said.append(f"{read} put in ({count:,})")
            continue
        if not read:
            said.append(f"{truth} left out ({count:,})")
            continue
        scripts = script(confusion.truth), script(confusion.read)
        if all(scripts) and scripts[0] != scripts[1]:
            # they may look the same
            truth, read = (f"{scripts[0]} {truth}", f"{scripts[1]} {read}")
        said.append(f"{truth} read as {read} ({count:,})")
    return said


def _tell_forgetting(judged: Judged, console: Console) -> None:
    found = judged.forgetting
    assert found is not None  # noqa: S101  (asked before)
    for sentence in sentences(found, judged.evaluation.language):
        console.print(printable(sentence), markup=False)
    if found.forgotten:
        named = " ".join(printable(one.character) for one in found.forgotten)
        console.print(f"No longer read: {named}", style="red", markup=False)


def _with_interval(rate: Rate) -> str:
    figure = percent(rate)
    return f"{figure} ({interval(rate.interval)})" if rate.interval else figure


def _shown(text: str) -> str:
    """Foreign text: neither the terminal nor rich obeys what it holds."""
    return escape(printable(text))

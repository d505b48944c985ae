"""A training in a few lines on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from backend.outputs import printable
from converters.training.html import duration, percent
from converters.training.run_folder import RunFolder


def tell_plan(record: Mapping[str, Any], console: Console) -> None:
    """Say what the run is going to do, and where each value came from.

    Args:
        record: of the run, composed.
        console: where to print.
    """
    plan, counts = record["plan"], record["counts"]
    why = plan.get("why", {})
    table = Table(title=f"Training {record['model_name']}", title_justify="left", show_header=False)
    table.add_column()
    table.add_column()
    table.add_column(style="dim")
    rows = [
        ("starts from", record["base"]["name"], _characters(record["base"].get("characters", {}))),
        ("characters", f"{record['dictionary']['size']:,}", _appended(record["dictionary"]["appended"])),
        ("lines to train on", f"{counts['train']['written']:,}", _lines(counts["train"])),
        ("for evaluation", f"{counts['val']['written']:,}", _lines(counts["val"])),
        ("device", f"{plan['gpus']} GPU" if plan["gpus"] else "CPU", why.get("device", "")),
        ("frozen", plan["freeze"], why.get("freeze", "")),
        ("batch", f"{plan['batch']:,}", why.get("batch", "")),
        ("learning rate", f"{plan['lr']:g}", why.get("lr", "")),
        (
            "epochs",
            f"{plan['epochs']:,} of {plan['steps_per_epoch']:,} steps",
            why.get("epochs", ""),
        ),
    ]
    for row in rows:
        table.add_row(*map(printable, row))
    console.print(table)


def tell(summary: Mapping[str, Any], folder: RunFolder, console: Console) -> None:
    """Say how it ended, and what comes next.

    Args:
        summary: as `run.summary_of` makes it.
        folder: of the run.
        console: where to print.
    """
    best = summary["best"]
    console.print(
        f"Trained {summary['steps']:,} steps in {duration(summary['seconds'])}; {summary['reason']}. The "
        f"curves are in {printable(str(folder.curves_html))}.",
        markup=False,
    )
    if best is None:
        console.print("No evaluation was finished, so there is no best model.", style="yellow")
        return
    console.print(
        f"The best model is of epoch {best['epoch']}: {percent(best['norm_edit_dis'])} of the characters of "
        "the "
        f"lines for evaluation right, {percent(best['acc'])} of the lines. It is kept in "
        f"{printable(str(folder.best))}.",
        markup=False,
    )
    console.print(
        f"Next: twinread export-model {printable(str(summary['run']))} --out models/{folder.path.name}",
        markup=False,
    )


def _characters(made: Mapping[str, int]) -> str:
    if not made:
        return ""
    return (
        f"{made.get('copied', 0):,} characters taken over, {made.get('alike', 0):,} from one that looks "
        "alike, "
        f"{made.get('random', 0):,} from nothing"
    )


def _lines(counts: Mapping[str, Any]) -> str:
    """How the lines of a list come out of the dataset's rows; they add up."""
    said = [f"of {counts['rows']:,} rows {counts['kept']:,} as they are"]
    if counts["cut"]:
        said.append(f"{counts['cut']:,} long ones cut into {counts['pieces']:,}")
    lost = sum(counts["left_out"].values())
    if lost:
        why = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in counts["left_out"].items())
        said.append(f"{lost:,} left out ({why}; lists/left_out.jsonl)")
    return ", ".join(said)


def _appended(characters: list[str]) -> str:
    if not characters:
        return "those of the model; the lines have no others"
    shown = " ".join(characters[:20])
    more = f" and {len(characters) - 20:,} more" if len(characters) > 20 else ""
    return f"{len(characters):,} new ones at the end: {shown}{more}"

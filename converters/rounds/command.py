"""`twinread round`: one training round of a project, at its end a sentence for people."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from converters.rounds.round import Program


def twinread_itself(step: str) -> tuple[str, ...]:
    """What runs a step: the same twinread."""
    return (sys.executable, "-m", "backend")


@click.command("round")
@click.option("--project", type=click.IntRange(1), required=True, help="Number of the project.")
@click.option(
    "--after",
    "least_lines",
    type=click.IntRange(0),
    default=0,
    help="Train only if this many lines are new or changed since the last training; always without it.",
)
@click.option("--resume", is_flag=True, help="Take up the last round at the step that was not done.")
@click.option("--started-by", default="a person", hidden=True)
@click.option(
    "--summary-json",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write how the round ended to this file, too.",
)
@click.pass_obj
def round_(
    program: Program | None,
    project: int,
    least_lines: int,
    resume: bool,
    started_by: str,
    summary_json: Path | None,
) -> None:
    """Train on what people approved, and let the new model read if it is better: one round.

    Runs export, check, train, export-model, evaluate and promote, one after the other, with low priority.
    One round runs at a time; /status of the backend and `twinread status` show how far it is. Everything
    lies in CACHE_DIR/rounds/PROJECT. The settings ROUND_EXPORT_OPTIONS and ROUND_TRAIN_OPTIONS hold options
    of your own for `export` and `train`.

    The exit code is 0 when the new model was promoted, 1 when the old one stays or the round was stopped,
    else that of the step that failed.
    """
    from converters.rounds.terminal import run

    # annotators wait for the backend on the same cores
    os.nice(10)

    raise click.exceptions.Exit(
        run(
            project,
            program or twinread_itself,
            least_lines=least_lines,
            resume=resume,
            started_by=started_by,
            summary_json=summary_json,
        )
    )

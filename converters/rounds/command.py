"""`twinread round`: one training round of a project, at its end a sentence for people."""

from __future__ import annotations

from pathlib import Path

import click


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
def round_(project: int, least_lines: int, resume: bool, started_by: str, summary_json: Path | None) -> None:
    """Train on what people approved, and let the new model read if it is better: one round.

    Runs export, check, train, export-model, evaluate and promote, one after the other, with low priority.
    One round runs at a time; /status of the backend and `twinread status` show how far it is. Everything
    lies in CACHE_DIR/rounds/PROJECT. The settings ROUND_EXPORT_OPTIONS and ROUND_TRAIN_OPTIONS hold options
    of your own for `export` and `train`.

    The exit code is 0 when the new model was promoted, 1 when the old one stays or the round was stopped,
    else that of the step that failed.
    """
    import os
    import sys

    from converters.rounds.terminal import run

    # annotators wait for the backend on the same cores
    os.nice(10)

    def program(step: str) -> tuple[str, ...]:
        return (sys.executable, "-m", "backend")

    raise click.exceptions.Exit(
        run(
            project,
            program,
            least_lines=least_lines,
            resume=resume,
            started_by=started_by,
            summary_json=summary_json,
        )
    )

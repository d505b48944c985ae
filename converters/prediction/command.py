"""The sub-command `predict`; its work is imported when it is called."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command()
@click.argument("model")
@click.argument("paths", metavar="IMAGE|FOLDER...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--lines", is_flag=True, help="The images are line crops, not pages.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the text, PaddleOCR's JSON and a picture of each image.",
)
@click.option("--language", help="Language of the texts, such as ru; OCR_LANGUAGE without it.")
@click.option(
    "--summary-json", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures to this file."
)
def predict(
    model: str,
    paths: tuple[Path, ...],
    lines: bool,
    out: Path | None,
    language: str | None,
    summary_json: Path | None,
) -> None:
    """Read whole pages, or line crops, with one model.

    MODEL is the folder of an exported model, PaddleOCR's name of one, or `current` for the one that reads
    in the backend. Pages are searched with the detector of the settings. The texts are printed; with --out
    NAME_res.txt, NAME_res.json (rec_texts, rec_scores, rec_polys, ... as PaddleOCR has them) and
    NAME_res.jpg (the page with the lines, and the texts at their places) are written for each image.

    Label Studio is not needed. The exit code is 1 where an image could not be read; the others are.
    """
    from converters.shared.interrupts import held

    try:
        # an import that Ctrl-C tears may end with another error
        with held():
            from rich.console import Console

            from backend.settings import logs, settings
            from converters.prediction.run import PredictionRequest, run
        values = settings.load()
        logs.configure(values.log_level)
        request = PredictionRequest(model, paths, lines, out, language, summary_json)
        # the stream itself, because a progress bar puts another one in its place
        plain = Console(file=sys.stdout, highlight=False, soft_wrap=True)
        code = run(request, values, plain, Console(stderr=True, highlight=False, soft_wrap=True))
    except KeyboardInterrupt:
        click.echo("Stopped. Nothing was read yet.", err=True)
        code = 1
    raise click.exceptions.Exit(code)

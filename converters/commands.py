"""The sub-commands that turn reviewed work into PaddleOCR's training data; each imports its work late."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from backend.guarantee.targets import target_of
from converters.export.layouts import DEFAULT, FORMATS, LAYOUTS


@click.command()
@click.option("--project", type=int, help="Number of the project in Label Studio.")
@click.option(
    "--json",
    "json_file",
    type=click.Path(exists=True, path_type=Path),
    help="An export of Label Studio, JSON; or the folder of a target storage.",
)
@click.option(
    "--images",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="With --json: folder that holds the images; without it they are fetched.",
)
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder of the dataset."
)
@click.option(
    "--format",
    type=click.Choice(FORMATS),
    default="both",
    show_default=True,
    help="What to export.",
)
@click.option(
    "--layout",
    type=click.Choice(list(LAYOUTS)),
    default=DEFAULT,
    show_default=True,
    help="PaddleOCR's label files, or a folder that PPOCRLabel opens (not with --format recognition).",
)
@click.option(
    "--crop-format",
    type=click.Choice(["png", "jpg"]),
    default="png",
    show_default=True,
    help="File type of crops.",
)
@click.option(
    "--quality",
    type=click.IntRange(1, 100),
    help="With --crop-format jpg: quality of the crops; 95 by default.",
)
@click.option(
    "--tall-lines",
    type=click.Choice(["auto", "never", "always"]),
    help="Turn crops that are taller than wide; as TALL_LINES, by which the readers saw them.",
)
@click.option(
    "--approved",
    default="latest",
    show_default=True,
    help="Which annotation counts: latest, ground-truth, agreeing, or 'by USER'.",
)
@click.option("--labels", help="Only regions with one of these labels, separated by commas.")
@click.option("--replace-breaks", is_flag=True, help="Write a space for tabs and line breaks in texts.")
@click.option(
    "--split",
    "ratio",
    default="8:1:1",
    show_default=True,
    help="Ratio of train, val and test pages, in any notation.",
)
@click.option("--split-by", metavar="FIELD", help="Field of the task's data whose pages stay together.")
@click.option("--new-split", is_flag=True, help="Forget where earlier exports put pages.")
@click.option("--incremental", is_flag=True, help="Write only what changed since the dataset was exported.")
@click.option(
    "--since",
    help="With --project: read only tasks changed after this moment (ISO 8601, or 'last' for the last "
    "export) and keep all others as they are; deleted tasks stay until an export without it.",
)
@click.option(
    "--guarantee",
    metavar="SHARE",
    callback=lambda context, option, written: None if written is None else target_of(written),
    help="With --project: of the lines that nobody looked at only those of which an audit shows that at most "
    "so many are wrong, such as 1%; the others wait for people.",
)
@click.option("--image-field", metavar="FIELD", help="Field of the task's data that names its image.")
@click.option(
    "--text-field",
    metavar="NAME",
    help="TextArea that holds transcriptions, where a config has several; as TEXT_FIELD.",
)
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="With --json: the project's labeling config, XML.",
)
@click.option(
    "--jobs", type=click.IntRange(1, 256), help="Processes that make pages; as many as cores by default."
)
@click.option(
    "--summary-json",
    type=click.Path(dir_okay=False, path_type=Path),
    # an empty text, such as an unset variable of a script, names no file
    callback=lambda context, option, path: None if path == Path() else path,
    help="Write the summary to this file, too.",
)
def export(**options: Any) -> None:
    """Export what people approved as a PaddleOCR training set; every region is accounted for.

    Writes crops and rec_gt_{train,val,test}.txt, pages and det_gt_{train,val,test}.txt, dict.txt,
    manifest.jsonl (where each row comes from), left_out.jsonl (what is not exported, and why) and
    report.html (both, for people). The folder is replaced when the new dataset is whole. A stopped export
    goes on when it is started again.

    The exit code is 1 where an image could not be had, or nothing was approved.
    """
    from converters.shared.interrupts import held

    try:
        # an import that Ctrl-C tears may end with another error
        with held():
            from converters.export.command import run
            from converters.export.options import ExportRequest
        code = run(ExportRequest(**options))
    except KeyboardInterrupt:
        click.echo("Stopped. The dataset is as it was; run the same command again.")
        code = 1
    raise click.exceptions.Exit(code)


@click.command()
@click.argument("dataset", type=click.Path(exists=True))
@click.option("--config", type=click.Path(exists=True, dir_okay=False), help="PaddleOCR's training config.")
@click.option(
    "--dict", "dictionary", type=click.Path(exists=True, dir_okay=False), help="Its character dictionary."
)
@click.option(
    "--data-dir", type=click.Path(exists=True, file_okay=False), help="What image names are relative to."
)
@click.option(
    "--fix", is_flag=True, help="Write a dictionary and a training config that fit; changes no text."
)
@click.option("--summary-json", type=click.Path(dir_okay=False), help="Write the findings to this file, too.")
def check(
    dataset: str,
    config: str | None,
    dictionary: str | None,
    data_dir: str | None,
    fix: bool,
    summary_json: str | None,
) -> None:
    """Say before training what PaddleOCR would do with each row of a dataset.

    The exit code is 1 where rows would be lost or changed.
    """
    from rich.console import Console

    from converters.check import command

    def path(given: str | None) -> Path | None:
        return Path(given) if given else None

    raise click.exceptions.Exit(
        command.run(
            Path(dataset),
            config=path(config),
            dictionary=path(dictionary),
            data_dir=path(data_dir),
            fix=fix,
            summary_json=path(summary_json),
            console=Console(highlight=False, soft_wrap=True),
        )
    )

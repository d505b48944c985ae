"""`twinread export-model`: a run's best checkpoint as a model that twinread and PaddleOCR read with."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from backend.errors import BadRequest
from backend.outputs import check_writable, printable, write_summary
from backend.settings import logs, settings
from converters.training.export_model import (
    ExportedModel,
    Which,
    check_place,
    export_model,
    open_run,
    weights_of,
)
from converters.training.trainer.preparation import get_trainer


@click.command("export-model")
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder of the model; appears when it is whole.",
)
@click.option(
    "--from",
    "which",
    type=click.Choice(["best", "latest"]),
    default="best",
    show_default=True,
    help="The checkpoint: the best by evaluation, or the newest.",
)
@click.option("--no-onnx", is_flag=True, help="Without inference.onnx, which twinread needs on a CPU.")
@click.option("--language", help="Of the lines; as the run was trained for, else OCR_LANGUAGE.")
@click.option("--replace", is_flag=True, help="Replace a model that is in the folder.")
@click.option(
    "--paddleocr",
    type=click.Path(path_type=Path),
    help="A checkout of PaddleOCR; as PADDLEOCR_DIR, else put together from the package registry.",
)
@click.option(
    "--summary-json",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=lambda context, option, path: None if path == Path() else path,
    help="Write the summary to this file, too.",
)
def export_model_(
    run: Path,
    out: Path,
    which: Which,
    no_onnx: bool,
    language: str | None,
    replace: bool,
    paddleocr: Path | None,
    summary_json: Path | None,
) -> None:
    """Export a trained model: PaddleOCR's own form and ONNX, side by side with what it was made from.

    It is compared line by line with the checkpoint, on lines of the run, and not written where it reads
    otherwise.

    The exit code is 1 where PaddleOCR's exporter failed or the model differs.
    """
    if summary_json is not None:
        if summary_json.resolve() == out.resolve():
            raise BadRequest("--summary-json names the folder of --out.")
        check_writable(summary_json)
    values = settings.load()
    logs.configure("ERROR")
    console = Console(highlight=False, soft_wrap=True)
    opened = open_run(run)
    check_place(out, replace=replace)
    weights_of(opened, which)
    wanted = language or str(opened.record.get("language") or values.ocr_language)
    try:
        with console.status("Looking for PaddleOCR's trainer") as status:

            def say(words: str) -> None:
                status.update(printable(words))
                if not console.is_terminal:
                    console.print(printable(words), markup=False)

            trainer = get_trainer(
                paddleocr or values.paddleocr_dir, values.cache_dir, say, python=values.trainer_python
            )
            made = export_model(
                opened,
                out,
                trainer,
                which=which,
                onnx=not no_onnx,
                language=wanted,
                replace=replace,
                say=say,
                cache_dir=values.cache_dir / "models",
            )
    except KeyboardInterrupt:
        console.print("Stopped. No model was written; run the same command again.")
        raise click.exceptions.Exit(1) from None
    _tell(made, console)
    if summary_json is not None:
        write_summary(summary_json, {**made.record, "directory": str(made.directory.absolute())})


def _tell(made: ExportedModel, console: Console) -> None:
    parity = made.parity
    words = [
        ("model", f"{made.record['name']}, {made.record['dictionary_size']:,} characters"),
        (
            "compared",
            f"{parity.lines:,} lines, {parity.equal:,} equal in all forms, scores within "
            f"{parity.largest_score_difference:.0e}",
        ),
        ("folder", str(made.directory)),
    ]
    for name, value in words:
        console.print(f"{name:>9}  {printable(value)}", markup=False)
    if made.record["trained_pages"] is None:
        console.print(
            "Which pages it was trained on is not known any more: the dataset is gone or was exported again "
            "since.",
            style="yellow",
        )
    console.print(f"Judge it: twinread evaluate {made.directory} DATASET", markup=False)

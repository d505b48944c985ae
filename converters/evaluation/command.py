"""`twinread evaluate`: reads a part of a dataset with a model, beside others, and writes what it finds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from backend.errors import BadRequest
from backend.outputs import check_writable, write_file, write_summary
from backend.settings.settings import Settings
from backend.text.languages import language_code
from converters.evaluation import html, terminal
from converters.evaluation.evaluate import Done, compare, evaluate
from converters.evaluation.evaluation import Comparison
from converters.evaluation.forgetting import Forgetting, forgetting, plan
from converters.evaluation.judged import Judged
from converters.evaluation.models import (
    CURRENT,
    READINGS,
    STOCK,
    check_named,
    folder_of,
    open_base,
    open_model,
)
from converters.evaluation.options import EvaluateRequest
from converters.evaluation.rows import PartLines, read_part
from converters.shared.progress import progress


def run(request: EvaluateRequest, settings: Settings, console: Console) -> Judged:
    """Evaluate, print, and write what was asked for.

    Args:
        request: what is evaluated, and where it is written.
        settings: the engine, where models are, the language.
        console: where to print.

    Raises:
        BadRequest: there is no such part, model or reading; or two files are one.
        OperatorError: a model cannot be had, or a file cannot be written.
    """
    if len({path.resolve() for path in request.files}) < len(request.files):
        raise BadRequest("Two options name the same file; what one writes would take the other's place.")
    for path in request.files:
        check_writable(path)
    language = language_code(request.language or settings.ocr_language)
    for model in (request.model, *request.against):
        check_named(model, language, settings)
    lines = read_part(request.dataset, request.part)
    with progress(console) as bars:
        judged = _judged(request, settings, language, lines, bars)
    page = html.page(judged, lines) if request.html is not None else ""
    terminal.tell(judged, console)
    # the small files first: they stand also where there is no room for the page
    if request.summary_json is not None:
        write_summary(request.summary_json, judged.summary())
    if request.json is not None:
        write_summary(request.json, judged.with_lines())
    if request.html is not None:
        write_file(request.html, page)
        console.print(f"The page is {request.html}.", markup=False)
    return judged


def _judged(
    request: EvaluateRequest, settings: Settings, language: str, lines: PartLines, bars: Progress
) -> Judged:
    def bar(model: str) -> Done:
        if model == READINGS:
            return lambda count: None
        added = bars.add_task(f"Reading with {_short(model)}", total=len(lines.lines))
        return lambda count: bars.advance(added, count)

    found = evaluate(
        request.model, request.dataset, request.part,
        settings=settings, language=language, lines=lines, done=bar(request.model),
    )  # fmt: skip
    comparisons: list[Comparison] = []
    notes: list[str] = []
    read = {_place(request.model, language, settings): "this model"}
    for against in request.against:
        place = _place(against, language, settings)
        if place in read:
            notes.append(f"{against} is {read[place]}, so it is not compared again.")
            continue
        read[place] = against
        comparisons += compare(found, against, lines, settings=settings, done=bar(against))
    forgot, why = _forgetting(request.model, settings, language, lines, bars)
    return Judged(replace(found, notes=(*found.notes, *notes)), tuple(comparisons), forgot, why)


def _place(model: str, language: str, settings: Settings) -> str:
    """What a name stands for: the same for two names of one model."""
    if model == READINGS:
        return model
    folder = folder_of(model, language, settings)
    return STOCK if folder is None else str(folder.resolve())


def _forgetting(
    model: str, settings: Settings, language: str, lines: PartLines, bars: Progress
) -> tuple[Forgetting | None, str]:
    """What the model forgot; or why that was not tested."""
    if model == READINGS:
        return None, "What a model forgot was not tested: readings are of no one model."
    with open_model(model, language, settings) as new, open_base(new, language, settings) as base:
        if base.identity == new.identity:
            return None, f"What a model forgot was not tested: this is {base.identity} itself."
        planned = plan(base.dictionary, new.dictionary, lines.labelled, language)
        bar = bars.add_task("Reading characters that nobody labelled", total=2 * len(planned.lines))
        return forgetting(planned, base.reader, new.reader, lambda count: bars.advance(bar, count)), ""


def _short(model: str) -> str:
    return model if model in (STOCK, CURRENT, READINGS) else Path(model).name


def _path(context: click.Context, option: click.Parameter, value: str | None) -> Path | None:
    # an empty text, such as an unset variable of a script, names no file
    return Path(value) if value else None


@click.command("evaluate")
@click.argument("model")
@click.argument("dataset", type=click.Path(path_type=Path))
@click.option(
    "--part",
    type=click.Choice(["train", "val", "test"]),
    default="test",
    show_default=True,
    help="Part of the dataset.",
)
@click.option(
    "--against",
    "against",
    multiple=True,
    metavar="current|stock|readings|FOLDER",
    help="Whom to put beside it: the model that reads at present, PaddleOCR's own, what was read before "
    "people decided, or another model. May be given several times.",
)
@click.option("--language", help="Language of the lines; OCR_LANGUAGE by default.")
@click.option(
    "--html", "html_file", type=click.Path(dir_okay=False), callback=_path, help="Write a page for people."
)
@click.option(
    "--json",
    "json_file",
    type=click.Path(dir_okay=False),
    callback=_path,
    help="Write figures and every line to this file.",
)
@click.option(
    "--summary-json",
    type=click.Path(dir_okay=False),
    callback=_path,
    help="Write the figures alone to this file.",
)
def command(
    model: str,
    dataset: Path,
    part: str,
    against: tuple[str, ...],
    language: str | None,
    html_file: Path | None,
    json_file: Path | None,
    summary_json: Path | None,
) -> None:
    """Say what a model is worth on lines that people approved.

    MODEL is the folder that `twinread export-model` wrote, or `stock` (PaddleOCR's own model for the
    language), `current` (the one that reads at present) or `readings` (what people had found filled in).
    DATASET is the folder of an exported dataset.

    Lines that are right, CER and WER, with 95 % intervals by page; by script, length, language and page;
    what each character is taken for; what a trained model forgot; the worst lines.
    """
    from backend.settings import logs, settings

    request = EvaluateRequest(
        model,
        dataset,
        part,
        tuple(dict.fromkeys(against)),
        language,
        html_file,
        json_file,
        summary_json,
    )
    values = settings.load()
    logs.configure("ERROR")
    try:
        run(request, values, Console(highlight=False, soft_wrap=True))
    except KeyboardInterrupt:
        click.echo("Stopped; no file was written. Run the same command again.")
        raise click.exceptions.Exit(1) from None

"""`twinread promote`: a trained model reads when it is better by the rule; `--undo` takes that back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console

from backend.errors import BadRequest
from backend.models.promoted import Promotions
from backend.outputs import check_writable, write_summary
from backend.settings.settings import Settings
from converters.promotion import terminal
from converters.promotion.promote import Done, PromoteRequest, judged, promote, undo
from converters.shared.model_card import read_model_card
from converters.shared.progress import progress


def run(request: PromoteRequest, settings: Settings, console: Console) -> dict[str, Any]:
    """Judge, promote, print.

    Args:
        request: which model, by what.
        settings: the engine, the language, where promotions are kept.
        console: where to print.

    Returns:
        The summary for machines.

    Raises:
        TwinreadError: it could not be judged, or not be written.
    """
    with progress(console) as bars:

        def bar(what: str, total: int) -> Done:
            added = bars.add_task(f"Reading with {what}", total=total)
            return lambda count: bars.advance(added, count)

        found = judged(request, settings, bar)
    promoted = promote(request, found, Promotions.under(settings.cache_dir))
    terminal.tell(found, promoted, console)
    return found.summary(promoted)


def run_undo(settings: Settings, console: Console) -> dict[str, Any]:
    """Bring the previous model back; gives the summary for machines."""
    now = undo(Promotions.under(settings.cache_dir))
    terminal.tell_undone(now, console)
    return {"undone": True, "reads": now.identity if now else None}


@click.command("promote")
@click.argument("model", required=False, type=click.Path(path_type=Path))
@click.option(
    "--dataset",
    type=click.Path(path_type=Path),
    help="The exported dataset by whose pages the model is judged; by default the one that it was trained "
    "from, as it is now.",
)
@click.option(
    "--part",
    type=click.Choice(["train", "val", "test"]),
    default="test",
    show_default=True,
    help="Part of the dataset; pages that the model was trained on are left out.",
)
@click.option(
    "--language",
    "languages",
    multiple=True,
    help="Language that the model is to read; several times for several. By default the one that it was "
    "trained for, or OCR_LANGUAGE.",
)
@click.option("--force", is_flag=True, help="Promote it whatever the rule says; who and why are recorded.")
@click.option("--why", default="", help="With --force: the reason, for the record.")
@click.option("--undo", "undoing", is_flag=True, help="Let the previous model read again.")
@click.option(
    "--summary-json", type=click.Path(dir_okay=False, path_type=Path), help="Write what came of it there."
)
def command(
    model: Path | None,
    dataset: Path | None,
    part: str,
    languages: tuple[str, ...],
    force: bool,
    why: str,
    undoing: bool,
    summary_json: Path | None,
) -> None:
    """Let a trained model read, when it is better than the one that reads.

    MODEL is the folder that `twinread export-model` wrote. It is judged on pages that it was never
    trained on: at least 20 of them with 200 lines, better beyond chance, no script, language or letter
    worse. A running backend takes it over without a restart. The exit code is 1 when the old model stays.
    """
    from backend.settings import logs, settings

    if undoing == (model is not None):
        raise BadRequest("Name the folder of one MODEL, or bring the previous one back with --undo.")
    if undoing and (dataset or force or languages or why):
        raise BadRequest("--undo goes with no other option: the previous model reads again as it did.")
    if why and not force:
        raise BadRequest("--why goes with --force; without it the rule gives the reason.")
    if model is not None and dataset is None and not force:
        dataset = read_model_card(model).dataset
        if dataset is None or not dataset.is_dir():
            gone = (
                f"{dataset}, from which it was trained, is gone" if dataset else "its model.json names none"
            )
            raise BadRequest(
                f"Say by which pages the model is judged, with --dataset FOLDER: {gone}. Only --force "
                "promotes a model unseen."
            )
    if summary_json is not None:
        check_writable(summary_json)
    values = settings.load()
    logs.configure("ERROR")
    console = Console(highlight=False, soft_wrap=True)
    if model is None:
        summary = run_undo(values, console)
    else:
        summary = run(PromoteRequest(model, dataset, part, languages, force, why), values, console)
    if summary_json is not None:
        write_summary(summary_json, summary)
    if not summary.get("promoted", True):
        raise click.exceptions.Exit(1)

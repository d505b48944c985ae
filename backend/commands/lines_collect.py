"""What `twinread lines --collect` and `twinread lines --accept-agreed` do; the command is in `lines`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from backend.label_studio.client import LabelStudio
    from backend.settings.settings import Settings
    from backend.sheets.collected_table import Places


def run_collect(
    values: Settings, project: int, lines_project: int | None, console: Console, summary_json: str | None
) -> None:
    """Bring what people decided on sheets back to their pages, and say what became of it.

    Args:
        values: the settings.
        project: the id of the page project.
        lines_project: the id of the line project, where a person named it.
        console: where to show it.
        summary_json: a file for the figures; None for none.

    Raises:
        click.exceptions.Exit: with 1, where Label Studio refused a page or Ctrl-C came.
        ProjectError: there is no line project.
        RunUnderWay: another run does the same.
    """
    from backend.outputs import write_summary
    from backend.sheets import collected_table
    from backend.sheets.collecting import collect
    from backend.sheets.page_context import page_context

    with _ready(values, project, console, "pages") as (api, seen):
        line_project, context = page_context(
            api, project, values.label_names, values.ocr_language, values.text_style, lines_project
        )
        found = collect(api, line_project.project, context, seen)
        places = _places(api, project, line_project.project)
    collected_table.show(found, places, console)
    if summary_json:
        write_summary(Path(summary_json), collected_table.figures(found, places))
    if found.stopped or found.writes.failures:
        raise click.exceptions.Exit(1)


def run_accept_agreed(
    values: Settings, project: int, lines_project: int | None, console: Console, summary_json: str | None
) -> None:
    """Approve the pages on which nobody has to decide anything; arguments and errors as `run_collect`."""
    from backend.outputs import write_summary
    from backend.sheets import collected_table
    from backend.sheets.accepting import accept_agreed
    from backend.sheets.page_context import page_context

    with _ready(values, project, console, "pages") as (api, seen):
        line_project, context = page_context(
            api, project, values.label_names, values.ocr_language, values.text_style, lines_project
        )
        found = accept_agreed(api, context, line_project.sample, seen)
        places = _places(api, project, line_project.project)
    collected_table.show_accepted(found, places, console)
    if summary_json:
        write_summary(Path(summary_json), collected_table.accepted_figures(found, places))
    if found.stopped or found.writes.failures:
        raise click.exceptions.Exit(1)


@contextmanager
def _ready(
    values: Settings, project: int, console: Console, bar: str
) -> Iterator[tuple[LabelStudio, Callable[[int, int], None]]]:
    """Label Studio, and what shows how far the work is; no other run writes into the same project."""
    from backend.one_run import only_run
    from backend.settings import connect
    from backend.sheets.collecting import FOLDER
    from converters.shared.interrupts import stoppable
    from converters.shared.progress import progress

    address = str(values.label_studio_url)
    command = "twinread lines --collect or --accept-agreed"
    with (
        only_run(values.cache_dir, address, project, folder=FOLDER, command=command),
        connect.label_studio(values) as api,
        stoppable(),
        progress(console) as bars,
    ):
        shown = bars.add_task(bar, total=None)
        yield api, lambda done, total: bars.update(shown, completed=done, total=total)


def _places(api: LabelStudio, project: int, sheets: int) -> Places:
    from backend.sheets.collected_table import Places

    return Places(api.base_url, project, sheets, api.users())

"""What `twinread lines --collect` and `twinread lines --accept-agreed` do; the command is in `lines`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from backend.label_studio.client import LabelStudio
    from backend.settings.settings import Settings
    from backend.sheets.line_project import LineProject
    from backend.sheets.page_outcomes import PageContext


def collect_and_accept(
    values: Settings,
    project: int,
    lines_project: int | None,
    console: Console,
    *,
    collects: bool,
    accepts: bool,
) -> tuple[dict[str, Any], bool]:
    """Bring decisions back to their pages, approve agreed pages, or one after the other; and show it.

    Args:
        values: the settings.
        project: the id of the page project.
        lines_project: the id of the line project, where a person named it.
        console: where to show it.
        collects: what people decided on sheets goes back to the pages.
        accepts: then pages without a doubtful line are approved.

    Returns:
        The figures, and whether all was done: False where Label Studio refused a page, or Ctrl-C came.

    Raises:
        ProjectError: there is no line project.
        RunUnderWay: another run does the same.
        LabelStudioFailed: it is out of reach, or refused.
    """
    from backend.sheets import collected_table
    from backend.sheets.accepting import accept_agreed
    from backend.sheets.collected_table import Places
    from backend.sheets.collecting import collect

    figures: dict[str, Any] = {}
    whole = True
    try:
        with _ready(values, project, lines_project, console) as (api, line_project, context, bar):
            places = Places(api.base_url, project, line_project.project, api.users())
            if collects:
                found = collect(api, line_project.project, context, bar("pages with answers"))
                collected_table.show(found, places, console)
                figures |= collected_table.figures(found, places)
                whole = not found.stopped and not found.writes.failures
            if accepts and whole:
                accepted = accept_agreed(
                    api, line_project.project, context, line_project.sample, bar("pages nobody submitted")
                )
                collected_table.show_accepted(accepted, places, console)
                figures["accepted"] = collected_table.accepted_figures(accepted)
                whole = not accepted.stopped and not accepted.writes.failures
    except KeyboardInterrupt:
        console.print("Stopped before anything was written. Run this again.")
        raise click.exceptions.Exit(1) from None
    return figures, whole


@contextmanager
def _ready(
    values: Settings, project: int, lines_project: int | None, console: Console
) -> Iterator[tuple[LabelStudio, LineProject, PageContext, Callable[[str], Callable[[int, int], None]]]]:
    """All that is needed, and what shows how far the work is; no other run writes into the same project."""
    from backend.one_run import only_run
    from backend.settings import connect
    from backend.sheets.collecting import FOLDER
    from backend.sheets.page_context import page_context
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
        line_project, context = page_context(
            api, project, values.label_names, values.ocr_language, values.text_style, lines_project
        )

        def bar(name: str) -> Callable[[int, int], None]:
            shown = bars.add_task(name, total=None)
            return lambda done, total: bars.update(shown, completed=done, total=total)

        yield api, line_project, context, bar

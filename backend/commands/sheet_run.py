"""The frame in which `lines` and `audit` make sheets: alone, with bars, and stopped with a word."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click
from rich.console import Console

from backend.commands.review import project_config
from backend.commands.sheet_bars import SheetBars
from backend.label_studio.client import LabelStudio
from backend.label_studio.labeling_config import LabelingConfig
from backend.one_run import only_run
from backend.settings import connect
from backend.settings.settings import Settings
from backend.sheets.auditing import AuditMade
from backend.sheets.line_project import check_page_project
from backend.sheets.line_webhook import hook_line_project
from backend.sheets.making import COMMAND, FOLDER, Made
from converters.shared.interrupts import stoppable
from converters.shared.progress import progress

SheetsMade = TypeVar("SheetsMade", Made, AuditMade)


def make_sheets(
    work: Callable[[LabelStudio, LabelingConfig, SheetBars], SheetsMade],
    project: int,
    values: Settings,
    console: Console,
) -> SheetsMade:
    """Make sheets of a project's lines, and have Label Studio say when one is submitted.

    Args:
        work: makes them, with Label Studio, the page project's labeling config and who hears how far it is.
        project: the id of the page project.
        values: the settings.
        console: where bars and sentences are shown.

    Raises:
        click.exceptions.Exit: Ctrl-C ended it before the work could say what was done.
        TwinreadError: another run is at work on the project, or as `work` says.
    """
    address = str(values.label_studio_url)
    try:
        with (
            # one lock for both: they make sheets in one project, and keep one note of an import
            only_run(values.cache_dir, address, project, folder=FOLDER, command=COMMAND),
            connect.label_studio(values) as api,
            stoppable(),
            progress(console) as bars,
        ):
            check_page_project(api, project)
            made = work(api, project_config(api, project, values), SheetBars(bars, console))
            if made.line_project is not None:
                sheets = made.line_project.project
                made.said += hook_line_project(api, project, sheets, values.webhook_secret)
            return made
    except KeyboardInterrupt:
        console.print("Stopped. What was made stays; run this again for the rest.")
        raise click.exceptions.Exit(1) from None

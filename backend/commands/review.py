"""The sub-commands about the review of a project: `status` and `reread`.

Each imports the modules it needs when it is called, so that `--help` is fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from backend.label_studio.client import LabelStudio
    from backend.label_studio.labeling_config import LabelingConfig
    from backend.settings.settings import Settings


@click.command()
@click.option("--project", type=int, required=True, help="Number of the project.")
@click.option("--summary-json", type=click.Path(dir_okay=False), help="Write the figures to this file, too.")
def status(project: int, summary_json: str | None) -> None:
    """Show a project's pages and lines by state, who reviewed how fast, and what reading cost.

    A page is unread, doubtful (a line needs a person), agreed (every line was read alike twice),
    reviewed (submitted) or skipped; completed from sheets, or accepted unseen, where nobody looked at the
    page as a whole. What an ERNIE server took is shown by the account in the store of
    readings, and the last training round where it ran with this CACHE_DIR.
    """
    from pathlib import Path

    from rich.console import Console

    from backend.errors import OperatorError
    from backend.outputs import printable, write_summary
    from backend.projects.sheet_status import collect_sheets, sheet_figures, sheet_notes, sheet_table
    from backend.projects.status import PageStage, collect
    from backend.projects.status_table import figures, tables
    from backend.rounds import Rounds
    from backend.settings import connect, logs, settings
    from backend.sheets.lot_claims import figures as claim_figures
    from backend.sheets.lot_claims import sentences
    from backend.sheets.offered_texts import TextRules
    from backend.sheets.project_claims import project_claims

    values = settings.load()
    logs.configure(values.log_level)
    with connect.label_studio(values) as api:
        config = project_config(api, project, values)
        found = collect(api, project, config)
        sheets = collect_sheets(api, project, found)
        claims = []
        if sheets is not None:
            rules = TextRules(values.ocr_language, values.text_style)
            target = values.audit_target
            claims = project_claims(api, project, config, rules, target, sheets.project)
        names = api.users()
        chosen = str(api.project(project)["model_version"] or "")
    console = Console(highlight=False)
    for table in tables(found, names):
        console.print(table)
    if sheets is not None and (people := sheet_table(sheets.work, names)) is not None:
        console.print(people)
    spending = _show_spending(values, project, console)
    _tell_trained_reader(values)
    if found.seconds_left is not None:
        console.print(f"About {found.seconds_left / 3600:.1f} h of work left, at the median pace so far.")
    if found.undecided:
        are = "line of reviewed pages is" if found.undecided == 1 else "lines of reviewed pages are"
        console.print(f"{found.undecided} {are} still undecided; twinread export says why of each.")
    for note in sheet_notes(sheets, found, project):
        console.print(printable(note), markup=False, soft_wrap=True)
    if sheets is not None:
        for note, alarm in sentences(project, claims):
            console.print(printable(note), markup=False, soft_wrap=True, style="red" if alarm else None)
    if found.pages[PageStage.UNREAD] or not found.versions.get(chosen):
        console.print(f"Run `twinread preannotate --project {project}` to fill every page.")
    trained: dict[str, object] | None = None
    try:
        if (state := Rounds(values.cache_dir).state(project)) is not None:
            console.print(printable(state.sentence), markup=False, soft_wrap=True)
            trained = state.shown
    except OperatorError as error:
        # the review is as well known as ever
        click.echo(printable(str(error)), err=True)
        trained = {"problem": str(error)}
    if summary_json:
        claimed = None if sheets is None else [claim_figures(each) for each in claims]
        numbers = {**figures(found, names), "sheets": sheet_figures(sheets), "claims": claimed}
        write_summary(Path(summary_json), {**numbers, "round": trained, "spending": spending})


def _show_spending(values: Settings, project: int, console: Console) -> object:
    """Show what readers took for a project; the same for machines, or the problem in a dictionary."""
    from backend.errors import OperatorError
    from backend.outputs import printable
    from backend.pipeline.from_settings import prices
    from backend.pipeline.spending import spending_figures
    from backend.projects.status_table import spending_notes, spending_tables
    from backend.readers.store.accounts import spending
    from backend.readers.store.database import Database, file_of

    try:
        file = file_of(values.store_address)
        if file is not None and not file.exists():
            return []
        database = Database(values.store_address, busy_timeout_s=10, answer_limit_s=values.store_timeout_s)
        try:
            taken = spending(database, str(project))
        finally:
            database.close()
    except OperatorError as error:
        # the review is as well known as ever
        click.echo(printable(str(error)), err=True)
        return {"problem": str(error)}
    for table in spending_tables(taken, prices(values)):
        console.print(table)
    for note in spending_notes(taken, prices(values)):
        console.print(note)
    return spending_figures(taken, prices(values))


def _tell_trained_reader(values: Settings) -> None:
    """Print which trained model was promoted, where one was; the review is as well known without it."""
    from backend.errors import ModelMissing
    from backend.models.promoted import Promotions
    from backend.outputs import printable
    from backend.projects import trained_reader

    try:
        model = Promotions.under(values.cache_dir).current()
    except ModelMissing as error:
        click.echo(printable(str(error)), err=True)
        return
    if model is not None:
        click.echo(printable(trained_reader.sentence(values, model)))


@click.command()
@click.option("--project", type=int, required=True, help="Number of the project.")
@click.option("--task", type=int, help="Number of the one task to look at; all of them without it.")
def reread(project: int, task: int | None) -> None:
    """Read boxes again that people moved, turned or drew without a text.

    Nothing of theirs is touched: the new texts are stored as a prediction beside their work, and a text
    that a person changed is kept in it. To take it over, open the task, choose the prediction 'reread'
    at the top, then Duplicate Annotation, and submit.
    """
    from backend.outputs import printable
    from backend.projects.reread import NotRead, NotStored
    from backend.projects.reread import reread as read_again
    from backend.settings import connect, logs, settings

    values = settings.load()
    logs.configure(values.log_level)
    count = doubtful = refused = unread = 0
    with connect.label_studio(values) as api:
        for line in read_again(api, project, project_config(api, project, values), task):
            if isinstance(line, NotStored):
                refused += 1
                why = printable(line.why)
                click.echo(f"task {line.task} was left out, its prediction is not stored: {why}", err=True)
                continue
            if isinstance(line, NotRead):
                unread += 1
                region, why = printable(line.region), printable(line.why)
                click.echo(f"task {line.task}, {region} is left as it was: {why}", err=True)
                continue
            count, doubtful = count + 1, doubtful + line.doubtful
            mark = "  (its readings differ)" if line.doubtful else ""
            region, before, after = map(printable, (line.region, line.before, line.after))
            click.echo(f"task {line.task}, {region}: '{before}' -> '{after}'{mark}")
    click.echo(
        f"{count} changed boxes read again, {doubtful} of them doubtful."
        if count or refused or unread
        else "No box was changed."
    )
    if unread:
        click.echo(f"{unread} boxes could not be read; run this again when that is mended.", err=True)
    if refused or unread:
        raise click.exceptions.Exit(1)


def project_config(api: LabelStudio, project: int, values: Settings) -> LabelingConfig:
    """The labeling config of a project.

    Args:
        api: Label Studio.
        project: the id of the project.
        values: the settings, for the names of the labels.

    Raises:
        ConfigIncomplete: it lacks a tag that twinread needs.
    """
    from backend.label_studio.labeling_config import LabelingConfig

    return LabelingConfig.parse(str(api.project(project)["label_config"]), values.label_names)

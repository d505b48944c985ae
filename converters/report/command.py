"""`twinread report`: reads a project or an export, counts, and writes the page and the summary."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click
from rich.console import Console

from backend.errors import BadRequest, LabelStudioFailed
from backend.label_studio.client import LabelStudio
from backend.label_studio.labeling_config import LabelingConfig
from backend.outputs import check_writable, printable, write_file, write_summary
from backend.seams import PageSource
from backend.settings import connect
from backend.settings.settings import Settings
from backend.sheets.line_project import find_line_project
from backend.sheets.offered_texts import TextRules
from backend.sheets.project_claims import project_claims
from backend.sheets.sheet_work import sheet_work
from converters.report import html, terminal
from converters.report.call_cost import CallCost, call_cost
from converters.report.crops import crops_of
from converters.report.options import ReportSpec
from converters.report.report import Report
from converters.report.sheet_lines import SheetLines
from converters.report.worth import AgreedWorth
from converters.reviewed import task_sources
from converters.reviewed.image_folder import notes_of
from converters.reviewed.line_rules import Rules
from converters.reviewed.task_sources import TaskSource
from converters.shared.progress import progress


def make(
    source: TaskSource,
    images: PageSource,
    spec: ReportSpec,
    console: Console,
    sheets: SheetLines | None = None,
    worth: AgreedWorth | None = None,
    cost: CallCost | None = None,
) -> tuple[Report, str]:
    """Count everything, and fill the page.

    Args:
        source: the tasks.
        images: gives their images.
        spec: what the report is made of.
        console: where progress is shown.
        sheets: the work on the project's sheets; None where there are none, or that is not known.
        worth: what audits say of the agreed lines; None where that is not known.
        cost: of a call of the server; None for an export file.

    Returns:
        What was counted, and the page as HTML.

    Raises:
        BadRequest: the file is no export.
        OperatorError: Label Studio is out of reach or refuses.
    """
    report = Report(sheets=sheets, worth=worth, call_cost=cost)
    rules = Rules(names=spec.names, config=source.config, language=spec.language, style=spec.style)
    with progress(console) as bars:
        bar = bars.add_task("Reading tasks", total=source.total)
        for item in source.tasks:
            report.add(item, rules)
            bars.advance(bar)
        lines = html.sample_lines(report)
        cutting = bars.add_task("Cutting out lines", total=len(lines))
        crops = crops_of(
            lines,
            images,
            source.config,
            image_field=spec.image_field,
            tall_lines=spec.tall_lines,
            max_pixels=spec.max_pixels,
            max_scans=spec.max_scans,
            max_decoding_pixels=spec.max_decoding_pixels,
            done=lambda count: bars.advance(cutting, count),
        )
    page = html.page(report, spec.title, crops, spec.people, from_file=spec.from_file)
    return report, page


def people_of(api: LabelStudio) -> dict[str, str]:
    """Annotators' addresses by id; empty where the key may not see them, because ids do as well."""
    try:
        return {str(user): email or str(user) for user, email in api.users().items()}
    except LabelStudioFailed:
        return {}


def sheets_of(
    api: LabelStudio, project: int, config: LabelingConfig | None, values: Settings
) -> tuple[SheetLines | None, AgreedWorth]:
    """The work on a project's sheets, None where it has no line project; and what was audited on them.

    Raises:
        LabelStudioFailed: Label Studio is out of reach, or refused.
    """
    lines = find_line_project(api, project)
    if lines is None:
        return None, AgreedWorth(project)
    work = SheetLines(sheet_work(api.tasks(lines.project), project, lines.annotators))
    if config is None:
        return work, AgreedWorth(project)
    rules = TextRules(values.ocr_language, values.text_style)
    claims = project_claims(api, project, config, rules, values.audit_target, lines.project)
    return work, AgreedWorth(project, claims)


@click.command()
@click.option("--project", type=int, help="Number of the project in Label Studio.")
@click.option(
    "--json",
    "json_file",
    type=click.Path(exists=True, path_type=Path),
    help="An export of Label Studio, JSON; most exports leave out the predictions, which are then not known.",
)
@click.option(
    "--images",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="With --json: folder that holds the images; without it they are fetched.",
)
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="With --json: the project's labeling config, XML.",
)
@click.option(
    "--text-field",
    metavar="NAME",
    help="TextArea that holds transcriptions, where a config has several; as TEXT_FIELD.",
)
@click.option("--image-field", metavar="FIELD", help="Field of the task's data that names its image.")
@click.option(
    "--out",
    default="report.html",
    show_default=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The page.",
)
@click.option(
    "--summary-json",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write all numbers to this file, too.",
)
def report(
    project: int | None,
    json_file: Path | None,
    images: Path | None,
    config: Path | None,
    image_field: str | None,
    text_field: str | None,
    out: Path,
    summary_json: Path | None,
) -> None:
    """Say what the readings were worth, from the work of people.

    What the agreed lines are worth by its audits; share of lines that agreed, and how many of those people
    kept; what each reader and each pair was worth, and what other readers would have cost and gained; error
    rates of each reader and of the filled-in text; confusions with example crops; edits and time per line,
    by language and annotator; agreement between annotators; lines decided on sheets; what nobody looked at;
    curves over time. One HTML page that needs no network.
    """
    from backend.settings import logs, settings
    from converters.reviewed import inputs

    if (project is None) == (json_file is None):
        raise BadRequest("Say what to report on: --project NUMBER, or --json FILE for an export.")
    for option, value in (("images", images), ("config", config)):
        if project is not None and value is not None:
            raise BadRequest(f"--{option} goes with --json; a project's own are read from Label Studio.")
    if summary_json is not None and summary_json.resolve() == out.resolve():
        raise BadRequest("--summary-json names the file of --out; the numbers would take the page's place.")
    for file in filter(None, (out, summary_json)):
        check_writable(file)
    values = settings.load()
    logs.configure("ERROR")
    console = Console(highlight=False, soft_wrap=True)
    names = inputs.names_with(values.label_names, text_field)
    with ExitStack() as opened:
        api = None
        if project is not None or (images is None and values.label_studio_api_key is not None):
            api = opened.enter_context(connect.label_studio(values))
        people: dict[str, str] = {}
        sheets = worth = cost = None
        if json_file is not None:
            known = inputs.labeling_config(config, names)
            if known is None:
                # read twice: what a text stands for is asked before anything is counted
                for _ in inputs.check_text_areas(task_sources.from_file(json_file), names):
                    pass
            source = TaskSource(task_sources.from_file(json_file), known)
            title = json_file.name
        else:
            assert api is not None  # noqa: S101  (opened above)
            assert project is not None  # noqa: S101  (checked above)
            source, people = task_sources.from_project(api, project, names), people_of(api)
            sheets, worth = sheets_of(api, project, source.config, values)
            cost = call_cost(values, project)
            title = str(api.project(project).get("title") or f"Project {project}")
        fetched = inputs.page_source(images, api, values)
        spec = ReportSpec(
            title,
            names,
            people,
            json_file is not None,
            image_field,
            values.tall_lines,
            values.max_page_pixels,
            values.max_jpeg_scans,
            values.max_decoding_pixels,
            values.ocr_language,
            values.text_style,
        )
        made, page = make(source, fetched, spec, console, sheets, worth, cost)
    terminal.tell(made, console, people, from_file=json_file is not None)
    for note in notes_of(fetched):
        console.print(printable(note), markup=False, style="yellow")
    with ExitStack() as last:
        if summary_json:
            # also where there is no more room for the page, which is much larger
            last.callback(write_summary, summary_json, made.summary())
        write_file(out, page)
    console.print(f"The page is {out}.", markup=False)
